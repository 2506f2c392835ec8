// What each memory of a canister module is for. Modules that declare or import their stable memory are brought into one
// form: all memories declared, heap first. Comes after validation, before the rules for canisters; contract section 4.

import Wasm

/// What a memory of a canister is for.
public enum MemoryRole: Hashable, Sendable {
  case heap
  /// Survives upgrades.
  case stable
  /// Survives messages, but not upgrades.
  case session
  /// Starts zeroed in every message.
  case scratch
  /// Of the multi-memory profile; survives like the heap.
  case further
}

/// The names under which a module imports its further memories from `ic0`.
public enum MemoryImport: String, CaseIterable, Sendable {
  case stable = "stable_memory"
  case session = "session_memory"
  case scratch = "scratch_memory"

  public var role: MemoryRole {
    switch self {
    case .stable: .stable
    case .session: .session
    case .scratch: .scratch
    }
  }
}

/// A canister module with the purpose of each of its memories.
public struct CanisterForm: Sendable {
  /// The module as it came.
  public let original: Module
  /// The module; its memories are all declared, the heap is memory 0.
  public let module: Module
  /// By memory index.
  public let memories: [MemoryRole]
  /// Whether the module accesses its stable memory itself.
  public let isDirect: Bool

  /// The memory that the module accesses as its stable memory.
  public var stableMemory: MemoryIndex? { memories.firstIndex(of: .stable).map { MemoryIndex($0) } }

  /// - Parameters:
  ///   - module: a valid module.
  ///   - placement: how it gets at its stable memory.
  /// - Throws: what such a module may not contain. Other rules are `validateCanister`'s.
  public init(_ module: Module, placement: MemoryPlacement) throws(CanisterValidationError) {
    isDirect = placement.isDirect
    original = module
    switch placement {
    case .end, .second:
      self.module = module
      memories = module.memories.indices.map { $0 == 0 ? .heap : .further }
    case .direct:
      guard module.memories.count > 1, module.memories[1].is64Bit else {
        throw CanisterValidationError(
          "a module with direct access to stable memory has to declare it as its second memory, with 64-bit addresses",
          at: .section(.memory))
      }
      self.module = module
      memories = module.memories.indices.map { $0 == 0 ? .heap : $0 == 1 ? .stable : .further }
      try checkDirect()
    case .named:
      (self.module, memories) = try Self.declaringImports(of: module)
      try checkDirect()
    }
  }

  // MARK: Imported memories

  /// The module with its memory imports as declarations behind the heap, in the order of `MemoryImport`.
  private static func declaringImports(
    of module: Module
  ) throws(CanisterValidationError) -> (Module, [MemoryRole]) {
    var imported: [(name: MemoryImport, type: MemoryType, index: Int)] = []
    for (position, entry) in module.imports.enumerated() {
      guard case .memory(let type) = entry.kind else { continue }
      func error(_ reason: String) -> CanisterValidationError {
        CanisterValidationError("\(entry.module).\(entry.name): \(reason)", at: .import(position))
      }
      guard entry.module == "ic0", let name = MemoryImport(rawValue: entry.name) else {
        let names = MemoryImport.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        throw error("memories that can be imported are \(names) from 'ic0'")
      }
      guard !imported.contains(where: { $0.name == name }) else { throw error("imported twice") }
      guard name != .stable || type.is64Bit else { throw error("stable memory has 64-bit addresses") }
      imported.append((name, type, imported.count))
    }
    guard !imported.isEmpty else {
      throw CanisterValidationError("the module imports no memory by name", at: .section(.import))
    }
    guard !module.memories.isEmpty else {
      throw CanisterValidationError("a module that imports memories has to define its heap", at: .section(.memory))
    }
    let inOrder = MemoryImport.allCases.flatMap { name in imported.filter { $0.name == name } }
    var map = IndexMap()
    map.memories.table = imported.map { entry in
      MemoryIndex(1 + (inOrder.firstIndex { $0.name == entry.name } ?? 0))
    }
    map.memories.table.append(MemoryIndex(0))
    for further in 1..<max(module.memories.count, 1) {
      map.memories.table.append(MemoryIndex(imported.count + further))
    }
    var result = module
    result.imports.removeAll { if case .memory = $0.kind { true } else { false } }
    map.remap(&result)
    result.memories.insert(contentsOf: inOrder.map(\.type), at: 1)
    let further = [MemoryRole](repeating: .further, count: module.memories.count - 1)
    return (result, [.heap] + inOrder.map(\.name.role) + further)
  }

  // MARK: Rules

  private func checkDirect() throws(CanisterValidationError) {
    for (position, entry) in module.imports.enumerated() {
      guard entry.module == "ic0", let function = SystemFunction(name: entry.name) else { continue }
      func error(_ reason: String) -> CanisterValidationError {
        CanisterValidationError("\(entry.module).\(entry.name): \(reason)", at: .import(position))
      }
      if function.isStable {
        throw error("not allowed in a module that accesses stable memory directly")
      }
      // Direct accesses and calls cost differently, so what a counter says would differ between the lanes.
      if function == .performanceCounter {
        throw error("the costs of direct access are not defined, so no counter can be read")
      }
    }
    if module.memories[0].limits.minimum == 0 {
      throw CanisterValidationError(
        "the heap has to start with a page at least where stable memory is accessed directly",
        at: .memory(MemoryIndex(0)))
    }
    for (position, segment) in module.data.enumerated() {
      guard case .active(let memory, _) = segment.mode, memories.indices.contains(memory.position) else { continue }
      let role = memories[memory.position]
      if role == .stable || role == .scratch {
        throw CanisterValidationError(
          "an active segment cannot initialise \(role == .stable ? "stable" : "scratch") memory, which outlives or "
            + "forgets what an installation writes", at: .data(DataIndex(position)))
      }
    }
  }
}

/// Checks everything that the IC and this harness ask of a canister module, whatever way it gets at stable memory.
///
/// - Returns: the form in which the lanes take it.
/// - Throws: the first broken rule.
@discardableResult
public func validateCanister(
  _ module: Module, placement: MemoryPlacement, parameters: Parameters, allowances: CanisterAllowances = .all
) throws(CanisterValidationError) -> CanisterForm {
  let form = try CanisterForm(module, placement: placement)
  try validateCanister(form.module, parameters: parameters, allowances: allowances)
  if let stable = form.stableMemory {
    let minimum = form.module.memories[stable.position].limits.minimum
    if minimum > parameters.stableCapacity {
      throw CanisterValidationError(
        "stable memory of \(minimum) pages, the capacity is \(parameters.stableCapacity)", at: .memory(stable))
    }
  }
  return form
}
