// Module in → instrumented module out: the whole pipeline, in the order of ic-semantics section 11. After validation,
// before a native lane runs the result (which is validated again).

import Canister
import Wasm

/// Adds metering and native stable memory to a canister module.
///
/// Active data segments are not in the result: their bytes are part of the heap image that the host makes of the
/// original module at install.
/// - Parameters:
///   - module: a valid module that keeps the rules for canisters.
///   - strategy: where memories and imports are placed (contract section 4).
///   - parameters: stable capacity, heap limit and charges.
/// - Returns: a valid module with the replica's ABI.
/// - Throws: where the module, although valid, has no instrumented form.
public func instrument(
  _ module: Module, strategy: Strategy, parameters: Parameters
) throws(InstrumentationError) -> Module {
  let form = try canisterForm(module, strategy)
  let module = form.module
  let spaces = IndexSpaces(module)
  let layout = try InstrumentedLayout(of: form, spaces: spaces, strategy: strategy)
  var result = module
  result.functions = []  // The metering pass renumbers bodies while it rewrites them.
  layout.map.remap(&result)
  result.insertImports(strategy: strategy, layout: layout)
  let referencedData = result.appendFunctions(of: module, spaces: spaces, layout: layout, parameters: parameters)
  result.takeOutActiveData(referenced: referencedData)
  try result.capHeap(parameters: parameters)
  try result.insertMemories(layout: layout, capacity: parameters.stableCapacity)
  try result.appendExports(of: module, spaces: spaces, layout: layout)
  result.appendCounters()
  result.nameInjectedItems(of: module, layout: layout)
  return result
}

extension Module {
  // MARK: Imports and functions

  /// Adds the five imports from `__`.
  fileprivate mutating func insertImports(strategy: Strategy, layout: InstrumentedLayout) {
    let injected = InstrumentationImport.allCases.map { function in
      let type = typeIndex(of: function.type(is64BitHeap: layout.is64BitHeap))
      return Import(module: InstrumentationImport.module, name: function.rawValue, kind: .function(type))
    }
    switch strategy.imports {
    case .front: imports.insert(contentsOf: injected, at: 0)
    case .after: imports.append(contentsOf: injected)
    }
  }

  /// Adds the rewritten functions of the original and the injected ones behind them.
  /// - Returns: one past the highest data segment that the original's code names.
  fileprivate mutating func appendFunctions(
    of original: Module, spaces: IndexSpaces, layout: InstrumentedLayout, parameters: Parameters
  ) -> Int {
    functions.reserveCapacity(original.functions.count + 2 + layout.replacements.count)
    var metering = MeteringPass(layout: layout, types: original.types, spaces: spaces)
    if layout.isDirect {
      var direct = DirectAccessPass(layout: layout, types: original.types, memories: spaces.memories)
      for function in original.functions { functions.append(metering.rewrite(direct.rewrite(function))) }
    } else {
      for function in original.functions { functions.append(metering.rewrite(function)) }
    }

    let injected = InjectedFunctions(layout: layout, parameters: parameters)
    appendFunction(InjectedFunctions.decrementType, injected.decrement())
    appendFunction(InjectedFunctions.countCleanPagesType, injected.countCleanPages())
    for function in layout.replacements {
      guard let type = function.row.type(is64BitHeap: layout.is64BitHeap),
        let body = injected.body(replacing: function)
      else { continue }  // The layout lists only functions that exist for this heap.
      appendFunction(type, body)
    }
    if layout.isDirect {
      let maximum = original.memories[layout.stableMemory.position].limits.maximum
      for function in DirectFunction.allCases {
        appendFunction(function.type, injected.body(of: function, maximum: maximum))
      }
    }
    return metering.referencedData
  }

  private mutating func appendFunction(_ type: FunctionType, _ body: FunctionBody) {
    functions.append(Function(type: typeIndex(of: type), body: body))
  }

  /// The index of this function type, which is appended where the module does not have it.
  private mutating func typeIndex(of type: FunctionType) -> TypeIndex {
    if let index = types.firstIndex(of: type) { return TypeIndex(index) }
    types.append(type)
    return TypeIndex(types.count - 1)
  }

  // MARK: Memories

  /// Lowers the maximum of memory 0 to the heap limit, so that growth past it fails.
  fileprivate mutating func capHeap(parameters: Parameters) throws(InstrumentationError) {
    for position in imports.indices {
      guard case .memory(let type) = imports[position].kind else { continue }
      imports[position].kind = .memory(try type.capped(parameters: parameters))
      return
    }
    if let heap = memories.first { memories[0] = try heap.capped(parameters: parameters) }
  }

