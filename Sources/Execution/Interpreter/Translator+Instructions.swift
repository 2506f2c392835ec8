// The translator's rules for everything that is not control flow.

import Wasm

extension Translator {
  /// Translates one reachable instruction.
  mutating func translate(_ instruction: Instruction) {
    let row = instruction.opcode.row
    if !row.signature.isSpecial {
      if instruction.opcode.isVector {
        translateVector(instruction, row)
      } else {
        translatePlain(instruction, row)
      }
      return
    }
    switch (instruction.opcode, instruction.immediate) {
    case (.unreachable, _):
      code.emit(UInt64(.unreachable))
      isDead = true
    case (.block, .block(let type)): translateBlock(type, loop: false)
    case (.loop, .block(let type)): translateBlock(type, loop: true)
    case (.if, .block(let type)): translateIf(type)
    case (.else, _): translateElse()
    case (.end, _): translateEnd()
    case (.br, .label(let depth)): translateBranch(Int(depth))
    case (.brIf, .label(let depth)): translateBranchIf(Int(depth))
    case (.brTable, .labels(let range)): translateBranchTable(range)
    case (.return, _): translateReturn()
    case (.call, .function(let function)): translateCall(function)
    case (.callIndirect, .indirectCall(let type, let table)): translateCallIndirect(type, table)
    case (.returnCall, .function(let function)): translateReturnCall(function)
    case (.returnCallIndirect, .indirectCall(let type, let table)): translateReturnCallIndirect(type, table)
    case (.drop, _): drop(1)
    case (.select, _), (.selectTyped, _): translateSelect()
    case (.localGet, .local(let local)): pushLocal(local.position)
    case (.localSet, .local(let local)): setLocal(local.position)
    case (.localTee, .local(let local)):
      let constant = operands.last.flatMap { $0.kind == .constant ? $0.bits : nil }
      setLocal(local.position)
      if let constant { pushConstant(constant) } else { pushLocal(local.position) }
    case (.globalGet, .global(let global)):
      let isVector = spaces.globals[global.position].value == .v128
      code.emitResult(
        isVector ? .vectorGlobalGet : .globalGet, to: pushTemporary(isVector: isVector), bc: global.position)
    case (.globalSet, .global(let global)):
      let operand = pop()
      code.emit(
        UInt64(operand.isVector ? .vectorGlobalSet : .globalSet, a: register(of: operand), bc: global.position))
    case (.refNull, _): pushConstant(0)
    case (.refIsNull, _): translateUnary(.i64Eqz)
    case (.refFunc, .function(let function)): code.emitResult(.refFunc, to: pushTemporary(), bc: function.position)
    default: translateBulk(instruction)
    }
  }

  private mutating func setLocal(_ local: Int) {
    let operand = pop()
    if operand.kind == .local, operand.bits == UInt64(local) { return }
    if operand.kind == .temporary, code.lastResult == Int(operand.slot), localUses[local] == 0 {
      code.redirectLastResult(to: localRegister(local))
      return
    }
    preserve(local)
    switch operand.kind {
    case .temporary, .local: emitCopy(of: operand, to: localRegister(local))
    case .constant:
      emitConstant(operand.bits, to: localRegister(local))
      code.forgetLastOperation()
    }
  }

  private mutating func translateSelect() {
    let condition = popRegister()
    let isVector = operands.last?.isVector ?? false
    let otherwise = popRegister()
    let value = popRegister()
    code.emitResult(
      isVector ? .vectorSelect : .select, to: pushTemporary(isVector: isVector), b: value, c: otherwise)
    code.emitOperand(UInt64(condition))
  }

  // MARK: Numeric instructions and memory accesses

  private mutating func translatePlain(_ instruction: Instruction, _ row: OpcodeRow) {
    switch instruction.immediate {
    case .i32(let value): pushConstant(UInt64(UInt32(bitPattern: value)))
    case .i64(let value): pushConstant(UInt64(bitPattern: value))
    case .f32(let bits): pushConstant(UInt64(bits))
    case .f64(let bits): pushConstant(bits)
    case .memoryAccess(let access):
      if row.signature.result != nil {
        translateLoad(instruction.opcode, access)
      } else {
        translateStore(instruction.opcode, access)
      }
    default:
      switch row.signature.operandCount {
      case 1:
        let op = Op(numeric: instruction.opcode)
        if !op.isIdentity { translateUnary(op) }
      case 2: translateBinary(Op(numeric: instruction.opcode))
      default: break  // nop
      }
    }
  }

