// The module model that every stage reads and writes: decoder → validator → instrumenter → encoder, and the generator.

/// What an import provides.
public enum ImportKind: Hashable, Sendable {
  case function(TypeIndex)
  case table(TableType)
  case memory(MemoryType)
  case global(GlobalType)
}

/// An import: two-level name and kind.
public struct Import: Hashable, Sendable {
  public var module: String
  public var name: String
  public var kind: ImportKind

  public init(module: String, name: String, kind: ImportKind) {
    self.module = module
    self.name = name
    self.kind = kind
  }
}

/// What an export names.
public enum ExportKind: Hashable, Sendable {
  case function(FunctionIndex)
  case table(TableIndex)
  case memory(MemoryIndex)
  case global(GlobalIndex)
}

/// An export.
public struct Export: Hashable, Sendable {
  public var name: String
  public var kind: ExportKind

  public init(name: String, kind: ExportKind) {
    self.name = name
    self.kind = kind
  }
}

/// A run of equal locals.
public struct LocalGroup: Hashable, Sendable {
  public var count: UInt32
  public var type: ValueType

  public init(count: UInt32, type: ValueType) {
    self.count = count
    self.type = type
  }
}

/// A function defined in the module.
public struct Function: Hashable, Sendable {
  public var type: TypeIndex
  public var body: FunctionBody

  public init(type: TypeIndex, body: FunctionBody) {
    self.type = type
    self.body = body
  }
}

/// A global defined in the module.
public struct Global: Hashable, Sendable {
  public var type: GlobalType
  /// The constant expression, without its final `end`.
  public var initializer: [Instruction]

  public init(_ type: GlobalType, _ initializer: [Instruction]) {
    self.type = type
    self.initializer = initializer
  }
}

/// What an element segment holds.
public enum ElementItems: Hashable, Sendable {
  case functions([FunctionIndex])
  /// Constant expressions without their final `end`, with the reference type of the segment.
  case expressions(ValueType, [[Instruction]])

  public var count: Int {
    switch self {
    case .functions(let functions): functions.count
    case .expressions(_, let expressions): expressions.count
    }
  }
}

/// When an element segment is used.
public enum ElementMode: Hashable, Sendable {
  case active(TableIndex, offset: [Instruction])
  case passive
  case declarative
}

/// An element segment.
public struct ElementSegment: Hashable, Sendable {
  public var mode: ElementMode
  public var items: ElementItems

  public init(mode: ElementMode, items: ElementItems) {
    self.mode = mode
    self.items = items
  }
}

/// When a data segment is used.
public enum DataMode: Hashable, Sendable {
  case active(MemoryIndex, offset: [Instruction])
  case passive
}

/// A data segment.
public struct DataSegment: Hashable, Sendable {
  public var mode: DataMode
  public var bytes: [UInt8]

  public init(mode: DataMode, bytes: [UInt8]) {
    self.mode = mode
    self.bytes = bytes
  }
}

/// A section, in the order in which sections stand in a binary; the raw value is that position, not the binary id.
public enum SectionOrder: UInt8, CaseIterable, Comparable, Sendable {
  case start, type, `import`, function, table, memory, global, export, startFunction, element, dataCount, code, data

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The name of the section in messages.
  var title: String {
    switch self {
    case .startFunction: "start"
    case .dataCount: "data count"
    default: "\(self)"
    }
  }
}

/// A custom section, kept as raw bytes.
public struct CustomSection: Hashable, Sendable {
  public var name: String
  public var bytes: [UInt8]
  /// The known section that it follows, whether present or not; `.start`: it stands before all of them. The decoder
  /// names the last one possible, so that a section at the end is `.data` whether there is data or not.
  public var follows: SectionOrder

  public init(name: String, bytes: [UInt8], follows: SectionOrder = .data) {
    self.name = name
    self.bytes = bytes
    self.follows = follows
  }
}

/// A WebAssembly module.
public struct Module: Hashable, Sendable {
  public var types: [FunctionType] = []
  public var imports: [Import] = []
  public var functions: [Function] = []
  public var tables: [Table] = []
  public var memories: [MemoryType] = []
  public var globals: [Global] = []
  public var exports: [Export] = []
  public var start: FunctionIndex?
  public var elements: [ElementSegment] = []
  /// Whether the data count section is present (needed by `memory.init` and `data.drop`).
  public var hasDataCount = false
  public var data: [DataSegment] = []
  public var customSections: [CustomSection] = []

  public init() {}
}

/// A table defined in the module.
public struct Table: Hashable, Sendable {
  public var type: TableType
  /// Initial value of every element, without the final `end`; nil: null.
  public var initializer: [Instruction]?

  public init(_ type: TableType, initializer: [Instruction]? = nil) {
    self.type = type
    self.initializer = initializer
  }
}
