// Text → script. Stands on the lexer and the parser of modules; a module that is no module does not end the script.

/// Parses a script of the specification's test suite. A text of module fields alone is a script with one module.
///
/// - Parameter text: UTF-8.
/// - Throws: what is wrong with the script itself, with line and column. What is wrong with a module is kept with it.
public func parseScript(_ text: [UInt8]) throws(TextError) -> WastScript {
  var padded = text
  padded.append(contentsOf: repeatElement(0, count: Lexer.padding))
  return try padded.withUnsafeBufferPointer { buffer throws(TextError) in
    var reader = WastReader(Lexer(buffer))
    return WastScript(commands: try reader.commands())
  }
}

/// The state of reading one script.
struct WastReader {
  var lexer: Lexer
  /// Where the last line counted starts being counted on, and its number.
  private var counted = (position: 0, line: 1)

  init(_ lexer: Lexer) { self.lexer = lexer }

  mutating func commands() throws(TextError) -> [WastCommand] {
    try lexer.checkEncoding()
    try lexer.advance()
    var commands: [WastCommand] = []
    while lexer.kind != .end {
      guard lexer.kind == .open else { throw lexer.unexpected("a command") }
      let line = line(of: lexer.parenthesis)
      if commands.isEmpty && Self.isField(lexer) {
        return [WastCommand(kind: .module(try fieldsAlone()), line: line)]
      }
      commands.append(WastCommand(kind: try command(), line: line))
      // Annotations between commands mean nothing.
      lexer.annotations.removeAll()
    }
    return commands
  }

  /// Positions have to come in ascending order, so that counting is linear.
  private mutating func line(of position: Int) -> Int {
    while counted.position < position {
      let byte = lexer.base[counted.position]
      if byte == 0x0A || byte == 0x0D && lexer.base[counted.position + 1] != 0x0A { counted.line += 1 }
      counted.position += 1
    }
    return counted.line
  }

  private static func isField(_ lexer: Lexer) -> Bool {
    let fields: [StaticString] = [
      "func", "type", "import", "table", "memory", "global", "export", "start", "elem", "data", "tag", "rec",
    ]
    return fields.contains { lexer.isWord($0) }
  }

  // MARK: Commands

  private mutating func command() throws(TextError) -> WastCommand.Kind {
    let opening = lexer
    if lexer.isWord("module") { return try moduleCommand() }
    if lexer.isWord("invoke") || lexer.isWord("get") { return .action(try action()) }
    try lexer.advance()
    let kind: WastCommand.Kind
    if opening.isWord("register") {
      kind = .register(try lexer.name(), instance: try identifier())
    } else if opening.isWord("assert_return") {
      let action = try action()
      var patterns: [WastPattern] = []
      while lexer.kind == .open { patterns.append(try lexer.pattern()) }
      kind = .assertReturn(action, patterns)
    } else if opening.isWord("assert_trap") {
      if lexer.isOpen("module") {
        kind = .assertUninstantiable(try module(), message: try lexer.name())
      } else {
        kind = .assertTrap(try action(), message: try lexer.name())
      }
    } else if opening.isWord("assert_exhaustion") {
      kind = .assertExhaustion(try action(), message: try lexer.name())
    } else if opening.isWord("assert_exception") {
      kind = .assertException(try action())
    } else if opening.isWord("assert_malformed") {
      kind = .assertMalformed(try module(), message: try lexer.name())
    } else if opening.isWord("assert_invalid") {
      kind = .assertInvalid(try module(), message: try lexer.name())
    } else if opening.isWord("assert_unlinkable") {
      kind = .assertUnlinkable(try module(), message: try lexer.name())
    } else if opening.isWord("assert_malformed_custom") {
      kind = .assertMalformedCustom(try module(), message: try lexer.name())
    } else if opening.isWord("assert_invalid_custom") {
      kind = .assertInvalidCustom(try module(), message: try lexer.name())
    } else {
      throw opening.unexpected("a command")
    }
    try lexer.close()
    return kind
  }

  /// `(invoke $instance? "export" value*)` or `(get $instance? "export")`
  private mutating func action() throws(TextError) -> WastAction {
    let isInvoke = lexer.isOpen("invoke")
    guard isInvoke || lexer.isOpen("get") else { throw lexer.unexpected("(invoke or (get") }
    try lexer.advance()
    let instance = try identifier()
    let export = try lexer.name()
    var arguments: [WastValue] = []
    while isInvoke && lexer.kind == .open { arguments.append(try lexer.value()) }
    try lexer.close()
    return WastAction(kind: isInvoke ? .invoke(arguments) : .get, instance: instance, export: export)
  }

  /// An identifier without its `$`, if there is one.
  private mutating func identifier() throws(TextError) -> String? {
    guard lexer.kind == .identifier else { return nil }
    let name = try lexer.identifierName()
    try lexer.advance()
    return name
  }

  // MARK: Modules

  private mutating func moduleCommand() throws(TextError) -> WastCommand.Kind {
    var next = lexer
    try next.advance()
    if next.isKeyword("definition") { return .definition(try module()) }
    guard next.isKeyword("instance") else { return .module(try module()) }
    lexer = next
    try lexer.advance()
    let name = try identifier()
    let definition = try identifier()
    try lexer.close()
    return .instance(name: name, definition: definition)
  }

  /// `(module definition? $name? …)`
  private mutating func module() throws(TextError) -> WastModule {
    guard lexer.isOpen("module") else { throw lexer.unexpected("(module") }
    let opening = lexer
    try lexer.advance()
    if lexer.isKeyword("definition") { try lexer.advance() }
    let name = lexer.kind == .identifier ? try lexer.identifierName() : nil
    do throws(TextError) {
      return WastModule(name: name, source: try source())
    } catch {
      // The parentheses tell where the module ends.
      lexer = opening
      try lexer.skipForms(0)
      try lexer.advance()
      return WastModule(name: name, source: .refused(error))
    }
  }

  private mutating func source() throws(TextError) -> WastModule.Source {
    var parser = ModuleParser()
    try parser.moduleName(&lexer)
    let isBinary = lexer.isKeyword("binary")
    guard isBinary || lexer.isKeyword("quote") else { return .parsed(try parser.parse(&lexer, isWhole: false)) }
    try lexer.advance()
    let bytes = try lexer.strings()
    try lexer.close()
    return isBinary ? .binary(bytes) : .quoted(bytes)
  }

  private mutating func fieldsAlone() throws(TextError) -> WastModule {
    var parser = ModuleParser()
    return WastModule(source: .parsed(try parser.parse(&lexer, isWhole: true)))
  }
}
