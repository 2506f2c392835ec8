// Integers, byte strings and text as bytes and back, for the sections of an envelope.
// Used by the codecs of call plans and choice sequences.

/// Appends values to a byte array. Integers are unsigned LEB128.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func integer(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func string(_ value: some Collection<UInt8>) {
    integer(UInt64(value.count))
    bytes.append(contentsOf: value)
  }
}

/// Reads what `ByteWriter` wrote. Never leaves its range, and reports offsets from the start of the whole file.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var position: Int
  let end: Int

  /// - Parameter range: what may be read; clamped to the bytes there are.
  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    let range = (range ?? bytes.indices).clamped(to: bytes.indices)
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  func malformed(_ reason: String, at offset: Int? = nil) -> CorpusError {
    .malformed(reason: reason, offset: offset ?? position)
  }

  mutating func byte() throws(CorpusError) -> UInt8 {
    guard position < end else { throw malformed("unexpected end") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func integer() throws(CorpusError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      guard shift < 63 || byte <= 1 else { throw malformed("integer beyond 64 bits", at: start) }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }

  /// The length of a list whose entries take at least one byte each.
  mutating func count(_ what: String) throws(CorpusError) -> Int {
    let start = position
    let value = try integer()
    guard value <= UInt64(remaining) else { throw malformed("\(what): \(value) do not fit the section", at: start) }
    return Int(value)
  }

  mutating func string(_ what: String) throws(CorpusError) -> [UInt8] {
    let length = try count("bytes of \(what)")
    defer { position += length }
    return Array(bytes[position..<position + length])
  }

  mutating func text(_ what: String) throws(CorpusError) -> String {
    let start = position
    guard let text = String(validating: try string(what), as: UTF8.self) else {
      throw malformed("\(what) is not UTF-8", at: start)
    }
    return text
  }

  func expectEnd() throws(CorpusError) {
    guard position == end else { throw malformed("\(remaining) bytes too many") }
  }
}
