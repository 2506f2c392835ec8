// Turns operand classes into operands of stable memory calls, and emits them. Used by the stable memory statements and,
// as plain numbers, by the messages for the probe method.

import Canister
import Wasm

/// How an operand is computed.
enum Operand {
  case constant(UInt64)
  /// Stable memory's size in bytes less a number, wrapping.
  case stableEnd(minus: UInt64)
  /// The heap's size in bytes less a number, wrapping.
  case heapEnd(minus: UInt64)
  /// Wasm pages by which stable memory is smaller than a size, wrapping.
  case pagesMissing(to: UInt64)
  /// A number that stands in a local, plus a constant.
  case local(LocalIndex, plus: UInt64 = 0)
  /// Some number of which only the bits of `mask` count, added to `base`.
  case computed(base: UInt64, mask: UInt64)
}

/// A range of stable memory for a read or write.
struct StableRange {
  var rangeClass: RangeClass
  var offset: Operand
  var length: UInt64
  /// If not 0, the length is computed and at most `length`, which has all bits set.
  var isLengthComputed = false
}

extension ModuleGenerator {
  private var stableBytes: UInt64 { current.isSetUp ? shape.stableBytes : 0 }

  // MARK: Classes

  /// A class of ranges for which the function returns or traps, as wanted; nil if the case has none.
  mutating func drawRangeClass(_ access: StableAccess, traps: Bool) -> RangeClass? {
    let wanted = AccessSet(isWide: access.isWide, isWrite: access.isWrite)
    let pages = current.isSetUp ? shape.stablePages : 0
    let isTooBig = !access.isWide && shape.narrowAccess == .traps
    func weight(_ row: RangeRow) -> UInt64 {
      if row.pages > pages || row.heapPages > shape.heapPages { return 0 }
      if row.rangeClass == .lengthOverHeapAddresses && !mayPassHeapAddresses { return 0 }
      if row.rangeClass == .wholeHeap && (shape.stablePages < shape.heapPages || shape.heapPages > 8) { return 0 }
      if row.rangeClass == .vast && !mayMoveVast(1 << 28) { return 0 }
      if row.rangeClass == .lengthBeyondHeap && (shape.instructionLimit != .production || shape.heapPages > 1_000) {
        return 0
      }
      if isTooBig {
        // Everything traps but reads of no bytes. That this error comes before the one for passing the end shows only
        // where 32 bits reach beyond the end.
        if row.rangeClass == .sumPasses32Bits { return traps ? 150 : 0 }
        return (row.isEmpty && !access.isWrite) == traps ? 0 : UInt64(row.weight)
      }
      if shape.isDirect {
        if row.isBeyondInstructions { return 0 }
        // An instruction checks its range also when there is nothing to move.
        if row.isUncheckedWhenEmpty { return traps ? UInt64(row.weight) : 0 }
      }
      return (traps ? row.traps : row.returns).contains(wanted) ? UInt64(row.weight) : 0
    }
    var total: UInt64 = 0
    for row in RangeRow.all { total &+= weight(row) }
    if total == 0 { return nil }
    var rest = choices.draw(below: total)
    for row in RangeRow.all {
      let weight = weight(row)
      if rest < weight { return row.rangeClass }
      rest &-= weight
    }
    return nil
  }

  /// Whether a length above the largest heap address fits stable memory and can be paid for.
  private var mayPassHeapAddresses: Bool {
    let least = largestHeapAddress
    return stableBytes >= least && least + 1_000_000 < UInt64(clamping: shape.parameters.instructionLimit)
      && shape.instructionLimit == .production
  }

  /// A class of heap ranges of at least one byte.
  mutating func drawHeapClass(_ access: StableAccess, traps: Bool) -> HeapClass {
    let wanted = AccessSet(isWide: access.isWide, isWrite: access.isWrite)
    func weight(_ row: HeapRow) -> UInt64 {
      if row.traps != traps || !row.functions.contains(wanted) { return 0 }
      // Narrow instructions have no such addresses.
      if shape.isDirect && !isWideHeap && row.functions == .wide { return 0 }
      return row.heapClass == .above32Bits && isWideHeap ? 0 : UInt64(row.weight)
    }
    var total: UInt64 = 0
    for row in HeapRow.all { total &+= weight(row) }
    var rest = choices.draw(below: total)
    for row in HeapRow.all {
      let weight = weight(row)
      if rest < weight { return row.heapClass }
      rest &-= weight
    }
    return .inside
  }

