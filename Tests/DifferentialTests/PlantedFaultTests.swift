// Quality of the harness: every planted fault is found by an ordinary campaign, and what is found is small.

import Campaign
import Canister
import Corpus
import Differential
import Generation
import Minimization
import Mutation
import Testing

@Suite(.serialized) struct PlantedFaultTests {
  /// Cases within which every fault has to be found.
  static let caseLimit: UInt64 = 20_000
  /// Instructions that a minimized case has at most, over all functions.
  static let instructionLimit = 40
  /// Cases of a fault that are minimized as long as none becomes small; a campaign keeps five per bucket.
  static let casesPerFault = 5
  static let messageLimit = 4

  @Test(arguments: PlantedFault.all) func isFoundAndMinimized(_ fault: PlantedFault) throws {
    let runner = CaseRunner { module, strategy, parameters throws(Fault) in
      let instrumented = try standardInstrumenter(module, strategy, parameters)
      return fault.apply(to: instrumented, original: module, strategy: strategy, parameters: parameters)
        ?? instrumented
    }
    // A campaign keeps several cases of a bucket, the smallest first: that is what a person sees.
    var smallest: CaseSize?
    var next: UInt64 = 0
    for _ in 0..<Self.casesPerFault {
      guard let found = find(fault, runner, from: next) else { break }
      next = found.index + 1
      guard case .diverge(let divergence) = found.verdict else {
        Issue.record("\(fault.id): case \(found.index): \(found.verdict.sentence)")
        return
      }
      let result = minimizeFinding(
        found.testCase, found.verdict, runner: runner, budget: MinimizationBudget(predicateCalls: 2_000))
      #expect(runner.runCase(result.case).verdict.bucket == found.verdict.bucket)
      let size = caseSize(result.case)
      print(
        "planted fault \(fault.id): case \(found.index), bucket \(divergence.bucket), minimized to "
          + "\(size.instructions) instructions, \(size.messages) messages in \(result.tried) runs")
      if size.instructions < smallest?.instructions ?? .max { smallest = size }
      if isSmall(size) { break }
    }
    guard let smallest else {
      Issue.record("\(fault.id) (\(fault.rule)): not found within \(Self.caseLimit) cases")
      return
    }
    #expect(isSmall(smallest), "\(fault.id): \(smallest)")
  }

  private func isSmall(_ size: CaseSize) -> Bool {
    size.instructions <= Self.instructionLimit && size.messages <= Self.messageLimit
  }

  @Test func thereAreEnoughFaults() {
    #expect(PlantedFault.all.count >= 25)
    #expect(Set(PlantedFault.all.map(\.id)).count == PlantedFault.all.count)
  }

  /// The first case from an index on that shows a fault, of the first profile that has one.
  private func find(
    _ fault: PlantedFault, _ runner: CaseRunner, from first: UInt64
  ) -> (index: UInt64, testCase: Case, verdict: Verdict)? {
    for profile in GeneratorProfile.allCases where fault.profiles.contains(profile.rawValue) {
      let generator = Generator(profile: profile)
      for index in first..<Self.caseLimit {
        let testCase = generator.generate(seed: 1, index: index).case
        let verdict = runner.runCase(testCase).verdict
        if verdict.bucket != nil { return (index, testCase, verdict) }
      }
    }
    return nil
  }
}
