// The boundary classes from which operands of stable memory calls are chosen, one table row each. The rows say when a
// class may be used and whether the call then returns; `StableOperands` makes numbers of them, coverage counts them.

import Canister

/// Sets of the four stable functions that move bytes.
public struct AccessSet: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let narrowRead = AccessSet(rawValue: 1)
  public static let narrowWrite = AccessSet(rawValue: 2)
  public static let wideRead = AccessSet(rawValue: 4)
  public static let wideWrite = AccessSet(rawValue: 8)
  public static let narrow: AccessSet = [.narrowRead, .narrowWrite]
  public static let wide: AccessSet = [.wideRead, .wideWrite]
  public static let all: AccessSet = [.narrow, .wide]
  /// The functions whose bounds are not checked for length 0 (contract section 3).
  public static let emptyUnchecked: AccessSet = [.narrowRead, .wide]

  /// The set of one function; nil for a function that moves no bytes.
  public init?(_ function: SystemFunction) {
    switch function {
    case .stableRead: self = .narrowRead
    case .stableWrite: self = .narrowWrite
    case .stable64Read: self = .wideRead
    case .stable64Write: self = .wideWrite
    default: return nil
    }
  }

  init(isWide: Bool, isWrite: Bool) {
    self =
      switch (isWide, isWrite) {
      case (false, false): .narrowRead
      case (false, true): .narrowWrite
      case (true, false): .wideRead
      case (true, true): .wideWrite
      }
  }
}

/// Where the range of a stable read or write lies in stable memory.
///
/// "The end" is the size at the time of the call, "page" an OS page, "anchor" one of a few page edges that all messages
/// of a case come back to.
public enum RangeClass: UInt8, CaseIterable, Sendable {
  case inside, startsAtPage, endsAtPage, startsBeforePage, startsAfterPage, endsBeforePage, endsAfterPage
  case wholePage, severalPages, manyPages, wholeWasmPage, large, wholeHeap, vast, endsAtWasmPage, crossesWasmPage
  case endsAtEnd, endsBeforeEnd, lastByte, endsAtGuaranteedEnd
  case atSignBit, endsAt4GiB, at4GiB, above4GiB, masked
  case emptyAtStart, emptyInside, emptyAtEnd, emptyPastEnd, emptyAtMaximum
  case passesEnd, startsAtEnd, startsPastEnd, farPastEnd, lastAddress, sumIsZero, sumWraps, sumPasses32Bits
  case lengthSignBit, lengthNearMaximum, lengthOverLimit, lengthOverHeapAddresses, lengthBeyondHeap

  /// The table row.
  public var row: RangeRow { RangeRow.all[Int(rawValue)] }
}

/// One row of the table of stable ranges.
public struct RangeRow: Sendable {
  public let rangeClass: RangeClass
  public let name: StaticString
  /// Relative frequency among the classes that may be used.
  let weight: UInt8
  /// The functions that return for such a range, if the heap side is right too.
  let returns: AccessSet
  /// The functions that fail for such a range.
  let traps: AccessSet
  /// Least size of stable memory, in Wasm pages, for which the class makes sense.
  let pages: UInt64
  /// Least size of the heap in Wasm pages.
  let heapPages: UInt64
  /// Whether the length is 0.
  let isEmpty: Bool

  init(
    _ rangeClass: RangeClass, _ name: StaticString, weight: UInt8, returns: AccessSet = [], traps: AccessSet = [],
    pages: UInt64 = 1, heapPages: UInt64 = 1, isEmpty: Bool = false
  ) {
    self.rangeClass = rangeClass
    self.name = name
    self.weight = weight
    self.returns = returns
    self.traps = traps
    self.pages = pages
    self.heapPages = heapPages
    self.isEmpty = isEmpty
  }

  /// Whether the class makes sense for a function.
  public func isFor(_ access: AccessSet) -> Bool { returns.union(traps).contains(access) }

  /// Whether its lengths make sense for calls only: instructions have lengths of the heap's width, and charge otherwise.
  var isBeyondInstructions: Bool {
    switch rangeClass {
    case .lengthSignBit, .lengthNearMaximum, .lengthOverLimit, .lengthOverHeapAddresses, .lengthBeyondHeap, .vast:
      true
    default: false
    }
  }

  /// Whether the System API takes such a range only because it is empty.
  var isUncheckedWhenEmpty: Bool { rangeClass == .emptyPastEnd || rangeClass == .emptyAtMaximum }

