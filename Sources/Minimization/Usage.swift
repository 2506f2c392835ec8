// What a module uses of itself, and the module without what it does not use.
// Used by the passes that drop parts; indices are rewritten by `IndexMap`.

import Wasm

/// A part of a module that has an index.
enum PartIndex: Hashable {
  case type(TypeIndex)
  case function(FunctionIndex)
  case table(TableIndex)
  case memory(MemoryIndex)
  case global(GlobalIndex)
  case element(ElementIndex)
  case data(DataIndex)
}

extension Instruction {
  /// Calls `body` with every part of the module that the instruction names.
  func forEachPart(_ body: (PartIndex) -> Void) {
    switch immediate {
    case .none, .label, .labels, .resultType, .referenceType, .local, .i32, .i64, .f32, .f64, .v128, .shuffle, .lane:
      break
    case .block(.type(let type)): body(.type(type))
    case .block: break
    case .function(let function): body(.function(function))
    case .indirectCall(let type, let table):
      body(.type(type))
      body(.table(table))
    case .global(let global): body(.global(global))
    case .table(let table): body(.table(table))
    case .tableInit(let table, let element):
      body(.table(table))
      body(.element(element))
    case .tableCopy(let destination, let source):
      body(.table(destination))
      body(.table(source))
    case .element(let element): body(.element(element))
    case .memory(let memory): body(.memory(memory))
    case .memoryInit(let memory, let data):
      body(.memory(memory))
      body(.data(data))
    case .memoryCopy(let destination, let source):
      body(.memory(destination))
      body(.memory(source))
    case .memoryAccess(let access), .memoryLane(let access, _): body(.memory(access.memory))
    case .data(let data): body(.data(data))
    }
  }
}

/// One flag for every part of a module, imports included, by index.
struct PartFlags {
  var types: [Bool]
  var functions: [Bool]
  var tables: [Bool]
  var memories: [Bool]
  var globals: [Bool]
  var elements: [Bool]
  var data: [Bool]

  init(_ module: Module, repeating flag: Bool) {
    let spaces = IndexSpaces(module)
    types = Array(repeating: flag, count: module.types.count)
    functions = Array(repeating: flag, count: spaces.functions.count)
    tables = Array(repeating: flag, count: spaces.tables.count)
    memories = Array(repeating: flag, count: spaces.memories.count)
    globals = Array(repeating: flag, count: spaces.globals.count)
    elements = Array(repeating: flag, count: module.elements.count)
    data = Array(repeating: flag, count: module.data.count)
  }

  /// The flag of a part; that of one that does not exist is true and cannot be changed.
  subscript(_ part: PartIndex) -> Bool {
    get {
      switch part {
      case .type(let index): types[checked: index.position]
      case .function(let index): functions[checked: index.position]
      case .table(let index): tables[checked: index.position]
      case .memory(let index): memories[checked: index.position]
      case .global(let index): globals[checked: index.position]
      case .element(let index): elements[checked: index.position]
      case .data(let index): data[checked: index.position]
      }
    }
    set {
      switch part {
      case .type(let index): types[checked: index.position] = newValue
      case .function(let index): functions[checked: index.position] = newValue
      case .table(let index): tables[checked: index.position] = newValue
      case .memory(let index): memories[checked: index.position] = newValue
      case .global(let index): globals[checked: index.position] = newValue
      case .element(let index): elements[checked: index.position] = newValue
      case .data(let index): data[checked: index.position] = newValue
      }
    }
  }

  /// The parts with a flag of false, types left out.
  var unmarked: [PartIndex] {
    func unmarked<Space>(_ flags: [Bool], _ make: (Index<Space>) -> PartIndex) -> [PartIndex] {
      flags.indices.filter { !flags[$0] }.map { make(Index($0)) }
    }
    return unmarked(functions, PartIndex.function) + unmarked(tables, PartIndex.table)
      + unmarked(memories, PartIndex.memory) + unmarked(globals, PartIndex.global)
      + unmarked(elements, PartIndex.element) + unmarked(data, PartIndex.data)
  }
}

extension [Bool] {
  fileprivate subscript(checked position: Int) -> Bool {
    get { indices.contains(position) ? self[position] : true }
    set { if indices.contains(position) { self[position] = newValue } }
  }
}

/// Which parts can be reached from the exports, the start function and the heap.
struct Usage {
  private(set) var flags: PartFlags
  private let module: Module
  private let spaces: IndexSpaces
  private var pending: [FunctionIndex] = []

  init(_ module: Module) {
    self.module = module
    spaces = IndexSpaces(module)
    flags = PartFlags(module, repeating: false)
    for export in module.exports { useExport(export.kind) }
    if let start = module.start { use(.function(start)) }
    // The heap is where System API calls read and write, and it is observed, whether or not code names it.
    use(.memory(module.heap))
    useImports()
    repeat {
      while let function = pending.popLast() { useBody(of: function) }
      useSegments()
    } while !pending.isEmpty
  }

