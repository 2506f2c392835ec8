// Pass over sizes and settings: memories and tables as small as possible, everything else as by default.
// One part goes first of all, to keep candidates short; the rest near the end, when code asks for little.

import Canister
import Wasm

/// Lets no candidate run longer than cases usually may: one that lost the end of a loop could take minutes.
func lowerInstructionLimit(_ search: inout Search) {
  var candidate = search.best
  candidate.parameters.instructionLimit = min(candidate.parameters.instructionLimit, Parameters().instructionLimit)
  search.attempt(candidate)
}

func simplifyLimits(_ search: inout Search) {
  for part in search.best.editable {
    for memory in search.best.parts[part].module.memories.indices.reversed() {
      lowerLimits(&search, \.parts[part].module.memories[memory].limits)
    }
    for table in search.best.parts[part].module.tables.indices {
      lowerLimits(&search, \.parts[part].module.tables[table].type.limits)
    }
  }
  useDefaults(&search)
  // A limit that has to be low is best as low as can be: less has to happen before it is reached.
  let defaults = Parameters()
  for limit in pageLimits where search.best.parameters[keyPath: limit] < defaults[keyPath: limit] {
    let base = search.best
    search.lower(base.parameters[keyPath: limit]) { value in
      var candidate = base
      candidate.parameters[keyPath: limit] = value
      return candidate
    }
  }
}

private var pageLimits: [WritableKeyPath<Parameters, UInt64>] {
  [
    \.dirtyPageLimits.message, \.dirtyPageLimits.upgrade, \.dirtyPageLimits.query,
    \.accessedPageLimits.message, \.accessedPageLimits.upgrade, \.accessedPageLimits.query,
  ]
}

private func lowerLimits(_ search: inout Search, _ limits: WritableKeyPath<Candidate, Limits>) {
  if search.best[keyPath: limits].maximum != nil {
    var candidate = search.best
    candidate[keyPath: limits].maximum = nil
    search.attempt(candidate)
  }
  let base = search.best
  search.lower(base[keyPath: limits].minimum) { minimum in
    var candidate = base
    candidate[keyPath: limits].minimum = minimum
    return candidate
  }
}

/// A case that needs no setting of its own is one thing less to think about.
private func useDefaults(_ search: inout Search) {
  let defaults = Parameters()
  func attempt(_ change: (inout Candidate) -> Void) {
    var candidate = search.best
    change(&candidate)
    search.attempt(candidate)
  }
  attempt { $0.parameters = defaults }
  attempt { $0.parameters.instructionLimit = defaults.instructionLimit }
  attempt { $0.parameters.dirtyPageLimits = defaults.dirtyPageLimits }
  attempt { $0.parameters.accessedPageLimits = defaults.accessedPageLimits }
  attempt { $0.parameters.stableCapacity = defaults.stableCapacity }
  attempt { $0.parameters.heapLimit32 = defaults.heapLimit32 }
  attempt { $0.parameters.heapLimit64 = defaults.heapLimit64 }
  attempt { $0.parameters.dirtyPageOverhead = defaults.dirtyPageOverhead }
  attempt { $0.parameters.metering = defaults.metering }
  attempt { $0.strategy = Strategy(memory: .end, imports: $0.strategy.imports) }
  attempt { $0.strategy = Strategy(memory: $0.strategy.memory, imports: .front) }
}
