// What a campaign runs: everything that decides its results, and how long. Filled in by the command line.

import Canister
import ContentHash
import Corpus
import Differential
import Generation
import Wasm

/// The version of the program; part of every record.
public let stablefuzzVersion = "0.1.0"

/// Every n-th case of a campaign, so that machines can share one.
public struct Shard: Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  public let number: UInt64
  public let count: UInt64

  public static let whole = Shard(number: 1, count: 1)

  private init(number: UInt64, count: UInt64) {
    self.number = number
    self.count = count
  }

  /// `I/N` with 1 ≤ I ≤ N.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = UInt64(parts[0]), let count = UInt64(parts[1]), number >= 1, number <= count
    else { return nil }
    self.init(number: number, count: count)
  }

  public var description: String { "\(number)/\(count)" }

  /// The index of the `position`-th case of the shard; nil past the largest index.
  func index(_ position: UInt64) -> UInt64? {
    let (product, overflow) = position.multipliedReportingOverflow(by: count)
    let (sum, overflow2) = product.addingReportingOverflow(number - 1)
    return overflow || overflow2 ? nil : sum
  }
}

/// When a campaign ends by itself.
public struct Budget: Hashable, Sendable {
  public var cases: UInt64?
  public var seconds: Double?
  /// Divergent and faulty cases after which it stops; nil: never because of them.
  public var findings: Int?

  public init(cases: UInt64? = nil, seconds: Double? = nil, findings: Int? = Budget.defaultFindings) {
    self.cases = cases
    self.seconds = seconds
    self.findings = findings
  }

  /// By then something is so broken that more of the same tells nothing.
  public static let defaultFindings = 100
}

/// A campaign's settings.
public struct CampaignConfiguration: Sendable {
  public var profile: GeneratorProfile
  /// What the profile `real-world` makes cases of, and the arguments that name it.
  public var sources: [SourceModule] = []
  public var sourceArguments = ""
  public var seed: UInt64
  public var lanes: LaneSelection
  public var shard: Shard
  public var jobs: Int
  public var budget: Budget
  public var instrumenter: Instrumenter
  /// Makes the outside instrumenter of one worker; nil: there is none.
  public var outside: (@Sendable () -> any OutsideInstrumenter)?
  /// A mistake that the campaign has to find besides; nil: none is planted.
  public var canary: Canary?
  /// The arguments that name another instrumenter than ours, for the commands in records; empty for ours.
  public var instrumenterArguments: String
  /// Whether cases that reach something new are kept and varied; else all cases are independent of each other.
  public var isGuided = false
  /// Whether it is noted what cases reach. Guided campaigns always do.
  public var collectsCoverage = true

  public init(
    profile: GeneratorProfile, seed: UInt64, lanes: LaneSelection = .ofCase, shard: Shard = .whole, jobs: Int = 1,
    budget: Budget = Budget(), instrumenter: @escaping Instrumenter = standardInstrumenter,
    outside: (@Sendable () -> any OutsideInstrumenter)? = nil, canary: Canary? = nil,
    instrumenterArguments: String = ""
  ) {
    self.profile = profile
    self.seed = seed
    self.lanes = lanes
    self.shard = shard
    self.jobs = jobs
    self.budget = budget
    self.instrumenter = instrumenter
    self.outside = outside
    self.canary = canary
    self.instrumenterArguments = instrumenterArguments
  }

  /// What runs the cases of one worker.
  func makeRunner() -> CaseRunner { CaseRunner(instrumenter: instrumenter, outside: outside?()) }

  var isCoverageCollected: Bool { isGuided || collectsCoverage }

  /// The settings that decide what each case is and does, for records.
  public var settings: [Setting] {
    let modules = sources.isEmpty ? [] : [Setting("modules", "\(sources.count), \(sourcesDigest)")]
    let other = instrumenterArguments.isEmpty ? [] : [Setting("instrumenter", instrumenterArguments)]
    return modules + other + [
      Setting("profile", profile.rawValue), Setting("generator", generatorVersion), Setting("lanes", lanes.name),
      Setting("shard", shard.description), Setting("search", isGuided ? "guided" : "unguided"),
    ]
  }

  /// The generator that makes all cases.
  public var generator: Generator { Generator(profile: profile, sources: sources) }

  /// Hash of the sources, in their order.
  private var sourcesDigest: Digest {
    var stream = DigestStream()
    for source in sources { stream.add(encode(source.module)) }
    return stream.finish()
  }

  /// The directory name under which reports and checkpoint are kept: the same for the same campaign.
  public var name: String {
    var name = "\(profile.rawValue)-seed\(seed)"
    if lanes != .ofCase { name += "-" + lanes.name.replacing(",", with: "+") }
    if isGuided { name += "-guided" }
    if shard != .whole { name += "-shard\(shard.number)of\(shard.count)" }
    if !instrumenterArguments.isEmpty {
      // Any shell command may be among them.
      name +=
        "-" + String(instrumenterArguments.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(80))
    }
    return name
  }

  /// The arguments that repeat the campaign up to a number of its cases.
  func arguments(cases: UInt64) -> String {
    var text = "--seed \(seed) --cases \(cases)"
    if profile != .native { text += " --profile \(profile.rawValue)" + sourceArguments }
    if lanes != .ofCase { text += " --lanes \(lanes.name)" }
    if shard != .whole { text += " --shard \(shard)" }
    if isGuided { text += " --guided" }
    if !instrumenterArguments.isEmpty { text += " " + instrumenterArguments }
    if let canary { text += " --canary \(canary.name)" }
    switch budget.findings {
    case nil: text += " --keep-going"
    case Budget.defaultFindings: break
    case let findings?: text += " --stop-after \(findings)"
    }
    return text
  }
}

extension LaneSelection {
  /// The selection as `--lanes` takes it.
  public var name: String {
    switch self {
    case .ofCase: "case"
    case .external: "external"
    case .strategies(let strategies):
      strategies == Strategy.all ? "all" : strategies.map(\.description).joined(separator: ",")
    }
  }

  /// `case`, `all`, `external`, or names of strategies with commas between.
  public init?(name: String) {
    switch name {
    case "case": self = .ofCase
    case "all": self = .strategies(Strategy.all)
    case "external": self = .external
    default:
      var strategies: [Strategy] = []
      for part in name.split(separator: ",", omittingEmptySubsequences: false) {
        guard let strategy = Strategy(name: String(part)) else { return nil }
        strategies.append(strategy)
      }
      self = .strategies(strategies)
    }
  }
}
