// Bytes → instructions: opcodes by table look-up, immediates by shape, nesting of blocks by a stack of one byte each.
// Called by the module decoder for every body and constant expression; the validator judges what comes out.

/// Decodes expressions into storage that is reused from one to the next.
struct InstructionDecoder: ~Copyable {
  /// The expression decoded last.
  var instructions = ScratchBuffer<Instruction>(capacity: 256)
  /// Targets of the `br_table` instructions of the expression decoded last.
  var labels = ScratchBuffer<UInt32>(capacity: 16)
  private var nesting = ScratchBuffer<Nesting>(capacity: 32)
  private let directory = opcodeDirectory
  /// Whether the module has a data count section, without which code cannot name data segments.
  var hasDataCount = false

  enum Nesting: UInt8 {
    /// `block`, `loop`, or `if` past its `else`.
    case plain
    /// `if` before its `else`.
    case conditional
  }

  /// Reads instructions up to and including the `end` that closes the expression.
  @inline(never)
  mutating func expression(_ source: inout ByteCursor) throws(WasmError) {
    instructions.count = 0
    try read(&source, keeps: true)
  }

  /// Moves over instructions up to and including the `end` that closes the expression; none is kept.
  @inline(never)
  mutating func scan(_ source: inout ByteCursor) throws(WasmError) {
    try read(&source, keeps: false)
  }

  @inline(__always)
  private mutating func read(_ source: inout ByteCursor, keeps: Bool) throws(WasmError) {
    labels.count = 0
    nesting.count = 0
    var cursor = source
    while true {
      let start = cursor.position
      let (instruction, role) = try next(&cursor)
      if keeps { instructions.append(instruction) } else { labels.count = 0 }
      switch role {
      case .plain, .prefix, .illegal:
        if case .block = instruction.immediate {
          nesting.append(instruction.opcode == .if ? .conditional : .plain)
        }
      case .alternative:
        guard nesting.count > 0, nesting[nesting.count - 1] == .conditional else {
          throw cursor.malformed("else without if", at: start)
        }
        nesting[nesting.count - 1] = .plain
      case .end:
        if nesting.count == 0 {
          source = cursor
          return
        }
        nesting.count &-= 1
      }
    }
  }

  /// Calls `body` with each instruction up to and including the `end` that closes the expression. Labels of a
  /// `br_table` are in `labels` until the next instruction.
  @inline(__always)
  mutating func forEach(
    _ cursor: inout ByteCursor, _ body: (Instruction, borrowing ScratchBuffer<UInt32>) -> Void
  ) throws(WasmError) {
    while !cursor.isAtEnd {
      labels.count = 0
      let (instruction, _) = try next(&cursor)
      body(instruction, labels)
    }
  }

  /// Moves over `count` instructions without keeping them.
  mutating func skip(_ count: Int, _ cursor: inout ByteCursor) throws(WasmError) {
    labels.count = 0
    for _ in 0..<max(count, 0) { _ = try next(&cursor) }
  }

  @inline(__always)
  private mutating func next(
    _ cursor: inout ByteCursor
  ) throws(WasmError) -> (Instruction, OpcodeEntry.Role) {
    let start = cursor.position
    let first = try cursor.byte()
    var entry = directory[Int(first)]
    if entry.role == .prefix {
      let sub = try cursor.u32()
      entry = sub < 0x100 ? directory[(first == 0xFC ? 0x100 : 0x200) + Int(sub)] : OpcodeEntry()
    }
    if entry.role == .illegal { throw illegal(first, start, cursor) }
    return (Instruction(entry.opcode, try immediate(entry.shape, &cursor)), entry.role)
  }

  @inline(__always)
  private mutating func immediate(
    _ shape: ImmediateShape, _ cursor: inout ByteCursor
  ) throws(WasmError) -> Immediate {
    switch shape {
    case .none: return .none
    case .block: return .block(try cursor.blockType())
    case .label: return .label(try cursor.u32())
    case .labels: return .labels(try branchTable(&cursor))
    case .function: return .function(try cursor.index())
    case .indirectCall:
      let type: TypeIndex = try cursor.index()
      return .indirectCall(type, try cursor.index())
    case .resultType: return .resultType(try cursor.resultType())
    case .referenceType: return .referenceType(try cursor.referenceType())
    case .local: return .local(try cursor.index())
    case .global: return .global(try cursor.index())
    case .table: return .table(try cursor.index())
    case .tableInit:
      let segment: ElementIndex = try cursor.index()
      return .tableInit(try cursor.index(), segment)
    case .tableCopy:
      let destination: TableIndex = try cursor.index()
      return .tableCopy(destination: destination, source: try cursor.index())
    case .element: return .element(try cursor.index())
    case .memory: return .memory(try cursor.index())
    case .memoryInit:
      try requireDataCount(cursor)
      let segment: DataIndex = try cursor.index()
      return .memoryInit(try cursor.index(), segment)
    case .memoryCopy:
      let destination: MemoryIndex = try cursor.index()
      return .memoryCopy(destination: destination, source: try cursor.index())
    case .memoryAccess: return .memoryAccess(try cursor.memoryAccess())
    case .memoryLane:
      let access = try cursor.memoryAccess()
      return .memoryLane(access, lane: try cursor.byte())
    case .data:
      try requireDataCount(cursor)
      return .data(try cursor.index())
    case .i32: return .i32(try cursor.s32())
    case .i64: return .i64(try cursor.s64())
    case .f32: return .f32(try cursor.littleEndian32())
    case .f64: return .f64(try cursor.littleEndian64())
    case .v128: return .v128(try vector(&cursor))
    case .shuffle: return .shuffle(try vector(&cursor))
    case .lane: return .lane(try cursor.byte())
    }
  }

  @inline(never)
  private func illegal(_ first: UInt8, _ start: Int, _ cursor: ByteCursor) -> WasmError {
    let bytes = UnsafeBufferPointer(start: cursor.base + start, count: cursor.position - start)
    let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return cursor.malformed("illegal opcode \(text)", at: start)
  }

  @inline(__always)
  private func requireDataCount(_ cursor: ByteCursor) throws(WasmError) {
    if !hasDataCount { throw cursor.malformed("data count section required") }
  }

  private mutating func branchTable(_ cursor: inout ByteCursor) throws(WasmError) -> LabelRange {
    let count = try cursor.count()
    let start = labels.count
    labels.reserve(count + 1)
    for _ in 0..<count + 1 { labels.append(try cursor.u32()) }
    return LabelRange(start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: count + 1))
  }

  private func vector(_ cursor: inout ByteCursor) throws(WasmError) -> V128 {
    let low = try cursor.littleEndian64()
    return V128(low: low, high: try cursor.littleEndian64())
  }
}
