// Faults in the numbering of the instrumented module and in the items that are moved, added or taken out.

import Canister
import Instrumentation
import Wasm

extension PlantedFault {
  // MARK: Indices

  static let indices: [PlantedFault] = [
    .init("call-unshifted", "A call reaches another function of the same type.") { mutant in
      let before = mutant
      try mutant.editFirst { $0.confused(.call, in: before) }
    },
    .init(
      "return-call-unshifted", "A tail call reaches another function of the same type.", profiles: ["multi-memory"]
    ) { mutant in
      let before = mutant
      try mutant.editFirst { $0.confused(.returnCall, in: before) }
    },
    .init("ref-func-unshifted", "ref.func gives another function of the same type.", profiles: ["multi-memory"]) {
      mutant in
      let before = mutant
      try mutant.editFirst { $0.confused(.refFunc, in: before) }
    },
    .init("element-unshifted", "An element segment holds another function in one place.") { mutant in
      for segment in mutant.module.elements.indices {
        guard case .active = mutant.module.elements[segment].mode,
          case .functions(var items) = mutant.module.elements[segment].items
        else { continue }
        for position in items.indices {
          guard let other = mutant.confusable(with: items[position]) else { continue }
          items[position] = other
          mutant.module.elements[segment].items = .functions(items)
          return
        }
      }
      throw NoSite()
    },
    .init("elements-rotated", "The items of an element segment are shifted by one place.") { mutant in
      for segment in mutant.module.elements.indices {
        guard case .active = mutant.module.elements[segment].mode,
          case .functions(let items) = mutant.module.elements[segment].items, Set(items).count > 1
        else { continue }
        mutant.module.elements[segment].items = .functions(Array(items.dropFirst()) + items.prefix(1))
        return
      }
      throw NoSite()
    },
    .init("export-unshifted", "An exported entry point is another function.") { mutant in
      try mutant.confuseExport { $0.hasPrefix("canister_") && $0 != InstrumentationExport.start }
    },
    .init("start-unshifted", "The start function is another function.") { mutant in
      try mutant.confuseExport { $0 == InstrumentationExport.start }
    },
    .init("global-off-by-one", "An instruction uses the next global variable of the same type.") { mutant in
      let globals = IndexSpaces(mutant.original).globals
      try mutant.editFirst { instruction in
        guard case .global(let global) = instruction.immediate, global.position < globals.count,
          let other = [global.position + 1, global.position - 1].first(where: {
            globals.indices.contains($0) && globals[$0] == globals[global.position]
          })
        else { return nil }
        return Instruction(instruction.opcode, .global(GlobalIndex(other)))
      }
    },
    .init(
      "memory-unshifted", "An access to a further memory reaches the memory that has its old number.",
      profiles: ["multi-memory"]
    ) { mutant in
      let last = mutant.layout.bytemap
      try mutant.editFirst { instruction in
        guard case .memoryAccess(var access) = instruction.immediate, access.memory > last else { return nil }
        access.memory = MemoryIndex(access.memory.position - 2)
        return Instruction(instruction.opcode, .memoryAccess(access))
      }
    },
    .init(
      "memory-off-by-one", "An access to a further memory reaches the memory before it.", profiles: ["multi-memory"]
    ) { mutant in
      try mutant.editFirst { instruction in
        guard case .memoryAccess(var access) = instruction.immediate, access.memory.position > 0 else { return nil }
        access.memory = MemoryIndex(access.memory.position - 1)
        return Instruction(instruction.opcode, .memoryAccess(access))
      }
    },
    .init("import-not-redirected", "A second import of the same stable function is not replaced (H21).") { mutant in
      try mutant.restoreDuplicateImport()
    },
  ]

  // MARK: Items

