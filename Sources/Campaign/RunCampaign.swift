// The campaign: slices of generated cases run by workers in rounds, merged in order, findings stored. Called by `run` and
// `gate`.

import Corpus
import Differential
import Dispatch
import Generation
import Minimization

/// What happens in a campaign, for whoever shows it.
public enum CampaignEvent: Sendable {
  /// A round has ended.
  case progress(CampaignRecord)
  /// The first case of a bucket was minimized and stored.
  case finding(StoredFinding)
}

/// Why a campaign ended.
public enum CampaignEnd: Hashable, Sendable {
  case budget
  /// As many findings as the budget allows.
  case findings
  case interrupted
}

/// A campaign that has ended.
public struct CampaignOutcome: Sendable {
  public let record: CampaignRecord
  public let end: CampaignEnd
  /// Cases of the shard that were run.
  public let position: UInt64
}

/// The world outside of a campaign, which it may not reach for by itself.
public struct CampaignWorld {
  /// Seconds since the campaign's process began to run it.
  public var elapsed: () -> Double
  /// Whether somebody asked to stop.
  public var isInterrupted: () -> Bool
  public var report: (CampaignEvent) -> Void

  public init(
    elapsed: @escaping () -> Double, isInterrupted: @escaping () -> Bool = { false },
    report: @escaping (CampaignEvent) -> Void = { _ in }
  ) {
    self.elapsed = elapsed
    self.isInterrupted = isInterrupted
    self.report = report
  }
}

/// Where a campaign keeps what it finds and how far it is; nil: nowhere.
public struct CampaignStores: Sendable {
  public var corpus: CorpusStore?
  public var reports: ReportStore?
  /// Whether to go on from the checkpoint, if there is one.
  public var resumes: Bool

  public init(corpus: CorpusStore? = nil, reports: ReportStore? = nil, resumes: Bool = false) {
    self.corpus = corpus
    self.reports = reports
    self.resumes = resumes
  }
}

/// Runs a campaign to its end.
///
/// Cases are independent of each other, each fixed by seed and index. Workers run slices of them side by side; results
/// are merged in the order of their indices, so everything but times is the same with any number of workers.
///
/// - Throws: what the stores throw. Nothing that was stored before is lost.
public func runCampaign(
  _ configuration: CampaignConfiguration, stores: CampaignStores = CampaignStores(), world: CampaignWorld
) throws(CorpusError) -> CampaignOutcome {
  var campaign = RunningCampaign(configuration, stores: stores, world: world)
  return try campaign.run()
}

/// Cases of one worker in one round: long against the work between rounds, short against a person's patience.
private let sliceLength: UInt64 = 128

/// Seconds between two checkpoints.
private let checkpointInterval = 10.0

private struct RunningCampaign {
  let configuration: CampaignConfiguration
  let stores: CampaignStores
  let world: CampaignWorld
  let workers: [Worker]
  var tally = Tally()
  var elapsedBefore = 0.0
  var lastCheckpoint = 0.0

  init(_ configuration: CampaignConfiguration, stores: CampaignStores, world: CampaignWorld) {
    self.configuration = configuration
    self.stores = stores
    self.world = world
    workers = (0..<max(configuration.jobs, 1)).map { _ in Worker(configuration) }
  }

  var elapsed: Double { elapsedBefore + world.elapsed() }

  mutating func run() throws(CorpusError) -> CampaignOutcome {
    if stores.resumes, let checkpoint = try stores.reports?.checkpoint(of: configuration.name) {
      tally = Tally(checkpoint)
      elapsedBefore = checkpoint.record.elapsedSeconds
    }
    var end: CampaignEnd?
    while end == nil {
      if world.isInterrupted() {
        end = .interrupted
      } else if isOverBudget {
        end = .budget
      } else {
        end = try runRound() ? .findings : nil
        try saveCheckpoint()
        world.report(.progress(tally.record(configuration, elapsed: elapsed)))
      }
    }
    let record = tally.record(configuration, elapsed: elapsed)
    let outcome = CampaignOutcome(record: record, end: end ?? .budget, position: tally.position)
    if let reports = stores.reports {
      try reports.store(record, campaign: configuration.name)
      if outcome.end == .interrupted {
        try reports.store(tally.checkpoint(configuration, elapsed: elapsed), campaign: configuration.name)
      } else {
        try reports.removeCheckpoint(of: configuration.name)
      }
    }
    return outcome
  }

