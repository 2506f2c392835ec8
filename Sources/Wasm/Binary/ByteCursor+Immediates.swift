// Immediates that are more than one integer, as the instruction decoder and the validator both read them.

extension ByteCursor {
  /// `0x40`, a value type, or a type index as a non-negative 33-bit signed integer.
  @inline(__always)
  mutating func blockType() throws(WasmError) -> BlockType {
    let first = try peek()
    if first == 0x40 {
      position &+= 1
      return .empty
    }
    if first & 0xC0 == 0x40 { return .value(try valueType()) }
    let start = position
    let index = try signed(bits: 33)
    guard let index = UInt32(exactly: index) else { throw malformed("malformed block type", at: start) }
    return .type(TypeIndex(index))
  }

  /// The annotation of a `select`; nil where it does not name exactly one type.
  mutating func resultType() throws(WasmError) -> ValueType? {
    let count = try count()
    var type: ValueType?
    for _ in 0..<count { type = try valueType() }
    return count == 1 ? type : nil
  }

  /// Flags (alignment, and whether a memory index follows), memory index, offset.
  @inline(__always)
  mutating func memoryAccess() throws(WasmError) -> MemoryAccess {
    let start = position
    let flags = try u32()
    guard flags < 0x80 else { throw malformed("malformed memop flags", at: start) }
    let memory: MemoryIndex = flags & 0x40 == 0 ? MemoryIndex(0 as UInt32) : try index()
    if flags & 0x40 != 0, memory.value == 0 { isCanonical = false }
    return MemoryAccess(alignment: UInt8(truncatingIfNeeded: flags & 0x3F), offset: try u64(), memory: memory)
  }

  /// Moves over a signed 32-bit integer.
  @inline(__always)
  mutating func skipSigned32() throws(WasmError) {
    // Four bytes hold fewer bits than 32: whatever they are, they are in range.
    if remaining >= 4 {
      let bytes = UInt32(littleEndian: UnsafeRawPointer(base + position).loadUnaligned(as: UInt32.self))
      let ends = ~bytes & 0x8080_8080
      if ends != 0 {
        position &+= ends.trailingZeroBitCount &>> 3 &+ 1
        return
      }
    }
    _ = try signed(bits: 32)
  }
}