  private mutating func translateUnary(_ op: Op) {
    let operand = popRegister()
    code.emitResult(op, to: pushTemporary(), b: operand)
  }

  /// Whether an operand is what the last operation computed, for nobody but who takes the operand.
  private func isLastResult(_ operand: Operand) -> Bool {
    operand.kind == .temporary && code.lastResult == Int(operand.slot)
  }

  private mutating func translateBinary(_ op: Op) {
    let right = pop()
    let left = pop()
    if fuseShift(op, left, right) { return }
    if let (comparison, is64Bit) = op.comparison {
      if let value = immediate(right, is64Bit: is64Bit) {
        let register = register(of: left)
        let op = Op(immediate: comparison, is64Bit: is64Bit)
        code.emitResult(op, to: pushTemporary(), b: register, c: value)
        return
      }
      if let value = immediate(left, is64Bit: is64Bit) {
        let register = register(of: right)
        let op = Op(immediate: comparison.swapped, is64Bit: is64Bit)
        code.emitResult(op, to: pushTemporary(), b: register, c: value)
        return
      }
    } else if let form = op.immediateForm {
      let is64Bit = op >= .i64Clz
      if let value = immediate(right, is64Bit: is64Bit) {
        let register = is64Bit ? register(of: left) : wideRegister(of: left)
        code.emitResult(form, to: pushTemporary(), b: register, c: value)
        return
      }
      if op.isCommutative, let value = immediate(left, is64Bit: is64Bit) {
        let register = register(of: right)
        code.emitResult(form, to: pushTemporary(), b: register, c: value)
        return
      }
    }
    let leftRegister = register(of: left)
    let rightRegister = register(of: right)
    code.emitResult(op, to: pushTemporary(), b: leftRegister, c: rightRegister)
  }

  /// A register that holds an i32 operand in its lower half: for operations that do not look at the upper one, which
  /// need no `i32.wrap_i64` before them.
  private mutating func wideRegister(of operand: Operand) -> Int {
    guard isLastResult(operand), code.words[code.lastOperation].op == .i32WrapI64 else {
      return register(of: operand)
    }
    return code.takeLastOperation().0.b
  }

  /// Makes a shift by a constant that was just emitted part of the operation that uses its result.
  private mutating func fuseShift(_ op: Op, _ left: Operand, _ right: Operand) -> Bool {
    guard let form = op.shiftedForm else { return false }
    let isRight = isLastResult(right)
    guard isRight || isLastResult(left) && op.isCommutative, let shift = code.words[code.lastOperation].op.shiftForm
    else { return false }
    let other = isRight ? left : right
    // A constant would have to be put into its register, behind the shift.
    guard other.kind != .constant else { return false }
    let (word, _) = code.takeLastOperation()
    code.emitResult(Op(form, shift), to: pushTemporary(), b: register(of: other), c: word.b)
    code.emitOperand(UInt64(word.c))
    return true
  }

  /// The value of a constant operand, if it fits a signed 16-bit field.
  private func immediate(_ operand: Operand, is64Bit: Bool) -> Int? {
    guard operand.kind == .constant else { return nil }
    let value = is64Bit ? Int64(bitPattern: operand.bits) : Int64(Int32(truncatingIfNeeded: operand.bits))
    return Int64(Int16(truncatingIfNeeded: value)) == value ? Int(value) : nil
  }

  private mutating func translateLoad(_ opcode: Opcode, _ access: MemoryAccess) {
    let address = pop()
    if access.memory.value == 0 {
      let address = addressing(address, access.offset)
      code.emitResult(
        Op(load: opcode, address.mode), to: pushTemporary(), bc: Int(address.fields))
      if let operand = address.operand { code.emitOperand(operand) }
    } else {
      let kind = opcode.ordinal - Opcode.i32Load.ordinal
      let register = register(of: address)
      code.emitResult(.loadWide, to: pushTemporary(), b: register, c: kind)
      code.emitOperand(access.offset)
      code.emitOperand(UInt64(access.memory.value))
    }
  }

