// `stablefuzz replay`: stored cases, generated cases and plain canister modules through both lanes.

import ArgumentParser
import Campaign
import Canister
import Corpus
import Differential

struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run cases again: corpus entries, directories, SEED:INDEX, plain canister modules.",
    discussion: "A module without a stored call plan gets one from its exports. All four native lanes run by default.")

  @Argument(help: ArgumentHelp("Files, directories or SEED:INDEX.", valueName: "case")) var cases: [String]
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions
  @Flag(help: "Print one JSON object per case.") var json = false

  func validate() throws { _ = try lanes.instrumenter() }

  /// What `--json` prints for a case.
  struct Row: Encodable {
    let source: String
    let verdict: String
    let sentence: String
    let bucket: String?
    let digest: String
    let messages: Int
    let ranWithoutTrap: Bool
    let effectiveStableCalls: Int
  }

  func run() throws {
    try reportingErrors {
      let runner = try lanes.runner()
      var worst = Exit.clean
      var count = 0
      for argument in cases {
        for origin in try loadCases(argument, profile: profile) {
          count += 1
          worst = Exit.worse(worst, try replay(origin, runner))
        }
      }
      if count == 0 { throw fail("no cases found", .tooLittleWork) }
      throw worst.code
    }
  }

  private func replay(_ origin: CaseOrigin, _ runner: CaseRunner) throws -> Exit {
    let result = runner.runCase(origin.entry.case, lanes: lanes.lanes ?? .strategies(Strategy.all))
    if let problem = origin.problem(result.verdict, lanes: lanes.lanes ?? .ofCase) {
      printError("stablefuzz: \(problem)")
      return .badData
    }
    if json {
      let row = Row(
        source: origin.source, verdict: result.verdict.name, sentence: result.verdict.sentence,
        bucket: result.verdict.bucket, digest: result.digest.description, messages: result.observations.count,
        ranWithoutTrap: result.ranWithoutTrap, effectiveStableCalls: result.effectiveStableCalls)
      print(String(decoding: try encodeJSON(row, isPretty: false), as: UTF8.self))
    } else {
      print("\(origin.source): \(result.verdict.name) — \(result.verdict.sentence)")
    }
    return result.verdict.exit
  }
}
