// Runs all mutants against the cases of one seed: each case is made once, its host lane runs once, and every mutant that
// is still alive is tried on it. Called by `gradeMutants`.

import Canister
import Differential
import Generation
import Instrumentation
import Mutation
import Wasm

/// How a mutant was found.
public struct Detection: Hashable, Codable, Sendable {
  /// Cases of the campaign up to the one that shows it, this one included.
  public var cases: UInt64
  /// Seconds that an ordinary run of these cases takes: making each, running host lane and native lane.
  public var seconds: Double
  /// The bucket in which it shows.
  public var bucket: String
  /// Where injected memories and functions stand in the case.
  public var placement: String
}

/// What became of a mutant under one seed.
public struct MutantFate: Hashable, Codable, Sendable {
  /// Cases that had a place for it and called what it is in, until it was found.
  public var applied: UInt64 = 0
  /// Cases in which it was looked at more closely, whether its place is executed and its calls differ.
  var probed: UInt64 = 0
  /// The first case in which the place was executed, counted from 1; outside of the injected functions looked for only
  /// where it is not found at once.
  public var reached: UInt64?
  /// The first case in which a stable call of the mutant went differently, counted from 1; likewise.
  public var triggered: UInt64?
  public var detection: Detection?

  public init() {}
}

/// How long mutants are looked for.
public struct GradeLimits: Hashable, Sendable {
  public var cases: UInt64
  /// Of an ordinary run, see `Detection.seconds`.
  public var seconds: Double

  public init(cases: UInt64, seconds: Double) {
    self.cases = cases
    self.seconds = seconds
  }
}

/// What one seed came to.
public struct SeedGrade: Sendable {
  public let seed: UInt64
  /// Cases that were run, and the seconds that an ordinary run takes for them.
  public var cases: UInt64 = 0
  public var seconds = 0.0
  /// Cases in which the lanes did not agree without any mutant; a grade with such cases says little.
  public var disagreements = 0
  /// Index of the first of them.
  public var disagreement: UInt64?
  /// In the order of the mutants.
  public var fates: [MutantFate]
}

/// Tries mutants on the cases of seeds. One per thread.
final class SeedGrader {
  private let profile: GeneratorProfile
  private let mutants: [GradedMutant]
  private let limits: GradeLimits
  private let clock: () -> Double
  private let runner = CaseRunner()
  private let generator: Generator

  /// Cases of an undetected mutant in which its place is looked for and its calls are compared, at most.
  private static let probes: UInt64 = 200
  /// A mutant found within so many cases need not be looked at more closely.
  private static let patience: UInt64 = 64

  init(
    profile: GeneratorProfile, mutants: [GradedMutant], limits: GradeLimits, clock: @escaping () -> Double
  ) {
    self.profile = profile
    self.mutants = mutants
    self.limits = limits
    self.clock = clock
    generator = Generator(profile: profile)
  }

  /// - Parameter isInterrupted: asked after every case.
  func grade(seed: UInt64, isInterrupted: () -> Bool) -> SeedGrade {
    var grade = SeedGrade(seed: seed, fates: mutants.map { _ in MutantFate() })
    var alive = Array(mutants.indices)
    while grade.cases < limits.cases, grade.seconds < limits.seconds, !alive.isEmpty, !isInterrupted() {
      let start = clock()
      let prepared = prepare(seed, grade.cases)
      grade.seconds += clock() - start
      grade.cases += 1
      guard let prepared else {
        grade.disagreements += 1
        grade.disagreement = grade.disagreement ?? grade.cases - 1
        continue
      }
      let trial = Trial(
        runner, prepared.prepared, prepared.strategy, instrumented: prepared.instrumented, targets: prepared.targets,
        cases: grade.cases, seconds: grade.seconds)
      alive.removeAll { number in
        switch mutants[number] {
        case .module(let rule): attempt(rule, on: trial, &grade.fates[number])
        case .lane(let mutant): attempt(mutant, on: trial, &grade.fates[number])
        }
        return grade.fates[number].detection != nil
      }
    }
    return grade
  }

  // MARK: One case

  /// A case with its host lane's observations and its instrumented modules.
  private final class Trial {
    let prepared: PreparedCase
    let strategy: Strategy
    let instrumented: [Module]
    let targets: [MutationTarget]
    /// Cases of the seed up to this one, and the seconds that an ordinary run takes for them.
    let cases: UInt64
    let seconds: Double
    /// What the case executes of the injected functions.
    let coverage: [UInt64]
    /// Widths of the modules' heaps.
    private let heapWidths: Set<Bool>
    private let runner: CaseRunner
    /// The stable calls of the case without a mutant.
    private(set) lazy var stableCalls = runner.stableCalls(prepared, instrumented, strategy)

