// Text → module, in two walks over the fields: the first learns the types and which identifiers stand for which
// indices, the second reads everything else and never has to look ahead.
// Counterpart of `ModulePrinter`; `validate` judges the result.

/// Parses a module of the text format: `(module …)`, its fields alone, `(module binary …)` or `(module quote …)`.
///
/// Identifiers become a name section, as do the names of `@name` annotations; `@custom` annotations become custom
/// sections. The memory used is bounded by a multiple of the length of the text, the time is linear in it.
/// - Parameter text: UTF-8.
/// - Throws: the first error of the first walk, else of the second, with line and column.
public func parseText(_ text: [UInt8]) throws(TextError) -> Module {
  var padded = text
  padded.append(contentsOf: repeatElement(0, count: Lexer.padding))
  return try padded.withUnsafeBufferPointer { buffer throws(TextError) in
    var lexer = Lexer(buffer)
    try lexer.checkEncoding()
    var parser = ModuleParser()
    return try parseModule(&lexer, &parser)
  }
}

/// Parses a module of the text format.
public func parseText(_ text: String) throws(TextError) -> Module { try parseText(Array(text.utf8)) }

/// The place in a text of an error that was found in the module parsed from it.
///
/// - Parameters:
///   - location: the item or instruction that the error is about; the start of the text stands for none.
///   - text: what `parseText` made the module from.
public func locate(_ reason: String, at location: WasmError.Location?, inText text: [UInt8]) -> TextError {
  var padded = text
  padded.append(contentsOf: repeatElement(0, count: Lexer.padding))
  return padded.withUnsafeBufferPointer { buffer in
    var lexer = Lexer(buffer)
    var parser = ModuleParser()
    parser.watched = location
    // The text was parsed before; what a quoted or binary part of it says has no place in it.
    _ = try? parseModule(&lexer, &parser)
    return lexer.failure(reason, at: parser.watchedOffset ?? 0)
  }
}

/// Parses a text that holds one module and nothing else.
private func parseModule(_ lexer: inout Lexer, _ parser: inout ModuleParser) throws(TextError) -> Module {
  try lexer.advance()
  let opening = lexer.parenthesis
  guard lexer.isOpen("module") else { return try parser.parse(&lexer, isWhole: true) }
  try lexer.advance()
  try parser.moduleName(&lexer)
  let module: Module
  if lexer.isKeyword("binary") || lexer.isKeyword("quote") {
    module = try decodedModule(&lexer, opening)
  } else {
    module = try parser.parse(&lexer, isWhole: false)
  }
  guard lexer.kind == .end else { throw lexer.unexpected("nothing behind the module") }
  return module
}

/// The module behind `(module binary` or `(module quote`, where the lexer stands; moves behind the parenthesis.
private func decodedModule(_ lexer: inout Lexer, _ opening: Int) throws(TextError) -> Module {
  let isBinary = lexer.isKeyword("binary")
  try lexer.advance()
  let bytes = try lexer.strings()
  try lexer.close()
  if isBinary {
    do throws(WasmError) {
      return try decode(bytes)
    } catch {
      throw lexer.failure("in the binary: \(error)", at: opening)
    }
  }
  do throws(TextError) {
    return try parseText(bytes)
  } catch {
    throw lexer.failure("in the quoted text: \(error)", at: opening)
  }
}

extension Lexer {
  /// Checks that the text is UTF-8.
  func checkEncoding() throws(TextError) {
    let text = UnsafeBufferPointer(start: base, count: count)
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: text.span)
    } catch {
      throw failure("malformed UTF-8 encoding", at: error.byteOffsets.lowerBound)
    }
  }

  /// Moves over a closing parenthesis.
  mutating func close() throws(TextError) {
    guard kind == .close else { throw unexpected(")") }
    try advance()
  }
}

/// The state of parsing one module.
struct ModuleParser: ~Copyable {
  var module = Module()
  var names = NameSection()
  var symbols = SymbolTable()
  /// Indices of the next items.
  var next = NextIndices()
  /// Where the types are that need no declaration.
  var typeIndices: [FunctionType: TypeIndex] = [:]
  /// The kind of item defined last, if any is: no import may stand behind it.
  var definition: StaticString?
  /// Whether code names data segments.
  var needsDataCount = false
  /// Where the name section stands: in front of this custom section.
  var nameSectionPosition: Int?
  var nameSectionPlace = SectionOrder.data
  var code = ExpressionParser()
  /// Types of the functions defined so far, and where their bodies stand among those of `code`.
  var functionTypes: [TypeIndex] = []
  var bodyStarts: [UInt32] = []
  /// Number of the function being parsed, which tells its locals from those of others.
  var epoch: UInt32 = 0
  /// The item whose place is looked for, and the place once it was passed; see `locate`.
  var watched: WasmError.Location?
  var watchedOffset: Int?
  /// Parameters, results and names of the type use read last.
  var signature = SignatureBuffer()

