// Types, uses of types, and references to items by index or identifier.

/// Parameters and results as they are read, in storage that is reused.
struct SignatureBuffer {
  var parameters: [ValueType] = []
  var results: [ValueType] = []
  /// Names of parameters and locals.
  var localNames: [IndexedName<LocalSpace>] = []
}

/// What becomes of the identifiers of parameters.
enum ParameterNames {
  /// There are none.
  case forbidden
  case ignored
  /// They are locals.
  case locals
}

extension ValueType {
  /// The name of the type in the text format.
  var word: StaticString {
    switch self {
    case .i32: "i32"
    case .i64: "i64"
    case .f32: "f32"
    case .f64: "f64"
    case .v128: "v128"
    case .funcref: "funcref"
    case .externref: "externref"
    }
  }
}

extension ModuleParser {
  // MARK: Value types

  /// The type that starts with the current token; nil, without moving, if none does.
  func valueType(_ lexer: inout Lexer) throws(TextError) -> ValueType? {
    if lexer.kind == .keyword {
      for type in ValueType.allCases where lexer.isWord(type.word) {
        try lexer.advance()
        return type
      }
    } else if lexer.isOpen("ref") {
      try lexer.advance()
      guard lexer.isKeyword("null") else { throw lexer.unexpected("null: other references are beyond the features") }
      try lexer.advance()
      let type = try heapType(&lexer)
      try lexer.close()
      return type
    }
    return nil
  }

  /// `func` or `extern`, as the type of nullable references to it.
  func heapType(_ lexer: inout Lexer) throws(TextError) -> ValueType {
    let type: ValueType
    if lexer.isKeyword("func") {
      type = .funcref
    } else if lexer.isKeyword("extern") {
      type = .externref
    } else {
      throw lexer.unexpected("func or extern")
    }
    try lexer.advance()
    return type
  }

  func referenceType(_ lexer: inout Lexer) throws(TextError) -> ValueType {
    let start = lexer
    guard let type = try valueType(&lexer), type.isReference else { throw start.unexpected("a reference type") }
    return type
  }

  // MARK: Types of items

  /// An index type, which is i32 where it is not written.
  private func is64Bit(_ lexer: inout Lexer) throws(TextError) -> Bool {
    let is64Bit = lexer.isKeyword("i64")
    if is64Bit || lexer.isKeyword("i32") { try lexer.advance() }
    return is64Bit
  }

  private func limits(_ lexer: inout Lexer) throws(TextError) -> Limits {
    let minimum = try lexer.unsigned(bits: 64)
    let maximum: UInt64? = lexer.kind == .number ? try lexer.unsigned(bits: 64) : nil
    return Limits(minimum: minimum, maximum: maximum)
  }

  /// Whether addresses are 64-bit, and the limits; nil where none follow.
  func memoryType(_ lexer: inout Lexer) throws(TextError) -> (is64Bit: Bool, limits: Limits?) {
    let is64Bit = try is64Bit(&lexer)
    guard lexer.kind == .number else { return (is64Bit, nil) }
    return (is64Bit, try limits(&lexer))
  }

  /// Whether indices are 64-bit, the limits, nil where none are written, and the type of the elements.
  func tableType(_ lexer: inout Lexer) throws(TextError) -> (is64Bit: Bool, limits: Limits?, element: ValueType) {
    let (is64Bit, limits) = try memoryType(&lexer)
    return (is64Bit, limits, try referenceType(&lexer))
  }

  func globalType(_ lexer: inout Lexer) throws(TextError) -> GlobalType {
    let isMutable = lexer.isOpen("mut")
    if isMutable { try lexer.advance() }
    guard let type = try valueType(&lexer) else { throw lexer.unexpected("a value type") }
    if isMutable { try lexer.close() }
    return GlobalType(type, isMutable: isMutable)
  }

  // MARK: Uses of function types

  /// Reads `(param …)*` into `signature`.
  mutating func parameters(_ lexer: inout Lexer, names: ParameterNames) throws(TextError) {
    signature.parameters.removeAll(keepingCapacity: true)
    signature.localNames.removeAll(keepingCapacity: true)
    while lexer.isOpen("param") {
      let opening = lexer.parenthesis
      try lexer.advance()
      if try !local(&lexer, number: signature.parameters.count, names, { $0.signature.parameters.append($1) }) {
        while let type = try valueType(&lexer) { signature.parameters.append(type) }
      }
      try lexer.close()
      guard signature.parameters.count <= ModuleDecoder.Limit.parameters else {
        throw lexer.failure("too many parameters", at: opening)
      }
    }
  }

  /// Reads `(result …)*` into `signature`.
  mutating func results(_ lexer: inout Lexer) throws(TextError) {
    signature.results.removeAll(keepingCapacity: true)
    while lexer.isOpen("result") {
      let opening = lexer.parenthesis
      try lexer.advance()
      while let type = try valueType(&lexer) { signature.results.append(type) }
      try lexer.close()
      guard signature.results.count <= ModuleDecoder.Limit.results else {
        throw lexer.failure("too many results", at: opening)
      }
    }
  }