  mutating func drawGrowthClass(isWide: Bool) -> GrowthClass {
    // While 32-bit functions are called without a look at the size, it must not creep past 4 GiB.
    let mayGrow = shape.isGrowthFree || !isWide || shape.stablePages < 60_000
    func weight(_ row: GrowthRow) -> UInt64 {
      if row.isOnlyWide && !isWide { return 0 }
      switch row.effect {
      case .none: return UInt64(row.weight)
      case .small: return mayGrow && current.multiplicity <= 8 ? UInt64(row.weight) : 0
      case .jump: return shape.isGrowthFree || (!isWide && shape.stablePages > 60_000) ? UInt64(row.weight) : 0
      }
    }
    var total: UInt64 = 0
    for row in GrowthRow.all { total &+= weight(row) }
    var rest = choices.draw(below: total)
    for row in GrowthRow.all {
      let weight = weight(row)
      if rest < weight { return row.growthClass }
      rest &-= weight
    }
    return .zero
  }

  // MARK: Ranges of stable memory

  private mutating func drawLength(atMost limit: UInt64) -> UInt64 {
    let drawn: UInt64 =
      switch choices.draw(below: 12) {
      case 0..<6: 1 + choices.draw(below: 16)
      case 6: 8
      case 7..<9: 17 + choices.draw(below: 240)
      case 9: 4_090 + choices.draw(below: 13)
      case 10: 1 + choices.draw(below: 4_096)
      default: 4_096 + choices.draw(below: 8_192)
      }
    return max(1, min(drawn, limit))
  }

  mutating func drawAnchor() -> UInt64 { choices.element(of: shape.anchors) }

  /// Bytes of an OS page.
  private var page: UInt64 { Sizes.osPage }

