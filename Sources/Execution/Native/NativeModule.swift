// An instrumented module made ready for the native lane: its ABI looked up by name, checked and translated. Depends only
// on the ABI (ic-semantics section 11), so the output of any instrumenter that keeps it can run. Comes before `NativeLane`.

import Canister
import Wasm

/// Why a module cannot run as a native lane: it breaks the ABI of instrumented modules.
public struct ABIError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// What serves an imported function of an instrumented module.
enum NativeImport: Hashable {
  case instrumentation(InstrumentationImport)
  case system(SystemFunction)

  /// The number under which the import is linked: the five of `__` stand behind the System API.
  var number: Int {
    switch self {
    case .system(let function): Int(function.rawValue)
    case .instrumentation(let function):
      SystemFunction.allCases.count + (InstrumentationImport.allCases.firstIndex(of: function) ?? 0)
    }
  }

  init?(number: Int) {
    if number < SystemFunction.allCases.count {
      guard let function = SystemFunction(rawValue: UInt8(number)) else { return nil }
      self = .system(function)
    } else {
      let position = number - SystemFunction.allCases.count
      guard InstrumentationImport.allCases.indices.contains(position) else { return nil }
      self = .instrumentation(InstrumentationImport.allCases[position])
    }
  }
}

/// An instrumented canister module as the native lane runs it.
public final class NativeModule {
  let compiled: CompiledModule
  /// By import position.
  let imports: [NativeImport]
  let is64BitHeap: Bool
  let stableMemory: Int
  let bytemap: Int
  /// The canister's own memories in the order of the original module; the first is the heap.
  let ownMemories: [Int]
  /// Positions in `ownMemories` of memories that start zeroed in every message.
  let scratchMemories: [Int]
  /// Pages that stable memory has at least once the module is installed.
  let stableMinimum: UInt64
  let instructionCounter: Int
  let dirtyPageCounter: Int
  let accessedPageCounter: Int
  /// Mutable globals that survive from execution to execution: those that are exported, without the counters.
  let persistentGlobals: [Int]
  /// The original's mutable globals, which are observed.
  let observedGlobals: [Int]
  /// The original's active data segments, which belong to the heap image and are applied once; memories by position in
  /// `ownMemories`.
  let activeData: [DataSegment]
  /// Whether the instrumented module still has active data segments, which instantiation would apply again.
  let hasActiveData: Bool
  /// The injected functions that stand for stable functions, for tracing: one after the other from the first one on.
  let tracedFunctions: [TracedFunction]
  let firstTracedFunction: FunctionIndex
  /// Globals that gather what a lane reports as `probeBits`: the module's last.
  let probes: Range<Int>

  /// A stable function whose calls are reported.
  struct TracedFunction {
    let function: SystemFunction
    let parameterCount: Int
    let hasResult: Bool
  }

