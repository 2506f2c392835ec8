// Real canister modules under all four placements: instrumented they validate here and, where it is installed, with
// wasm-tools. And how long instrumentation takes.

import Canister
import Foundation
import Instrumentation
import TestSupport
import Testing
import Wasm

/// The canister modules beside the package; empty where absent.
private func canisterFiles() -> [URL] {
  guard let folder = Inputs.input("canisters"),
    let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
  else { return [] }
  return files.filter { $0.pathExtension == "wasm" }.sorted { $0.path < $1.path }
}

@Suite struct CanisterFileTests {
  @Test(arguments: canisterFiles(), Strategy.all)
  func instrumentedCanistersAreValid(_ file: URL, _ strategy: Strategy) throws {
    let module = try decodeAndValidate(try Inputs.bytes(file))
    let instrumented = try instrument(module, strategy: strategy, parameters: Parameters())
    try validate(instrumented)
    let bytes = encode(instrumented)
    #expect(try decode(bytes) == instrumented)
    if let names = module.names, let shifted = instrumented.names {
      #expect(shifted.functions.count > names.functions.count)
    }
    guard Inputs.tool("wasm-tools") != nil else { return }
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("instrumented-\(UUID().uuidString).wasm")
    defer { try? FileManager.default.removeItem(at: copy) }
    try Data(bytes).write(to: copy)
    let result = try Inputs.run("wasm-tools", ["validate", "--features=all", copy.path])
    #expect(result.status == 0, "\(file.lastPathComponent) \(strategy): \(result.errors)")
  }

  @Test func absentInputsAreReported() {
    if canisterFiles().isEmpty { Inputs.reportSkip("instrumented canisters", "no inputs beside the package") }
    if Inputs.tool("wasm-tools") == nil { Inputs.reportSkip("wasm-tools validate", "wasm-tools is not installed") }
  }

  @Test func speed() throws {
    func report(_ name: String, _ module: Module, rounds: Int) throws {
      let clock = ContinuousClock()
      var best = Duration.seconds(1_000)
      for _ in 0..<5 {
        let time = try clock.measure {
          for _ in 0..<rounds { _ = try instrument(module, strategy: Strategy.all[0], parameters: Parameters()) }
        }
        best = min(best, time / rounds)
      }
      let instructions = module.functions.reduce(0) { $0 + $1.body.instructions.count }
      let microseconds = Double(best.components.attoseconds) / 1e12
      print("instrument \(name): \(instructions) instructions in \(Int(microseconds)) µs")
    }
    var large = everything()
    let update = large.functions[Sample.update].body.instructions
    for _ in 0..<10 { large.add(locals: large.functions[Sample.update].body.locals, body: Array(update.dropLast())) }
    try report("module made by hand", large, rounds: 200)
    for file in canisterFiles() { try report(file.lastPathComponent, try decode(try Inputs.bytes(file)), rounds: 2) }
  }
}
