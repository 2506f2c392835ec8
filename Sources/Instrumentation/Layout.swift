// Where everything stands in the instrumented module: computed from the original module and the strategy alone, before
// anything is built. Read by every step of `instrument`, by the planted faults and by tests.

import Canister
import Wasm

/// Indices of the instrumented module (ic-semantics section 11, contract section 4).
public struct InstrumentedLayout: Sendable {
  /// The eight stable functions in the order in which their bodies are appended.
  public static let replacementOrder: [SystemFunction] = [
    .stableSize, .stable64Size, .stableGrow, .stable64Grow, .stableRead, .stable64Read, .stableWrite, .stable64Write,
  ]

  /// Whether memory 0 of the original is 64-bit; false where there is none.
  public let is64BitHeap: Bool
  /// The original's memory 0, which keeps its index; nil where there is none.
  public let heap: MemoryIndex?
  public let stableMemory: MemoryIndex
  public let bytemap: MemoryIndex
  /// Whether stable memory is one of the module's own.
  public let isDirect: Bool

  public let outOfInstructions: FunctionIndex
  public let tryGrowWasmMemory: FunctionIndex
  public let tryGrowStableMemory: FunctionIndex
  public let internalTrap: FunctionIndex
  public let stableReadFirstAccess: FunctionIndex

  /// Number of imported functions, the five of `__` included.
  public let importedFunctions: Int
  /// The functions that the module itself defines.
  public let definedFunctions: Range<FunctionIndex>
  public let decrement: FunctionIndex
  public let countCleanPages: FunctionIndex
  /// The stable functions that the original imports, in the order of their bodies, which follow `countCleanPages`.
  public let replacements: [SystemFunction]

  public let instructionCounter: GlobalIndex
  public let dirtyPageCounter: GlobalIndex
  public let accessedPageCounter: GlobalIndex

  /// From the original's indices to the instrumented module's.
  public let map: IndexMap

  /// The function that replaces a stable function; nil where the original does not import it.
  public func replacement(of function: SystemFunction) -> FunctionIndex? {
    replacements.firstIndex(of: function).map { FunctionIndex(countCleanPages.position + 1 + $0) }
  }

  /// The function that an access to the module's own stable memory calls before it; they follow the replacements.
  func function(_ check: DirectFunction) -> FunctionIndex {
    FunctionIndex(countCleanPages.position + 1 + replacements.count + Int(check.rawValue))
  }

  /// The index of one of the five imports from `__`.
  public func function(_ function: InstrumentationImport) -> FunctionIndex {
    switch function {
    case .outOfInstructions: outOfInstructions
    case .tryGrowWasmMemory: tryGrowWasmMemory
    case .tryGrowStableMemory: tryGrowStableMemory
    case .internalTrap: internalTrap
    case .stableReadFirstAccess: stableReadFirstAccess
    }
  }

  /// Lays out the instrumented form of `module`.
  /// - Throws: where a stable function is imported that cannot be replaced, or the module does not fit the placement.
  public init(of module: Module, strategy: Strategy) throws(InstrumentationError) {
    let form = try canisterForm(module, strategy)
    try self.init(of: form, spaces: IndexSpaces(form.module), strategy: strategy)
  }

  init(of form: CanisterForm, spaces: IndexSpaces, strategy: Strategy) throws(InstrumentationError) {
    let module = form.module
    let injected = InstrumentationImport.allCases.count
    let first = strategy.imports == .front ? 0 : spaces.importedFunctions
    outOfInstructions = FunctionIndex(first)
    tryGrowWasmMemory = FunctionIndex(first + 1)
    tryGrowStableMemory = FunctionIndex(first + 2)
    internalTrap = FunctionIndex(first + 3)
    stableReadFirstAccess = FunctionIndex(first + 4)

    importedFunctions = spaces.importedFunctions + injected
    definedFunctions = FunctionIndex(importedFunctions)..<FunctionIndex(importedFunctions + module.functions.count)
    decrement = definedFunctions.upperBound
    countCleanPages = FunctionIndex(decrement.position + 1)

    is64BitHeap = spaces.memories.first?.is64Bit ?? false
    heap = spaces.memories.isEmpty ? nil : MemoryIndex(0)
    // Imported memories come before defined ones whatever the strategy, so `second` may have to be later than index 1.
    let stable =
      switch strategy.memory {
      case .end, .direct, .named: spaces.memories.count
      case .second: max(spaces.importedMemories, min(1, spaces.memories.count))
      }
    isDirect = form.stableMemory != nil
    stableMemory = form.stableMemory ?? MemoryIndex(stable)
    bytemap = MemoryIndex(isDirect ? stable : stable + 1)

    instructionCounter = GlobalIndex(spaces.globals.count)
    dirtyPageCounter = GlobalIndex(spaces.globals.count + 1)
    accessedPageCounter = GlobalIndex(spaces.globals.count + 2)

    let imports = try Self.stableImports(of: module, is64BitHeap: is64BitHeap, hasHeap: heap != nil)
    replacements = Self.replacementOrder.filter { function in imports.contains { $0.function == function } }

    var map = IndexMap()
    map.functions.table.reserveCapacity(spaces.functions.count)
    let importShift = strategy.imports == .front ? injected : 0
    for old in 0..<spaces.importedFunctions { map.functions.table.append(FunctionIndex(old + importShift)) }
    for old in spaces.importedFunctions..<spaces.functions.count {
      map.functions.table.append(FunctionIndex(old + injected))
    }
    // Every import of a stable function is redirected, also the second one of the same function (H21).
    for (old, function) in imports {
      guard let order = replacements.firstIndex(of: function) else { continue }
      map.functions.table[old] = FunctionIndex(countCleanPages.position + 1 + order)
    }
    for old in spaces.memories.indices { map.memories.table.append(MemoryIndex(old < stable ? old : old + 2)) }
    self.map = map
  }

  /// The imports of stable functions, with their function indices in the original.
  private static func stableImports(
    of module: Module, is64BitHeap: Bool, hasHeap: Bool
  ) throws(InstrumentationError) -> [(index: Int, function: SystemFunction)] {
    var found: [(index: Int, function: SystemFunction)] = []
    var index = 0
    for entry in module.imports {
      guard case .function(let type) = entry.kind else { continue }
      defer { index += 1 }
      guard entry.module == "ic0", let function = SystemFunction(name: entry.name), function.isStable else { continue }
      guard module.types.indices.contains(type.position),
        module.types[type.position] == function.row.type(is64BitHeap: is64BitHeap)
      else { throw .wrongSignature(function) }
      if !hasHeap && function.movesData { throw .stableAccessWithoutHeap(function) }
      found.append((index, function))
    }
    return found
  }
}

/// The module in the form that its memory placement asks for.
func canisterForm(_ module: Module, _ strategy: Strategy) throws(InstrumentationError) -> CanisterForm {
  do throws(CanisterValidationError) {
    return try CanisterForm(module, placement: strategy.memory)
  } catch {
    throw .unfit(error)
  }
}

extension SystemFunction {
  /// Whether this is a stable read or write, which copies from or to the heap.
  var movesData: Bool {
    switch self {
    case .stableRead, .stable64Read, .stableWrite, .stable64Write: true
    default: false
    }
  }
}
