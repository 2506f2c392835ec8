// Edits of many functions at once: how passes over code collect what they could change and let the search choose.
// Made from the outlines of the best candidate, carried out by `BodyEdits`.

import Wasm

/// Changes to one function that make sense only together.
struct PlacedEdit {
  var place: FunctionPlace
  var edits: [BodyEdit]

  init(_ place: FunctionPlace, _ edits: BodyEdit...) {
    self.place = place
    self.edits = edits
  }
}

extension Candidate {
  /// Calls `body` with the outline of every function that has one, in order.
  func forEachOutline(_ body: (FunctionPlace, FunctionBody, BodyOutline) -> Void) {
    for part in editable {
      let module = parts[part].module
      let types = ModuleTypes(module)
      for position in module.functions.indices {
        let function = module.functions[position]
        guard let type = types.type(function.type), let outline = BodyOutline(function.body, type: type, in: types)
        else { continue }
        body(FunctionPlace(part: part, position: position), function.body, outline)
      }
    }
  }

  /// The candidate with the edits that are marked.
  ///
  /// - Parameter edits: those of one function stand together.
  func applying(_ edits: [PlacedEdit], _ isChosen: [Bool]) -> Candidate {
    var result = self
    var position = 0
    while position < edits.count {
      let place = edits[position].place
      var changes = BodyEdits()
      var isChanged = false
      while position < edits.count && edits[position].place == place {
        if isChosen[position] {
          for edit in edits[position].edits { changes.add(edit) }
          isChanged = true
        }
        position += 1
      }
      if isChanged { result[place] = changes.apply(to: self[place]) }
    }
    return result
  }
}

extension [[PlacedEdit]] {
  /// Adds an edit to a level, which need not be there yet.
  mutating func add(_ edit: PlacedEdit, level: Int) {
    while count <= level { append([]) }
    self[level].append(edit)
  }
}

extension Search {
  /// Goes through edits level by level, the outermost first. What is left of the deeper levels is asked for again when
  /// something changed.
  ///
  /// - Parameter levels: the edits of the best candidate, by level.
  mutating func reduceByLevel(_ levels: (Candidate) -> [[PlacedEdit]]) {
    var current = levels(best)
    var level = 0
    while level < current.count && !isExhausted {
      let before = accepted
      reduce(current[level])
      if accepted != before { current = levels(best) }
      level += 1
    }
  }

  /// Carries out as many of the edits as it can. They belong to the best candidate as it is now.
  mutating func reduce(_ edits: [PlacedEdit]) {
    let base = best
    reduce(edits.count) { isChosen in base.applying(edits, isChosen) }
  }
}
