// What is stored about findings and campaigns, as plain values, and their JSON form.
// Written by the campaign and by `gate`, rendered by `Reporting`.

/// The size of a case.
public struct CaseSize: Hashable, Codable, Sendable {
  /// Bytes of the modules.
  public var moduleBytes: Int
  public var functions: Int
  /// Instructions of all function bodies, without the final `end` of each.
  public var instructions: Int
  public var messages: Int

  public init(moduleBytes: Int, functions: Int, instructions: Int, messages: Int) {
    self.moduleBytes = moduleBytes
    self.functions = functions
    self.instructions = instructions
    self.messages = messages
  }
}

/// A divergence or fault, minimized and stored.
public struct FindingRecord: Hashable, Codable, Sendable {
  /// Equivalence class of the finding.
  public var bucket: String
  /// XXH3-128 of the entry's file, in hexadecimal. Filled in by the store.
  public var digest: String
  /// What happened, in one sentence.
  public var sentence: String
  /// `diverge`, `fault` or `tool-failure`.
  public var verdict: String
  /// The first differing observable.
  public var observable: String?
  /// Position in the call plan of the message that differs, from 0.
  public var messageIndex: Int?
  /// The message in words: `update 'set'`.
  public var message: String?
  /// Number of the call of a stable function inside the message, from 0.
  public var callIndex: Int?
  /// Names of the lanes that were compared.
  public var lanes: [String]
  /// Origin of the generated case.
  public var seed: UInt64?
  public var index: UInt64?
  /// Version of the program that found it.
  public var version: String
  public var sizeBefore: CaseSize
  public var sizeAfter: CaseSize
  /// Commands that show it again: first the stored case, then the case as generated.
  public var commands: [String]

  public init(
    bucket: String, digest: String = "", sentence: String, verdict: String, observable: String? = nil,
    messageIndex: Int? = nil, message: String? = nil, callIndex: Int? = nil, lanes: [String], seed: UInt64? = nil,
    index: UInt64? = nil, version: String, sizeBefore: CaseSize, sizeAfter: CaseSize, commands: [String]
  ) {
    self.bucket = bucket
    self.digest = digest
    self.sentence = sentence
    self.verdict = verdict
    self.observable = observable
    self.messageIndex = messageIndex
    self.message = message
    self.callIndex = callIndex
    self.lanes = lanes
    self.seed = seed
    self.index = index
    self.version = version
    self.sizeBefore = sizeBefore
    self.sizeAfter = sizeAfter
    self.commands = commands
  }
}

/// A planted mistake that a campaign had to find.
public struct CanaryRecord: Hashable, Codable, Sendable {
  public var name: String
  /// Index of the first case that showed it; nil while there is none.
  public var foundIn: UInt64?

  public init(name: String, foundIn: UInt64?) {
    self.name = name
    self.foundIn = foundIn
  }
}

/// How many cases ended with which verdict.
public struct VerdictCounts: Hashable, Codable, Sendable {
  public var agree = 0
  public var poisoned = 0
  public var diverge = 0
  public var fault = 0
  public var toolFailure = 0

  public init(agree: Int = 0, poisoned: Int = 0, diverge: Int = 0, fault: Int = 0, toolFailure: Int = 0) {
    self.agree = agree
    self.poisoned = poisoned
    self.diverge = diverge
    self.fault = fault
    self.toolFailure = toolFailure
  }

  /// All cases.
  public var total: Int { agree + poisoned + diverge + fault + toolFailure }
}

/// A finding of a campaign, by bucket.
public struct BucketCount: Hashable, Codable, Sendable {
  public var bucket: String
  /// Cases that fell into it.
  public var cases: Int
  /// The stored entry, if it was stored.
  public var path: String?

  public init(bucket: String, cases: Int, path: String? = nil) {
    self.bucket = bucket
    self.cases = cases
    self.path = path
  }
}

