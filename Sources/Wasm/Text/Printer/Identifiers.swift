// Names of the name section as identifiers of the text format, where they are unique in their space, and as `@name`
// annotations where they are not.
// Built by the module printer; read for every index that the instruction printer writes.

/// The identifiers of one index space.
struct Identifiers<Space> {
  /// The identifier of each index as it is written, or nil.
  private var identifiers: [String?] = []
  /// Names that cannot be identifiers: empty ones, and those that an earlier index has already.
  private var annotations: [UInt32: String] = [:]

  init() {}

  /// - Parameter count: size of the index space; names of other indices are ignored.
  init(_ names: [IndexedName<Space>], count: Int) {
    if names.isEmpty || count == 0 { return }
    identifiers = [String?](repeating: nil, count: count)
    var taken: Set<String> = []
    for entry in names where entry.index.position < count && identifiers[entry.index.position] == nil {
      guard annotations[entry.index.value] == nil else { continue }
      if !entry.name.isEmpty && taken.insert(entry.name).inserted {
        identifiers[entry.index.position] = identifierText(entry.name)
      } else {
        annotations[entry.index.value] = entry.name
      }
    }
  }

  /// The identifier of an index as it is written, with its `$`; nil: it has none.
  subscript(_ index: Index<Space>) -> String? {
    index.position < identifiers.count ? identifiers[index.position] : nil
  }

  /// The name of an index that has no identifier.
  func annotation(_ index: Index<Space>) -> String? { annotations.isEmpty ? nil : annotations[index.value] }

  func isNamed(_ index: Index<Space>) -> Bool { self[index] != nil || annotation(index) != nil }
}

/// A name as an identifier, quoted where the format asks for it. Not for the empty name.
func identifierText(_ name: String) -> String {
  if name.utf8.allSatisfy(isIdentifierCharacter) { return "$\(name)" }
  var sink = TextSink(capacity: name.utf8.count + 16)
  sink.byte(0x24)
  sink.quoted(name)
  return sink.string()
}

/// The signs that identifiers are made of.
func isIdentifierCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
  // ! # $ % & ' * + - . / : < = > ? @ \ ^ _ ` | ~
  case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D...0x2F, 0x3A, 0x3C...0x40, 0x5C, 0x5E...0x60, 0x7C, 0x7E: true
  default: false
  }
}

/// The identifiers of a module.
struct ModuleIdentifiers {
  var functions = Identifiers<FunctionSpace>()
  var types = Identifiers<TypeSpace>()
  var tables = Identifiers<TableSpace>()
  var memories = Identifiers<MemorySpace>()
  var globals = Identifiers<GlobalSpace>()
  var elements = Identifiers<ElementSpace>()
  var data = Identifiers<DataSpace>()
  /// Of the function being printed.
  var locals = Identifiers<LocalSpace>()
  /// Of the function being printed; nil: its labels have no names.
  var labels: Identifiers<LabelSpace>?

  init() {}

  init(_ names: NameSection, _ module: Module, _ spaces: IndexSpaces) {
    functions = Identifiers(names.functions, count: spaces.functions.count)
    types = Identifiers(names.types, count: module.types.count)
    tables = Identifiers(names.tables, count: spaces.tables.count)
    memories = Identifiers(names.memories, count: spaces.memories.count)
    globals = Identifiers(names.globals, count: spaces.globals.count)
    elements = Identifiers(names.elements, count: module.elements.count)
    data = Identifiers(names.data, count: module.data.count)
  }
}

extension TextSink {
  /// Writes an index as its identifier, or as a number.
  mutating func reference<Space>(_ index: Index<Space>, _ identifiers: Identifiers<Space>) {
    if let identifier = identifiers[index] { text(identifier) } else { decimal(index.value) }
  }

  /// Writes ` $identifier` or ` (@name "…")` where an item is declared.
  mutating func name<Space>(_ index: Index<Space>, _ identifiers: Identifiers<Space>) {
    if let identifier = identifiers[index] {
      space()
      text(identifier)
    } else if let name = identifiers.annotation(index) {
      annotatedName(name)
    }
  }

  mutating func annotatedName(_ name: String) {
    text(" (@name ")
    quoted(name)
    text(")")
  }

  /// The same, then the index in a comment.
  mutating func declaration<Space>(_ index: Index<Space>, _ identifiers: Identifiers<Space>) {
    name(index, identifiers)
    text(" (;")
    decimal(index.value)
    text(";)")
  }
}