  struct NextIndices {
    var functions = 0
    var tables = 0
    var memories = 0
    var globals = 0
    var elements = 0
    var data = 0
  }

  /// Reads the optional name behind `(module`.
  mutating func moduleName(_ lexer: inout Lexer) throws(TextError) {
    if lexer.kind == .identifier {
      let symbol = try symbol(&lexer)
      names.module = symbols.name(symbol)
    }
    let annotations = lexer.annotations.filter { lexer.annotationKind($0) == .name }
    guard let annotation = annotations.first else { return }
    names.module = try lexer.annotatedName(annotation)
    if annotations.count > 1 {
      throw lexer.failure("@name annotation: multiple module", at: annotations[1].name.lowerBound)
    }
    lexer.annotations = lexer.annotations.filter { lexer.annotationKind($0) != .name }
  }

  /// Reads the fields of a module, from the current token on, and its closing parenthesis unless they are the whole text.
  mutating func parse(_ lexer: inout Lexer, isWhole: Bool) throws(TextError) -> Module {
    let first = lexer
    lexer.notesAnnotations = false
    try collectDefinitions(&lexer)
    lexer = first
    next = NextIndices()
    for (position, type) in module.types.enumerated() where typeIndices[type] == nil {
      typeIndices[type] = TypeIndex(position)
    }
    try moduleAnnotations(&lexer)
    var fields = 0
    while lexer.kind == .open {
      let opening = lexer.parenthesis
      try field(&lexer)
      try moduleAnnotations(&lexer)
      fields += 1
      // Often enough to stop early, seldom enough to cost nothing.
      if fields & 0xFFF == 0 { try checkCounts(lexer, at: opening) }
    }
    try checkCounts(lexer, at: lexer.start)
    if !isWhole {
      try lexer.close()
    } else if lexer.kind != .end {
      throw lexer.unexpected("a module field")
    }
    finish()
    return module
  }

  /// A field of the module, from its opening parenthesis on.
  private mutating func field(_ lexer: inout Lexer) throws(TextError) {
    if lexer.isWord("func") {
      try function(&lexer)
    } else if lexer.isWord("type") {
      // Read by the first walk.
      try lexer.skipForms(0)
      try lexer.advance()
      return
    } else if lexer.isWord("import") {
      try importField(&lexer)
    } else if lexer.isWord("table") {
      try table(&lexer)
    } else if lexer.isWord("memory") {
      try memory(&lexer)
    } else if lexer.isWord("global") {
      try global(&lexer)
    } else if lexer.isWord("export") {
      try exportField(&lexer)
    } else if lexer.isWord("start") {
      try startField(&lexer)
    } else if lexer.isWord("elem") {
      try elementSegment(&lexer)
    } else if lexer.isWord("data") {
      try dataSegment(&lexer)
    } else {
      throw lexer.unexpected("a module field")
    }
    try checkNothingMisplaced(lexer)
    try lexer.close()
  }

  /// Refuses more items than the binary format may hold.
  private func checkCounts(_ lexer: borrowing Lexer, at offset: Int) throws(TextError) {
    typealias Limit = ModuleDecoder.Limit
    let counts: [(StaticString, Int, limit: Int)] = [
      ("types", module.types.count, Limit.types), ("imports", module.imports.count, Limit.imports),
      ("functions", functionTypes.count, Limit.functions), ("tables", module.tables.count, Limit.tables),
      ("memories", module.memories.count, Limit.memories), ("globals", module.globals.count, Limit.globals),
      ("exports", module.exports.count, Limit.exports), ("element segments", module.elements.count, Limit.segments),
      ("data segments", module.data.count, Limit.segments),
    ]
    for (what, count, limit) in counts where count > limit { throw lexer.failure("too many \(what)", at: offset) }
  }

  /// Remembers where `item` stands if it is the one looked for.
  mutating func note(_ item: WasmError.Location, at offset: Int) {
    if let watched, watched == item { watchedOffset = offset }
  }

  /// Adds what is only known at the end: the functions, the name section, and where custom sections stand.
  private mutating func finish() {
    let section = CodeSection(
      bytes: code.bodies.array(), starts: bodyStarts, hasDataCount: true, isCanonical: false)
    module.functions = functionTypes.enumerated().map { number, type in
      Function(type: type, body: FunctionBody(section, number))
    }
    module.hasDataCount = module.hasDataCount || needsDataCount
    let contents = names.encoded()
    if !contents.isEmpty {
      module.customSections.insert(
        CustomSection(name: NameSection.sectionName, bytes: contents, follows: nameSectionPlace),
        at: nameSectionPosition ?? module.customSections.count)
    }
    module.settleCustomSections()
  }
}
