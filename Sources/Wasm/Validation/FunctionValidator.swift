// The validation algorithm for code, on the bytes of function bodies: a stack of operand types, a stack of open blocks.
// Here bodies, locals and frames; the loop is in `FunctionValidator+Code`, hand-written rules in `…+Special`.

/// An open block, in eight bytes: code can open one with every two bytes.
struct ControlFrame {
  enum Kind: UInt8 {
    case function, block, loop, conditional, alternative
  }

  /// Operands below this height belong to outer blocks.
  let height: UInt32
  /// From the lowest bit: kind (3), whether the rest of the block cannot be reached (1), position of its type.
  private var word: UInt32

  init(_ kind: Kind, type: Int, height: Int) {
    self.height = UInt32(truncatingIfNeeded: height)
    word = UInt32(truncatingIfNeeded: type) << 4 | UInt32(kind.rawValue)
  }

  @inline(__always) var kind: Kind { unsafeBitCast(UInt8(truncatingIfNeeded: word & 7), to: Kind.self) }
  /// Position in `ValidationContext.types`.
  @inline(__always) var type: Int { Int(word >> 4) }
  /// Kept here while an inner block is open.
  @inline(__always) var isUnreachable: Bool {
    get { word & 8 != 0 }
    set { word = newValue ? word | 8 : word & ~8 }
  }
}

/// Validates function bodies, one after the other, with the same stacks.
struct FunctionValidator: ~Copyable {
  /// More operands than any engine could hold; calls with many results could pile up any number of them.
  static let operandLimit = 1 << 24
  /// Locals that are looked up in one step; those behind them by their group.
  private static let nearLocals = 4_096
  /// Bytes below the first operand.
  private static let padding = 4

  let context: ValidationContext
  /// Storage of `stack`.
  private var operands = ScratchBuffer<TypeCode>(capacity: 256)
  private(set) var frames = ScratchBuffer<ControlFrame>(capacity: 64)
  /// Types of parameters and locals, as far as they are near.
  private(set) var locals = ScratchBuffer<TypeCode>(capacity: 256)
  /// Groups of the locals: the number of the local behind each, and its type.
  private var localGroups = ScratchBuffer<(end: UInt32, type: TypeCode)>(capacity: 16)
  /// Bytes of bodies that exist as values only.
  private var encoding = ByteSink(capacity: 256)

  // The body being validated.

  /// Behind what has been read of the instruction being validated.
  var cursor = ByteCursor(UnsafeBufferPointer(start: nil, count: 0))
  var stack: OperandStack
  /// Type of the function in `ValidationContext.types`.
  private(set) var type = 0
  /// Offset of the instruction being validated.
  var instructionStart = 0

  init(_ context: consuming ValidationContext) {
    self.context = context
    for _ in 0..<Self.padding { operands.append(0) }
    stack = OperandStack(empty: operands.base + Self.padding)
  }

  mutating func validateAll(_ module: Module) throws(WasmError) {
    let imported = context.functions.count - module.functions.count
    for position in module.functions.indices {
      try validate(module.functions[position], FunctionIndex(imported + position))
    }
  }

  private mutating func validate(_ function: Function, _ index: FunctionIndex) throws(WasmError) {
    switch function.body.form {
    case .encoded(let section, let number):
      try section.withBody(Int(number)) { cursor throws(WasmError) in
        try validate(cursor, function.type, index, hasOffsets: true)
      }
    case .values(let values):
      try encode(values, index)
      // The sink is taken out while it is read.
      let bytes = encoding.array()
      try bytes.withUnsafeBufferPointer { buffer throws(WasmError) in
        try validate(ByteCursor(buffer), function.type, index, hasOffsets: false)
      }
    }
  }

  /// Validates the body under `cursor`.
  /// - Parameter hasOffsets: whether its offsets are those of the module's binary.
  private mutating func validate(
    _ body: ByteCursor, _ type: TypeIndex, _ index: FunctionIndex, hasOffsets: Bool
  ) throws(WasmError) {
    cursor = body
    do throws(WasmError) {
      self.type = try context.typePosition(type)
      try declareLocals()
    } catch {
      throw error.at(.function(index))
    }
    let start = cursor.position
    frames.count = 0
    reserveOperands(0, height: 0)
    enter(.function, self.type)
    do throws(WasmError) {
      try validateCode()
      guard cursor.isAtEnd else {
        instructionStart = cursor.position
        throw WasmError(.malformed, "instructions after the end of the function")
      }
    } catch {
      var error = error.at(.instruction(index, number: numberOfInstructions(body, start)))
      if hasOffsets, error.offset == nil { error.offset = instructionStart }
      throw error
    }
  }

  /// How many instructions stand before the one being validated; counted only where an error needs it.
  private func numberOfInstructions(_ body: ByteCursor, _ start: Int) -> Int {
    var decoder = InstructionDecoder()
    decoder.hasDataCount = true
    var cursor = body
    cursor.position = start
    var number = 0
    while cursor.position < instructionStart {
      do throws(WasmError) { try decoder.skip(1, &cursor) } catch { break }
      number += 1
    }
    return number
  }

