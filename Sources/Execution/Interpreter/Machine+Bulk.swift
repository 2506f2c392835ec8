// Operations on memories and tables as a whole. Out of line: their work is large against the call.

import Wasm

extension Instance {
  // MARK: Memories

  @inline(never) func memorySize(_ position: Int) -> UInt64 { memories[position].pageCount }

  /// Grows a memory; -1 in the memory's index type where that is not possible.
  @inline(never) func memoryGrow(_ position: Int, by pages: UInt64) -> UInt64 {
    let memory = memories[position]
    return memory.grow(by: pages) ?? (memory.type.is64Bit ? .max : UInt64(UInt32.max))
  }

  @inline(never) func memoryFill(_ position: Int, _ address: UInt64, _ value: UInt64, _ count: UInt64) throws(Trap) {
    let byte = UInt8(truncatingIfNeeded: value)
    if byte == 0 { return try memories[position].clear(at: address, count: count) }
    try memories[position].writableBytes(at: address, count: count).initializeMemory(as: UInt8.self, repeating: byte)
  }

  @inline(never) func memoryCopy(
    _ positions: UInt64, _ destination: UInt64, _ source: UInt64, _ count: UInt64
  ) throws(Trap) {
    let target = memories[Int(positions & 0xFFFF_FFFF)]
    try target.copy(from: memories[Int(positions >> 32)], at: source, to: destination, count: count)
  }

  @inline(never) func memoryInit(
    _ positions: UInt64, _ destination: UInt64, _ source: UInt64, _ count: UInt64
  ) throws(Trap) {
    let bytes = dataBytes(Int(positions >> 32))
    let available = UInt64(bytes.count)
    guard count <= available, source <= available - count else { throw .memoryOutOfBounds }
    let target = try memories[Int(positions & 0xFFFF_FFFF)].writableBytes(at: destination, count: count)
    target.copyBytes(from: bytes[Int(source)..<Int(source + count)])
  }

  // MARK: Tables

  @inline(never) func tableGet(_ table: Int, _ index: UInt64) throws(Trap) -> UInt64 { try tables[table].get(index) }

  @inline(never) func tableSet(_ table: Int, _ index: UInt64, _ value: UInt64) throws(Trap) {
    try tables[table].set(index, value)
  }

  @inline(never) func tableSize(_ table: Int) -> UInt64 { tables[table].count }

  /// Grows a table; -1 in the table's index type where that is not possible.
  @inline(never) func tableGrow(_ position: Int, _ value: UInt64, by delta: UInt64) -> UInt64 {
    let table = tables[position]
    return table.grow(by: delta, with: value) ?? (table.type.is64Bit ? .max : UInt64(UInt32.max))
  }

  @inline(never) func tableFill(_ table: Int, _ index: UInt64, _ value: UInt64, _ count: UInt64) throws(Trap) {
    try tables[table].fill(at: index, with: value, count: count)
  }

  @inline(never) func tableCopy(
    _ positions: UInt64, _ destination: UInt64, _ source: UInt64, _ count: UInt64
  ) throws(Trap) {
    let values = tables[Int(positions >> 32)].elements
    try tables[Int(positions & 0xFFFF_FFFF)].copy(values, from: source, to: destination, count: count)
  }

  @inline(never) func tableInit(
    _ positions: UInt64, _ destination: UInt64, _ source: UInt64, _ count: UInt64
  ) throws(Trap) {
    let values = elements(Int(positions >> 32))
    try tables[Int(positions & 0xFFFF_FFFF)].copy(values, from: source, to: destination, count: count)
  }
}
