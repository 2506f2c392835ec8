// Emits what the IC refuses today but instrumentation has to rewrite all the same: a further table that changes while the
// canister runs, and tail calls. Only in the multi-memory profile.

import Canister
import Wasm

/// The table of a module that changes, next to the first. It is the same again in every message, like all tables.
struct FurtherTable {
  /// The last of the module's tables.
  var index: TableIndex
  /// Elements that statements write; behind them stands one that always has its initial value.
  var size: UInt64
  var isWide: Bool
  /// Whose reference the last element is at first, or all are; nil: null.
  var initialHelper: Int?
  var indexType: NumberType { isWide ? .i64 : .i32 }
}

/// A passive element segment as far as code has to know it.
struct ElementShape {
  var segment: ElementIndex
  var length: UInt64
  /// Dropped after its use in a message; then only one place of an entry function initialises from it.
  var isDropped: Bool
}

extension ModuleGenerator {
  /// Adds a table to a module that has one, and segments to fill it from; at times with others before it, so that an
  /// index cut to some of its bits is that of a table all the same.
  mutating func planFurtherTable() {
    guard shape.profile == .multiMemory, !slots.isEmpty, choices.chance(2, of: 3) else { return }
    var table = FurtherTable(
      index: TableIndex(module.tables.count), size: 1 + choices.draw(below: 6),
      isWide: isWideHeap && choices.chance(1, of: 4))
    if helperCount > 0 && choices.chance(1, of: 2) { table.initialHelper = choices.drawIndex(below: helperCount) }
    if helperCount > 0 && choices.chance(1, of: 2) {
      spareHelper = choices.drawIndex(below: helperCount)
      module.tables[0].initializer = spareHelper.map(reference)
      // One more element than segments fill.
      let least = UInt64(slots.count) + 1
      let limits = module.tables[0].type.limits
      module.tables[0].type.limits.minimum = max(limits.minimum, least)
      module.tables[0].type.limits.maximum = limits.maximum.map { max($0, least) }
    }
    let others = choices.chance(1, of: 3) ? (features.contains(.crowd) ? drawCrowd(largest: 1_000) : 1) : 0
    for _ in 0..<others {
      addTable(table)
      table.index = TableIndex(module.tables.count)
    }
    addTable(table)
    furtherTable = table
    features.insert(.furtherTable)
    planCrowdElements()
    for _ in 0..<choices.draw(below: 4) where helperCount > 0 {
      let items = (0...choices.draw(below: 5)).map { _ in functionIndex(rank: choices.drawIndex(below: helperCount)) }
      elementShapes.append(
        ElementShape(
          segment: ElementIndex(module.elements.count), length: UInt64(items.count),
          isDropped: choices.chance(1, of: 3)))
      module.elements.append(ElementSegment(mode: .passive, items: .functions(items)))
    }
  }

  private mutating func addTable(_ table: FurtherTable) {
    let least = table.size + 1
    let type = TableType(
      .funcref, Limits(minimum: least, maximum: choices.chance(1, of: 2) ? least + 2 : nil), is64Bit: table.isWide)
    guard let rank = table.initialHelper, choices.chance(1, of: 3) else {
      module.tables.append(Table(type, initializer: table.initialHelper.map(reference)))
      return
    }
    // Only the last element is set, by a segment.
    let offset = table.isWide ? Instruction.i64(Int64(table.size)) : .i32(Int32(table.size))
    module.elements.append(
      ElementSegment(
        mode: .active(TableIndex(module.tables.count), offset: [offset]),
        items: .functions([functionIndex(rank: rank)])))
    module.tables.append(Table(type))
  }

  private func reference(to rank: Int) -> [Instruction] {
    [Instruction(.refFunc, .function(functionIndex(rank: rank)))]
  }

  /// A statement about the further table.
  mutating func useFurtherTable() -> Bool {
    guard let table = furtherTable else { return false }
    switch choices.draw(below: 12) {
    case 0:
      emit(.tableSize, .table(table.index))
      keep(table.indexType)
    case 1:
      emitConstant(choices.draw(below: table.size), table.indexType)
      emit(.tableGet, .table(table.index))
      emit(.refIsNull)
      keep(.i32)
    case 2:
      emitReference()
      emitConstant(choices.draw(below: 4), table.indexType)
      emit(.tableGrow, .table(table.index))
      spend(300)
      keep(table.indexType)
    case 3:
      let start = emitStart(table)
      emitReference()
      emitConstant(choices.draw(below: table.size - start + 1), table.indexType)
      emit(.tableFill, .table(table.index))
      spend(106)
    case 4: copyElements(table)
    case 5..<8: return initializeElements(table)
    case 8: return callInitial(table)
    default: return setAndCall(table)
    }
    return true
  }

  private mutating func emitStart(_ table: FurtherTable) -> UInt64 {
    let start = choices.draw(below: table.size + 1)
    emitConstant(start, table.indexType)
    return start
  }

  /// A reference to a function that stands in an element segment, or null.
  mutating func emitReference(null chance: UInt64 = 1, of total: UInt64 = 4) {
    if referenced.isEmpty || choices.chance(chance, of: total) {
      emit(.refNull, .referenceType(.funcref))
    } else {
      emit(.refFunc, .function(choices.element(of: referenced)))
    }
  }

