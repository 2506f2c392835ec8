// What is wrong with a text, and where: line, column and a caret under the spot.
// Thrown by the parser of modules and by the reader of scripts.

/// A text that is not well-formed.
public struct TextError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The broken rule, in the words of the specification's test suite where it has words for it.
  public var reason: String
  /// Position in the text, in bytes from its start.
  public var offset: Int
  /// Number of the line, counted from 1.
  public var line: Int
  /// Position in the line, in characters counted from 1.
  public var column: Int
  /// The line, or the part of it around the spot, without tabs and control characters.
  public var excerpt: String
  /// Number of characters in `excerpt` before the spot.
  public var caret: Int

  /// - Parameter offset: the spot, at most the length of `text`.
  init(_ reason: String, at offset: Int, in text: UnsafeBufferPointer<UInt8>) {
    self.reason = reason
    self.offset = offset
    line = 1
    var lineStart = 0
    for position in 0..<offset where Self.isLineEnd(text, position) {
      line += 1
      lineStart = position + 1
    }
    column = 1
    for position in lineStart..<offset where Self.startsCharacter(text[position]) { column += 1 }
    // Of a long line only what is shown is decoded.
    var first = max(lineStart, offset - 4 * Self.shownBefore)
    while first < offset, !Self.startsCharacter(text[first]) { first += 1 }
    let before = String(decoding: text[first..<offset], as: UTF8.self).unicodeScalars.suffix(Self.shownBefore)
    var last = offset
    while last < min(text.count, offset + 4 * Self.shownAfter), text[last] != 0x0A, text[last] != 0x0D { last += 1 }
    let after = String(decoding: text[offset..<last], as: UTF8.self).unicodeScalars.prefix(Self.shownAfter)
    caret = before.count
    excerpt = ""
    for scalar in Array(before) + Array(after) {
      excerpt.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
    }
  }

  /// Characters of a long line that are shown on each side of the spot.
  private static let shownBefore = 72
  private static let shownAfter = 40

  /// Whether the byte is not a further one of a character in UTF-8.
  private static func startsCharacter(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }

  /// Whether a line ends with this byte: a line feed, or a carriage return that no line feed follows.
  private static func isLineEnd(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> Bool {
    switch text[position] {
    case 0x0A: true
    case 0x0D: position + 1 == text.count || text[position + 1] != 0x0A
    default: false
    }
  }

  public var description: String { "\(line):\(column): \(reason)" }

  /// The description, then the line and a caret under the spot, in three lines without a line feed at the end.
  public var marked: String {
    "\(description)\n  \(excerpt)\n  \(String(repeating: " ", count: caret))^"
  }
}
