// Float literals, correctly rounded (to nearest, ties to even): hexadecimal ones here, decimal ones by the standard
// library from at most as many digits as can decide the rounding. NaN with its payload, infinity.

/// The two float formats, by the widths of their fields.
struct FloatFormat {
  let exponentBits: Int
  let fractionBits: Int

  static let f32 = FloatFormat(exponentBits: 8, fractionBits: 23)
  static let f64 = FloatFormat(exponentBits: 11, fractionBits: 52)

  var bias: Int { 1 << (exponentBits - 1) - 1 }
  var infinity: UInt64 { (1 << UInt64(exponentBits) - 1) << UInt64(fractionBits) }
  var signBit: UInt64 { 1 << UInt64(exponentBits + fractionBits) }
  /// Payload of the NaN that a plain `nan` means.
  var quietBit: UInt64 { 1 << UInt64(fractionBits - 1) }

  /// `significand · 2^exponent`, a little more where `isMore`, rounded; nil where that is beyond the largest float.
  func rounded(_ significand: UInt64, exponent: Int, isMore: Bool) -> UInt64? {
    if significand == 0 { return 0 }
    let magnitude = exponent + 63 - significand.leadingZeroBitCount
    if magnitude > bias { return nil }
    let least = 1 - bias
    // Weight of the last bit that the result has, and how many bits of the significand lie below it.
    let unit = max(magnitude, least) - fractionBits
    let surplus = unit - exponent
    var quotient: UInt64
    if surplus <= 0 {
      quotient = significand << UInt64(-surplus)
    } else if surplus > 64 {
      quotient = 0
    } else {
      quotient = surplus == 64 ? 0 : significand >> UInt64(surplus)
      let half: UInt64 = 1 << UInt64(surplus - 1)
      let rest = surplus == 64 ? significand : significand & (1 << UInt64(surplus) - 1)
      if rest > half || rest == half && (isMore || quotient & 1 == 1) { quotient += 1 }
    }
    // The hidden bit of a normal number adds 1 to the exponent field, as does a carry out of the fraction.
    let bits = UInt64(max(magnitude, least) - least) << UInt64(fractionBits) + quotient
    return bits < infinity ? bits : nil
  }
}

extension Lexer {
  /// The current token as the bits of a float; moves on.
  mutating func float(_ format: FloatFormat) throws(TextError) -> UInt64 {
    guard kind == .number || kind == .keyword else { throw unexpected("a float") }
    var start = start
    var sign: UInt64 = 0
    if base[start] == 0x2D || base[start] == 0x2B {
      if base[start] == 0x2D { sign = format.signBit }
      start += 1
    }
    guard let magnitude = try floatMagnitude(start..<stop, format) else {
      throw failure("unknown operator \(text(64))")
    }
    try advance()
    return sign | magnitude
  }

  /// - Returns: nil if the text is no float.
  private func floatMagnitude(_ range: Range<Int>, _ format: FloatFormat) throws(TextError) -> UInt64? {
    let text = bytes(range)
    if text.elementsEqual("inf".utf8) { return format.infinity }
    if text.elementsEqual("nan".utf8) { return format.infinity | format.quietBit }
    if text.starts(with: "nan:0x".utf8) {
      guard let run = digits(range.lowerBound + 6..<range.upperBound, radix: 16) else { return nil }
      guard !run.overflows, run.magnitude > 0, run.magnitude >> UInt64(format.fractionBits) == 0 else {
        throw failure("constant out of range")
      }
      return format.infinity | run.magnitude
    }
    if text.starts(with: "0x".utf8) {
      return try hexadecimalFloat(range.lowerBound + 2..<range.upperBound, format)
    }
    return try decimalFloat(range, format)
  }

  /// Integer part, fraction and exponent of a float.
  private struct FloatParts {
    var integer: Range<Int>
    /// Empty where there is none.
    var fraction: Range<Int>
    /// Saturated far beyond any exponent that matters.
    var exponent: Int
  }

  private static let exponentLimit = 1 << 40

  private func floatParts(_ range: Range<Int>, radix: UInt64) -> FloatParts? {
    // p or e, in either case.
    let marker: UInt8 = radix == 16 ? 0x70 : 0x65
    let mantissaEnd = range.first { base[$0] | 0x20 == marker } ?? range.upperBound
    let mantissa = range.lowerBound..<mantissaEnd
    let point = mantissa.first { base[$0] == 0x2E }
    let integer = mantissa.lowerBound..<(point ?? mantissaEnd)
    let fraction = (point.map { $0 + 1 } ?? mantissaEnd)..<mantissaEnd
    guard digits(integer, radix: radix) != nil, fraction.isEmpty || digits(fraction, radix: radix) != nil else {
      return nil
    }
    var exponent = 0
    if mantissaEnd < range.upperBound {
      var start = mantissaEnd + 1
      let sign: UInt8 = start < range.upperBound ? base[start] : 0
      if sign == 0x2D || sign == 0x2B { start += 1 }
      guard let run = digits(start..<range.upperBound, radix: 10) else { return nil }
      exponent = run.overflows ? Self.exponentLimit : Int(min(run.magnitude, UInt64(Self.exponentLimit)))
      if sign == 0x2D { exponent = -exponent }
    }
    return FloatParts(integer: integer, fraction: fraction, exponent: exponent)
  }

  private func hexadecimalFloat(_ range: Range<Int>, _ format: FloatFormat) throws(TextError) -> UInt64? {
    guard let parts = floatParts(range, radix: 16) else { return nil }
    var significand: UInt64 = 0
    var exponent = parts.exponent
    var isMore = false
    for (digits, isFraction) in [(parts.integer, false), (parts.fraction, true)] {
      for position in digits {
        guard let digit = hexadecimalValue(base[position]) else { continue }
        if significand >> 60 == 0 {
          significand = significand << 4 | UInt64(digit)
          if isFraction { exponent -= 4 }
        } else {
          isMore = isMore || digit != 0
          if !isFraction { exponent += 4 }
        }
      }
    }
    guard let bits = format.rounded(significand, exponent: exponent, isMore: isMore) else {
      throw failure("constant out of range")
    }
    return bits
  }

  /// More digits than that cannot change to which side a number lies of the middle between two floats; whether any of
  /// them is not zero can.
  private static let decisiveDigits = 800

  private func decimalFloat(_ range: Range<Int>, _ format: FloatFormat) throws(TextError) -> UInt64? {
    guard let parts = floatParts(range, radix: 10) else { return nil }
    // The number as digits without leading zeros, to be multiplied by a power of ten.
    var text: [UInt8] = []
    var exponent = parts.exponent
    var isMore = false
    for (digits, isFraction) in [(parts.integer, false), (parts.fraction, true)] {
      for position in digits where base[position] != 0x5F {
        if text.count < Self.decisiveDigits {
          if !text.isEmpty || base[position] != 0x30 { text.append(base[position]) }
          if isFraction { exponent -= 1 }
        } else {
          isMore = isMore || base[position] != 0x30
          if !isFraction { exponent += 1 }
        }
      }
    }
    if text.isEmpty { return 0 }
    if isMore {
      text.append(0x31)
      exponent -= 1
    }
    let number = String(decoding: text, as: UTF8.self) + "e\(exponent)"
    let bits: UInt64?
    if format.fractionBits == FloatFormat.f32.fractionBits {
      bits = Float(number).map { UInt64($0.bitPattern) }
    } else {
      bits = Double(number).map(\.bitPattern)
    }
    guard let bits, bits < format.infinity else { throw failure("constant out of range") }
    return bits
  }
}