  private mutating func translateStore(_ opcode: Opcode, _ access: MemoryAccess) {
    let value = popRegister()
    let address = pop()
    if access.memory.value == 0 {
      let address = addressing(address, access.offset)
      code.emit(UInt64(Op(store: opcode, address.mode), a: value, bc: Int(address.fields)))
      if let operand = address.operand { code.emitOperand(operand) }
    } else {
      let kind = opcode.ordinal - Opcode.i32Store.ordinal
      code.emit(UInt64(.storeWide, a: value, b: register(of: address), c: kind))
      code.emitOperand(access.offset)
      code.emitOperand(UInt64(access.memory.value))
    }
  }

  /// The addressing mode for an operand and an offset; an addition that was just emitted becomes part of it.
  mutating func addressing(
    _ address: Operand, _ offset: UInt64
  ) -> (mode: AddressingMode, fields: UInt32, operand: UInt64?) {
    if is64BitHeap { return (.far, UInt32(register(of: address)), offset) }
    if address.kind == .constant, address.bits + offset <= UInt64(UInt32.max) {
      return (.constant, UInt32(address.bits + offset), nil)
    }
    if isLastResult(address) {
      let word = code.words[code.lastOperation]
      switch word.op {
      case .i32AddImmediate where offset == 0:
        return (.sum, UInt32(truncatingIfNeeded: code.takeLastOperation().0 >> 32), nil)
      case .i32Add: return (.indexed, UInt32(truncatingIfNeeded: code.takeLastOperation().0 >> 32), offset)
      case .i32AddShl:
        let (word, count) = code.takeLastOperation()
        return (.indexed, UInt32(truncatingIfNeeded: word >> 32), offset | count << 32)
      default: break
      }
    }
    let register = UInt32(register(of: address))
    return offset <= 0xFFFF ? (.near, register | UInt32(offset) << 16, nil) : (.far, register, offset)
  }

  // MARK: Memories and tables as a whole

  private mutating func translateBulk(_ instruction: Instruction) {
    switch (instruction.opcode, instruction.immediate) {
    case (.memorySize, .memory(let memory)): emitNullary(.memorySize, memory.value)
    case (.memoryGrow, .memory(let memory)): emitUnary(.memoryGrow, memory.value)
    case (.memoryFill, .memory(let memory)): emitTernary(.memoryFill, memory.value, 0)
    case (.memoryCopy, .memoryCopy(let destination, let source)):
      emitTernary(.memoryCopy, destination.value, source.value)
    case (.memoryInit, .memoryInit(let memory, let data)): emitTernary(.memoryInit, memory.value, data.value)
    case (.dataDrop, .data(let data)):
      code.emit(UInt64(.dataDrop))
      code.emitOperand(UInt64(data.value))
    case (.tableGet, .table(let table)): emitUnary(.tableGet, table.value)
    case (.tableSet, .table(let table)):
      let value = popRegister()
      let index = popRegister()
      code.emit(UInt64(.tableSet, a: index, b: value))
      code.emitOperand(UInt64(table.value))
    case (.tableSize, .table(let table)): emitNullary(.tableSize, table.value)
    case (.tableGrow, .table(let table)):
      let delta = popRegister()
      let value = popRegister()
      code.emitResult(.tableGrow, to: pushTemporary(), b: value, c: delta)
      code.emitOperand(UInt64(table.value))
    case (.tableFill, .table(let table)): emitTernary(.tableFill, table.value, 0)
    case (.tableCopy, .tableCopy(let destination, let source)):
      emitTernary(.tableCopy, destination.value, source.value)
    case (.tableInit, .tableInit(let table, let element)): emitTernary(.tableInit, table.value, element.value)
    case (.elemDrop, .element(let element)):
      code.emit(UInt64(.elementDrop))
      code.emitOperand(UInt64(element.value))
    default: break  // Pairs of opcode and immediate that no valid module contains.
    }
  }

  private mutating func emitNullary(_ op: Op, _ index: UInt32) {
    code.emitResult(op, to: pushTemporary())
    code.emitOperand(UInt64(index))
  }

  private mutating func emitUnary(_ op: Op, _ index: UInt32) {
    let operand = popRegister()
    code.emitResult(op, to: pushTemporary(), b: operand)
    code.emitOperand(UInt64(index))
  }

  private mutating func emitTernary(_ op: Op, _ first: UInt32, _ second: UInt32) {
    let c = popRegister()
    let b = popRegister()
    let a = popRegister()
    code.emit(UInt64(op, a: a, b: b, c: c))
    code.emitOperand(UInt64(first) | UInt64(second) << 32)
  }
}
