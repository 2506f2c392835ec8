// Operations on memories and tables as a whole, and accesses that the loop has no operation of its own for. Out of line:
// their work is large against the call.

import Wasm

extension Instance {
  // MARK: Wide accesses

  /// The effective address of an access, if all of it is in bounds.
  private func address(
    _ memory: LinearMemory, _ base: UInt64, _ offset: UInt64, _ count: UInt64
  ) throws(Trap) -> Int {
    let (address, overflow) = base.addingReportingOverflow(offset)
    let (end, overflow2) = address.addingReportingOverflow(count)
    guard !overflow, !overflow2, end <= memory.byteCount else { throw .memoryOutOfBounds }
    return Int(address)
  }

  func read<T: BitwiseCopyable>(
    _ type: T.Type, _ memory: LinearMemory, _ base: UInt64, _ offset: UInt64
  ) throws(Trap) -> T {
    let address = try address(memory, base, offset, UInt64(MemoryLayout<T>.size))
    return (memory.state.pointee.base + address).loadUnaligned(as: type)
  }

  func write<T: BitwiseCopyable>(
    _ value: T, _ memory: LinearMemory, _ base: UInt64, _ offset: UInt64
  ) throws(Trap) {
    let address = try address(memory, base, offset, UInt64(MemoryLayout<T>.size))
    memory.touch(UInt64(address), UInt64(MemoryLayout<T>.size))
    (memory.state.pointee.base + address).storeBytes(of: value, as: T.self)
  }

  /// Loads from any memory at any address; `kind` counts from `i32.load`.
  @inline(never) func loadWide(
    _ kind: Int, memory position: Int, _ base: UInt64, _ offset: UInt64
  ) throws(Trap) -> UInt64 {
    let memory = memories[position]
    switch kind {
    case 0, 2: return UInt64(try read(UInt32.self, memory, base, offset))
    case 1, 3: return try read(UInt64.self, memory, base, offset)
    case 4: return UInt64(UInt32(bitPattern: Int32(try read(Int8.self, memory, base, offset))))
    case 5, 9: return UInt64(try read(UInt8.self, memory, base, offset))
    case 6: return UInt64(UInt32(bitPattern: Int32(try read(Int16.self, memory, base, offset))))
    case 7, 11: return UInt64(try read(UInt16.self, memory, base, offset))
    case 8: return UInt64(bitPattern: Int64(try read(Int8.self, memory, base, offset)))
    case 10: return UInt64(bitPattern: Int64(try read(Int16.self, memory, base, offset)))
    case 12: return UInt64(bitPattern: Int64(try read(Int32.self, memory, base, offset)))
    default: return UInt64(try read(UInt32.self, memory, base, offset))
    }
  }

  /// Stores to any memory at any address; `kind` counts from `i32.store`.
  @inline(never) func storeWide(
    _ kind: Int, memory position: Int, _ base: UInt64, _ offset: UInt64, _ value: UInt64
  ) throws(Trap) {
    let memory = memories[position]
    switch kind {
    case 1, 3: try write(value, memory, base, offset)
    case 4, 6: try write(UInt8(truncatingIfNeeded: value), memory, base, offset)
    case 5, 7: try write(UInt16(truncatingIfNeeded: value), memory, base, offset)
    default: try write(UInt32(truncatingIfNeeded: value), memory, base, offset)
    }
  }

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
