// Pass over blocks: an `if` becomes one of its parts, a block that nothing branches to becomes its contents.
// The others of this kind of change, statements and expressions, come before and after it in a round.

import Wasm

func unwrapBlocks(_ search: inout Search) {

  // Parts first: what is left of an `if` is a block, which the last step takes away.
  edit(&search, .first) { body, block in body.instructions[block.opening].opcode == .if }
  edit(&search, .second) { _, block in block.alternative != nil }
  edit(&search, .withoutElse) { _, block in block.alternative != nil }
  edit(&search, .unwrap) { body, block in !block.isTargeted && body.instructions[block.opening].opcode != .if }
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
