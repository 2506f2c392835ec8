// Pass over statements: runs of instructions that leave the operand stack as they found it, level by level of nesting,
// so that a block with all that is in it costs one call if it is not needed.

func dropStatements(_ search: inout Search) {
  dropDeadCode(&search)
  search.reduceByLevel { candidate in
    var levels: [[PlacedEdit]] = []
    candidate.forEachOutline { place, _, outline in
      for node in outline.nodes where node.isStatement {
        levels.add(PlacedEdit(place, .drop(node.range)), level: node.nesting)
      }
    }
    return levels
  }
}

private func dropDeadCode(_ search: inout Search) {
  var edits: [PlacedEdit] = []
  search.best.forEachOutline { place, _, outline in
    for range in outline.deadRanges { edits.append(PlacedEdit(place, .drop(range))) }
  }
  search.reduce(edits)
}
