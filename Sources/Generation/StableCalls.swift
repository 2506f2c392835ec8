// Emits calls of the eight stable memory functions: which of them, by which import or table slot, with which operands.
// Used by the statements, the patterns and the traps.

import Canister
import Wasm

/// One of the four functions that move bytes.
struct StableAccess {
  var isWide: Bool
  var isWrite: Bool

  var function: SystemFunction {
    switch (isWide, isWrite) {
    case (false, false): .stableRead
    case (false, true): .stableWrite
    case (true, false): .stable64Read
    case (true, true): .stable64Write
    }
  }

  /// The type of all three operands.
  var type: NumberType { isWide ? .i64 : .i32 }
}

extension ModuleGenerator {
  // MARK: Which function

  /// A function that reads or writes and can be called without a trap; nil if none is imported.
  mutating func drawAccess(isWrite: Bool) -> StableAccess? {
    let narrow = StableAccess(isWide: false, isWrite: isWrite)
    let wide = StableAccess(isWide: true, isWrite: isWrite)
    let hasNarrow = hasHeap && isImported(narrow.function) && shape.narrowAccess != .traps
    let hasWide = hasHeap && isImported(wide.function)
    if hasNarrow && hasWide { return choices.chance(1, of: 2) ? narrow : wide }
    return hasNarrow ? narrow : hasWide ? wide : nil
  }

  /// Whether calls of the function have to look at the size first.
  func needsGuard(_ access: StableAccess) -> Bool { !access.isWide && shape.narrowAccess == .guarded }

  /// Opens an `if` whose body runs while 32-bit functions work.
  mutating func openNarrowGuard() {
    callStable(.stable64Size)
    emitI64(Sizes.stable32Ceiling)
    emit(.i64LeU)
    open(.if, isTarget: true)
    current.conditionalDepth += 1
    features.insert(.narrowGuard)
  }

  mutating func closeNarrowGuard() {
    current.conditionalDepth -= 1
    close()
  }

  /// Emits the call itself; the operands are on the stack.
  mutating func callStable(_ function: SystemFunction) {
    spend(25)
    if shape.isDirect { return emitDirect(function) }
    let raw = Int(function.rawValue)
    if callThroughSlot(function) {
      features.insert(.stableCallThroughTable)
    } else if duplicateIndices[raw] >= 0 && choices.chance(1, of: 2) {
      emit(.call, .function(FunctionIndex(Int(duplicateIndices[raw]))))
    } else {
      emit(.call, .function(FunctionIndex(Int(systemIndices[raw]))))
    }
  }

  // MARK: Operands

  mutating func emit(_ operand: Operand, as type: NumberType) {
    switch operand {
    case .constant(let value): emit(constant: value, as: type)
    case .stableEnd(let distance) where !canAskSize: emitConstant(shape.stableBytes &- distance, type)
    case .stableEnd(let distance):
      emitStableSize(as: type)
      emitConstant(16, type)
      emit(type, narrow: .i32Shl, wide: .i64Shl)
      if distance != 0 {
        emitConstant(distance, type)
        emit(type, narrow: .i32Sub, wide: .i64Sub)
      }
    case .heapEnd(let distance): heapEnd(minus: distance, as: type)
    case .pagesMissing(let target) where !canAskSize: emitConstant(target &- shape.stablePages, type)
    case .pagesMissing(let target):
      emitConstant(target, type)
      emitStableSize(as: type)
      emit(type, narrow: .i32Sub, wide: .i64Sub)
    case .local(let local, let offset):
      emit(.localGet, .local(local))
      convert(current.locals[local.position], to: type)
      if offset != 0 {
        emitConstant(offset, type)
        emit(type, narrow: .i32Add, wide: .i64Add)
      }
    case .computed(let base, let mask):
      expression(type, depth: 1)
      emitConstant(mask, type)
      emit(type, narrow: .i32And, wide: .i64And)
      if base != 0 {
        emitConstant(base, type)
        emit(type, narrow: .i32Add, wide: .i64Add)
      }
    }
  }

