// Emits statements that end the execution on purpose: stable memory calls with bad operands, and every other trap there
// is. Only cases that may trap contain them. Used by entry points.

import Canister
import Wasm

extension ModuleGenerator {
  /// A statement that traps: always, or in some executions.
  mutating func trapStatement() {
    features.insert(.trapStatement)
    let isConditional = choices.chance(2, of: 5)
    if isConditional {
      condition()
      open(.if, isTarget: false)
    }
    switch choices.draw(below: 20) {
    case 0..<4: explicitTrap()
    // Only a limit as in production pays for what is larger than any heap.
    case 4..<7 where shape.instructionLimit == .production && hasHeap: bulkPastEnd()
    case 4..<14 where shape.instructionLimit != .production: if !exhaustion() { explicitTrap() }
    default: if !stableTrap() { explicitTrap() }
    }
    if isConditional { close() }
  }

  // MARK: Stable memory

  /// A stable memory call that traps; false if the module has none.
  private mutating func stableTrap() -> Bool {
    if shape.narrowAccess == .traps && choices.chance(1, of: 3) && tooBigTrap() { return true }
    var accesses: [StableAccess] = []
    for access in StableAccess.all where hasHeap && isImported(access.function) { accesses.append(access) }
    if accesses.isEmpty { return false }
    let access = choices.element(of: accesses)
    let side = choices.draw(below: 20)
    // Which of two mistakes is reported is part of the contract.
    let isRangeBad = side < 10 || side >= 16
    let isHeapBad = side >= 10
    guard let rangeClass = drawRangeClass(access, traps: isRangeBad) ?? drawRangeClass(access, traps: true) else {
      return false
    }
    let range = drawRange(rangeClass, isWide: access.isWide)
    let heapClass = drawHeapClass(access, traps: isHeapBad)
    coverage.insert(rangeClass, access.function)
    coverage.insert(heapClass, access.function)
    emitAccess(access, heap: drawHeapOperand(heapClass, length: range.length, isWide: access.isWide), range)
    current.usesSetup = current.usesSetup || current.isSetUp
    features.insert(.stableTrap)
    return true
  }

  /// A 32-bit size or growth past 4 GiB.
  private mutating func tooBigTrap() -> Bool {
    if isImported(.stableGrow) && (!isImported(.stableSize) || choices.chance(1, of: 2)) {
      emitI32(UInt32(choices.draw(below: 2)))
      callStable(.stableGrow)
    } else if isImported(.stableSize) {
      callStable(.stableSize)
    } else {
      return false
    }
    keep(.i32)
    features.insert(.stableTrap)
    return true
  }

  // MARK: Everything else

