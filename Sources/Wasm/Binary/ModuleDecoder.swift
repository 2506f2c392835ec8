// Bytes → module: preamble, sections in their order, and the counts that have to agree between sections.
// The first step of the spine; `InstructionDecoder` reads the code, `validate` judges the result.

/// Decodes a module of the binary format.
///
/// Custom sections may stand anywhere and are kept as raw bytes. The memory used is bounded by a multiple of the length
/// of the input, whatever lengths the input claims.
/// - Throws: `.malformed` with the offset of the first byte that cannot be read.
public func decode(_ bytes: [UInt8]) throws(WasmError) -> Module {
  try bytes.withUnsafeBufferPointer { buffer throws(WasmError) in
    var decoder = ModuleDecoder(buffer)
    try decoder.decodeModule()
    return decoder.module
  }
}

/// Decodes and validates a module.
/// - Throws: the first error found, with its byte offset in either case.
public func decodeAndValidate(_ bytes: [UInt8]) throws(WasmError) -> Module {
  let module = try decode(bytes)
  do {
    try validate(module)
  } catch {
    throw locate(error, in: bytes)
  }
  return module
}

/// The state of decoding one module.
struct ModuleDecoder: ~Copyable {
  /// Limits that engines share (the JavaScript API's), so that the cost of validating is bounded by the size.
  enum Limit {
    static let locals: UInt64 = 50_000
    static let parameters = 1_000
    static let results = 1_000
  }

  var cursor: ByteCursor
  var code = InstructionDecoder()
  var module = Module()
  var counts = IndexCounts()
  /// The item whose offset is looked for, and the offset once it was passed; see `locate`.
  var watched: WasmError.Location?
  var watchedOffset: Int?
  private var functionTypes: [TypeIndex] = []
  private var dataCount: Int?
  private var placedCustomSections = 0

  /// How many functions, tables, memories and globals stand before the next one.
  struct IndexCounts {
    var functions = 0
    var tables = 0
    var memories = 0
    var globals = 0
  }

  init(_ buffer: UnsafeBufferPointer<UInt8>) { cursor = ByteCursor(buffer) }

  /// Remembers where `item` starts if it is the one looked for.
  @inline(__always)
  mutating func note(_ item: WasmError.Location) {
    if let watched, watched == item { watchedOffset = cursor.position }
  }

  mutating func decodeModule() throws(WasmError) {
    note(.section(.start))
    guard cursor.remaining >= 4, try cursor.littleEndian32() == 0x6D73_6100 else {
      throw cursor.malformed("magic header not detected", at: 0)
    }
    guard cursor.remaining >= 4, try cursor.littleEndian32() == 1 else {
      throw cursor.malformed("unknown binary version", at: min(4, cursor.limit))
    }
    var last = SectionOrder.start
    while !cursor.isAtEnd {
      let start = cursor.position
      let id = try cursor.byte()
      let size = try cursor.count()
      cursor.end = cursor.position + size
      if id == 0 {
        if watched == .customSection(module.customSections.count) { watchedOffset = start }
        let name = try cursor.name()
        let bytes = try cursor.bytes(cursor.remaining)
        module.customSections.append(CustomSection(name: name, bytes: bytes, follows: .data))
      } else {
        guard let section = Self.section(id) else { throw cursor.malformed("malformed section id", at: start) }
        guard section > last else { throw cursor.malformed("unexpected content after last section", at: start) }
        last = section
        if watched == .section(section) { watchedOffset = start }
        let isEmpty = try decodeSection(section)
        guard cursor.isAtEnd else { throw cursor.malformed("section size mismatch") }
        if !isEmpty { placeCustomSections(before: section) }
      }
      cursor.end = cursor.limit
    }
    guard functionTypes.isEmpty else {
      throw cursor.malformed("function and code section have inconsistent lengths")
    }
    if let dataCount, dataCount != module.data.count {
      throw cursor.malformed("data count and data section have inconsistent lengths")
    }
  }

  /// Settles the place of the custom sections read since the last section that the encoder would write: as late as
  /// possible, so that the place does not depend on sections that are empty.
  private mutating func placeCustomSections(before section: SectionOrder) {
    let place = SectionOrder(rawValue: section.rawValue &- 1) ?? .start
    while placedCustomSections < module.customSections.count {
      module.customSections[placedCustomSections].follows = place
      placedCustomSections += 1
    }
  }

  private static func section(_ id: UInt8) -> SectionOrder? {
    switch id {
    case 1: .type
    case 2: .import
    case 3: .function
    case 4: .table
    case 5: .memory
    case 6: .global
    case 7: .export
    case 8: .startFunction
    case 9: .element
    case 10: .code
    case 11: .data
    case 12: .dataCount
    default: nil
    }
  }

