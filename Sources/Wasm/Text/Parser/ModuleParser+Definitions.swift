// The first walk over the fields of a module: the types, and what every identifier stands for. Everything else is
// passed by counting parentheses.

extension ModuleParser {
  /// Reads all type definitions, and the identifiers of all other definitions and imports, up to the end of the fields.
  mutating func collectDefinitions(_ lexer: inout Lexer) throws(TextError) {
    while lexer.kind == .open {
      if lexer.isWord("func") {
        try define(&lexer, .function, next.functions)
        next.functions += 1
      } else if lexer.isWord("type") {
        try typeDefinition(&lexer)
        continue
      } else if lexer.isWord("import") {
        try importedDefinition(&lexer)
        continue
      } else if lexer.isWord("table") {
        try define(&lexer, .table, next.tables)
        next.tables += 1
        if try skipsInline("elem", &lexer) { next.elements += 1 }
      } else if lexer.isWord("memory") {
        try define(&lexer, .memory, next.memories)
        next.memories += 1
        if try skipsInline("data", &lexer) { next.data += 1 }
      } else if lexer.isWord("global") {
        try define(&lexer, .global, next.globals)
        next.globals += 1
      } else if lexer.isWord("elem") {
        try define(&lexer, .element, next.elements)
        next.elements += 1
      } else if lexer.isWord("data") {
        try define(&lexer, .data, next.data)
        next.data += 1
      } else {
        try lexer.skipForms(0)
        try lexer.advance()
        continue
      }
      try lexer.skipForms(1)
      try lexer.advance()
    }
  }

  /// Moves over an opening parenthesis and notes what the identifier behind it stands for, if there is one.
  private mutating func define(_ lexer: inout Lexer, _ space: NameSpace, _ index: Int) throws(TextError) {
    try lexer.advance()
    guard lexer.kind == .identifier else { return }
    let offset = lexer.start
    let symbol = try symbol(&lexer)
    guard symbols[symbol].indices[space.rawValue] == 0 else {
      throw lexer.failure("duplicate \(space.word) $\(symbols.name(symbol))", at: offset)
    }
    symbols[symbol].indices[space.rawValue] = UInt32(truncatingIfNeeded: index + 1)
  }

  /// Moves up to the inline segment of a table or memory, or to the closing parenthesis where there is none.
  private func skipsInline(_ word: StaticString, _ lexer: inout Lexer) throws(TextError) -> Bool {
    while lexer.kind != .close && lexer.kind != .end {
      if lexer.isOpen(word) { return true }
      if lexer.kind == .open { try lexer.skipForms(0) }
      try lexer.advance()
    }
    return false
  }

  private mutating func importedDefinition(_ lexer: inout Lexer) throws(TextError) {
    try lexer.advance()
    while lexer.kind == .string { try lexer.advance() }
    // Whatever is wrong here, the second walk will say.
    if lexer.isOpen("func") {
      try define(&lexer, .function, next.functions)
      next.functions += 1
    } else if lexer.isOpen("table") {
      try define(&lexer, .table, next.tables)
      next.tables += 1
    } else if lexer.isOpen("memory") {
      try define(&lexer, .memory, next.memories)
      next.memories += 1
    } else if lexer.isOpen("global") {
      try define(&lexer, .global, next.globals)
      next.globals += 1
    } else {
      try lexer.skipForms(1)
      try lexer.advance()
      return
    }
    try lexer.skipForms(2)
    try lexer.advance()
  }

  /// `(type $id? (func (param …)* (result …)*))`
  private mutating func typeDefinition(_ lexer: inout Lexer) throws(TextError) {
    let index = TypeIndex(module.types.count)
    note(.type(index), at: lexer.parenthesis)
    lexer.notesAnnotations = true
    defer { lexer.notesAnnotations = false }
    lexer.annotations.removeAll()
    let identified = lexer
    try define(&lexer, .type, module.types.count)
    lexer = identified
    try lexer.advance()
    if let name = try takeName(&lexer) { names.types.append(IndexedName(index, name)) }
    guard lexer.isOpen("func") else { throw lexer.unexpected("(func") }
    try lexer.advance()
    try parameters(&lexer, names: .ignored)
    try results(&lexer)
    try lexer.close()
    module.types.append(FunctionType(signature.parameters, signature.results))
    try checkNothingMisplaced(lexer)
    // What follows belongs to no type.
    lexer.notesAnnotations = false
    try lexer.close()
  }
}
