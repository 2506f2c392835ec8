// The IC's own rules for a module, beyond the WebAssembly validation that comes before: imports, exports, data, limits.
// Called for every module before it is instrumented or installed, and by the minimizer for every candidate.

import Wasm

/// A module that the IC would not install.
public struct CanisterValidationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The broken rule.
  public var reason: String
  /// The item that breaks it.
  public var location: WasmError.Location
  /// Position in the binary, in bytes from its start; nil until `located`.
  public var offset: Int?

  public init(_ reason: String, at location: WasmError.Location) {
    self.reason = reason
    self.location = location
  }

  public var description: String {
    "\(reason) (\(location))" + (offset.map { " at offset 0x\(String($0, radix: 16))" } ?? "")
  }

  /// The same error with the offset of its item.
  /// - Parameter bytes: the binary that the module was decoded from.
  public func located(in bytes: [UInt8]) -> CanisterValidationError {
    var error = self
    error.offset = Wasm.offset(of: location, in: bytes)
    return error
  }
}

/// What modules may contain although the IC refuses it today, because the harness runs it all the same.
public struct CanisterAllowances: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Memories of the module's own besides the heap (contract section 4, the multi-memory profile).
  public static let furtherMemories = CanisterAllowances(rawValue: 1)
  /// More than one table.
  public static let furtherTables = CanisterAllowances(rawValue: 2)
  /// Tail calls, and the table instructions that the replica's compiler refuses.
  public static let furtherInstructions = CanisterAllowances(rawValue: 4)

  /// Exactly what the IC accepts.
  public static let none: CanisterAllowances = []
  public static let all: CanisterAllowances = [.furtherMemories, .furtherTables, .furtherInstructions]
}

/// The limits of a canister module. Source: ic-semantics section 12.
public enum CanisterLimits {
  /// Bytes.
  public static let module = 100 << 20
  /// Bytes of the code section's contents.
  public static let codeSection = 10 << 20
  /// Exported `canister_update`, `canister_query` and `canister_composite_query` functions.
  public static let methods = 1_000
  /// Bytes of all method names together.
  public static let methodNames = 20_000
  public static let globals = 1_000
  public static let functions = 50_000
  /// Instructions of one function, `end` included.
  public static let functionSize = 1_000_000
  /// Sum of the weights of one function's instructions.
  public static let functionComplexity = 1_000_000
  public static let tableElements: UInt64 = 1_000_000
  public static let metadataSections = 16
  /// Bytes of names and contents of all `icp:` sections together.
  public static let metadata = 1 << 20
}

/// Checks the IC's rules for canister modules, in the replica's order.
///
/// - Parameters:
///   - module: a module that is valid WebAssembly; one that is not gives some error or none, but no trap.
///   - parameters: the heap limits of the case.
///   - allowances: what the harness accepts beyond the IC.
/// - Throws: the first broken rule. Source: ic-semantics section 12, contract section 3 for D14.
public func validateCanister(
  _ module: Module, parameters: Parameters, allowances: CanisterAllowances = .all
) throws(CanisterValidationError) {
  try validateImports(of: module)
  try validateExports(of: module)
  try validateActiveData(of: module)
  try validateGlobals(of: module)
  guard module.functions.count <= CanisterLimits.functions else {
    throw CanisterValidationError(
      "\(module.functions.count) functions, allowed are \(CanisterLimits.functions)", at: .section(.function))
  }
  try validateMemories(of: module, parameters: parameters, allowances: allowances)
  try validateTables(of: module, allowances: allowances)
  try validateCode(of: module, allowances: allowances)
  try validateMetadata(of: module)
}

