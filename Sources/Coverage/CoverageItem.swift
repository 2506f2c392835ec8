// What can be covered, packed into one number each: a situation, a pair of consecutive calls, a pair of their values, or
// a branch of injected code. Collected by `CoverageCollector`, counted by `CoverageMap`.

/// Something that a case can reach.
public struct CoverageItem: Hashable, Comparable, Sendable {
  /// The parts of the model.
  public enum Kind: UInt64, CaseIterable, Sendable {
    case situation, pair, branch, valuePair

    /// Name in tables and JSON.
    public var name: String {
      switch self {
      case .situation: "situations"
      case .pair: "pairs of calls"
      case .branch: "branches of injected code"
      case .valuePair: "pairs of values of calls"
      }
    }
  }

  /// The two highest bits are the kind.
  public let bits: UInt64

  init(_ kind: Kind, _ payload: UInt64) { bits = kind.rawValue << 62 | payload }

  /// An item from its number, whether that stands for something or not.
  public init(bits: UInt64) { self.bits = bits }

  public var kind: Kind { Kind(rawValue: bits >> 62) ?? .situation }
  var payload: UInt64 { bits & (1 << 62 - 1) }

  public static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }

  /// The item in words; empty for numbers that stand for nothing.
  public var words: String {
    situation.map { Hole($0).words } ?? pair?.words ?? valuePair?.words ?? branch.map(BranchCatalogue.shared.words)
      ?? ""
  }

  /// Whether the number stands for something.
  var isWellFormed: Bool {
    switch kind {
    case .situation: situation != nil
    case .pair: pair != nil
    case .branch: branch != nil
    case .valuePair: valuePair != nil
    }
  }
}

// MARK: Situations

extension CoverageItem {
  /// Bits of a dimension's value: enough for 32 values.
  private static let width: UInt64 = 5

  /// The item of a situation.
  public init(_ situation: Situation) {
    // Written out: this runs once per stable call.
    var bits = UInt64(situation.function.rawValue)
    bits |= UInt64(situation.length.rawValue) << Self.width
    bits |= UInt64(situation.relation.rawValue) << (2 * Self.width)
    bits |= UInt64(situation.size.rawValue) << (3 * Self.width)
    bits |= UInt64(situation.pages.rawValue) << (4 * Self.width)
    bits |= UInt64(situation.outcome.rawValue) << (5 * Self.width)
    bits |= UInt64(situation.limit.rawValue) << (6 * Self.width)
    bits |= UInt64(situation.entryPoint.rawValue) << (7 * Self.width)
    bits |= UInt64(situation.heap.rawValue) << (8 * Self.width)
    bits |= UInt64(situation.codeAge.rawValue) << (9 * Self.width)
    bits |= UInt64(situation.heapRelation.rawValue) << (10 * Self.width)
    self.init(.situation, bits)
  }

  /// The value of a situation's dimension.
  public subscript(_ dimension: Dimension) -> Int {
    Int(truncatingIfNeeded: bits >> (UInt64(dimension.rawValue) * Self.width)) & 31
  }

  /// The situation; nil for other items and for numbers that no situation has.
  public var situation: Situation? {
    guard kind == .situation else { return nil }
    for dimension in Dimension.allCases where self[dimension] >= dimension.count { return nil }
    var situation = Situation(.size)
    for dimension in Dimension.allCases { situation[dimension] = self[dimension] }
    return CoverageItem(situation) == self ? situation : nil
  }
}