  /// Reads one parameter or local with an identifier or a `@name`.
  /// - Returns: false, without moving, if the current token is no identifier.
  mutating func local(
    _ lexer: inout Lexer, number: Int, _ names: ParameterNames, _ append: (inout ModuleParser, ValueType) -> Void
  ) throws(TextError) -> Bool {
    guard names != .forbidden, lexer.kind == .identifier || !lexer.annotations.isEmpty else { return false }
    var name: String?
    if lexer.kind == .identifier {
      let offset = lexer.start
      let symbol = try symbol(&lexer)
      name = symbols.name(symbol)
      if names == .locals {
        guard symbols[symbol].epoch != epoch else {
          throw lexer.failure("duplicate local $\(symbols.name(symbol))", at: offset)
        }
        symbols[symbol].epoch = epoch
        symbols[symbol].local = UInt32(truncatingIfNeeded: number)
      }
    }
    name = try annotatedName(&lexer) ?? name
    if let name, names == .locals { signature.localNames.append(IndexedName(LocalIndex(number), name)) }
    guard let type = try valueType(&lexer) else { throw lexer.unexpected("a value type") }
    append(&self, type)
    return true
  }

  /// Reads `(type x)? (param …)* (result …)*`; `signature` then holds the parameters and results.
  /// - Returns: the type named, which the parameters and results have to fit if there are any; nil where none is named.
  mutating func explicitType(_ lexer: inout Lexer, names: ParameterNames) throws(TextError) -> TypeIndex? {
    let opening = lexer.parenthesis
    var index: TypeIndex?
    if lexer.isOpen("type") {
      try lexer.advance()
      index = try reference(.type, &lexer)
      try lexer.close()
    }
    let isInline = lexer.isOpen("param") || lexer.isOpen("result")
    try parameters(&lexer, names: names)
    try results(&lexer)
    guard let index else { return nil }
    let isKnown = index.position < module.types.count
    if isInline {
      guard isKnown else { throw lexer.failure("unknown type \(index)", at: opening) }
      let type = module.types[index.position]
      guard type.parameters == signature.parameters, type.results == signature.results else {
        throw lexer.failure("inline function type does not match type \(index)", at: opening)
      }
    } else if isKnown {
      signature.parameters = module.types[index.position].parameters
      signature.results = module.types[index.position].results
    }
    return index
  }

  /// A use of a function type, which is added to the module's types where no type is named and none is the same.
  mutating func typeUse(_ lexer: inout Lexer, names: ParameterNames) throws(TextError) -> TypeIndex {
    try explicitType(&lexer, names: names) ?? typeOfSignature()
  }

  /// The type with the parameters and results read last.
  mutating func typeOfSignature() -> TypeIndex {
    let type = FunctionType(signature.parameters, signature.results)
    if let index = typeIndices[type] { return index }
    let index = TypeIndex(module.types.count)
    module.types.append(type)
    typeIndices[type] = index
    return index
  }

  // MARK: References

  /// The number of the identifier that the lexer stands at; moves on.
  @inline(__always)
  mutating func symbol(_ lexer: inout Lexer) throws(TextError) -> Int {
    let start = lexer.start &+ 1
    let count = lexer.stop &- start
    if count == 0 || lexer.base[start] == 0x22 { return try quotedSymbol(&lexer) }
    let number = symbols.number(lexer.base + start, count, isLasting: true)
    try lexer.advance()
    return number
  }

  @inline(never)
  private mutating func quotedSymbol(_ lexer: inout Lexer) throws(TextError) -> Int {
    let padded = Array(try lexer.identifierName().utf8) + [UInt8](repeating: 0, count: 8)
    let number = padded.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { symbols.number($0, buffer.count - 8, isLasting: false) } ?? 0
    }
    try lexer.advance()
    return number
  }

  /// An index, as a number or an identifier.
  @inline(__always)
  mutating func reference<Space>(_ space: NameSpace, _ lexer: inout Lexer) throws(TextError) -> Index<Space> {
    if lexer.kind == .number { return Index(UInt32(truncatingIfNeeded: try lexer.unsigned(bits: 32))) }
    guard lexer.kind == .identifier else { throw lexer.unexpected("an index or identifier") }
    let offset = lexer.start
    let symbol = try symbol(&lexer)
    let entry = symbols[symbol].indices[space.rawValue]
    guard entry > 0 else { throw lexer.failure("unknown \(space.word) $\(symbols.name(symbol))", at: offset) }
    return Index(entry &- 1)
  }

  /// An index where one may be left out: 0 then.
  @inline(__always)
  mutating func optionalReference<Space>(_ space: NameSpace, _ lexer: inout Lexer) throws(TextError) -> Index<Space> {
    guard lexer.kind == .number || lexer.kind == .identifier else { return Index(0 as UInt32) }
    return try reference(space, &lexer)
  }
}
