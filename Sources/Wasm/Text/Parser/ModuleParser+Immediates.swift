// What stands behind the name of an instruction, by the shape in the opcode table. Counterpart of `InstructionPrinter`.

extension ModuleParser {
  /// The instruction with what follows its name, at which the lexer stands. Not for blocks.
  @inline(__always)
  mutating func instruction(_ opcode: Opcode, _ lexer: inout Lexer) throws(TextError) -> Instruction {
    switch opcode.row.shape {
    case .none:
      if opcode == .select && lexer.isOpen("result") { return try typedSelect(&lexer) }
      return Instruction(opcode)
    case .local: return Instruction(opcode, .local(try localReference(&lexer)))
    case .i32:
      return Instruction(opcode, .i32(Int32(truncatingIfNeeded: try lexer.integer(bits: 32))))
    case .memoryAccess:
      let (memory, offset, alignment) = try memoryArgument(&lexer, opcode)
      return Instruction(opcode, .memoryAccess(MemoryAccess(alignment: alignment, offset: offset, memory: memory)))
    case .label: return Instruction(opcode, .label(try label(&lexer)))
    default: return Instruction(opcode, try rareImmediate(opcode, &lexer))
    }
  }

  @inline(never)
  private mutating func rareImmediate(_ opcode: Opcode, _ lexer: inout Lexer) throws(TextError) -> Immediate {
    switch opcode.row.shape {
    case .none, .block, .local, .i32, .memoryAccess, .label: return .none
    case .labels: return .labels(try branchTable(&lexer))
    case .function: return .function(try reference(.function, &lexer))
    case .indirectCall:
      let table: TableIndex = try optionalReference(.table, &lexer)
      return .indirectCall(try typeUse(&lexer, names: .forbidden), table)
    case .resultType: return .none
    case .referenceType: return .referenceType(try heapType(&lexer))
    case .global: return .global(try reference(.global, &lexer))
    case .table: return .table(try optionalReference(.table, &lexer))
    case .tableInit:
      let (table, segment): (TableIndex, ElementIndex) = try segmentUse(.table, .element, &lexer)
      return .tableInit(table, segment)
    case .tableCopy:
      let (destination, source): (TableIndex, TableIndex) = try pair(.table, &lexer)
      return .tableCopy(destination: destination, source: source)
    case .element: return .element(try reference(.element, &lexer))
    case .memory: return .memory(try optionalReference(.memory, &lexer))
    case .memoryInit:
      needsDataCount = true
      let (memory, segment): (MemoryIndex, DataIndex) = try segmentUse(.memory, .data, &lexer)
      return .memoryInit(memory, segment)
    case .memoryCopy:
      let (destination, source): (MemoryIndex, MemoryIndex) = try pair(.memory, &lexer)
      return .memoryCopy(destination: destination, source: source)
    case .memoryLane: return try memoryLane(&lexer, opcode)
    case .data:
      needsDataCount = true
      return .data(try reference(.data, &lexer))
    case .i64: return .i64(Int64(bitPattern: try lexer.integer(bits: 64)))
    case .f32: return .f32(UInt32(truncatingIfNeeded: try lexer.float(.f32)))
    case .f64: return .f64(try lexer.float(.f64))
    case .v128: return .v128(try vector(&lexer))
    case .shuffle: return .shuffle(try shuffle(&lexer))
    case .lane: return .lane(UInt8(truncatingIfNeeded: try lexer.unsigned(bits: 8)))
    }
  }

  // MARK: Labels and locals

  @inline(__always)
  private mutating func localReference(_ lexer: inout Lexer) throws(TextError) -> LocalIndex {
    if lexer.kind == .number { return LocalIndex(UInt32(truncatingIfNeeded: try lexer.unsigned(bits: 32))) }
    guard lexer.kind == .identifier else { throw lexer.unexpected("an index or identifier") }
    let offset = lexer.start
    let symbol = try symbol(&lexer)
    guard symbols[symbol].epoch == epoch else {
      throw lexer.failure("unknown local $\(symbols.name(symbol))", at: offset)
    }
    return LocalIndex(symbols[symbol].local)
  }

  private mutating func label(_ lexer: inout Lexer) throws(TextError) -> UInt32 {
    if lexer.kind == .number { return UInt32(truncatingIfNeeded: try lexer.unsigned(bits: 32)) }
    guard lexer.kind == .identifier else { throw lexer.unexpected("a label") }
    let offset = lexer.start
    let symbol = try symbol(&lexer)
    let label = symbols[symbol].label
    guard label > 0 else { throw lexer.failure("unknown label $\(symbols.name(symbol))", at: offset) }
    return code.labelDepth - label
  }

