// Names are not executed, but people debug with them: whether the instrumented module's name section still means what the
// original's does. Used by `CaseModules`.

import Canister
import Wasm

/// The first name that stands for something else in the instrumented module: what it is there, and what it was.
///
/// Looked at is what both name; a tool may leave names out and name what it has added, but nothing that was nameless.
/// Defined functions and the module's own memories keep their order and globals their indices (ic-semantics section 11);
/// tables and element segments do because nothing is injected among them, but declarative segments, which say nothing at
/// run time, may be anywhere. Types may be sorted anew, and labels of injected blocks are counted among the others.
func wrongName(in instrumented: Module, original form: CanisterForm) -> (expected: String, actual: String)? {
  let original = form.module
  guard let old = original.names, let new = instrumented.names else { return nil }
  let (oldSpaces, newSpaces) = (IndexSpaces(original), IndexSpaces(instrumented))
  let injected = instrumented.exports.compactMap { export -> MemoryIndex? in
    // Where the module accesses its stable memory itself, that memory is its own.
    let isInjected =
      export.name == InstrumentationExport.bytemap
      || export.name == InstrumentationExport.stableMemory && !form.isDirect
    guard isInjected, case .memory(let index) = export.kind else { return nil }
    return index
  }
  let memories = newSpaces.memories.indices.map { MemoryIndex($0) }.filter { !injected.contains($0) }

  /// The original's index of an own function; nil for imports and for what was added.
  func ownFunction(_ index: FunctionIndex) -> FunctionIndex? {
    let number = index.position - newSpaces.importedFunctions
    return original.functions.indices.contains(number) ? FunctionIndex(oldSpaces.importedFunctions + number) : nil
  }
  func ownMemory(_ index: MemoryIndex) -> MemoryIndex? { memories.firstIndex(of: index).map { MemoryIndex($0) } }
  let (oldElements, newElements) = (placedElements(original), placedElements(instrumented))
  func ownElement(_ index: ElementIndex) -> ElementIndex? {
    guard let number = newElements.firstIndex(of: index), number < oldElements.count else { return nil }
    return oldElements[number]
  }

  if let expected = old.module, let actual = new.module, expected != actual {
    return ("the module is '\(expected)'", "it is '\(actual)'")
  }
  // A tool may take out data segments that were applied when the canister was installed; which of them the others are
  // cannot be told then.
  let keepsData = original.data.count == instrumented.data.count
  let wrong =
    difference("function", old.functions, new.functions, ownFunction)
    ?? difference("global", old.globals, new.globals) { $0.position < oldSpaces.globals.count ? $0 : nil }
    ?? difference("table", old.tables, new.tables) { $0.position < oldSpaces.tables.count ? $0 : nil }
    ?? difference("element segment", old.elements, new.elements, ownElement)
    ?? (keepsData ? difference("data segment", old.data, new.data) { $0 } : nil)
    ?? difference("memory", old.memories, new.memories, ownMemory)
  return wrong
    ?? loss("memory", old.memories, new.memories, ownMemory)
    ?? wrongLocal(old.locals, new.locals, ownFunction) { localCount(original, $0) }
    ?? stray("function", old.functions, of: oldSpaces.functions.count, new.functions, of: newSpaces.functions.count)
    ?? stray("table", old.tables, of: oldSpaces.tables.count, new.tables, of: newSpaces.tables.count)
    ?? stray("memory", old.memories, of: oldSpaces.memories.count, new.memories, of: newSpaces.memories.count)
    ?? stray("global", old.globals, of: oldSpaces.globals.count, new.globals, of: newSpaces.globals.count)
}

/// The element segments that are not declarative, in order.
private func placedElements(_ module: Module) -> [ElementIndex] {
  module.elements.indices.filter { module.elements[$0].mode != .declarative }.map { ElementIndex($0) }
}

/// - Parameter originalIndex: what an item of the instrumented module was; nil for those that are new.
private func difference<Space>(
  _ kind: String, _ old: [IndexedName<Space>], _ new: [IndexedName<Space>],
  _ originalIndex: (Index<Space>) -> Index<Space>?
) -> (expected: String, actual: String)? {
  let names = Dictionary(old.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
  for entry in new {
    guard let index = originalIndex(entry.index) else { continue }
    let expected = names[index]
    if expected == entry.name { continue }
    return (
      "\(kind) \(index) is \(expected.map { "'\($0)'" } ?? "nameless")",
      "as \(kind) \(entry.index) it is '\(entry.name)'"
    )
  }
  return nil
}

/// The first name that has passed from an own item, which is nameless now, to one that was added; as `difference`. Where
/// no own item has kept its name, all may have been left out and the new ones named by chance like them.
private func loss<Space>(
  _ kind: String, _ old: [IndexedName<Space>], _ new: [IndexedName<Space>],
  _ originalIndex: (Index<Space>) -> Index<Space>?
) -> (expected: String, actual: String)? {
  let kept = Set(new.compactMap { originalIndex($0.index) })
  if kept.isEmpty { return nil }
  for entry in new where originalIndex(entry.index) == nil {
    guard let lost = old.first(where: { $0.name == entry.name && !kept.contains($0.index) }) else { continue }
    return ("\(kind) \(lost.index) is '\(lost.name)'", "as \(kind) \(entry.index) something new has that name")
  }
  return nil
}

/// The first name for an item that does not exist, unless the original has such names, too; as `difference`.
private func stray<Space>(
  _ kind: String, _ old: [IndexedName<Space>], of oldCount: Int, _ new: [IndexedName<Space>], of newCount: Int
) -> (expected: String, actual: String)? {
  guard old.allSatisfy({ $0.index.position < oldCount }),
    let entry = new.first(where: { $0.index.position >= newCount })
  else { return nil }
  return ("all names of the \(kind) space are for one of its \(newCount)", "\(kind) \(entry.index) is '\(entry.name)'")
}

/// The first local with another name; as `difference`. Locals that were added stand behind those of the original.
///
/// - Parameter localCount: how many locals, parameters included, one of the original's functions has.
private func wrongLocal(
  _ old: [FunctionNames<LocalSpace>], _ new: [FunctionNames<LocalSpace>],
  _ originalIndex: (FunctionIndex) -> FunctionIndex?,
  _ localCount: (FunctionIndex) -> Int
) -> (expected: String, actual: String)? {
  let names = Dictionary(old.map { ($0.function, $0.names) }, uniquingKeysWith: { first, _ in first })
  for entry in new {
    guard let function = originalIndex(entry.function) else { continue }
    let expected = names[function] ?? []
    let named = Set(expected.map(\.index))
    // A name that has moved on to a local behind the original's is not one that a tool has given.
    let kept = Set(entry.names.map(\.index))
    let lost = Set(expected.filter { !kept.contains($0.index) }.map(\.name))
    let moved = Set(entry.names.filter { lost.contains($0.name) }.map(\.index))
    let wrong = difference("local", expected, entry.names) { local in
      // Counting takes reading the body, which most functions need not have done to them.
      named.contains(local) || moved.contains(local) || local.position < localCount(function) ? local : nil
    }
    if let wrong {
      return ("of function \(function) \(wrong.expected)", "of function \(entry.function) \(wrong.actual)")
    }
  }
  return nil
}

private func localCount(_ module: Module, _ index: FunctionIndex) -> Int {
  let function = module.functions[index.position - IndexSpaces(module).importedFunctions]
  let parameters =
    module.types.indices.contains(function.type.position) ? module.types[function.type.position].parameters.count : 0
  return function.body.locals.reduce(parameters) { $0 + Int($1.count) }
}
