// Finds and unpacks the outside test sets beside the package (`../shared`), which may be absent, and outside tools.
// Used by every test target that compares the project with inputs nobody on it wrote.

import Foundation

/// The folders beside the package.
public enum Inputs {
  /// The root of the package, where `Package.swift` is.
  public static let packageRoot: URL = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static let shared = packageRoot.deletingLastPathComponent().appendingPathComponent("shared")

  /// A file or folder of the inputs; nil where it is absent.
  public static func input(_ name: String) -> URL? { existing(shared.appendingPathComponent("inputs/\(name)")) }

  /// A file of the reference documents; nil where it is absent.
  public static func reference(_ name: String) -> URL? { existing(shared.appendingPathComponent("reference/\(name)")) }

  public static func existing(_ url: URL) -> URL? {
    FileManager.default.fileExists(atPath: url.path) ? url : nil
  }

  /// The folder with the contents of `<name>.tar.xz`, unpacked once; nil where the archive is absent.
  ///
  /// Unpacks into the system's temporary directory under a name made from size and time of the archive. Several
  /// processes may do so at once: each unpacks under a name of its own, and the first to rename wins.
  public static func unpacked(_ name: String) throws -> URL? {
    guard let archive = input("\(name).tar.xz") else { return nil }
    let manager = FileManager.default
    let attributes = try manager.attributesOfItem(atPath: archive.path)
    let size = (attributes[.size] as? NSNumber)?.int64Value ?? 0
    let time = Int64((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0)
    let temporary = manager.temporaryDirectory
    let target = temporary.appendingPathComponent("stablefuzz-inputs-\(name)-\(size)-\(time)")
    if existing(target) != nil { return target }
    let partial = temporary.appendingPathComponent("\(target.lastPathComponent).\(UUID().uuidString)")
    try manager.createDirectory(at: partial, withIntermediateDirectories: true)
    let result = try run("tar", ["-xJf", archive.path, "-C", partial.path])
    guard result.status == 0 else {
      try? manager.removeItem(at: partial)
      throw ToolFailure(description: "tar cannot unpack \(archive.path): \(result.errors)")
    }
    do {
      try manager.moveItem(at: partial, to: target)
    } catch {
      try? manager.removeItem(at: partial)
      if existing(target) == nil { throw error }
    }
    return target
  }

  public static func bytes(_ url: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: url)) }

  /// Lines of a file of tab-separated values as dictionaries by the names in its first line.
  public static func table(_ url: URL) throws -> [[String: String]] {
    let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
    var lines = text.split(separator: "\n").map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    if lines.isEmpty { return [] }
    let names = lines.removeFirst()
    return lines.map { Dictionary(zip(names, $0), uniquingKeysWith: { first, _ in first }) }
  }

  /// Says that a set was not run. One line, so that a reader of the log sees what the run did not cover.
  public static func reportSkip(_ what: String, _ reason: String) {
    print("SKIPPED: \(what): \(reason)")
  }
}

// MARK: Tools

/// An outside tool that could not do its work.
public struct ToolFailure: Error, CustomStringConvertible {
  public let description: String
}

/// What an outside tool answered.
public struct ToolResult: Sendable {
  public let status: Int32
  public let output: [UInt8]
  public let errors: String
}

extension Inputs {
  /// A tool from the folder named by the environment variable `STABLEFUZZ_TOOLS`, or from `PATH`; nil: not installed.
  public static func tool(_ name: String) -> URL? {
    let environment = ProcessInfo.processInfo.environment
    let folders =
      [environment["STABLEFUZZ_TOOLS"] ?? ""] + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    for folder in folders where !folder.isEmpty {
      let url = URL(fileURLWithPath: folder).appendingPathComponent(name)
      if FileManager.default.isExecutableFile(atPath: url.path) { return url }
    }
    return nil
  }

  /// Runs a tool to its end. Output goes through files, so that neither pipe can fill up.
  public static func run(_ tool: String, _ arguments: [String]) throws -> ToolResult {
    guard let executable = Inputs.tool(tool) else { throw ToolFailure(description: "\(tool) is not installed") }
    let manager = FileManager.default
    let scratch = manager.temporaryDirectory.appendingPathComponent("stablefuzz-tool-\(UUID().uuidString)")
    try manager.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: scratch) }
    let (output, errors) = (scratch.appendingPathComponent("output"), scratch.appendingPathComponent("errors"))
    try Data().write(to: output)
    try Data().write(to: errors)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return ToolResult(
      status: process.terminationStatus, output: try bytes(output),
      errors: String(decoding: try bytes(errors), as: UTF8.self))
  }
}