  static let items: [PlantedFault] = [
    .init("global-not-persistent", "A mutable global is not exported and so not kept between messages.") { mutant in
      let position = mutant.module.exports.firstIndex {
        $0.name.hasPrefix(InstrumentationExport.persistentGlobalPrefix)
      }
      guard let position else { throw NoSite() }
      mutant.module.exports.remove(at: position)
    },
    .init("heap-not-capped", "The heap may grow past its limit.") { mutant in
      guard let declared = mutant.original.memories.first, let current = mutant.module.memories.first,
        mutant.layout.heap != nil, mutant.layout.stableMemory.position > 0,
        declared.limits.maximum != current.limits.maximum,
        // A 32-bit memory ends there by itself.
        current.is64Bit || current.limits.maximum != 65_536
      else { throw NoSite() }
      mutant.module.memories[0].limits.maximum = declared.limits.maximum
    },
    .init("data-still-active", "Active data segments stay in the module, so every execution applies them again.") {
      mutant in
      guard mutant.original.data != mutant.module.data else { throw NoSite() }
      mutant.module.data = mutant.original.data.map { segment in
        guard case .active(let memory, let offset) = segment.mode else { return segment }
        return DataSegment(mode: .active(mutant.layout.map.memories[memory], offset: offset), bytes: segment.bytes)
      }
      mutant.module.hasDataCount = mutant.original.hasDataCount
    },
    .init("passive-data-lost", "A passive data segment is emptied like an active one.") { mutant in
      let position = mutant.module.data.firstIndex { !$0.bytes.isEmpty }
      guard let position else { throw NoSite() }
      mutant.module.data[position].bytes = []
    },
    .init("data-index-shifted", "memory.init copies from another data segment.") { mutant in
      let segments = mutant.module.data
      try mutant.editFirst { instruction in
        guard case .memoryInit(let memory, let segment) = instruction.immediate,
          let other = [segment.position + 1, segment.position - 1].first(where: {
            segments.indices.contains($0) && segments.indices.contains(segment.position)
              && segments[$0] != segments[segment.position]
          })
        else { return nil }
        return Instruction(instruction.opcode, .memoryInit(memory, DataIndex(other)))
      }
    },
  ]
}

extension Instruction {
  /// The same instruction with a confusable function, if it has this opcode.
  fileprivate func confused(_ opcode: Opcode, in mutant: Mutant) -> Instruction? {
    guard self.opcode == opcode, case .function(let function) = immediate,
      mutant.layout.definedFunctions.contains(function), let other = mutant.confusable(with: function)
    else { return nil }
    return Instruction(opcode, .function(other))
  }
}

extension Mutant {
  fileprivate mutating func confuseExport(named isWanted: (String) -> Bool) throws {
    for position in module.exports.indices where isWanted(module.exports[position].name) {
      guard case .function(let function) = module.exports[position].kind, let other = confusable(with: function) else {
        continue
      }
      module.exports[position].kind = .function(other)
      return
    }
    throw NoSite()
  }

  /// Lets the calls of all but the last import of a stable function reach the import: the replica keeps one import per
  /// function and so forgets the others.
  fileprivate mutating func restoreDuplicateImport() throws {
    let map = layout.map.functions
    let imports = original.imports.compactMap { entry -> (name: String, isStable: Bool)? in
      guard case .function = entry.kind else { return nil }
      return (entry.name, entry.module == "ic0" && SystemFunction(name: entry.name)?.isStable == true)
    }
    let forgotten = imports.indices.filter { position in
      imports[position].isStable && imports[(position + 1)...].contains { $0 == imports[position] }
    }
    let injectedCalls: Set = [layout.outOfInstructions, layout.decrement, layout.tryGrowWasmMemory]
    var found = false
    for (number, function) in original.functions.enumerated() {
      let old = function.body.instructions.compactMap(\.calledFunction)
      let new = module.functions[number].body.instructions.indices.filter {
        guard let called = module.functions[number].body.instructions[$0].calledFunction else { return false }
        return !injectedCalls.contains(called)
      }
      for (callee, position) in zip(old, new) where forgotten.contains(callee.position) {
        // Where the import itself went: as far as the first import that is not replaced would be shifted.
        let shift = layout.outOfInstructions.position == 0 ? InstrumentationImport.allCases.count : 0
        let instruction = module.functions[number].body.instructions[position]
        guard map[callee] == instruction.calledFunction else { throw NoSite() }
        module.functions[number].body.instructions[position] =
          Instruction(instruction.opcode, .function(FunctionIndex(callee.position + shift)))
        found = true
      }
    }
    if !found { throw NoSite() }
  }
}

extension Instruction {
  fileprivate var calledFunction: FunctionIndex? {
    guard opcode == .call || opcode == .returnCall, case .function(let function) = immediate else { return nil }
    return function
  }
}
