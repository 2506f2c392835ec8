// The scripts of the specification's test suite run directly from their text (`.wast`): what happens is what happens
// when they are run in the form that another tool converted them to.

import Foundation
import TestSupport
import Testing

@Suite struct SpecScriptTests {
  @Test func scriptsRunAsTheirConvertedForm() throws {
    if SpecSuite.scripts.isEmpty {
      return Inputs.reportSkip("specification suite (scripts as text)", "STABLEFUZZ_TESTSUITE names no checkout of it")
    }
    var total = SpecTally()
    for url in SpecSuite.scripts {
      let script = try SpecFile(script: url)
      let tally = try SpecScriptRunner.run(script)
      total.add(tally)
      guard let converted = SpecSuite.core.first(where: { $0.name == script.name }) else { continue }
      let wanted = try SpecScriptRunner.run(converted)
      #expect(tally.failures.count == wanted.failures.count, "\(script.name): \(tally.failures)")
      for (kind, count) in wanted.counts {
        #expect(tally.counts[kind]?.passed == count.passed, "\(script.name): \(kind.rawValue)")
      }
    }
    print("specification suite (scripts as text): \(SpecSuite.scripts.count) scripts, \(total.failures.count) failures")
    for (kind, count) in total.counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      print(
        "  \(kind.rawValue): \(count.passed) passed, \(count.failed) failed, \(count.skipped.values.reduce(0, +)) skipped"
      )
    }
  }
}
