// Bytes → tables, memories, globals, exports and segments: the sections of `ModuleDecoder` with constant expressions.
// Called by the section loop of `ModuleDecoder`.

extension ModuleDecoder {
  // MARK: Types

  mutating func memoryType() throws(WasmError) -> MemoryType {
    let (limits, is64Bit) = try limits()
    return MemoryType(limits, is64Bit: is64Bit)
  }

  mutating func tableType() throws(WasmError) -> TableType {
    let element = try cursor.referenceType()
    let (limits, is64Bit) = try limits()
    return TableType(element, limits, is64Bit: is64Bit)
  }

  mutating func globalType() throws(WasmError) -> GlobalType {
    let value = try cursor.valueType()
    let mutability = try cursor.byte()
    guard mutability < 2 else { throw cursor.malformed("malformed mutability", at: cursor.position - 1) }
    return GlobalType(value, isMutable: mutability == 1)
  }

  /// Flags: 1 has a maximum, 4 is 64-bit.
  private mutating func limits() throws(WasmError) -> (Limits, is64Bit: Bool) {
    let flags = try cursor.byte()
    guard flags & ~5 == 0 else { throw cursor.malformed("malformed limits flags", at: cursor.position - 1) }
    let minimum = try cursor.u64()
    let maximum: UInt64? = flags & 1 == 1 ? try cursor.u64() : nil
    return (Limits(minimum: minimum, maximum: maximum), flags & 4 == 4)
  }

  // MARK: Definitions

  mutating func decodeTables() throws(WasmError) {
    let count = try cursor.count(minimumSize: 3, limit: Limit.tables, "too many tables")
    for position in 0..<count {
      note(.table(TableIndex(counts.tables + position)))
      guard try cursor.peek() == 0x40 else {
        module.tables.append(Table(try tableType()))
        continue
      }
      cursor.position += 1
      guard try cursor.byte() == 0 else { throw cursor.malformed("malformed table", at: cursor.position - 1) }
      let type = try tableType()
      module.tables.append(Table(type, initializer: try constantExpression()))
    }
  }

  mutating func decodeMemories() throws(WasmError) {
    let count = try cursor.count(minimumSize: 2, limit: Limit.memories, "too many memories")
    for position in 0..<count {
      note(.memory(MemoryIndex(counts.memories + position)))
      module.memories.append(try memoryType())
    }
  }

  mutating func decodeGlobals() throws(WasmError) {
    let count = try cursor.count(minimumSize: 3, limit: Limit.globals, "too many globals")
    module.globals.reserveCapacity(count)
    for position in 0..<count {
      note(.global(GlobalIndex(counts.globals + position)))
      let type = try globalType()
      module.globals.append(Global(type, try constantExpression()))
    }
  }

  mutating func decodeExports() throws(WasmError) {
    let count = try cursor.count(minimumSize: 3, limit: Limit.exports, "too many exports")
    module.exports.reserveCapacity(count)
    for position in 0..<count {
      note(.export(position))
      let name = try cursor.name()
      let kind: ExportKind
      switch try cursor.byte() {
      case 0: kind = .function(try cursor.index())
      case 1: kind = .table(try cursor.index())
      case 2: kind = .memory(try cursor.index())
      case 3: kind = .global(try cursor.index())
      default: throw cursor.malformed("malformed export kind", at: cursor.position - 1)
      }
      module.exports.append(Export(name: name, kind: kind))
    }
  }

  // MARK: Segments

  mutating func decodeElements() throws(WasmError) {
    let count = try cursor.count(minimumSize: 2, limit: Limit.segments, "too many element segments")
    module.elements.reserveCapacity(count)
    for position in 0..<count {
      note(.element(ElementIndex(position)))
      module.elements.append(try elementSegment())
    }
  }

  /// Flags: 1 passive or declarative; 2 an explicit table, or declarative; 4 expressions instead of functions.
  private mutating func elementSegment() throws(WasmError) -> ElementSegment {
    let start = cursor.position
    let flags = try cursor.u32()
    guard flags < 8 else { throw cursor.malformed("malformed elements segment kind", at: start) }
    let mode: ElementMode
    if flags & 1 == 0 {
      let table: TableIndex = flags & 2 == 0 ? TableIndex(0 as UInt32) : try cursor.index()
      mode = .active(table, offset: try constantExpression())
    } else {
      mode = flags & 2 == 0 ? .passive : .declarative
    }
    let hasType = flags & 3 != 0
    if flags & 4 == 0 {
      if hasType, try cursor.byte() != 0 {
        throw cursor.malformed("malformed element kind", at: cursor.position - 1)
      }
      let count = try cursor.count()
      var functions: [FunctionIndex] = []
      functions.reserveCapacity(count)
      for _ in 0..<count { functions.append(try cursor.index()) }
      return ElementSegment(mode: mode, items: .functions(functions))
    }
    let type = hasType ? try cursor.referenceType() : .funcref
    let count = try cursor.count()
    var expressions: [[Instruction]] = []
    expressions.reserveCapacity(count)
    for _ in 0..<count { expressions.append(try constantExpression()) }
    return ElementSegment(mode: mode, items: .expressions(type, expressions))
  }

  /// Flags: 1 passive, 2 an explicit memory.
  mutating func decodeData() throws(WasmError) {
    let count = try cursor.count(minimumSize: 2, limit: Limit.segments, "too many data segments")
    module.data.reserveCapacity(count)
    for position in 0..<count {
      let start = cursor.position
      note(.data(DataIndex(position)))
      let flags = try cursor.u32()
      guard flags < 3 else { throw cursor.malformed("malformed data segment kind", at: start) }
      let mode: DataMode
      if flags == 1 {
        mode = .passive
      } else {
        let memory: MemoryIndex = flags == 0 ? MemoryIndex(0 as UInt32) : try cursor.index()
        mode = .active(memory, offset: try constantExpression())
      }
      let length = try cursor.count()
      module.data.append(DataSegment(mode: mode, bytes: try cursor.bytes(length)))
    }
  }

  /// An expression without its final `end`. What it may contain is for the validator to say, except for `br_table`,
  /// whose targets only function bodies can hold.
  private mutating func constantExpression() throws(WasmError) -> [Instruction] {
    let start = cursor.position
    try code.expression(&cursor)
    guard code.labels.count == 0 else {
      throw WasmError(.invalid, "constant expression required", offset: start)
    }
    code.instructions.count -= 1
    return sharedExpressions.array(cursor.base, start, cursor.position) { code.instructions.array() }
  }
}