  /// Puts stable memory and bytemap where the layout has them.
  fileprivate mutating func insertMemories(
    layout: InstrumentedLayout, capacity: UInt64
  ) throws(InstrumentationError) {
    let pagesPerWasmPage = Sizes.wasmPage / Sizes.osPage
    guard capacity < Parameters.stableCapacityBound else { throw .stableCapacityTooLarge(pages: capacity) }
    // The replica truncates here; rounding up covers capacities that are no multiple of 256 MiB too.
    let bytemapPages = max(1, (capacity * pagesPerWasmPage + Sizes.wasmPage - 1) / Sizes.wasmPage)
    let stable = MemoryType(Limits(minimum: 0, maximum: capacity), is64Bit: true)
    let bytemap = MemoryType(Limits(minimum: bytemapPages, maximum: bytemapPages))
    if layout.isDirect {
      // The declared limits are kept by the injected growth; what an upgrade hands over may be outside of them.
      memories[layout.stableMemory.position] = stable
      memories.insert(bytemap, at: layout.bytemap.position)
      return
    }
    let importedMemories = imports.count { if case .memory = $0.kind { true } else { false } }
    memories.insert(contentsOf: [stable, bytemap], at: layout.stableMemory.position - importedMemories)
  }

  // MARK: Exports and globals

  /// Adds the exports through which the host reaches table, memories, globals and start function, and removes the start
  /// section. Exports of the original keep their names (H22).
  fileprivate mutating func appendExports(
    of original: Module, spaces: IndexSpaces, layout: InstrumentedLayout
  ) throws(InstrumentationError) {
    var isExported = [Bool](repeating: false, count: spaces.globals.count)
    var lookalikes: [String] = []
    var hasMemory = layout.heap == nil
    var hasTable = spaces.tables.isEmpty
    for export in original.exports {
      if InstrumentationExport.isReserved(export.name) { throw .reservedExport(export.name) }
      if export.name.utf8.starts(with: InstrumentationExport.persistentGlobalPrefix.utf8) {
        lookalikes.append(export.name)
      }
      if export.name == "memory" { hasMemory = true }
      if export.name == "table" { hasTable = true }
      if case .global(let global) = export.kind, global.position < isExported.count {
        isExported[global.position] = true
      }
    }
    if !hasTable { exports.append(Export(name: "table", kind: .table(TableIndex(0)))) }
    if !hasMemory { exports.append(Export(name: "memory", kind: .memory(MemoryIndex(0)))) }
    exports.append(Export(name: InstrumentationExport.stableMemory, kind: .memory(layout.stableMemory)))
    exports.append(Export(name: InstrumentationExport.bytemap, kind: .memory(layout.bytemap)))
    for (position, type) in spaces.globals.enumerated() where type.isMutable && !isExported[position] {
      let name = InstrumentationExport.persistentGlobalPrefix + String(position)
      if lookalikes.contains(name) { throw .reservedExport(name) }
      exports.append(Export(name: name, kind: .global(GlobalIndex(position))))
    }
    exports.append(Export(name: InstrumentationExport.instructionCounter, kind: .global(layout.instructionCounter)))
    exports.append(Export(name: InstrumentationExport.dirtyPageCounter, kind: .global(layout.dirtyPageCounter)))
    exports.append(Export(name: InstrumentationExport.accessedPageCounter, kind: .global(layout.accessedPageCounter)))
    if let start {
      exports.append(Export(name: InstrumentationExport.start, kind: .function(start)))
      self.start = nil
    }
  }

  /// Adds the counters, which the host sets before and reads after an execution.
  fileprivate mutating func appendCounters() {
    let counter = Global(GlobalType(.i64, isMutable: true), [.i64(0)])
    for _ in 0..<3 { globals.append(counter) }
  }
}

extension MemoryType {
  /// The type with its maximum lowered to the heap limit of its width.
  fileprivate func capped(parameters: Parameters) throws(InstrumentationError) -> MemoryType {
    let limit = min(parameters.heapLimit(is64Bit: is64Bit), is64Bit ? 1 << 48 : 65_536)
    guard limits.minimum <= limit else { throw .heapExceedsLimit(minimum: limits.minimum, limit: limit) }
    var result = self
    result.limits.maximum = min(limits.maximum ?? limit, limit)
    return result
  }
}

extension InstrumentationExport {
  /// Whether no canister module may use this name, because its instrumented form does.
  fileprivate static func isReserved(_ name: String) -> Bool {
    switch name {
    case stableMemory, bytemap, instructionCounter, dirtyPageCounter, accessedPageCounter, start: true
    default: false
    }
  }
}
