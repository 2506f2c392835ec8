// Arguments and expected results of scripts.

extension Lexer {
  /// `(type.const literal)`, `(ref.null type)` or `(ref.extern number)`; anything else is beyond the features.
  mutating func value() throws(TextError) -> WastValue {
    let opening = self
    try advance()
    let value: WastValue
    if opening.isWord("i32.const") {
      value = .i32(UInt32(truncatingIfNeeded: try integer(bits: 32)))
    } else if opening.isWord("i64.const") {
      value = .i64(try integer(bits: 64))
    } else if opening.isWord("f32.const") {
      value = .f32(UInt32(truncatingIfNeeded: try float(.f32)))
    } else if opening.isWord("f64.const") {
      value = .f64(try float(.f64))
    } else if opening.isWord("v128.const") {
      value = .v128(try vector())
    } else if opening.isWord("ref.null") && (isKeyword("func") || isKeyword("extern")) {
      value = .null(isKeyword("func") ? .funcref : .externref)
      try advance()
    } else if opening.isWord("ref.extern") && kind == .number {
      value = .externref(UInt32(truncatingIfNeeded: try unsigned(bits: 32)))
    } else {
      self = opening
      try skipForms(0)
      let text = String(decoding: bytes(opening.parenthesis..<position), as: UTF8.self)
      try advance()
      return .unsupported(text)
    }
    try close()
    return value
  }

  /// An expected result: a value, a class of values, or `(either …)`.
  mutating func pattern() throws(TextError) -> WastPattern {
    let opening = self
    if isOpen("either") {
      try advance()
      var alternatives: [WastPattern] = []
      while kind == .open { alternatives.append(try pattern()) }
      try close()
      return .either(alternatives)
    }
    if let pattern = try classPattern() { return pattern }
    self = opening
    return .value(try value())
  }

  /// A pattern that stands for more than one value; nil, having moved somewhere, if this is none.
  private mutating func classPattern() throws(TextError) -> WastPattern? {
    let opening = self
    try advance()
    let pattern: WastPattern
    if opening.isWord("f32.const"), let nan {
      pattern = .nan(.f32, nan)
      try advance()
    } else if opening.isWord("f64.const"), let nan {
      pattern = .nan(.f64, nan)
      try advance()
    } else if opening.isWord("v128.const"), let lanes = try lanePattern() {
      pattern = lanes
    } else if opening.isWord("ref.null") && kind == .close {
      pattern = .null
    } else if opening.isWord("ref.func") && kind == .close {
      pattern = .reference(.funcref)
    } else if opening.isWord("ref.extern") && kind == .close {
      pattern = .reference(.externref)
    } else {
      return nil
    }
    try close()
    return pattern
  }

  /// The class that the current token names.
  private var nan: WastNaN? {
    isKeyword("nan:canonical") ? .canonical : isKeyword("nan:arithmetic") ? .arithmetic : nil
  }

  /// A vector of floats of which at least one lane is a class; nil, having moved somewhere, if it is another vector.
  private mutating func lanePattern() throws(TextError) -> WastPattern? {
    let isF32 = isKeyword("f32x4")
    guard isF32 || isKeyword("f64x2") else { return nil }
    try advance()
    var lanes: [WastLane] = []
    var hasClass = false
    for _ in 0..<(isF32 ? 4 : 2) {
      if let nan {
        lanes.append(.nan(nan))
        hasClass = true
        try advance()
      } else {
        lanes.append(.bits(try float(isF32 ? .f32 : .f64)))
      }
    }
    return hasClass ? .lanes(isF32 ? .f32 : .f64, lanes) : nil
  }
}
