// String literals: where they end, and the bytes that they stand for.

extension Lexer {
  /// Moves over the string whose opening quote stands at `position`.
  mutating func skipString() throws(TextError) {
    let opening = position
    position &+= 1
    while true {
      while characterClasses[Int(base[position])] & CharacterClass.plain != 0 { position &+= 1 }
      switch base[position] {
      case 0x22:
        position &+= 1
        return
      case 0x5C:
        guard let length = escapeLength(position) else { throw failure("illegal escape", at: position) }
        position &+= length
      case 0x0A, 0x0D: throw failure("unclosed string", at: opening)
      default:
        throw position >= count ? failure("unclosed string", at: opening) : failure("illegal character", at: position)
      }
    }
  }

  /// The number of bytes of the escape sequence at `position`; nil: there is none.
  @inline(__always)
  private func escapeLength(_ position: Int) -> Int? {
    let byte = base[position &+ 1]
    if hexadecimalValue(byte) != nil { return hexadecimalValue(base[position &+ 2]) == nil ? nil : 3 }
    switch byte {
    // t n r " ' \
    case 0x74, 0x6E, 0x72, 0x22, 0x27, 0x5C: return 2
    case 0x75: return scalar(position)?.length
    default: return nil
    }
  }

  /// The code point of `\u{…}` at `position`.
  private func scalar(_ position: Int) -> (scalar: Unicode.Scalar, length: Int)? {
    guard base[position + 2] == 0x7B else { return nil }
    var end = position + 3
    while base[end] == 0x5F || hexadecimalValue(base[end]) != nil { end += 1 }
    guard base[end] == 0x7D, let value = digits(position + 3..<end, radix: 16), !value.overflows,
      let code = UInt32(exactly: value.magnitude), let scalar = Unicode.Scalar(code)
    else { return nil }
    return (scalar, end + 1 - position)
  }

  /// Appends the bytes of the string literal at `range`, quotes included, which has passed `skipString`.
  func appendString(_ range: Range<Int>, to bytes: inout ScratchBuffer<UInt8>) {
    var position = range.lowerBound + 1
    let end = range.upperBound - 1
    // No escape makes more bytes than it has.
    bytes.reserve(end - position)
    var target = bytes.base + bytes.count
    while position < end {
      let byte = base[position]
      if byte != 0x5C {
        target.initialize(to: byte)
        target += 1
        position &+= 1
        continue
      }
      let escape = base[position &+ 1]
      if let high = hexadecimalValue(escape) {
        target.initialize(to: high << 4 | (hexadecimalValue(base[position &+ 2]) ?? 0))
        target += 1
        position &+= 3
        continue
      }
      switch escape {
      case 0x75:
        guard let (scalar, length) = scalar(position) else { return }
        for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
          target.initialize(to: unit)
          target += 1
        }
        position += length
        continue
      case 0x74: target.initialize(to: 0x09)
      case 0x6E: target.initialize(to: 0x0A)
      case 0x72: target.initialize(to: 0x0D)
      default: target.initialize(to: escape)
      }
      target += 1
      position &+= 2
    }
    bytes.count = target - bytes.base
  }

  /// The bytes of the string literal at `range`.
  func decoded(_ range: Range<Int>) -> [UInt8] {
    var bytes = ScratchBuffer<UInt8>(capacity: range.count)
    appendString(range, to: &bytes)
    return bytes.array()
  }

  /// The string literal at `range` as a name, which has to be UTF-8.
  func decodedName(_ range: Range<Int>) throws(TextError) -> String {
    guard let name = String(validating: decoded(range), as: UTF8.self) else {
      throw failure("malformed UTF-8 encoding", at: range.lowerBound)
    }
    return name
  }
}

extension Lexer {
  /// The current string as a name; moves on.
  mutating func name() throws(TextError) -> String {
    guard kind == .string else { throw unexpected("a string") }
    let name = try decodedName(start..<stop)
    try advance()
    return name
  }

  /// The current identifier without its `$`.
  func identifierName() throws(TextError) -> String {
    if stop > start + 1 && base[start + 1] != 0x22 {
      return String(decoding: bytes(start + 1..<stop), as: UTF8.self)
    }
    let name = stop > start + 1 ? try decodedName(start + 1..<stop) : ""
    guard !name.isEmpty else { throw failure("empty identifier") }
    return name
  }

  /// The bytes of all strings up to the next other token, laid end to end.
  mutating func strings() throws(TextError) -> [UInt8] {
    guard kind == .string else { return [] }
    var bytes = ScratchBuffer<UInt8>(capacity: stop - start)
    while kind == .string {
      appendString(start..<stop, to: &bytes)
      try advance()
    }
    return bytes.array()
  }
}
