// Bytes → module: preamble, sections in their order, and the counts that have to agree between sections.
// The first step of the spine; `InstructionDecoder` reads the code, `validate` judges the result.

/// Decodes a module of the binary format.
///
/// Custom sections may stand anywhere and are kept as raw bytes. The memory used is bounded by a multiple of the length
/// of the input, whatever lengths the input claims.
/// - Throws: `.malformed` with the offset of the first byte that cannot be read.
public func decode(_ bytes: [UInt8]) throws(WasmError) -> Module {
  try decode(bytes, leavesCodeUnread: false)
}

/// - Parameter leavesCodeUnread: whether to leave it to the validator to find out that a body is malformed.
private func decode(_ bytes: [UInt8], leavesCodeUnread: Bool) throws(WasmError) -> Module {
  try bytes.withUnsafeBufferPointer { buffer throws(WasmError) in
    var decoder = ModuleDecoder(buffer)
    decoder.leavesCodeUnread = leavesCodeUnread
    try decoder.decodeModule()
    decoder.makeFunctions(bytes)
    return decoder.module
  }
}

/// Decodes and validates a module.
///
/// Reads function bodies once, where `decode` and `validate` read them once each.
/// - Throws: what `decode` throws, else what `validate` throws with its byte offset.
public func decodeAndValidate(_ bytes: [UInt8]) throws(WasmError) -> Module {
  do throws(WasmError) {
    let module = try decode(bytes, leavesCodeUnread: true)
    try validate(module)
    return module
  } catch {
    // The module is refused. Which error comes first is for the two steps to say, one after the other.
  }
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
  /// Specification: appendix "Implementation Limitations".
  enum Limit {
    static let bytes = 1 << 30
    static let types = 1_000_000
    static let imports = 1_000_000
    static let functions = 1_000_000
    static let tables = 100_000
    static let memories = 100
    static let globals = 1_000_000
    static let exports = 1_000_000
    /// Of elements, and as many of data.
    static let segments = 100_000
    /// Bytes of a body.
    static let body = 7_654_321
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
  /// Whether bodies are left to be read for the first time by the validator.
  var leavesCodeUnread = false
  var sharedExpressions = SharedArrays<Instruction>()
  private var sharedTypes = SharedArrays<ValueType>()
  private var functionTypes: [TypeIndex] = []
  /// Offsets of the bodies, each at its size.
  private var bodyStarts: [UInt32] = []
  /// Whether all bodies are known to be what the encoder would write.
  private var isCodeCanonical = false
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
    guard cursor.limit <= Limit.bytes else { throw cursor.malformed("module too large", at: 0) }
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
    guard functionTypes.count == bodyStarts.count else {
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
      return bodyStarts.isEmpty
    case .data:
      try decodeData()
      return module.data.isEmpty
    }
  }

  private mutating func decodeTypes() throws(WasmError) {
    let count = try cursor.count(minimumSize: 3, limit: Limit.types, "too many types")
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
    let count = try cursor.count(limit: limit, reason)
    if count == 0 { return [] }
    let start = cursor.position
    for _ in 0..<count { _ = try cursor.valueType() }
    let bytes = UnsafeBufferPointer(start: cursor.base + start, count: count)
    return sharedTypes.array(cursor.base, start, cursor.position) { bytes.compactMap(ValueType.init(rawValue:)) }
  }

  private mutating func decodeImports() throws(WasmError) {
    let count = try cursor.count(minimumSize: 4, limit: Limit.imports, "too many imports")
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
    let count = try cursor.count(limit: Limit.functions, "too many functions")
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
    bodyStarts.reserveCapacity(count)
    let sectionEnd = cursor.end
    cursor.isCanonical = !leavesCodeUnread
    for position in 0..<count {
      let sizeOffset = cursor.position
      bodyStarts.append(UInt32(truncatingIfNeeded: sizeOffset))
      let size = try cursor.count()
      guard size <= Limit.body else { throw cursor.malformed("function body too large", at: sizeOffset) }
      cursor.end = cursor.position + size
      if leavesCodeUnread {
        cursor.position = cursor.end
      } else {
        try cursor.skipLocals()
        note(.instruction(FunctionIndex(counts.functions + position), number: 0))
        try code.scan(&cursor)
        guard cursor.isAtEnd else { throw cursor.malformed("section size mismatch") }
      }
      cursor.end = sectionEnd
    }
    isCodeCanonical = cursor.isCanonical
  }

  /// Joins types and bodies to functions.
  mutating func makeFunctions(_ bytes: [UInt8]) {
    let section = CodeSection(
      bytes: bytes, starts: bodyStarts, hasDataCount: module.hasDataCount, isCanonical: isCodeCanonical)
    module.functions.reserveCapacity(functionTypes.count)
    for (position, type) in functionTypes.enumerated() {
      module.functions.append(Function(type: type, body: FunctionBody(section, position)))
    }
  }
}
