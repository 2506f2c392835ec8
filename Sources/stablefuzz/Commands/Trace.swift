// `stablefuzz trace`: the stages of one case, for whoever wants to follow it through the code.

import ArgumentParser
import Campaign
import Canister
import Differential
import Reporting

struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the stages that a case passes, with the digest of each, and every message's observation.")

  @Argument(help: ArgumentHelp("A file, a directory or SEED:INDEX.", valueName: "case")) var testCase: String
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions

  func validate() throws { _ = try lanes.instrumenter() }

  func run() throws {
    try reportingErrors {
      let runner = try lanes.runner()
      var worst = Exit.clean
      var count = 0
      for origin in try loadCases(testCase, profile: profile) {
        var rows: [[String]] = [["stage", "function", "digest", ""]]
        runner.trace = { rows.append([$0.stage, $0.function, $0.digest.description, $0.detail]) }
        let result = runner.runCase(origin.entry.case, lanes: lanes.lanes ?? .strategies(Strategy.all))
        print(origin.source)
        print(textTable(rows))
        showMessages(origin.entry.case, result)
        let problem = origin.problem(result.verdict, lanes: lanes.lanes ?? .ofCase)
        print(problem ?? result.verdict.sentence)
        count += 1
        worst = Exit.worse(worst, problem == nil ? result.verdict.exit : .badData)
      }
      if count == 0 { throw fail("no cases found", .tooLittleWork) }
      throw worst.code
    }
  }

  private func showMessages(_ testCase: Case, _ result: CaseResult) {
    var rows = [["message", "", "instructions", "stable pages", "dirty", "accessed", "outcome", "digest"]]
    for (index, observation) in result.observations.enumerated() {
      rows.append([
        "\(index)", testCase.plan.messages[index].summary, grouped(observation.instructions),
        grouped(observation.stableSize), grouped(observation.dirtyPages.count), grouped(observation.accessedPages),
        String("\(observation.outcome)".prefix(60)), observation.digest.description,
      ])
    }
    if rows.count > 1 { print(textTable(rows, alignments: [.right, .left, .right, .right, .right, .right, .left])) }
  }
}
