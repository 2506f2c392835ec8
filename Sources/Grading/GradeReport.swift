// What a grading came to, per mutant and as a whole, and its JSON form. Rendered by `GradeText.swift`.

import Campaign
import Generation
import Mutation

/// What became of one mutant over all seeds.
public struct MutantRow: Hashable, Codable, Sendable {
  /// How far a mutant got.
  public enum Status: String, Codable, CaseIterable, Sendable {
    case detected
    /// Under some seeds only.
    case sometimes
    /// No call of a stable function went differently.
    case reached
    /// One did, and no observation showed it.
    case triggered
    /// Its place was never executed.
    case unreached
    /// No case had a place for it.
    case unplaced
    /// A mistake of a lane that no case showed; of the lanes' own code it is not known what is executed.
    case unseen

    /// The status of a mutant that was not detected, in words.
    public var words: String {
      switch self {
      case .detected: "detected"
      case .sometimes: "detected under some seeds only"
      case .reached: "its place was executed, and nothing went differently"
      case .triggered: "a stable call went differently, and no observation showed it"
      case .unreached: "its place was never executed"
      case .unplaced: "no case had a place for it"
      case .unseen: "no case showed it; what lanes execute of their own code is not looked at"
      }
    }
  }

  public var name: String
  public var family: MutationFamily
  /// The mistake as a sentence.
  public var sentence: String
  public var status: Status
  /// Seeds under which it was found.
  public var found: Int
  /// Over those seeds.
  public var medianCases: UInt64?
  public var mostCases: UInt64?
  public var medianSeconds: Double?
  public var mostSeconds: Double?
  /// Buckets in which it showed, in the order of seeds, each once.
  public var buckets: [String]
  /// Cases until it was found, by seed; nil where it was not.
  public var cases: [UInt64?]
}

/// A point of the survival curve.
public struct SurvivalPoint: Hashable, Codable, Sendable {
  public var cases: UInt64
  /// Mutants not found by then: mean over the seeds.
  public var alive: Double
}

/// How many mutants showed first in cases of a placement of the injected memories and functions.
public struct PlacementRow: Hashable, Codable, Sendable {
  /// `end-front`, `second-after`, …
  public var placement: String
  /// Over all seeds.
  public var detections: Int
  /// Different mutants among them.
  public var mutants: Int
}

/// A mutant that nothing can find, and why.
public struct EquivalentRow: Hashable, Codable, Sendable {
  public var name: String
  public var reason: String

  public init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }
}

/// The result of `stablefuzz mutants`.
public struct GradeReport: Hashable, Codable, Sendable {
  public var version: String
  /// Version of the generator, which decides what the cases of a seed are.
  public var generator: String
  public var profile: String
  public var command: String
  public var seeds: [UInt64]
  /// Cases run by seed, and the seconds that an ordinary run takes for them.
  public var casesBySeed: [UInt64]
  public var secondsBySeed: [Double]
  /// Cases in which the lanes did not agree without any mutant, over all seeds.
  public var disagreements: Int
  /// The first case that disagreed, as `SEED:INDEX`.
  public var disagreement: String?
  /// Seconds that were spent per seed at most.
  public var secondsLimit: Double
  /// Mutants graded: all of the profile without the equivalent ones.
  public var graded: Int
  /// Mutants found under every seed.
  public var detectedAlways: Int
  /// Mutants found under some seeds.
  public var detectedSometimes: Int
  /// Share of all pairs of mutant and seed that were detected.
  public var score: Double
  /// Over all detections.
  public var medianCases: UInt64?
  public var mostSeconds: Double?
  /// By number of cases.
  public var survival: [SurvivalPoint]
  /// By name.
  public var placements: [PlacementRow]
  /// Those left out.
  public var equivalent: [EquivalentRow]
  public var mutants: [MutantRow]

