// Module → text: the items in the order of the binary, each with its index in a comment.
// Comes after `decode` for people who want to read a module; `wasm-tools parse` and others read the text back.

/// The module in the text format, one instruction a line.
///
/// Parsing the text gives the same module again, apart from groups of locals that could be one, and entries of the name
/// section that are out of order or name nothing. Names become identifiers where they are unique, and annotations where
/// not; other custom sections are printed as `@custom`.
public func printText(_ module: Module) -> String {
  var printer = ModulePrinter(module)
  return printer.printModule()
}

/// The state of printing one module.
struct ModulePrinter: ~Copyable {
  let module: Module
  let spaces: IndexSpaces
  /// The name section, unless there is none or it names nothing.
  let section: NameSection?
  var names: ModuleIdentifiers
  /// Names of locals and labels by function.
  var localNames: [FunctionIndex: [IndexedName<LocalSpace>]] = [:]
  var labelNames: [FunctionIndex: [IndexedName<LabelSpace>]] = [:]
  var sink = TextSink(capacity: 1 << 14)

  init(_ module: Module) {
    self.module = module
    spaces = IndexSpaces(module)
    section = module.names.flatMap { $0.encoded().isEmpty ? nil : $0 }
    names = section.map { [spaces] in ModuleIdentifiers($0, module, spaces) } ?? ModuleIdentifiers()
    for entry in section?.locals ?? [] { localNames[entry.function] = entry.names }
    for entry in section?.labels ?? [] { labelNames[entry.function] = entry.names }
  }

  mutating func printModule() -> String {
    sink.text("(module")
    if let name = section?.module {
      if name.isEmpty {
        sink.annotatedName(name)
      } else {
        sink.space()
        sink.text(identifierText(name))
      }
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
    case .start, .function: break
    case .dataCount: dataCount()
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

  /// The name section is not printed where its contents appear as identifiers, but its place is, unless it is the last.
  private mutating func customSections(following place: SectionOrder) {
    let nameSection = section == nil ? nil : module.customSections.firstIndex { $0.name == NameSection.sectionName }
    for (position, custom) in module.customSections.enumerated() where custom.follows == place {
      let isNameSection = position == nameSection
      if isNameSection && position == module.customSections.count - 1 && place == .data { continue }
      sink.line(1)
      sink.text(isNameSection ? "(@name_section" : "(@custom ")
      if !isNameSection { sink.quoted(custom.name) }
      self.place(place)
      if !isNameSection {
        sink.space()
        sink.quoted(custom.bytes)
      }
      sink.text(")")
    }
  }

  private mutating func place(_ place: SectionOrder) {
    if place == .start { return sink.text(" (before first)") }
    // The data count section has no name.
    sink.text(place == .dataCount ? " (before " : " (after ")
    if let word = (place == .dataCount ? SectionOrder.code : place).word { sink.text(word) }
    sink.text(")")
  }

  /// The data count section, where the code does not make it necessary.
  private mutating func dataCount() {
    if !module.hasDataCount { return }
    let isImplied = module.functions.contains { function in
      function.body.instructions.contains { $0.opcode == .memoryInit || $0.opcode == .dataDrop }
    }
    if isImplied { return }
    sink.line(1)
    sink.text("(@data_count)")
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

  mutating func run(_ keyword: StaticString, _ types: [ValueType]) {
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
        importedParameters(FunctionIndex(counts.functions), type)
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
}
