// The hand-written rules: control, calls, variables, references, tables and bulk memory.
// Called by the instruction loop of `FunctionValidator` for rows marked `special`.

extension FunctionValidator {
  /// Reads the immediate of an instruction and applies its rule.
  @inline(never)
  mutating func special(_ effect: UnsafePointer<StackEffect>) throws(WasmError) {
    let opcode = effect.pointee.opcode
    switch effect.pointee.shape {
    case .none: try bare(opcode)
    case .block: try block(opcode, try cursor.blockType())
    case .label: try branch(opcode, try cursor.u32())
    case .labels: try branchTable()
    case .function: try function(opcode, try cursor.index())
    case .indirectCall:
      let type: TypeIndex = try cursor.index()
      try indirectCall(opcode, type, try cursor.index())
    case .global: try global(opcode, try cursor.index())
    case .resultType:
      guard let type = try cursor.resultType() else { throw .invalid("invalid result arity") }
      try pop(ValueType.i32, type, type)
      stack.push(type.code)
    case .referenceType: stack.push(try cursor.referenceType().code)
    case .table: try table(opcode, try context.table(try cursor.index()))
    case .tableInit: try tableInit(try cursor.index(), try cursor.index())
    case .tableCopy:
      let target = try context.table(try cursor.index())
      let origin = try context.table(try cursor.index())
      guard target.element == origin.element else { throw OperandStack.mismatch(target.element, origin.element) }
      try popCopy(target.index, origin.index)
    case .element: _ = try context.element(try cursor.index())
    case .memory: try memory(opcode, try context.memory(try cursor.index()))
    case .memoryInit: try memoryInit(try cursor.index(), try cursor.index())
    case .memoryCopy:
      let target = try context.memory(try cursor.index())
      try popCopy(target, try context.memory(try cursor.index()))
    case .data: try context.requireData(try cursor.index())
    case .local, .memoryAccess, .memoryLane, .i32, .i64, .f32, .f64, .v128, .shuffle, .lane: throw unruled(opcode)
    }
  }

  /// Not reached: every opcode of a special shape has its rule.
  private func unruled(_ opcode: Opcode) -> WasmError {
    WasmError(.malformed, "no rule for \(opcode.row.text)")
  }

  /// Pops operands, the topmost first.
  @inline(__always)
  private mutating func pop(_ first: ValueType, _ second: ValueType, _ third: ValueType) throws(WasmError) {
    try stack.pop(first.code)
    try stack.pop(second.code)
    try stack.pop(third.code)
  }

  // MARK: Control

  @inline(__always)
  private mutating func bare(_ opcode: Opcode) throws(WasmError) {
    switch opcode {
    case .end: try end()
    case .else:
      guard frames[frames.count - 1].kind == .conditional else {
        throw WasmError(.malformed, "else without if")
      }
      let frame = try leave()
      enter(.alternative, frame.type)
      try push(context.types[frame.type].parameters)
    case .unreachable: stack.abandon()
    case .return:
      try pop(context.types[type].results)
      stack.abandon()
    case .drop: _ = try stack.popAny()
    case .select: try select()
    case .refIsNull:
      let found = try stack.popAny()
      guard found == 0 || ValueType(rawValue: found)?.isReference == true else {
        throw .invalid("type mismatch: expected a reference, found \(typeName(found))")
      }
      stack.push(ValueType.i32.code)
    default: throw unruled(opcode)
    }
  }

  @inline(__always)
  private mutating func end() throws(WasmError) {
    let frame = try leave()
    if frame.kind == .function { return }
    let type = context.types[frame.type]
    // An `if` without `else` passes its parameters on as its results.
    if frame.kind == .conditional, !sameTypes(type.parameters, type.results) {
      throw .invalid("type mismatch: if without else must have equal parameters and results")
    }
    try push(type.results)
  }

  @inline(__always)
  private mutating func block(_ opcode: Opcode, _ type: BlockType) throws(WasmError) {
    let position =
      switch type {
      case .empty: ValidationContext.emptyType
      case .value(let type): Int(type.code)
      case .type(let index): try context.typePosition(index)
      }
    if opcode == .if { try stack.pop(ValueType.i32.code) }
    let parameters = context.types[position].parameters
    try pop(parameters)
    enter(opcode == .loop ? .loop : opcode == .if ? .conditional : .block, position)
    try push(parameters)
  }

  @inline(__always)
  private mutating func branch(_ opcode: Opcode, _ depth: UInt32) throws(WasmError) {
    let isConditional = opcode == .brIf
    if isConditional { try stack.pop(ValueType.i32.code) }
    let label = try label(depth)
    try pop(label)
    if isConditional { try push(label) } else { stack.abandon() }
  }

