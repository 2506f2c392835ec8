// The canary: found where a run tests something, missed where it does not, and never taken for a finding.

import Campaign
import Canister
import Corpus
import Differential
import Generation
import Instrumentation
import Mutation
import Testing
import Wasm

@Suite struct CanaryTests {
  private func campaign(
    _ canary: Canary?, cases: UInt64, jobs: Int = 1, instrumenter: @escaping Instrumenter = standardInstrumenter
  ) -> CampaignConfiguration {
    CampaignConfiguration(
      profile: .native, seed: 7, jobs: jobs, budget: Budget(cases: cases, findings: nil), instrumenter: instrumenter,
      canary: canary)
  }

  private func canary(_ rule: MutationRule) -> Canary {
    Canary(name: rule.name) { module, strategy, parameters throws(Fault) in
      let instrumented = try standardInstrumenter(module, strategy, parameters)
      return MutationTarget(instrumented, original: module, strategy: strategy, parameters: parameters)
        .flatMap(rule.apply) ?? instrumented
    }
  }

  private let world = CampaignWorld(elapsed: { 1 })

  @Test func isFoundAndIsNoFinding() throws {
    let rule = try #require(Canaries.choose(seed: 7, profile: "native"))
    let plain = try runCampaign(campaign(nil, cases: 200), world: world).record
    let one = try runCampaign(campaign(canary(rule), cases: 200), world: world).record
    let four = try runCampaign(campaign(canary(rule), cases: 200, jobs: 4), world: world).record
    #expect(plain.canary == nil)
    #expect(one.canary?.foundIn != nil && one.canary == four.canary)
    #expect(one.verdicts == plain.verdicts && one.digest == plain.digest && one.buckets.isEmpty)
  }

  /// Modules with direct access have no stable functions to make mistakes in.
  @Test(arguments: [GeneratorProfile.direct, .named]) func directProfilesFindTheirs(_ profile: GeneratorProfile) throws
  {
    let rules = Dictionary(
      (0..<100).compactMap { Canaries.choose(seed: $0, profile: profile.rawValue) }.map { ($0.name, $0) },
      uniquingKeysWith: { first, _ in first })
    #expect(rules.count > 2)
    for rule in rules.values {
      var campaign = campaign(canary(rule), cases: 150)
      campaign.profile = profile
      #expect(try runCampaign(campaign, world: world).record.canary?.foundIn != nil, "\(rule.name)")
    }
  }

  @Test func isMissedWhereNothingShowsIt() throws {
    let nothing = Canary(name: "nothing", instrumenter: standardInstrumenter)
    let record = try runCampaign(campaign(nothing, cases: 100), world: world).record
    #expect(record.canary == CanaryRecord(name: "nothing", foundIn: nil))
    let outcome = try runGate(
      GateConfiguration(campaign: campaign(nothing, cases: 100), minimumCases: 10, corpus: []),
      stores: CampaignStores(), world: world)
    #expect(!outcome.hasFoundCanary && outcome.hasComparedEnough && !outcome.hasDoneEnough)
  }

  /// A case that shows something real does not count for the canary.
  @Test func realDivergencesDoNotStandInForIt() throws {
    let broken: Instrumenter = { module, strategy, parameters throws(Fault) in
      var result = try standardInstrumenter(module, strategy, parameters)
      result.exports.removeAll { $0.name == InstrumentationExport.bytemap }
      return result
    }
    let rule = try #require(Canaries.choose(seed: 7, profile: "native"))
    let record = try runCampaign(campaign(canary(rule), cases: 20, instrumenter: broken), world: world).record
    #expect(record.verdicts.fault == 20 && record.canary?.foundIn == nil)
  }

  @Test func choicesAreFixedBySeedAndDiffer() {
    let chosen = (0..<200).map { Canaries.choose(seed: $0, profile: "native")?.name }
    #expect(!chosen.contains(nil))
    #expect(Set(chosen).count > 20)
    #expect(chosen == (0..<200).map { Canaries.choose(seed: $0, profile: "native")?.name })
  }
}