  /// Prepares an instrumented module.
  ///
  /// - Parameters:
  ///   - form: the module that was instrumented.
  ///   - instrumented: valid, and made from that module by an instrumenter with the replica's ABI.
  ///   - isTraced: whether calls of stable functions are reported.
  ///   - probeCount: how many of the last globals are probes, mutable and of type i64.
  /// - Throws: `ABIError`.
  public init(
    form: CanisterForm, instrumented: Module, isTraced: Bool = false, probeCount: Int = 0
  ) throws(ABIError) {
    let original = form.module
    let spaces = IndexSpaces(instrumented)
    imports = try Self.imports(of: instrumented)
    stableMemory = try Self.memory(InstrumentationExport.stableMemory, of: instrumented)
    bytemap = try Self.memory(InstrumentationExport.bytemap, of: instrumented)
    let injected = [stableMemory, bytemap]
    guard stableMemory != bytemap, spaces.memories[stableMemory].is64Bit, !spaces.memories[bytemap].is64Bit else {
      throw ABIError("stable memory has to be a 64-bit memory, and the bytemap another, 32-bit one")
    }
    ownMemories = spaces.memories.indices.filter { !injected.contains($0) }
    let roles = form.memories.filter { $0 != .stable }
    guard ownMemories.count == roles.count, spaces.importedMemories == 0 else {
      throw ABIError("\(roles.count) memories became \(ownMemories.count), besides the injected ones")
    }
    scratchMemories = roles.indices.filter { roles[$0] == .scratch }
    stableMinimum = form.stableMemory.map { original.memories[$0.position].limits.minimum } ?? 0
    is64BitHeap = original.is64BitHeap

    let counters = try [
      InstrumentationExport.instructionCounter, InstrumentationExport.dirtyPageCounter,
      InstrumentationExport.accessedPageCounter,
    ].map { name throws(ABIError) in try Self.counter(name, of: instrumented, spaces) }
    (instructionCounter, dirtyPageCounter, accessedPageCounter) = (counters[0], counters[1], counters[2])
    var exported = Set<Int>()
    for export in instrumented.exports {
      if case .global(let index) = export.kind, spaces.globals[index.position].isMutable {
        exported.insert(index.position)
      }
    }
    persistentGlobals = exported.subtracting(counters).sorted()
    let originalGlobals = IndexSpaces(original).globals
    guard spaces.globals.count >= originalGlobals.count else { throw ABIError("globals were removed") }
    observedGlobals = originalGlobals.indices.filter {
      originalGlobals[$0].isMutable && !originalGlobals[$0].value.isReference
    }
    probes = spaces.globals.count - probeCount..<spaces.globals.count
    activeData = original.data.compactMap { segment in
      guard case .active(let memory, let offset) = segment.mode else { return nil }
      let isShifted = form.stableMemory.map { memory > $0 } ?? false
      let own = isShifted ? MemoryIndex(memory.position - 1) : memory
      return DataSegment(mode: .active(own, offset: offset), bytes: segment.bytes)
    }
    hasActiveData = instrumented.data.contains { if case .active = $0.mode { true } else { false } }

    var options = TranslationOptions()
    let firstInjected = spaces.importedFunctions + original.functions.count
    options.firstInjectedFunction = FunctionIndex(firstInjected)
    options.countsSteps = true
    firstTracedFunction = FunctionIndex(firstInjected + 2)
    tracedFunctions = isTraced ? Self.stableFunctions(of: original, in: instrumented, spaces) : []
    options.tracedFunctions = Set(
      tracedFunctions.indices.map { [first = firstInjected + 2] in FunctionIndex(first + $0) })
    do {
      compiled = try CompiledModule(instrumented, options: options)
    } catch {
      throw ABIError("cannot be translated: \(error)")
    }
  }

  // MARK: The ABI

  private static func imports(of module: Module) throws(ABIError) -> [NativeImport] {
    var imports: [NativeImport] = []
    for entry in module.imports {
      guard case .function = entry.kind else {
        throw ABIError("import '\(entry.module)' '\(entry.name)' is not a function")
      }
      if entry.module == InstrumentationImport.module, let function = InstrumentationImport(rawValue: entry.name) {
        imports.append(.instrumentation(function))
      } else if entry.module == "ic0", let function = SystemFunction(name: entry.name) {
        imports.append(.system(function))
      } else {
        throw ABIError("unknown import '\(entry.module)' '\(entry.name)'")
      }
    }
    return imports
  }

  private static func memory(_ name: String, of module: Module) throws(ABIError) -> Int {
    guard case .memory(let index)? = module.exports.first(where: { $0.name == name })?.kind else {
      throw ABIError("no memory is exported as '\(name)'")
    }
    return index.position
  }

  private static func counter(_ name: String, of module: Module, _ spaces: IndexSpaces) throws(ABIError) -> Int {
    guard case .global(let index)? = module.exports.first(where: { $0.name == name })?.kind,
      spaces.globals[index.position] == GlobalType(.i64, isMutable: true)
    else { throw ABIError("no mutable i64 global is exported as '\(name)'") }
    return index.position
  }

  /// The stable functions behind the first two injected functions, in the order in which we append them; none where other
  /// functions stand there, as nothing in the ABI forbids.
  private static func stableFunctions(
    of original: Module, in instrumented: Module, _ spaces: IndexSpaces
  ) -> [TracedFunction] {
    let order: [SystemFunction] = [
      .stableSize, .stable64Size, .stableGrow, .stable64Grow, .stableRead, .stable64Read, .stableWrite, .stable64Write,
    ]
    let imported = order.filter { function in
      original.imports.contains { $0.module == "ic0" && $0.name == function.name }
    }
    let is64Bit = IndexSpaces(original).memories.first?.is64Bit ?? false
    let first = spaces.importedFunctions + original.functions.count + 2
    for (position, function) in imported.enumerated() {
      guard spaces.functions.indices.contains(first + position),
        instrumented.types[spaces.functions[first + position].position] == function.row.type(is64BitHeap: is64Bit)
      else { return [] }
    }
    return imported.map {
      TracedFunction(function: $0, parameterCount: $0.row.parameters.count, hasResult: $0.row.result != nil)
    }
  }

  /// The function exported under an entry point's name.
  func function(_ name: String) -> FunctionIndex? {
    for export in compiled.module.exports {
      if case .function(let index) = export.kind, export.name.utf8.elementsEqual(name.utf8) { return index }
    }
    return nil
  }
}