    /// - Parameter cases: how many cases of the seed there were up to this one; `seconds`: what they take.
    init(
      _ runner: CaseRunner, _ prepared: PreparedCase, _ strategy: Strategy, instrumented: [Module],
      targets: [MutationTarget], cases: UInt64, seconds: Double
    ) {
      self.runner = runner
      self.prepared = prepared
      self.strategy = strategy
      self.instrumented = instrumented
      self.targets = targets
      self.cases = cases
      self.seconds = seconds
      coverage =
        runner.probe(prepared, targets.map(\.coverageProbe), strategy, words: InjectedCoverage.words) ?? []
      heapWidths = Set(prepared.originals.map { IndexSpaces($0).memories.first?.is64Bit ?? false })
    }

    /// Whether the case executes the rule's place in a module of either width; nil where this cannot be known.
    func reaches(_ rule: MutationRule) -> Bool? {
      let answers = heapWidths.map { rule.isReached(coverage, is64BitHeap: $0) }
      return answers.contains(nil) ? nil : answers.contains(true)
    }
  }

  /// - Returns: nil where the lanes do not agree by themselves.
  private func prepare(
    _ seed: UInt64, _ index: UInt64
  ) -> (prepared: PreparedCase, strategy: Strategy, instrumented: [Module], targets: [MutationTarget])? {
    let testCase = generator.generate(seed: seed, index: index).case
    do throws(Fault) {
      let prepared = try runner.prepare(testCase)
      let strategy = testCase.strategy
      var instrumented: [Module] = []
      for module in prepared.originals {
        instrumented.append(try standardInstrumenter(module, strategy, testCase.parameters))
      }
      switch runner.judge(prepared, instrumented, strategy) {
      case .agree, .poisoned: break
      case .diverge, .fault, .toolFailure: return nil
      }
      let targets = zip(instrumented, prepared.originals).compactMap {
        MutationTarget($0, original: $1, strategy: strategy, parameters: testCase.parameters)
      }
      return (prepared, strategy, instrumented, targets)
    } catch {
      return nil
    }
  }

  private func attempt(_ mutant: LaneMutant, on trial: Trial, _ fate: inout MutantFate) {
    runner.faults = mutant.faults
    defer { runner.faults = .none }
    fate.applied += 1
    if let bucket = runner.runCase(trial.prepared.testCase).verdict.bucket {
      fate.detection = Detection(
        cases: trial.cases, seconds: trial.seconds, bucket: bucket, placement: trial.strategy.description)
    }
  }

  private func attempt(_ rule: MutationRule, on trial: Trial, _ fate: inout MutantFate) {
    guard rule.functions.isEmpty || rule.functions.contains(where: trial.prepared.calledFunctions.contains) else {
      return
    }
    let isReached = trial.reaches(rule)
    if isReached == false {
      fate.applied += 1
      return
    }
    let changes = trial.targets.map(rule.apply)
    guard changes.contains(where: { $0 != nil }) else { return }
    let mutants = zip(changes, trial.instrumented).map { $0 ?? $1 }
    fate.applied += 1
    if isReached == true, fate.reached == nil { fate.reached = trial.cases }
    if let bucket = runner.judge(trial.prepared, mutants, trial.strategy).bucket {
      fate.detection = Detection(
        cases: trial.cases, seconds: trial.seconds, bucket: bucket, placement: trial.strategy.description)
      return
    }
    guard trial.cases > Self.patience, fate.probed < Self.probes else { return }
    fate.probed += 1
    if fate.reached == nil {
      let probes = zip(trial.instrumented, mutants).map { reachProbe($0, mutant: $1) }
      // What is in no code is reached when the module is used at all.
      let isCode = probes.contains { $0 != nil }
      let modules = zip(probes, trial.instrumented).map { $0 ?? $1 }
      if !isCode || runner.judge(trial.prepared, modules, trial.strategy).bucket != nil { fate.reached = trial.cases }
    }
    if fate.reached != nil, fate.triggered == nil {
      let calls = runner.stableCalls(trial.prepared, mutants, trial.strategy)
      if calls != trial.stableCalls { fate.triggered = trial.cases }
    }
  }
}
