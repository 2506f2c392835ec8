// The campaign: slices of generated cases run by workers in rounds, merged in order, findings stored. Called by `run` and
// `gate`.

import Canister
import Corpus
import Coverage
import Differential
import Dispatch
import Generation
import Minimization

/// What happens in a campaign, for whoever shows it.
public enum CampaignEvent: Sendable {
  /// A round has ended.
  case progress(CampaignRecord)
  /// The first case of a bucket was minimized, and stored where there was room.
  case finding(StoredFinding)
  /// The first case of a bucket could not be stored, for which the campaign ends.
  case unstored(sentence: String, command: String)
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

/// The same with an outside instrumenter, of which each case may wait until its time is up.
private let outsideSliceLength: UInt64 = 4

/// Cases of a generation of guided search: what one case reaches can lead to others from the next generation on. Not
/// divided by workers, so that their number does not matter.
private let generationLength: UInt64 = 128

/// One in so many cases runs with probes in the branches of injected code, which cost more than the rest of coverage.
private let probedShare: UInt64 = 16

/// Seconds between two checkpoints.
private let checkpointInterval = 10.0

private struct RunningCampaign {
  let configuration: CampaignConfiguration
  let stores: CampaignStores
  let world: CampaignWorld
  let workers: [Worker]
  var tally = Tally()
  var guidance = Guidance()
  /// The state at the beginning of the current generation of a guided campaign, on which its cases depend.
  var generation: (tally: Tally, guidance: Guidance)?
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
      tally = try Tally(resuming: checkpoint, of: configuration)
      if let record = checkpoint.guidance {
        guard let guidance = Guidance(record, reached: tally.coverage, workers[0].generator) else {
          throw .malformed(reason: "the checkpoint of campaign \(configuration.name) is damaged", offset: nil)
        }
        self.guidance = guidance
      }
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
      if configuration.isCoverageCollected {
        try reports.store(StoredCoverage(tally.coverage), campaign: configuration.name)
      }
      if outcome.end == .interrupted {
        try reports.store(checkpoint, campaign: configuration.name)
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

  /// Where the campaign can be gone on from; in the middle of a generation, its beginning.
  private var checkpoint: CheckpointRecord {
    let (tally, guidance) = generation ?? (tally, guidance)
    return tally.checkpoint(
      configuration, elapsed: elapsed, guidance: configuration.isGuided ? guidance.record : nil)
  }

  private mutating func saveCheckpoint() throws(CorpusError) {
    guard let reports = stores.reports, elapsed - lastCheckpoint >= checkpointInterval else { return }
    lastCheckpoint = elapsed
    try reports.store(checkpoint, campaign: configuration.name)
  }

  /// Runs cases on all workers and merges the results in the order of the cases.
  ///
  /// - Returns: whether there are now as many findings as the budget allows.
  private mutating func runRound() throws(CorpusError) -> Bool {
    let first = tally.position
    let sliceLength = configuration.outside == nil ? sliceLength : outsideSliceLength
    var length = sliceLength * UInt64(workers.count)
    if configuration.isGuided {
      if generation == nil { generation = (tally, guidance) }
      // A generation at a time, or the part of one that an outside instrumenter can be waited for.
      let rest = generationLength - first % generationLength
      length = configuration.outside == nil ? rest : min(length, rest)
    }
    let (sum, isBeyond) = first.addingReportingOverflow(length)
    let end = min(isBeyond ? .max : sum, configuration.budget.cases ?? .max)
    let (workers, guidance) = (workers, generation?.guidance)
    for worker in workers { worker.looksForCanary = tally.canaryFoundIn == nil }
    DispatchQueue.concurrentPerform(iterations: workers.count) { number in
      workers[number].run(stride(from: first + UInt64(number), to: end, by: workers.count), guidance)
    }
    for position in 0..<Int(end - first) {
      let worker = workers[position % workers.count]
      guard position / workers.count < worker.results.count else { continue }
      let run = worker.results[position / workers.count]
      if run.showsCanary { tally.canaryFoundIn = tally.canaryFoundIn ?? run.index }
      let news = tally.add(run.result, index: run.index)
      if let genotype = run.genotype {
        self.guidance.learn(genotype, from: run.origin, cost: run.cost, marks: run.marks, news)
      }
      if let bucket = run.result.verdict.bucket, tally.buckets[bucket]?.cases == 1 { try keep(run, bucket) }
      if let limit = configuration.budget.findings, tally.findings >= limit { return true }
    }
    if tally.position % generationLength == 0 {
      self.guidance.endGeneration()
      generation = nil
    }
    return false
  }

  /// Minimizes and stores the first case of a bucket.
  private mutating func keep(_ run: Worker.Run, _ bucket: String) throws(CorpusError) {
    guard let corpus = stores.corpus else { return }
    let origin = generatedOrigin(
      configuration.generator, seed: configuration.seed, lineage: run.genotype?.lineage ?? Lineage(run.index),
      sourceArguments: configuration.sourceArguments)
    do throws(CorpusError) {
      let finding = try storeFinding(
        origin, run.result.verdict, runner: workers[0].runner, store: corpus,
        arguments: configuration.instrumenterArguments, isInterrupted: world.isInterrupted)
      tally.buckets[bucket]?.path = finding.path
      world.report(.finding(finding))
    } catch {
      let command = replayCommand(origin.source, configuration.instrumenterArguments)
      world.report(.unstored(sentence: run.result.verdict.sentence, command: command))
      throw error
    }
  }
}

/// A generated case as a corpus entry.
///
/// - Parameter sourceArguments: what names the modules of the profile `real-world` on the command line.
public func generatedOrigin(
  _ generator: Generator, seed: UInt64, index: UInt64, sourceArguments: String = ""
) -> CaseOrigin {
  generatedOrigin(generator, seed: seed, lineage: Lineage(index), sourceArguments: sourceArguments)
}

/// A case of a guided campaign, or a fresh one, as a corpus entry.
///
/// - Parameter sourceArguments: what names the modules of the profile `real-world` on the command line.
public func generatedOrigin(
  _ generator: Generator, seed: UInt64, lineage: Lineage, sourceArguments: String = ""
) -> CaseOrigin {
  let profile = generator.profile
  let (generated, genotype) = GuidedGenerator(generator: generator, seed: seed).generate(lineage)
  let meta = EntryMeta(
    generatorVersion: generatorVersion, seed: seed, index: lineage.index,
    lineage: lineage.steps.isEmpty ? nil : lineage.description)
  let option = profile == .native ? "" : " --profile \(profile.rawValue)" + sourceArguments
  return CaseOrigin(
    entry: CorpusEntry(case: generated, choices: genotype.storableChoices, meta: meta),
    source: "\(seed):\(lineage)\(option)")
}

/// Runs some of the cases of a round. Used by one thread at a time.
private final class Worker: @unchecked Sendable {
  /// A case that was run.
  struct Run {
    let index: UInt64
    let result: CaseResult
    /// What it was made from; nil in unguided campaigns.
    let genotype: Genotype?
    let origin: GuidedOrigin
    /// See `caseCost`.
    let cost: UInt64
    /// Instructions that its messages had used at some of its calls and at their ends.
    let marks: [Int64]
    /// Whether this is the worker's first case that finds the canary.
    let showsCanary: Bool
  }

