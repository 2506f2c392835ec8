// The running totals of a campaign. Filled by `runCampaign`, stored in its checkpoint and record.

import Canister
import ContentHash
import Corpus
import Coverage
import Differential

/// Totals over the cases run so far.
struct Tally {
  var verdicts = VerdictCounts()
  var casesCompared = 0
  var casesWithoutTrap = 0
  var casesUseful = 0
  /// Order-free sum, so that it does not depend on who ran which case when.
  var digest = Digest.zero
  /// Cases by bucket, and where one of them is stored.
  var buckets: [String: (cases: Int, path: String?)] = [:]
  /// Index of the first case that showed the canary.
  var canaryFoundIn: UInt64?
  /// Position in the shard of the next case.
  var position: UInt64 = 0
  var coverage = CoverageMap()

  /// Stable calls with an effect (data moved or memory grown) that a useful case makes at least.
  static let usefulStableCalls = 1

  init() {}

  /// Continues from a checkpoint.
  ///
  /// - Throws: `CorpusError.malformed` if it is another campaign's, or of another version of the program.
  init(resuming checkpoint: CheckpointRecord, of configuration: CampaignConfiguration) throws(CorpusError) {
    let record = checkpoint.record
    // What is found and the digest are those of one stream of cases.
    guard record.version == stablefuzzVersion, record.configuration == configuration.settings,
      record.seed == configuration.seed, record.canary?.name == configuration.canary?.name
    else {
      let made = record.commands.first ?? "another program"
      throw .malformed(
        reason: "the checkpoint of campaign \(configuration.name) is that of '\(made)' with other settings or another "
          + "version; remove it or leave out --resume", offset: nil)
    }
    guard checkpoint.isConsistent, let digest = Digest(record.digest) else {
      throw .malformed(
        reason: "the checkpoint of campaign \(configuration.name) is damaged: its numbers contradict each other",
        offset: nil)
    }
    verdicts = record.verdicts
    casesCompared = record.casesCompared
    casesWithoutTrap = checkpoint.casesWithoutTrap
    casesUseful = checkpoint.casesUseful
    self.digest = digest
    for bucket in record.buckets { buckets[bucket.bucket] = (bucket.cases, bucket.path) }
    canaryFoundIn = record.canary?.foundIn
    position = checkpoint.nextIndex
    if let stored = checkpoint.coverage {
      guard let map = CoverageMap(stored), map.cases == checkpoint.nextIndex else {
        throw .malformed(
          reason: "the coverage in the checkpoint of campaign \(configuration.name) is damaged or of another version",
          offset: nil)
      }
      coverage = map
    }
  }

  /// Cases that diverged or showed a fault or a failure.
  var findings: Int { verdicts.diverge + verdicts.fault + verdicts.toolFailure }

  /// Adds one case.
  ///
  /// - Returns: what it reached that no case before had.
  @discardableResult mutating func add(_ result: CaseResult, index: UInt64) -> [CoverageItem] {
    position += 1
    let fresh = coverage.add(result.coverage)
    var member = DigestStream()
    member.add(index)
    member.add(result.digest)
    // What a tool writes when it fails may hold anything, such as names of temporary files.
    member.add(Array((result.verdict.isToolFailure ? result.verdict.bucket ?? "" : result.verdict.sentence).utf8))
    digest.add(member.finish())
    switch result.verdict {
    case .agree: verdicts.agree += 1
    case .poisoned: verdicts.poisoned += 1
    case .diverge: verdicts.diverge += 1
    case .fault: verdicts.fault += 1
    case .toolFailure: verdicts.toolFailure += 1
    }
    if let bucket = result.verdict.bucket { buckets[bucket, default: (0, nil)].cases += 1 }
    switch result.verdict {
    case .fault, .toolFailure, .poisoned: return fresh
    case .agree, .diverge: break
    }
    casesCompared += 1
    if result.ranWithoutTrap {
      casesWithoutTrap += 1
      if result.effectiveStableCalls >= Self.usefulStableCalls { casesUseful += 1 }
    }
    return fresh
  }

  /// The record of the campaign so far.
  func record(_ configuration: CampaignConfiguration, elapsed: Double) -> CampaignRecord {
    let compared = Double(max(casesCompared, 1))
    let byCount = buckets.sorted { ($1.value.cases, $0.key) < ($0.value.cases, $1.key) }
    return CampaignRecord(
      version: stablefuzzVersion, configuration: configuration.settings, seed: configuration.seed,
      firstIndex: configuration.shard.number - 1, endIndex: configuration.shard.index(position) ?? .max,
      verdicts: verdicts, casesCompared: casesCompared, shareWithoutTrap: Double(casesWithoutTrap) / compared,
      shareUseful: Double(casesUseful) / compared, execsPerSecond: elapsed > 0 ? Double(casesCompared) / elapsed : 0,
      elapsedSeconds: elapsed, digest: digest.description,
      buckets: byCount.map { BucketCount(bucket: $0.key, cases: $0.value.cases, path: $0.value.path) },
      canary: configuration.canary.map { CanaryRecord(name: $0.name, foundIn: canaryFoundIn) },
      commands: ["stablefuzz \(configuration.arguments(cases: position))"],
      coverage: configuration.isCoverageCollected ? coverageCounts : nil)
  }

  private var coverageCounts: [CoverageCount] {
    CoverageItem.Kind.allCases.map { CoverageCount(name: $0.name, covered: coverage.count(of: $0)) }
  }

  func checkpoint(
    _ configuration: CampaignConfiguration, elapsed: Double, guidance: GuidanceRecord?
  ) -> CheckpointRecord {
    CheckpointRecord(
      nextIndex: position, casesWithoutTrap: casesWithoutTrap, casesUseful: casesUseful,
      record: record(configuration, elapsed: elapsed),
      coverage: configuration.isCoverageCollected ? StoredCoverage(coverage) : nil, guidance: guidance)
  }
}

extension CheckpointRecord {
  /// Whether the numbers can be those of one campaign: what was not written by `checkpoint` would otherwise be added to.
  fileprivate var isConsistent: Bool {
    let verdicts = record.verdicts
    let counts = [verdicts.agree, verdicts.poisoned, verdicts.diverge, verdicts.fault, verdicts.toolFailure]
    guard nextIndex < 1 << 48, counts.allSatisfy({ $0 >= 0 && UInt64($0) <= nextIndex }) else { return false }
    let findings = verdicts.diverge + verdicts.fault + verdicts.toolFailure
    return UInt64(counts.reduce(0, +)) == nextIndex && record.casesCompared == verdicts.agree + verdicts.diverge
      && casesWithoutTrap >= 0 && casesWithoutTrap <= record.casesCompared
      && casesUseful >= 0 && casesUseful <= casesWithoutTrap
      && record.buckets.allSatisfy { $0.cases > 0 && $0.cases <= findings }
      && record.elapsedSeconds.isFinite && record.elapsedSeconds >= 0
  }
}