/// Checks the two limits on sizes that only the bytes of a module show.
///
/// - Throws: `CanisterValidationError` where the module or its code section is too large; bytes that are no module pass,
///   the decoder judges those.
public func validateCanisterSize(_ bytes: [UInt8]) throws(CanisterValidationError) {
  guard bytes.count <= CanisterLimits.module else {
    throw CanisterValidationError("\(bytes.count) bytes, allowed are \(CanisterLimits.module)", at: .section(.start))
  }
  var position = 8
  while position < bytes.count {
    let section = bytes[position]
    var size = 0
    var shift = 0
    repeat {
      position += 1
      guard position < bytes.count, shift < 35 else { return }
      size |= Int(bytes[position] & 0x7F) << shift
      shift += 7
    } while bytes[position] & 0x80 != 0
    if section == 10 && size > CanisterLimits.codeSection {
      throw CanisterValidationError("\(size) bytes, allowed are \(CanisterLimits.codeSection)", at: .section(.code))
    }
    position += 1 + size
  }
}

extension Module {
  /// Whether memory 0, the heap of a canister, has 64-bit addresses; no for a module without memory.
  public var is64BitHeap: Bool { memories.first?.is64Bit ?? false }
}

// MARK: Imports

private func validateImports(of module: Module) throws(CanisterValidationError) {
  let is64BitHeap = module.is64BitHeap
  for position in module.imports.indices {
    let entry = module.imports[position]
    guard case .function(let typeIndex) = entry.kind else { throw refusedImport(entry, position) }
    guard entry.module == "ic0" else {
      throw importError("module '\(entry.module)' is unknown, functions come from 'ic0'", entry, position)
    }
    guard let function = SystemFunction(name: entry.name) else {
      throw importError("'\(entry.name)' is not a function of the System API", entry, position)
    }
    let row = function.row
    if row.isOnly32Bit && is64BitHeap {
      throw importError("does not exist for modules with a 64-bit heap", entry, position)
    }
    guard module.types.indices.contains(typeIndex.position),
      row.accepts(module.types[typeIndex.position], is64BitHeap: is64BitHeap)
    else { throw importError("wrong signature", entry, position) }
    if module.memories.isEmpty {
      switch function {
      case .stableRead, .stableWrite, .stable64Read, .stable64Write:
        throw importError("WebAssembly module must define memory", entry, position)
      default: break
      }
    }
  }
}

@inline(never)
private func importError(_ reason: String, _ entry: Import, _ position: Int) -> CanisterValidationError {
  CanisterValidationError("\(entry.module).\(entry.name): \(reason)", at: .import(position))
}

/// Tables and memories may be imported by name from `env` on the IC, where nothing but the replica itself could provide
/// them; a lane cannot.
private func refusedImport(_ entry: Import, _ position: Int) -> CanisterValidationError {
  switch entry.kind {
  case .function: importError("not allowed", entry, position)
  case .table:
    importError(
      entry.module == "env" && entry.name == "table"
        ? "an imported table cannot be provided here, the module has to define it"
        : "importing tables is not allowed", entry, position)
  case .memory:
    importError(
      entry.module == "env" && entry.name == "memory"
        ? "an imported memory cannot be provided here, the module has to define it"
        : "importing memories is not allowed", entry, position)
  case .global: importError("importing globals is not allowed", entry, position)
  }
}

extension SystemRow {
  /// Whether `type` is exactly the signature of the function; compares in place, unlike `type(is64BitHeap:)`.
  fileprivate func accepts(_ type: FunctionType, is64BitHeap: Bool) -> Bool {
    guard type.parameters.count == parameters.count, type.results.count == (result == nil ? 0 : 1) else { return false }
    for position in parameters.indices
    where parameters[position].valueType(is64BitHeap: is64BitHeap) != type.parameters[position] { return false }
    guard let result else { return true }
    return result.valueType(is64BitHeap: is64BitHeap) == type.results[0]
  }
}

// MARK: Data, globals, memories, tables

