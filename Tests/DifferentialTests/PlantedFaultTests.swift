// Quality of the harness: every planted fault is found by an ordinary campaign, and what is found is small.

import Campaign
import Canister
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
  static let messageLimit = 4

  @Test(arguments: PlantedFault.all) func isFoundAndMinimized(_ fault: PlantedFault) throws {
    let runner = CaseRunner { module, strategy, parameters throws(Fault) in
      let instrumented = try standardInstrumenter(module, strategy, parameters)
      return fault.apply(to: instrumented, original: module, strategy: strategy, parameters: parameters)
        ?? instrumented
    }
    guard let found = find(fault, runner) else {
      Issue.record("\(fault.id) (\(fault.rule)): not found within \(Self.caseLimit) cases")
      return
    }
    guard case .diverge(let divergence) = found.verdict else {
      Issue.record("\(fault.id): case \(found.index): \(found.verdict.sentence)")
      return
    }
    let result = minimizeFinding(
      found.testCase, found.verdict, runner: runner, budget: MinimizationBudget(predicateCalls: 6_000))
    let size = caseSize(result.case)
    #expect(runner.runCase(result.case).verdict.bucket == found.verdict.bucket)
    #expect(size.instructions <= Self.instructionLimit, "\(fault.id): \(size)")
    #expect(size.messages <= Self.messageLimit, "\(fault.id): \(size)")
    print(
      "planted fault \(fault.id): case \(found.index), bucket \(divergence.bucket), minimized to \(size.instructions) "
        + "instructions, \(size.messages) messages in \(result.tried) runs")
  }

  @Test func thereAreEnoughFaults() {
    #expect(PlantedFault.all.count >= 25)
    #expect(Set(PlantedFault.all.map(\.id)).count == PlantedFault.all.count)
  }

  private func find(_ fault: PlantedFault, _ runner: CaseRunner) -> (index: UInt64, testCase: Case, verdict: Verdict)? {
    for profile in GeneratorProfile.allCases where fault.profiles.contains(profile.rawValue) {
      let generator = Generator(profile: profile)
      for index in 0..<Self.caseLimit {
        let testCase = generator.generate(seed: 1, index: index).case
        let verdict = runner.runCase(testCase).verdict
        if verdict.bucket != nil { return (index, testCase, verdict) }
      }
    }
    return nil
  }
}