/// One setting of a campaign that is part of its identity.
public struct Setting: Hashable, Codable, Sendable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A campaign: what was run, and what came out.
public struct CampaignRecord: Hashable, Codable, Sendable {
  /// Version of the program.
  public var version: String
  /// Profile, lanes, parameters.
  public var configuration: [Setting]
  public var seed: UInt64
  /// Index of the first case.
  public var firstIndex: UInt64
  /// Index after the last case.
  public var endIndex: UInt64
  public var verdicts: VerdictCounts
  /// Cases that ran on the host lane and at least one native lane and were compared.
  public var casesCompared: Int
  /// Share of the compared cases that ran to the end without a trap, 0 … 1.
  public var shareWithoutTrap: Double
  /// Share of the compared cases that ran without a trap and touched stable memory usefully, 0 … 1.
  public var shareUseful: Double
  /// Compared cases per second.
  public var execsPerSecond: Double
  public var elapsedSeconds: Double
  /// Digest of all case digests, in hexadecimal.
  public var digest: String
  /// What was found, most cases first.
  public var buckets: [BucketCount]
  /// The planted mistake, where there was one; not among the buckets.
  public var canary: CanaryRecord?
  /// Commands that repeat the campaign.
  public var commands: [String]
  /// What its cases reached, by kind; nil where it was not collected.
  public var coverage: [CoverageCount]?

  public init(
    version: String, configuration: [Setting], seed: UInt64, firstIndex: UInt64, endIndex: UInt64,
    verdicts: VerdictCounts, casesCompared: Int, shareWithoutTrap: Double, shareUseful: Double,
    execsPerSecond: Double, elapsedSeconds: Double, digest: String, buckets: [BucketCount] = [],
    canary: CanaryRecord? = nil, commands: [String], coverage: [CoverageCount]? = nil
  ) {
    self.version = version
    self.configuration = configuration
    self.seed = seed
    self.firstIndex = firstIndex
    self.endIndex = endIndex
    self.verdicts = verdicts
    self.casesCompared = casesCompared
    self.shareWithoutTrap = shareWithoutTrap
    self.shareUseful = shareUseful
    self.execsPerSecond = execsPerSecond
    self.elapsedSeconds = elapsedSeconds
    self.digest = digest
    self.buckets = buckets
    self.canary = canary
    self.commands = commands
    self.coverage = coverage
  }
}

/// A case that a guided campaign varies.
public struct GuidanceEntry: Hashable, Codable, Sendable {
  /// How it came about.
  public var lineage: String
  /// Instructions that its messages had used at calls and ends.
  public var marks: [Int64]
  /// What running it and its variations has cost, and how much came of it.
  public var cost: UInt64
  public var news: UInt64

  public init(lineage: String, marks: [Int64], cost: UInt64, news: UInt64) {
    self.lineage = lineage
    self.marks = marks
    self.cost = cost
    self.news = news
  }
}

/// The state of a guided campaign.
public struct GuidanceRecord: Hashable, Codable, Sendable {
  public var entries: [GuidanceEntry]
  /// Position of the entry that the next one replaces.
  public var next: Int
  /// What fresh cases and those of each variation have cost, and how much came of them.
  public var costs: [UInt64]
  public var news: [UInt64]

  public init(entries: [GuidanceEntry], next: Int, costs: [UInt64], news: [UInt64]) {
    self.entries = entries
    self.next = next
    self.costs = costs
    self.news = news
  }
}

/// Where a campaign stands, for `--resume`.
public struct CheckpointRecord: Hashable, Codable, Sendable {
  /// The first case that has not been run yet; all before it are in `record`.
  public var nextIndex: UInt64
  /// Absolute numbers behind the shares, so that adding to them loses nothing.
  public var casesWithoutTrap: Int
  public var casesUseful: Int
  /// The campaign so far.
  public var record: CampaignRecord
  public var coverage: StoredCoverage?
  public var guidance: GuidanceRecord?

  public init(
    nextIndex: UInt64, casesWithoutTrap: Int, casesUseful: Int, record: CampaignRecord,
    coverage: StoredCoverage? = nil, guidance: GuidanceRecord? = nil
  ) {
    self.nextIndex = nextIndex
    self.casesWithoutTrap = casesWithoutTrap
    self.casesUseful = casesUseful
    self.record = record
    self.coverage = coverage
    self.guidance = guidance
  }
}
