// Mutants as rules: their names, that what they make is valid and something else, and the probes that tell what is reached.

import Canister
import Instrumentation
import Mutation
import Testing
import Wasm

@Suite struct MutationRuleTests {
  private func targets() throws -> [MutationTarget] {
    try SampleShape.all.flatMap { shape -> [MutationTarget] in
      let original = everything(shape)
      return try Strategy.all.map { strategy in
        let instrumented = try instrument(original, strategy: strategy, parameters: Parameters())
        return try #require(
          MutationTarget(instrumented, original: original, strategy: strategy, parameters: Parameters()))
      }
    }
  }

  @Test func namesAreUniqueAndSentencesWhole() {
    let names = MutationRule.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(MutationRule.all.count { $0.profiles.contains("native") } >= 1_000)
    #expect(MutationRule.all.allSatisfy { $0.sentence.hasSuffix(".") && $0.name.contains("/") })
    #expect(MutationRule(name: names[7])?.name == names[7])
    #expect(MutationRule(name: "no such mutant") == nil)
  }

  @Test func familiesAreAllThere() {
    let families = Set(MutationRule.all.map(\.family))
    #expect(families == Set(MutationFamily.allCases).subtracting([.lane]))
  }

  /// Rules about injected functions are not validated one by one when they are applied, so they are here.
  @Test func whatRulesMakeIsValidAndSomethingElse() throws {
    let targets = try targets()
    var applied = Set<String>()
    for target in targets {
      for rule in MutationRule.all {
        guard let mutant = rule.apply(to: target) else { continue }
        applied.insert(rule.name)
        #expect(mutant != target.instrumented, "\(rule.name)")
        #expect(throws: Never.self, "\(rule.name), \(target.strategy)") { try validate(mutant) }
      }
    }
    #expect(applied.count > 2_500)
  }

  @Test func equivalentMutantsExist() {
    let names = Set(MutationRule.all.map(\.name))
    let reasons = EquivalentMutants.reasons(profile: "native")
    #expect(reasons.count > 100)
    #expect(Set(EquivalentMutants.reasons(profile: "multi-memory").keys).isStrictSubset(of: reasons.keys))
    for (name, reason) in reasons {
      #expect(names.contains(name), "\(name) is listed as equivalent and does not exist")
      #expect(!reason.isEmpty)
    }
  }

  @Test func canariesExistAndAreNotEquivalent() {
    let reasons = EquivalentMutants.reasons(profile: "native")
    for seed in 0..<300 {
      let canary = Canaries.choose(seed: UInt64(seed), profile: "native")
      #expect(canary != nil && canary.map { reasons[$0.name] == nil } == true)
    }
  }

  @Test func probesAreValid() throws {
    let rule = try #require(MutationRule(name: "stable64_write/memory.fill#1/dropped"))
    for target in try targets() {
      try validate(target.coverageProbe)
      #expect(
        IndexSpaces(target.coverageProbe).globals.count
          == IndexSpaces(target.instrumented).globals.count + InjectedCoverage.words)
      guard let mutant = rule.apply(to: target) else { continue }
      let probe = try #require(reachProbe(target.instrumented, mutant: mutant))
      try validate(probe)
    }
  }

  @Test func statementsOfABodyAreWholeAndNested() throws {
    // Every statement can be taken out without making the body invalid: the rules of this kind are all there.
    let dropped = MutationRule.all.filter {
      $0.name.hasPrefix("stable_write/statement#") && $0.name.hasSuffix("/dropped")
    }
    #expect(dropped.count >= 18)
  }
}
