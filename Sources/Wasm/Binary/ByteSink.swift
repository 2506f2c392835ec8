// The growing output of the encoder: bytes, shortest LEB128 integers, names, and regions with their size in front.
// Counterpart of `ByteCursor`.

/// Output bytes.
struct ByteSink: ~Copyable {
  private var buffer: ScratchBuffer<UInt8>

  init(capacity: Int) { buffer = ScratchBuffer(capacity: capacity) }

  var count: Int { buffer.count }

  func array() -> [UInt8] { buffer.array() }

  /// Forgets the bytes from `count` on.
  mutating func truncate(to count: Int) { buffer.count = count }

  @inline(__always)
  mutating func byte(_ byte: UInt8) { buffer.append(byte) }

  mutating func bytes(_ bytes: [UInt8], _ range: Range<Int>) {
    bytes.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { buffer.append(from: start + range.lowerBound, count: range.count) }
    }
  }

  mutating func bytes(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { buffer.append(from: start, count: source.count) }
    }
  }

  @inline(__always)
  mutating func unsigned(_ value: UInt64) {
    buffer.reserve(10)
    let target = buffer.base
    var count = buffer.count
    var rest = value
    while rest >= 0x80 {
      target[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count &+= 1
      rest >>= 7
    }
    target[count] = UInt8(truncatingIfNeeded: rest)
    buffer.count = count &+ 1
  }

  @inline(__always)
  mutating func unsigned(_ value: UInt32) { unsigned(UInt64(value)) }

  /// A count or size, which is never negative.
  mutating func length(_ value: Int) { unsigned(UInt64(truncatingIfNeeded: value)) }

  @inline(__always)
  mutating func signed(_ value: Int64) {
    buffer.reserve(10)
    let target = buffer.base
    var count = buffer.count
    var rest = value
    while rest < -64 || rest > 63 {
      target[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count &+= 1
      rest >>= 7
    }
    target[count] = UInt8(truncatingIfNeeded: rest) & 0x7F
    buffer.count = count &+ 1
  }

  @inline(__always)
  mutating func littleEndian(_ value: UInt32) {
    buffer.reserve(4)
    UnsafeMutableRawPointer(buffer.base + buffer.count).storeBytes(of: value.littleEndian, as: UInt32.self)
    buffer.count &+= 4
  }

  @inline(__always)
  mutating func littleEndian(_ value: UInt64) {
    buffer.reserve(8)
    UnsafeMutableRawPointer(buffer.base + buffer.count).storeBytes(of: value.littleEndian, as: UInt64.self)
    buffer.count &+= 8
  }

  mutating func name(_ name: String) {
    var name = name
    name.withUTF8 { utf8 in
      length(utf8.count)
      if let start = utf8.baseAddress { buffer.append(from: start, count: utf8.count) }
    }
  }

  @inline(__always)
  mutating func index<Space>(_ index: Index<Space>) { unsigned(index.value) }

  // MARK: Regions

  /// A region whose size stands in front of it and is known only at its end.
  struct Region {
    fileprivate let start: Int
    fileprivate let width: Int
  }

  /// Opens a region, leaving room for a size like `expected`.
  @inline(__always)
  mutating func open(expected: Int) -> Region {
    let region = Region(start: buffer.count, width: Self.width(expected))
    buffer.reserve(region.width)
    buffer.count &+= region.width
    return region
  }

  /// Writes the size of the region in its shortest form; moves the region where the expectation was wrong.
  mutating func close(_ region: Region) {
    let start = region.start + region.width
    let size = buffer.count - start
    let width = Self.width(size)
    if width != region.width {
      buffer.reserve(10)
      UnsafeMutableRawPointer(buffer.base + region.start + width).copyMemory(from: buffer.base + start, byteCount: size)
    }
    buffer.count = region.start
    length(size)
    buffer.count = region.start + width + size
  }

  @inline(__always)
  private static func width(_ value: Int) -> Int {
    (max(Int.bitWidth - value.leadingZeroBitCount, 1) + 6) / 7
  }
}
