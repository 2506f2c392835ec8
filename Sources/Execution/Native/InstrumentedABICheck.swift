// What an instrumenter may get wrong about the ABI without making the module invalid (ic-semantics section 11). Called by
// `Differential` before a module becomes a lane.

import Canister
import Wasm

/// Checks the parts of the ABI that `NativeModule` takes for granted.
///
/// - Parameters:
///   - instrumented: valid.
///   - original: what it was made from.
///   - stableCapacity: in Wasm pages. A module that declares less would not take over what another one has grown to, or
///     could not note which of its pages were written.
/// - Throws: `ABIError`.
public func checkABI(of instrumented: Module, original: Module, stableCapacity: UInt64) throws(ABIError) {
  let (spaces, originalSpaces) = (IndexSpaces(instrumented), IndexSpaces(original))
  try checkImports(of: instrumented, is64BitHeap: originalSpaces.memories.first?.is64Bit ?? false)
  if instrumented.start != nil {
    throw ABIError("the start section is still there; the start function has to be exported as 'canister_start'")
  }
  let least = originalSpaces.functions.count + InstrumentationImport.allCases.count
  guard spaces.functions.count >= least else {
    throw ABIError("\(spaces.functions.count) functions, expected at least \(least)")
  }
  try checkInjectedMemories(of: instrumented, spaces, stableCapacity)
  let injected = [InstrumentationExport.stableMemory, InstrumentationExport.bytemap].flatMap(instrumented.exported)
  if originalSpaces.memories.isEmpty {
    if instrumented.exported("memory").contains(where: injected.contains) {
      throw ABIError("an injected memory is exported as 'memory', which the heap is")
    }
  } else {
    // Whatever was injected before them, the module's own memories keep their order.
    let heap = spaces.memories.indices.map { ExportKind.memory(MemoryIndex($0)) }.first { !injected.contains($0) }
    guard let heap, instrumented.exported("memory") == [heap] else {
      throw ABIError("the heap is not exported as 'memory'")
    }
  }
  try checkExports(of: instrumented, spaces, original, originalSpaces, injected)
  if !originalSpaces.tables.isEmpty, instrumented.exported("table") != [.table(TableIndex(0))] {
    throw ABIError("the table is not exported as 'table'")
  }
}

/// That every export is still there under its name and stands for the same thing (contract section 3, H22), as far as
/// that follows from the ABI: functions may stand in any order.
private func checkExports(
  of instrumented: Module, _ spaces: IndexSpaces, _ original: Module, _ originalSpaces: IndexSpaces,
  _ injected: [ExportKind]
) throws(ABIError) {
  let ownMemories = spaces.memories.indices.map { ExportKind.memory(MemoryIndex($0)) }.filter { !injected.contains($0) }
  for (position, export) in original.exports.enumerated() {
    // Mostly in its old place.
    let found =
      position < instrumented.exports.count && instrumented.exports[position].name == export.name
      ? instrumented.exports[position] : instrumented.exports.first { $0.name == export.name }
    guard let kind = found?.kind else { throw ABIError("the export '\(export.name)' is missing") }
    let isSame =
      switch (export.kind, kind) {
      case (.function(let former), .function(let function)):
        original.types[originalSpaces.functions[former.position].position]
          == instrumented.types[spaces.functions[function.position].position]
      case (.memory(let former), .memory):
        ownMemories.indices.contains(former.position) && ownMemories[former.position] == kind
      default: export.kind == kind
      }
    if !isSame { throw ABIError("the export '\(export.name)' stands for something else") }
  }
}

/// Limits of the injected memories: ic-semantics sections 1 and 11.
private func checkInjectedMemories(of module: Module, _ spaces: IndexSpaces, _ stableCapacity: UInt64) throws(ABIError)
{
  for case .memory(let memory) in module.exported(InstrumentationExport.stableMemory) {
    let limits = spaces.memories[memory.position].limits
    if limits.minimum != 0 { throw ABIError("the stable memory does not start empty") }
    if let maximum = limits.maximum, maximum < stableCapacity {
      throw ABIError("the stable memory can have \(maximum) pages, where the capacity is \(stableCapacity)")
    }
  }
  for case .memory(let memory) in module.exported(InstrumentationExport.bytemap) {
    let least = stableCapacity * (Sizes.wasmPage / Sizes.osPage) / Sizes.wasmPage
    let pages = spaces.memories[memory.position].limits.minimum
    if pages < least { throw ABIError("the bytemap has \(pages) pages, expected at least \(least)") }
  }
}

extension Module {
  /// What is exported under a name; valid modules have one thing at most.
  fileprivate func exported(_ name: String) -> [ExportKind] { exports.filter { $0.name == name }.map(\.kind) }
}

private func checkImports(of module: Module, is64BitHeap: Bool) throws(ABIError) {
  for entry in module.imports {
    guard case .function(let index) = entry.kind else { continue }
    let expected: FunctionType? =
      switch entry.module {
      case InstrumentationImport.module:
        InstrumentationImport(rawValue: entry.name)?.type(is64BitHeap: is64BitHeap)
      case "ic0": SystemFunction(name: entry.name)?.row.type(is64BitHeap: is64BitHeap)
      default: nil
      }
    if let expected, module.types[index.position] != expected {
      throw ABIError("import '\(entry.module)' '\(entry.name)' has another type than the ABI's")
    }
  }
}