  let runner: CaseRunner
  let generator: GuidedGenerator
  private let configuration: CampaignConfiguration
  private let canary: CanaryWatch?
  /// Whether the canary has not been found yet.
  var looksForCanary = true
  private(set) var results: [Run] = []

  init(_ configuration: CampaignConfiguration) {
    self.configuration = configuration
    runner = configuration.makeRunner()
    if configuration.isCoverageCollected { runner.coverage = CoverageCollector() }
    generator = GuidedGenerator(generator: configuration.generator, seed: configuration.seed)
    canary = configuration.canary.map { CanaryWatch($0, lanes: configuration.lanes) }
  }

  /// - Parameters:
  ///   - positions: positions in the shard.
  ///   - guidance: decides what cases are made from; nil for an unguided campaign.
  func run(_ positions: StrideTo<UInt64>, _ guidance: Guidance?) {
    results.removeAll(keepingCapacity: true)
    for position in positions {
      guard let index = configuration.shard.index(position) else { return }
      let origin = guidance?.origin(of: index, seed: configuration.seed) ?? .fresh
      let (testCase, genotype) = generate(index, origin, guidance)
      runner.probesBranches = position % probedShare == 0
      var result = runner.runCase(testCase, lanes: configuration.lanes)
      let marks = guidance == nil ? [] : marks(testCase, result)
      let showsCanary = looksForCanary && canary?.isShown(by: testCase, result.verdict) == true
      if showsCanary { looksForCanary = false }
      // What is needed of the observations is in the result; keeping them would keep every reply.
      result.observations = []
      let moduleBytes = testCase.module.count + (testCase.secondModule?.count ?? 0)
      results.append(
        Run(
          index: index, result: result, genotype: guidance == nil ? nil : genotype, origin: origin,
          cost: caseCost(steps: result.steps, moduleBytes: moduleBytes), marks: marks, showsCanary: showsCanary))
    }
  }

  private func marks(_ testCase: Case, _ result: CaseResult) -> [Int64] {
    let limit = testCase.parameters.instructionLimit
    let atCalls = (runner.coverage?.counters ?? []).map { limit.subtractingReportingOverflow($0).partialValue }
    return (atCalls + result.observations.map(\.instructions)).filter { $0 > 0 }
  }

  private func generate(_ index: UInt64, _ origin: GuidedOrigin, _ guidance: Guidance?) -> (Case, Genotype) {
    guard case .variation(let variation, let parent, let limit) = origin, let guidance else {
      return generator.fresh(index)
    }
    return generator.vary(guidance.genotype(of: parent), variation, by: index, limit: limit)
  }
}
