// Names of the name section as identifiers of the text format, where they can be: unique in their space, no odd signs.
// Built by the module printer; read for every index that the instruction printer writes.

/// The identifiers of one index space.
struct Identifiers<Space> {
  /// Identifier without `$` of each index, or nil.
  private(set) var identifiers: [String?] = []
  /// Names that cannot be identifiers, by index.
  private(set) var comments: [UInt32: String] = [:]

  init() {}

  /// - Parameter count: size of the index space; names of other indices are ignored.
  init(_ names: [IndexedName<Space>], count: Int) {
    if names.isEmpty || count == 0 { return }
    identifiers = [String?](repeating: nil, count: count)
    var owners: [String: Int] = [:]
    for entry in names where entry.index.position < count && identifiers[entry.index.position] == nil {
      identifiers[entry.index.position] = entry.name
      owners[entry.name, default: 0] += 1
    }
    for (position, name) in identifiers.enumerated() {
      guard let name else { continue }
      if owners[name] != 1 || !Self.isIdentifier(name) {
        identifiers[position] = nil
        comments[UInt32(truncatingIfNeeded: position)] = name
      }
    }
  }

  subscript(_ index: Index<Space>) -> String? {
    index.position < identifiers.count ? identifiers[index.position] : nil
  }

  /// Whether the text format takes `name` after a `$`.
  static func isIdentifier(_ name: String) -> Bool { !name.isEmpty && name.utf8.allSatisfy(isIdentifierCharacter) }
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
    if let identifier = identifiers[index] {
      byte(0x24)
      text(identifier)
    } else {
      decimal(index.value)
    }
  }

  /// Writes ` $identifier (;index;)` where an item is declared; a name that is no identifier goes into the comment.
  mutating func declaration<Space>(_ index: Index<Space>, _ identifiers: Identifiers<Space>) {
    if let identifier = identifiers[index] {
      text(" $")
      text(identifier)
    }
    text(" (;")
    decimal(index.value)
    if let name = identifiers.comments[index.value] {
      space()
      commented(name)
    }
    text(";)")
  }

  /// A name inside of a comment, which it must not be able to end.
  private mutating func commented(_ name: String) {
    for value in name.utf8 {
      if isIdentifierCharacter(value) || value == 0x20 { byte(value) } else { escaped(value) }
    }
  }
}
