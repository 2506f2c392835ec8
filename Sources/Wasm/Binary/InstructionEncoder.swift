// Instructions → bytes: the opcode, then the immediate as its case says. Mirror image of `InstructionDecoder`.
// Called by the module encoder for bodies and constant expressions.

extension ByteSink {
  /// Writes `instructions` as they are; a final `end` is theirs to contain or not.
  mutating func instructions(_ instructions: [Instruction], labels: [UInt32]) {
    instructions.withUnsafeBufferPointer { source in
      labels.withUnsafeBufferPointer { labels in
        for instruction in source { self.instruction(instruction, labels: labels) }
      }
    }
  }

  /// Writes one instruction; `br_table` takes its targets from `labels`.
  @inline(__always)
  mutating func instruction(_ instruction: Instruction, labels: UnsafeBufferPointer<UInt32>) {
    opcode(instruction.opcode)
    immediate(instruction.immediate, labels)
  }

  /// Declarations of locals.
  mutating func locals(_ groups: [LocalGroup]) {
    length(groups.count)
    for group in groups {
      unsigned(group.count)
      byte(group.type.rawValue)
    }
  }

  /// A body that is still in its bytes, which may hold longer integers than needed, with its size.
  mutating func body(_ number: Int, of section: CodeSection) {
    if let range = section.canonicalBody(number) { return bytes(section.bytes, range) }
    do throws(WasmError) {
      try section.withBody(number) { cursor throws(WasmError) in
        let region = open(expected: cursor.remaining)
        locals(try cursor.locals())
        var decoder = InstructionDecoder()
        decoder.hasDataCount = true
        try decoder.forEach(&cursor) { instruction, labels in
          opcode(instruction.opcode)
          immediate(instruction.immediate, UnsafeBufferPointer(start: labels.base, count: labels.count))
        }
        close(region)
      }
    } catch {
      fatalError("body \(number) was decoded before and is not well-formed now: \(error)")
    }
  }

  /// A constant expression, to which the final `end` is added.
  mutating func constantExpression(_ instructions: [Instruction]) {
    self.instructions(instructions, labels: [])
    opcode(.end)
  }

  @inline(__always)
  private mutating func opcode(_ opcode: Opcode) {
    let raw = opcode.rawValue
    if raw < 0x100 {
      byte(UInt8(truncatingIfNeeded: raw))
    } else {
      byte(UInt8(truncatingIfNeeded: raw >> 8))
      unsigned(UInt32(raw & 0xFF))
    }
  }

  @inline(__always)
  private mutating func immediate(_ immediate: Immediate, _ labels: UnsafeBufferPointer<UInt32>) {
    switch immediate {
    case .none: break
    case .block(let type): blockType(type)
    case .label(let depth): unsigned(depth)
    case .labels(let range): branchTable(range, labels)
    case .function(let index): self.index(index)
    case .indirectCall(let type, let table):
      index(type)
      index(table)
    case .resultType(let type):
      length(type == nil ? 0 : 1)
      if let type { byte(type.rawValue) }
    case .referenceType(let type): byte(type.rawValue)
    case .local(let index): self.index(index)
    case .global(let index): self.index(index)
    case .table(let index): self.index(index)
    case .tableInit(let table, let segment):
      index(segment)
      index(table)
    case .tableCopy(let destination, let source):
      index(destination)
      index(source)
    case .element(let index): self.index(index)
    case .memory(let index): self.index(index)
    case .memoryInit(let memory, let segment):
      index(segment)
      index(memory)
    case .memoryCopy(let destination, let source):
      index(destination)
      index(source)
    case .memoryAccess(let access): memoryAccess(access)
    case .memoryLane(let access, let lane):
      memoryAccess(access)
      byte(lane)
    case .data(let index): self.index(index)
    case .i32(let value): signed(Int64(value))
    case .i64(let value): signed(value)
    case .f32(let bits): littleEndian(bits)
    case .f64(let bits): littleEndian(bits)
    case .v128(let bits), .shuffle(let bits):
      littleEndian(bits.low)
      littleEndian(bits.high)
    case .lane(let lane): byte(lane)
    }
  }

  private mutating func blockType(_ type: BlockType) {
    switch type {
    case .empty: byte(0x40)
    case .value(let type): byte(type.rawValue)
    case .type(let index): signed(Int64(index.value))
    }
  }

  /// A range outside `labels`, which no valid body has, is written as a table with the default 0 alone.
  private mutating func branchTable(_ range: LabelRange, _ labels: UnsafeBufferPointer<UInt32>) {
    guard range.count > 0, range.indices.upperBound <= labels.count else {
      unsigned(0 as UInt32)
      unsigned(0 as UInt32)
      return
    }
    length(Int(range.count) - 1)
    for position in range.indices { unsigned(labels[position]) }
  }

  @inline(__always)
  private mutating func memoryAccess(_ access: MemoryAccess) {
    let alignment = UInt32(access.alignment & 0x3F)
    if access.memory.value == 0 {
      unsigned(alignment)
    } else {
      unsigned(alignment | 0x40)
      index(access.memory)
    }
    unsigned(access.offset)
  }
}
