// The hand-written rules: control, calls, variables, references, tables and bulk memory.
// Called by the instruction loop of `FunctionValidator` for rows marked `special`.

extension FunctionValidator {
  mutating func special(
    _ instruction: Instruction, isLast: Bool, _ labels: [UInt32]
  ) throws(WasmError) {
    let i32 = ValueType.i32.code
    switch instruction.immediate {
    case .local(let index): try local(instruction.opcode, index)
    case .global(let index): try global(instruction.opcode, index)
    case .none: try bare(instruction.opcode, isLast: isLast)
    case .block(let type): try block(instruction.opcode, type)
    case .label(let depth):
      let isConditional = instruction.opcode == .brIf
      if isConditional { try pop(i32) }
      let label = try label(depth)
      try pop(label)
      if isConditional { try push(label) } else { abandon() }
    case .labels(let range): try branchTable(range, labels)
    case .function(let index):
      if instruction.opcode == .refFunc {
        try referenceFunction(index)
      } else {
        try call(try context.function(index), isTail: instruction.opcode == .returnCall)
      }
    case .indirectCall(let type, let table):
      let entry = try context.table(table)
      guard entry.element == ValueType.funcref.code else {
        throw mismatch(ValueType.funcref.code, entry.element)
      }
      let type = try context.type(type)
      try pop(entry.index)
      try call(type, isTail: instruction.opcode == .returnCallIndirect)
    case .resultType(let type):
      guard let type else { throw .invalid("invalid result arity") }
      try pop(i32)
      try pop(type.code)
      try pop(type.code)
      push(type.code)
    case .referenceType(let type):
      guard type.isReference else { throw .invalid("malformed reference type") }
      push(type.code)
    case .table(let index): try table(instruction.opcode, try context.table(index))
    case .tableInit(let index, let segment):
      let table = try context.table(index)
      let element = try context.element(segment)
      guard table.element == element else { throw mismatch(table.element, element) }
      try pop(i32)
      try pop(i32)
      try pop(table.index)
    case .tableCopy(let destination, let source):
      let (target, origin) = (try context.table(destination), try context.table(source))
      guard target.element == origin.element else { throw mismatch(target.element, origin.element) }
      try popCopy(target.index, origin.index)
    case .element(let index): _ = try context.element(index)
    case .memory(let index): try memory(instruction.opcode, try context.memory(index))
    case .memoryInit(let index, let segment):
      let address = try context.memory(index)
      try context.requireData(segment)
      try pop(i32)
      try pop(i32)
      try pop(address)
    case .memoryCopy(let destination, let source):
      try popCopy(try context.memory(destination), try context.memory(source))
    case .data(let segment): try context.requireData(segment)
    case .memoryAccess, .memoryLane, .i32, .i64, .f32, .f64, .v128, .shuffle, .lane:
      throw unruled(instruction.opcode)
    }
  }

  /// Not reached: shape and immediate agree, and every opcode of a special shape has its rule.
  private func unruled(_ opcode: Opcode) -> WasmError {
    WasmError(.malformed, "no rule for \(opcode.row.text)")
  }

  // MARK: Control

  private mutating func bare(_ opcode: Opcode, isLast: Bool) throws(WasmError) {
    switch opcode {
    case .end: try end(isLast: isLast)
    case .else:
      guard frames.count > 0, frames[frames.count - 1].kind == .conditional else {
        throw WasmError(.malformed, "else without if")
      }
      let frame = try leave()
      enter(.alternative, frame.parameters, frame.results)
      try push(frame.parameters)
    case .unreachable: abandon()
    case .return:
      try pop(results)
      abandon()
    case .drop: _ = try popAny()
    case .select: try select()
    case .refIsNull:
      let found = try popAny()
      guard found == 0 || ValueType(rawValue: found)?.isReference == true else {
        throw .invalid("type mismatch: expected a reference, found \(typeName(found))")
      }
      push(ValueType.i32.code)
    default: throw unruled(opcode)
    }
  }

  private mutating func end(isLast: Bool) throws(WasmError) {
    let frame = try leave()
    switch frame.kind {
    case .function:
      guard isLast else { throw WasmError(.malformed, "instructions after the end of the function") }
    case .conditional:
      // An `if` without `else` passes its parameters on as its results.
      guard sameTypes(frame.parameters, frame.results) else {
        throw .invalid("type mismatch: if without else must have equal parameters and results")
      }
      try push(frame.results)
    case .block, .loop, .alternative: try push(frame.results)
    }
  }