  /// A number, mostly as it is, at times as a sum or by way of the other width.
  private mutating func emit(constant value: UInt64, as type: NumberType) {
    switch choices.draw(below: 12) {
    case 10:
      let part = choices.draw(below: 4_096)
      emitConstant(value &- part, type)
      emitConstant(part, type)
      emit(type, narrow: .i32Add, wide: .i64Add)
    case 11 where type == .i32:
      emitI64(value | choices.draw(below: 2) << 32)
      emit(.i32WrapI64)
    case 11 where value < 1 << 32:
      emitI32(UInt32(truncatingIfNeeded: value))
      emit(.i64ExtendI32U)
    default: emitConstant(value, type)
    }
  }

  /// Whether code can ask for the size of stable memory; without, the guaranteed size stands in.
  var canAskSize: Bool {
    isImported(.stable64Size) || (isImported(.stableSize) && shape.narrowAccess != .traps)
  }

  private mutating func emitStableSize(as type: NumberType) {
    let mayAskNarrow = isImported(.stableSize) && shape.narrowAccess != .traps
    if mayAskNarrow && (type == .i32 || !isImported(.stable64Size)) {
      callStable(.stableSize)
      convert(.i32, to: type)
    } else {
      callStable(.stable64Size)
      convert(.i64, to: type)
    }
  }

  // MARK: Reads and writes

  /// Emits a read or write.
  mutating func emitAccess(_ access: StableAccess, heap: Operand, _ range: StableRange) {
    let length: Operand =
      range.isLengthComputed ? .computed(base: 0, mask: range.length) : .constant(range.length)
    if shape.isDirect { return emitDirectAccess(access, heap: heap, range, length) }
    emit(access.isWrite ? range.offset : heap, as: access.type)
    emit(access.isWrite ? heap : range.offset, as: access.type)
    emit(length, as: access.type)
    callStable(access.function)
  }

  /// Emits a read or write at constants, as most patterns need it.
  mutating func emitAccess(_ access: StableAccess, heap: UInt64, offset: UInt64, length: UInt64) {
    let range = StableRange(rangeClass: .inside, offset: .constant(offset), length: length)
    note(range, isWrite: access.isWrite)
    emitAccess(access, heap: .constant(heap), range)
  }

  /// Enters a read or write that returns in the footprint.
  mutating func note(_ range: StableRange, isWrite: Bool) {
    current.usesSetup = current.usesSetup || current.isSetUp
    if range.length == 0 { return }
    var pages = (range.length &+ 4_094) >> 12 &+ 1
    if case .constant(let offset) = range.offset {
      let span = PageSpan(
        start: offset >> 12, end: ((offset &+ range.length &- 1) >> 12) &+ 1, isWritten: isWrite)
      pages = span.end &- span.start
      current.footprint.add(span)
    } else {
      if case .stableEnd(let distance) = range.offset {
        pages = (distance &+ 4_095) >> 12 &- (distance &- range.length) >> 12
      }
      current.footprint.unknownAccessed += pages * current.multiplicity
      if isWrite { current.footprint.unknownWritten += pages * current.multiplicity }
    }
    let cost = range.length &+ (isWrite ? pages &* UInt64(clamping: shape.parameters.dirtyPageOverhead) : 0)
    if range.rangeClass == .vast {
      current.hasVastAccess = true
      vastBodies += 1
      // In time, what most pages of zeros take.
      spend(40_000)
    } else {
      spend(cost)
    }
  }

  /// Whether one message can pay for moving that many bytes at once, here.
  func mayMove(_ length: UInt64) -> Bool {
    let overhead = UInt64(clamping: shape.parameters.dirtyPageOverhead)
    return current.rank >= helperCount && current.multiplicity == 1
      && current.footprint.cost + length + (length >> 12 + 1) * overhead < 1_200_000
      && !shape.wantsKnownPages && shape.parameters.instructionLimit >= 2_000_000
  }