  private mutating func branchTable() throws(WasmError) {
    try stack.pop(ValueType.i32.code)
    let count = try cursor.count()
    var checked: TypeRun?
    // The default is one more label behind those that are counted.
    for _ in 0...count {
      let target = try label(try cursor.u32())
      if let checked {
        guard target.count == checked.count else {
          throw .invalid("type mismatch: br_table targets take different numbers of values")
        }
        if target.start == checked.start { continue }
      }
      try requireTop(target)
      checked = target
    }
    stack.abandon()
  }

  @inline(__always)
  private mutating func function(_ opcode: Opcode, _ index: FunctionIndex) throws(WasmError) {
    let type = try context.function(index)
    if opcode != .refFunc { return try call(type, isTail: opcode == .returnCall) }
    guard context.isDeclared[index.position] else {
      throw .invalid("undeclared function reference \(index)")
    }
    stack.push(ValueType.funcref.code)
  }

  private mutating func indirectCall(
    _ opcode: Opcode, _ type: TypeIndex, _ table: TableIndex
  ) throws(WasmError) {
    let entry = try context.table(table)
    guard entry.element == ValueType.funcref.code else {
      throw OperandStack.mismatch(ValueType.funcref.code, entry.element)
    }
    let type = context.types[try context.typePosition(type)]
    try stack.pop(entry.index)
    try call(type, isTail: opcode == .returnCallIndirect)
  }

  @inline(__always)
  private mutating func call(_ type: FlatFunctionType, isTail: Bool) throws(WasmError) {
    if isTail, !sameTypes(type.results, context.types[self.type].results) {
      throw .invalid("type mismatch: a tail call must return what its caller returns")
    }
    try pop(type.parameters)
    if isTail { stack.abandon() } else { try push(type.results) }
  }

  private func sameTypes(_ left: TypeRun, _ right: TypeRun) -> Bool {
    guard left.count == right.count else { return false }
    for position in 0..<Int(left.count)
    where context.codes[Int(left.start) + position] != context.codes[Int(right.start) + position] {
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func select() throws(WasmError) {
    try stack.pop(ValueType.i32.code)
    let second = try stack.popAny()
    let first = try stack.popAny()
    if ValueType(rawValue: first)?.isReference == true || ValueType(rawValue: second)?.isReference == true {
      throw .invalid("type mismatch: select without a type takes no references")
    }
    if first != second, first != 0, second != 0 { throw OperandStack.mismatch(first, second) }
    stack.push(first == 0 ? second : first)
  }

  @inline(__always)
  private mutating func global(_ opcode: Opcode, _ index: GlobalIndex) throws(WasmError) {
    let global = try context.global(index)
    if opcode == .globalGet {
      stack.push(global.value)
    } else {
      guard global.isMutable else { throw .invalid("immutable global \(index)") }
      try stack.pop(global.value)
    }
  }

  // MARK: Tables and memories

  private mutating func table(
    _ opcode: Opcode, _ table: ValidationContext.TableEntry
  ) throws(WasmError) {
    switch opcode {
    case .tableGet:
      try stack.pop(table.index)
      stack.push(table.element)
    case .tableSet:
      try stack.pop(table.element)
      try stack.pop(table.index)
    case .tableSize: stack.push(table.index)
    case .tableGrow:
      try stack.pop(table.index)
      try stack.pop(table.element)
      stack.push(table.index)
    case .tableFill:
      try stack.pop(table.index)
      try stack.pop(table.element)
      try stack.pop(table.index)
    default: throw unruled(opcode)
    }
  }

  private mutating func memory(_ opcode: Opcode, _ address: TypeCode) throws(WasmError) {
    switch opcode {
    case .memorySize: stack.push(address)
    case .memoryGrow:
      try stack.pop(address)
      stack.push(address)
    case .memoryFill:
      try stack.pop(address)
      try stack.pop(ValueType.i32.code)
      try stack.pop(address)
    default: throw unruled(opcode)
    }
  }

  private mutating func tableInit(_ segment: ElementIndex, _ index: TableIndex) throws(WasmError) {
    let table = try context.table(index)
    let element = try context.element(segment)
    guard table.element == element else { throw OperandStack.mismatch(table.element, element) }
    try stack.pop(ValueType.i32.code)
    try stack.pop(ValueType.i32.code)
    try stack.pop(table.index)
  }

  private mutating func memoryInit(_ segment: DataIndex, _ index: MemoryIndex) throws(WasmError) {
    let address = try context.memory(index)
    try context.requireData(segment)
    try stack.pop(ValueType.i32.code)
    try stack.pop(ValueType.i32.code)
    try stack.pop(address)
  }

  /// Operands of a copy between two spaces: the length is 64-bit only if both are.
  private mutating func popCopy(_ target: TypeCode, _ origin: TypeCode) throws(WasmError) {
    let i64 = ValueType.i64.code
    try stack.pop(target == i64 && origin == i64 ? i64 : ValueType.i32.code)
    try stack.pop(origin)
    try stack.pop(target)
  }
}