  public init(
    _ configuration: GradeConfiguration, _ grades: [SeedGrade], equivalent: [EquivalentRow], command: String
  ) {
    version = stablefuzzVersion
    generator = generatorVersion
    profile = configuration.profile.rawValue
    self.command = command
    seeds = grades.map(\.seed)
    casesBySeed = grades.map(\.cases)
    secondsBySeed = grades.map(\.seconds)
    disagreements = grades.reduce(0) { $0 + $1.disagreements }
    disagreement = grades.lazy.compactMap { grade in grade.disagreement.map { "\(grade.seed):\($0)" } }.first
    secondsLimit = configuration.limits.seconds
    mutants = configuration.mutants.enumerated().map { number, mutant in
      MutantRow(mutant, grades.map { $0.fates[number] })
    }
    graded = mutants.count
    detectedAlways = mutants.count { $0.status == .detected }
    detectedSometimes = mutants.count { $0.status == .sometimes }
    let detections = grades.flatMap { $0.fates.compactMap(\.detection) }
    let pairs = mutants.count * grades.count
    score = pairs == 0 ? 0 : Double(detections.count) / Double(pairs)
    medianCases = median(detections.map(\.cases))
    mostSeconds = detections.map(\.seconds).max()
    survival = Self.survival(detections.map(\.cases), mutants: mutants.count, seeds: grades.count)
    placements = Self.placements(grades)
    self.equivalent = equivalent
  }

  private static func placements(_ grades: [SeedGrade]) -> [PlacementRow] {
    var found: [String: [Int]] = [:]
    for grade in grades {
      for (number, fate) in grade.fates.enumerated() {
        if let placement = fate.detection?.placement { found[placement, default: []].append(number) }
      }
    }
    return found.keys.sorted().map { placement in
      let numbers = found[placement] ?? []
      return PlacementRow(placement: placement, detections: numbers.count, mutants: Set(numbers).count)
    }
  }

  /// The curve at 1, 2, 5, 10, 20, 50 … cases.
  private static func survival(_ cases: [UInt64], mutants: Int, seeds: Int) -> [SurvivalPoint] {
    guard seeds > 0, let last = cases.max() else { return [] }
    var points: [SurvivalPoint] = []
    var decade: UInt64 = 1
    while (points.last?.cases ?? 0) < last {
      for factor: UInt64 in [1, 2, 5] where (points.last?.cases ?? 0) < last {
        let limit = decade * factor
        let found = Double(cases.count { $0 <= limit }) / Double(seeds)
        points.append(SurvivalPoint(cases: limit, alive: Double(mutants) - found))
      }
      decade *= 10
    }
    return points
  }
}

extension MutantRow {
  init(_ mutant: GradedMutant, _ fates: [MutantFate]) {
    let detections = fates.compactMap(\.detection)
    name = mutant.name
    family = mutant.family
    sentence = mutant.sentence
    found = detections.count
    medianCases = median(detections.map(\.cases))
    mostCases = detections.map(\.cases).max()
    medianSeconds = median(detections.map(\.seconds))
    mostSeconds = detections.map(\.seconds).max()
    buckets = detections.reduce(into: []) { if !$0.contains($1.bucket) { $0.append($1.bucket) } }
    cases = fates.map { $0.detection?.cases }
    status =
      if !fates.isEmpty, detections.count == fates.count {
        .detected
      } else if !detections.isEmpty {
        .sometimes
      } else if mutant.family == .lane {
        .unseen
      } else if fates.contains(where: { $0.triggered != nil }) {
        .triggered
      } else if fates.contains(where: { $0.reached != nil }) {
        .reached
      } else if fates.contains(where: { $0.applied > 0 }) {
        .unreached
      } else {
        .unplaced
      }
  }
}

/// The middle value; of an even number of values the lower middle one.
private func median<Value: Comparable>(_ values: [Value]) -> Value? {
  values.isEmpty ? nil : values.sorted()[(values.count - 1) / 2]
}
