// A bounded reading position in the bytes of a module: bytes, LEB128 integers, floats, names.
// Everything that the decoder learns about the input goes through here, so every bound is checked here.

/// A reading position that never leaves `position ..< end`.
struct ByteCursor {
  let base: UnsafePointer<UInt8>
  /// Offset from the start of the input.
  var position: Int
  /// End of the region being read: a function body, a section or the whole input.
  var end: Int
  /// End of the whole input.
  let limit: Int
  /// Whether everything read so far was in the one form that the encoder writes: no integer longer than needed.
  var isCanonical = true

  init(_ buffer: UnsafeBufferPointer<UInt8>) {
    // The stand-in is never read: its region is empty.
    base = buffer.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
    position = 0
    end = buffer.count
    limit = buffer.count
  }

  @inline(__always) var isAtEnd: Bool { position == end }
  @inline(__always) var remaining: Int { end &- position }

  // MARK: Errors

  @inline(never)
  func malformed(_ reason: String, at offset: Int? = nil) -> WasmError {
    WasmError(.malformed, reason, offset: offset ?? position)
  }

  @inline(never)
  func unexpectedEnd() -> WasmError {
    malformed(end < limit ? "unexpected end of section or function" : "unexpected end")
  }

  // MARK: Bytes

  @inline(__always)
  mutating func byte() throws(WasmError) -> UInt8 {
    guard position < end else { throw unexpectedEnd() }
    let byte = base[position]
    position &+= 1
    return byte
  }

  /// The next byte without moving.
  @inline(__always)
  func peek() throws(WasmError) -> UInt8 {
    guard position < end else { throw unexpectedEnd() }
    return base[position]
  }

  @inline(__always)
  mutating func littleEndian32() throws(WasmError) -> UInt32 {
    guard remaining >= 4 else { throw unexpectedEnd() }
    let value = UnsafeRawPointer(base + position).loadUnaligned(as: UInt32.self)
    position &+= 4
    return UInt32(littleEndian: value)
  }