  /// - Returns: whether the section holds nothing, so that encoding leaves it out.
  private mutating func decodeSection(_ section: SectionOrder) throws(WasmError) -> Bool {
    switch section {
    case .start: return true
    case .type:
      try decodeTypes()
      return module.types.isEmpty
    case .import:
      try decodeImports()
      return module.imports.isEmpty
    case .function:
      try decodeFunctions()
      return functionTypes.isEmpty
    case .table:
      try decodeTables()
      return module.tables.isEmpty
    case .memory:
      try decodeMemories()
      return module.memories.isEmpty
    case .global:
      try decodeGlobals()
      return module.globals.isEmpty
    case .export:
      try decodeExports()
      return module.exports.isEmpty
    case .startFunction:
      note(.start)
      module.start = try cursor.index()
      return false
    case .element:
      try decodeElements()
      return module.elements.isEmpty
    case .dataCount:
      dataCount = Int(try cursor.u32())
      module.hasDataCount = true
      code.hasDataCount = true
      return false
    case .code:
      try decodeCode()
      return module.functions.isEmpty
    case .data:
      try decodeData()
      return module.data.isEmpty
    }
  }

  private mutating func decodeTypes() throws(WasmError) {
    let count = try cursor.count(minimumSize: 3)
    module.types.reserveCapacity(count)
    for position in 0..<count {
      note(.type(TypeIndex(position)))
      guard try cursor.byte() == 0x60 else {
        throw cursor.malformed("malformed definition type", at: cursor.position - 1)
      }
      let parameters = try valueTypes(atMost: Limit.parameters, "too many parameters")
      let results = try valueTypes(atMost: Limit.results, "too many results")
      module.types.append(FunctionType(parameters, results))
    }
  }

  private mutating func valueTypes(atMost limit: Int, _ reason: String) throws(WasmError) -> [ValueType] {
    let start = cursor.position
    let count = try cursor.count()
    if count == 0 { return [] }
    guard count <= limit else { throw cursor.malformed(reason, at: start) }
    var types: [ValueType] = []
    types.reserveCapacity(count)
    for _ in 0..<count { types.append(try cursor.valueType()) }
    return types
  }

  private mutating func decodeImports() throws(WasmError) {
    let count = try cursor.count(minimumSize: 4)
    module.imports.reserveCapacity(count)
    for position in 0..<count {
      note(.import(position))
      let moduleName = try cursor.name()
      let name = try cursor.name()
      let kind: ImportKind
      switch try cursor.byte() {
      case 0:
        kind = .function(try cursor.index())
        counts.functions += 1
      case 1:
        kind = .table(try tableType())
        counts.tables += 1
      case 2:
        kind = .memory(try memoryType())
        counts.memories += 1
      case 3:
        kind = .global(try globalType())
        counts.globals += 1
      default: throw cursor.malformed("malformed import kind", at: cursor.position - 1)
      }
      module.imports.append(Import(module: moduleName, name: name, kind: kind))
    }
  }

  private mutating func decodeFunctions() throws(WasmError) {
    let count = try cursor.count()
    functionTypes.reserveCapacity(count)
    for position in 0..<count {
      note(.function(FunctionIndex(counts.functions + position)))
      functionTypes.append(try cursor.index())
    }
  }

  private mutating func decodeCode() throws(WasmError) {
    let start = cursor.position
    let count = try cursor.count(minimumSize: 3)
    guard count == functionTypes.count else {
      throw cursor.malformed("function and code section have inconsistent lengths", at: start)
    }
    module.functions.reserveCapacity(count)
    let sectionEnd = cursor.end
    for type in functionTypes {
      let size = try cursor.count()
      cursor.end = cursor.position + size
      let locals = try decodeLocals()
      note(.instruction(FunctionIndex(counts.functions + module.functions.count), number: 0))
      try code.expression(&cursor)
      guard cursor.isAtEnd else { throw cursor.malformed("section size mismatch") }
      cursor.end = sectionEnd
      module.functions.append(
        Function(
          type: type,
          body: FunctionBody(
            locals: locals, instructions: code.instructions.array(), labels: code.labels.array())))
    }
    functionTypes = []
  }

  private mutating func decodeLocals() throws(WasmError) -> [LocalGroup] {
    let start = cursor.position
    let count = try cursor.count(minimumSize: 2)
    if count == 0 { return [] }
    var groups: [LocalGroup] = []
    groups.reserveCapacity(count)
    var total: UInt64 = 0
    for _ in 0..<count {
      let size = try cursor.u32()
      total &+= UInt64(size)
      guard total <= Limit.locals else { throw cursor.malformed("too many locals", at: start) }
      groups.append(LocalGroup(count: size, type: try cursor.valueType()))
    }
    return groups
  }
}
