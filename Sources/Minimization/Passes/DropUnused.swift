// Pass over everything with an index: parts of the module that nothing uses any more, and locals.
// Goes after the passes that empty bodies and drop exports; `Usage` says what is used.

import Wasm

func dropUnused(_ search: inout Search) {
  for part in search.best.editable {
    dropUnusedParts(&search, part)
    dropHeap(&search, part)
    dropUnusedTypes(&search, part)
  }
  dropUnusedLocals(&search)
}

private func dropUnusedParts(_ search: inout Search, _ part: Int) {
  let base = search.best
  let module = base.parts[part].module
  let unused = Usage(module).flags.unmarked
  if unused.isEmpty { return }
  // Where most of many thousand parts are needed by their number alone, one by one would take all that may be spent.
  search.reduce(unused.count, smallestChunk: unused.count / 256) { isRemoved in
    var keep = PartFlags(module, repeating: true)
    for (position, index) in unused.enumerated() where isRemoved[position] { keep[index] = false }
    var candidate = base
    candidate.parts[part].module = module.isolating(keep).keeping(keep)
    return candidate
  }
}

extension Module {
  /// The module in which nothing that is kept refers to something that is not. Only unused parts can, and what they do
  /// does not matter: they lose their contents.
  fileprivate func isolating(_ keep: PartFlags) -> Module {
    func refers(_ instructions: [Instruction]) -> Bool {
      var isDangling = false
      for instruction in instructions {
        instruction.forEachPart { if !keep[$0] { isDangling = true } }
      }
      return isDangling
    }
    var result = self
    for position in functions.indices where refers(functions[position].body.instructions) {
      result.functions[position].body = FunctionBody(instructions: [Instruction(.unreachable), Instruction(.end)])
    }
    for position in tables.indices where tables[position].initializer.map(refers) == true {
      result.tables[position].initializer = nil
    }
    for position in globals.indices where refers(globals[position].initializer) {
      result.globals[position].initializer = [zero(globals[position].type.value)]
    }
    for (position, segment) in elements.enumerated() {
      if case .active(let table, let offset) = segment.mode, !keep[.table(table)] || refers(offset) {
        result.elements[position].mode = .passive
      }
      switch segment.items {
      case .functions(let items):
        if items.contains(where: { !keep[.function($0)] }) { result.elements[position].items = .functions([]) }
      case .expressions(let type, let items):
        if items.contains(where: refers) { result.elements[position].items = .expressions(type, []) }
      }
    }
    for (position, segment) in data.enumerated() {
      if case .active(let memory, let offset) = segment.mode, !keep[.memory(memory)] || refers(offset) {
        result.data[position].mode = .passive
      }
    }
    return result
  }
}

/// A heap that no code, export or segment names is still there for System API calls to work on; perhaps none does.
private func dropHeap(_ search: inout Search, _ part: Int) {
  let module = search.best.parts[part].module
  let heap = module.heap
  guard !module.memories.isEmpty, !module.namedParts()[.memory(heap)],
    !module.exports.contains(where: { $0.kind == .memory(heap) })
  else { return }
  for segment in module.data {
    if case .active(heap, _) = segment.mode { return }
  }
  var keep = PartFlags(module, repeating: true)
  keep[.memory(heap)] = false
  var candidate = search.best
  candidate.parts[part].module = module.keeping(keep)
  search.attempt(candidate)
}

private func dropUnusedTypes(_ search: inout Search, _ part: Int) {
  var candidate = search.best
  let module = candidate.parts[part].module
  var keep = PartFlags(module, repeating: true)
  // Types are used by all that is there, not only by what is used.
  keep.types = module.usedTypes()
  var changed = module.keeping(keep)
  changed.hasDataCount = module.hasDataCount && changed.needsDataCount
  if changed == module { return }
  candidate.parts[part].module = changed
  search.attempt(candidate)
}

extension Module {
  fileprivate func usedTypes() -> [Bool] {
    var flags = Array(repeating: false, count: types.count)
    func use(_ type: TypeIndex) {
      if flags.indices.contains(type.position) { flags[type.position] = true }
    }
    for entry in imports {
      if case .function(let type) = entry.kind { use(type) }
    }
    for function in functions {
      use(function.type)
      for instruction in function.body.instructions {
        instruction.forEachPart { if case .type(let type) = $0 { use(type) } }
      }
    }
    return flags
  }

  fileprivate var needsDataCount: Bool {
    functions.contains { function in
      function.body.instructions.contains { $0.opcode == .memoryInit || $0.opcode == .dataDrop }
    }
  }
}

private func dropUnusedLocals(_ search: inout Search) {
  let base = search.best
  var replacements: [(place: FunctionPlace, body: FunctionBody)] = []
  for place in base.functions {
    let module = base.parts[place.part].module
    let type = module.functions[place.position].type
    guard module.types.indices.contains(type.position) else { continue }
    if let body = base[place].withoutUnusedLocals(parameters: module.types[type.position].parameters.count) {
      replacements.append((place, body))
    }
  }
  search.reduce(replacements.count) { isChosen in
    var candidate = base
    for (position, replacement) in replacements.enumerated() where isChosen[position] {
      candidate[replacement.place] = replacement.body
    }
    return candidate
  }
}

extension FunctionBody {
  /// The body with the locals that it names, one group for each run of equal types; nil if that is what it has.
  fileprivate func withoutUnusedLocals(parameters: Int) -> FunctionBody? {
    if locals.isEmpty { return nil }
    guard let all = LocalTypes(FunctionType(), locals)?.types else { return nil }
    var isUsed = Array(repeating: false, count: all.count)
    for instruction in instructions {
      guard case .local(let local) = instruction.immediate else { continue }
      if isUsed.indices.contains(local.position - parameters) { isUsed[local.position - parameters] = true }
    }
    var result = self
    result.locals = []
    var renumbered: [LocalIndex] = []
    var next = parameters
    for (position, type) in all.enumerated() {
      renumbered.append(LocalIndex(next))
      guard isUsed[position] else { continue }
      next += 1
      if result.locals.last?.type == type {
        result.locals[result.locals.count - 1].count += 1
      } else {
        result.locals.append(LocalGroup(count: 1, type: type))
      }
    }
    if result.locals == locals { return nil }
    for index in instructions.indices {
      guard case .local(let local) = instructions[index].immediate else { continue }
      let position = local.position - parameters
      if renumbered.indices.contains(position) { result.instructions[index].immediate = .local(renumbered[position]) }
    }
    return result
  }
}
