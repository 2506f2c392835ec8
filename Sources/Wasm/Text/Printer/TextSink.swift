// The growing output of the printer: keywords, numbers, strings, floats that read back bit for bit.
// Used by the instruction and module printers.

/// Output text, as UTF-8.
struct TextSink: ~Copyable {
  private var buffer: ScratchBuffer<UInt8>

  init(capacity: Int) { buffer = ScratchBuffer(capacity: capacity) }

  var count: Int { buffer.count }

  /// Everything written so far.
  func string() -> String {
    String(decoding: UnsafeBufferPointer(start: buffer.base, count: buffer.count), as: UTF8.self)
  }

  // MARK: Text

  @inline(__always)
  mutating func text(_ text: StaticString) {
    text.withUTF8Buffer { utf8 in
      if let start = utf8.baseAddress { buffer.append(from: start, count: utf8.count) }
    }
  }

  mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      if let start = utf8.baseAddress { buffer.append(from: start, count: utf8.count) }
    }
  }

  @inline(__always)
  mutating func byte(_ byte: UInt8) { buffer.append(byte) }

  @inline(__always)
  mutating func space() { buffer.append(0x20) }

  /// A new line, indented by `depth` levels (at most 64: deeper code would be mostly blanks).
  mutating func line(_ depth: Int) {
    let blanks = 2 * max(0, min(depth, 64))
    buffer.reserve(1 + blanks)
    buffer.append(0x0A)
    (buffer.base + buffer.count).initialize(repeating: 0x20, count: blanks)
    buffer.count += blanks
  }

  // MARK: Numbers

  mutating func decimal(_ value: UInt64) {
    buffer.reserve(20)
    let start = buffer.count
    var rest = value
    repeat {
      buffer.append(UInt8(truncatingIfNeeded: rest % 10) &+ 0x30)
      rest /= 10
    } while rest > 0
    reverse(from: start)
  }

  mutating func decimal(_ value: UInt32) { decimal(UInt64(value)) }
  mutating func decimal(_ value: Int) { decimal(Int64(value)) }

  mutating func decimal(_ value: Int64) {
    if value < 0 { byte(0x2D) }
    decimal(value.magnitude)
  }

  /// Hexadecimal digits, at least `digits` of them, without prefix.
  mutating func hexadecimal(_ value: UInt64, digits: Int = 1) {
    let start = buffer.count
    var rest = value
    var left = digits
    repeat {
      buffer.append(Self.digit(UInt8(truncatingIfNeeded: rest & 15)))
      rest >>= 4
      left -= 1
    } while rest > 0 || left > 0
    reverse(from: start)
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 0x30 : value &+ 0x57 }

  private mutating func reverse(from start: Int) {
    var digits = UnsafeMutableBufferPointer(start: buffer.base + start, count: buffer.count - start)
    digits.reverse()
  }

  /// The float with these bits, exactly: a hexadecimal float, `inf`, or a NaN with its payload.
  mutating func float(bits: UInt64, _ format: FloatFormat) {
    let (exponentBits, fractionBits) = (format.exponentBits, format.fractionBits)
    let fraction = bits & (1 << UInt64(fractionBits) - 1)
    let exponentMask = 1 << exponentBits - 1
    let exponent = Int(truncatingIfNeeded: bits >> UInt64(fractionBits)) & exponentMask
    let bias = exponentMask >> 1
    if bits >> UInt64(fractionBits + exponentBits) & 1 == 1 { byte(0x2D) }
    if exponent == exponentMask {
      if fraction == 0 {
        text("inf")
      } else {
        text("nan:0x")
        hexadecimal(fraction)
      }
      return
    }
    if exponent == 0 && fraction == 0 {
      text("0x0p+0")
      return
    }
    text(exponent == 0 ? "0x0" : "0x1")
    if fraction != 0 {
      byte(0x2E)
      var digits = (fractionBits + 3) / 4
      var rest = fraction << UInt64(digits * 4 - fractionBits)
      while rest & 15 == 0 {
        rest >>= 4
        digits -= 1
      }
      hexadecimal(rest, digits: digits)
    }
    let power = exponent == 0 ? 1 - bias : exponent - bias
    text(power < 0 ? "p" : "p+")
    decimal(power)
  }

  // MARK: Strings

  /// A string literal with these bytes.
  mutating func quoted(_ bytes: UnsafeBufferPointer<UInt8>) {
    byte(0x22)
    for value in bytes {
      if value >= 0x20 && value < 0x7F && value != 0x22 && value != 0x5C {
        byte(value)
      } else {
        escaped(value)
      }
    }
    byte(0x22)
  }

  mutating func quoted(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { quoted($0) }
  }

  mutating func quoted(_ name: String) {
    var name = name
    name.withUTF8 { quoted($0) }
  }

  mutating func escaped(_ value: UInt8) {
    byte(0x5C)
    byte(Self.digit(value >> 4))
    byte(Self.digit(value & 15))
  }
}
