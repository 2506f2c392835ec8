// Options that several commands share, and how their texts are read.

import ArgumentParser
import Campaign
import Canister
import Corpus
import Differential
import Generation
import Mutation
import Outside
import Wasm

extension LaneSelection: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
}

extension Shard: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension GeneratorProfile: ExpressibleByArgument {}
extension MemoryPlacement: ExpressibleByArgument {}
extension ImportPlacement: ExpressibleByArgument {}
extension Metering: ExpressibleByArgument {}

/// `--lanes`, `--plant`, `--instrumenter`.
struct LaneOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Native lanes: 'case' (the one each case asks for), 'all', names such as 'end-front,second-after', or 'external' for only that of --instrumenter.",
      valueName: "list"))
  var lanes: LaneSelection?

  @Option(
    help: ArgumentHelp(
      "Plant a known fault in every instrumented module, to see it found; 'list' names them.", valueName: "fault"))
  var plant: String?

  @Option(
    name: .customLong("instrumenter"),
    help: ArgumentHelp(
      "An outside instrumenter: 'CMD IN.wasm OUT.wasm' is run for each module, its output is a native lane, 'external'.",
      valueName: "cmd"))
  var outsideCommand: String?

  @Flag(
    help: "CMD stays running and gets modules over standard input, answers over standard output (see the README).")
  var coprocess = false

  @Option(help: ArgumentHelp("Seconds that CMD may take for one module.", valueName: "n"))
  var instrumenterTimeout = Self.defaultTimeout
  private static let defaultTimeout = 10.0

  func validate() throws {
    if outsideCommand == nil && (coprocess || lanes == .external) {
      throw ValidationError("--coprocess and --lanes external need --instrumenter")
    }
    if outsideCommand?.allSatisfy(\.isWhitespace) == true { throw ValidationError("--instrumenter names no command") }
    if !(instrumenterTimeout > 0 && instrumenterTimeout <= 86_400) {
      throw ValidationError("--instrumenter-timeout has to be a positive number of seconds")
    }
  }

  /// These options as arguments, as far as they choose another instrumenter.
  var instrumenterArguments: String {
    var parts = plant.map { ["--plant \($0)"] } ?? []
    if let outsideCommand {
      parts.append("--instrumenter '" + outsideCommand.replacing("'", with: #"'\''"#) + "'")
      if coprocess { parts.append("--coprocess") }
      if instrumenterTimeout != Self.defaultTimeout { parts.append("--instrumenter-timeout \(instrumenterTimeout)") }
    }
    return parts.joined(separator: " ")
  }

  /// Makes the outside instrumenter of one worker; nil where none is asked for.
  var outside: (@Sendable () -> any OutsideInstrumenter)? {
    guard let outsideCommand else { return nil }
    let command = OutsideCommand(
      command: outsideCommand, isCoprocess: coprocess, timeout: instrumenterTimeout)
    let answer = ParameterAnswer()
    return { OutsideTool(command, answer: answer) }
  }

  /// What runs single cases with these options.
  func runner() throws -> CaseRunner { CaseRunner(instrumenter: try instrumenter(), outside: outside?()) }

  /// The instrumenter to run: ours, with the planted fault applied to what it makes.
  func instrumenter() throws -> Instrumenter {
    guard let plant else { return standardInstrumenter }
    guard let fault = PlantedFault.all.first(where: { $0.id == plant }) else {
      let names = PlantedFault.all.map(\.id).sorted().joined(separator: "\n  ")
      throw ValidationError(
        (plant == "list" ? "" : "no planted fault is called '\(plant)'; ") + "there are\n  \(names)")
    }
    return { module, strategy, parameters throws(Fault) in
      let instrumented = try standardInstrumenter(module, strategy, parameters)
      return fault.apply(to: instrumented, original: module, strategy: strategy, parameters: parameters)
        ?? instrumented
    }
  }
}

/// `--corpus` and `--reports`.
struct StoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Corpus directory; findings are stored in it.", valueName: "dir"))
  var corpus = "corpus"

  @Option(help: ArgumentHelp("Directory for records and checkpoints.", valueName: "dir"))
  var reports = "reports"

  func stores(resumes: Bool = false) -> CampaignStores {
    CampaignStores(corpus: CorpusStore(root: corpus), reports: ReportStore(root: reports), resumes: resumes)
  }
}

