// A second interpreter that executes function bodies instruction by instruction as the specification tells it, with the
// instruction counting of the replica. Slow and obvious: `InterpreterRandomTests` compares the project's own with it.

import Execution
import Wasm

/// A value of any type: the bits of numbers are the lowest, those above them zeros.
typealias ReferenceValue = UInt128

/// Executes functions of a module of integers and vectors: no floats, references as values, or element and data segments,
/// and of the vector instructions a few of each form.
struct ReferenceInterpreter {
  /// A block that has been entered.
  private struct Label {
    let isLoop: Bool
    /// Where a branch to it goes on.
    let target: Int
    let height: Int
    /// Values that a branch takes along.
    let arity: Int
  }

  private struct Frame {
    let function: Int
    var position = 0
    let height: Int
    var locals: [ReferenceValue]
    var labels: [Label] = []
  }

  /// What is known about a body before it runs.
  private struct Outline {
    /// Ends of blocks, and the `else` of an `if`, by the position where the block begins.
    var ends: [Int: Int] = [:]
    var elses: [Int: Int] = [:]
    /// Charges by the position before which they happen.
    var charges: [Int: (cost: Int64, isChecked: Bool)] = [:]
  }

  private let module: Module
  private let spaces: IndexSpaces
  private var outlines: [Outline] = []
  private var frames: [Frame] = []
  private var stack: [ReferenceValue] = []
  var counter: Int64 = 0
  var memories: [[UInt8]]
  var globals: [ReferenceValue]
  /// Functions by table position; nil for null.
  private let table: [FunctionIndex?]
  /// Serves imports: takes the arguments, gives the results.
  private let host: (Int, [ReferenceValue], inout Int64) throws(Trap) -> [ReferenceValue]

  init(
    _ module: Module, globals: [ReferenceValue], table: [FunctionIndex?],
    host: @escaping (Int, [ReferenceValue], inout Int64) throws(Trap) -> [ReferenceValue]
  ) {
    self.module = module
    self.globals = globals
    self.table = table
    self.host = host
    spaces = IndexSpaces(module)
    memories = module.memories.map { Array(repeating: 0, count: Int($0.limits.minimum) * 65_536) }
    outlines = module.functions.map(outline)
  }

  private func outline(_ function: Function) -> Outline {
    var outline = Outline()
    var open: [Int] = []
    var start = 0
    var cost: Int64 = 1
    var isChecked = true
    for (position, instruction) in function.body.instructions.enumerated() {
      cost += Int64(instruction.opcode.cost(is64BitHeap: spaces.memories.first?.is64Bit ?? false))
      switch instruction.opcode {
      case .block, .loop, .if: open.append(position)
      case .else: outline.elses[open.last ?? 0] = position
      case .end: if let block = open.popLast() { outline.ends[block] = position }
      default: break
      }
      switch instruction.opcode {
      case .loop, .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable, .returnCall, .returnCallIndirect:
        outline.charges[start] = (cost, isChecked)
        start = position + 1
        cost = 0
        isChecked = instruction.opcode == .loop
      default: break
      }
    }
    return outline
  }

  // MARK: Running

  /// Calls a function; state changed before a trap stays changed.
  mutating func call(_ function: FunctionIndex, _ arguments: [ReferenceValue]) throws(Trap) -> [ReferenceValue] {
    frames = []
    stack = arguments
    try enter(function)
    while !frames.isEmpty { try step() }
    return stack
  }

  private func type(of function: FunctionIndex) -> FunctionType {
    module.types[spaces.functions[function.position].position]
  }

  private mutating func enter(_ function: FunctionIndex) throws(Trap) {
    let type = type(of: function)
    let arguments = pop(type.parameters.count)
    guard function.position >= spaces.importedFunctions else {
      stack += try host(function.position, arguments, &counter)
      return
    }
    let position = function.position - spaces.importedFunctions
    let body = module.functions[position].body
    let locals = arguments + Array(repeating: 0, count: body.locals.reduce(0) { $0 + Int($1.count) })
    frames.append(Frame(function: position, height: stack.count, locals: locals))
  }

  /// Leaves the running function with the values on top of the stack.
  private mutating func leave() {
    guard let frame = frames.popLast() else { return }
    let results = pop(module.types[module.functions[frame.function].type.position].results.count)
    stack.removeLast(stack.count - frame.height)
    stack += results
  }

