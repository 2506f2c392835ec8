// Emits what the IC refuses today but instrumentation has to rewrite all the same: a second table that changes while the
// canister runs, and tail calls. Only in the multi-memory profile.

import Canister
import Wasm

/// The second table of a module. It is the same again in every message, like all tables.
struct FurtherTable {
  var size: UInt64
  var isWide: Bool
  var indexType: NumberType { isWide ? .i64 : .i32 }
}

extension ModuleGenerator {
  private var tableIndex: TableIndex { TableIndex(1) }

  /// Adds a second table to a module that has one.
  mutating func planFurtherTable() {
    guard shape.profile == .multiMemory, !slots.isEmpty, choices.chance(1, of: 2) else { return }
    let table = FurtherTable(size: 1 + choices.draw(below: 6), isWide: isWideHeap && choices.chance(1, of: 4))
    let type = TableType(
      .funcref, Limits(minimum: table.size, maximum: choices.chance(1, of: 2) ? table.size + 2 : nil),
      is64Bit: table.isWide)
    module.tables.append(Table(type))
    furtherTable = table
    features.insert(.furtherTable)
  }

  /// A statement about the second table.
  mutating func useFurtherTable() -> Bool {
    guard let table = furtherTable else { return false }
    switch choices.draw(below: 8) {
    case 0:
      emit(.tableSize, .table(tableIndex))
      keep(table.indexType)
    case 1:
      emitConstant(choices.draw(below: table.size), table.indexType)
      emit(.tableGet, .table(tableIndex))
      emit(.refIsNull)
      keep(.i32)
    case 2:
      emitReference()
      emitConstant(choices.draw(below: 4), table.indexType)
      emit(.tableGrow, .table(tableIndex))
      spend(300)
      keep(table.indexType)
    case 3:
      let start = emitStart(table)
      emitReference()
      emitConstant(choices.draw(below: table.size - start + 1), table.indexType)
      emit(.tableFill, .table(tableIndex))
      spend(106)
    case 4: copyElements(table)
    case 5: return initializeElements(table)
    default: return setAndCall(table)
    }
    return true
  }

  private mutating func emitStart(_ table: FurtherTable) -> UInt64 {
    let start = choices.draw(below: table.size + 1)
    emitConstant(start, table.indexType)
    return start
  }

  private mutating func emitReference() {
    if referenced.isEmpty || choices.chance(1, of: 4) {
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
    emit(.tableCopy, .tableCopy(destination: tableIndex, source: fromFirst ? TableIndex(0) : tableIndex))
    spend(106)
  }

  private mutating func initializeElements(_ table: FurtherTable) -> Bool {
    for position in module.elements.indices where module.elements[position].mode == .passive {
      let start = emitStart(table)
      let count = UInt64(module.elements[position].items.count)
      let source = choices.draw(below: count + 1)
      emitI32(UInt32(truncatingIfNeeded: source))
      emitI32(UInt32(truncatingIfNeeded: choices.draw(below: min(table.size - start, count - source) + 1)))
      emit(.tableInit, .tableInit(tableIndex, ElementIndex(position)))
      spend(106)
      return true
    }
    return false
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
      emit(.tableSet, .table(tableIndex))
      let shape = plans[rank].shape
      for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: 1) }
      emitConstant(place, table.indexType)
      emit(.callIndirect, .indirectCall(typeIndex(shape), tableIndex))
      noteCall(rank: rank)
      features.insert(.referenceCall)
      keepResults(shape.results)
      return true
    }
    return false
  }

  // MARK: Tail calls

  /// Ends a helper by a tail call of one with the same results; false if there is none.
  mutating func tailCall() -> Bool {
    guard shape.profile == .multiMemory, choices.chance(1, of: 3) else { return false }
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
      } else {
        emit(.returnCall, .function(functionIndex(rank: rank)))
      }
      noteCall(rank: rank)
      features.insert(.tailCall)
      return true
    }
    return false
  }
}
