// The fields of a module: imports, functions, tables, memories, globals, exports, the start function, and what these
// abbreviate. The second walk.

extension ModuleParser {
  // MARK: Imports and exports

  /// `(import "module" "name" (kind $id? type))`
  mutating func importField(_ lexer: inout Lexer) throws(TextError) {
    try checkImportIsEarly(lexer)
    note(.import(module.imports.count), at: lexer.parenthesis)
    try lexer.advance()
    let (moduleName, name) = (try lexer.name(), try lexer.name())
    let kind: ImportKind
    if lexer.isOpen("func") {
      try lexer.advance()
      kind = try importedFunction(&lexer, try takeName(&lexer))
    } else if lexer.isOpen("table") {
      try lexer.advance()
      note(try takeName(&lexer), next.tables, \.tables)
      kind = try importedTable(&lexer)
    } else if lexer.isOpen("memory") {
      try lexer.advance()
      note(try takeName(&lexer), next.memories, \.memories)
      kind = try importedMemory(&lexer)
    } else if lexer.isOpen("global") {
      try lexer.advance()
      note(try takeName(&lexer), next.globals, \.globals)
      kind = .global(try globalType(&lexer))
      next.globals += 1
    } else {
      throw lexer.unexpected("(func, (table, (memory or (global")
    }
    try lexer.close()
    module.imports.append(Import(module: moduleName, name: name, kind: kind))
  }

  private mutating func importedFunction(_ lexer: inout Lexer, _ name: String?) throws(TextError) -> ImportKind {
    note(name, next.functions, \.functions)
    epoch += 1
    let type = try typeUse(&lexer, names: .locals)
    noteLocals()
    next.functions += 1
    return .function(type)
  }

  private mutating func importedTable(_ lexer: inout Lexer) throws(TextError) -> ImportKind {
    let (is64Bit, limits, element) = try tableType(&lexer)
    guard let limits else { throw lexer.unexpected("limits") }
    next.tables += 1
    return .table(TableType(element, limits, is64Bit: is64Bit))
  }

  private mutating func importedMemory(_ lexer: inout Lexer) throws(TextError) -> ImportKind {
    let (is64Bit, limits) = try memoryType(&lexer)
    guard let limits else { throw lexer.unexpected("limits") }
    next.memories += 1
    return .memory(MemoryType(limits, is64Bit: is64Bit))
  }

  private func checkImportIsEarly(_ lexer: borrowing Lexer) throws(TextError) {
    if let definition { throw lexer.failure("import after \(definition)", at: lexer.parenthesis) }
  }

  /// `(import "module" "name")` within a definition; nil where there is none.
  private mutating func inlineImport(_ lexer: inout Lexer) throws(TextError) -> (module: String, name: String)? {
    guard lexer.isOpen("import") else { return nil }
    try checkImportIsEarly(lexer)
    note(.import(module.imports.count), at: lexer.parenthesis)
    try lexer.advance()
    let (moduleName, name) = (try lexer.name(), try lexer.name())
    try lexer.close()
    return (moduleName, name)
  }

  /// `(export "name")*` within a definition.
  private mutating func inlineExports(_ lexer: inout Lexer, _ kind: ExportKind) throws(TextError) {
    while lexer.isOpen("export") {
      note(.export(module.exports.count), at: lexer.parenthesis)
      try lexer.advance()
      module.exports.append(Export(name: try lexer.name(), kind: kind))
      try lexer.close()
    }
  }

  /// `(export "name" (kind index))`
  mutating func exportField(_ lexer: inout Lexer) throws(TextError) {
    note(.export(module.exports.count), at: lexer.parenthesis)
    try lexer.advance()
    let name = try lexer.name()
    guard lexer.kind == .open else { throw lexer.unexpected("(") }
    let start = lexer
    try lexer.advance()
    let kind: ExportKind
    if start.isWord("func") {
      kind = .function(try reference(.function, &lexer))
    } else if start.isWord("table") {
      kind = .table(try reference(.table, &lexer))
    } else if start.isWord("memory") {
      kind = .memory(try reference(.memory, &lexer))
    } else if start.isWord("global") {
      kind = .global(try reference(.global, &lexer))
    } else {
      throw start.unexpected("(func, (table, (memory or (global")
    }
    try lexer.close()
    module.exports.append(Export(name: name, kind: kind))
  }