  private mutating func pop(_ count: Int) -> [ReferenceValue] {
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popValue() -> ReferenceValue { stack.removeLast() }

  /// A number.
  private mutating func pop() -> UInt64 { UInt64(truncatingIfNeeded: stack.removeLast()) }

  private mutating func push(_ number: UInt64) { stack.append(ReferenceValue(number)) }

  private mutating func branch(_ depth: UInt32) {
    let current = frames.count - 1
    guard Int(depth) < frames[current].labels.count else { return leave() }
    frames[current].labels.removeLast(Int(depth))
    guard let label = frames[current].labels.last else { return }
    let values = pop(label.arity)
    stack.removeLast(stack.count - label.height)
    stack += values
    frames[current].position = label.target
    if !label.isLoop { frames[current].labels.removeLast() }
  }

  private func blockType(_ type: BlockType) -> FunctionType {
    switch type {
    case .empty: FunctionType()
    case .value(let value): FunctionType([], [value])
    case .type(let index): module.types[index.position]
    }
  }

  private mutating func open(_ type: BlockType, at position: Int, isLoop: Bool) {
    let type = blockType(type)
    let end = outlines[frames[frames.count - 1].function].ends[position] ?? 0
    frames[frames.count - 1].labels.append(
      Label(
        isLoop: isLoop, target: (isLoop ? position : end) + 1, height: stack.count - type.parameters.count,
        arity: isLoop ? type.parameters.count : type.results.count))
  }

  private mutating func step() throws(Trap) {
    let current = frames.count - 1
    let outline = outlines[frames[current].function]
    let body = module.functions[frames[current].function].body
    let position = frames[current].position
    let instruction = body.instructions[position]
    switch instruction.opcode {
    case .memoryFill, .memoryCopy:
      // The size, as a number without sign; the counter never goes up.
      let rest = counter &- Int64(truncatingIfNeeded: stack[stack.count - 1])
      counter = rest > counter ? .min : rest
      if counter < 0 { throw .outOfInstructions }
    default: break
    }
    if let charge = outline.charges[position] {
      counter -= charge.cost
      if charge.isChecked && counter < 0 { throw .outOfInstructions }
    }
    frames[current].position += 1
    switch (instruction.opcode, instruction.immediate) {
    case (.unreachable, _): throw .unreachable
    case (.nop, _): break
    case (.block, .block(let type)): open(type, at: position, isLoop: false)
    case (.loop, .block(let type)): open(type, at: position, isLoop: true)
    case (.if, .block(let type)):
      let isTrue = UInt32(truncatingIfNeeded: pop()) != 0
      open(type, at: position, isLoop: false)
      if !isTrue {
        if let other = outline.elses[position] {
          frames[current].position = other + 1
        } else {
          frames[current].position = (outline.ends[position] ?? 0) + 1
          frames[current].labels.removeLast()
        }
      }
    case (.else, _):
      // The end of the first arm.
      if let label = frames[current].labels.popLast() { frames[current].position = label.target }
    case (.end, _): if frames[current].labels.popLast() == nil { leave() }
    case (.br, .label(let depth)): branch(depth)
    case (.brIf, .label(let depth)): if UInt32(truncatingIfNeeded: pop()) != 0 { branch(depth) }
    case (.brTable, .labels(let range)):
      let index = Int(UInt32(truncatingIfNeeded: pop()))
      branch(body.labels[Int(range.start) + min(index, Int(range.count) - 1)])
    case (.return, _): leave()
    case (.call, .function(let function)): try enter(function)
    case (.callIndirect, .indirectCall(let type, _)): try enter(try callee(type))
    case (.returnCall, .function(let function)): try enterInstead(function)
    case (.returnCallIndirect, .indirectCall(let type, _)): try enterInstead(try callee(type))
    default: try stepPlain(instruction)
    }
  }

  private mutating func callee(_ type: TypeIndex) throws(Trap) -> FunctionIndex {
    let index = pop()
    guard index < UInt64(table.count) else { throw .tableOutOfBounds }
    guard let function = table[Int(index)] else { throw .uninitializedElement }
    guard self.type(of: function) == module.types[type.position] else { throw .indirectCallTypeMismatch }
    return function
  }

  private mutating func enterInstead(_ function: FunctionIndex) throws(Trap) {
    let arguments = pop(type(of: function).parameters.count)
    guard let frame = frames.popLast() else { return }
    stack.removeLast(stack.count - frame.height)
    stack += arguments
    try enter(function)
  }

  // MARK: Instructions without control

  private mutating func stepPlain(_ instruction: Instruction) throws(Trap) {
    let current = frames.count - 1
    switch (instruction.opcode, instruction.immediate) {
    case (_, .i32(let value)): push(UInt64(UInt32(bitPattern: value)))
    case (_, .i64(let value)): push(UInt64(bitPattern: value))
    case (_, .v128(let vector)): stack.append(Self.value(vector))
    case (.localGet, .local(let local)): stack.append(frames[current].locals[local.position])
    case (.localSet, .local(let local)): frames[current].locals[local.position] = popValue()
    case (.localTee, .local(let local)): frames[current].locals[local.position] = stack[stack.count - 1]
    case (.globalGet, .global(let global)): stack.append(globals[global.position])
    case (.globalSet, .global(let global)): globals[global.position] = popValue()
    case (.drop, _): _ = popValue()
    case (.select, _), (.selectTyped, _):
      let values = pop(3)
      stack.append(UInt32(truncatingIfNeeded: values[2]) != 0 ? values[0] : values[1])
    case (.memorySize, .memory(let memory)): push(UInt64(memories[memory.position].count / 65_536))
    case (.memoryGrow, .memory(let memory)):
      let type = module.memories[memory.position]
      let old = UInt64(memories[memory.position].count / 65_536)
      let delta = pop()
      if delta <= (type.limits.maximum ?? 65_536) - old {
        memories[memory.position] += Array(repeating: 0, count: Int(delta) * 65_536)
        push(old)
      } else {
        push(type.is64Bit ? .max : 0xFFFF_FFFF)
      }
    case (.memoryFill, .memory(let memory)):
      let (count, value, address) = (pop(), UInt8(truncatingIfNeeded: pop()), pop())
      let range = try range(memory, address, 0, count)
      memories[memory.position].replaceSubrange(range, with: repeatElement(value, count: range.count))
    case (.memoryCopy, .memoryCopy(let destination, let source)):
      let (count, from, to) = (pop(), pop(), pop())
      let sourceRange = try range(source, from, 0, count)
      let range = try range(destination, to, 0, count)
      let bytes = Array(memories[source.position][sourceRange])
      memories[destination.position].replaceSubrange(range, with: bytes)
    case (let opcode, .memoryAccess(let access)): try stepAccess(opcode, access)
    case (let opcode, .memoryLane(let access, let lane)): try stepAccess(opcode, access, lane: lane)
    case (let opcode, let immediate) where opcode.rawValue >> 8 == 0xFD: stepVector(opcode, immediate)
    default:
      if instruction.opcode.row.signature.operandCount == 1 {
        push(unary(instruction.opcode, pop()))
      } else {
        let (right, left) = (pop(), pop())
        push(try binary(instruction.opcode, left, right))
      }
    }
  }

  private func range(
    _ memory: MemoryIndex, _ address: UInt64, _ offset: UInt64, _ count: UInt64
  ) throws(Trap) -> Range<Int> {
    let size = UInt64(memories[memory.position].count)
    guard address <= size, offset <= size - address, count <= size - address - offset else { throw .memoryOutOfBounds }
    return Int(address + offset)..<Int(address + offset + count)
  }

  /// A load or store of any width; with a lane, of that part of a vector.
  private mutating func stepAccess(_ opcode: Opcode, _ access: MemoryAccess, lane: UInt8? = nil) throws(Trap) {
    let name = "\(opcode.row.text)"
    let digits = name.drop { $0 != "." }.filter(\.isNumber)
    let bits = Int(digits) ?? (name.hasPrefix("v128") ? 128 : name.hasPrefix("i32") ? 32 : 64)
    let shift = Int(lane ?? 0) * bits
    if name.contains("store") {
      let value = popValue() >> shift
      let range = try range(access.memory, pop(), access.offset, UInt64(bits / 8))
      for (number, position) in range.enumerated() {
        memories[access.memory.position][position] = UInt8(truncatingIfNeeded: value >> (8 * number))
      }
    } else {
      let old = lane == nil ? nil : popValue()
      let range = try range(access.memory, pop(), access.offset, UInt64(bits / 8))
      var value: ReferenceValue = 0
      for byte in memories[access.memory.position][range].reversed() { value = value << 8 | ReferenceValue(byte) }
      if name.hasSuffix("_s") {
        let unused = 128 - bits
        value = ReferenceValue(bitPattern: Int128(bitPattern: value << unused) >> unused)
        value &= name.hasPrefix("i32") ? 0xFFFF_FFFF : ReferenceValue(UInt64.max)
      }
      if name.hasSuffix("splat") { value = Self.repeated(value, bits: bits) }
      if let old { value = old & ~(Self.ones(bits) << shift) | value << shift }
      stack.append(value)
    }
  }

  // MARK: Vectors

  private static func value(_ vector: V128) -> ReferenceValue {
    ReferenceValue(vector.high) << 64 | ReferenceValue(vector.low)
  }

  private static func ones(_ bits: Int) -> ReferenceValue { .max >> (128 - bits) }

  private static func repeated(_ lane: ReferenceValue, bits: Int) -> ReferenceValue {
    stride(from: 0, to: 128, by: bits).reduce(0) { $0 | lane << $1 }
  }

  /// The vector instructions that a random program may use, accesses apart.
  static let vector: [Opcode] = [
    .i64x2Add, .v128Xor, .v128Not, .v128Bitselect, .v128AnyTrue, .i8x16Splat, .i64x2Splat, .i64x2ExtractLane,
    .i64x2ReplaceLane, .i32x4Shl, .i8x16Shuffle,
  ]
  static let vectorAccesses: [Opcode] = [
    .v128Load, .v128Load32Splat, .v128Load64Zero, .v128Load16Lane, .v128Load64Lane, .v128Store, .v128Store8Lane,
    .v128Store32Lane,
  ]

  private mutating func stepVector(_ opcode: Opcode, _ immediate: Immediate) {
    func lanes(_ bits: Int, _ value: ReferenceValue) -> [ReferenceValue] {
      stride(from: 0, to: 128, by: bits).map { value >> $0 & Self.ones(bits) }
    }
    func vector(_ lanes: [ReferenceValue]) -> ReferenceValue {
      lanes.reversed().reduce(0) { $0 << (128 / lanes.count) | $1 }
    }
    switch (opcode, immediate) {
    case (.i64x2Add, _):
      let (right, left) = (popValue(), popValue())
      stack.append(vector(zip(lanes(64, left), lanes(64, right)).map { ($0 + $1) & Self.ones(64) }))
    case (.v128Xor, _): stack.append(popValue() ^ popValue())
    case (.v128Not, _): stack.append(~popValue())
    case (.v128Bitselect, _):
      let values = pop(3)
      stack.append(values[0] & values[2] | values[1] & ~values[2])
    case (.v128AnyTrue, _): push(popValue() == 0 ? 0 : 1)
    case (.i8x16Splat, _): stack.append(Self.repeated(popValue() & 0xFF, bits: 8))
    case (.i64x2Splat, _): stack.append(Self.repeated(popValue(), bits: 64))
    case (.i64x2ExtractLane, .lane(let lane)): stack.append(lanes(64, popValue())[Int(lane)])
    case (.i64x2ReplaceLane, .lane(let lane)):
      let number = popValue()
      var new = lanes(64, popValue())
      new[Int(lane)] = number
      stack.append(vector(new))
    case (.i32x4Shl, _):
      let count = pop() % 32
      stack.append(vector(lanes(32, popValue()).map { $0 << count & Self.ones(32) }))
    case (.i8x16Shuffle, .shuffle(let places)):
      let right = lanes(8, popValue())
      let bytes = lanes(8, popValue()) + right
      stack.append(vector((0..<16).map { bytes[Int(places.byte($0))] }))
    default: break
    }
  }

  // MARK: Arithmetic

  private func unary(_ opcode: Opcode, _ value: UInt64) -> UInt64 {
    let low = UInt32(truncatingIfNeeded: value)
    switch opcode {
    case .i32Eqz, .i64Eqz, .refIsNull: return value == 0 ? 1 : 0
    case .i32Clz: return UInt64(low.leadingZeroBitCount)
    case .i32Ctz: return UInt64(low.trailingZeroBitCount)
    case .i32Popcnt: return UInt64(low.nonzeroBitCount)
    case .i64Clz: return UInt64(value.leadingZeroBitCount)
    case .i64Ctz: return UInt64(value.trailingZeroBitCount)
    case .i64Popcnt: return UInt64(value.nonzeroBitCount)
    case .i32WrapI64: return UInt64(low)
    case .i64ExtendI32S, .i64Extend32S: return UInt64(bitPattern: Int64(Int32(bitPattern: low)))
    case .i32Extend8S: return UInt64(UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: value))))
    case .i32Extend16S: return UInt64(UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: value))))
    case .i64Extend8S: return UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: value)))
    case .i64Extend16S: return UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: value)))
    default: return value
    }
  }

  private static let comparisons32: [Opcode] = [
    .i32Eq, .i32Ne, .i32LtS, .i32LtU, .i32GtS, .i32GtU, .i32LeS, .i32LeU, .i32GeS, .i32GeU,
  ]
  private static let comparisons64: [Opcode] = [
    .i64Eq, .i64Ne, .i64LtS, .i64LtU, .i64GtS, .i64GtU, .i64LeS, .i64LeU, .i64GeS, .i64GeU,
  ]
  private static let operations32: [Opcode] = [
    .i32Add, .i32Sub, .i32Mul, .i32DivS, .i32DivU, .i32RemS, .i32RemU, .i32And, .i32Or, .i32Xor, .i32Shl, .i32ShrS,
    .i32ShrU, .i32Rotl, .i32Rotr,
  ]
  private static let operations64: [Opcode] = [
    .i64Add, .i64Sub, .i64Mul, .i64DivS, .i64DivU, .i64RemS, .i64RemU, .i64And, .i64Or, .i64Xor, .i64Shl, .i64ShrS,
    .i64ShrU, .i64Rotl, .i64Rotr,
  ]

  /// Operations with two operands of one type, which a random program may use.
  static let binary = comparisons32 + comparisons64 + operations32 + operations64
  static let unary: [Opcode] = [
    .i32Eqz, .i64Eqz, .i32Clz, .i32Ctz, .i32Popcnt, .i64Clz, .i64Ctz, .i64Popcnt, .i32WrapI64, .i64ExtendI32S,
    .i64ExtendI32U, .i32Extend8S, .i32Extend16S, .i64Extend8S, .i64Extend16S, .i64Extend32S,
  ]

  private func binary(_ opcode: Opcode, _ left: UInt64, _ right: UInt64) throws(Trap) -> UInt64 {
    let (narrowLeft, narrowRight) = (UInt32(truncatingIfNeeded: left), UInt32(truncatingIfNeeded: right))
    if let number = Self.comparisons32.firstIndex(of: opcode) {
      let (signedLeft, signedRight) = (Int32(bitPattern: narrowLeft), Int32(bitPattern: narrowRight))
      return compare(number, signedLeft, signedRight, narrowLeft, narrowRight) ? 1 : 0
    }
    if let number = Self.comparisons64.firstIndex(of: opcode) {
      return compare(number, Int64(bitPattern: left), Int64(bitPattern: right), left, right) ? 1 : 0
    }
    if let number = Self.operations32.firstIndex(of: opcode) {
      return UInt64(try compute(number, narrowLeft, narrowRight, Int32.self))
    }
    return try compute(Self.operations64.firstIndex(of: opcode) ?? 0, left, right, Int64.self)
  }

  private func compare<Signed: Comparable, Unsigned: Comparable>(
    _ number: Int, _ left: Signed, _ right: Signed, _ unsignedLeft: Unsigned, _ unsignedRight: Unsigned
  ) -> Bool {
    switch number {
    case 0: left == right
    case 1: left != right
    case 2: left < right
    case 3: unsignedLeft < unsignedRight
    case 4: left > right
    case 5: unsignedLeft > unsignedRight
    case 6: left <= right
    case 7: unsignedLeft <= unsignedRight
    case 8: left >= right
    default: unsignedLeft >= unsignedRight
    }
  }

  private func compute<Unsigned: FixedWidthInteger & UnsignedInteger, Signed: FixedWidthInteger & SignedInteger>(
    _ number: Int, _ left: Unsigned, _ right: Unsigned, _: Signed.Type
  ) throws(Trap) -> Unsigned {
    let (signedLeft, signedRight) = (Signed(truncatingIfNeeded: left), Signed(truncatingIfNeeded: right))
    let width = Unsigned(Unsigned.bitWidth)
    let count = right % width
    if (3...6).contains(number) && right == 0 { throw .integerDivisionByZero }
    switch number {
    case 0: return left &+ right
    case 1: return left &- right
    case 2: return left &* right
    case 3:
      let (quotient, overflow) = signedLeft.dividedReportingOverflow(by: signedRight)
      if overflow { throw .integerOverflow }
      return Unsigned(truncatingIfNeeded: quotient)
    case 4: return left / right
    case 5: return signedRight == -1 ? 0 : Unsigned(truncatingIfNeeded: signedLeft % signedRight)
    case 6: return left % right
    case 7: return left & right
    case 8: return left | right
    case 9: return left ^ right
    case 10: return left << count
    case 11: return Unsigned(truncatingIfNeeded: signedLeft >> Signed(truncatingIfNeeded: count))
    case 12: return left >> count
    case 13: return left << count | left >> (width - count)
    default: return left >> count | left << (width - count)
    }
  }
}
