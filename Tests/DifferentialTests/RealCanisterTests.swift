// Real canister modules through all lanes with their default plans.

import Canister
import Corpus
import Differential
import Foundation
import Instrumentation
import TestSupport
import Testing
import Wasm

/// The names of the real canisters in the inputs; one name of nothing where the inputs are absent.
private let names: [String] = {
  guard let folder = Inputs.input("canisters"), let table = try? Inputs.table(folder.appending(path: "manifest.tsv"))
  else { return ["(absent)"] }
  return table.compactMap { $0["name"] }
}()

/// The bytes of a real canister; nil, with a line in the log, where the inputs are absent.
func canisterModule(_ name: String) throws -> [UInt8]? {
  guard let url = Inputs.input("canisters/\(name).wasm") else {
    Inputs.reportSkip("canister \(name)", "no ../shared/inputs/canisters beside the package")
    return nil
  }
  return try Inputs.bytes(url)
}

@Suite struct RealCanisterTests {
  @Test(arguments: names) func lanesAgree(_ name: String) throws {
    guard let bytes = try canisterModule(name) else { return }
    let entry = try decodeEnvelope(bytes)
    let result = CaseRunner().runCase(entry.case, lanes: .strategies(Strategy.all))
    #expect(result.verdict == .agree, "\(result.verdict.sentence)")
    #expect(result.observations.count == entry.case.plan.messages.count)
    // A plan in which nothing runs would agree as well.
    #expect(result.observations.contains { $0.instructions > 0 })
  }

  @Test(arguments: names) func instrumentedModulesAreValid(_ name: String) throws {
    guard let bytes = try canisterModule(name) else { return }
    let module = try decodeAndValidate(bytes)
    let tool = Inputs.tool("wasm-tools")
    if tool == nil { Inputs.reportSkip("wasm-tools validate of instrumented \(name)", "wasm-tools is not installed") }
    for strategy in Strategy.all {
      let instrumented = encode(try instrument(module, strategy: strategy, parameters: Parameters()))
      _ = try decodeAndValidate(instrumented)
      if tool == nil { continue }
      let file = FileManager.default.temporaryDirectory.appending(path: "stablefuzz-\(UUID().uuidString).wasm")
      try Data(instrumented).write(to: file)
      defer { try? FileManager.default.removeItem(at: file) }
      let answer = try Inputs.run("wasm-tools", ["validate", "--features", "all", file.path])
      #expect(answer.status == 0, "\(name), \(strategy): \(answer.errors)")
    }
  }
}
