// `stablefuzz run`: a campaign of fresh cases.

import ArgumentParser
import Campaign
import Corpus
import Differential
import Reporting

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generate cases, run them on both lanes and compare. (default)",
    discussion: "Divergences are minimized and stored in the corpus. Give a time or a number of cases.")

  @OptionGroup var budget: BudgetOptions
  @Option(help: ArgumentHelp("Fixes all cases; random if left out.", valueName: "n")) var seed: UInt64?
  @Option(help: ArgumentHelp("Worker threads.", valueName: "n")) var jobs = 1
  @Option(help: ArgumentHelp("Run only every N-th case, starting with the I-th.", valueName: "i/n"))
  var shard = Shard.whole
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions
  @Option(help: ArgumentHelp("Plant a mutant that the run has to find: its name, or 'random'.", valueName: "mutant"))
  var canary: CanaryChoice?
  @OptionGroup var stores: StoreOptions
  @Flag(help: "Go on however many findings there are (else a run ends after 100).") var keepGoing = false
  @Option(help: ArgumentHelp("End after this many divergent or faulty cases.", valueName: "n")) var stopAfter: Int?
  @Flag(help: "Go on from where the same campaign was interrupted.") var resume = false
  @Flag(exclusivity: .exclusive) var search = Search.unguided
  @Flag(inversion: .prefixedNo, help: "Note what cases reach; see 'stablefuzz help coverage'.") var coverage = true
  @Option(help: ArgumentHelp("How to show progress: auto, screen, lines, json or off.", valueName: "mode"))
  var status = StatusMode.auto

  func validate() throws {
    if jobs < 1 || jobs > 1_024 { throw ValidationError("--jobs has to be between 1 and 1024") }
    if let stopAfter, stopAfter < 1 { throw ValidationError("--stop-after has to be at least 1") }
    if keepGoing && stopAfter != nil { throw ValidationError("--keep-going and --stop-after exclude each other") }
    if resume && seed == nil { throw ValidationError("--resume needs the --seed of the campaign") }
    if search == .guided && !coverage { throw ValidationError("--guided needs coverage") }
    _ = try lanes.instrumenter()
    _ = try canary?.canary(seed: 0, profile: profile.profile)
  }

  func run() throws {
    // Asked for here and not in `validate`, so that a mistyped command or option is named first.
    if budget.time == nil && budget.cases == nil {
      throw ValidationError("give a budget: --hours, --minutes, --seconds or --cases")
    }
    let seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
    var configuration = CampaignConfiguration(
      profile: profile.profile, seed: seed, lanes: lanes.lanes ?? .ofCase,
      shard: shard, jobs: jobs,
      budget: Budget(
        cases: budget.cases, seconds: budget.time,
        findings: keepGoing ? nil : stopAfter ?? Budget.defaultFindings),
      instrumenter: try lanes.instrumenter(), outside: lanes.outside,
      canary: try canary?.canary(seed: seed, profile: profile.profile),
      instrumenterArguments: lanes.instrumenterArguments)
    configuration.isGuided = search == .guided
    configuration.collectsCoverage = coverage
    try reportingErrors {
      configuration.sources = try profile.sources()
      configuration.sourceArguments = profile.sourceArguments
      let outcome = try campaign(configuration)
      print(summaryText(outcome.record), terminator: "")
      throw exit(outcome).code
    }
  }

  private func campaign(_ configuration: CampaignConfiguration) throws -> CampaignOutcome {
    Interruption.listen()
    let printer = StatusPrinter(status)
    let stopwatch = Stopwatch()
    defer { printer.finish() }
    return try runCampaign(
      configuration, stores: stores.stores(resumes: resume),
      world: CampaignWorld(
        elapsed: { stopwatch.seconds }, isInterrupted: { Interruption.isWanted }, report: printer.show))
  }

  private func exit(_ outcome: CampaignOutcome) -> Exit {
    let verdicts = outcome.record.verdicts
    if verdicts.fault > 0 { return .fault }
    if verdicts.diverge > 0 { return .divergence }
    if verdicts.toolFailure > 0 { return .toolFailure }
    if outcome.end == .interrupted { return .interrupted }
    if let canary = outcome.record.canary, canary.foundIn == nil { return .tooLittleWork }
    return outcome.record.casesCompared == 0 ? .tooLittleWork : .clean
  }
}
