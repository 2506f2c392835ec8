// Pass over custom sections: names, debug data and metadata, which no lane reads.
// Goes before everything that moves an index, see `Pass.all`.

func dropCustomSections(_ search: inout Search) {
  let base = search.best
  let places = base.editable.flatMap { part in
    base.parts[part].module.customSections.indices.map { (part: part, position: $0) }
  }
  // Encoding again what was decoded is a change of its own, if the original was not encoded the shortest way.
  var normalized = base
  for part in base.editable { normalized.parts[part].module.customSections = base.parts[part].module.customSections }
  search.attempt(normalized)

  search.reduce(places.count) { isRemoved in
    var candidate = base
    for part in base.editable { candidate.parts[part].module.customSections = [] }
    for (position, place) in places.enumerated() where !isRemoved[position] {
      let section = base.parts[place.part].module.customSections[place.position]
      candidate.parts[place.part].module.customSections.append(section)
    }
    return candidate
  }
}
