// Emits expressions: code that leaves one number of a wanted type on the stack and does not trap. Used by statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// Emits code that leaves a number of the type.
  mutating func expression(_ type: NumberType, depth: Int = 2) {
    if type == .v128 { return vector(depth) }
    switch choices.draw(below: depth > 0 ? 64 as UInt64 : 28) {
    case 0..<12: emit(constant: type)
    case 12..<22: localValue(type)
    case 22..<28: globalValue(type)
    case 28..<46: operation(type, depth)
    case 46..<54: load(type, depth)
    case 54..<56: selection(type, depth)
    case 56: conditionalValue(type, depth)
    case 57: blockValue(type, depth)
    case 58..<60: callValue(type, depth)
    default: specialValue(type)
    }
  }

  // MARK: Constants

  mutating func emit(constant type: NumberType) {
    let constant = drawConstant(type)
    emit(constant.opcode, constant.immediate)
  }

  mutating func drawConstant(_ type: NumberType) -> Instruction {
    switch type {
    case .i32: .i32(Int32(bitPattern: drawI32()))
    case .i64: .i64(Int64(bitPattern: drawI64()))
    case .f32: Instruction(.f32Const, .f32(drawF32()))
    case .f64: Instruction(.f64Const, .f64(drawF64()))
    case .v128: Instruction(.v128Const, .v128(drawV128()))
    }
  }

  mutating func drawI32() -> UInt32 {
    switch choices.draw(below: 8) {
    case 0..<3: UInt32(choices.draw(below: 16))
    case 3..<5: UInt32(choices.draw(below: 256))
    case 5: (1 as UInt32) << UInt32(choices.draw(below: 32)) &+ UInt32(choices.draw(below: 3)) &- 1
    case 6: 0 &- UInt32(choices.draw(below: 256))
    default: UInt32(truncatingIfNeeded: choices.drawBits())
    }
  }

  mutating func drawI64() -> UInt64 {
    switch choices.draw(below: 8) {
    case 0..<3: choices.draw(below: 16)
    case 3..<4: choices.draw(below: 256)
    case 4..<5: (1 as UInt64) << UInt64(choices.draw(below: 64)) &+ choices.draw(below: 3) &- 1
    case 5: 0 &- choices.draw(below: 256)
    default: choices.drawBits()
    }
  }

  private mutating func drawF32() -> UInt32 {
    let constants: [Float] = [
      0, 1, -1.5, -0.0, 16_777_216, .leastNonzeroMagnitude, .infinity, .nan, -.greatestFiniteMagnitude,
    ]
    let choice = choices.drawIndex(below: constants.count + 3)
    if choice < constants.count { return constants[choice].bitPattern }
    let bits = UInt32(truncatingIfNeeded: choices.drawBits())
    // A NaN, signalling or not, whose payload is lost by whoever passes it through a number.
    return choice == constants.count ? bits | 0x7F80_0001 : bits
  }

  private mutating func drawF64() -> UInt64 {
    let constants: [Double] = [
      0, 1, -2.25, -0.0, 4_294_967_296, .leastNonzeroMagnitude, .infinity, .nan, -.greatestFiniteMagnitude,
    ]
    let choice = choices.drawIndex(below: constants.count + 3)
    if choice < constants.count { return constants[choice].bitPattern }
    let bits = choices.drawBits()
    return choice == constants.count ? bits | 0x7FF0_0000_0000_0001 : bits
  }

  // MARK: Variables

  mutating func localValue(_ type: NumberType) {
    let set = current.localsOfType[type.position]
    if set == 0 { return globalValue(type) }
    emit(.localGet, .local(LocalIndex(position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set))))
  }

  private mutating func globalValue(_ type: NumberType) {
    let set = globalsOfType[type.position]
    if set == 0 { return emit(constant: type) }
    emit(.globalGet, .global(GlobalIndex(position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set))))
  }

  // MARK: Operations

  mutating func operation(_ type: NumberType, _ depth: Int) {
    let list = tables.operations[type.position]
    let operation = choices.element(of: list)
    switch operation.operandGuard {
    case .none:
      for position in 0..<operation.operands.count { expression(operation.operands[position], depth: depth - 1) }
    case .divisor:
      // 1 to 255: neither zero nor the -1 with which the smallest number overflows.
      expression(type, depth: depth - 1)
      expression(type, depth: depth - 1)
      emitConstant(0xFE, type)
      emit(type, narrow: .i32And, wide: .i64And)
      emitConstant(1, type)
      emit(type, narrow: .i32Or, wide: .i64Or)
    case .conversion:
      expression(.i32, depth: depth - 1)
      emitI32(0xFFFF)
      emit(.i32And)
      emit(operation.operands[0] == .f32 ? .f32ConvertI32S : .f64ConvertI32S)
    }
    emit(operation.opcode)
  }

  mutating func selection(_ type: NumberType, _ depth: Int) {
    expression(type, depth: depth - 1)
    expression(type, depth: depth - 1)
    expression(.i32, depth: depth - 1)
    if choices.chance(1, of: 3) {
      emit(.selectTyped, .resultType(type.valueType))
      features.insert(.typedSelect)
    } else {
      emit(.select)
    }
  }

  mutating func conditionalValue(_ type: NumberType, _ depth: Int) {
    expression(.i32, depth: depth - 1)
    open(.if, .value(type.valueType), isTarget: false)
    expression(type, depth: depth - 1)
    emit(.else)
    expression(type, depth: depth - 1)
    close()
    features.insert(.blockValue)
  }

  mutating func blockValue(_ type: NumberType, _ depth: Int) {
    features.insert(.blockValue)
    open(.block, .value(type.valueType), isTarget: false)
    expression(type, depth: depth - 1)
    if choices.chance(1, of: 3) {
      // What follows an unconditional branch never runs, but is metered and translated all the same.
      emit(.br, .label(0))
      expression(type, depth: 0)
      features.insert(.deadCode)
    } else {
      expression(.i32, depth: depth - 1)
      emit(.brIf, .label(0))
      emit(.drop)
      expression(type, depth: depth - 1)
    }
    close()
  }

  mutating func callValue(_ type: NumberType, _ depth: Int) {
    let set = helpersByResult[type.position] & callableHelpers
    if set == 0 { return operation(type, depth) }
    callHelper(rank: position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set), depth: depth - 1)
  }

  // MARK: Loads

  mutating func load(_ type: NumberType, _ depth: Int) {
    if !hasHeap { return operation(type, depth) }
    let list = tables.loads[type.position]
    let access = choices.element(of: list)
    if mayAccessDirectly && choices.chance(1, of: 3) {
      emit(access.opcode, .memoryAccess(directAddress(width: access.width, isWrite: false)))
      return
    }
    let immediate = address(width: access.width, memory: drawMemory(), depth: depth - 1)
    emit(access.opcode, .memoryAccess(immediate))
  }

  /// Emits an address at which 2^`width` bytes of a memory can be accessed, and gives the rest of the access.
  mutating func address(width: UInt8, memory: Int, depth: Int) -> MemoryAccess {
    let bytes = memories[memory].bytes
    let type = memories[memory].indexType
    let size = (1 as UInt64) << UInt64(width)
    var offset: UInt64
    if memory > 0 { features.insert(.furtherMemoryAccess) }
    switch choices.draw(below: 16) {
    case 0..<8:
      let place = choices.draw(below: choices.chance(1, of: 8) ? bytes - size + 1 : 1_024)
      offset = choices.chance(1, of: 3) ? choices.draw(below: place + 1) : 0
      emitConstant(place - offset, type)
    case 8..<14:
      let mask = (1 as UInt64) << choices.integer(in: 4...11) - 1
      offset = choices.draw(below: choices.chance(1, of: 8) ? bytes - mask - size : 2_048)
      expression(type, depth: min(depth, 1))
      emitConstant(mask, type)
      emit(type, narrow: .i32And, wide: .i64And)
    default:
      // The last bytes of the memory, whatever it has grown to.
      offset = choices.draw(below: 40)
      heapEnd(minus: size + offset, memory: memory, as: type)
      features.insert(.heapEnd)
    }
    let alignment = UInt8(choices.draw(below: UInt64(width) + 1))
    return MemoryAccess(alignment: alignment, offset: offset, memory: MemoryIndex(memory))
  }

  /// Emits the size of a memory in bytes less a number, wrapping.
  mutating func heapEnd(minus distance: UInt64, memory: Int = 0, as type: NumberType) {
    emit(.memorySize, .memory(MemoryIndex(memory)))
    let own = memories[memory].indexType
    if own == .i32 && type == .i64 { emit(.i64ExtendI32U) }
    if own == .i64 && type == .i32 { emit(.i32WrapI64) }
    emitConstant(16, type)
    emit(type, narrow: .i32Shl, wide: .i64Shl)
    if distance != 0 {
      emitConstant(distance, type)
      emit(type, narrow: .i32Sub, wide: .i64Sub)
    }
  }

  // MARK: Sizes, counters, references

  /// A number that a special instruction or the System API supplies.
  private mutating func specialValue(_ type: NumberType) {
    switch choices.draw(below: 6) {
    case 0 where hasHeap && (type == .i32 || type == .i64):
      let memory = drawMemory()
      emit(.memorySize, .memory(MemoryIndex(memory)))
      convert(memories[memory].indexType, to: type)
    case 1 where type == .i64 && mayCall(.performanceCounter):
      emitI32(choices.chance(1, of: 4) ? 1 : 0)
      callSystem(.performanceCounter)
      features.insert(.performanceCounter)
    case 2 where type == .i64 && mayCall(.stable64Size): callStable(.stable64Size)
    case 2 where type == .i32 && mayCall(.stableSize) && shape.narrowAccess == .free: callStable(.stableSize)
    case 3..<5 where type == .i32 || type == .i64: referenceValue(type)
    case 5 where GenerationTables.makesVectors && choices.chance(2, of: 3): fromVector(type)
    default: systemValue(type)
    }
  }

  private mutating func systemValue(_ type: NumberType) {
    let start = choices.drawIndex(below: tables.values.count)
    for step in tables.values.indices {
      let function = tables.values[(start + step) % tables.values.count]
      guard mayCall(function), signature(function).shape.results[0] == type else { continue }
      features.insert(.systemValue)
      return callSystem(function)
    }
    emit(constant: type)
  }

  private mutating func referenceValue(_ type: NumberType) {
    if module.tables.isEmpty { return emit(constant: type) }
    switch choices.draw(below: 4) {
    case 0:
      emit(.tableSize, .table(TableIndex(0)))
      features.insert(.tableSize)
    case 1:
      emitI32(UInt32(choices.drawIndex(below: slots.count)))
      emit(.tableGet, .table(TableIndex(0)))
      emit(.refIsNull)
      features.insert(.tableGet)
    default:
      // Where references are called, those that are only looked at would stand in their way.
      let null: UInt64 = shape.profile == .multiMemory ? 9 : 3
      emitReference(null: null, of: 10)
      if choices.chance(1, of: 6) {
        // References need the form of `select` that names a type.
        emitReference(null: null, of: 10)
        expression(.i32, depth: 0)
        emit(.selectTyped, .resultType(.funcref))
      }
      emit(.refIsNull)
      features.insert(.referenceTest)
    }
    convert(.i32, to: type)
  }

  /// Converts an integer on the stack, zero-extending.
  mutating func convert(_ from: NumberType, to type: NumberType) {
    if from == type { return }
    switch (from, type) {
    case (.i32, .i64): emit(.i64ExtendI32U)
    case (.i64, .i32): emit(.i32WrapI64)
    case (.i32, .f32): emit(.f32ConvertI32S)
    case (.i32, .f64): emit(.f64ConvertI32U)
    case (.i64, .f32): emit(.f32ConvertI64U)
    case (.i64, .f64): emit(.f64ConvertI64S)
    default: break
    }
  }
}