  @inline(__always)
  mutating func littleEndian64() throws(WasmError) -> UInt64 {
    guard remaining >= 8 else { throw unexpectedEnd() }
    let value = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self)
    position &+= 8
    return UInt64(littleEndian: value)
  }

  mutating func bytes(_ count: Int) throws(WasmError) -> [UInt8] {
    guard count <= remaining else { throw unexpectedEnd() }
    let bytes = [UInt8](UnsafeBufferPointer(start: base + position, count: count))
    position &+= count
    return bytes
  }

  // MARK: LEB128

  @inline(__always)
  mutating func u32() throws(WasmError) -> UInt32 {
    if position < end {
      let byte = base[position]
      if byte < 0x80 {
        position &+= 1
        return UInt32(byte)
      }
    }
    return UInt32(truncatingIfNeeded: try unsigned(bits: 32))
  }

  @inline(__always)
  mutating func u64() throws(WasmError) -> UInt64 {
    if position < end {
      let byte = base[position]
      if byte < 0x80 {
        position &+= 1
        return UInt64(byte)
      }
    }
    return try unsigned(bits: 64)
  }

  @inline(__always)
  mutating func s32() throws(WasmError) -> Int32 {
    if position < end {
      let byte = base[position]
      if byte < 0x80 {
        position &+= 1
        return Int32(Int8(bitPattern: byte << 1) >> 1)
      }
    }
    return Int32(truncatingIfNeeded: try signed(bits: 32))
  }

  @inline(__always)
  mutating func s64() throws(WasmError) -> Int64 {
    if position < end {
      let byte = base[position]
      if byte < 0x80 {
        position &+= 1
        return Int64(Int8(bitPattern: byte << 1) >> 1)
      }
    }
    return try signed(bits: 64)
  }

  /// An unsigned integer of `bits` bits in at most ⌈bits / 7⌉ bytes, whose unused bits are 0.
  @inline(never)
  mutating func unsigned(bits: UInt64) throws(WasmError) -> UInt64 {
    let start = position
    // Two bytes are the most frequent length that gets here.
    if remaining >= 2, base[start] >= 0x80, base[start &+ 1] < 0x80 {
      position &+= 2
      if base[start &+ 1] == 0 { isCanonical = false }
      return UInt64(base[start] & 0x7F) | UInt64(base[start &+ 1]) << 7
    }
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      let left = bits &- shift
      if left < 7 {
        if byte & 0x80 != 0 { throw malformed("integer representation too long", at: start) }
        if byte >> UInt8(truncatingIfNeeded: left) != 0 { throw malformed("integer too large", at: start) }
      }
      result |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 {
        if byte == 0, shift > 0 { isCanonical = false }
        return result
      }
      shift &+= 7
    }
  }

  /// A signed integer of `bits` bits in at most ⌈bits / 7⌉ bytes, whose unused bits repeat the sign.
  @inline(never)
  mutating func signed(bits: UInt64) throws(WasmError) -> Int64 {
    let start = position
    var result: UInt64 = 0
    var shift: UInt64 = 0
    /// The sign that the bytes so far would give.
    var signSoFar: Int8?
    while true {
      let byte = try byte()
      let left = bits &- shift
      let group = Int8(bitPattern: byte << 1) >> 1
      if left < 7 {
        if byte & 0x80 != 0 { throw malformed("integer representation too long", at: start) }
        let sign = group >> Int8(truncatingIfNeeded: left &- 1)
        if sign != 0 && sign != -1 { throw malformed("integer too large", at: start) }
      }
      result |= UInt64(byte & 0x7F) << shift
      shift &+= 7
      if byte & 0x80 == 0 {
        // A last byte of nothing but the sign that the one before it had already.
        if group == signSoFar { isCanonical = false }
        if group < 0 && shift < 64 { result |= ~0 << shift }
        return Int64(bitPattern: result)
      }
      signSoFar = group >> 6
    }
  }

  // MARK: Compounds

  /// The length of a vector, whose entries take at least `minimumSize` bytes each: a claim that the remaining bytes
  /// cannot hold is refused before anything is reserved for it.
  mutating func count(minimumSize: Int = 1) throws(WasmError) -> Int {
    let start = position
    let count = Int(try u32())
    guard count <= remaining / minimumSize else { throw malformed("length out of bounds", at: start) }
    return count
  }

  /// The same, for at most `limit` entries.
  mutating func count(minimumSize: Int = 1, limit: Int, _ reason: String) throws(WasmError) -> Int {
    let start = position
    let count = try count(minimumSize: minimumSize)
    guard count <= limit else { throw malformed(reason, at: start) }
    return count
  }

  mutating func name() throws(WasmError) -> String {
    let length = try count()
    let buffer = UnsafeBufferPointer(start: base + position, count: length)
    guard let name = String(validating: buffer, as: UTF8.self) else { throw malformed("malformed UTF-8 encoding") }
    position &+= length
    return name
  }

  /// The declarations of a body's locals.
  mutating func locals() throws(WasmError) -> [LocalGroup] {
    let start = position
    let count = try count(minimumSize: 2)
    if count == 0 { return [] }
    var groups: [LocalGroup] = []
    groups.reserveCapacity(count)
    var total: UInt64 = 0
    for _ in 0..<count {
      let size = try u32()
      total &+= UInt64(size)
      guard total <= ModuleDecoder.Limit.locals else { throw malformed("too many locals", at: start) }
      groups.append(LocalGroup(count: size, type: try valueType()))
    }
    return groups
  }

  /// Moves over the declarations of a body's locals.
  mutating func skipLocals() throws(WasmError) {
    let start = position
    let count = try count(minimumSize: 2)
    var total: UInt64 = 0
    for _ in 0..<count {
      total &+= UInt64(try u32())
      guard total <= ModuleDecoder.Limit.locals else { throw malformed("too many locals", at: start) }
      _ = try valueType()
    }
  }

  mutating func valueType() throws(WasmError) -> ValueType {
    guard let type = ValueType(rawValue: try byte()) else {
      throw malformed("malformed value type", at: position - 1)
    }
    return type
  }

  mutating func referenceType() throws(WasmError) -> ValueType {
    guard let type = ValueType(rawValue: try byte()), type.isReference else {
      throw malformed("malformed reference type", at: position - 1)
    }
    return type
  }

  @inline(__always)
  mutating func index<Space>(_: Space.Type = Space.self) throws(WasmError) -> Index<Space> { Index(try u32()) }
}
