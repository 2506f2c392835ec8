// A canister module made ready for the host lane: heap capped, translated with counting, imports and exports looked up.
// Made once per module from the decoded original, run by `HostLane`.

import Canister
import Glibc
import Wasm

/// A canister module as the host lane runs it. Can be used by any number of lanes, one after the other.
public final class HostModule {
  let compiled: CompiledModule
  /// Why the module cannot be installed; nil where it can.
  let refusal: Refusal?
  /// The imported functions in index order.
  let imports: [SystemFunction]
  /// Positions of the memories that start zeroed in every message.
  let scratchMemories: [Int]
  let hasHeap: Bool
  let is64BitHeap: Bool
  let start: FunctionIndex?
  /// The slots of the observed globals among those of all: mutable, and no references, which have no meaning outside of
  /// an instance.
  let observedSlots: [Int]
  private let entryPoints: [Entry]

  /// An exported entry point; the name is that of the method, empty for the others.
  private struct Entry {
    let entryPoint: EntryPoint
    let name: String
    let function: FunctionIndex
  }

  /// - Parameters:
  ///   - module: a valid module; what does not fit the IC's rules makes it refuse installation.
  ///   - scratchMemories: positions of memories that start zeroed in every message.
  /// - Throws: what the interpreter cannot run.
  public init(_ module: Module, parameters: Parameters, scratchMemories: [Int] = []) throws(TranslationError) {
    var module = module
    self.scratchMemories = scratchMemories
    Self.defineImports(&module)
    is64BitHeap = module.memories.first?.is64Bit ?? false
    hasHeap = !module.memories.isEmpty
    if hasHeap {
      // Growth past the limit answers −1, just as growth past a declared maximum.
      let limit = parameters.heapLimit(is64Bit: is64BitHeap)
      module.memories[0].limits.maximum = min(module.memories[0].limits.maximum ?? limit, limit)
    }
    start = module.start
    entryPoints = Self.entryPoints(of: module)
    observedSlots = Self.observedSlots(of: module)
    (imports, refusal) = Self.imports(of: module, hasHeap: hasHeap, is64BitHeap: is64BitHeap)
    var options = TranslationOptions()
    options.countsInstructions = true
    compiled = try CompiledModule(module, options: options)
  }

  /// The function behind an entry point.
  ///
  /// - Parameter name: of the method, for the three kinds of method.
  func function(of entryPoint: EntryPoint, name: String = "") -> FunctionIndex? {
    for entry in entryPoints where entry.entryPoint == entryPoint && Self.areSame(entry.name, name) {
      return entry.function
    }
    return nil
  }

  /// Names are bytes: equality of strings is wider than that.
  private static func areSame(_ left: String, _ right: String) -> Bool {
    let count = left.utf8.count
    guard right.utf8.count == count else { return false }
    let areSame = left.utf8.withContiguousStorageIfAvailable { left in
      right.utf8.withContiguousStorageIfAvailable { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return memcmp(left, right, count) == 0
      }
    }
    return (areSame ?? nil) ?? left.utf8.elementsEqual(right.utf8)
  }

  /// The slots of the observed globals, out of those of all.
  func observed(_ slots: [UInt64]) -> [UInt64] {
    if observedSlots.count == slots.count { return slots }
    return observedSlots.map { slots[$0] }
  }

  // MARK: Preparation

  /// Makes imported memories and tables the module's own: nobody else has a hand in them, and indices stay, because
  /// imports come before definitions.
  private static func defineImports(_ module: inout Module) {
    var memories: [MemoryType] = []
    var tables: [Wasm.Table] = []
    var others: [Import] = []
    for entry in module.imports {
      switch entry.kind {
      case .memory(let type): memories.append(type)
      case .table(let type): tables.append(Wasm.Table(type))
      case .function, .global: others.append(entry)
      }
    }
    guard !memories.isEmpty || !tables.isEmpty else { return }
    module.memories.insert(contentsOf: memories, at: 0)
    module.tables.insert(contentsOf: tables, at: 0)
    module.imports = others
  }

  private static func entryPoints(of module: Module) -> [Entry] {
    var importedTypes: [TypeIndex] = []
    for entry in module.imports {
      if case .function(let type) = entry.kind { importedTypes.append(type) }
    }
    var entryPoints: [Entry] = []
    for export in module.exports {
      guard case .function(let function) = export.kind, export.name.utf8.starts(with: "canister_".utf8),
        let (entryPoint, name) = Self.entryPoint(export.name)
      else { continue }
      let position = function.position - importedTypes.count
      guard position < module.functions.count else { continue }
      let type = position < 0 ? importedTypes[function.position] : module.functions[position].type
      guard type.position < module.types.count, module.types[type.position] == FunctionType() else { continue }
      entryPoints.append(Entry(entryPoint: entryPoint, name: name, function: function))
    }
    return entryPoints
  }

  private static func entryPoint(_ exportName: String) -> (EntryPoint, name: String)? {
    for entryPoint in EntryPoint.allCases where entryPoint != .start {
      if entryPoint.isMethod {
        if exportName.utf8.starts(with: entryPoint.exportName.utf8) {
          return (entryPoint, String(exportName.utf8.dropFirst(entryPoint.exportName.utf8.count)) ?? "")
        }
      } else if areSame(exportName, entryPoint.exportName) {
        return (entryPoint, "")
      }
    }
    return nil
  }

  private static func observedSlots(of module: Module) -> [Int] {
    var observed: [Int] = []
    var next = 0
    for type in module.globals.lazy.map(\.type) {
      let slots = next..<next + type.value.slotCount
      next = slots.upperBound
      if type.isMutable && !type.value.isReference { observed.append(contentsOf: slots) }
    }
    return observed
  }

  private static func imports(
    of module: Module, hasHeap: Bool, is64BitHeap: Bool
  ) -> (functions: [SystemFunction], refusal: Refusal?) {
    var functions: [SystemFunction] = []
    for entry in module.imports {
      guard case .function(let type) = entry.kind, entry.module == "ic0",
        let function = SystemFunction(name: entry.name), type.position < module.types.count,
        function.row.hasType(module.types[type.position], is64BitHeap: is64BitHeap)
      else { return (functions, .unknownImport(module: entry.module, name: entry.name)) }
      functions.append(function)
    }
    let movesBytes: Set<SystemFunction> = [.stableRead, .stableWrite, .stable64Read, .stable64Write]
    if !hasHeap && functions.contains(where: movesBytes.contains) { return (functions, .noHeap) }
    return (functions, nil)
  }
}

extension SystemRow {
  /// Whether this is the type with which a module of this heap width imports the function.
  fileprivate func hasType(_ type: FunctionType, is64BitHeap: Bool) -> Bool {
    guard !(isOnly32Bit && is64BitHeap), type.parameters.count == parameters.count,
      type.results.count == (result == nil ? 0 : 1)
    else { return false }
    for (actual, parameter) in zip(type.parameters, parameters)
    where actual != parameter.valueType(is64BitHeap: is64BitHeap) {
      return false
    }
    return result == nil || type.results.first == result?.valueType(is64BitHeap: is64BitHeap)
  }
}
