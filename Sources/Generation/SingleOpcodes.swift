// Emits one opcode in every way that matters: plain ones on edge values of their operand types, the others in the smallest
// program that depends on them. Used by `SingleCases`.

import Canister
import Wasm

/// Edge values of the operand types, as bits.
private enum EdgeValues {
  static let i32: [UInt64] = [0, 1, 0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF, 31, 0x80, 0x1234_5678]
  static let i64: [UInt64] = [0, 1, .max, 1 << 63, .max >> 1, 63, 0x8000_0000, 0x1234_5678_9ABC_DEF0]
  static let f32: [Float] = [
    0, -0.0, 1.5, -2.5, .infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
  ]
  static let f64: [Double] = [
    0, -0.0, 1.5, -2.5, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
  ]
  /// Within the range of every conversion to an integer.
  static let convertible: [Double] = [0, 1.5, 100.875, 0.99, 3, 2.5, 16.0, 127]
  static let v128: [V128] = [
    V128(low: 0, high: 0), V128(low: .max, high: .max), V128(low: 0x8000_7FFF_0001_FF80, high: 0x8000_0000_7FFF_FFFF),
    V128(low: (1.5 as Double).bitPattern, high: Double.nan.bitPattern),
    V128(low: 0x0102_0304_0506_0708, high: 0x1011_1213_1415_1617),
    V128(low: 0x7F80_0000_FF80_0000, high: 0x3FC0_0000_C020_0000), V128(low: 1, high: 1 << 63),
    V128(low: 0x80FF_7F01_80FF_7F01, high: 0x4F00_0000_CF00_0000),
  ]
  static let count = 8
}

extension ModuleGenerator {
  /// Emits the opcode without a trap.
  mutating func emitOpcode(_ opcode: Opcode, _ place: inout ResultPlace) {
    let row = opcode.row
    guard !row.signature.isSpecial, let operands = GenerationTables.operands(of: row) else {
      return emitSpecial(opcode, &place)
    }
    switch row.shape {
    case .none: emitOnEdgeValues(opcode, operands, .none, &place)
    case .lane:
      for lane in 0..<opcode.laneCount where lane < 2 || lane == opcode.laneCount - 1 {
        emitOnEdgeValues(opcode, operands, .lane(UInt8(truncatingIfNeeded: lane)), &place)
      }
    case .shuffle:
      for mask in [0, 0x1F1F_1F1F_1F1F_1F1F, 0x0F1E_0D1C_0B1A_0918] as [UInt64] {
        emitOnEdgeValues(opcode, operands, .shuffle(V128(low: mask, high: ~mask & 0x1F1F_1F1F_1F1F_1F1F)), &place)
      }
    case .memoryAccess, .memoryLane: emitMemoryOpcode(opcode, operands, &place)
    case .i32, .i64, .f32, .f64, .v128:
      guard let type = row.signature.result.flatMap(NumberType.init) else { return }
      for number in 0..<EdgeValues.count { record(type, &place) { $0.emitEdgeValue(type, number) } }
    default: emitSpecial(opcode, &place)
    }
  }

