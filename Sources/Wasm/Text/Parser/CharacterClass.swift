// What a byte of the text may be part of: one table, so that the loops of the lexer are one load and one test a byte.

/// Sets of characters, as bits of the table's entries.
enum CharacterClass {
  /// Part of identifiers, keywords and numbers.
  static let word: UInt8 = 1
  /// A lower-case letter, with which keywords begin.
  static let lowercase: UInt8 = 2
  /// A digit or a sign, with which numbers begin.
  static let number: UInt8 = 4
  /// Blank, tab, line feed, carriage return.
  static let blank: UInt8 = 8
  /// Stands for itself in a string.
  static let plain: UInt8 = 16
  /// A parenthesis, quote or semicolon, or the byte 0 behind the text: where counting parentheses has to look closer.
  static let structural: UInt8 = 32
  /// Neither part of a word nor structural, but possible within annotations.
  static let reserved: UInt8 = 64
}

/// The classes of every byte. Raw storage: one load per look-up.
nonisolated(unsafe) let characterClasses: UnsafePointer<UInt8> = {
  let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
  for byte in UInt8.min...UInt8.max {
    var classes: UInt8 = 0
    if isIdentifierCharacter(byte) { classes |= CharacterClass.word }
    if byte >= 0x61 && byte <= 0x7A { classes |= CharacterClass.lowercase }
    if byte >= 0x30 && byte <= 0x39 || byte == 0x2B || byte == 0x2D { classes |= CharacterClass.number }
    switch byte {
    case 0x09, 0x0A, 0x0D, 0x20: classes |= CharacterClass.blank
    case 0x00, 0x22, 0x28, 0x29, 0x3B: classes |= CharacterClass.structural
    // , [ ] { }
    case 0x2C, 0x5B, 0x5D, 0x7B, 0x7D: classes |= CharacterClass.reserved
    default: break
    }
    if byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0x7F { classes |= CharacterClass.plain }
    (table + Int(byte)).initialize(to: classes)
  }
  return UnsafePointer(table)
}()

/// The value of a hexadecimal digit; nil for other bytes.
@inline(__always)
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte &- 0x30
  case 0x41...0x46: byte &- 0x37
  case 0x61...0x66: byte &- 0x57
  default: nil
  }
}