  private mutating func copyElements(_ table: FurtherTable) {
    let start = emitStart(table)
    let fromFirst = choices.chance(1, of: 2)
    let available = fromFirst ? UInt64(slots.count) : table.size
    let source = choices.draw(below: available + 1)
    emitConstant(source, fromFirst ? .i32 : table.indexType)
    let length = choices.draw(below: min(table.size - start, available - source) + 1)
    emitConstant(length, fromFirst ? .i32 : table.indexType)
    emit(.tableCopy, .tableCopy(destination: table.index, source: fromFirst ? TableIndex(0) : table.index))
    spend(106)
  }

  /// Fills elements from a segment; where the segment is to be dropped, drops it.
  private mutating func initializeElements(_ table: FurtherTable) -> Bool {
    if elementShapes.isEmpty { return false }
    let number = choices.drawIndex(below: elementShapes.count)
    initialize(table, from: number)
    guard elementShapes[number].isDropped, isSafeToDrop, choices.chance(2, of: 3) else { return true }
    emit(.elemDrop, .element(elementShapes[number].segment))
    spend(300)
    features.insert(.elementDrop)
    current.droppedElements |= 1 << UInt64(number)
    // Its neighbours must still be there.
    for neighbour in [number - 1, number + 1] where elementShapes.indices.contains(neighbour) {
      initialize(table, from: neighbour)
    }
    return true
  }

  private mutating func initialize(_ table: FurtherTable, from number: Int) {
    let shape = elementShapes[number]
    let isDropped = current.droppedElements >> UInt64(number) & 1 == 1
    let available = shape.isDropped && (!isSafeToDrop || isDropped) ? 0 : shape.length
    let start = choices.draw(below: table.size)
    let length = min(available, table.size - start, 1 + choices.draw(below: 6))
    emitConstant(start, table.indexType)
    emitI32(UInt32(truncatingIfNeeded: length == 0 ? 0 : choices.draw(below: available - length + 1)))
    emitI32(UInt32(truncatingIfNeeded: length))
    emit(.tableInit, .tableInit(table.index, shape.segment))
    spend(106)
    // The elements are called by whoever sets them; here it shows whether they are null.
    emitConstant(start, table.indexType)
    emit(.tableGet, .table(table.index))
    emit(.refIsNull)
    keep(.i32)
  }

  /// Calls what stands in the last element from the beginning.
  private mutating func callInitial(_ table: FurtherTable) -> Bool {
    guard let rank = table.initialHelper, callableHelpers >> UInt64(rank) & 1 == 1 else { return false }
    call(rank: rank, through: table.index, at: table.size, table.indexType)
    return true
  }

  /// Calls a helper that is known to stand in a table.
  mutating func call(rank: Int, through table: TableIndex, at place: UInt64, _ indexType: NumberType) {
    let shape = plans[rank].shape
    for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: 1) }
    emitConstant(place, indexType)
    emit(.callIndirect, .indirectCall(typeIndex(shape), table))
    noteCall(rank: rank)
    features.insert(.referenceCall)
    keepResults(shape.results)
  }

  /// Puts a helper into the table by its reference, and calls it there: a wrong reference calls another function.
  private mutating func setAndCall(_ table: FurtherTable) -> Bool {
    let helpers = callableHelpers
    let start = choices.drawIndex(below: slots.count)
    for step in slots.indices {
      let slot = (start + step) % slots.count
      guard case .helper(let rank) = slots[slot], helpers >> UInt64(rank) & 1 == 1 else { continue }
      let place = choices.draw(below: table.size)
      emitConstant(place, table.indexType)
      emit(.refFunc, .function(functionIndex(rank: rank)))
      if choices.chance(1, of: 3) {
        emitConstant(1 + choices.draw(below: table.size - place), table.indexType)
        emit(.tableFill, .table(table.index))
        spend(106)
      } else {
        emit(.tableSet, .table(table.index))
      }
      call(rank: rank, through: table.index, at: place, table.indexType)
      return true
    }
    return false
  }

  // MARK: Tail calls

  /// Ends a helper by a tail call of one with the same results; false if there is none.
  mutating func tailCall() -> Bool {
    guard shape.profile == .multiMemory, choices.chance(2, of: 3) else { return false }
    let helpers = callableHelpers
    for rank in 0..<min(current.rank, helperCount)
    where helpers >> UInt64(rank) & 1 == 1 && plans[rank].shape.results == current.shape.results {
      let shape = plans[rank].shape
      for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: 1) }
      if let slot = slots.firstIndex(where: { if case .helper(rank) = $0 { true } else { false } }),
        choices.chance(1, of: 2)
      {
        emitI32(UInt32(slot))
        emit(.returnCallIndirect, .indirectCall(typeIndex(shape), TableIndex(0)))
      } else if let table = furtherTable, table.initialHelper == rank {
        emitConstant(table.size, table.indexType)
        emit(.returnCallIndirect, .indirectCall(typeIndex(shape), table.index))
      } else {
        emit(.returnCall, .function(functionIndex(rank: rank)))
      }
      deadCodeAtTimes()
      noteCall(rank: rank)
      features.insert(.tailCall)
      return true
    }
    return false
  }
}
