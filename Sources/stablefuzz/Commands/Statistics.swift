// `stablefuzz statistics`: what generated cases are good for, and where effort is wasted.

import ArgumentParser
import Campaign
import Corpus
import Differential
import Reporting

struct Statistics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Count what generated cases do: traps by cause, effective stable operations, sizes, time per stage.",
    discussion: """
      Runs the first cases of a campaign as `run` would and reports instead of storing. A trap counts as intended where \
      the generator put it or a limit of the case that is to be hit. Everything but times is the same for the same seed.
      """)

  @Option(help: ArgumentHelp("Look at this many cases.", valueName: "n")) var cases: UInt64 = 10_000
  @Option(help: ArgumentHelp("Fixes all cases.", valueName: "n")) var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Worker threads.", valueName: "n")) var jobs = 1
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions
  @Flag(help: "Generate and validate modules only.") var validateOnly = false
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    if cases < 1 { throw ValidationError("--cases has to be at least 1") }
    if jobs < 1 || jobs > 1_024 { throw ValidationError("--jobs has to be between 1 and 1024") }
    _ = try lanes.instrumenter()
  }

  func run() throws {
    var campaign = CampaignConfiguration(
      profile: profile.profile, seed: seed, lanes: lanes.lanes ?? .ofCase, jobs: jobs,
      instrumenter: try lanes.instrumenter(), outside: lanes.outside, instrumenterArguments: lanes.instrumenterArguments
    )
    try reportingErrors {
      campaign.sources = try profile.sources()
      campaign.sourceArguments = profile.sourceArguments
      Interruption.listen()
      let stopwatch = Stopwatch()
      let record = collectStatistics(
        StatisticsConfiguration(campaign: campaign, runs: !validateOnly), cases: cases, now: { stopwatch.seconds },
        isInterrupted: { Interruption.isWanted })
      if json {
        print(String(decoding: try encodeJSON(record), as: UTF8.self), terminator: "")
      } else {
        print(statisticsText(record), terminator: "")
      }
      throw exit(record).code
    }
  }

  private func exit(_ record: StatisticsRecord) -> Exit {
    if !record.invalidModules.isEmpty || record.verdicts.fault > 0 { return .fault }
    if record.verdicts.diverge > 0 { return .divergence }
    if record.verdicts.toolFailure > 0 { return .toolFailure }
    return UInt64(record.cases) < cases ? .interrupted : .clean
  }
}