  private mutating func explicitTrap() {
    features.insert(.explicitTrap)
    switch choices.draw(below: 14) {
    case 1 where hasHeap && isImported(.trap):
      let length = choices.draw(below: 24)
      emitWord(place(for: length))
      emitWord(length)
      callSystem(.trap)
    case 2: divide(by: 0)
    case 3: divide(by: .max)
    case 4:
      emit(.f64Const, .f64(Double.nan.bitPattern))
      emit(choices.chance(1, of: 2) ? .i32TruncF64S : .i32TruncF64U)
      emit(.drop)
    case 5..<7 where hasHeap: accessPastEnd()
    case 7 where hasHeap: bulkPastEnd()
    case 8 where module.hasDataCount:
      let segment = choices.drawIndex(below: segments.count)
      emitWord(0)
      emitI32(UInt32(truncatingIfNeeded: segments[segment].length))
      emitI32(1)
      emit(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(segment)))
    case 9..<11 where !module.tables.isEmpty: callWrongly()
    case 11:
      if !violateContract() { emit(.unreachable) }
    case 12..<14:
      if !useOfDropped() { emit(.unreachable) }
    default:
      emit(.unreachable)
      deadCodeAtTimes()
    }
  }

  /// Drops a segment and takes something from it all the same; false where there is none that has anything.
  private mutating func useOfDropped() -> Bool {
    let data = segments.indices.filter { segments[$0].isPassive && segments[$0].length > 0 }
    // Canisters may drop elements, but not use them.
    let elements = module.elements.indices.filter {
      shape.profile == .multiMemory && module.elements[$0].items.count > 0
    }
    if module.hasDataCount && !data.isEmpty && (elements.isEmpty || choices.chance(2, of: 3)) {
      let segment = DataIndex(choices.element(of: data))
      emit(.dataDrop, .data(segment))
      features.insert(.dataDrop)
      takeFirst(word, .memoryInit, .memoryInit(MemoryIndex(0), segment))
      return true
    }
    if elements.isEmpty || module.tables.isEmpty { return false }
    let unplaced = elements.filter { if case .active = module.elements[$0].mode { false } else { true } }
    let number = choices.element(of: unplaced.isEmpty || choices.chance(1, of: 3) ? elements : unplaced)
    let segment = ElementIndex(number)
    // All others are dropped from the beginning.
    if case .passive = module.elements[number].mode {
      emit(.elemDrop, .element(segment))
      features.insert(.elementDrop)
    }
    takeFirst(.i32, .tableInit, .tableInit(TableIndex(0), segment))
    return true
  }

  /// Copies the first byte or element of a segment to the start of a memory or table with indices of that type.
  private mutating func takeFirst(_ type: NumberType, _ opcode: Opcode, _ immediate: Immediate) {
    emitConstant(0, type)
    emitI32(0)
    emitI32(1)
    emit(opcode, immediate)
  }

  private mutating func divide(by divisor: UInt64) {
    let type: NumberType = choices.chance(1, of: 2) ? .i64 : .i32
    // The smallest number divided by -1 is too large to represent.
    emitConstant(type == .i64 ? 1 << 63 : 1 << 31, type)
    emitConstant(divisor, type)
    emit(type, narrow: .i32DivS, wide: .i64DivS)
    emit(.drop)
  }

  private mutating func accessPastEnd() {
    let memory = drawMemory()
    let (isWide, bytes) = (memories[memory].isWide, memories[memory].bytes)
    var offset = choices.draw(below: 3)
    // Only the upper bits of the offset lead out of the memory.
    var farther: [UInt64] = isWide ? [1 << 32, 3 << 32, 1 << 63, .max - 63] : []
    if bytes < 1 << 31 { farther += [1 << 31, 1 << 32 - 64] }
    if !farther.isEmpty && choices.chance(1, of: 3) {
      emitConstant(choices.draw(below: 64), memories[memory].indexType)
      offset += choices.element(of: farther)
    } else {
      heapEnd(minus: choices.draw(below: 4), memory: memory, as: memories[memory].indexType)
    }
    let access = MemoryAccess(alignment: 0, offset: offset, memory: MemoryIndex(memory))
    if choices.chance(1, of: 2) {
      emit(.i64Load, .memoryAccess(access))
      emit(.drop)
    } else {
      emitI32(1)
      emit(.i32Store, .memoryAccess(MemoryAccess(alignment: 0, offset: access.offset, memory: access.memory)))
    }
  }

  private mutating func bulkPastEnd() {
    // Lengths that an instruction limit pays for, and that are negative for whoever takes them for signed.
    let isLarge = shape.instructionLimit == .production && choices.chance(2, of: 3)
    var large: [UInt64] = [1 << 31 - 1, 1 << 31, 1 << 31 + 4_096, 1 << 32 - 1]
    if isWideHeap { large += [1 << 32, 1 << 32 + 8, 1 << 33 + 4_096] }
    let length = isLarge ? choices.element(of: large) : choices.draw(below: 40)
    if let table = furtherTable, choices.chance(1, of: 2) { return elementsPastEnd(length, table) }
    heapEnd(minus: length &- 1, as: word)
    switch choices.draw(below: 3) {
    case 0 where module.hasDataCount:
      emitI32(0)
      emitI32(UInt32(truncatingIfNeeded: length))
      emit(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(choices.drawIndex(below: segments.count))))
    case 1:
      emitWord(0)
      emitWord(length)
      emit(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0)))
    default:
      emitI32(7)
      emitWord(length)
      emit(.memoryFill, .memory(MemoryIndex(0)))
    }
  }

  private mutating func elementsPastEnd(_ length: UInt64, _ table: FurtherTable) {
    let index = table.index
    emitConstant(table.size, table.indexType)
    switch choices.draw(below: 3) {
    case 0 where !elementShapes.isEmpty:
      emitI32(0)
      emitI32(UInt32(truncatingIfNeeded: length))
      emit(.tableInit, .tableInit(index, choices.element(of: elementShapes).segment))
    case 1:
      emitConstant(0, table.indexType)
      emitConstant(length, table.indexType)
      emit(.tableCopy, .tableCopy(destination: index, source: index))
    default:
      emit(.refNull, .referenceType(.funcref))
      emitConstant(length, table.indexType)
      emit(.tableFill, .table(index))
    }
  }

  /// An indirect call past the table's end, of a null element, or of a function of another type.
  private mutating func callWrongly() {
    // No function has this type.
    let shape = FunctionShape(parameters: TypeList(), results: TypeList(.f32, .f32, .f64))
    emitI32(choices.chance(1, of: 3) ? 1_000 : UInt32(choices.drawIndex(below: slots.count)))
    emit(.callIndirect, .indirectCall(typeIndex(shape), TableIndex(0)))
    emit(.drop)
    emit(.drop)
    emit(.drop)
  }

  /// Calls a System API function that the entry point may not call, or replies although that is left for later.
  private mutating func violateContract() -> Bool {
    for function in imported where !function.isStable && (!mayCall(function) || function == .msgReply) {
      let signature = signature(function)
      for position in 0..<signature.shape.parameters.count { emitConstant(0, signature.shape.parameters[position]) }
      callSystem(function)
      for _ in 0..<signature.shape.results.count { emit(.drop) }
      features.insert(.contractViolation)
      return true
    }
    return false
  }
}

extension StableAccess {
  static let all: [StableAccess] = [false, true].flatMap { isWide in
    [false, true].map { StableAccess(isWide: isWide, isWrite: $0) }
  }
}