  private mutating func block(_ opcode: Opcode, _ type: BlockType) throws(WasmError) {
    var parameters = TypeRun.empty
    var results = TypeRun.empty
    switch type {
    case .empty: break
    case .value(let type): results = context.run(of: type)
    case .type(let index):
      let type = try context.type(index)
      (parameters, results) = (type.parameters, type.results)
    }
    if opcode == .if { try pop(ValueType.i32.code) }
    if parameters.count > 0 { try pop(parameters) }
    enter(opcode == .loop ? .loop : opcode == .if ? .conditional : .block, parameters, results)
    if parameters.count > 0 { try push(parameters) }
  }

  private mutating func branchTable(_ range: LabelRange, _ labels: [UInt32]) throws(WasmError) {
    guard range.count > 0, range.indices.upperBound <= labels.count else {
      throw WasmError(.malformed, "branch targets out of range")
    }
    try pop(ValueType.i32.code)
    let fallback = try label(labels[range.indices.upperBound - 1])
    for position in range.indices.dropLast() {
      let target = try label(labels[position])
      guard target.count == fallback.count else {
        throw .invalid("type mismatch: br_table targets take different numbers of values")
      }
      try requireTop(target)
    }
    try pop(fallback)
    abandon()
  }

  private mutating func call(_ type: FlatFunctionType, isTail: Bool) throws(WasmError) {
    if isTail, !sameTypes(type.results, results) {
      throw .invalid("type mismatch: a tail call must return what its caller returns")
    }
    try pop(type.parameters)
    if isTail { abandon() } else if type.results.count > 0 { try push(type.results) }
  }

  private func sameTypes(_ left: TypeRun, _ right: TypeRun) -> Bool {
    guard left.count == right.count else { return false }
    for position in 0..<Int(left.count)
    where context.codes[Int(left.start) + position] != context.codes[Int(right.start) + position] {
      return false
    }
    return true
  }

  private mutating func select() throws(WasmError) {
    try pop(ValueType.i32.code)
    let second = try popAny()
    let first = try popAny()
    for type in [first, second] where ValueType(rawValue: type)?.isReference == true {
      throw .invalid("type mismatch: select without a type takes no references")
    }
    if first != second, first != 0, second != 0 { throw mismatch(first, second) }
    push(first == 0 ? second : first)
  }

  // MARK: Variables and references

  private mutating func local(_ opcode: Opcode, _ index: LocalIndex) throws(WasmError) {
    guard index.position < locals.count else { throw .invalid("unknown local \(index)") }
    let type = locals[index.position]
    if opcode != .localGet { try pop(type) }
    if opcode != .localSet { push(type) }
  }

  private mutating func global(_ opcode: Opcode, _ index: GlobalIndex) throws(WasmError) {
    let global = try context.global(index)
    if opcode == .globalGet {
      push(global.value)
    } else {
      guard global.isMutable else { throw .invalid("immutable global \(index)") }
      try pop(global.value)
    }
  }

  private mutating func referenceFunction(_ index: FunctionIndex) throws(WasmError) {
    _ = try context.function(index)
    guard context.isDeclared[index.position] else {
      throw .invalid("undeclared function reference \(index)")
    }
    push(ValueType.funcref.code)
  }

  // MARK: Tables and memories

  private mutating func table(
    _ opcode: Opcode, _ table: ValidationContext.TableEntry
  ) throws(WasmError) {
    switch opcode {
    case .tableGet:
      try pop(table.index)
      push(table.element)
    case .tableSet:
      try pop(table.element)
      try pop(table.index)
    case .tableSize: push(table.index)
    case .tableGrow:
      try pop(table.index)
      try pop(table.element)
      push(table.index)
    case .tableFill:
      try pop(table.index)
      try pop(table.element)
      try pop(table.index)
    default: throw unruled(opcode)
    }
  }

  private mutating func memory(_ opcode: Opcode, _ address: TypeCode) throws(WasmError) {
    switch opcode {
    case .memorySize: push(address)
    case .memoryGrow:
      try pop(address)
      push(address)
    case .memoryFill:
      try pop(address)
      try pop(ValueType.i32.code)
      try pop(address)
    default: throw unruled(opcode)
    }
  }

  /// Operands of a copy between two spaces: the length is 64-bit only if both are.
  private mutating func popCopy(_ target: TypeCode, _ origin: TypeCode) throws(WasmError) {
    let i64 = ValueType.i64.code
    try pop(target == i64 && origin == i64 ? i64 : ValueType.i32.code)
    try pop(origin)
    try pop(target)
  }
}
