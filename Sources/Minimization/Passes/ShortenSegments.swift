// Pass over data and element segments: none, shorter ones, zeros instead of bytes, one function instead of many.
// What segments keep in use goes in the pass over unused parts of the next round.

import Wasm

func shortenSegments(_ search: inout Search) {
  for part in search.best.editable {
    dropSegments(&search, part)
    for position in search.best.parts[part].module.data.indices { shortenData(&search, part, position) }
    for position in search.best.parts[part].module.elements.indices { shortenElements(&search, part, position) }
  }
}

/// Empties segments all at once or one by one; empty ones whose index nobody uses are gone.
private func dropSegments(_ search: inout Search, _ part: Int) {
  let base = search.best
  let module = base.parts[part].module
  let named = module.namedParts()
  let count = module.data.count + module.elements.count
  search.reduce(count) { isRemoved in
    var keep = PartFlags(module, repeating: true)
    var changed = module
    for position in 0..<count where isRemoved[position] {
      if position < module.data.count {
        changed.data[position].bytes = []
        keep.data[position] = named.data[position]
      } else {
        let element = position - module.data.count
        changed.elements[element].items = module.elements[element].items.prefix(0)
        keep.elements[element] = named.elements[element]
      }
    }
    var candidate = base
    candidate.parts[part].module = changed.keeping(keep)
    return candidate
  }
}

private func shortenData(_ search: inout Search, _ part: Int, _ position: Int) {
  let base = search.best
  shorten(&search, base.parts[part].module.data[position].bytes) { bytes in
    var candidate = base
    candidate.parts[part].module.data[position].bytes = bytes
    return candidate
  }
}

private func shortenElements(_ search: inout Search, _ part: Int, _ position: Int) {
  let base = search.best
  let items = base.parts[part].module.elements[position].items
  search.lower(UInt64(items.count)) { count in
    var candidate = base
    candidate.parts[part].module.elements[position].items = items.prefix(Int(truncatingIfNeeded: count))
    return candidate
  }
  mergeElements(&search, part, position)
}

/// Lets items name the last function of the segment, or nothing where they can, so that the others can go.
private func mergeElements(_ search: inout Search, _ part: Int, _ position: Int) {
  let base = search.best
  let others: [Int]
  let merged: (inout ElementItems, Int) -> Void
  switch base.parts[part].module.elements[position].items {
  case .functions(let items):
    guard let last = items.last else { return }
    others = items.indices.filter { items[$0] != last }
    merged = { $0.replace($1, last) }
  case .expressions(let type, let items):
    let null = [Instruction(.refNull, .referenceType(type))]
    others = items.indices.filter { items[$0] != null }
    merged = { $0.replace($1, null) }
  }
  search.reduce(others.count) { isChosen in
    var candidate = base
    for (index, item) in others.enumerated() where isChosen[index] {
      merged(&candidate.parts[part].module.elements[position].items, item)
    }
    return candidate
  }
}

extension ElementItems {
  fileprivate func prefix(_ count: Int) -> ElementItems {
    switch self {
    case .functions(let items): .functions(Array(items.prefix(count)))
    case .expressions(let type, let items): .expressions(type, Array(items.prefix(count)))
    }
  }

  fileprivate mutating func replace(_ position: Int, _ function: FunctionIndex) {
    guard case .functions(var items) = self else { return }
    items[position] = function
    self = .functions(items)
  }

  fileprivate mutating func replace(_ position: Int, _ expression: [Instruction]) {
    guard case .expressions(let type, var items) = self else { return }
    items[position] = expression
    self = .expressions(type, items)
  }
}
