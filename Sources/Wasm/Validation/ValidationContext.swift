// What the rules need to know of a module, laid flat: types, and the index spaces as type codes.
// Built once per module by `validate`; read for every instruction, so nothing in it is reference counted per look-up.

/// A run of type codes in `ValidationContext.codes`.
struct TypeRun {
  var start: Int32
  var count: Int32
}

/// A function type in eight bytes: the run of its parameters, and that of its results behind it.
struct FlatFunctionType {
  private let start: UInt32
  private let parameterCount: UInt16
  private let resultCount: UInt16

  /// - Precondition: the counts are within the limits of `ModuleDecoder.Limit`.
  init(start: Int, parameters: Int, results: Int) {
    self.start = UInt32(truncatingIfNeeded: start)
    parameterCount = UInt16(truncatingIfNeeded: parameters)
    resultCount = UInt16(truncatingIfNeeded: results)
  }

  @inline(__always) var parameters: TypeRun {
    TypeRun(start: Int32(bitPattern: start), count: Int32(parameterCount))
  }
  @inline(__always) var results: TypeRun {
    TypeRun(start: Int32(bitPattern: start &+ UInt32(parameterCount)), count: Int32(resultCount))
  }
}

/// The module as the rules see it.
struct ValidationContext: ~Copyable {
  struct TableEntry {
    var element: TypeCode
    var index: TypeCode
  }

  struct GlobalEntry {
    var value: TypeCode
    var isMutable: Bool
  }

  /// Type codes: at position c the code c itself, for runs of one value; then those of all function types.
  private(set) var codes: ScratchBuffer<TypeCode>
  /// At position c the type of a block with the result c, at `emptyType` that of a block without; then those of the
  /// module, from `firstType` on.
  private(set) var types: ScratchBuffer<FlatFunctionType>
  static let firstType = 128
  static let emptyType = 0
  /// Types of all functions as positions in `types`; of imports and definitions that passed their check.
  var functions: ScratchBuffer<Int32>
  var tables: ScratchBuffer<TableEntry>
  /// Address types.
  var memories: ScratchBuffer<TypeCode>
  var globals: ScratchBuffer<GlobalEntry>
  /// Element types of the element segments.
  var elements: ScratchBuffer<TypeCode>
  let dataCount: Int
  let hasDataCount: Bool
  /// Whether each function may be named by `ref.func` in code: it occurs in the module outside of code and start.
  var isDeclared: ScratchBuffer<Bool>

  init(_ module: Module) {
    codes = ScratchBuffer(capacity: 256)
    for code in 0..<128 { codes.append(TypeCode(code)) }
    types = ScratchBuffer(capacity: Self.firstType + module.types.count)
    for code in 0..<Self.firstType {
      types.append(FlatFunctionType(start: code, parameters: 0, results: code == Self.emptyType ? 0 : 1))
    }
    functions = ScratchBuffer(capacity: module.functions.count + module.imports.count)
    tables = ScratchBuffer(capacity: 4)
    memories = ScratchBuffer(capacity: 4)
    globals = ScratchBuffer(capacity: 16)
    elements = ScratchBuffer(capacity: module.elements.count)
    isDeclared = ScratchBuffer(capacity: module.functions.count + module.imports.count)
    dataCount = module.data.count
    hasDataCount = module.hasDataCount
    for type in module.types {
      types.append(
        FlatFunctionType(start: codes.count, parameters: type.parameters.count, results: type.results.count))
      for type in type.parameters { codes.append(type.code) }
      for type in type.results { codes.append(type.code) }
    }
  }

  mutating func append(_ table: TableType) {
    tables.append(TableEntry(element: table.element.code, index: table.indexType.code))
  }

  mutating func append(_ global: GlobalType) {
    globals.append(GlobalEntry(value: global.value.code, isMutable: global.isMutable))
  }

  mutating func appendFunction(_ type: TypeIndex) {
    functions.append(Int32(truncatingIfNeeded: Self.firstType + type.position))
    isDeclared.append(false)
  }

  mutating func declare(_ function: FunctionIndex) {
    if function.position < isDeclared.count { isDeclared[function.position] = true }
  }

  // MARK: Look-ups

  /// The position of a type of the module in `types`.
  @inline(__always)
  func typePosition(_ index: TypeIndex) throws(WasmError) -> Int {
    guard index.position < types.count - Self.firstType else { throw .invalid("unknown type \(index)") }
    return Self.firstType + index.position
  }

  @inline(__always)
  func function(_ index: FunctionIndex) throws(WasmError) -> FlatFunctionType {
    guard index.position < functions.count else { throw .invalid("unknown function \(index)") }
    return types[Int(functions[index.position])]
  }

  @inline(__always)
  func table(_ index: TableIndex) throws(WasmError) -> TableEntry {
    guard index.position < tables.count else { throw .invalid("unknown table \(index)") }
    return tables[index.position]
  }

  @inline(__always)
  func memory(_ index: MemoryIndex) throws(WasmError) -> TypeCode {
    guard index.position < memories.count else { throw .invalid("unknown memory \(index)") }
    return memories[index.position]
  }

  @inline(__always)
  func global(_ index: GlobalIndex) throws(WasmError) -> GlobalEntry {
    guard index.position < globals.count else { throw .invalid("unknown global \(index)") }
    return globals[index.position]
  }

  func element(_ index: ElementIndex) throws(WasmError) -> TypeCode {
    guard index.position < elements.count else { throw .invalid("unknown elem segment \(index)") }
    return elements[index.position]
  }

  func requireData(_ index: DataIndex) throws(WasmError) {
    guard hasDataCount else { throw WasmError(.malformed, "data count section required") }
    guard index.position < dataCount else { throw .invalid("unknown data segment \(index)") }
  }
}
