// Random modules for comparing the interpreter with the reference interpreter: valid by construction, with every form of
// control flow, and with locals and operands in each other's way.

import TestSupport
import Wasm

/// Draws a module of a few functions over i32, i64 and, in half of all modules, v128.
struct RandomProgram {
  private(set) var program = SmallModule()
  private var random: SeededGenerator
  /// Types of all functions, the import first.
  private var types: [FunctionType] = []
  private var results: [ValueType] = []
  private var locals: [ValueType] = []
  private var code: [Instruction] = []
  private var branchTable: [UInt32] = []
  /// What a branch takes along, outermost block first.
  private var labels: [[ValueType]] = []
  /// Operands of the innermost block.
  private var stack: [ValueType] = []
  private var depth = 0
  private var hasVectors = false

  private static let functions = 5
  /// Elements of the table behind the functions.
  static let nulls = 2

  var module: Module { program.module }

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    hasVectors = random.number(below: 2) == 0
    program.importFunction([.i32], [.i32])
    types = [FunctionType([.i32], [.i32])]
    for _ in 0..<Self.functions { types.append(FunctionType(someTypes(3), someTypes(2))) }
    let isWide = random.number(below: 4) == 0
    program.module.memories = [
      MemoryType(Limits(minimum: 1, maximum: 2), is64Bit: isWide),
      MemoryType(Limits(minimum: 1, maximum: 1), is64Bit: random.number(below: 2) == 0),
    ]
    program.module.globals = [
      Global(GlobalType(.i32, isMutable: true), [.i32(3)]),
      Global(GlobalType(.v128, isMutable: true), [Instruction(.v128Const, .v128(V128(low: 5, high: 6)))]),
      Global(GlobalType(.i64, isMutable: true), [.i64(-9)]),
    ]
    for type in types.dropFirst() { define(type) }
    program.addTable()
    program.module.tables[0].type.limits.minimum += UInt64(Self.nulls)
  }

  private mutating func someTypes(_ bound: Int) -> [ValueType] {
    (0..<random.number(below: bound + 1)).map { _ in someType() }
  }

  private mutating func someType() -> ValueType {
    if hasVectors, random.number(below: 3) == 0 { return .v128 }
    return random.number(below: 3) == 0 ? .i64 : .i32
  }

  /// The global of a type.
  private func global(_ type: ValueType) -> GlobalIndex {
    switch type {
    case .i32: GlobalIndex(0)
    case .v128: GlobalIndex(1)
    default: GlobalIndex(2)
    }
  }

  private mutating func chance(_ percent: Int) -> Bool { random.number(below: 100) < percent }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[random.number(below: elements.count)]
  }

  /// Takes the top operand away, mostly in a way that lets its value be seen afterwards.
  private mutating func dropOperand() {
    let type = stack.removeLast()
    guard chance(70) else { return emit(.drop) }
    emit(.get(global(type)))
    emitPlain(type == .i32 ? .i32Sub : type == .i64 ? .i64Sub : .v128Xor)
    emit(.set(global(type)))
  }

  // MARK: Functions and blocks

  private mutating func define(_ type: FunctionType) {
    let declared = someTypes(4)
    (results, locals, labels) = (type.results, type.parameters + declared, [type.results])
    (code, branchTable, stack, depth) = ([], [], [], 0)
    statements(4 + random.number(below: 12))
    finish(type.results)
    program.add(
      type.parameters, type.results, locals: declared.map { LocalGroup(count: 1, type: $0) }, labels: branchTable, code)
  }

  private mutating func statements(_ count: Int) {
    for _ in 0..<count { statement() }
  }

  /// Makes the operands of the block exactly these.
  private mutating func finish(_ types: [ValueType]) {
    while !types.starts(with: stack) { dropOperand() }
    for type in types[stack.count...] { push(type) }
  }

  private mutating func emit(_ instruction: Instruction) { code.append(instruction) }

  private mutating func emitPlain(_ opcode: Opcode) { code.append(Instruction(opcode)) }

  private mutating func block() {
    guard depth < 4 else { return }
    depth += 1
    defer { depth -= 1 }
    let kind = random.number(below: 3)
    if kind == 2 { push(.i32) }
    if kind == 2 { stack.removeLast() }
    let parameters = Array(stack.suffix(random.number(below: 3)))
    let results = chance(40) ? parameters : someTypes(2)
    let type: BlockType =
      parameters.isEmpty && results.count < 2 && chance(50)
      ? results.first.map { .value($0) } ?? .empty : program.blockType(parameters, results)
    let outer = Array(stack.dropLast(parameters.count))
    emit(Instruction([.block, .loop, .if][kind], .block(type)))
    labels.append(kind == 1 ? parameters : results)
    stack = parameters
    statements(random.number(below: 6))
    finish(results)
    if kind == 2 && (parameters != results || chance(50)) {
      emitPlain(.else)
      stack = parameters
      statements(random.number(below: 5))
      finish(results)
    }
    emit(.end)
    labels.removeLast()
    stack = outer + results
  }

  // MARK: Values

  /// Pushes a value of a type.
  private mutating func push(_ type: ValueType) {
    let candidates = locals.indices.filter { locals[$0] == type }
    switch random.number(below: 10) {
    case 0...4 where !candidates.isEmpty: emit(.get(pick(candidates)))
    case 5: emit(.get(global(type)))
    case 6...7 where type == .v128:
      push(type)
      push(type)
      emitPlain(pick([.i64x2Add, .v128Xor]))
      stack.removeLast(2)
    case 6, 7:
      let operations = ReferenceInterpreter.binary.filter { $0.row.signature.result == type }
      let opcode = pick(operations)
      // Divisors are mostly not zero.
      let operand = opcode.row.signature.operands.0 ?? type
      push(operand)
      push(operand)
      if "\(opcode.row.text)".contains("div") || "\(opcode.row.text)".contains("rem"), chance(90) {
        constant(operand, 1)
        emitPlain(operand == .i32 ? .i32Or : .i64Or)
        stack.removeLast()
      }
      emitPlain(opcode)
      stack.removeLast(2)
    default:
      constant(type, pick([0, 1, -1, 2, 7, 255, 32_767, 32_768, -32_768, -32_769, 65_535, .max, .min, 1 << 40]))
      stack.removeLast()
    }
    stack.append(type)
  }

  private mutating func constant(_ type: ValueType, _ value: Int64) {
    switch type {
    case .i32: emit(.i32(Int32(truncatingIfNeeded: value)))
    case .v128:
      emit(Instruction(.v128Const, .v128(V128(low: UInt64(bitPattern: value), high: UInt64(bitPattern: ~value)))))
    default: emit(.i64(value))
    }
    stack.append(type)
  }

  /// Makes the top operands these: what is there if it fits, or new ones.
  private mutating func provide(_ types: [ValueType]) {
    if Array(stack.suffix(types.count)) == types, chance(70) { return }
    for type in types { push(type) }
  }

  /// Provides or pushes an address that is mostly in bounds.
  private mutating func address(_ memory: Int, pushed: Bool = false) {
    let type = program.module.memories[memory].indexType
    if pushed { push(type) } else { provide([type]) }
    guard chance(97) else { return }
    constant(type, chance(50) ? 0xFFF : 0x1_0003)
    emitPlain(type == .i32 ? .i32And : .i64And)
    stack.removeLast()
  }

  // MARK: Statements

  private mutating func statement() {
    switch random.number(below: 30) {
    case 0...2: push(someType())
    case 3...7 where !locals.isEmpty: writeLocal()
    case 8...10: operate()
    case 11...14: block()
    case 15: conditionalBranch()
    case 16: conditionalBranch()
    case 17: leaveBlock()
    case 18...20: access()
    case 21: bulk()
    case 22: callSomething()
    case 23: callSomething()
    case 24 where !stack.isEmpty: dropOperand()
    case 25:
      let type = someType()
      provide([type])
      emit(.set(global(type)))
      stack.removeLast()
    case 26:
      let type = someType()
      provide([type, type, .i32])
      emit(chance(50) ? Instruction(.select) : Instruction(.selectTyped, .resultType(type)))
      stack.removeLast(2)
    default: emit(.nop)
    }
  }

  private mutating func writeLocal() {
    let local = random.number(below: locals.count)
    provide([locals[local]])
    if chance(50) {
      emit(.tee(local))
    } else {
      emit(.set(local))
      stack.removeLast()
    }
  }

  private mutating func operate() {
    let isVector = hasVectors && chance(40)
    let opcode = pick(
      isVector
        ? ReferenceInterpreter.vector : chance(40) ? ReferenceInterpreter.unary : ReferenceInterpreter.binary)
    let signature = opcode.row.signature
    guard let result = signature.result else { return }
    provide([signature.operands.0, signature.operands.1, signature.operands.2].compactMap(\.self))
    switch opcode.row.shape {
    case .lane: emit(Instruction(opcode, .lane(UInt8(random.number(below: 2)))))
    case .shuffle:
      let places = (0..<2).map { _ in random.next() & 0x1F1F_1F1F_1F1F_1F1F }
      emit(Instruction(opcode, .shuffle(V128(low: places[0], high: places[1]))))
    default: emitPlain(opcode)
    }
    stack.removeLast(signature.operandCount)
    stack.append(result)
  }

  private mutating func conditionalBranch() {
    let target = random.number(below: labels.count)
    provide(labels[target])
    if chance(20) { push(.i32) } else { provide([.i32]) }
    // What lies below the condition is what the branch takes.
    guard Array(stack.dropLast().suffix(labels[target].count)) == labels[target] else {
      emit(.drop)
      stack.removeLast()
      return
    }
    emit(.brIf(UInt32(labels.count - 1 - target)))
    stack.removeLast()
  }

  /// Ends the reachable part of a block.
  private mutating func leaveBlock() {
    let target = random.number(below: labels.count)
    let types = labels[target]
    switch random.number(below: 6) {
    case 0, 1:
      provide(types)
      emit(.br(UInt32(labels.count - 1 - target)))
    case 2:
      provide(types)
      push(.i32)
      let alike = labels.indices.filter { labels[$0] == types }
      let start = UInt32(branchTable.count)
      let count = 1 + random.number(below: 4)
      for _ in 0..<count { branchTable.append(UInt32(labels.count - 1 - pick(alike))) }
      emit(.brTable(start, UInt32(count)))
    case 3:
      provide(results)
      emit(.leave)
    case 4:
      let alike = functions(giving: results)
      guard !alike.isEmpty else { return }
      let function = pick(alike)
      provide(signature(function).parameters)
      if chance(40) {
        index(of: function)
        let type = program.type(signature(function).parameters, signature(function).results)
        emit(Instruction(.returnCallIndirect, .indirectCall(type, TableIndex(0))))
      } else {
        emit(.returnCall(function))
      }
    default: emit(.unreachable)
    }
    stack = []
  }

  private func signature(_ function: FunctionIndex) -> FunctionType { types[function.position] }

  private func functions(giving results: [ValueType]) -> [FunctionIndex] {
    types.indices.filter { types[$0].results == results }.map { FunctionIndex($0) }
  }

  /// Pushes a table index, mostly that of the function.
  private mutating func index(of function: FunctionIndex) {
    if chance(80) { constant(.i32, Int64(function.value)) } else { constant(.i32, Int64(random.number(below: 10))) }
  }

  private mutating func callSomething() {
    let function = FunctionIndex(random.number(below: types.count))
    let type = signature(function)
    provide(type.parameters)
    if chance(30) {
      index(of: function)
      emit(Instruction(.callIndirect, .indirectCall(program.type(type.parameters, type.results), TableIndex(0))))
      stack.removeLast()
    } else {
      emit(.call(function))
    }
    stack.removeLast(type.parameters.count)
    stack += type.results
  }

  private mutating func access() {
    let memory = chance(70) ? 0 : 1
    let offset = chance(90) ? UInt64(random.number(below: 9)) : pick([60_000, 65_535, 65_536, 0xFFFF_FFFF] as [UInt64])
    let names = Opcode.allCases.filter {
      $0.row.shape == .memoryAccess
        && ($0.row.signature.result ?? $0.row.signature.operands.1).map { $0 == .i32 || $0 == .i64 } == true
    }
    let opcode = pick(hasVectors && chance(50) ? ReferenceInterpreter.vectorAccesses : names)
    address(memory)
    if let value = opcode.row.signature.operands.1 { push(value) }
    if opcode.row.shape == .memoryLane {
      let access = MemoryAccess(alignment: 0, offset: offset, memory: MemoryIndex(memory))
      emit(Instruction(opcode, .memoryLane(access, lane: UInt8(random.number(below: 2)))))
    } else {
      emit(.access(opcode, offset: offset, memory: memory))
    }
    stack.removeLast(opcode.row.signature.operandCount)
    if let result = opcode.row.signature.result { stack.append(result) }
  }

  private mutating func bulk() {
    let memory = MemoryIndex(random.number(below: 2))
    let other = MemoryIndex(random.number(below: 2))
    let type = program.module.memories[memory.position].indexType
    switch random.number(below: 4) {
    case 0:
      emit(Instruction(.memorySize, .memory(memory)))
      stack.append(type)
    case 1:
      constant(type, pick([0, 1, 2, -1]))
      emit(Instruction(.memoryGrow, .memory(memory)))
    case 2:
      address(memory.position)
      push(.i32)
      constant(type, chance(90) ? pick([0, 1, 100, 5_000]) : pick([70_000, -1]))
      emit(Instruction(.memoryFill, .memory(memory)))
      stack.removeLast(3)
    default:
      let otherType = program.module.memories[other.position].indexType
      address(memory.position)
      address(other.position, pushed: true)
      // Sizes are as wide as the narrower memory's.
      constant(type == .i64 ? otherType : type, pick([0, 1, 100, 3_000]))
      emit(Instruction(.memoryCopy, .memoryCopy(destination: memory, source: other)))
      stack.removeLast(3)
    }
  }
}
