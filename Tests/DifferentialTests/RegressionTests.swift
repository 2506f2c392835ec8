// The corpus: every stored case agrees in all lanes. Committing a fixed divergence makes it a test.

import Canister
import Corpus
import Differential
import Foundation
import TestSupport
import Testing

private let entries: [String] = ["corpus/regressions", "corpus/seeds"].flatMap { folder in
  (try? listCases(at: Inputs.packageRoot.appending(path: folder).path)) ?? []
}

@Suite struct RegressionTests {
  @Test func thereAreEntries() { #expect(entries.count >= 30) }

  @Test(arguments: entries) func agrees(_ path: String) throws {
    let entry = try readEntry(path)
    let result = CaseRunner().runCase(entry.case, lanes: .strategies(Strategy.all))
    #expect(result.verdict == .agree, "\(path): \(result.verdict.sentence)")
    #expect(URL(fileURLWithPath: path).lastPathComponent == "\(entryDigest(encodeEnvelope(entry))).wasm")
  }
}
