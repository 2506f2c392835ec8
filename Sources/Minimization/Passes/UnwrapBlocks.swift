// Pass over blocks: an `if` becomes one of its parts, a block that nothing branches to becomes its contents.
// The others of this kind of change, statements and expressions, come before and after it in a round.

import Wasm

func unwrapBlocks(_ search: inout Search) {
  // Parts first: what is left of an `if` is a block, which the last step takes away.
  edit(&search, .first) { body, block in body.instructions[block.opening].opcode == .if }
  edit(&search, .second) { _, block in block.alternative != nil }
  edit(&search, .withoutElse) { _, block in block.alternative != nil }
  edit(&search, .unwrap) { body, block in !block.isTargeted && body.instructions[block.opening].opcode != .if }
  keepDefaultTargets(&search)
  // Branches to what goes then go to what is around it.
  edit(&search, .unwrap) { body, block in body.instructions[block.opening].opcode != .if }
}

private func edit(
  _ search: inout Search, _ edit: BlockEdit, where isCandidate: (FunctionBody, BodyOutline.Block) -> Bool
) {
  var edits: [PlacedEdit] = []
  search.best.forEachOutline { place, body, outline in
    for block in outline.blocks where isCandidate(body, block) {
      edits.append(PlacedEdit(place, .block(block.opening, edit)))
    }
  }
  search.reduce(edits)
}

/// Leaves every `br_table` its default target only.
private func keepDefaultTargets(_ search: inout Search) {
  let base = search.best
  var places: [(place: FunctionPlace, position: Int, range: LabelRange)] = []
  for place in base.functions {
    for (position, instruction) in base[place].instructions.enumerated() {
      guard case .labels(let range) = instruction.immediate, range.count > 1 else { continue }
      places.append((place, position, LabelRange(start: range.start &+ range.count - 1, count: 1)))
    }
  }
  search.reduce(places.count) { isChosen in
    var candidate = base
    for (index, entry) in places.enumerated() where isChosen[index] {
      candidate[entry.place].instructions[entry.position].immediate = .labels(entry.range)
    }
    return candidate
  }
}