  /// All rows in the order of `RangeClass.allCases`.
  public static let all: [RangeRow] = [
    .init(.inside, "inside", weight: 12, returns: .all),
    .init(.startsAtPage, "starts at a page", weight: 5, returns: .all),
    .init(.endsAtPage, "ends at a page", weight: 7, returns: .all),
    .init(.startsBeforePage, "starts 1 before a page", weight: 4, returns: .all),
    .init(.startsAfterPage, "starts 1 after a page", weight: 3, returns: .all),
    .init(.endsBeforePage, "ends 1 before a page", weight: 4, returns: .all),
    .init(.endsAfterPage, "ends 1 after a page", weight: 5, returns: .all),
    .init(.wholePage, "one whole page", weight: 4, returns: .all),
    .init(.severalPages, "several pages", weight: 5, returns: .all),
    .init(.manyPages, "many pages", weight: 2, returns: .all, pages: 4, heapPages: 3),
    .init(.wholeWasmPage, "64 KiB and a little more", weight: 4, returns: .all, pages: 3, heapPages: 2),
    .init(.large, "256 KiB and more", weight: 6, returns: .all, pages: 20, heapPages: 16),
    .init(.wholeHeap, "as long as the heap", weight: 4, returns: .all, pages: 1),
    .init(.vast, "256 MiB and more", weight: 250, returns: .all, pages: 4_097, heapPages: 4_097),
    .init(.endsAtWasmPage, "ends at a Wasm page", weight: 4, returns: .all),
    .init(.crossesWasmPage, "crosses a Wasm page", weight: 4, returns: .all, pages: 2),
    .init(.endsAtEnd, "ends at the end", weight: 9, returns: .all),
    .init(.endsBeforeEnd, "ends 1 before the end", weight: 2, returns: .all),
    .init(.lastByte, "the last byte", weight: 2, returns: .all),
    .init(.endsAtGuaranteedEnd, "ends at the guaranteed end", weight: 6, returns: .all),
    .init(.atSignBit, "at 2 GiB", weight: 5, returns: .all, pages: 32_770),
    .init(.endsAt4GiB, "ends at 4 GiB", weight: 8, returns: .all, pages: 65_536),
    .init(.at4GiB, "crosses 4 GiB", weight: 8, returns: .wide, pages: 65_537),
    .init(.above4GiB, "above 4 GiB", weight: 6, returns: .wide, pages: 65_537),
    .init(.masked, "computed", weight: 10, returns: .all),
    .init(.emptyAtStart, "empty at 0", weight: 1, returns: .all, pages: 0, isEmpty: true),
    .init(.emptyInside, "empty inside", weight: 1, returns: .all, isEmpty: true),
    .init(.emptyAtEnd, "empty at the end", weight: 2, returns: .all, pages: 0, isEmpty: true),
    .init(
      .emptyPastEnd, "empty past the end", weight: 3, returns: .emptyUnchecked, traps: .narrowWrite, pages: 0,
      isEmpty: true),
    .init(
      .emptyAtMaximum, "empty at the last address", weight: 3, returns: .emptyUnchecked, traps: .narrowWrite, pages: 0,
      isEmpty: true),
    .init(.passesEnd, "passes the end by 1", weight: 8, traps: .all),
    .init(.startsAtEnd, "starts at the end", weight: 6, traps: .all, pages: 0),
    .init(.startsPastEnd, "starts past the end", weight: 4, traps: .all, pages: 0),
    .init(.farPastEnd, "far past the end", weight: 5, traps: .all, pages: 0),
    .init(.lastAddress, "at the last address", weight: 4, traps: .all, pages: 0),
    .init(.sumIsZero, "offset + length is 2^64", weight: 4, traps: .wide, pages: 0),
    .init(.sumWraps, "offset + length passes 2^64", weight: 5, traps: .wide, pages: 0),
    .init(.sumPasses32Bits, "offset + length passes 2^32", weight: 6, traps: .narrow, pages: 0),
    .init(.lengthSignBit, "length at the sign bit", weight: 5, traps: .all, pages: 0),
    .init(.lengthNearMaximum, "length just below its maximum", weight: 4, traps: .all, pages: 0),
    .init(.lengthOverLimit, "length around the instruction limit", weight: 4, traps: .all, pages: 0),
    .init(.lengthOverHeapAddresses, "length beyond all heap addresses", weight: 60, traps: .wide, pages: 1),
    .init(.lengthBeyondHeap, "inside, but 256 MiB and more", weight: 90, traps: .all, pages: 4_096),
  ]
}

