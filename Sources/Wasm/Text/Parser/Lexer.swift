// Text → tokens: one current token, read on demand. Blanks, comments and annotations are skipped; the annotations that
// mean something to a module are noted on the way.
// The parser of modules and the reader of scripts stand on it.

/// The lexer, with the token that it stands at. A copy is a place to return to.
struct Lexer {
  enum Kind: UInt8 {
    /// A parenthesis together with the keyword behind it. Where something else follows, the range is empty.
    case open
    case close
    case keyword
    /// A `$` and a name, plain or quoted.
    case identifier
    case string
    /// Starts with a digit or sign.
    case number
    /// Signs that mean nothing, as words that run into strings.
    case reserved
    case end
  }

  /// An annotation that a module may have a use for.
  struct Annotation {
    /// The identifier behind the `@`.
    var name: Range<Int>
    /// Where the contents start.
    var contents: Int
  }

  /// The text. Behind its end stands a zero, and behind that room for the loads of whole words.
  let base: UnsafePointer<UInt8>
  let count: Int
  private let classes = characterClasses

  /// Where the next token is looked for.
  var position = 0
  /// The current token.
  private(set) var kind = Kind.end
  /// Range of the current token; of `.open` that of the keyword.
  private(set) var start = 0
  private(set) var stop = 0
  /// Where the parenthesis of the current `.open` stands.
  private(set) var parenthesis = 0

  /// The annotations skipped since the parser last looked: those that `isMeaningful` chooses.
  var annotations: [Annotation] = []
  /// Whether annotations are noted.
  var notesAnnotations = true

  /// - Parameter text: the text, followed by `padding` zeros.
  init(_ text: UnsafeBufferPointer<UInt8>) {
    // The stand-in is never read: the padding makes every text longer than nothing.
    base = text.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
    count = text.count - Self.padding
  }

  /// Number of zeros that have to follow the text.
  static let padding = 16

  // MARK: Errors

  @inline(never)
  func failure(_ reason: String, at offset: Int? = nil) -> TextError {
    TextError(reason, at: min(offset ?? start, count), in: UnsafeBufferPointer(start: base, count: count))
  }

  /// The current token has no business here.
  @inline(never)
  func unexpected(_ expected: String? = nil) -> TextError {
    let wish = expected.map { ", expected \($0)" } ?? ""
    switch kind {
    case .end: return failure("unexpected end\(wish)")
    case .open: return failure("unexpected token (\(text(64))\(wish)", at: parenthesis)
    case .close, .keyword, .identifier, .string, .number: return failure("unexpected token \(text(64))\(wish)")
    case .reserved: return failure("unknown operator \(text(64))")
    }
  }

  /// The current token as it is written, cut off after `limit` bytes.
  func text(_ limit: Int = .max) -> String {
    String(decoding: UnsafeBufferPointer(start: base + start, count: min(stop - start, limit)), as: UTF8.self)
  }

  // MARK: Tokens

  /// Moves to the next token.
  mutating func advance() throws(TextError) {
    try skipBlanks()
    start = position
    switch base[position] {
    case 0x28:
      kind = .open
      parenthesis = position
      position &+= 1
      try skipBlanks()
      start = position
      if classes[Int(base[position])] & CharacterClass.lowercase != 0 {
        skipWord()
        // Not a keyword but a reserved token, which comes next.
        if base[position] == 0x22 { position = start }
      }
    case 0x29:
      kind = .close
      position &+= 1
    default: try word()
    }
    stop = position
  }

  @inline(__always)
  private mutating func skipWord() {
    while classes[Int(base[position])] & CharacterClass.word != 0 { position &+= 1 }
  }

  /// A token that is no parenthesis: the longest run of word characters and strings.
  @inline(__always)
  private mutating func word() throws(TextError) {
    let first = classes[Int(base[position])]
    skipWord()
    if position > start && base[position] != 0x22 {
      if first & CharacterClass.lowercase != 0 {
        kind = .keyword
      } else if first & CharacterClass.number != 0 {
        kind = .number
      } else {
        kind = base[start] == 0x24 ? .identifier : .reserved
      }
    } else if base[position] == 0x22 {
      try wordWithStrings()
    } else if position >= count {
      kind = .end
    } else {
      guard first & CharacterClass.reserved != 0 || base[position] == 0x3B else {
        throw failure("illegal character", at: position)
      }
      kind = .reserved
      position &+= 1
    }
  }

