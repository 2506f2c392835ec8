// Emits statements about stable memory that consist of one call: a read or write of some operand class, a growth, a size.
// A part of the statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// A read or write that returns.
  mutating func stableAccess(isWrite: Bool) -> Bool {
    if isUnknownHere { return false }
    guard let access = drawAccess(isWrite: isWrite) ?? drawEmptyRead(isWrite: isWrite),
      let rangeClass = drawRangeClass(access, traps: false)
    else { return false }
    let range = drawRange(rangeClass, isWide: access.isWide)
    // A range of no bytes may lie anywhere in the heap.
    let heapClass = drawHeapClass(access, traps: range.length == 0 && !shape.isDirect && choices.chance(1, of: 2))
    let heap = drawHeapOperand(heapClass, length: range.length, isWide: access.isWide)
    let isGuarded = needsGuard(access)
    if isGuarded { openNarrowGuard() }
    if isWrite, case .constant(let source) = heap, range.length > 0 { prepare(source, range.length) }
    // Reads seldom: pages of which one was written are read another way.
    if rangeClass == .vast && choices.chance(isWrite ? 3 : 1, of: 4) { markEnd(of: range, access, heap) }
    coverage.insert(rangeClass, access.function)
    coverage.insert(heapClass, access.function)
    note(range, isWrite: isWrite)
    emitAccess(access, heap: heap, range)
    if !isWrite, case .constant(let destination) = heap, range.length > 0 { follow(destination, range.length) }
    if isGuarded { closeNarrowGuard() }
    return true
  }

  /// Whether pages touched here could not be told beforehand although the case wants to.
  var isUnknownHere: Bool { shape.wantsKnownPages && current.conditionalDepth > 0 }

  /// The 32-bit read, although stable memory is past 4 GiB: reading no bytes works all the same.
  private mutating func drawEmptyRead(isWrite: Bool) -> StableAccess? {
    hasHeap && !isWrite && isImported(.stableRead) ? StableAccess(isWide: false, isWrite: false) : nil
  }

  /// Puts something that is not zero where a write will take its bytes from; mostly.
  mutating func prepare(_ address: UInt64, _ length: UInt64) {
    switch choices.draw(below: 4) {
    case 0: return
    case 1..<3 where length >= 8:
      let place = address + (choices.chance(1, of: 2) ? length - 8 : 0)
      emitWord(place)
      expression(.i64, depth: 1)
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    default:
      if !canSpend(length + 100) { return }
      emitWord(address)
      emitI32(1 + UInt32(choices.draw(below: 255)))
      emitWord(length)
      emit(.memoryFill, .memory(MemoryIndex(0)))
      spend(100 + length)
    }
    features.insert(.preparedSource)
  }

  /// Puts something at the end of a vast source, which is all zeros mostly, so that it shows how much of it was moved.
  private mutating func markEnd(of range: StableRange, _ access: StableAccess, _ heap: Operand) {
    /// Puts a number into the heap whose first and last byte are not zero.
    func store(at address: UInt64) {
      emitWord(address)
      emitI64(choices.drawBits() | 1 << 56 | 1)
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    }
    if access.isWrite {
      guard case .constant(let source) = heap else { return }
      store(at: source + range.length - 8)
    } else {
      let write = StableAccess(isWide: access.isWide, isWrite: true)
      guard case .constant(let offset) = range.offset, isImported(write.function) else { return }
      store(at: 0)
      emitAccess(write, heap: 0, offset: offset + range.length - 8, length: 8)
    }
  }

  /// Makes something of bytes that were read: adds them to a global or to the reply.
  private mutating func follow(_ address: UInt64, _ length: UInt64) {
    switch choices.draw(below: 4) {
    case 0: return
    case 1..<3 where length >= 8:
      emitWord(address + length - 8)
      emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
      if choices.chance(1, of: 2) { observe() } else { keep(.i64) }
    default: _ = appendReply(address, min(length, 80))
    }
  }

  // MARK: Size and growth

  mutating func keepStableSize() -> Bool {
    let mayAskNarrow = isImported(.stableSize) && shape.narrowAccess == .free
    if mayAskNarrow && (!isImported(.stable64Size) || choices.chance(1, of: 2)) {
      callStable(.stableSize)
      keep(.i32)
    } else if isImported(.stable64Size) {
      callStable(.stable64Size)
      keep(.i64)
    } else {
      return false
    }
    return true
  }

  mutating func growStable() -> Bool {
    let hasNarrow = isImported(.stableGrow) && shape.narrowAccess != .traps
    let hasWide = isImported(.stable64Grow)
    if !hasNarrow && !hasWide { return false }
    let isWide = hasWide && (!hasNarrow || choices.chance(1, of: 2))
    let isGuarded = !isWide && shape.narrowAccess == .guarded
    if isGuarded { openNarrowGuard() }
    emitGrowth(isWide: isWide)
    keep(isWide ? .i64 : .i32)
    if isGuarded { closeNarrowGuard() }
    return true
  }

  /// Emits a growth; the answer stays on the stack.
  mutating func emitGrowth(isWide: Bool, by wanted: GrowthClass? = nil) {
    let function: SystemFunction = isWide ? .stable64Grow : .stableGrow
    let growthClass = wanted ?? drawGrowthClass(isWide: isWide)
    coverage.insert(growthClass, function)
    emit(drawGrowthOperand(growthClass, isWide: isWide), as: isWide ? .i64 : .i32)
    callStable(function)
    spend(100)
  }
}
