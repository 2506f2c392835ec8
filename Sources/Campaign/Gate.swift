// The gate: what CI asks before a change may land. Replays the corpus, runs fresh cases, and makes sure that enough was
// done and that it can be repeated. Called by `gate`.

import Canister
import Corpus
import Differential

/// What the gate asks for.
public struct GateConfiguration: Sendable {
  public var campaign: CampaignConfiguration
  /// Fresh cases that have to be compared at least.
  public var minimumCases: Int
  /// Files and directories replayed before.
  public var corpus: [String]

  public init(campaign: CampaignConfiguration, minimumCases: Int, corpus: [String]) {
    self.campaign = campaign
    self.minimumCases = minimumCases
    self.corpus = corpus
  }
}

/// A corpus entry that did not come out as `agree` or `poisoned`.
public struct FailedReplay: Sendable {
  public let path: String
  public let verdict: Verdict
  /// What is wrong with the entry itself, with its path; nil where the harness or the module's lanes are at fault.
  public let problem: String?
}

/// What the gate found.
public struct GateOutcome: Sendable {
  /// Corpus entries that were run.
  public let replayed: Int
  /// Those that failed.
  public let failures: [FailedReplay]
  /// The fresh cases.
  public let campaign: CampaignOutcome
  /// Indices of fresh cases that gave another digest when they were run again.
  public let unstable: [UInt64]
  /// Fresh cases that have to be compared at least.
  public let minimumCases: Int

  /// Cases in which lanes differ, stored and fresh ones.
  public var divergences: Int { campaign.record.verdicts.diverge + failures.count { $0.verdict.name == "diverge" } }
  /// Cases in which the outside instrumenter failed, stored and fresh ones.
  public var toolFailures: Int {
    campaign.record.verdicts.toolFailure + failures.count { $0.verdict.name == "tool-failure" }
  }
  /// Cases that show the harness itself to be wrong, stored and fresh ones.
  public var faults: Int {
    campaign.record.verdicts.fault + failures.count { $0.verdict.name == "fault" && $0.problem == nil }
  }
  /// Corpus entries that are no cases.
  public var badEntries: Int { failures.count { $0.problem != nil } }
  /// Whether the planted mistake, if there was one, was found.
  public var hasFoundCanary: Bool {
    campaign.record.canary.map { $0.foundIn != nil } ?? true
  }
  /// Whether finding nothing means something.
  public var hasDoneEnough: Bool { hasComparedEnough && hasFoundCanary }
  public var hasComparedEnough: Bool { campaign.record.casesCompared >= minimumCases }
}

/// Fresh cases that are run a second time.
private let repeatedCases: UInt64 = 200

/// Runs the gate.
public func runGate(
  _ configuration: GateConfiguration, stores: CampaignStores, world: CampaignWorld
) throws(CorpusError) -> GateOutcome {
  let runner = configuration.campaign.makeRunner()
  var failures: [FailedReplay] = []
  var replayed = 0
  for root in configuration.corpus {
    for path in try listCases(at: root) where !world.isInterrupted() {
      let origin = CaseOrigin(entry: try readEntry(path), source: path)
      let verdict = runner.runCase(origin.entry.case, lanes: .strategies(Strategy.all)).verdict
      replayed += 1
      switch verdict {
      case .agree, .poisoned: break
      case .diverge, .fault, .toolFailure:
        failures.append(FailedReplay(path: path, verdict: verdict, problem: origin.problem(verdict)))
      }
    }
  }
  let outcome = try runCampaign(configuration.campaign, stores: stores, world: world)
  return GateOutcome(
    replayed: replayed, failures: failures, campaign: outcome,
    unstable: unstableCases(
      configuration.campaign, count: min(repeatedCases, outcome.position), isInterrupted: world.isInterrupted),
    minimumCases: configuration.minimumCases)
}

/// Runs the first cases twice, the second time in the opposite order on another runner, and compares their digests.
///
/// Ends early where an outside instrumenter fails, which may take its time, or where somebody asks. A case in which it
/// fails the first time is left out, as it need not fail alike; one in which it only fails the second time is not.
private func unstableCases(
  _ configuration: CampaignConfiguration, count: UInt64, isInterrupted: () -> Bool
) -> [UInt64] {
  let runners = (configuration.makeRunner(), configuration.makeRunner())
  let generator = configuration.generator
  func digests(_ runner: CaseRunner, _ indices: [UInt64]) -> [UInt64: CaseResult] {
    var results: [UInt64: CaseResult] = [:]
    for index in indices {
      if isInterrupted() { break }
      let testCase = generator.generate(seed: configuration.seed, index: index).case
      let result = runner.runCase(testCase, lanes: configuration.lanes)
      results[index] = result
      if result.verdict.isToolFailure { break }
    }
    return results
  }
  let first = digests(runners.0, (0..<count).compactMap(configuration.shard.index))
  let indices = first.filter { !$0.value.verdict.isToolFailure }.keys.sorted()
  let second = digests(runners.1, indices.reversed())
  return indices.filter { index in
    guard let one = first[index], let other = second[index] else { return false }
    return one.digest != other.digest || one.verdict != other.verdict
  }
}
