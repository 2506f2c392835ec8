// Instructions → text, in the flat form: name, then the immediate as its case says.
// Called by the module printer for bodies and constant expressions, and by anyone who shows a single instruction.

/// The instruction in the text format, with indices as numbers; `br_table` takes its targets from `labels`.
public func printInstruction(_ instruction: Instruction, labels: [UInt32]) -> String {
  var sink = TextSink(capacity: 64)
  sink.instruction(instruction, labels: labels, ModuleIdentifiers(), nil)
  return sink.string()
}

/// The blocks around an instruction.
struct OpenBlocks {
  private(set) var depth = 0
  /// Number of blocks opened so far, which is the index of the next one's label.
  private(set) var count = 0
  /// Label indices of the open blocks, outermost first; kept only where labels have names.
  private var labels: [LabelIndex] = []

  mutating func open(isNamed: Bool) {
    if isNamed { labels.append(LabelIndex(count)) }
    depth += 1
    count += 1
  }

  mutating func close() {
    depth -= 1
    _ = labels.popLast()
  }

  /// The label index of the block that a branch with this depth leads to.
  func label(_ target: UInt32) -> LabelIndex? {
    Int(target) < labels.count ? labels[labels.count - 1 - Int(target)] : nil
  }
}

extension TextSink {
  /// A constant expression on one line.
  mutating func constantExpression(_ expression: [Instruction], _ names: ModuleIdentifiers) {
    for (position, instruction) in expression.enumerated() {
      if position > 0 { space() }
      self.instruction(instruction, labels: [], names, nil)
    }
  }

  /// A function body without its final `end`, one instruction a line, starting with a new line.
  mutating func body(_ body: FunctionBody, _ names: ModuleIdentifiers, indentation: Int) {
    var blocks = OpenBlocks()
    var instructions = body.instructions[...]
    if instructions.last?.opcode == .end { instructions.removeLast() }
    for instruction in instructions {
      let opcode = instruction.opcode
      if opcode == .end { blocks.close() }
      line(indentation + (opcode == .else ? blocks.depth - 1 : blocks.depth))
      self.instruction(instruction, labels: body.labels, names, blocks)
      if case .block = instruction.immediate { blocks.open(isNamed: names.labels != nil) }
    }
  }

  /// - Parameter blocks: the open blocks, for identifiers and comments that name the target of a branch; nil: neither.
  mutating func instruction(
    _ instruction: Instruction, labels: [UInt32], _ names: ModuleIdentifiers, _ blocks: OpenBlocks?
  ) {
    let row = instruction.opcode.row
    text(row.text)
    switch instruction.immediate {
    case .none: break
    case .block(let type): blockType(type, names, blocks)
    case .label(let target): label(target, names, blocks)
    case .labels(let range):
      guard range.indices.upperBound <= labels.count else { break }
      for position in range.indices { label(labels[position], names, blocks) }
    case .function(let index):
      space()
      reference(index, names.functions)
    case .indirectCall(let type, let table):
      space()
      if table.value != 0 || names.tables[table] != nil {
        reference(table, names.tables)
        space()
      }
      typeUse(type, names)
    case .resultType(let type):
      text(" (result")
      if let type { valueType(type) }
      text(")")
    case .referenceType(let type): heapType(type)
    case .local(let index):
      space()
      reference(index, names.locals)
    case .global(let index):
      space()
      reference(index, names.globals)
    case .table(let index):
      space()
      reference(index, names.tables)
    case .tableInit(let table, let segment):
      space()
      reference(table, names.tables)
      space()
      reference(segment, names.elements)
    case .tableCopy(let destination, let source):
      space()
      reference(destination, names.tables)
      space()
      reference(source, names.tables)
    case .element(let index):
      space()
      reference(index, names.elements)
    case .memory(let index): memory(index, names)
    case .memoryInit(let memory, let segment):
      self.memory(memory, names)
      space()
      reference(segment, names.data)
    case .memoryCopy(let destination, let source):
      if destination.value != 0 || source.value != 0 {
        space()
        reference(destination, names.memories)
        space()
        reference(source, names.memories)
      }
    case .memoryAccess(let access): memoryAccess(access, row.alignment, names)
    case .memoryLane(let access, let lane):
      memoryAccess(access, row.alignment, names)
      space()
      decimal(UInt64(lane))
    case .data(let index):
      space()
      reference(index, names.data)
    case .i32(let value):
      space()
      decimal(Int64(value))
    case .i64(let value):
      space()
      decimal(value)
    case .f32(let bits):
      space()
      float(bits: UInt64(bits), .f32)
      comment(Double(Float(bitPattern: bits)), blocks)
    case .f64(let bits):
      space()
      float(bits: bits, .f64)
      comment(Double(bitPattern: bits), blocks)
    case .v128(let bits):
      text(" i32x4")
      for half in [bits.low, bits.high] {
        for word in [half & 0xFFFF_FFFF, half >> 32] {
          text(" 0x")
          hexadecimal(word, digits: 8)
        }
      }
    case .shuffle(let lanes):
      for position in 0..<16 {
        space()
        decimal(UInt64(lanes.byte(position)))
      }
    case .lane(let lane):
      space()
      decimal(UInt64(lane))
    }
  }

  // MARK: Immediates

  private mutating func blockType(_ type: BlockType, _ names: ModuleIdentifiers, _ blocks: OpenBlocks?) {
    if let labels = names.labels, let blocks { name(LabelIndex(blocks.count), labels) }
    switch type {
    case .empty: break
    case .value(let type):
      text(" (result")
      valueType(type)
      text(")")
    case .type(let index):
      space()
      typeUse(index, names)
    }
    if let blocks {
      text("  ;; @")
      decimal(blocks.depth + 1)
    }
  }

  /// A branch target, commented with the block that it leads to: block 1 is the outermost, 0 the function.
  private mutating func label(_ target: UInt32, _ names: ModuleIdentifiers, _ blocks: OpenBlocks?) {
    space()
    if let index = blocks?.label(target), let identifier = names.labels?[index] {
      text(identifier)
    } else {
      decimal(target)
    }
    if let blocks, Int(target) <= blocks.depth {
      text(" (;@")
      decimal(blocks.depth - Int(target))
      text(";)")
    }
  }

  mutating func typeUse(_ index: TypeIndex, _ names: ModuleIdentifiers) {
    text("(type ")
    reference(index, names.types)
    text(")")
  }

  /// A blank and the name of the type.
  mutating func valueType(_ type: ValueType) {
    space()
    text(type.word)
  }

  private mutating func heapType(_ type: ValueType) {
    switch type {
    case .funcref: text(" func")
    case .externref: text(" extern")
    case .i32, .i64, .f32, .f64, .v128: valueType(type)
    }
  }

  /// The memory, which is left out where it is memory 0.
  private mutating func memory(_ index: MemoryIndex, _ names: ModuleIdentifiers) {
    if index.value == 0 { return }
    space()
    reference(index, names.memories)
  }

  private mutating func memoryAccess(
    _ access: MemoryAccess, _ naturalAlignment: UInt8, _ names: ModuleIdentifiers
  ) {
    memory(access.memory, names)
    if access.offset != 0 {
      text(" offset=")
      decimal(access.offset)
    }
    if access.alignment != naturalAlignment {
      text(" align=")
      decimal(UInt64(1) << UInt64(access.alignment & 63))
    }
  }

  private mutating func comment(_ value: Double, _ blocks: OpenBlocks?) {
    if blocks == nil || !value.isFinite || value == 0 { return }
    text(" (;")
    text("\(value)")
    text(";)")
  }
}