/// Where the range of a stable read or write lies in the heap.
public enum HeapClass: UInt8, CaseIterable, Sendable {
  case inside, atStart, endsAtEnd, endsAtGuaranteedEnd, crossesPage, masked
  case passesEnd, startsAtEnd, farPastEnd, lastAddress, sumWraps, above32Bits, atMaximum, aboveMaximum, signBit

  /// The table row.
  public var row: HeapRow { HeapRow.all[Int(rawValue)] }
}

/// One row of the table of heap ranges. A range of length 0 never fails on the heap's side.
public struct HeapRow: Sendable {
  public let heapClass: HeapClass
  public let name: StaticString
  let weight: UInt8
  /// The functions that can be called so.
  let functions: AccessSet
  let traps: Bool

  init(
    _ heapClass: HeapClass, _ name: StaticString, weight: UInt8, traps: Bool = false, functions: AccessSet = .all
  ) {
    self.heapClass = heapClass
    self.name = name
    self.weight = weight
    self.functions = functions
    self.traps = traps
  }

  /// Whether the class makes sense for a function.
  public func isFor(_ access: AccessSet) -> Bool { functions.contains(access) }

  /// All rows in the order of `HeapClass.allCases`.
  public static let all: [HeapRow] = [
    .init(.inside, "inside", weight: 12),
    .init(.atStart, "at 0", weight: 3),
    .init(.endsAtEnd, "ends at the end", weight: 4),
    .init(.endsAtGuaranteedEnd, "ends at the initial end", weight: 2),
    .init(.crossesPage, "crosses a page", weight: 2),
    .init(.masked, "computed", weight: 3),
    .init(.passesEnd, "passes the end by 1", weight: 4, traps: true),
    .init(.startsAtEnd, "starts at the end", weight: 2, traps: true),
    .init(.farPastEnd, "far past the end", weight: 2, traps: true),
    .init(.lastAddress, "at the last address", weight: 2, traps: true),
    .init(.sumWraps, "address + length wraps", weight: 2, traps: true),
    .init(.above32Bits, "2^32 above a good address", weight: 8, traps: true, functions: .wide),
    .init(.atMaximum, "at the largest heap address", weight: 8, traps: true),
    .init(.aboveMaximum, "1 above the largest heap address", weight: 6, traps: true, functions: .wide),
    .init(.signBit, "2^63 above a good address", weight: 3, traps: true, functions: .wide),
  ]
}

/// By how many pages stable memory is asked to grow.
public enum GrowthClass: UInt8, CaseIterable, Sendable {
  case zero, one, few, to4GiB, past4GiB, toCapacity, pastCapacity, signBit, maximum, sumWraps, bytesWrap

  /// The table row.
  public var row: GrowthRow { GrowthRow.all[Int(rawValue)] }
}

/// One row of the table of growth amounts.
public struct GrowthRow: Sendable {
  /// What such a growth does to the size.
  enum Effect { case none, small, jump }

  public let growthClass: GrowthClass
  public let name: StaticString
  let weight: UInt8
  let effect: Effect
  /// Whether only `stable64_grow` can be asked for it.
  public let isOnlyWide: Bool

  init(_ growthClass: GrowthClass, _ name: StaticString, weight: UInt8, _ effect: Effect, isOnlyWide: Bool = false) {
    self.growthClass = growthClass
    self.name = name
    self.weight = weight
    self.effect = effect
    self.isOnlyWide = isOnlyWide
  }

  /// All rows in the order of `GrowthClass.allCases`.
  public static let all: [GrowthRow] = [
    .init(.zero, "0", weight: 3, .none),
    .init(.one, "1", weight: 5, .small),
    .init(.few, "2 to 4", weight: 4, .small),
    .init(.to4GiB, "to 4 GiB", weight: 2, .jump),
    .init(.past4GiB, "to 1 page past 4 GiB", weight: 2, .jump),
    .init(.toCapacity, "to the capacity", weight: 3, .jump),
    .init(.pastCapacity, "to 1 page past the capacity", weight: 3, .none),
    .init(.signBit, "sign bit", weight: 1, .none),
    .init(.maximum, "maximum", weight: 1, .none),
    .init(.sumWraps, "size + pages wraps", weight: 1, .none),
    .init(.bytesWrap, "2^48", weight: 1, .none, isOnlyWide: true),
  ]
}
