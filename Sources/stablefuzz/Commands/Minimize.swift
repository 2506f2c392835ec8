// `stablefuzz minimize`: a smaller case that shows the same.

import ArgumentParser
import Campaign
import Canister
import Corpus
import Differential
import Minimization
import Reporting

struct Minimize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a divergent or faulty case smaller, keeping what differs.")

  @Argument(help: ArgumentHelp("A file or SEED:INDEX.", valueName: "case")) var testCase: String
  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the smaller case.", valueName: "file"))
  var output: String
  @Option(help: ArgumentHelp("Runs of candidates that may be spent.", valueName: "n")) var budget = 5_000
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions

  func validate() throws {
    if budget < 1 { throw ValidationError("--budget has to be at least 1") }
    _ = try lanes.instrumenter()
  }

  func run() throws {
    try reportingErrors {
      let origins = try loadCases(testCase, profile: profile)
      guard origins.count == 1, let origin = origins.first else {
        throw fail("\(testCase): \(origins.count) cases; give one", .usage)
      }
      let runner = try lanes.runner()
      let lanes = lanes.lanes ?? .strategies(Strategy.all)
      let verdict = runner.runCase(origin.entry.case, lanes: lanes).verdict
      guard verdict.bucket != nil else {
        throw fail("\(origin.source): nothing to minimize: \(verdict.sentence)", .badData)
      }
      Interruption.listen()
      let result = minimizeFinding(
        origin.entry.case, verdict, runner: runner, budget: MinimizationBudget(predicateCalls: budget),
        isInterrupted: { Interruption.isWanted })
      let entry = CorpusEntry(case: result.case, meta: origin.entry.meta)
      try writeFile(encodeEnvelope(entry), to: output)
      let (before, after) = (caseSize(origin.entry.case), caseSize(result.case))
      print(
        textTable(
          [
            ["", "before", "after"], ["messages", grouped(before.messages), grouped(after.messages)],
            ["functions", grouped(before.functions), grouped(after.functions)],
            ["instructions", grouped(before.instructions), grouped(after.instructions)],
            ["bytes", grouped(before.moduleBytes), grouped(after.moduleBytes)],
          ], alignments: [.left, .right, .right]), terminator: "")
      print(runner.runCase(result.case).verdict.sentence)
      if !result.isComplete { print("stopped after \(grouped(result.tried)) runs; a larger --budget may get further") }
    }
  }
}