  /// `(start index)`
  mutating func startField(_ lexer: inout Lexer) throws(TextError) {
    if module.start != nil { throw lexer.failure("multiple start sections", at: lexer.parenthesis) }
    note(.start, at: lexer.parenthesis)
    try lexer.advance()
    module.start = try reference(.function, &lexer)
  }

  // MARK: Functions

  /// `(func $id? (export …)* (import …)? type-use (local …)* instruction*)`
  mutating func function(_ lexer: inout Lexer) throws(TextError) {
    note(.function(FunctionIndex(next.functions)), at: lexer.parenthesis)
    try lexer.advance()
    let name = try takeName(&lexer)
    try inlineExports(&lexer, .function(FunctionIndex(next.functions)))
    if let (moduleName, field) = try inlineImport(&lexer) {
      let kind = try importedFunction(&lexer, name)
      module.imports.append(Import(module: moduleName, name: field, kind: kind))
      return
    }
    definition = "function"
    note(name, next.functions, \.functions)
    epoch += 1
    functionTypes.append(try typeUse(&lexer, names: .locals))
    let locals = try self.locals(&lexer)
    noteLocals()
    try body(&lexer, locals)
    if !code.labelNames.isEmpty {
      names.labels.append(FunctionNames(FunctionIndex(next.functions), code.labelNames))
    }
    next.functions += 1
  }

  /// The instructions of the function; its body is written as it stands in a code section.
  private mutating func body(_ lexer: inout Lexer, _ locals: [LocalGroup]) throws(TextError) {
    let start = code.bodies.count
    bodyStarts.append(UInt32(truncatingIfNeeded: start))
    // Most bodies need a size of two bytes; the others are moved.
    let region = code.bodies.open(expected: 0x80)
    code.bodies.locals(locals)
    code.writesBody = true
    if case .instruction(FunctionIndex(next.functions), let number)? = watched {
      code.keepsOffsets = true
      try expression(&lexer)
      code.keepsOffsets = false
      watchedOffset = number < code.offsets.count ? code.offsets[number] : lexer.start
    } else {
      try expression(&lexer)
    }
    code.writesBody = false
    code.bodies.instruction(Instruction(.end), labels: UnsafeBufferPointer(start: nil, count: 0))
    code.bodies.close(region)
    guard code.bodies.count - start <= ModuleDecoder.Limit.body else { throw lexer.failure("function body too large") }
  }

  /// `(local …)*`, behind the parameters in `signature`.
  private mutating func locals(_ lexer: inout Lexer) throws(TextError) -> [LocalGroup] {
    var groups: [LocalGroup] = []
    var count: UInt32 = 0
    func append(_ type: ValueType) {
      count += 1
      if groups.last?.type == type {
        groups[groups.count - 1].count += 1
      } else {
        groups.append(LocalGroup(count: 1, type: type))
      }
    }
    while lexer.isOpen("local") {
      let opening = lexer.parenthesis
      try lexer.advance()
      let number = signature.parameters.count + Int(count)
      if try !local(&lexer, number: number, .locals, { append($1) }) {
        while let type = try valueType(&lexer) { append(type) }
      }
      try lexer.close()
      guard count <= ModuleDecoder.Limit.locals else { throw lexer.failure("too many locals", at: opening) }
    }
    return groups
  }

  // MARK: Tables, memories, globals

