// Names are not executed, but people debug with them: whether the instrumented module's name section still means what the
// original's does. Used by `CaseModules`.

import Canister
import Wasm

/// The first name that stands for something else in the instrumented module, with what it was given to before and now.
///
/// What is compared is what both name sections name; a tool may leave names out. Defined functions keep their order and
/// globals their indices (ic-semantics section 11); further memories of the module's own keep their order.
func wrongName(in instrumented: Module, original: Module) -> (expected: String, actual: String)? {
  guard let old = original.names, let new = instrumented.names else { return nil }
  let (oldSpaces, newSpaces) = (IndexSpaces(original), IndexSpaces(instrumented))
  let injected = instrumented.exports.compactMap { export -> MemoryIndex? in
    let isInjected = export.name == InstrumentationExport.stableMemory || export.name == InstrumentationExport.bytemap
    guard isInjected, case .memory(let index) = export.kind else { return nil }
    return index
  }
  let memories = newSpaces.memories.indices.map { MemoryIndex($0) }.filter { !injected.contains($0) }
  let shift = newSpaces.importedFunctions - oldSpaces.importedFunctions
  func compare<Space>(
    _ kind: String, _ old: [IndexedName<Space>], _ new: [IndexedName<Space>], _ moved: (Index<Space>) -> Index<Space>?
  ) -> (expected: String, actual: String)? {
    let names = Dictionary(new.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
    for entry in old {
      guard let index = moved(entry.index), let name = names[index], name != entry.name else { continue }
      return ("\(kind) \(entry.index) is '\(entry.name)'", "it became \(index), which is '\(name)'")
    }
    return nil
  }
  return compare("function", old.functions, new.functions) { index in
    index.position < oldSpaces.importedFunctions ? nil : FunctionIndex(index.position + shift)
  } ?? compare("global", old.globals, new.globals) { $0 }
    ?? compare("memory", old.memories, new.memories) { index in
      index.position < memories.count ? memories[index.position] : nil
    }
    ?? compare(
      "the first local of function",
      old.locals.compactMap { entry in entry.names.first.map { IndexedName(entry.function, $0.name) } },
      new.locals.compactMap { entry in entry.names.first.map { IndexedName(entry.function, $0.name) } }
    ) { FunctionIndex($0.position + shift) }
}
