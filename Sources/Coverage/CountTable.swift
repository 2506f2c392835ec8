// Counts by item in open addressing: a campaign counts hundreds of items per case, for which the standard dictionary's
// hashing would be half of what coverage costs. Used by `CoverageMap` only.

extension UInt64 {
  /// The sum, or the largest number: what was stored may hold any.
  func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

/// Counts of items, each above 0.
struct CountTable: Sendable {
  /// Item bits; `empty` where there is none.
  private var keys: [UInt64]
  private var values: [UInt64]
  private(set) var count = 0

  /// No item has this number: pairs of values have few bits.
  private static let empty = UInt64.max

  init() {
    keys = Array(repeating: Self.empty, count: 1_024)
    values = Array(repeating: 0, count: 1_024)
  }

  /// Where the item is or would be.
  private func place(of key: UInt64) -> Int {
    let mask = keys.count - 1
    // The upper half of the product depends on all bits.
    var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while keys[place] != key && keys[place] != Self.empty { place = (place + 1) & mask }
    return place
  }

  /// The count of an item; 0 where it was never added.
  subscript(_ item: CoverageItem) -> UInt64 { values[place(of: item.bits)] }

  /// Adds to an item's count.
  ///
  /// - Returns: whether the item is new.
  mutating func add(_ count: UInt64, to item: CoverageItem) -> Bool {
    let place = place(of: item.bits)
    values[place] = values[place].addingClamped(count)
    if keys[place] != Self.empty { return false }
    keys[place] = item.bits
    self.count += 1
    if self.count * 2 > keys.count { grow() }
    return true
  }

  private mutating func grow() {
    let old = zip(keys, values)
    keys = Array(repeating: Self.empty, count: keys.count * 2)
    values = Array(repeating: 0, count: keys.count)
    for (key, value) in old where key != Self.empty {
      let place = place(of: key)
      keys[place] = key
      values[place] = value
    }
  }

  /// All items and their counts, ascending.
  var sorted: [(item: CoverageItem, count: UInt64)] {
    zip(keys, values).compactMap { key, value in
      key == Self.empty ? nil : (CoverageItem(bits: key), value)
    }.sorted { $0.item < $1.item }
  }
}
