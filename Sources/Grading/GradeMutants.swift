// The grade: which of the mutants an ordinary campaign finds, and how soon, over several seeds. Called by
// `stablefuzz mutants`; rendered by `GradeReport.swift`.

import Dispatch
import Generation
import Mutation
import Synchronization

/// What is graded.
public struct GradeConfiguration: Sendable {
  /// What kind of cases the mutants are tried on.
  public var profile: GeneratorProfile
  /// One campaign each.
  public var seeds: [UInt64]
  /// Those that are looked for, in the order of the report.
  public var mutants: [GradedMutant]
  /// When a seed ends with mutants left.
  public var limits: GradeLimits
  /// Seeds at a time.
  public var jobs: Int

  public init(
    profile: GeneratorProfile, seeds: [UInt64], mutants: [GradedMutant], limits: GradeLimits, jobs: Int = 1
  ) {
    self.profile = profile
    self.seeds = seeds
    self.mutants = mutants
    self.limits = limits
    self.jobs = jobs
  }
}

/// The world outside of a grading.
public struct GradeWorld: Sendable {
  /// Seconds that the calling thread has computed.
  public var clock: @Sendable () -> Double
  /// Asked between cases; ends all seeds.
  public var isInterrupted: @Sendable () -> Bool
  /// Called after every seed, by any thread.
  public var report: @Sendable (SeedGrade) -> Void

  public init(
    clock: @escaping @Sendable () -> Double, isInterrupted: @escaping @Sendable () -> Bool = { false },
    report: @escaping @Sendable (SeedGrade) -> Void = { _ in }
  ) {
    self.clock = clock
    self.isInterrupted = isInterrupted
    self.report = report
  }
}

/// Grades the harness.
///
/// - Returns: a grade per seed, in the order of the seeds; those that an interruption cut off are missing, but for the
///   first.
public func gradeMutants(_ configuration: GradeConfiguration, world: GradeWorld) -> [SeedGrade] {
  let next = Atomic<Int>(0)
  let grades = Mutex<[Int: SeedGrade]>([:])
  DispatchQueue.concurrentPerform(iterations: max(min(configuration.jobs, configuration.seeds.count), 1)) { _ in
    let grader = SeedGrader(
      profile: configuration.profile, mutants: configuration.mutants, limits: configuration.limits, clock: world.clock)
    while !world.isInterrupted() {
      let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard number < configuration.seeds.count else { return }
      let grade = grader.grade(seed: configuration.seeds[number], isInterrupted: world.isInterrupted)
      // Half a seed would count what it has not come to as undetected; of the first one it is better than nothing.
      if world.isInterrupted(), number > 0 { return }
      world.report(grade)
      grades.withLock { $0[number] = grade }
    }
  }
  return grades.withLock { grades in grades.keys.sorted().compactMap { grades[$0] } }
}