/// `--profile` and `--modules`.
struct ProfileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What kind of canisters to generate.", valueName: "name"))
  var profile = GeneratorProfile.native

  @Option(
    help: ArgumentHelp(
      "Canister modules or corpus entries, files or directories, for the profile real-world (else corpus/seeds and "
        + "corpus/regressions).", valueName: "path"))
  var modules: [String] = []

  func validate() throws {
    if !modules.isEmpty && profile != .realWorld { throw ValidationError("--modules goes with --profile real-world") }
  }

  /// The modules as arguments again.
  var sourceArguments: String { modules.map { " --modules \($0)" }.joined() }

  /// The modules of the profile `real-world`; what is no canister is named and left out.
  func sources() throws -> [SourceModule] {
    guard profile == .realWorld else { return [] }
    let store = CorpusStore(root: "corpus")
    var sources: [SourceModule] = []
    for root in modules.isEmpty ? store.gatedDirectories : modules {
      for path in try listCases(at: root) {
        let entry = try readEntry(path).case
        do {
          let module = try decodeAndValidate(entry.module)
          try validateCanister(module, placement: entry.strategy.memory, parameters: entry.parameters)
          guard !entry.plan.messages.isEmpty else { continue }
          sources.append(SourceModule(probing: module, plan: entry.plan, placement: entry.strategy.memory))
        } catch {
          printError("stablefuzz: \(path) is left out: \(error)")
        }
      }
    }
    if sources.isEmpty { throw fail("no canister modules to make cases of; name some with --modules", .badData) }
    return sources
  }

  func generator() throws -> Generator { Generator(profile: profile, sources: try sources()) }
}

/// `--hours`, `--minutes`, `--seconds`, `--cases`.
struct BudgetOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Run for this many hours.", valueName: "n")) var hours: Double?
  @Option(help: ArgumentHelp("Run for this many minutes.", valueName: "n")) var minutes: Double?
  @Option(help: ArgumentHelp("Run for this many seconds.", valueName: "n")) var seconds: Double?
  @Option(help: ArgumentHelp("Run this many cases.", valueName: "n")) var cases: UInt64?

  /// Seconds in all; nil where no time is given.
  var time: Double? {
    hours == nil && minutes == nil && seconds == nil
      ? nil : (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)
  }

  func validate() throws {
    for value in [hours, minutes, seconds] {
      if let value, !(value > 0 && value.isFinite) { throw ValidationError("a time has to be a positive number") }
    }
    if cases == 0 { throw ValidationError("--cases has to be at least 1") }
  }
}

/// `--guided` and `--unguided`.
enum Search: String, EnumerableFlag {
  case guided, unguided

  static func help(for value: Search) -> ArgumentHelp? {
    switch value {
    case .guided: "Keep cases that reach something new, and vary them."
    case .unguided: "Make all cases independently of each other."
    }
  }
}

/// Cases named on the command line: files, directories, `SEED:INDEX`, or `SEED:INDEX.INDEX…` for a guided case.
func loadCases(_ argument: String, profile: ProfileOptions) throws -> [CaseOrigin] {
  let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
  if parts.count == 2, let seed = UInt64(parts[0]), let lineage = Lineage(String(parts[1])) {
    return [
      generatedOrigin(
        try profile.generator(), seed: seed, lineage: lineage, sourceArguments: profile.sourceArguments)
    ]
  }
  let isNumbered = parts.count == 2 && !parts[0].isEmpty && parts[0].allSatisfy { $0.isASCII && $0.isNumber }
  if isNumbered, (try? listCases(at: argument)) == nil {
    throw ValidationError(
      "'\(argument)' is neither a file nor SEED:INDEX, with numbers below 2^64 (or SEED:FIRST..END for 'coverage')")
  }
  return try listCases(at: argument).map { CaseOrigin(entry: try readEntry($0), source: $0) }
}
