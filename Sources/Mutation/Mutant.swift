// The module that a fault edits, and which of its functions the edit is for. The edits of bodies are in `BodyEdit`, the
// faults in the `PlantedFault+…` files.

import Canister
import Instrumentation
import Wasm

/// A fault has no place in this module.
struct NoSite: Error {}

/// A function that instrumentation added.
enum InjectedFunction {
  case decrement, countCleanPages
  case stable(SystemFunction)

  static let size = Self.stable(.stableSize)
  static let grow = Self.stable(.stableGrow)
  static let grow64 = Self.stable(.stable64Grow)
  static let read = Self.stable(.stableRead)
  static let read64 = Self.stable(.stable64Read)
  static let write = Self.stable(.stableWrite)
  static let write64 = Self.stable(.stable64Write)
}

/// An instrumented module while a fault is put in.
struct Mutant {
  var module: Module
  let original: Module
  let layout: InstrumentedLayout
  let parameters: Parameters

  // MARK: Bodies

  /// Edits the body of an injected function.
  mutating func edit(
    _ function: InjectedFunction, _ change: (inout BodyEdit) throws -> Void
  ) throws {
    let index: FunctionIndex? =
      switch function {
      case .decrement: layout.decrement
      case .countCleanPages: layout.countCleanPages
      case .stable(let function): layout.replacement(of: function)
      }
    guard let index else { throw NoSite() }
    try edit(index, change)
  }

  /// Edits the body of every function of the module's own; there must be a place in at least one.
  mutating func editOwnFunctions(_ change: (inout BodyEdit) throws -> Void) throws {
    var found = false
    for number in original.functions.indices {
      do {
        try edit(FunctionIndex(layout.importedFunctions + number), change)
        found = true
      } catch {
        continue
      }
    }
    if !found { throw NoSite() }
  }

  mutating func edit(
    _ function: FunctionIndex, _ change: (inout BodyEdit) throws -> Void
  ) throws {
    let position = function.position - layout.importedFunctions
    guard module.functions.indices.contains(position) else { throw NoSite() }
    let edited = module.functions[position]
    let locals = edited.body.locals.reduce(into: signature(of: edited.type)?.parameters ?? []) { types, group in
      types += [ValueType](repeating: group.type, count: Int(group.count))
    }
    var body = BodyEdit(edited.body.instructions, locals: locals, layout: layout, parameters: parameters)
    try change(&body)
    module.functions[position].body.instructions = body.instructions
  }

  // MARK: Indices

  /// Another function that the module would call without complaint in the place of this one: first the one that a
  /// forgotten shift gives, then the neighbours.
  func confusable(with function: FunctionIndex) -> FunctionIndex? {
    let functions = IndexSpaces(module).functions
    let shift = InstrumentationImport.allCases.count
    let candidates = [function.position - shift, function.position - 1, function.position + 1]
    let own = layout.definedFunctions
    return candidates.lazy.filter { functions.indices.contains($0) }.map { FunctionIndex($0) }.first {
      own.contains($0) && signature(of: functions[$0.position]) == signature(of: functions[function.position])
    }
  }

  private func signature(of type: TypeIndex) -> FunctionType? {
    module.types.indices.contains(type.position) ? module.types[type.position] : nil
  }

  /// Tries `change` at every instruction of the module's own functions until the result is another valid module.
  mutating func editFirst(where change: (Instruction) -> Instruction?) throws {
    for function in module.functions.indices.prefix(original.functions.count) {
      for position in module.functions[function].body.instructions.indices {
        let old = module.functions[function].body.instructions[position]
        guard let new = change(old), new != old else { continue }
        module.functions[function].body.instructions[position] = new
        if (try? validate(module)) != nil { return }
        module.functions[function].body.instructions[position] = old
      }
    }
    throw NoSite()
  }
}
