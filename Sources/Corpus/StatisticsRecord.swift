// What generated cases are good for, as plain values: filled in by `collectStatistics`, rendered by `Reporting`.

/// A number of cases or messages with one thing in common, and one of them to look at.
public struct CountedCause: Hashable, Codable, Sendable {
  public var cause: String
  public var count: Int
  /// `SEED:INDEX` of the first case.
  public var example: String

  public init(cause: String, count: Int, example: String) {
    self.cause = cause
    self.count = count
    self.example = example
  }
}

/// A share of cases by name.
public struct NamedShare: Hashable, Codable, Sendable {
  public var name: String
  public var share: Double

  public init(name: String, share: Double) {
    self.name = name
    self.share = share
  }
}

/// A distribution by some of its quantiles.
public struct Quantiles: Hashable, Codable, Sendable {
  public var least, tenth, median, ninetieth, most: UInt64

  /// - Parameter values: in any order; quantiles of none are 0.
  public init(_ values: [UInt64]) {
    let sorted = values.sorted()
    func at(_ share: Double) -> UInt64 { sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)] }
    (least, tenth, median, ninetieth, most) = (at(0), at(0.1), at(0.5), at(0.9), at(1))
  }
}

/// Statistics of generated cases. Everything but the times follows from profile, seed and number of cases.
public struct StatisticsRecord: Hashable, Codable, Sendable {
  public var version: String
  public var configuration: [Setting]
  public var seed: UInt64
  public var cases: Int
  public var modules = 0
  /// Of all modules.
  public var moduleBytes = 0
  /// Modules that are not valid, or that the rules for canisters refuse; reasons and examples.
  public var invalidModules: [CountedCause] = []
  /// Whether the lanes ran; without, only what the generator knows is filled in.
  public var hasRun = true
  public var verdicts = VerdictCounts()
  /// Cases all of whose messages succeeded.
  public var casesWithoutTrap = 0
  /// Cases that trap on purpose or not at all.
  public var casesWithoutUnintendedTrap = 0
  /// Cases that trap somewhere on purpose.
  public var casesWithIntendedTrap = 0
  /// Cases with that many stable operations, at least, that moved bytes or grew memory.
  public var casesWithOneOperation = 0
  public var casesWithFiveOperations = 0
  public var messages = 0
  /// Messages that trapped or were refused.
  public var messagesWithoutSuccess = 0
  /// Host-lane instructions of all messages, and of those that did not succeed; 2,000,000 a message at most.
  public var instructions: UInt64 = 0
  public var wastedInstructions: UInt64 = 0
  /// Causes of traps that the generator did not plan, and of those that it did.
  public var unintendedTraps: [CountedCause] = []
  public var intendedTraps: [CountedCause] = []
  /// Why cases have fewer than five effective operations.
  public var tooFewOperations: [CountedCause] = []
  /// Per case: stable operations that moved bytes or grew memory.
  public var operations = Quantiles([])
  public var bytesPerCase = Quantiles([])
  public var messagesPerCase = Quantiles([])
  public var instructionsPerCase = Quantiles([])
  /// Shares of cases with each feature.
  public var features: [NamedShare] = []
  /// Operand classes by stable function that no case used: `stable_read: at the last address`.
  public var unusedClasses: [String] = []
  /// Seconds by stage, all workers together.
  public var secondsByStage: [NamedShare] = []

  public init(version: String, configuration: [Setting], seed: UInt64, cases: Int) {
    self.version = version
    self.configuration = configuration
    self.seed = seed
    self.cases = cases
  }
}
