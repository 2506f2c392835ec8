// Pass over expressions: each becomes the zero of its type, or one of its operands, or the statements that stand among
// its operands. From the outermost inwards, so that a large expression that does not matter costs one call.

import Wasm

func replaceExpressions(_ search: inout Search) {
  search.reduceByLevel { candidate in
    edits(candidate) { place, body, outline, node in
      // A constant is as simple as it gets here; its value is the business of another pass.
      guard let type = node.value, !isConstant(body.instructions[node.position]) else { return nil }
      return PlacedEdit(place, .replace(node.range, [zero(type)]))
    }
  }
  tryTellingNumbers(&search)
  search.reduceByLevel { candidate in
    edits(candidate) { place, _, outline, node in keepStatements(of: node, place, outline) }
  }
  for choice in 0..<3 {
    search.reduceByLevel { candidate in
      edits(candidate) { place, body, outline, node in keepOperand(choice, of: node, place, body, outline) }
    }
  }
}

/// Replaces integer expressions that zero cannot stand for by the few other numbers that often matter. What is found
/// here is one constant instead of a computation that reads variables, memory or arguments.
private func tryTellingNumbers(_ search: inout Search) {
  // The smallest that is something; a number that every range check refuses; the ends of an OS page, of a Wasm page
  // and of the 32-bit world, each with a byte beyond.
  for number: Int64 in [1, -1, 4_097, 65_537, 4_294_967_297] {
    search.reduceByLevel { candidate in
      edits(candidate) { place, body, outline, node in
        guard !isConstant(body.instructions[node.position]), let type = node.value else { return nil }
        switch type {
        case .i64: return PlacedEdit(place, .replace(node.range, [.i64(number)]))
        case .i32:
          guard let small = Int32(exactly: number) else { return nil }
          return PlacedEdit(place, .replace(node.range, [.i32(small)]))
        default: return nil
        }
      }
    }
  }
}

/// Only the statements among the operands of an instruction, and a zero if it has a value.
private func keepStatements(of node: BodyOutline.Node, _ place: FunctionPlace, _ outline: BodyOutline) -> PlacedEdit? {
  guard node.value != nil || node.isStatement, node.operands.count > 0 else { return nil }
  var edit = PlacedEdit(place)
  var end = node.range.upperBound
  // Nodes stand in the order of their ends. Those of the same nesting that are no operands are statements between them.
  for other in outline.nodes[..<node.index].reversed() {
    if other.range.upperBound <= node.range.lowerBound { break }
    guard other.isStatement, other.nesting == node.nesting, other.range.upperBound <= end,
      other.range.lowerBound >= node.range.lowerBound
    else { continue }
    let rest = edit.edits.isEmpty ? node.value.map { [zero($0)] } ?? [] : []
    edit.edits.append(.replace(other.range.upperBound..<end, rest))
    end = other.range.lowerBound
  }
  if edit.edits.isEmpty { return nil }
  edit.edits.append(.drop(node.range.lowerBound..<end))
  return edit
}

/// Only one operand of an instruction, without the instruction and the other operands.
private func keepOperand(
  _ choice: Int, of node: BodyOutline.Node, _ place: FunctionPlace, _ body: FunctionBody, _ outline: BodyOutline
) -> PlacedEdit? {
  guard node.value != nil || node.isStatement else { return nil }
  var source = node
  // A value that is dropped is dropped one step earlier: the instruction that computes it stands in for the `drop`.
  if body.instructions[node.position].opcode == .drop, let dropped = node.operands.first {
    source = outline.nodes[dropped]
  }
  guard choice < source.operands.count else { return nil }
  let operand = outline.nodes[source.operands[choice]]
  guard let type = operand.value else { return nil }
  var rest: [Instruction] = []
  if node.value != type {
    // Its value is of no use, but it may do something else: it becomes a statement before the value that is needed.
    if isConstant(body.instructions[operand.position]) { return nil }
    rest = [Instruction(.drop)] + (node.value.map { [zero($0)] } ?? [])
    let removed = node.range.count - operand.range.count
    if removed < rest.count || (removed == rest.count && node.value != nil) { return nil }
  }
  return PlacedEdit(
    place, .drop(node.range.lowerBound..<operand.range.lowerBound),
    .replace(operand.range.upperBound..<node.range.upperBound, rest))
}

private func edits(
  _ candidate: Candidate, _ edit: (FunctionPlace, FunctionBody, BodyOutline, BodyOutline.Node) -> PlacedEdit?
) -> [[PlacedEdit]] {
  var levels: [[PlacedEdit]] = []
  candidate.forEachOutline { place, body, outline in
    for node in outline.nodes {
      if let edit = edit(place, body, outline, node) { levels.add(edit, level: node.depth) }
    }
  }
  return levels
}

func isConstant(_ instruction: Instruction) -> Bool {
  switch instruction.immediate {
  case .i32, .i64, .f32, .f64, .v128, .referenceType: true
  default: false
  }
}