  private mutating func branchTable(_ lexer: inout Lexer) throws(TextError) -> LabelRange {
    let start = code.branchTargets.count
    repeat { code.branchTargets.append(try label(&lexer)) } while lexer.kind == .number || lexer.kind == .identifier
    return LabelRange(
      start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: code.branchTargets.count - start))
  }

  private mutating func typedSelect(_ lexer: inout Lexer) throws(TextError) -> Instruction {
    try results(&lexer)
    let type = signature.results.count == 1 ? signature.results.first : nil
    return Instruction(.selectTyped, .resultType(type))
  }

  // MARK: Items

  /// A segment's index behind the optional index of what it is copied to.
  private mutating func segmentUse<Space, Segment>(
    _ space: NameSpace, _ segments: NameSpace, _ lexer: inout Lexer
  ) throws(TextError) -> (Index<Space>, Index<Segment>) {
    let start = lexer
    try lexer.advance()
    let hasBoth = lexer.kind == .number || lexer.kind == .identifier
    lexer = start
    let target: Index<Space> = hasBoth ? try reference(space, &lexer) : Index(0 as UInt32)
    return (target, try reference(segments, &lexer))
  }

  /// Two indices or none.
  private mutating func pair<Space>(
    _ space: NameSpace, _ lexer: inout Lexer
  ) throws(TextError) -> (Index<Space>, Index<Space>) {
    guard lexer.kind == .number || lexer.kind == .identifier else { return (Index(0 as UInt32), Index(0 as UInt32)) }
    let first: Index<Space> = try reference(space, &lexer)
    return (first, try reference(space, &lexer))
  }

  // MARK: Memory accesses

  private mutating func memoryArgument(
    _ lexer: inout Lexer, _ opcode: Opcode
  ) throws(TextError) -> (memory: MemoryIndex, offset: UInt64, alignment: UInt8) {
    let memory: MemoryIndex = try optionalReference(.memory, &lexer)
    let (offset, alignment) = try offsetAndAlignment(&lexer, opcode)
    return (memory, offset, alignment)
  }

  /// `offset=…`, `align=…`, each of which may be left out.
  private func offsetAndAlignment(
    _ lexer: inout Lexer, _ opcode: Opcode
  ) throws(TextError) -> (offset: UInt64, alignment: UInt8) {
    var offset: UInt64 = 0
    if lexer.kind == .keyword && lexer.starts(with: "offset=") {
      offset = try lexer.unsigned(lexer.start + 7..<lexer.stop, bits: 64)
      try lexer.advance()
    }
    guard lexer.kind == .keyword && lexer.starts(with: "align=") else { return (offset, opcode.row.alignment) }
    let alignment = try lexer.unsigned(lexer.start + 6..<lexer.stop, bits: 64)
    guard alignment.nonzeroBitCount == 1 else { throw lexer.failure("alignment must be a power of two") }
    try lexer.advance()
    return (offset, UInt8(truncatingIfNeeded: alignment.trailingZeroBitCount))
  }

  /// A memory access and a lane. A single number is the lane; in front of another or of an offset it is the memory.
  private mutating func memoryLane(_ lexer: inout Lexer, _ opcode: Opcode) throws(TextError) -> Immediate {
    let start = lexer
    if lexer.kind == .number {
      try lexer.advance()
      let isLane =
        lexer.kind != .number
        && !(lexer.kind == .keyword && (lexer.starts(with: "offset=") || lexer.starts(with: "align=")))
      lexer = start
      if isLane {
        let access = MemoryAccess(alignment: opcode.row.alignment, offset: 0)
        return .memoryLane(access, lane: UInt8(truncatingIfNeeded: try lexer.unsigned(bits: 8)))
      }
    }
    let (memory, offset, alignment) = try memoryArgument(&lexer, opcode)
    let lane = UInt8(truncatingIfNeeded: try lexer.unsigned(bits: 8))
    return .memoryLane(MemoryAccess(alignment: alignment, offset: offset, memory: memory), lane: lane)
  }

  // MARK: Vectors

  /// A shape and its lanes, the least significant first.
  private func vector(_ lexer: inout Lexer) throws(TextError) -> V128 { try lexer.vector() }

  private func shuffle(_ lexer: inout Lexer) throws(TextError) -> V128 {
    var value = V128(low: 0, high: 0)
    for lane in 0..<16 {
      guard lexer.kind == .number else { throw lexer.failure("invalid lane length") }
      value.setLane(lane, bits: 8, try lexer.unsigned(bits: 8))
    }
    if lexer.kind == .number { throw lexer.failure("invalid lane length") }
    return value
  }
}

extension Lexer {
  /// A vector literal: a shape, then its lanes, the least significant first; moves on.
  mutating func vector() throws(TextError) -> V128 {
    let shapes: [(StaticString, bits: UInt64, FloatFormat?)] = [
      ("i8x16", 8, nil), ("i16x8", 16, nil), ("i32x4", 32, nil), ("i64x2", 64, nil), ("f32x4", 32, .f32),
      ("f64x2", 64, .f64),
    ]
    guard let (_, bits, format) = shapes.first(where: { isKeyword($0.0) }) else {
      throw unexpected("a vector shape")
    }
    try advance()
    var value = V128(low: 0, high: 0)
    for lane in 0..<Int(128 / bits) {
      guard kind == .number || format != nil && kind == .keyword else {
        throw failure("wrong number of lane literals")
      }
      let bitsOfLane: UInt64
      if let format { bitsOfLane = try float(format) } else { bitsOfLane = try integer(bits: bits) }
      value.setLane(lane, bits: bits, bitsOfLane)
    }
    return value
  }
}

extension V128 {
  /// Sets a lane of a vector whose lanes are `bits` wide, and which is zero there.
  fileprivate mutating func setLane(_ lane: Int, bits: UInt64, _ value: UInt64) {
    let position = UInt64(lane) * bits
    if position < 64 { low |= value << position } else { high |= value << (position - 64) }
  }
}
