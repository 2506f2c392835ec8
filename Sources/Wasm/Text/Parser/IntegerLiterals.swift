// Integer literals: decimal or hexadecimal digits with single underscores between them, and the ranges of the types.

/// The digits of a number.
struct DigitRun {
  var magnitude: UInt64
  /// Whether the number does not fit.
  var overflows: Bool
}

extension Lexer {
  /// The value of the digits at `range`; nil: they are none. Underscores may stand between two digits.
  func digits(_ range: Range<Int>, radix: UInt64) -> DigitRun? {
    var run = DigitRun(magnitude: 0, overflows: false)
    var isAfterDigit = false
    for position in range {
      let byte = base[position]
      if byte == 0x5F {
        guard isAfterDigit else { return nil }
        isAfterDigit = false
        continue
      }
      guard let digit = hexadecimalValue(byte), UInt64(digit) < radix else { return nil }
      let (product, carriesProduct) = run.magnitude.multipliedReportingOverflow(by: radix)
      let (sum, carriesSum) = product.addingReportingOverflow(UInt64(digit))
      run.magnitude = sum
      run.overflows = run.overflows || carriesProduct || carriesSum
      isAfterDigit = true
    }
    return isAfterDigit ? run : nil
  }

  /// Digits, hexadecimal ones behind `0x`.
  func prefixedDigits(_ range: Range<Int>) -> DigitRun? {
    if range.count > 2, base[range.lowerBound] == 0x30, base[range.lowerBound + 1] == 0x78 {
      return digits(range.lowerBound + 2..<range.upperBound, radix: 16)
    }
    return digits(range, radix: 10)
  }

  /// The unsigned number at `range`, a part of the current token.
  func unsigned(_ range: Range<Int>, bits: UInt64) throws(TextError) -> UInt64 {
    // Up to nine decimal digits: what indices nearly always are.
    if range.count < 10 {
      var value: UInt64 = 0
      var position = range.lowerBound
      while position < range.upperBound {
        let digit = base[position] &- 0x30
        if digit > 9 { break }
        value = value &* 10 &+ UInt64(digit)
        position &+= 1
      }
      if position == range.upperBound && position > range.lowerBound && (bits >= 32 || value >> bits == 0) {
        return value
      }
    }
    guard let run = prefixedDigits(range) else { throw failure("unexpected token \(text(64)), expected a number") }
    guard !run.overflows, bits == 64 || run.magnitude >> bits == 0 else {
      throw failure("i\(bits) constant out of range", at: range.lowerBound)
    }
    return run.magnitude
  }

  /// The current number, which has no sign; moves on.
  mutating func unsigned(bits: UInt64) throws(TextError) -> UInt64 {
    guard kind == .number else { throw unexpected("a number") }
    let value = try unsigned(start..<stop, bits: bits)
    try advance()
    return value
  }

  /// The current number as the bits of an integer type; moves on. Takes the signed and the unsigned range.
  mutating func integer(bits: UInt64) throws(TextError) -> UInt64 {
    guard kind == .number else { throw unexpected("an integer") }
    let sign = base[start]
    let digitsStart = sign == 0x2D || sign == 0x2B ? start + 1 : start
    guard let run = prefixedDigits(digitsStart..<stop) else { throw failure("unknown operator \(text(64))") }
    let isNegative = sign == 0x2D
    let limit: UInt64 = isNegative ? 1 << (bits - 1) : UInt64.max >> (64 - bits)
    guard !run.overflows, run.magnitude <= limit else { throw failure("i\(bits) constant out of range") }
    try advance()
    return (isNegative ? 0 &- run.magnitude : run.magnitude) & UInt64.max >> (64 - bits)
  }
}