private func validateActiveData(of module: Module) throws(CanisterValidationError) {
  for position in module.data.indices {
    guard case .active(let memory, let offset) = module.data[position].mode else { continue }
    func error(_ reason: String) -> CanisterValidationError {
      CanisterValidationError(reason, at: .data(DataIndex(position)))
    }
    guard module.memories.indices.contains(memory.position) else { throw error("unknown memory \(memory)") }
    let type = module.memories[memory.position]
    let start: UInt64
    switch (offset.count == 1 ? offset[0].immediate : .none, type.is64Bit) {
    case (.i32(let value), false): start = UInt64(UInt32(bitPattern: value))
    case (.i64(let value), true): start = UInt64(bitPattern: value)
    default:
      throw error("the offset must be a single \(type.is64Bit ? "i64.const" : "i32.const")")
    }
    let (end, overflow) = start.addingReportingOverflow(UInt64(module.data[position].bytes.count))
    let (size, huge) = type.limits.minimum.multipliedReportingOverflow(by: Sizes.wasmPage)
    guard !overflow, huge || end <= size else { throw error("outside the initial memory") }
  }
}

private func validateGlobals(of module: Module) throws(CanisterValidationError) {
  guard module.globals.count <= CanisterLimits.globals else {
    throw CanisterValidationError(
      "\(module.globals.count) globals, allowed are \(CanisterLimits.globals)", at: .section(.global))
  }
  for position in module.globals.indices where module.globals[position].type.value.isReference {
    throw CanisterValidationError("globals of reference type are not allowed", at: .global(GlobalIndex(position)))
  }
}

private func validateMemories(
  of module: Module, parameters: Parameters, allowances: CanisterAllowances
) throws(CanisterValidationError) {
  guard let heap = module.memories.first else { return }
  if module.memories.count > 1 && !allowances.contains(.furtherMemories) {
    throw CanisterValidationError("more than one memory", at: .memory(MemoryIndex(1)))
  }
  let limit = parameters.heapLimit(is64Bit: heap.is64Bit)
  // A 32-bit heap's declared maximum is capped instead of refused: 65,536 pages are what every toolchain declares.
  if heap.is64Bit, let maximum = heap.limits.maximum, maximum > limit {
    throw CanisterValidationError(
      "declared maximum of \(maximum) pages, allowed are \(limit)", at: .memory(MemoryIndex(0)))
  }
  if heap.limits.minimum > limit {
    throw CanisterValidationError(
      "initial size of \(heap.limits.minimum) pages, allowed are \(limit)", at: .memory(MemoryIndex(0)))
  }
  // Further memories have no rule on the IC; an instance that asks for more than this machine has is poisoned.
}

private func validateTables(
  of module: Module, allowances: CanisterAllowances
) throws(CanisterValidationError) {
  if module.tables.count > 1 && !allowances.contains(.furtherTables) {
    throw CanisterValidationError("more than one table", at: .table(TableIndex(1)))
  }
  for position in module.tables.indices {
    let minimum = module.tables[position].type.limits.minimum
    if minimum > CanisterLimits.tableElements {
      throw CanisterValidationError(
        "\(minimum) elements, allowed are \(CanisterLimits.tableElements)", at: .table(TableIndex(position)))
    }
  }
}

// MARK: Custom sections

private func validateMetadata(of module: Module) throws(CanisterValidationError) {
  var names: [Substring.UTF8View] = []
  var size = 0
  for (position, section) in module.customSections.enumerated() {
    let name = section.name
    guard startsWith(name, "icp:") else { continue }
    func error(_ reason: String) -> CanisterValidationError {
      CanisterValidationError("'\(name)': \(reason)", at: .customSection(position))
    }
    let scope = startsWith(name, "icp:public ") ? 11 : startsWith(name, "icp:private ") ? 12 : 0
    guard scope > 0 else { throw error("must begin with 'icp:public ' or 'icp:private '") }
    let rest = name[...].utf8.dropFirst(scope)
    if names.contains(where: { $0.elementsEqual(rest) }) { throw error("name is used twice") }
    names.append(rest)
    size += section.bytes.count + rest.count
    guard size <= CanisterLimits.metadata else {
      throw error("\(size) bytes in 'icp:' sections, allowed are \(CanisterLimits.metadata)")
    }
    guard names.count <= CanisterLimits.metadataSections else {
      throw error("\(names.count) 'icp:' sections, allowed are \(CanisterLimits.metadataSections)")
    }
  }
}