  /// Whether the message can pay for moving that many bytes, 256 MiB at least, and both memories have room for them.
  /// One such access a body, and few bodies: they take time. None during the installation, where no limit is exceeded.
  func mayMoveVast(_ length: UInt64) -> Bool {
    guard shape.instructionLimit == .production, shape.dirtyLimit != .small, shape.accessedLimit != .small,
      current.rank >= helperCount, current.multiplicity == 1, !current.hasVastAccess, vastBodies < 2,
      length <= min(heapBytes, shape.stableBytes),
      current.entryPoints != EntryPointSet(.start), current.entryPoints != EntryPointSet(.initialize)
    else { return false }
    let pages = length >> 12 + 2
    // An upgrade runs two bodies on the same instructions.
    let isHalf = current.entryPoints == .preUpgrade || current.entryPoints == EntryPointSet(.postUpgrade)
    let share = UInt64(clamping: shape.parameters.instructionLimit) / 5 * (isHalf ? 2 : 3)
    if length + pages * UInt64(clamping: shape.parameters.dirtyPageOverhead) > share { return false }
    // Other limits are made to fit what the bodies do.
    if shape.dirtyLimit != .production && shape.accessedLimit != .production { return true }
    return EntryPoint.allCases.allSatisfy {
      !current.entryPoints.contains(EntryPointSet($0)) || pages + 1_000 <= PageLimits()[$0.pageLimitClass]
    }
  }

  /// A heap address for a range of this length, by class.
  mutating func drawHeapOperand(_ heapClass: HeapClass, length: UInt64, isWide: Bool) -> Operand {
    let last = heapBytes - min(length, heapBytes)
    let maximum: UInt64 = isWide ? .max : 0xFFFF_FFFF
    switch heapClass {
    case .inside: return .constant(place(for: length))
    case .atStart: return .constant(min(choices.draw(below: 3), last))
    case .endsAtEnd: return .heapEnd(minus: length)
    case .endsAtGuaranteedEnd: return .constant(last)
    case .crossesPage: return .constant(min(last, 4_096 * (1 + choices.draw(below: 14)) - 1 - choices.draw(below: 64)))
    case .masked:
      if last < 8_192 { return .constant(place(for: length)) }
      return .computed(base: choices.draw(below: 1_024), mask: (1 as UInt64) << choices.integer(in: 3...11) - 1)
    case .passesEnd: return .heapEnd(minus: length &- 1)
    case .startsAtEnd: return .heapEnd(minus: 0)
    case .farPastEnd: return .constant(isWide && isWideHeap ? 1 << 40 : max(1 << 31, heapBytes + Sizes.wasmPage))
    case .lastAddress: return .constant(maximum)
    case .sumWraps: return .constant(maximum &- choices.draw(below: max(1, min(length, 4_096))))
    case .above32Bits: return .constant(1 << 32 + place(for: length))
    case .atMaximum: return .constant(min(maximum, largestHeapAddress))
    case .aboveMaximum: return .constant(largestHeapAddress + 1)
    case .signBit: return .constant(1 << 63 + place(for: length))
    }
  }

  // MARK: Growth

  mutating func drawGrowthOperand(_ growthClass: GrowthClass, isWide: Bool) -> Operand {
    let maximum: UInt64 = isWide ? .max : 0xFFFF_FFFF
    switch growthClass {
    case .zero: return .constant(0)
    case .one: return .constant(1)
    case .few: return .constant(2 + choices.draw(below: 3))
    case .to4GiB: return .pagesMissing(to: Sizes.stable32Ceiling)
    case .past4GiB: return .pagesMissing(to: Sizes.stable32Ceiling + 1)
    case .toCapacity: return .pagesMissing(to: shape.parameters.stableCapacity)
    case .pastCapacity: return .pagesMissing(to: shape.parameters.stableCapacity + 1)
    case .signBit: return .constant((isWide ? 1 << 63 : 1 << 31) - 1 + choices.draw(below: 3))
    case .maximum: return .constant(maximum - choices.draw(below: 2))
    case .sumWraps: return .pagesMissing(to: choices.draw(below: 3))
    case .bytesWrap: return .constant(1 << 48)
    }
  }
}
