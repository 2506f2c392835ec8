// `stablefuzz coverage`: what cases or finished campaigns have reached, and what never.

import ArgumentParser
import Campaign
import Corpus
import Coverage
import Differential
import Generation
import Reporting

struct CoverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage",
    abstract: "Show which situations cases or campaigns have reached, and which never.",
    discussion: """
      Sources are added up: the coverage.json of a campaign or the campaign's directory, corpus entries and their \
      directories, plain canister modules, SEED:INDEX, or SEED:FIRST..END. Cases are run, with probes in the injected \
      code; stored coverage is read.
      """)

  @Argument(help: ArgumentHelp("Stored coverage, cases, SEED:INDEX or SEED:FIRST..END.", valueName: "source"))
  var sources: [String]
  @OptionGroup var profile: ProfileOptions
  @OptionGroup var lanes: LaneOptions
  @Option(help: ArgumentHelp("How many dimensions are combined at most, 1 to 5.", valueName: "n")) var dimensions = 4
  @Option(help: ArgumentHelp("Holes shown for each number of dimensions.", valueName: "n")) var holes = 30
  @Flag(help: "Print JSON, with all holes.") var json = false
  @Flag(help: "Print Markdown.") var markdown = false
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Store the coverage of all sources together in this file.", valueName: "file"))
  var output: String?

  func validate() throws {
    if !(1...5).contains(dimensions) { throw ValidationError("--dimensions has to be between 1 and 5") }
    if holes < 0 { throw ValidationError("--holes has to be at least 0") }
    if json && markdown { throw ValidationError("--json and --markdown exclude each other") }
    _ = try lanes.instrumenter()
  }

  func run() throws {
    try reportingErrors {
      var coverage = CoverageRun(try lanes.runner(), lanes: lanes.lanes ?? .ofCase)
      var worst = Exit.clean
      for source in sources { worst = Exit.worse(worst, try add(source, to: &coverage)) }
      if coverage.map.cases == 0 {
        if worst != .clean { throw worst.code }
        throw fail("no cases found", .tooLittleWork)
      }
      if let output { try writeFile(try encodeJSON(StoredCoverage(coverage.map)), to: output) }
      try show(CoverageAnalysis(coverage.map, dimensions: dimensions).record)
      throw worst.code
    }
  }

  private func show(_ record: CoverageRecord) throws {
    if json {
      print(String(decoding: try encodeJSON(record), as: UTF8.self), terminator: "")
    } else if markdown {
      let introduction = "`stablefuzz \(CommandLine.arguments.dropFirst().joined(separator: " "))`"
      print(
        coverageMarkdown(record, title: "Semantic coverage", introduction: introduction, holes: holes), terminator: "")
    } else {
      print(coverageText(record, holes: holes), terminator: "")
    }
  }

  private func add(_ source: String, to coverage: inout CoverageRun) throws -> Exit {
    if let path = ReportStore.coveragePath(source) {
      coverage.merge(try readCoverage(path))
      return .clean
    }
    var worst = Exit.clean
    if let (seed, indices) = Self.range(source) {
      let generator = try profile.generator()
      for index in indices {
        worst = Exit.worse(worst, add(generatedOrigin(generator, seed: seed, index: index), to: &coverage))
      }
    } else {
      for origin in try loadCases(source, profile: profile) {
        worst = Exit.worse(worst, add(origin, to: &coverage))
      }
    }
    return worst
  }

  private func add(_ origin: CaseOrigin, to coverage: inout CoverageRun) -> Exit {
    let verdict = coverage.add(origin)
    if let problem = origin.problem(verdict, lanes: lanes.lanes ?? .ofCase) {
      printError("stablefuzz: \(problem)")
      return .badData
    }
    if verdict.exit != .clean { printError("stablefuzz: \(origin.source): \(verdict.name) — \(verdict.sentence)") }
    return verdict.exit
  }

  /// `SEED:FIRST..END`, without the end; nil for anything else.
  static func range(_ text: String) -> (seed: UInt64, indices: Range<UInt64>)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let seed = UInt64(parts[0]), let dots = parts[1].firstRange(of: ".."),
      let first = UInt64(parts[1][..<dots.lowerBound]), let end = UInt64(parts[1][dots.upperBound...]), first <= end
    else { return nil }
    return (seed, first..<end)
  }
}
