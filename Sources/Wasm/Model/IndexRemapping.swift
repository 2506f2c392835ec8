// The one place where indices are rewritten: a walk over everything in a module that holds one. The switches have no
// `default`, so a new kind of reference does not compile until it is handled. Used by the instrumenter, the
// minimizer, the lowering and `CanisterForm`.

/// New indices for the old ones of one index space. An index without an entry stays as it is.
public struct Renumbering<Space>: Sendable {
  /// Entry i is the new index of the old index i.
  public var table: [Index<Space>]

  public init(_ table: [Index<Space>] = []) { self.table = table }

  @inlinable public subscript(_ old: Index<Space>) -> Index<Space> {
    old.position < table.count ? table[old.position] : old
  }
}

/// A renumbering for every index space of a module.
///
/// Locals are not among them: they belong to one function, and nothing renumbers them.
public struct IndexMap: Sendable {
  public var types = Renumbering<TypeSpace>()
  public var functions = Renumbering<FunctionSpace>()
  public var tables = Renumbering<TableSpace>()
  public var memories = Renumbering<MemorySpace>()
  public var globals = Renumbering<GlobalSpace>()
  public var elements = Renumbering<ElementSpace>()
  public var data = Renumbering<DataSpace>()

  public init() {}

  // MARK: Code

  /// Rewrites the indices of one instruction.
  @inlinable public func remap(_ instruction: inout Instruction) {
    switch instruction.immediate {
    case .none, .label, .labels, .resultType, .referenceType, .local, .i32, .i64, .f32, .f64, .v128, .shuffle, .lane:
      break
    case .block(let type):
      instruction.immediate = .block(remapped(type))
    case .function(let function):
      instruction.immediate = .function(functions[function])
    case .indirectCall(let type, let table):
      instruction.immediate = .indirectCall(types[type], tables[table])
    case .global(let global):
      instruction.immediate = .global(globals[global])
    case .table(let table):
      instruction.immediate = .table(tables[table])
    case .tableInit(let table, let element):
      instruction.immediate = .tableInit(tables[table], elements[element])
    case .tableCopy(let destination, let source):
      instruction.immediate = .tableCopy(destination: tables[destination], source: tables[source])
    case .element(let element):
      instruction.immediate = .element(elements[element])
    case .memory(let memory):
      instruction.immediate = .memory(memories[memory])
    case .memoryInit(let memory, let segment):
      instruction.immediate = .memoryInit(memories[memory], data[segment])
    case .memoryCopy(let destination, let source):
      instruction.immediate = .memoryCopy(destination: memories[destination], source: memories[source])
    case .memoryAccess(var access):
      access.memory = memories[access.memory]
      instruction.immediate = .memoryAccess(access)
    case .memoryLane(var access, let lane):
      access.memory = memories[access.memory]
      instruction.immediate = .memoryLane(access, lane: lane)
    case .data(let segment):
      instruction.immediate = .data(data[segment])
    }
  }

  @inlinable func remapped(_ type: BlockType) -> BlockType {
    switch type {
    case .empty, .value: type
    case .type(let index): .type(types[index])
    }
  }

  /// Rewrites the indices of a body or constant expression.
  public func remap(_ instructions: inout [Instruction]) {
    instructions.withUnsafeMutableBufferPointer { buffer in
      for position in buffer.indices { remap(&buffer[position]) }
    }
  }

  // MARK: Module

  /// Rewrites every index that the module's parts hold: code, imports, exports, segments, constant expressions, the
  /// start function and the name section. It does not move the parts themselves.
  public func remap(_ module: inout Module) {
    for position in module.imports.indices { remap(&module.imports[position].kind) }
    for position in module.functions.indices {
      module.functions[position].type = types[module.functions[position].type]
      remap(&module.functions[position].body.instructions)
    }
    for position in module.tables.indices where module.tables[position].initializer != nil {
      module.tables[position].initializer = module.tables[position].initializer.map(remapped)
    }
    for position in module.globals.indices { remap(&module.globals[position].initializer) }
    for position in module.exports.indices { remap(&module.exports[position].kind) }
    module.start = module.start.map { functions[$0] }
    for position in module.elements.indices { remap(&module.elements[position]) }
    for position in module.data.indices {
      switch module.data[position].mode {
      case .passive: break
      case .active(let memory, let offset):
        module.data[position].mode = .active(memories[memory], offset: remapped(offset))
      }
    }
    // A malformed name section names nothing, and would name the wrong things if its indices stayed.
    if module.customSections.contains(where: \.isNameSection) {
      if var names = module.names {
        remap(&names)
        module.replaceNames(names)
      } else {
        module.customSections.removeAll(where: \.isNameSection)
      }
    }
  }

  private func remapped(_ expression: [Instruction]) -> [Instruction] {
    var result = expression
    remap(&result)
    return result
  }

  private func remap(_ kind: inout ImportKind) {
    switch kind {
    case .function(let type): kind = .function(types[type])
    case .table, .memory, .global: break
    }
  }

  private func remap(_ kind: inout ExportKind) {
    switch kind {
    case .function(let function): kind = .function(functions[function])
    case .table(let table): kind = .table(tables[table])
    case .memory(let memory): kind = .memory(memories[memory])
    case .global(let global): kind = .global(globals[global])
    }
  }

  private func remap(_ segment: inout ElementSegment) {
    switch segment.mode {
    case .passive, .declarative: break
    case .active(let table, let offset):
      segment.mode = .active(tables[table], offset: remapped(offset))
    }
    switch segment.items {
    case .functions(let items):
      segment.items = .functions(items.map { functions[$0] })
    case .expressions(let type, let expressions):
      segment.items = .expressions(type, expressions.map(remapped))
    }
  }

  // MARK: Names

  /// Rewrites the indices of a name section. Where two old indices become one, the name of the first is kept.
  public func remap(_ names: inout NameSection) {
    renumber(&names.functions, functions)
    renumber(&names.locals)
    renumber(&names.labels)
    renumber(&names.types, types)
    renumber(&names.tables, tables)
    renumber(&names.memories, memories)
    renumber(&names.globals, globals)
    renumber(&names.elements, elements)
    renumber(&names.data, data)
  }

  private func renumber<Space>(_ names: inout [IndexedName<Space>], _ map: Renumbering<Space>) {
    for position in names.indices { names[position].index = map[names[position].index] }
    sortAndUnite(&names, by: \.index)
  }

  private func renumber<Space>(_ names: inout [FunctionNames<Space>]) {
    for position in names.indices { names[position].function = functions[names[position].function] }
    sortAndUnite(&names, by: \.function)
  }
}

/// Sorts by index and keeps the first of those with the same index: the form that a name section needs.
private func sortAndUnite<Entry, Space>(_ entries: inout [Entry], by index: KeyPath<Entry, Index<Space>>) {
  entries.sort { $0[keyPath: index] < $1[keyPath: index] }  // The standard library's sort is stable.
  var last: Index<Space>?
  entries.removeAll { entry in
    defer { last = entry[keyPath: index] }
    return entry[keyPath: index] == last
  }
}

extension CustomSection {
  fileprivate var isNameSection: Bool { name == NameSection.sectionName }
}

extension Module {
  /// Puts `names` in the place of the name section; does nothing where there is none.
  public mutating func replaceNames(_ names: NameSection) {
    guard let position = customSections.firstIndex(where: \.isNameSection) else { return }
    customSections[position].bytes = names.encoded()
  }
}