  /// `(table $id? (export …)* (import …)? type)`, with an initial value, or with the elements in the place of limits.
  mutating func table(_ lexer: inout Lexer) throws(TextError) {
    note(.table(TableIndex(next.tables)), at: lexer.parenthesis)
    try lexer.advance()
    note(try takeName(&lexer), next.tables, \.tables)
    try inlineExports(&lexer, .table(TableIndex(next.tables)))
    if let (moduleName, field) = try inlineImport(&lexer) {
      module.imports.append(Import(module: moduleName, name: field, kind: try importedTable(&lexer)))
      return
    }
    definition = "table"
    let (is64Bit, limits, element) = try tableType(&lexer)
    if let limits {
      let initializer = lexer.kind == .close ? nil : try constantExpression(&lexer)
      module.tables.append(Table(TableType(element, limits, is64Bit: is64Bit), initializer: initializer))
    } else {
      guard lexer.isOpen("elem") else { throw lexer.unexpected("limits or (elem") }
      try lexer.advance()
      let items = try inlineItems(&lexer, element)
      try lexer.close()
      let size = UInt64(items.count)
      let type = TableType(element, Limits(minimum: size, maximum: size), is64Bit: is64Bit)
      module.tables.append(Table(type))
      let offset = is64Bit ? Instruction.i64(0) : .i32(0)
      module.elements.append(
        ElementSegment(mode: .active(TableIndex(next.tables), offset: [offset]), items: items))
      next.elements += 1
    }
    next.tables += 1
  }

  /// `(memory $id? (export …)* (import …)? type)`, with the data in the place of limits.
  mutating func memory(_ lexer: inout Lexer) throws(TextError) {
    note(.memory(MemoryIndex(next.memories)), at: lexer.parenthesis)
    try lexer.advance()
    note(try takeName(&lexer), next.memories, \.memories)
    try inlineExports(&lexer, .memory(MemoryIndex(next.memories)))
    if let (moduleName, field) = try inlineImport(&lexer) {
      module.imports.append(Import(module: moduleName, name: field, kind: try importedMemory(&lexer)))
      return
    }
    definition = "memory"
    let (is64Bit, limits) = try memoryType(&lexer)
    if let limits {
      module.memories.append(MemoryType(limits, is64Bit: is64Bit))
    } else {
      guard lexer.isOpen("data") else { throw lexer.unexpected("limits or (data") }
      try lexer.advance()
      let bytes = try lexer.strings()
      try lexer.close()
      let pages = UInt64((bytes.count + 0xFFFF) >> 16)
      module.memories.append(MemoryType(Limits(minimum: pages, maximum: pages), is64Bit: is64Bit))
      let offset = is64Bit ? Instruction.i64(0) : .i32(0)
      module.data.append(DataSegment(mode: .active(MemoryIndex(next.memories), offset: [offset]), bytes: bytes))
      next.data += 1
    }
    next.memories += 1
  }

  /// `(global $id? (export …)* (import …)? type expression)`
  mutating func global(_ lexer: inout Lexer) throws(TextError) {
    note(.global(GlobalIndex(next.globals)), at: lexer.parenthesis)
    try lexer.advance()
    note(try takeName(&lexer), next.globals, \.globals)
    try inlineExports(&lexer, .global(GlobalIndex(next.globals)))
    if let (moduleName, field) = try inlineImport(&lexer) {
      let type = try globalType(&lexer)
      module.imports.append(Import(module: moduleName, name: field, kind: .global(type)))
    } else {
      definition = "global"
      let type = try globalType(&lexer)
      module.globals.append(Global(type, try constantExpression(&lexer)))
    }
    next.globals += 1
  }

  // MARK: Names

  /// Puts an item's name into the name section, if it has one.
  mutating func note<Space>(
    _ name: String?, _ index: Int, _ names: WritableKeyPath<NameSection, [IndexedName<Space>]>
  ) {
    if let name { self.names[keyPath: names].append(IndexedName(Index(index), name)) }
  }

  /// Puts the names of the parameters and locals read last into the name section.
  private mutating func noteLocals() {
    if signature.localNames.isEmpty { return }
    names.locals.append(FunctionNames(FunctionIndex(next.functions), signature.localNames))
  }
}
