// The translator's rules for vectors: where their locals stand, and their instructions, which all have an operation each.

import Wasm

extension Opcode {
  /// Whether this is one of the vector instructions.
  @inline(__always) var isVector: Bool { rawValue >> 8 == 0xFD }
}

extension Translator {
  /// Gives every local its registers.
  mutating func layOutLocals(_ parameters: [ValueType], _ locals: [LocalGroup], hasVectors: Bool) {
    localRegisters.removeAll(keepingCapacity: true)
    guard hasVectors else { return }
    var next: Int32 = 0
    func place(_ type: ValueType, _ registers: inout [Int32]) {
      registers.append(next)
      next += Int32(type.slotCount)
    }
    for type in parameters { place(type, &localRegisters) }
    for group in locals {
      for _ in 0..<group.count { place(group.type, &localRegisters) }
    }
    localRegisters.append(next)
  }

  mutating func translateVector(_ instruction: Instruction, _ row: OpcodeRow) {
    let op = Op(vector: instruction.opcode)
    switch instruction.immediate {
    case .v128(let bits):
      code.emitResult(op, to: pushTemporary(isVector: true))
      code.emitOperand(bits.low)
      code.emitOperand(bits.high)
    case .shuffle(let lanes): translateShuffle(lanes)
    case .lane(let lane): translateLane(op, row, Int(lane))
    case .memoryAccess(let access):
      if row.signature.result != nil { translateLoad(op, access) } else { translateStore(op, access) }
    case .memoryLane(let access, let lane):
      if row.signature.result != nil {
        translateLoad(op, access, lane: lane)
      } else {
        translateStore(op, access, lane: lane)
      }
    default: translateOperator(op, row)
    }
  }

  private mutating func translateOperator(_ op: Op, _ row: OpcodeRow) {
    let third = row.signature.operandCount > 2 ? popRegister() : nil
    let second = row.signature.operandCount > 1 ? popRegister() : 0
    let first = popRegister()
    code.emitResult(op, to: pushTemporary(isVector: row.signature.result == .v128), b: first, c: second)
    if let third { code.emitOperand(UInt64(third)) }
  }

  private mutating func translateLane(_ op: Op, _ row: OpcodeRow, _ lane: Int) {
    if row.signature.operandCount == 1 {
      let vector = popRegister()
      code.emitResult(op, to: pushTemporary(), b: vector, c: lane)
    } else {
      let value = popRegister()
      let vector = popRegister()
      code.emitResult(op, to: pushTemporary(isVector: true), b: vector, c: value)
      code.emitOperand(UInt64(lane))
    }
  }

  /// A shuffle looks up each of its operands by a table of its own, where 128 stands for a byte that the other one gives.
  private mutating func translateShuffle(_ lanes: V128) {
    let right = popRegister()
    let left = popRegister()
    code.emitResult(.i8x16Shuffle, to: pushTemporary(isVector: true), b: left, c: right)
    for operand: UInt8 in 0...1 {
      for half in 0...1 {
        var table: UInt64 = 0
        for byte in 0..<8 {
          let lane = lanes.byte(half * 8 + byte)
          table |= UInt64(lane >> 4 == operand ? lane & 15 : 128) << UInt64(8 * byte)
        }
        code.emitOperand(table)
      }
    }
  }

  // MARK: Memory accesses

  private mutating func translateLoad(_ op: Op, _ access: MemoryAccess, lane: UInt8? = nil) {
    let vector = lane == nil ? 0 : popRegister()
    let address = popRegister()
    if isNarrow(access), access.offset <= 0xFFFF {
      code.emitResult(op, to: pushTemporary(isVector: true), b: address, c: Int(access.offset))
      if let lane { code.emitOperand(UInt64(vector) | UInt64(lane) << 32) }
    } else {
      code.emitResult(.vectorLoadWide, to: pushTemporary(isVector: true), b: address, c: Int(op.rawValue))
      emitWideOperands(access, lane, vector)
    }
  }

  private mutating func translateStore(_ op: Op, _ access: MemoryAccess, lane: UInt8? = nil) {
    let vector = popRegister()
    let address = popRegister()
    if isNarrow(access), access.offset <= 0xFFFF {
      code.emit(UInt64(op, a: vector, b: address, c: Int(access.offset)))
      if let lane { code.emitOperand(UInt64(lane)) }
    } else {
      code.emit(UInt64(.vectorStoreWide, a: vector, b: address, c: Int(op.rawValue)))
      emitWideOperands(access, lane, 0)
    }
  }

  private mutating func emitWideOperands(_ access: MemoryAccess, _ lane: UInt8?, _ vector: Int) {
    code.emitOperand(access.offset)
    code.emitOperand(UInt64(access.memory.value) | UInt64(lane ?? 0) << 32)
    code.emitOperand(UInt64(vector))
  }
}
