// `stablefuzz gate`: the check for CI.

import ArgumentParser
import Campaign
import Corpus
import Differential
import Reporting

struct Gate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay the corpus, then run fresh cases; succeed only if nothing differs and enough was done.")

  @OptionGroup var budget: BudgetOptions
  @Option(help: ArgumentHelp("Fresh cases that have to be compared at least.", valueName: "n")) var minCases = 1_000
  @Option(help: ArgumentHelp("Fixes the fresh cases; random if left out.", valueName: "n")) var seed: UInt64?
  @Option(help: ArgumentHelp("Worker threads.", valueName: "n")) var jobs = 1
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions
  @Option(
    help: ArgumentHelp(
      "The mutant that the fresh cases have to find: its name, 'random' or 'off'.", valueName: "mutant"))
  var canary = CanaryChoice.random
  @OptionGroup var stores: StoreOptions
  @Option(help: ArgumentHelp("How to show progress: auto, screen, lines, json or off.", valueName: "mode"))
  var status = StatusMode.auto

  func validate() throws {
    if budget.time == nil && budget.cases == nil { throw ValidationError("give a budget, such as --minutes 5") }
    if minCases < 1 { throw ValidationError("--min-cases has to be at least 1") }
    if jobs < 1 || jobs > 1_024 { throw ValidationError("--jobs has to be between 1 and 1024") }
    _ = try lanes.instrumenter()
    _ = try canary.canary(seed: 0, profile: profile.profile)
  }

  func run() throws {
    let seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
    var campaign = CampaignConfiguration(
      profile: profile.profile, seed: seed, lanes: lanes.lanes ?? .ofCase,
      jobs: jobs, budget: Budget(cases: budget.cases, seconds: budget.time), instrumenter: try lanes.instrumenter(),
      outside: lanes.outside, canary: try canary.canary(seed: seed, profile: profile.profile),
      instrumenterArguments: lanes.instrumenterArguments)
    try reportingErrors {
      campaign.sources = try profile.sources()
      campaign.sourceArguments = profile.sourceArguments
      let directories = CorpusStore(root: stores.corpus).gatedDirectories
      if directories.isEmpty {
        throw fail("nothing to replay: '\(stores.corpus)' has neither regressions nor seeds", .badData)
      }
      Interruption.listen()
      let printer = StatusPrinter(status)
      let stopwatch = Stopwatch()
      let outcome = try runGate(
        GateConfiguration(campaign: campaign, minimumCases: minCases, corpus: directories), stores: stores.stores(),
        world: CampaignWorld(
          elapsed: { stopwatch.seconds }, isInterrupted: { Interruption.isWanted }, report: printer.show))
      printer.finish()
      show(outcome)
      throw exit(outcome).code
    }
  }

  private func show(_ outcome: GateOutcome) {
    print("replayed \(grouped(outcome.replayed)) corpus entries, \(outcome.failures.count) failed")
    for failure in outcome.failures { print("  \(failure.problem ?? "\(failure.path): \(failure.verdict.sentence)")") }
    print("\nfresh cases: \(summaryText(outcome.campaign.record))")
    for index in outcome.unstable {
      print("case \(outcome.campaign.record.seed):\(index) gave another result when it was run again")
    }
    if !outcome.hasFoundCanary { print("too little work: the canary was not found") }
    if !outcome.hasComparedEnough {
      print("too little work: \(outcome.campaign.record.casesCompared) of \(outcome.minimumCases) fresh cases compared")
    }
    print(exit(outcome) == .clean ? "gate: open" : "gate: closed")
  }

  private func exit(_ outcome: GateOutcome) -> Exit {
    if outcome.faults > 0 { return .fault }
    if outcome.badEntries > 0 { return .badData }
    if outcome.divergences > 0 { return .divergence }
    if outcome.toolFailures > 0 { return .toolFailure }
    if !outcome.unstable.isEmpty { return .nonDeterminism }
    if outcome.campaign.end == .interrupted { return .interrupted }
    return outcome.hasDoneEnough ? .clean : .tooLittleWork
  }
}