  /// A range of the class; the class's conditions hold.
  mutating func drawRange(_ rangeClass: RangeClass, isWide: Bool) -> StableRange {
    func range(_ offset: UInt64, _ length: UInt64) -> StableRange {
      StableRange(rangeClass: rangeClass, offset: .constant(offset), length: length)
    }
    func end(minus distance: UInt64, _ length: UInt64) -> StableRange {
      StableRange(rangeClass: rangeClass, offset: .stableEnd(minus: distance), length: length)
    }
    let all = shape.stableBytes
    let maximum: UInt64 = isWide ? .max : 0xFFFF_FFFF
    switch rangeClass {
    case .inside:
      let length = drawLength(atMost: 12_288)
      switch choices.draw(below: 8) {
      // Where offset, length, heap address and number of pages are all alike.
      case 0: return range(choices.draw(below: 3), 1 + choices.draw(below: 3))
      case 1..<3: return range(choices.draw(below: 256), length)
      case 3..<6: return range(drawAnchor() + choices.draw(below: page), min(length, 12_288 - page))
      default: return range(choices.draw(below: all - length + 1), length)
      }
    case .startsAtPage: return range(drawAnchor(), drawLength(atMost: 12_288))
    case .startsBeforePage: return range(drawAnchor() - 1, drawLength(atMost: 12_288))
    case .startsAfterPage: return range(drawAnchor() + 1, drawLength(atMost: 12_288))
    case .endsAtPage, .endsBeforePage, .endsAfterPage:
      let stop = drawAnchor() &+ (rangeClass == .endsAtPage ? 0 : rangeClass == .endsAfterPage ? 1 : .max)
      let length = drawLength(atMost: min(stop, 12_288))
      return range(stop - length, length)
    case .wholePage: return range(drawAnchor(), page)
    case .severalPages:
      let start = drawAnchor() - 1 + choices.draw(below: 3)
      return range(start, page * (1 + choices.draw(below: 3)) - 1 + choices.draw(below: 3))
    case .manyPages:
      let start = min(drawAnchor(), all - 45 * page) + choices.draw(below: page)
      return range(start, page * (8 + choices.draw(below: 32)) + choices.draw(below: 3))
    case .wholeWasmPage:
      let length = Sizes.wasmPage + choices.draw(below: 3)
      return range(choices.draw(below: 2) * Sizes.wasmPage + choices.draw(below: 3), mayMove(length) ? length : 4_096)
    case .large:
      let length = 262_144 * (1 + choices.draw(below: 4))
      return range(choices.draw(below: all - length + 1), mayMove(length) ? length : 4_096)
    case .wholeHeap:
      return range(choices.draw(below: min(all - heapBytes, page) + 1), mayMove(heapBytes) ? heapBytes : 1)
    case .vast: return drawVastRange()
    case .endsAtWasmPage, .crossesWasmPage:
      return drawWasmPageRange(rangeClass)
    case .endsAtEnd:
      let length = drawLength(atMost: 12_288)
      return end(minus: length, length)
    case .endsBeforeEnd:
      let length = drawLength(atMost: 12_288)
      return end(minus: length + 1, length)
    case .lastByte: return end(minus: 1, 1)
    case .endsAtGuaranteedEnd:
      let length = drawLength(atMost: 12_288)
      return range(all - length, length)
    case .atSignBit:
      let length = drawLength(atMost: 8_192)
      return range((1 << 31) - choices.draw(below: length + 1), length)
    case .endsAt4GiB:
      let length = drawLength(atMost: 12_288)
      return range((1 << 32) - length, length)
    case .at4GiB:
      let length = drawLength(atMost: 8_192)
      return range((1 << 32) - choices.draw(below: length), length)
    case .above4GiB:
      let length = drawLength(atMost: 12_288)
      return range((1 << 32) + choices.draw(below: all - length - (1 << 32) + 1), length)
    case .masked: return drawComputedRange()
    case .emptyAtStart: return range(0, 0)
    case .emptyInside: return range(drawAnchor() - 1 + choices.draw(below: 3), 0)
    case .emptyAtEnd: return end(minus: 0, 0)
    case .emptyPastEnd: return end(minus: 0 &- 1 &- choices.draw(below: 70_000), 0)
    case .emptyAtMaximum: return range(maximum - choices.draw(below: 2), 0)
    default: return drawBadRange(rangeClass, isWide: isWide)
    }
  }

  private mutating func drawWasmPageRange(_ rangeClass: RangeClass) -> StableRange {
    let isEnd = rangeClass == .endsAtWasmPage
    let last = shape.stablePages - (isEnd ? 0 : 1)
    let number: UInt64 =
      switch choices.draw(below: 3) {
      case 0: 1
      case 1: last
      default: 1 + choices.draw(below: last)
      }
    let edge = number * Sizes.wasmPage
    let length = max(2, drawLength(atMost: 8_192))
    let offset = edge - (isEnd ? length : 1 + choices.draw(below: length - 1))
    return StableRange(rangeClass: rangeClass, offset: .constant(offset), length: length)
  }

  /// A range of which the number of pages does not fit 16 bits or that of bytes not 31 or 32, as far as there is room;
  /// there is for one of 256 MiB.
  private mutating func drawVastRange() -> StableRange {
    let beyond = 1 << 32 + page
    let largest: [UInt64] = [1 << 31, 1 << 31 + page, beyond, beyond, beyond].filter(mayMoveVast)
    let lengths: [UInt64] = [1 << 28, 1 << 28 + page, 1 << 28 + choices.draw(below: 1 << 24), 1 << 29 + page, 1 << 30]
    let isLargest = !largest.isEmpty && choices.chance(3, of: 4)
    let length = choices.element(of: isLargest ? largest : lengths.filter(mayMoveVast))
    let last = min(heapBytes, shape.stableBytes) - length
    let offset = choices.chance(1, of: 2) ? choices.draw(below: min(last, page) + 1) : choices.draw(below: last + 1)
    return StableRange(rangeClass: .vast, offset: .constant(offset), length: length)
  }

