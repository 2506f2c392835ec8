// Modules in files: plain, and compressed by gzip, with what is wrong with them named by file.

import Corpus
import Foundation
import TestSupport
import Testing

@Suite struct ModuleFileTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("stablefuzz-modules-\(UUID().uuidString)")

  /// A file in a folder of its own.
  private func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let url = folder.appendingPathComponent(name)
    try Data(bytes).write(to: url)
    return url.path
  }

  @Test func compressedEntriesAreReadLikePlainOnes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    let path = try write(module, "empty.wasm")
    guard Inputs.tool("gzip") != nil else {
      Inputs.reportSkip("compressed entries", "gzip is not installed")
      return
    }
    #expect(try Inputs.run("gzip", ["-k", path]).status == 0)
    #expect(try ModuleFile(reading: path).contents == module)
    #expect(try ModuleFile(reading: path + ".gz").contents == module)
    #expect(try readEntry(path + ".gz") == readEntry(path))
    #expect(try listCases(at: folder.path) == [path, path + ".gz"])
  }

  @Test func errorsNameTheFile() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = try write([0x1F, 0x8B, 0x08, 0, 0], "short.wasm.gz")
    let error = #expect(throws: CorpusError.self) { try ModuleFile(reading: path).contents }
    #expect(error?.description == "\(path): gzip stream is too short: 5 bytes")
    #expect(error?.isInputOutput == false)
    let absent = folder.appendingPathComponent("absent.wasm").path
    #expect(throws: CorpusError.self) { try ModuleFile(reading: absent) }
  }
}