  /// Encodes a body that exists as values; what the binary format cannot express is refused.
  private mutating func encode(_ body: BodyValues, _ index: FunctionIndex) throws(WasmError) {
    encoding.truncate(to: 0)
    encoding.locals(body.locals)
    for (number, instruction) in body.instructions.enumerated() {
      var reason: String?
      if instruction.immediate.shape != instruction.opcode.row.shape {
        reason = "immediate does not belong to \(instruction.opcode.row.text)"
      } else if case .labels(let range) = instruction.immediate,
        range.count == 0 || range.indices.upperBound > body.labels.count
      {
        reason = "branch targets out of range"
      }
      if let reason { throw WasmError(.malformed, reason, location: .instruction(index, number: number)) }
    }
    encoding.instructions(body.instructions, labels: body.labels)
  }

  // MARK: Locals

  private mutating func declareLocals() throws(WasmError) {
    let parameters = context.types[type].parameters
    locals.count = 0
    localGroups.count = 0
    locals.append(from: context.codes.base + Int(parameters.start), count: Int(parameters.count))
    var total = UInt64(parameters.count)
    let limit = total &+ ModuleDecoder.Limit.locals
    for _ in 0..<(try cursor.count(minimumSize: 2)) {
      let size = UInt64(try cursor.u32())
      let type = try cursor.valueType().code
      total &+= size
      guard total <= limit else { throw .invalid("too many locals") }
      localGroups.append((UInt32(truncatingIfNeeded: total), type))
      let near = min(Int(size), max(Self.nearLocals &- locals.count, 0))
      locals.reserve(near)
      (locals.base + locals.count).initialize(repeating: type, count: near)
      locals.count &+= near
    }
  }

  /// The type of a local that is not near.
  @inline(never)
  func farLocal(_ index: UInt32) throws(WasmError) -> TypeCode {
    var low = 0
    var high = localGroups.count
    while low < high {
      let middle = (low + high) / 2
      if localGroups[middle].end <= index { low = middle + 1 } else { high = middle }
    }
    guard low < localGroups.count, Int(index) >= locals.count else { throw .invalid("unknown local \(index)") }
    return localGroups[low].type
  }

  // MARK: Operands

  /// Makes room for `additional` operands above the stack's `height`, and one for each byte of code that is left: no
  /// instruction but calls and blocks, which come here, pushes more than that.
  private mutating func reserveOperands(_ additional: Int, height: Int) {
    let floor = stack.floor - operands.base
    operands.count = Self.padding + height
    operands.reserve(additional + cursor.remaining + 1)
    stack.top = operands.base + Self.padding + height
    stack.floor = operands.base + floor
  }

  /// Number of operands of all blocks.
  var height: Int { stack.top - operands.base - Self.padding }

  @inline(__always)
  mutating func push(_ run: TypeRun) throws(WasmError) {
    switch run.count {
    case 0: break
    case 1: stack.push(context.codes[Int(run.start)])
    default: try pushMany(run)
    }
  }

  @inline(never)
  private mutating func pushMany(_ run: TypeRun) throws(WasmError) {
    let height = height
    guard height < Self.operandLimit else { throw .invalid("too many operands") }
    reserveOperands(Int(run.count), height: height)
    stack.top.initialize(from: context.codes.base + Int(run.start), count: Int(run.count))
    stack.top += Int(run.count)
  }

  @inline(__always)
  mutating func pop(_ run: TypeRun) throws(WasmError) {
    var position = Int(run.start) &+ Int(run.count)
    while position > Int(run.start) {
      position &-= 1
      try stack.pop(context.codes[position])
    }
  }

  /// Checks that the topmost operands are `run`, and leaves them.
  func requireTop(_ run: TypeRun) throws(WasmError) {
    var place = stack.top
    var position = Int(run.start) + Int(run.count)
    while position > Int(run.start) {
      position -= 1
      if place == stack.floor {
        if stack.isUnreachable { return }
        throw OperandStack.underflow(context.codes[position])
      }
      place -= 1
      let (found, expected) = (place.pointee, context.codes[position])
      if found != expected && found != 0 { throw OperandStack.mismatch(expected, found) }
    }
  }

  // MARK: Frames

  /// Opens a block whose parameters were popped, without pushing them again.
  mutating func enter(_ kind: ControlFrame.Kind, _ type: Int) {
    if frames.count > 0 { frames[frames.count - 1].isUnreachable = stack.isUnreachable }
    frames.append(ControlFrame(kind, type: type, height: height))
    stack.floor = stack.top
    stack.isUnreachable = false
  }

  /// Closes the innermost block, whose results must be all that it leaves.
  mutating func leave() throws(WasmError) -> ControlFrame {
    let frame = frames[frames.count - 1]
    try pop(context.types[frame.type].results)
    guard stack.top == stack.floor else {
      throw .invalid("type mismatch: values remaining on stack at end of block")
    }
    frames.count -= 1
    if frames.count > 0 {
      let outer = frames[frames.count - 1]
      stack.floor = operands.base + Self.padding + Int(outer.height)
      stack.isUnreachable = outer.isUnreachable
    }
    return frame
  }

  /// What a branch takes.
  @inline(__always)
  func label(_ depth: UInt32) throws(WasmError) -> TypeRun {
    guard Int(depth) < frames.count else { throw .invalid("unknown label \(depth)") }
    let frame = frames[frames.count &- 1 &- Int(depth)]
    return frame.kind == .loop ? context.types[frame.type].parameters : context.types[frame.type].results
  }
}
