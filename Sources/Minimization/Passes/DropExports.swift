// Pass over exports and the start function: what is not entered keeps nothing alive.
// What it leaves unused goes in the pass over unused parts.

import Canister
import Wasm

func dropExports(_ search: inout Search) {
  // Those that no message asks for go together as a rule; the others are worth a try, one message may do without.
  dropExports(&search, where: { !$1.contains($0.name) })
  dropExports(&search, where: { _, _ in true })
  for part in search.best.editable where search.best.parts[part].module.start != nil {
    var candidate = search.best
    candidate.parts[part].module.start = nil
    search.attempt(candidate)
  }
}

private func dropExports(_ search: inout Search, where isCandidate: (Export, [String]) -> Bool) {
  let base = search.best
  let used = usedExports(base.plan)
  let places = base.editable.flatMap { part in
    let exports = base.parts[part].module.exports
    return exports.indices.filter { isCandidate(exports[$0], used) }.map { (part: part, position: $0) }
  }
  search.reduce(places.count) { isRemoved in
    var candidate = base
    for part in base.editable {
      let removed = Set(zip(places, isRemoved).filter { $0.part == part && $1 }.map(\.0.position))
      let exports = base.parts[part].module.exports
      candidate.parts[part].module.exports = exports.indices.filter { !removed.contains($0) }.map { exports[$0] }
    }
    return candidate
  }
}

/// Names of the exports that a call plan enters.
private func usedExports(_ plan: CallPlan) -> [String] {
  var names: [String] = []
  func use(_ entryPoint: EntryPoint, _ method: String = "") {
    let name = entryPoint.exportName + method
    if !names.contains(name) { names.append(name) }
  }
  for message in plan.messages {
    switch message {
    case .install, .reinstall: use(.initialize)
    case .upgrade:
      use(.preUpgrade)
      use(.postUpgrade)
    case .update(let name, _): use(.update, name)
    case .query(let name, _):
      use(.query, name)
      use(.compositeQuery, name)
    case .heartbeat: use(.heartbeat)
    case .globalTimer: use(.globalTimer)
    case .lowWasmMemory: use(.lowWasmMemory)
    case .inspectMessage: use(.inspectMessage)
    }
  }
  return names
}
