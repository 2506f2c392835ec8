// The validation algorithm for code: a stack of operand types and a stack of control frames.
// Plain instructions by their table row here; the others in `FunctionValidator+Special`.

/// An open block.
struct ControlFrame {
  enum Kind: UInt8 {
    case function, block, loop, conditional, alternative
  }

  var kind: Kind
  /// Whether the rest of the block cannot be reached; kept here while an inner block is open.
  var isUnreachable = false
  /// Operands below this height belong to outer blocks.
  var height: Int
  var parameters: TypeRun
  var results: TypeRun

  /// What a branch to this block takes.
  var label: TypeRun { kind == .loop ? parameters : results }
}

/// Validates function bodies, one after the other, with the same stacks.
struct FunctionValidator: ~Copyable {
  /// More operands than any engine could hold; calls with many results could pile up any number of them.
  private static let operandLimit = 1 << 24

  let context: ValidationContext
  private(set) var operands = ScratchBuffer<TypeCode>(capacity: 256)
  private(set) var frames = ScratchBuffer<ControlFrame>(capacity: 64)
  var locals = ScratchBuffer<TypeCode>(capacity: 256)
  /// Height and reachability of the innermost frame.
  private var height = 0
  private var isUnreachable = false
  /// Results of the function being validated.
  var results = TypeRun.empty
  private let effects = stackEffects

  init(_ context: consuming ValidationContext) { self.context = context }

  mutating func validateAll(_ module: Module) throws(WasmError) {
    let imported = context.functions.count - module.functions.count
    for position in module.functions.indices {
      try validate(module.functions[position], FunctionIndex(imported + position))
    }
  }

  private mutating func validate(_ function: Function, _ index: FunctionIndex) throws(WasmError) {
    let type: FlatFunctionType
    do throws(WasmError) {
      type = try context.type(function.type)
      try declareLocals(type.parameters, function.body.locals)
    } catch {
      throw error.at(.function(index))
    }
    operands.count = 0
    frames.count = 0
    results = type.results
    enter(.function, TypeRun.empty, type.results)
    let labels = function.body.labels
    try function.body.instructions.withUnsafeBufferPointer { instructions throws(WasmError) in
      var number = 0
      do throws(WasmError) {
        while number < instructions.count {
          try step(instructions[number], isLast: number == instructions.count - 1, labels)
          number &+= 1
        }
        guard frames.count == 0 else { throw WasmError(.malformed, "END opcode expected") }
      } catch {
        throw error.at(.instruction(index, number: number))
      }
    }
  }

  private mutating func declareLocals(_ parameters: TypeRun, _ groups: [LocalGroup]) throws(WasmError) {
    locals.count = 0
    locals.append(from: context.codes.base + Int(parameters.start), count: Int(parameters.count))
    var total: UInt64 = 0
    for group in groups {
      total &+= UInt64(group.count)
      guard total <= ModuleDecoder.Limit.locals else { throw .invalid("too many locals") }
      let count = Int(group.count)
      locals.reserve(count)
      (locals.base + locals.count).initialize(repeating: group.type.code, count: count)
      locals.count += count
    }
  }

  // MARK: Instructions

  @inline(__always)
  private mutating func step(
    _ instruction: Instruction, isLast: Bool, _ labels: [UInt32]
  ) throws(WasmError) {
    let effect = effects[instruction.opcode.ordinal]
    guard instruction.immediate.shape == effect.shape else { throw misfit(instruction) }
    switch effect.rule {
    case .plain: try apply(effect, effect.operand0)
    case .lane:
      try checkLane(instruction.immediate, effect.bound)
      try apply(effect, effect.operand0)
    case .memory: try apply(effect, try addressType(instruction.immediate, effect.bound))
    case .special: try special(instruction, isLast: isLast, labels)
    }
  }

  /// Pops and pushes what the row says; `first` stands in for its first operand.
  @inline(__always)
  private mutating func apply(_ effect: StackEffect, _ first: TypeCode) throws(WasmError) {
    switch effect.operandCount {
    case 0: break
    case 1: try pop(first)
    case 2:
      try pop(effect.operand1)
      try pop(first)
    default:
      try pop(effect.operand2)
      try pop(effect.operand1)
      try pop(first)
    }
    if effect.result != 0 { push(effect.result) }
  }

  private func checkLane(_ immediate: Immediate, _ bound: UInt8) throws(WasmError) {
    switch immediate {
    case .lane(let lane): guard lane < bound else { throw .invalid("invalid lane index \(lane)") }
    case .shuffle(let lanes):
      for position in 0..<16 where lanes.byte(position) >= bound {
        throw .invalid("invalid lane index \(lanes.byte(position))")
      }
    default: break
    }
  }