  @inline(never)
  private mutating func wordWithStrings() throws(TextError) {
    let prefix = position - start
    try skipString()
    let isOne = base[position] != 0x22 && classes[Int(base[position])] & CharacterClass.word == 0
    if isOne && prefix == 0 {
      kind = .string
    } else if isOne && prefix == 1 && base[start] == 0x24 {
      kind = .identifier
    } else {
      kind = .reserved
      while true {
        if base[position] == 0x22 {
          try skipString()
        } else if classes[Int(base[position])] & CharacterClass.word != 0 {
          skipWord()
        } else {
          return
        }
      }
    }
  }

  // MARK: What the current token is

  @inline(__always)
  func isWord(_ word: StaticString) -> Bool {
    stop &- start == word.utf8CodeUnitCount && starts(with: word)
  }

  @inline(__always)
  func starts(with word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard stop &- start >= count else { return false }
    for position in 0..<count where base[start &+ position] != word.utf8Start[position] { return false }
    return true
  }

  /// Whether the token is a parenthesis with this keyword.
  @inline(__always)
  func isOpen(_ word: StaticString) -> Bool { kind == .open && isWord(word) }

  @inline(__always)
  func isKeyword(_ word: StaticString) -> Bool { kind == .keyword && isWord(word) }

  // MARK: Between tokens

  /// Moves over blanks, comments and annotations.
  @inline(__always)
  private mutating func skipBlanks() throws(TextError) {
    while true {
      while classes[Int(base[position])] & CharacterClass.blank != 0 { position &+= 1 }
      let byte = base[position]
      if byte == 0x3B && base[position &+ 1] == 0x3B {
        skipLineComment()
      } else if byte == 0x28 && base[position &+ 1] == 0x3B {
        try skipBlockComment()
      } else if byte == 0x28 && base[position &+ 1] == 0x40 {
        try skipAnnotation()
      } else {
        return
      }
    }
  }

  private mutating func skipLineComment() {
    while base[position] != 0x0A && base[position] != 0x0D && position < count { position &+= 1 }
  }

  /// A comment from `(;` to the `;)` that belongs to it.
  private mutating func skipBlockComment() throws(TextError) {
    let opening = position
    var depth = 0
    repeat {
      switch (base[position], base[position &+ 1]) {
      case (0x28, 0x3B):
        depth &+= 1
        position &+= 2
      case (0x3B, 0x29):
        depth &-= 1
        position &+= 2
      default:
        if position >= count { throw failure("unclosed comment", at: opening) }
        position &+= 1
      }
    } while depth > 0
  }

  @inline(never)
  private mutating func skipAnnotation() throws(TextError) {
    let opening = position
    position += 2
    var name = position..<position
    if base[position] == 0x22 {
      try skipString()
      let quoted = try decodedName(name.lowerBound..<position)
      if quoted.isEmpty { throw failure("empty annotation id", at: opening) }
    } else {
      skipWord()
      name = name.lowerBound..<position
      if name.isEmpty { throw failure("empty annotation id", at: opening) }
    }
    if notesAnnotations && AnnotationKind(bytes(name)) != nil {
      annotations.append(Annotation(name: name, contents: position))
    }
    var depth = 1
    while depth > 0 {
      let byte = base[position]
      let classes = classes[Int(byte)]
      if classes & (CharacterClass.blank | CharacterClass.word | CharacterClass.reserved) != 0 {
        position += 1
        continue
      }
      switch (byte, base[position + 1]) {
      case (0x28, 0x3B): try skipBlockComment()
      case (0x3B, 0x3B): skipLineComment()
      case (0x28, _):
        depth += 1
        position += 1
      case (0x29, _):
        depth -= 1
        position += 1
      case (0x3B, _): position += 1
      case (0x22, _): try skipString()
      default: throw failure(position >= count ? "unclosed annotation" : "illegal character", at: position)
      }
    }
  }

  func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  // MARK: Whole forms

  /// Moves behind the parenthesis that closes the outermost of `depth` open forms, without looking at the tokens in
  /// between. The current token counts: one that opens a form makes it one more, one that closes one makes it one less.
  /// Does nothing about the current token, which is then the one before the last.
  mutating func skipForms(_ depth: Int) throws(TextError) {
    let opening = parenthesis
    var depth = depth + (kind == .open ? 1 : kind == .close ? -1 : 0)
    while depth > 0 {
      while classes[Int(base[position])] & CharacterClass.structural == 0 { position &+= 1 }
      switch (base[position], base[position &+ 1]) {
      case (0x28, 0x3B): try skipBlockComment()
      case (0x3B, 0x3B): skipLineComment()
      case (0x28, _):
        depth &+= 1
        position &+= 1
      case (0x29, _):
        depth &-= 1
        position &+= 1
      case (0x22, _): try skipString()
      default:
        if position >= count { throw failure("unclosed parenthesis", at: opening) }
        position &+= 1
      }
    }
  }
}
