// Emits sequences of stable memory calls that belong together, because some mistakes only show when calls meet on the
// same pages: mixed page states, reading back, copying, logs, arrays, chains, freshly grown pages. A part of the
// statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// Whether the body may rely on the guaranteed size; patterns with fixed places need it.
  private var hasStable: Bool { current.isSetUp && shape.stablePages > 0 && hasHeap && !isUnknownHere }

  /// Reads and writes that overlap on three neighbouring pages, so that each call finds another mix of untouched,
  /// accessed and written ones.
  mutating func pageStates() -> Bool {
    guard hasStable, canSpend(20_000) else { return false }
    // The first pages as well: their number is 0, as is that of a page that was never looked up.
    let base = choices.chance(1, of: 4) ? 0 : drawAnchor()
    var isGuarded = false
    for _ in 0..<2 + choices.draw(below: 5) {
      guard let access = drawAccess(isWrite: choices.chance(1, of: 2)) else { continue }
      if needsGuard(access) && !isGuarded {
        openNarrowGuard()
        isGuarded = true
      }
      let first = choices.draw(below: 3)
      let last = choices.integer(in: first...2)
      let start = base + first * Sizes.osPage + choices.element(of: [0, 1, 100, 4_000, 4_095])
      let end = base + last * Sizes.osPage + choices.element(of: [4_096, 4_095, 4_095, 1, 200])
      let length = end > start ? end - start : 1 + choices.draw(below: 8)
      let heap = place(for: length)
      if access.isWrite { prepare(heap, length) }
      emitAccess(access, heap: heap, offset: start, length: length)
    }
    if isGuarded { closeNarrowGuard() }
    features.insert(.pageStates)
    return true
  }

  /// A write, then a read of the same bytes into another place, which is compared.
  mutating func readBack() -> Bool {
    guard hasStable, let write = drawAccess(isWrite: true), let read = drawAccess(isWrite: false) else { return false }
    let isGuarded = needsGuard(write) || needsGuard(read)
    // Where offset, length, addresses and number of pages are all alike, one taken for another does not trap, but moves
    // the wrong bytes.
    let isTiny = choices.chance(1, of: 4)
    let length =
      isTiny ? 3 + choices.draw(below: 3) : 8 + choices.draw(below: choices.chance(1, of: 4) ? 5_000 : 64)
    let offset =
      isTiny ? choices.draw(below: 3) : drawAnchor() - min(choices.draw(below: length + 9), Sizes.osPage)
    let source = isTiny ? choices.draw(below: 4) : choices.draw(below: 512) & ~7
    let target = isTiny ? choices.draw(below: 12) : 8_192 + choices.draw(below: 512) & ~7
    if isGuarded { openNarrowGuard() }
    prepare(source, length)
    emitAccess(write, heap: source, offset: offset, length: length)
    let earlier = choices.draw(below: 3)
    emitAccess(read, heap: target, offset: offset + UInt64(earlier), length: length - UInt64(earlier))
    emitWord(target)
    emit(.i64Load, .memoryAccess(MemoryAccess(alignment: isTiny ? 0 : 3, offset: 0)))
    observe()
    if isGuarded { closeNarrowGuard() }
    features.insert(.readBack)
    return true
  }

  /// Copies from one place of stable memory to another, through the heap.
  mutating func copyWithinStable() -> Bool {
    guard hasStable, let write = drawAccess(isWrite: true), let read = drawAccess(isWrite: false) else { return false }
    let isGuarded = needsGuard(write) || needsGuard(read)
    let length = 1 + choices.draw(below: choices.chance(1, of: 4) ? 6_000 : 100)
    let heap = place(for: length)
    if isGuarded { openNarrowGuard() }
    emitAccess(read, heap: heap, offset: drawAnchor() + choices.draw(below: 200), length: length)
    emitAccess(write, heap: heap, offset: drawAnchor() + choices.draw(below: 5_000), length: length)
    if isGuarded { closeNarrowGuard() }
    features.insert(.copyWithin)
    return true
  }

  /// Appends a record at a cursor that a global keeps, wrapping around in a window of stable memory.
  mutating func appendLog() -> Bool {
    let cursors = (globalsOfType[NumberType.i32.position] | globalsOfType[NumberType.i64.position]) & mutableGlobals
    guard hasStable, cursors != 0, let write = drawAccess(isWrite: true), mayAddLocal, !shape.wantsKnownPages else {
      return false
    }
    let cursor = position(ofBit: choices.drawIndex(below: cursors.nonzeroBitCount), in: cursors)
    let type = globalTypes[cursor]
    let length = 1 + choices.draw(below: 40)
    let source = place(for: length)
    let isGuarded = needsGuard(write)
    if isGuarded { openNarrowGuard() }
    prepare(source, length)
    let offset = addLocal(type, isAssignable: false)
    emit(.globalGet, .global(GlobalIndex(cursor)))
    emitConstant(4_095, type)
    emit(type, narrow: .i32And, wide: .i64And)
    emit(.localSet, .local(offset))
    emit(.localGet, .local(offset))
    emitConstant(length, type)
    emit(type, narrow: .i32Add, wide: .i64Add)
    emit(.globalSet, .global(GlobalIndex(cursor)))
    let range = StableRange(rangeClass: .masked, offset: .local(offset), length: length)
    note(range, isWrite: true)
    emitAccess(write, heap: .constant(source), range)
    if isGuarded { closeNarrowGuard() }
    features.insert(.appendLog)
    return true
  }

  /// Writes or reads the elements of an array in a loop.
  mutating func arrayLoop() -> Bool {
    let trips = 2 + choices.draw(below: 5)
    guard hasStable, mayAddLocal, current.nesting < 5, current.multiplicity * trips <= 40, canSpend(4_000 * trips),
      let access = drawAccess(isWrite: choices.chance(1, of: 2))
    else { return false }
    let length = 1 + choices.draw(below: choices.chance(1, of: 4) ? 3_000 : 24)
    let stride: UInt64 = choices.element(
      of: shape.stablePages > 8 ? [length, 8, 4_096, 1_000, 65_536] : [length, 8, 4_096, 1_000])
    let base = min(drawAnchor() - 16, shape.stableBytes - trips * stride - length)
    let isGuarded = needsGuard(access)
    let heap = place(for: length)
    if isGuarded { openNarrowGuard() }
    let offset = addLocal(.i64, isAssignable: false)
    emitI64(base)
    emit(.localSet, .local(offset))
    repeated(trips) { generator, counter in
      if access.isWrite {
        generator.emitWord(heap)
        generator.emit(.localGet, .local(counter))
        generator.emit(.i32Store8, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
      }
      let range = StableRange(rangeClass: .masked, offset: .local(offset), length: length)
      generator.note(range, isWrite: access.isWrite)
      generator.emitAccess(access, heap: .constant(heap), range)
      if !access.isWrite {
        generator.emitWord(heap)
        generator.emit(.i64Load8U, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
        generator.keep(.i64)
      }
      generator.emit(.localGet, .local(offset))
      generator.emitI64(stride)
      generator.emit(.i64Add)
      generator.emit(.localSet, .local(offset))
    }
    if isGuarded { closeNarrowGuard() }
    features.insert(.arrayLoop)
    return true
  }

  /// Follows offsets that stand in stable memory itself, as a free list does.
  mutating func chase() -> Bool {
    let trips = 2 + choices.draw(below: 4)
    guard hasStable, mayAddLocal, current.nesting < 5, current.multiplicity * trips <= 40, canSpend(4_000 * trips),
      let read = drawAccess(isWrite: false)
    else { return false }
    let base = drawAnchor()
    let heap = place(for: 8)
    let isGuarded = needsGuard(read)
    if isGuarded { openNarrowGuard() }
    let offset = addLocal(.i64, isAssignable: false)
    emitI64(base)
    emit(.localSet, .local(offset))
    repeated(trips) { generator, _ in
      let range = StableRange(rangeClass: .masked, offset: .local(offset), length: 8)
      generator.note(range, isWrite: false)
      generator.emitAccess(read, heap: .constant(heap), range)
      generator.emitWord(heap)
      generator.emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
      generator.emitI64(8_191)
      generator.emit(.i64And)
      generator.emitI64(base)
      generator.emit(.i64Add)
      generator.emit(.localSet, .local(offset))
    }
    emit(.localGet, .local(offset))
    observe()
    if isGuarded { closeNarrowGuard() }
    features.insert(.chase)
    return true
  }

  /// Grows stable memory and, where that worked, uses the new pages.
  ///
  /// - Parameter surely: whether it grows by a page, which works nearly everywhere; otherwise by any amount.
  mutating func growAndUse(surely: Bool = false) -> Bool {
    // Where no size is guaranteed there is no other way, and the limits are bounds instead of exact.
    guard hasHeap, mayAddLocal, !shape.wantsKnownPages || shape.stablePages == 0,
      let first = drawAccess(isWrite: choices.chance(2, of: 3)),
      isImported(first.isWide ? .stable64Grow : .stableGrow), isImported(first.isWide ? .stable64Size : .stableSize)
    else { return false }
    let type = first.type
    let isGuarded = needsGuard(first)
    if isGuarded { openNarrowGuard() }
    let old = addLocal(type, isAssignable: false)
    emitGrowth(isWide: first.isWide, by: surely && choices.chance(3, of: 4) ? .one : nil)
    emit(.localTee, .local(old))
    emitConstant(.max, type)
    emit(type, narrow: .i32Ne, wide: .i64Ne)
    // Growth by nothing succeeds too, and leaves no new page to use.
    emit(.localGet, .local(old))
    callStable(first.isWide ? .stable64Size : .stableSize)
    emit(type, narrow: .i32Ne, wide: .i64Ne)
    emit(.i32And)
    open(.if, isTarget: true)
    current.conditionalDepth += 1
    for _ in 0..<(surely ? 2 : 1 + choices.draw(below: 2)) {
      let access = StableAccess(isWide: first.isWide, isWrite: choices.chance(1, of: 2))
      useNewPage(isImported(access.function) ? access : first, old)
    }
    current.conditionalDepth -= 1
    close()
    if isGuarded { closeNarrowGuard() }
    features.insert(.growAndUse)
    return true
  }

  /// An access at the start of the page whose number a local holds, or one that reaches back over its edge.
  private mutating func useNewPage(_ access: StableAccess, _ page: LocalIndex) {
    let back = shape.stablePages > 0 && current.isSetUp ? choices.draw(below: 3) * 100 : 0
    let length = back + 1 + choices.draw(below: 5_000)
    let heap = place(for: length)
    if access.isWrite { prepare(heap, length) }
    let offset = addLocal(access.type, isAssignable: false)
    emit(.localGet, .local(page))
    emitConstant(16, access.type)
    emit(access.type, narrow: .i32Shl, wide: .i64Shl)
    emitConstant(back, access.type)
    emit(access.type, narrow: .i32Sub, wide: .i64Sub)
    emit(.localSet, .local(offset))
    let range = StableRange(rangeClass: .masked, offset: .local(offset), length: length)
    note(range, isWrite: access.isWrite)
    coverage.insert(RangeClass.endsAtEnd, access.function)
    emitAccess(access, heap: .constant(heap), range)
  }
}