  /// Emits an address, what `body` leaves, and the store of it.
  private mutating func record(
    _ type: NumberType, _ place: inout ResultPlace, _ body: (inout ModuleGenerator) -> Void
  ) {
    emitWord(place.next())
    body(&self)
    emit(type.store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
  }

  private mutating func emitEdgeValue(_ type: NumberType, _ number: Int, isConvertible: Bool = false) {
    let number = number % EdgeValues.count
    switch type {
    case .i32: emitConstant(EdgeValues.i32[number], .i32)
    case .i64: emitConstant(EdgeValues.i64[number], .i64)
    case .f32:
      emit(
        .f32Const,
        .f32(isConvertible ? Float(EdgeValues.convertible[number]).bitPattern : EdgeValues.f32[number].bitPattern))
    case .f64:
      emit(
        .f64Const, .f64((isConvertible ? EdgeValues.convertible[number] : EdgeValues.f64[number]).bitPattern))
    case .v128: emit(.v128Const, .v128(EdgeValues.v128[number]))
    }
  }

  // MARK: Plain opcodes

  private mutating func emitOnEdgeValues(
    _ opcode: Opcode, _ operands: TypeList, _ immediate: Immediate, _ place: inout ResultPlace
  ) {
    let row = opcode.row
    guard let result = row.signature.result.flatMap(NumberType.init) else {
      emit(opcode, immediate)
      return
    }
    let converts = row.traps.contains(.invalidConversion)
    let divides = row.traps.contains(.divisionByZero)
    // Each value once in each place, beside different and equal ones.
    for (stride, offset) in operands.count > 1 ? [(3, 1), (1, 0), (5, 4)] : [(1, 0)] {
      for number in 0..<EdgeValues.count {
        let second = number * stride + offset
        if divides && [0, 2].contains(second % EdgeValues.count) { continue }
        record(result, &place) { generator in
          for position in 0..<operands.count {
            let choice = position == 0 ? number : position == 1 ? second : second * 3 + 1
            generator.emitEdgeValue(operands[position], choice, isConvertible: converts)
          }
          generator.emit(opcode, immediate)
        }
      }
    }
  }

  /// Loads and stores: aligned, not aligned, with an offset, at the very end of the heap.
  private mutating func emitMemoryOpcode(_ opcode: Opcode, _ operands: TypeList, _ place: inout ResultPlace) {
    let row = opcode.row
    let width = (1 as UInt64) << UInt64(row.alignment)
    let places: [(address: UInt64, offset: UInt64)] = [(256, 0), (257, 0), (0, 253), (heapBytes - width - 3, 3)]
    for (number, (address, offset)) in places.enumerated() {
      let access = MemoryAccess(alignment: number == 0 ? row.alignment : 0, offset: offset)
      let lane = number == 0 ? 0 : UInt8(truncatingIfNeeded: opcode.laneCount - 1)
      func step(_ generator: inout ModuleGenerator) {
        generator.emitWord(address)
        if operands.count > 1 { generator.emitEdgeValue(operands[1], number + 3) }
        generator.emit(opcode, row.shape == .memoryLane ? .memoryLane(access, lane: lane) : .memoryAccess(access))
      }
      if let result = row.signature.result.flatMap(NumberType.init) {
        record(result, &place) { step(&$0) }
      } else {
        step(&self)
        let type = operands[1]
        record(type, &place) {
          $0.emitWord(address + offset + 16 <= $0.heapBytes ? address + offset : $0.heapBytes - 16)
          $0.emit(type.load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
        }
      }
    }
  }

  // MARK: Opcodes whose effect depends on the module

  private var table: TableIndex { TableIndex(0) }
  private var callee: FunctionIndex { functionIndex(rank: 0) }
  private var unary: FunctionShape { plans[0].shape }

  private mutating func emitSpecial(_ opcode: Opcode, _ place: inout ResultPlace) {
    switch opcode {
    case .unreachable, .br, .return, .nop, .block, .end, .loop, .if, .else, .brIf, .brTable:
      emitControl(opcode, &place)
    case .call, .callIndirect, .returnCall, .returnCallIndirect: emitCallOpcode(opcode, &place)
    case .memorySize, .memoryGrow, .memoryFill, .memoryCopy, .memoryInit, .dataDrop: emitBulk(opcode, &place)
    case .tableGet, .tableSet, .tableSize, .tableGrow, .tableFill, .tableCopy, .tableInit, .elemDrop, .refNull,
      .refIsNull, .refFunc:
      emitTableOpcode(opcode, &place)
    default: emitVariable(opcode, &place)
    }
  }

  private mutating func emitVariable(_ opcode: Opcode, _ place: inout ResultPlace) {
    for type in NumberType.allCases where globalsOfType[type.position] != 0 {
      let global = GlobalIndex(globalsOfType[type.position].trailingZeroBitCount)
      let local = addLocal(type, isAssignable: false)
      emitEdgeValue(type, 7)
      switch opcode {
      case .drop: emit(.drop)
      case .globalGet, .globalSet: emit(.globalSet, .global(global))
      default: emit(.localSet, .local(local))
      }
      record(type, &place) { generator in
        switch opcode {
        case .select, .selectTyped:
          generator.emitEdgeValue(type, 2)
          generator.emitEdgeValue(type, 3)
          generator.emitEdgeValue(.i32, type.position & 1)
          generator.emit(opcode, opcode == .select ? .none : .resultType(type.valueType))
        case .globalGet, .globalSet: generator.emit(.globalGet, .global(global))
        case .localTee:
          generator.emitEdgeValue(type, 4)
          generator.emit(.localTee, .local(local))
        default: generator.emit(.localGet, .local(local))
        }
      }
    }
  }

  private mutating func emitControl(_ opcode: Opcode, _ place: inout ResultPlace) {
    switch opcode {
    case .nop: for _ in 0..<3 { emit(.nop) }
    case .unreachable, .br, .return:
      // After an unconditional branch nothing runs, but everything is metered.
      open(.block, isTarget: false)
      if opcode == .return {
        emitI32(0)
        open(.if, isTarget: false)
        emit(.return)
        close()
      } else {
        emit(.br, .label(0))
        if opcode == .unreachable { emit(.unreachable) }
      }
      close()
    case .loop:
      let counter = addLocal(.i32, isAssignable: false)
      emitI32(5)
      emit(.localSet, .local(counter))
      open(.loop, isTarget: false)
      record(.i32, &place) { $0.emit(.localGet, .local(counter)) }
      emit(.localGet, .local(counter))
      emitI32(1)
      emit(.i32Sub)
      emit(.localTee, .local(counter))
      emit(.brIf, .label(0))
      close()
    case .brTable:
      for selector in [0, 1, 2, 0xFFFF_FFFF] as [UInt64] {
        record(.i32, &place) { generator in
          generator.open(.block, .value(.i32), isTarget: false)
          generator.open(.block, isTarget: false)
          generator.open(.block, isTarget: false)
          generator.emitConstant(selector, .i32)
          let start = UInt32(generator.current.labels.count)
          generator.current.labels += [0, 1, 0]
          generator.emit(.brTable, .labels(LabelRange(start: start, count: 3)))
          generator.close()
          generator.emitI32(10)
          generator.emit(.br, .label(1))
          generator.close()
          generator.emitI32(20)
          generator.close()
        }
      }
    default:
      for condition in [0, 1, 0x8000_0000] as [UInt64] {
        record(.i64, &place) { generator in
          switch opcode {
          case .if, .else:
            generator.emitConstant(condition, .i32)
            generator.open(.if, .value(.i64), isTarget: false)
            generator.emitI64(7)
            generator.emit(.else)
            generator.emitI64(9)
          default:
            generator.open(.block, .value(.i64), isTarget: false)
            generator.emitI64(11)
            if opcode == .brIf {
              generator.emitConstant(condition, .i32)
              generator.emit(.brIf, .label(0))
              generator.emit(.drop)
              generator.emitI64(13)
            }
          }
          generator.close()
        }
      }
    }
  }

  private mutating func emitCallOpcode(_ opcode: Opcode, _ place: inout ResultPlace) {
    switch opcode {
    case .call:
      record(.i32, &place) {
        $0.emitI32(40)
        $0.emit(.call, .function($0.callee))
      }
    case .callIndirect:
      for slot in [0, 3] as [UInt32] {
        record(.i32, &place) {
          $0.emitI32(41)
          $0.emitI32(slot)
          $0.emit(.callIndirect, .indirectCall($0.typeIndex($0.unary), $0.table))
        }
      }
    default:
      // A tail call ends the function, so it stands where the function would end anyway; the reply is left out.
      emitI32(0)
      open(.if, isTarget: false)
      if opcode == .returnCallIndirect {
        emitI32(2)
        emit(.returnCallIndirect, .indirectCall(typeIndex(.entry), table))
      } else {
        emit(.returnCall, .function(functionIndex(rank: current.rank)))
      }
      close()
    }
  }

  private mutating func emitBulk(_ opcode: Opcode, _ place: inout ResultPlace) {
    let heap = MemoryIndex(0)
    switch opcode {
    case .memorySize, .memoryGrow:
      for pages in [0, 1, .max] as [UInt64] {
        record(word, &place) {
          if opcode == .memoryGrow {
            $0.emitWord(pages)
            $0.emit(.memoryGrow, .memory(heap))
          } else {
            $0.emit(.memorySize, .memory(heap))
          }
        }
      }
    case .dataDrop:
      emit(.dataDrop, .data(DataIndex(0)))
      for address in [0, 9] as [UInt64] {
        emitWord(address)
        emitI32(0)
        emitI32(0)
        emit(.memoryInit, .memoryInit(heap, DataIndex(0)))
      }
    default:
      for length in [0, 1, 16, 7] as [UInt64] {
        emitWord(place.next())
        switch opcode {
        case .memoryFill: emitI32(0xABCD)
        case .memoryInit: emitI32(UInt32(16 - length))
        default: emitWord(256)
        }
        if opcode == .memoryInit { emitI32(UInt32(length)) } else { emitWord(length) }
        switch opcode {
        case .memoryFill: emit(.memoryFill, .memory(heap))
        case .memoryInit: emit(.memoryInit, .memoryInit(heap, DataIndex(0)))
        default: emit(.memoryCopy, .memoryCopy(destination: heap, source: heap))
        }
      }
    }
  }

  private mutating func emitTableOpcode(_ opcode: Opcode, _ place: inout ResultPlace) {
    let passive = ElementIndex(module.elements.count - 1)
    switch opcode {
    case .tableSet:
      emitI32(2)
      emit(.refFunc, .function(callee))
      emit(.tableSet, .table(table))
    case .tableFill:
      emitI32(1)
      emit(.refFunc, .function(callee))
      emitI32(2)
      emit(.tableFill, .table(table))
    case .tableCopy:
      for value in [1, 3, 1] as [UInt32] { emitI32(value) }
      emit(.tableCopy, .tableCopy(destination: table, source: table))
    case .tableInit:
      for value in [2, 0, 1] as [UInt32] { emitI32(value) }
      emit(.tableInit, .tableInit(table, passive))
    case .elemDrop:
      emit(.elemDrop, .element(passive))
      for _ in 0..<3 { emitI32(0) }
      emit(.tableInit, .tableInit(table, passive))
    case .tableGrow:
      record(.i32, &place) {
        $0.emit(.refFunc, .function($0.callee))
        $0.emitI32(1)
        $0.emit(.tableGrow, .table($0.table))
      }
    default: break
    }
    record(.i32, &place) { $0.emit(.tableSize, .table($0.table)) }
    for reference in 0..<4 {
      record(.i32, &place) {
        switch reference {
        case 0..<2:
          $0.emitI32(reference == 0 ? 1 : 2)
          $0.emit(.tableGet, .table($0.table))
        case 2: $0.emit(.refNull, .referenceType(.funcref))
        default: $0.emit(.refFunc, .function($0.callee))
        }
        $0.emit(.refIsNull)
      }
    }
  }

  // MARK: Traps

  /// Emits the opcode so that it traps.
  mutating func emitTrapping(_ opcode: Opcode) {
    let row = opcode.row
    switch opcode {
    case .unreachable: emit(.unreachable)
    case .callIndirect, .returnCallIndirect:
      if opcode == .callIndirect { emitI32(1) }
      emitI32(2)
      emit(opcode, .indirectCall(typeIndex(opcode == .callIndirect ? unary : .entry), table))
      if opcode == .callIndirect { emit(.drop) }
    case .memoryFill, .memoryCopy, .memoryInit:
      emitWord(heapBytes - 3)
      if opcode == .memoryCopy { emitWord(0) } else { emitI32(0) }
      if opcode == .memoryInit { emitI32(4) } else { emitWord(4) }
      switch opcode {
      case .memoryFill: emit(.memoryFill, .memory(MemoryIndex(0)))
      case .memoryCopy: emit(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0)))
      default: emit(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(0)))
      }
    case .tableGet:
      emitI32(1_000)
      emit(.tableGet, .table(table))
      emit(.drop)
    case .tableSet, .tableFill, .tableCopy, .tableInit:
      emitI32(1_000)
      if opcode == .tableCopy || opcode == .tableInit { emitI32(0) } else { emit(.refFunc, .function(callee)) }
      if opcode != .tableSet { emitI32(1) }
      switch opcode {
      case .tableSet: emit(opcode, .table(table))
      case .tableFill: emit(opcode, .table(table))
      case .tableCopy: emit(opcode, .tableCopy(destination: table, source: table))
      default: emit(opcode, .tableInit(table, ElementIndex(module.elements.count - 1)))
      }
    default: emitTrappingNumber(opcode, row)
    }
  }

  private mutating func emitTrappingNumber(_ opcode: Opcode, _ row: OpcodeRow) {
    guard let operands = GenerationTables.operands(of: row) else { return }
    var immediate = Immediate.none
    if row.traps.contains(.memoryBounds) {
      // One byte of the access lies past the end.
      emitWord(heapBytes - ((1 as UInt64) << UInt64(row.alignment)))
      if operands.count > 1 { emitEdgeValue(operands[1], 1) }
      let access = MemoryAccess(alignment: 0, offset: 1)
      immediate = row.shape == .memoryLane ? .memoryLane(access, lane: 0) : .memoryAccess(access)
    } else if row.traps.contains(.invalidConversion) {
      emitEdgeValue(operands[0], choices.chance(1, of: 2) ? 5 : 6)
    } else {
      let overflows = row.traps.contains(.integerOverflow) && choices.chance(1, of: 2)
      emitEdgeValue(operands[0], 3)
      emitEdgeValue(operands[1], overflows ? 2 : 0)
    }
    emit(opcode, immediate)
    if row.signature.result != nil { emit(.drop) }
  }
}
