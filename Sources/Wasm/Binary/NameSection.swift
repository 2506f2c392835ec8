// The names that a module carries for people: the contents of the custom section "name", decoded and encoded.
// Used by the printer for identifiers, and by the instrumenter, which has to shift the indices.

public enum LabelSpace {}
public typealias LabelIndex = Index<LabelSpace>

/// A name for an index.
public struct IndexedName<Space>: Hashable, Sendable {
  public var index: Index<Space>
  public var name: String

  public init(_ index: Index<Space>, _ name: String) {
    self.index = index
    self.name = name
  }
}

/// Names that belong to one function: of its locals or its labels.
public struct FunctionNames<Space>: Hashable, Sendable {
  public var function: FunctionIndex
  public var names: [IndexedName<Space>]

  public init(_ function: FunctionIndex, _ names: [IndexedName<Space>]) {
    self.function = function
    self.names = names
  }
}

/// A subsection that this feature set has no meaning for.
public struct RawNameSubsection: Hashable, Sendable {
  public var id: UInt8
  public var bytes: [UInt8]

  public init(id: UInt8, bytes: [UInt8]) {
    self.id = id
    self.bytes = bytes
  }
}

/// The contents of the custom section "name". Indices are as stored: nothing says that they exist in the module.
public struct NameSection: Hashable, Sendable {
  /// The name of the custom section.
  public static let sectionName = "name"

  public var module: String?
  public var functions: [IndexedName<FunctionSpace>] = []
  public var locals: [FunctionNames<LocalSpace>] = []
  public var labels: [FunctionNames<LabelSpace>] = []
  public var types: [IndexedName<TypeSpace>] = []
  public var tables: [IndexedName<TableSpace>] = []
  public var memories: [IndexedName<MemorySpace>] = []
  public var globals: [IndexedName<GlobalSpace>] = []
  public var elements: [IndexedName<ElementSpace>] = []
  public var data: [IndexedName<DataSpace>] = []
  /// Subsections with other ids, in their order; encoded after the others.
  public var unknown: [RawNameSubsection] = []

  public init() {}

  /// Decodes the contents of a "name" section; nil if they are malformed, which leaves the module valid.
  public init?(decoding bytes: [UInt8]) {
    self.init()
    do throws(WasmError) {
      try bytes.withUnsafeBufferPointer { buffer throws(WasmError) in
        var cursor = ByteCursor(buffer)
        while !cursor.isAtEnd {
          let id = try cursor.byte()
          let size = try cursor.count()
          cursor.end = cursor.position + size
          try decodeSubsection(id, &cursor)
          guard cursor.isAtEnd else { throw cursor.malformed("section size mismatch") }
          cursor.end = cursor.limit
        }
      }
    } catch {
      return nil
    }
  }

  private mutating func decodeSubsection(_ id: UInt8, _ cursor: inout ByteCursor) throws(WasmError) {
    switch id {
    case 0: module = try cursor.name()
    case 1: functions += try cursor.names()
    case 2: locals += try cursor.functionNames()
    case 3: labels += try cursor.functionNames()
    case 4: types += try cursor.names()
    case 5: tables += try cursor.names()
    case 6: memories += try cursor.names()
    case 7: globals += try cursor.names()
    case 8: elements += try cursor.names()
    case 9: data += try cursor.names()
    default: unknown.append(RawNameSubsection(id: id, bytes: try cursor.bytes(cursor.remaining)))
    }
  }

  /// The contents of the section in the binary format, without subsections that hold nothing.
  public func encoded() -> [UInt8] {
    var sink = ByteSink(capacity: 1024)
    if let module {
      sink.byte(0)
      let region = sink.open(expected: module.utf8.count + 1)
      sink.name(module)
      sink.close(region)
    }
    sink.subsection(1, functions)
    sink.subsection(2, locals)
    sink.subsection(3, labels)
    sink.subsection(4, types)
    sink.subsection(5, tables)
    sink.subsection(6, memories)
    sink.subsection(7, globals)
    sink.subsection(8, elements)
    sink.subsection(9, data)
    for subsection in unknown {
      sink.byte(subsection.id)
      sink.length(subsection.bytes.count)
      sink.bytes(subsection.bytes)
    }
    return sink.array()
  }
}

extension Module {
  /// The decoded "name" section; nil if there is none or it is malformed.
  public var names: NameSection? {
    for section in customSections where section.name == NameSection.sectionName {
      return NameSection(decoding: section.bytes)
    }
    return nil
  }
}

extension ByteCursor {
  fileprivate mutating func names<Space>() throws(WasmError) -> [IndexedName<Space>] {
    let count = try count(minimumSize: 2)
    var names: [IndexedName<Space>] = []
    names.reserveCapacity(count)
    for _ in 0..<count {
      let index: Index<Space> = try index()
      names.append(IndexedName(index, try name()))
    }
    return names
  }

  fileprivate mutating func functionNames<Space>() throws(WasmError) -> [FunctionNames<Space>] {
    let count = try count(minimumSize: 2)
    var functions: [FunctionNames<Space>] = []
    functions.reserveCapacity(count)
    for _ in 0..<count {
      let function: FunctionIndex = try index()
      functions.append(FunctionNames(function, try names()))
    }
    return functions
  }
}

extension ByteSink {
  fileprivate mutating func subsection<Space>(_ id: UInt8, _ names: [IndexedName<Space>]) {
    if names.isEmpty { return }
    byte(id)
    let region = open(expected: names.count * 16)
    self.names(names)
    close(region)
  }

  fileprivate mutating func subsection<Space>(_ id: UInt8, _ functions: [FunctionNames<Space>]) {
    if functions.isEmpty { return }
    byte(id)
    let region = open(expected: functions.count * 32)
    length(functions.count)
    for function in functions {
      index(function.function)
      names(function.names)
    }
    close(region)
  }

  private mutating func names<Space>(_ names: [IndexedName<Space>]) {
    length(names.count)
    for entry in names {
      index(entry.index)
      name(entry.name)
    }
  }
}
