// Module → text: the items in the order of the binary, each with its index in a comment.
// Comes after `decode` for people who want to read a module; `wasm-tools parse` and others read the text back.

/// The module in the text format, one instruction a line.
///
/// Parsing the text gives a module that means the same. Names of the name section become identifiers where they are
/// unique and the format allows them, and comments where not; other custom sections are printed as `@custom`.
public func printText(_ module: Module) -> String {
  var printer = ModulePrinter(module)
  return printer.printModule()
}

/// The state of printing one module.
private struct ModulePrinter: ~Copyable {
  private let module: Module
  private let spaces: IndexSpaces
  private let section: NameSection?
  private var names: ModuleIdentifiers
  private var sink = TextSink(capacity: 1 << 14)

  init(_ module: Module) {
    self.module = module
    spaces = IndexSpaces(module)
    section = module.names
    names = section.map { [spaces] in ModuleIdentifiers($0, module, spaces) } ?? ModuleIdentifiers()
  }

  mutating func printModule() -> String {
    sink.text("(module")
    if let name = section?.module, Identifiers<Void>.isIdentifier(name) {
      sink.text(" $")
      sink.text(name)
    }
    customSections(following: .start)
    for place in SectionOrder.allCases where place != .start {
      known(place)
      customSections(following: place)
    }
    sink.text("\n)\n")
    return sink.string()
  }

  private mutating func known(_ place: SectionOrder) {
    switch place {
    case .start, .function, .dataCount: break
    case .type: types()
    case .import: imports()
    case .table: tables()
    case .memory: memories()
    case .global: globals()
    case .export: exports()
    case .startFunction: startFunction()
    case .element: elements()
    case .code: functions()
    case .data: data()
    }
  }

  /// The name section is not printed where its contents appear as identifiers.
  private mutating func customSections(following place: SectionOrder) {
    for custom in module.customSections where custom.follows == place {
      if custom.name == NameSection.sectionName && section != nil { continue }
      sink.line(1)
      sink.text("(@custom ")
      sink.quoted(custom.name)
      sink.text(Self.place(place))
      sink.quoted(custom.bytes)
      sink.text(")")
    }
  }

  private static func place(_ place: SectionOrder) -> StaticString {
    switch place {
    case .start: " (before first) "
    case .type: " (after type) "
    case .import: " (after import) "
    case .function: " (after func) "
    case .table: " (after table) "
    case .memory: " (after memory) "
    case .global: " (after global) "
    case .export: " (after export) "
    case .startFunction: " (after start) "
    case .element: " (after elem) "
    case .dataCount: " (before code) "
    case .code: " (after code) "
    case .data: " (after data) "
    }
  }

  // MARK: Types

  private mutating func types() {
    for (position, type) in module.types.enumerated() {
      sink.line(1)
      sink.text("(type")
      sink.declaration(TypeIndex(position), names.types)
      sink.text(" (func")
      run(" (param", type.parameters)
      run(" (result", type.results)
      sink.text("))")
    }
  }

  private mutating func run(_ keyword: StaticString, _ types: [ValueType]) {
    if types.isEmpty { return }
    sink.text(keyword)
    for type in types { sink.valueType(type) }
    sink.text(")")
  }

  private mutating func limits(_ limits: Limits, _ is64Bit: Bool) {
    sink.text(is64Bit ? " i64 " : " ")
    sink.decimal(limits.minimum)
    if let maximum = limits.maximum {
      sink.space()
      sink.decimal(maximum)
    }
  }

  private mutating func tableType(_ type: TableType) {
    limits(type.limits, type.is64Bit)
    sink.valueType(type.element)
  }

  private mutating func globalType(_ type: GlobalType) {
    if type.isMutable { sink.text(" (mut") }
    sink.valueType(type.value)
    if type.isMutable { sink.text(")") }
  }

  // MARK: Imports and definitions

  private mutating func imports() {
    var counts = ModuleDecoder.IndexCounts()
    for entry in module.imports {
      sink.line(1)
      sink.text("(import ")
      sink.quoted(entry.module)
      sink.space()
      sink.quoted(entry.name)
      switch entry.kind {
      case .function(let type):
        sink.text(" (func")
        sink.declaration(FunctionIndex(counts.functions), names.functions)
        sink.space()
        sink.typeUse(type, names)
        counts.functions += 1
      case .table(let type):
        sink.text(" (table")
        sink.declaration(TableIndex(counts.tables), names.tables)
        tableType(type)
        counts.tables += 1
      case .memory(let type):
        sink.text(" (memory")
        sink.declaration(MemoryIndex(counts.memories), names.memories)
        limits(type.limits, type.is64Bit)
        counts.memories += 1
      case .global(let type):
        sink.text(" (global")
        sink.declaration(GlobalIndex(counts.globals), names.globals)
        globalType(type)
        counts.globals += 1
      }
      sink.text("))")
    }
  }

  private mutating func tables() {
    for (position, table) in module.tables.enumerated() {
      sink.line(1)
      sink.text("(table")
      sink.declaration(TableIndex(spaces.importedTables + position), names.tables)
      tableType(table.type)
      if let initializer = table.initializer {
        sink.space()
        sink.constantExpression(initializer, names)
      }
      sink.text(")")
    }
  }

