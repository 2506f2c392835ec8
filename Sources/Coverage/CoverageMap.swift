// What many cases have reached: for each item the number of cases. Filled by the campaign in the order of cases, merged
// over workers, shards and runs; stored beside a campaign's record.

/// Cases by item. The same for the same cases, in whatever order and by however many workers they were added.
public struct CoverageMap: Sendable {
  private var counts = CountTable()
  /// Cases that were added.
  public private(set) var cases: UInt64 = 0
  /// Items by kind.
  private var kinds: [Int] = CoverageItem.Kind.allCases.map { _ in 0 }

  public init() {}

  /// Adds a case.
  ///
  /// - Returns: the items that no case before had reached.
  @discardableResult public mutating func add(_ coverage: CaseCoverage) -> [CoverageItem] {
    cases += 1
    var fresh: [CoverageItem] = []
    for item in coverage where add(1, to: item) { fresh.append(item) }
    return fresh
  }

  /// Adds the cases of another map.
  public mutating func merge(_ other: CoverageMap) {
    cases = cases.addingClamped(other.cases)
    for (item, count) in other.counts.sorted { _ = add(count, to: item) }
  }

  private mutating func add(_ count: UInt64, to item: CoverageItem) -> Bool {
    let isNew = counts.add(count, to: item)
    if isNew { kinds[Int(item.kind.rawValue)] += 1 }
    return isNew
  }

  /// The items reached, ascending.
  public var items: [CoverageItem] { counts.sorted.map(\.item) }

  /// How many cases reached an item.
  public func cases(reaching item: CoverageItem) -> UInt64 { counts[item] }

  /// How many items of a kind were reached.
  public func count(of kind: CoverageItem.Kind) -> Int { kinds[Int(kind.rawValue)] }
}

extension CoverageMap: Equatable {
  public static func == (left: Self, right: Self) -> Bool { left.encoded == right.encoded }
}

// MARK: Stored form

extension CoverageMap {
  /// Identifies what the numbers of items mean; changes with the model.
  public static let modelVersion = "2"

  /// Items ascending as differences, each followed by its count: unsigned LEB128.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: UInt64) {
      var rest = value
      while rest > 0x7F {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    append(cases)
    var former: UInt64 = 0
    for (item, count) in counts.sorted {
      append(item.bits - former)
      append(count)
      former = item.bits
    }
    return bytes
  }

  /// Reads what `encoded` gives; nil for anything else.
  public init?(encoded bytes: [UInt8]) {
    var position = 0
    func next() -> UInt64? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while position < bytes.count, shift < 64 {
        let byte = bytes[position]
        position += 1
        if shift == 63 && byte > 1 { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }
    guard let cases = next() else { return nil }
    self.cases = cases
    var former: UInt64 = 0
    while position < bytes.count {
      guard let difference = next(), let count = next(), count > 0, count <= cases else { return nil }
      let (bits, overflow) = former.addingReportingOverflow(difference)
      let item = CoverageItem(bits: bits)
      guard !overflow, item.isWellFormed, add(count, to: item) else { return nil }
      former = bits
    }
  }
}
