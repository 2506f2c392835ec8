// Pairs of two values, one of a call and one of the next: all dimensions meet all others across two calls, which whole
// situations are too many for. Gathered as bits, since every pair of calls has 121 of them. Used by `CoverageCollector`.

/// A set of dimensions' values, by `DimensionValue.bit`.
typealias ValueSet = UInt128

extension DimensionValue {
  /// The bits of each dimension's first value: all values are numbered, dimension after dimension.
  private static let firstBits = Dimension.allCases.map { dimension in
    Dimension.allCases[..<dimension.rawValue].reduce(0) { $0 + $1.count }
  }

  /// Values of all dimensions together.
  static let count = Dimension.allCases.reduce(0) { $0 + $1.count }

  var bit: Int { Self.firstBits[dimension.rawValue] + value }

  /// The value of a number; nil past the last.
  init?(bit: Int) {
    guard (0..<Self.count).contains(bit),
      let dimension = Dimension.allCases.last(where: { Self.firstBits[$0.rawValue] <= bit })
    else { return nil }
    self.init(dimension, bit - Self.firstBits[dimension.rawValue])
  }
}

extension CoverageItem {
  /// The values of a situation.
  var values: ValueSet {
    Dimension.allCases.reduce(0) { $0 | 1 << ValueSet(DimensionValue($1, self[$1]).bit) }
  }
}

/// A value of a call and one of the call after it.
public struct ValuePair: Hashable, Sendable {
  /// Of the call before.
  public let first: DimensionValue
  /// What lies between the calls.
  public let gap: CallGap
  /// Of the call after.
  public let second: DimensionValue

  public init(_ first: DimensionValue, _ gap: CallGap, _ second: DimensionValue) {
    self.first = first
    self.gap = gap
    self.second = second
  }

  fileprivate static let bits: UInt64 = 7
  fileprivate var number: UInt64 {
    UInt64(gap.rawValue) << (2 * Self.bits) | UInt64(first.bit) << Self.bits | UInt64(second.bit)
  }

  /// The pair in words: "a call, trapping out of heap bounds, then in a later message a call in a query".
  public var words: String { "\(Hole(values: [first]).words), \(gap.words) \(Hole(values: [second]).words)" }
}

extension CoverageItem {
  /// The item of a pair of values.
  public init(_ pair: ValuePair) { self.init(.valuePair, pair.number) }

  /// The pair of values; nil for other items and for numbers that no such pair has.
  public var valuePair: ValuePair? {
    let mask: UInt64 = 1 << ValuePair.bits - 1
    guard kind == .valuePair, payload >> (2 * ValuePair.bits + 3) == 0,
      let gap = CallGap(rawValue: UInt8(payload >> (2 * ValuePair.bits))),
      let first = DimensionValue(bit: Int(payload >> ValuePair.bits & mask)),
      let second = DimensionValue(bit: Int(payload & mask))
    else { return nil }
    return ValuePair(first, gap, second)
  }
}

/// Pairs of values, as rows of bits.
struct ValuePairTable {
  /// For each gap and value of the first call, the values of the second.
  private var rows = [ValueSet](repeating: 0, count: CallGap.allCases.count * DimensionValue.count)

  /// Adds the pairs of each value of the first set with each of the second.
  mutating func insert(_ first: ValueSet, _ gap: CallGap, _ second: ValueSet) {
    let start = Int(gap.rawValue) * DimensionValue.count
    var rest = first
    while rest != 0 {
      rows[start + rest.trailingZeroBitCount] |= second
      rest &= rest - 1
    }
  }

  /// All pairs as items, ascending.
  var items: [CoverageItem] {
    var items: [CoverageItem] = []
    for (position, row) in rows.enumerated() where row != 0 {
      let (gap, first) = position.quotientAndRemainder(dividingBy: DimensionValue.count)
      let upper = UInt64(gap) << (2 * ValuePair.bits) | UInt64(first) << ValuePair.bits
      var rest = row
      while rest != 0 {
        items.append(CoverageItem(.valuePair, upper | UInt64(rest.trailingZeroBitCount)))
        rest &= rest - 1
      }
    }
    return items
  }

  mutating func removeAll() {
    for position in rows.indices { rows[position] = 0 }
  }
}