  private mutating func drawComputedRange() -> StableRange {
    let mask = (1 as UInt64) << choices.integer(in: 3...12) - 1
    let base = choices.chance(3, of: 4) ? drawAnchor() : 0
    let isLengthComputed = choices.chance(1, of: 4)
    let length = isLengthComputed ? (1 as UInt64) << choices.integer(in: 2...12) - 1 : drawLength(atMost: 8_192)
    return StableRange(
      rangeClass: .masked, offset: .computed(base: base, mask: mask), length: length, isLengthComputed: isLengthComputed
    )
  }

  /// A range with which the call fails, at least while stable memory has nearly the guaranteed size.
  private mutating func drawBadRange(_ rangeClass: RangeClass, isWide: Bool) -> StableRange {
    let maximum: UInt64 = isWide ? .max : 0xFFFF_FFFF
    let length = drawLength(atMost: 8_192)
    var range = StableRange(rangeClass: rangeClass, offset: .constant(0), length: length)
    switch rangeClass {
    case .passesEnd:
      if choices.chance(1, of: 4) && shape.stablePages <= 16 {
        // From the first bytes to past the last.
        range.offset = .constant(choices.draw(below: 3))
        range.length = stableBytes + choices.element(of: [1, 3, page, 5 * page])
      } else {
        range.offset = .stableEnd(minus: length - min(length, choices.element(of: [1, 1, 2, page - 1, page])))
      }
    case .startsAtEnd: range.offset = .stableEnd(minus: 0)
    case .startsPastEnd: range.offset = .stableEnd(minus: 0 &- 1 &- choices.draw(below: 70_000))
    case .farPastEnd:
      // 2^44: its page number is 2^32, so cutting it to 32 bits too early makes it 0.
      let powers: [UInt64] = isWide ? [32, 43, 44, 48, 63] : [31]
      let power = choices.element(of: powers)
      range.offset = .constant(1 << power + choices.draw(below: 2 * page))
    case .lastAddress:
      range.offset = .constant(maximum)
      range.length = 1
    case .sumIsZero: range.offset = .constant(0 &- length)
    case .sumWraps, .sumPasses32Bits:
      let before = 1 + choices.draw(below: 64)
      range.offset = .constant(maximum - before + 1)
      range.length = before + choices.draw(below: 64)
      // With 32 bits the sum passes the end only if stable memory ends soon after 4 GiB, or the length is large.
      if rangeClass == .sumPasses32Bits && choices.chance(2, of: 3) {
        range.length &+= Sizes.wasmPage * (1 + choices.draw(below: 4))
      }
    case .lengthSignBit:
      range.offset = .constant(choices.draw(below: 2))
      range.length = (isWide ? 1 << 63 : 1 << 31) - 22 + choices.draw(below: choices.chance(1, of: 3) ? 1 << 20 : 24)
    case .lengthNearMaximum:
      range.offset = .constant(choices.draw(below: 3))
      range.length = maximum - choices.draw(below: 24)
    case .lengthOverLimit:
      let limit = min(maximum, UInt64(clamping: shape.parameters.instructionLimit))
      range.length = limit - choices.draw(below: min(limit, choices.chance(1, of: 2) ? 40 : 2_000))
    case .lengthBeyondHeap:
      let lengths: [UInt64] = [1 << 28, 1 << 28 + page, 1 << 30 + page, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32]
      let fitting = lengths.filter { $0 <= min(stableBytes, maximum) }
      range.length = fitting.isEmpty ? length : choices.element(of: fitting)
      range.offset = .constant(choices.draw(below: min(stableBytes - range.length, 8_192) + 1))
    case .lengthOverHeapAddresses:
      range.length = min(largestHeapAddress &- 1 &+ choices.draw(below: 4), stableBytes)
      range.offset = .constant(choices.draw(below: min(stableBytes - range.length, 2) + 1))
    default: break
    }
    return range
  }
}
