// Pass over expressions: each becomes the zero of its type, or one of its operands. From the outermost inwards, so that
// a large expression that does not matter costs one call.

import Wasm

func replaceExpressions(_ search: inout Search) {
  search.reduceByLevel { candidate in
    edits(candidate) { place, body, outline, node in
      // A constant is as simple as it gets here; its value is the business of another pass.
      guard let type = node.value, !isConstant(body.instructions[node.position]) else { return nil }
      return PlacedEdit(place, .replace(node.range, [zero(type)]))
    }
  }
  for choice in 0..<3 {
    search.reduceByLevel { candidate in
      edits(candidate) { place, _, outline, node in
        guard let type = node.value, choice < node.operands.count else { return nil }
        let operand = outline.nodes[node.operands[choice]]
        guard operand.value == type else { return nil }
        // What stands around the operand goes, the operand stays where it is.
        return PlacedEdit(
          place, .drop(node.range.lowerBound..<operand.range.lowerBound),
          .drop(operand.range.upperBound..<node.range.upperBound))
      }
    }
  }
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