  private mutating func memories() {
    for (position, memory) in module.memories.enumerated() {
      sink.line(1)
      sink.text("(memory")
      sink.declaration(MemoryIndex(spaces.importedMemories + position), names.memories)
      limits(memory.limits, memory.is64Bit)
      sink.text(")")
    }
  }

  private mutating func globals() {
    for (position, global) in module.globals.enumerated() {
      sink.line(1)
      sink.text("(global")
      sink.declaration(GlobalIndex(spaces.importedGlobals + position), names.globals)
      globalType(global.type)
      sink.space()
      sink.constantExpression(global.initializer, names)
      sink.text(")")
    }
  }

  private mutating func exports() {
    for export in module.exports {
      sink.line(1)
      sink.text("(export ")
      sink.quoted(export.name)
      switch export.kind {
      case .function(let index):
        sink.text(" (func ")
        sink.reference(index, names.functions)
      case .table(let index):
        sink.text(" (table ")
        sink.reference(index, names.tables)
      case .memory(let index):
        sink.text(" (memory ")
        sink.reference(index, names.memories)
      case .global(let index):
        sink.text(" (global ")
        sink.reference(index, names.globals)
      }
      sink.text("))")
    }
  }

  private mutating func startFunction() {
    guard let start = module.start else { return }
    sink.line(1)
    sink.text("(start ")
    sink.reference(start, names.functions)
    sink.text(")")
  }

  // MARK: Segments

  private mutating func elements() {
    for (position, segment) in module.elements.enumerated() {
      sink.line(1)
      sink.text("(elem")
      sink.declaration(ElementIndex(position), names.elements)
      switch segment.mode {
      case .active(let table, let offset):
        sink.text(" (table ")
        sink.reference(table, names.tables)
        sink.text(")")
        self.offset(offset)
      case .passive: break
      case .declarative: sink.text(" declare")
      }
      switch segment.items {
      case .functions(let functions):
        sink.text(" func")
        for function in functions {
          sink.space()
          sink.reference(function, names.functions)
        }
      case .expressions(let type, let expressions):
        sink.valueType(type)
        for expression in expressions {
          sink.text(" (item ")
          sink.constantExpression(expression, names)
          sink.text(")")
        }
      }
      sink.text(")")
    }
  }

  private mutating func offset(_ expression: [Instruction]) {
    sink.text(" (offset ")
    sink.constantExpression(expression, names)
    sink.text(")")
  }

  private mutating func data() {
    for (position, segment) in module.data.enumerated() {
      sink.line(1)
      sink.text("(data")
      sink.declaration(DataIndex(position), names.data)
      if case .active(let memory, let offset) = segment.mode {
        sink.text(" (memory ")
        sink.reference(memory, names.memories)
        sink.text(")")
        self.offset(offset)
      }
      sink.space()
      sink.quoted(segment.bytes)
      sink.text(")")
    }
  }

  // MARK: Functions

  private mutating func functions() {
    var localNames: [FunctionIndex: [IndexedName<LocalSpace>]] = [:]
    for entry in section?.locals ?? [] { localNames[entry.function] = entry.names }
    for (position, definition) in module.functions.enumerated() {
      let index = FunctionIndex(spaces.importedFunctions + position)
      function(definition, index, localNames[index] ?? [])
    }
    names.locals = Identifiers()
  }

  private mutating func function(
    _ function: Function, _ index: FunctionIndex, _ localNames: [IndexedName<LocalSpace>]
  ) {
    let type = function.type.position < module.types.count ? module.types[function.type.position] : nil
    var locals: [ValueType] = []
    for group in function.body.locals where group.count <= ModuleDecoder.Limit.locals {
      locals += repeatElement(group.type, count: Int(group.count))
    }
    let parameters = type?.parameters ?? []
    names.locals = Identifiers(localNames, count: parameters.count + locals.count)
    sink.line(1)
    sink.text("(func")
    sink.declaration(index, names.functions)
    sink.space()
    sink.typeUse(function.type, names)
    if !parameters.isEmpty {
      sink.space()
      variables("(param", parameters, from: 0)
    }
    run(" (result", type?.results ?? [])
    if !locals.isEmpty {
      sink.line(2)
      variables("(local", locals, from: parameters.count)
    }
    sink.body(function.body, names, indentation: 2)
    sink.line(1)
    sink.text(")")
  }

  /// Parameters or locals: runs without identifiers in one pair of parentheses, those with one in a pair each.
  private mutating func variables(_ keyword: StaticString, _ types: [ValueType], from first: Int) {
    var isOpen = false
    for (position, type) in types.enumerated() {
      let identifier = names.locals[LocalIndex(first + position)]
      if isOpen && identifier != nil {
        sink.text(") ")
        isOpen = false
      } else if !isOpen && position > 0 {
        sink.space()
      }
      if !isOpen { sink.text(keyword) }
      if let identifier {
        sink.text(" $")
        sink.text(identifier)
      }
      sink.valueType(type)
      isOpen = identifier == nil
      if !isOpen { sink.text(")") }
    }
    if isOpen { sink.text(")") }
  }
}
