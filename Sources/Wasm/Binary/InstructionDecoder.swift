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
  mutating func expression(_ source: inout ByteCursor) throws(WasmError) {
    instructions.count = 0
    labels.count = 0
    nesting.count = 0
    var cursor = source
    while true {
      let start = cursor.position
      let (instruction, role) = try next(&cursor)
      instructions.append(instruction)
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
    case .block: return .block(try blockType(&cursor))
    case .label: return .label(try cursor.u32())
    case .labels: return .labels(try branchTable(&cursor))
    case .function: return .function(try cursor.index())
    case .indirectCall:
      let type: TypeIndex = try cursor.index()
      return .indirectCall(type, try cursor.index())
    case .resultType: return .resultType(try resultType(&cursor))
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
    case .memoryAccess: return .memoryAccess(try memoryAccess(&cursor))
    case .memoryLane:
      let access = try memoryAccess(&cursor)
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

  /// `0x40`, a value type, or a type index as a non-negative 33-bit signed integer.
  private func blockType(_ cursor: inout ByteCursor) throws(WasmError) -> BlockType {
    let first = try cursor.peek()
    if first == 0x40 {
      cursor.position &+= 1
      return .empty
    }
    if first & 0xC0 == 0x40 { return .value(try cursor.valueType()) }
    let start = cursor.position
    let index = try cursor.signed(bits: 33)
    guard let index = UInt32(exactly: index) else { throw cursor.malformed("malformed block type", at: start) }
    return .type(TypeIndex(index))
  }

  private mutating func branchTable(_ cursor: inout ByteCursor) throws(WasmError) -> LabelRange {
    let count = try cursor.count()
    let start = labels.count
    labels.reserve(count + 1)
    for _ in 0..<count + 1 { labels.append(try cursor.u32()) }
    return LabelRange(start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: count + 1))
  }

  private func resultType(_ cursor: inout ByteCursor) throws(WasmError) -> ValueType? {
    let count = try cursor.count()
    var type: ValueType?
    for _ in 0..<count { type = try cursor.valueType() }
    return count == 1 ? type : nil
  }

  /// Flags (alignment, and whether a memory index follows), memory index, offset.
  @inline(__always)
  private func memoryAccess(_ cursor: inout ByteCursor) throws(WasmError) -> MemoryAccess {
    let start = cursor.position
    let flags = try cursor.u32()
    guard flags < 0x80 else { throw cursor.malformed("malformed memop flags", at: start) }
    let memory: MemoryIndex = flags & 0x40 == 0 ? MemoryIndex(0 as UInt32) : try cursor.index()
    return MemoryAccess(alignment: UInt8(flags & 0x3F), offset: try cursor.u64(), memory: memory)
  }

  private func vector(_ cursor: inout ByteCursor) throws(WasmError) -> V128 {
    let low = try cursor.littleEndian64()
    return V128(low: low, high: try cursor.littleEndian64())
  }
}
