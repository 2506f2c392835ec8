// What an instrumenter may get wrong about the ABI without making the module invalid (ic-semantics section 11). Called by
// `Differential` before a module becomes a lane.

import Canister
import Wasm

/// Checks the parts of the ABI that `NativeModule` takes for granted.
///
/// - Throws: `ABIError`.
public func checkABI(of instrumented: Module, original: Module) throws(ABIError) {
  let (spaces, originalSpaces) = (IndexSpaces(instrumented), IndexSpaces(original))
  try checkImports(of: instrumented, is64BitHeap: originalSpaces.memories.first?.is64Bit ?? false)
  if instrumented.start != nil {
    throw ABIError("the start section is still there; the start function has to be exported as 'canister_start'")
  }
  let least = originalSpaces.functions.count + InstrumentationImport.allCases.count
  guard spaces.functions.count >= least else {
    throw ABIError("\(spaces.functions.count) functions, expected at least \(least)")
  }
  var hasMemory = originalSpaces.memories.isEmpty
  var hasTable = originalSpaces.tables.isEmpty
  for export in instrumented.exports {
    switch (export.name, export.kind) {
    case (InstrumentationExport.stableMemory, .memory(let memory)):
      guard spaces.memories[memory.position].limits.minimum == 0 else {
        throw ABIError("the stable memory does not start empty")
      }
    case ("memory", _): hasMemory = true
    case ("table", _): hasTable = true
    default: break
    }
  }
  if !hasMemory { throw ABIError("the heap is not exported as 'memory'") }
  if !hasTable { throw ABIError("the table is not exported as 'table'") }
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
