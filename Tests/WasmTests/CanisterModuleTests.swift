// Real canister modules: all decode, validate, and survive encoding; and how fast that goes.
// The modules themselves are run by the tests of the lanes.

import Foundation
import TestSupport
import Testing
import Wasm

/// The canister modules beside the package, by name; empty where absent.
func canisterModules() -> [URL] {
  guard let folder = Inputs.input("canisters"),
    let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
  else { return [] }
  return files.filter { $0.pathExtension == "wasm" }.sorted { $0.path < $1.path }
}

@Suite struct CanisterModuleTests {
  @Test(arguments: canisterModules())
  func canistersSurvive(_ url: URL) throws {
    let bytes = try Inputs.bytes(url)
    let module = try decodeAndValidate(bytes)
    expectRoundTrip(module, url.lastPathComponent)
    #expect(sectionDifference(bytes, encode(module)) == nil)
    if let section = module.customSections.first(where: { $0.name == NameSection.sectionName }) {
      let names = try #require(NameSection(decoding: section.bytes))
      #expect(NameSection(decoding: names.encoded()) == names)
    }
  }

  @Test func speed() throws {
    guard let url = Inputs.input("canisters/sdk-icrc1-ledger.wasm") else {
      Inputs.reportSkip("canister modules", "no inputs beside the package")
      return
    }
    let bytes = try Inputs.bytes(url)
    let module = try decode(bytes)
    func rate(_ what: String, _ work: () throws -> Void) rethrows {
      let clock = ContinuousClock()
      var best = Duration.seconds(1_000)
      for _ in 0..<5 { best = min(best, try clock.measure(work)) }
      let seconds = Double(best.components.attoseconds) / 1e18 + Double(best.components.seconds)
      print("\(what) \(url.lastPathComponent): \(Int(Double(bytes.count) / seconds / 1e6)) MB/s")
    }
    try rate("decode") { _ = try decode(bytes) }
    try rate("validate") { try validate(module) }
    rate("encode") { _ = encode(module) }
  }
}