  /// Nothing says what an import means that is no function: all stay.
  private mutating func useImports() {
    for position in 0..<spaces.importedTables { use(.table(TableIndex(position))) }
    for position in 0..<spaces.importedMemories { use(.memory(MemoryIndex(position))) }
    for position in 0..<spaces.importedGlobals { use(.global(GlobalIndex(position))) }
  }

  private mutating func use(_ part: PartIndex) {
    guard !flags[part] else { return }
    flags[part] = true
    switch part {
    case .function(let index):
      pending.append(index)
      use(.type(spaces.functions[index.position]))
    case .table(let index):
      let defined = index.position - spaces.importedTables
      if defined >= 0, let initializer = module.tables[defined].initializer { use(initializer) }
    case .global(let index):
      let defined = index.position - spaces.importedGlobals
      if defined >= 0 { use(module.globals[defined].initializer) }
    case .type, .memory, .element, .data: break
    }
  }

  private mutating func useExport(_ kind: ExportKind) {
    switch kind {
    case .function(let function): use(.function(function))
    case .table(let table): use(.table(table))
    case .memory(let memory): use(.memory(memory))
    case .global(let global): use(.global(global))
    }
  }

  private mutating func use(_ instructions: [Instruction]) {
    for instruction in instructions { instruction.forEachPart { use($0) } }
  }

  private mutating func useBody(of function: FunctionIndex) {
    let defined = function.position - spaces.importedFunctions
    if defined >= 0 { use(module.functions[defined].body.instructions) }
  }

  /// Segments that fill what is used, or that declare what is used.
  private mutating func useSegments() {
    for (position, segment) in module.data.enumerated() {
      guard case .active(let memory, let offset) = segment.mode, flags[.memory(memory)] else { continue }
      use(.data(DataIndex(position)))
      use(offset)
    }
    for (position, segment) in module.elements.enumerated() {
      let index = PartIndex.element(ElementIndex(position))
      switch segment.mode {
      case .active(let table, let offset):
        guard flags[.table(table)] else { continue }
        use(index)
        use(offset)
      case .declarative: if declaresUsed(segment.items) { use(index) }
      case .passive: break
      }
      guard flags[index] else { continue }
      switch segment.items {
      case .functions(let items): for item in items { use(.function(item)) }
      case .expressions(_, let items): for item in items { use(item) }
      }
    }
  }

  /// Whether a declaration is needed, because one of its functions is.
  private func declaresUsed(_ items: ElementItems) -> Bool {
    switch items {
    case .functions(let items): return items.contains { flags[.function($0)] }
    case .expressions(_, let items):
      for instruction in items.joined() {
        if case .function(let function) = instruction.immediate, flags[.function(function)] { return true }
      }
      return false
    }
  }
}

// MARK: Dropping

extension Module {
  /// The heap, if the module defines a memory: behind the memories that it imports by name.
  var heap: MemoryIndex { MemoryIndex(IndexSpaces(self).importedMemories) }

  /// Number of parts with an index, and of exports and custom sections.
  var partCount: Int {
    types.count + imports.count + functions.count + tables.count + memories.count + globals.count + elements.count
      + data.count + exports.count + customSections.count
  }

  /// What the code of the module names, whether or not that code is used.
  func namedParts() -> PartFlags {
    var flags = PartFlags(self, repeating: false)
    for function in functions {
      for instruction in function.body.instructions { instruction.forEachPart { flags[$0] = true } }
    }
    return flags
  }

  /// The module with the marked parts only, and every index rewritten. What stays must not refer to what goes.
  func keeping(_ flags: PartFlags) -> Module {
    var map = IndexMap()
    map.types = renumbering(flags.types)
    map.functions = renumbering(flags.functions)
    map.tables = renumbering(flags.tables)
    map.memories = renumbering(flags.memories)
    map.globals = renumbering(flags.globals)
    map.elements = renumbering(flags.elements)
    map.data = renumbering(flags.data)

    var result = self
    var importedFunctions = 0
    result.imports = imports.filter { entry in
      guard case .function = entry.kind else { return true }
      defer { importedFunctions += 1 }
      return flags.functions[importedFunctions]
    }
    result.types = marked(types, flags.types[...])
    result.functions = marked(functions, flags.functions.suffix(functions.count))
    result.tables = marked(tables, flags.tables.suffix(tables.count))
    result.memories = marked(memories, flags.memories.suffix(memories.count))
    result.globals = marked(globals, flags.globals.suffix(globals.count))
    result.elements = marked(elements, flags.elements[...])
    result.data = marked(data, flags.data[...])
    map.remap(&result)
    return result
  }
}

private func marked<Part>(_ parts: [Part], _ flags: ArraySlice<Bool>) -> [Part] {
  zip(parts, flags).filter(\.1).map(\.0)
}

private func renumbering<Space>(_ flags: [Bool]) -> Renumbering<Space> {
  var next: UInt32 = 0
  return Renumbering(
    flags.map { isKept in
      defer { if isKept { next += 1 } }
      return Index(next)
    })
}
