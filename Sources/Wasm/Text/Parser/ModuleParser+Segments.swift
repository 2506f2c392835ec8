// Element and data segments, in all their abbreviations.

extension ModuleParser {
  /// `(elem $id? declare? …)` with `(table x)? (offset …)` for an active one, then the items.
  mutating func elementSegment(_ lexer: inout Lexer) throws(TextError) {
    note(.element(ElementIndex(next.elements)), at: lexer.parenthesis)
    try lexer.advance()
    note(try takeName(&lexer), next.elements, \.elements)
    next.elements += 1
    if lexer.isKeyword("declare") {
      try lexer.advance()
      module.elements.append(ElementSegment(mode: .declarative, items: try items(&lexer, isKindOptional: false)))
    } else if lexer.kind == .open && !lexer.isWord("ref") {
      var table = TableIndex(0 as UInt32)
      let hasTable = lexer.isOpen("table")
      if hasTable {
        try lexer.advance()
        table = try reference(.table, &lexer)
        try lexer.close()
      }
      let offset = try self.offset(&lexer)
      let items = try items(&lexer, isKindOptional: !hasTable)
      module.elements.append(ElementSegment(mode: .active(table, offset: offset), items: items))
    } else {
      module.elements.append(ElementSegment(mode: .passive, items: try items(&lexer, isKindOptional: false)))
    }
  }

  /// `(data $id? …)` with `(memory x)? (offset …)` for an active one, then the bytes.
  mutating func dataSegment(_ lexer: inout Lexer) throws(TextError) {
    note(.data(DataIndex(next.data)), at: lexer.parenthesis)
    try lexer.advance()
    note(try takeName(&lexer), next.data, \.data)
    next.data += 1
    var mode = DataMode.passive
    if lexer.kind == .open {
      var memory = MemoryIndex(0 as UInt32)
      if lexer.isOpen("memory") {
        try lexer.advance()
        memory = try reference(.memory, &lexer)
        try lexer.close()
      }
      mode = .active(memory, offset: try offset(&lexer))
    }
    module.data.append(DataSegment(mode: mode, bytes: try lexer.strings()))
  }

  /// `(offset instruction*)`, or one folded instruction.
  private mutating func offset(_ lexer: inout Lexer) throws(TextError) -> [Instruction] {
    try wrappedExpression("offset", &lexer)
  }

  private mutating func wrappedExpression(_ word: StaticString, _ lexer: inout Lexer) throws(TextError) -> [Instruction]
  {
    guard lexer.isOpen(word) else { return try constantExpression(&lexer, isSingle: true) }
    try lexer.advance()
    let expression = try constantExpression(&lexer)
    try lexer.close()
    return expression
  }

  /// `func index*`, or a reference type and expressions.
  private mutating func items(_ lexer: inout Lexer, isKindOptional: Bool) throws(TextError) -> ElementItems {
    let isKind = lexer.isKeyword("func")
    if isKind || isKindOptional && lexer.kind != .keyword && !lexer.isOpen("ref") {
      if isKind { try lexer.advance() }
      return .functions(try functions(&lexer))
    }
    let type = try referenceType(&lexer)
    return .expressions(type, try expressions(&lexer))
  }

  /// The items of a segment within a table: indices or expressions.
  mutating func inlineItems(_ lexer: inout Lexer, _ type: ValueType) throws(TextError) -> ElementItems {
    if lexer.kind == .open || type != .funcref { return .expressions(type, try expressions(&lexer)) }
    return .functions(try functions(&lexer))
  }

  private mutating func functions(_ lexer: inout Lexer) throws(TextError) -> [FunctionIndex] {
    var functions: [FunctionIndex] = []
    while lexer.kind == .number || lexer.kind == .identifier { functions.append(try reference(.function, &lexer)) }
    return functions
  }

  /// `(item instruction*)` or single folded instructions, up to a closing parenthesis.
  private mutating func expressions(_ lexer: inout Lexer) throws(TextError) -> [[Instruction]] {
    var expressions: [[Instruction]] = []
    while lexer.kind == .open { expressions.append(try wrappedExpression("item", &lexer)) }
    return expressions
  }

  /// An expression up to a closing parenthesis, or a single folded instruction. What it may contain is for the validator
  /// to say, except for `br_table`, whose targets only function bodies can hold.
  mutating func constantExpression(_ lexer: inout Lexer, isSingle: Bool = false) throws(TextError) -> [Instruction] {
    let start = lexer.start
    // No local may be seen from here.
    epoch += 1
    try expression(&lexer, isSingle: isSingle)
    guard code.branchTargets.count == 0 else { throw lexer.failure("constant expression required", at: start) }
    return code.instructions.array()
  }
}
