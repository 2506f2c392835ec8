// Pass over calls: one through a table becomes one of the function that stands there, one of a function that the module
// defines becomes the body of that function, which then belongs to this call alone and can be cut down to what it needs.

import Wasm

/// Bodies larger than this are inlined only where they have a single call.
private let smallBody = 12

func inlineCalls(_ search: inout Search) {
  callDirectly(&search)
  for part in search.best.editable {
    var position = 0
    // One call after the other, each from the module as the one before left it.
    while let call = nextCall(in: search.best.parts[part].module, after: &position) {
      if search.isExhausted { return }
      guard let body = inlined(call, in: search.best.parts[part].module) else { continue }
      var candidate = search.best
      candidate.parts[part].module.functions[call.caller].body = body
      search.attempt(candidate)
    }
  }
}

/// Replaces indirect calls with a constant index by direct ones.
private func callDirectly(_ search: inout Search) {
  var edits: [PlacedEdit] = []
  let candidate = search.best
  candidate.forEachOutline { place, body, outline in
    let module = candidate.parts[place.part].module
    for node in outline.nodes {
      let instruction = body.instructions[node.position]
      guard instruction.opcode == .callIndirect, case .indirectCall(_, let table) = instruction.immediate,
        node.position > node.range.lowerBound, let index = module.constant(body.instructions[node.position - 1]),
        let callee = module.element(index, of: table)
      else { continue }
      edits.append(PlacedEdit(place, .replace(node.position - 1..<node.position + 1, [.call(callee)])))
    }
  }
  search.reduce(edits)
}

extension Module {
  fileprivate func constant(_ instruction: Instruction) -> UInt64? {
    switch instruction.immediate {
    case .i32(let value): UInt64(UInt32(bitPattern: value))
    case .i64(let value): UInt64(bitPattern: value)
    default: nil
    }
  }

  /// The function that active segments put into a table.
  fileprivate func element(_ index: UInt64, of table: TableIndex) -> FunctionIndex? {
    var found: FunctionIndex?
    for segment in elements {
      guard case .active(table, let offset) = segment.mode, offset.count == 1, let start = constant(offset[0]),
        index >= start, index - start < UInt64(segment.items.count)
      else { continue }
      let position = Int(index - start)
      switch segment.items {
      case .functions(let items): found = items[position]
      case .expressions(_, let items):
        guard let item = items[position].first, case .function(let function) = item.immediate else { continue }
        found = function
      }
    }
    return found
  }
}

private struct Call {
  /// Position among the defined functions.
  var caller: Int
  var callee: Int
  /// Position of the call instruction.
  var position: Int
}

/// The next call worth inlining, in the order of the functions.
///
/// - Parameter ordinal: number of calls to skip; moved on behind the call that is returned.
private func nextCall(in module: Module, after ordinal: inout Int) -> Call? {
  let imported = IndexSpaces(module).importedFunctions
  var calls: [Call] = []
  for (caller, function) in module.functions.enumerated() {
    for (position, instruction) in function.body.instructions.enumerated() {
      guard instruction.opcode == .call, case .function(let index) = instruction.immediate else { continue }
      let callee = index.position - imported
      if callee >= 0 && callee != caller && callee < module.functions.count {
        calls.append(Call(caller: caller, callee: callee, position: position))
      }
    }
  }
  var callCounts: [Int: Int] = [:]
  for call in calls { callCounts[call.callee, default: 0] += 1 }
  while ordinal < calls.count {
    let call = calls[ordinal]
    ordinal += 1
    let size = module.functions[call.callee].body.instructions.count
    if size <= smallBody || callCounts[call.callee] == 1 { return call }
  }
  return nil
}

/// The caller's body with the call replaced; nil where it cannot be.
private func inlined(_ call: Call, in module: Module) -> FunctionBody? {
  let types = ModuleTypes(module)
  let callee = module.functions[call.callee]
  var body = module.functions[call.caller].body
  guard let callerType = types.type(module.functions[call.caller].type), let type = types.type(callee.type),
    let callerLocals = LocalTypes(callerType, body.locals), LocalTypes(type, callee.body.locals) != nil,
    let blockType = blockType(of: type, callee.type)
  else { return nil }

  let firstLocal = callerLocals.types.count
  body.locals += type.parameters.map { LocalGroup(count: 1, type: $0) } + callee.body.locals
  var code = type.parameters.indices.reversed().map { Instruction.set(LocalIndex(firstLocal + $0)) }
  code.append(Instruction(.block, .block(blockType)))
  var nesting: UInt32 = 0
  for var instruction in callee.body.instructions {
    switch instruction.immediate {
    case .local(let local):
      instruction.immediate = .local(LocalIndex(local.value &+ UInt32(truncatingIfNeeded: firstLocal)))
    case .labels(let range):
      guard range.indices.upperBound <= callee.body.labels.count else { return nil }
      let start = UInt32(truncatingIfNeeded: body.labels.count)
      body.labels += callee.body.labels[range.indices]
      instruction.immediate = .labels(LabelRange(start: start, count: range.count))
    case .block: nesting += 1
    default: break
    }
    switch instruction.opcode {
    case .end where nesting > 0: nesting -= 1
    // Out of the block that stands for the function.
    case .return: instruction = Instruction(.br, .label(nesting))
    case .returnCall, .returnCallIndirect: return nil
    default: break
    }
    code.append(instruction)
  }
  body.instructions.replaceSubrange(call.position...call.position, with: code)
  return body
}

/// A block that takes nothing, as the arguments are in locals, and gives what the function gives.
private func blockType(of type: FunctionType, _ index: TypeIndex) -> BlockType? {
  switch type.results.count {
  case 0: .empty
  case 1: .value(type.results[0])
  default: type.parameters.isEmpty ? .type(index) : nil
  }
}