  private var isOverBudget: Bool {
    if let cases = configuration.budget.cases, tally.position >= cases { return true }
    if let seconds = configuration.budget.seconds, elapsed >= seconds { return true }
    return configuration.shard.index(tally.position) == nil
  }

  private mutating func saveCheckpoint() throws(CorpusError) {
    guard let reports = stores.reports, elapsed - lastCheckpoint >= checkpointInterval else { return }
    lastCheckpoint = elapsed
    try reports.store(tally.checkpoint(configuration, elapsed: elapsed), campaign: configuration.name)
  }

  /// Runs one slice per worker and merges the results.
  ///
  /// - Returns: whether there are now as many findings as the budget allows.
  private mutating func runRound() throws(CorpusError) -> Bool {
    let first = tally.position
    let end = min(first + sliceLength * UInt64(workers.count), configuration.budget.cases ?? .max)
    let workers = workers
    DispatchQueue.concurrentPerform(iterations: workers.count) { number in
      let start = min(first + UInt64(number) * sliceLength, end)
      workers[number].run(start..<min(start + sliceLength, end))
    }
    for worker in workers {
      for (index, result) in worker.results {
        tally.add(result, index: index)
        if let bucket = result.verdict.bucket, tally.buckets[bucket]?.cases == 1 {
          try keep(index, result.verdict, bucket)
        }
        if let limit = configuration.budget.findings, tally.findings >= limit { return true }
      }
    }
    return false
  }

  /// Minimizes and stores the first case of a bucket.
  private mutating func keep(_ index: UInt64, _ verdict: Verdict, _ bucket: String) throws(CorpusError) {
    guard let corpus = stores.corpus else { return }
    let origin = generatedOrigin(
      configuration.generator, seed: configuration.seed, index: index, sourceArguments: configuration.sourceArguments)
    let finding = try storeFinding(
      origin, verdict, runner: workers[0].runner, store: corpus,
      arguments: configuration.instrumenterArguments, isInterrupted: world.isInterrupted)
    tally.buckets[bucket]?.path = finding.path
    world.report(.finding(finding))
  }
}

/// A generated case as a corpus entry.
///
/// - Parameter sourceArguments: what names the modules of the profile `real-world` on the command line.
public func generatedOrigin(
  _ generator: Generator, seed: UInt64, index: UInt64, sourceArguments: String = ""
) -> CaseOrigin {
  let profile = generator.profile
  let generated = generator.generate(seed: seed, index: index)
  let meta = EntryMeta(generatorVersion: generatorVersion, seed: seed, index: index)
  let option = profile == .native ? "" : " --profile \(profile.rawValue)" + sourceArguments
  return CaseOrigin(
    entry: CorpusEntry(case: generated.case, choices: generated.choices, meta: meta),
    source: "\(seed):\(index)\(option)")
}

/// Runs the cases of a slice. Used by one thread at a time.
private final class Worker: @unchecked Sendable {
  let runner: CaseRunner
  private let configuration: CampaignConfiguration
  private let generator: Generator
  private(set) var results: [(index: UInt64, result: CaseResult)] = []

  init(_ configuration: CampaignConfiguration) {
    self.configuration = configuration
    runner = CaseRunner(instrumenter: configuration.instrumenter)
    generator = configuration.generator
  }

  /// - Parameter positions: positions in the shard.
  func run(_ positions: Range<UInt64>) {
    results.removeAll(keepingCapacity: true)
    for position in positions {
      guard let index = configuration.shard.index(position) else { return }
      let generated = generator.generate(seed: configuration.seed, index: index)
      var result = runner.runCase(generated.case, lanes: configuration.lanes)
      // What is needed of the observations is in the result; keeping them would keep every reply.
      result.observations = []
      results.append((index, result))
    }
  }
}