  /// Checks a memory access and returns the type of its address.
  @inline(__always)
  private func addressType(_ immediate: Immediate, _ naturalAlignment: UInt8) throws(WasmError) -> TypeCode {
    switch immediate {
    case .memoryAccess(let access): return try addressType(access, naturalAlignment)
    case .memoryLane(let access, let lane):
      let type = try addressType(access, naturalAlignment)
      guard lane < 16 >> naturalAlignment else { throw .invalid("invalid lane index \(lane)") }
      return type
    default: return ValueType.i32.code
    }
  }

  @inline(__always)
  private func addressType(_ access: MemoryAccess, _ naturalAlignment: UInt8) throws(WasmError) -> TypeCode {
    let type = try context.memory(access.memory)
    guard access.alignment <= naturalAlignment else {
      throw .invalid("alignment must not be larger than natural")
    }
    if type == ValueType.i32.code, access.offset > 0xFFFF_FFFF { throw .invalid("offset out of range") }
    return type
  }

  @inline(never)
  private func misfit(_ instruction: Instruction) -> WasmError {
    WasmError(.malformed, "immediate does not belong to \(instruction.opcode.row.text)")
  }

  // MARK: Operands

  @inline(__always)
  mutating func push(_ type: TypeCode) { operands.append(type) }

  mutating func push(_ run: TypeRun) throws(WasmError) {
    guard operands.count < Self.operandLimit else { throw .invalid("too many operands") }
    operands.append(from: context.codes.base + Int(run.start), count: Int(run.count))
  }

  @inline(__always)
  mutating func pop(_ expected: TypeCode) throws(WasmError) {
    if operands.count > height {
      operands.count &-= 1
      let found = operands[operands.count]
      if found != expected && found != 0 { throw mismatch(expected, found) }
    } else if !isUnreachable {
      throw underflow(expected)
    }
  }

  /// Pops a value of any type; 0 if nothing is known about it.
  @inline(__always)
  mutating func popAny() throws(WasmError) -> TypeCode {
    if operands.count > height {
      operands.count &-= 1
      return operands[operands.count]
    }
    if !isUnreachable { throw underflow(0) }
    return 0
  }

  @inline(__always)
  mutating func pop(_ run: TypeRun) throws(WasmError) {
    var position = Int(run.start) &+ Int(run.count)
    while position > Int(run.start) {
      position &-= 1
      try pop(context.codes[position])
    }
  }

  /// Checks that the topmost operands are `run`, and leaves them.
  func requireTop(_ run: TypeRun) throws(WasmError) {
    var place = operands.count
    var position = Int(run.start) + Int(run.count)
    while position > Int(run.start) {
      position -= 1
      place -= 1
      if place < height {
        if isUnreachable { return }
        throw underflow(context.codes[position])
      }
      let found = operands[place]
      let expected = context.codes[position]
      if found != expected && found != 0 { throw mismatch(expected, found) }
    }
  }

  @inline(never)
  func mismatch(_ expected: TypeCode, _ found: TypeCode) -> WasmError {
    .invalid("type mismatch: expected \(typeName(expected)), found \(typeName(found))")
  }

  @inline(never)
  private func underflow(_ expected: TypeCode) -> WasmError {
    .invalid("type mismatch: expected \(expected == 0 ? "a value" : typeName(expected)) but nothing on stack")
  }

  // MARK: Frames

  /// Opens a block whose parameters were popped, without pushing them again.
  mutating func enter(_ kind: ControlFrame.Kind, _ parameters: TypeRun, _ results: TypeRun) {
    if frames.count > 0 { frames[frames.count - 1].isUnreachable = isUnreachable }
    frames.append(
      ControlFrame(kind: kind, height: operands.count, parameters: parameters, results: results))
    height = operands.count
    isUnreachable = false
  }

  /// Closes the innermost block, whose results must be all that it leaves.
  mutating func leave() throws(WasmError) -> ControlFrame {
    guard frames.count > 0 else { throw WasmError(.malformed, "unexpected end of block") }
    let frame = frames[frames.count - 1]
    try pop(frame.results)
    guard operands.count == height else {
      throw .invalid("type mismatch: values remaining on stack at end of block")
    }
    frames.count -= 1
    if frames.count > 0 {
      let outer = frames[frames.count - 1]
      height = outer.height
      isUnreachable = outer.isUnreachable
    }
    return frame
  }

  /// Drops the operands of the innermost block, whose rest cannot be reached.
  mutating func abandon() {
    operands.count = height
    isUnreachable = true
  }

  func label(_ depth: UInt32) throws(WasmError) -> TypeRun {
    guard Int(depth) < frames.count else { throw .invalid("unknown label \(depth)") }
    return frames[frames.count - 1 - Int(depth)].label
  }
}
