// Passes over the call plan as a whole: fewer messages, one module instead of two.
// The first passes of a round; the bytes of the messages that stay are the business of the last one.

import Canister

func dropMessages(_ search: inout Search) {
  let base = search.best
  search.reduce(base.plan.messages.count) { isRemoved in
    var candidate = base
    candidate.plan.messages = []
    for (position, message) in base.plan.messages.enumerated() where !isRemoved[position] {
      candidate.plan.messages.append(message)
    }
    return candidate
  }
}

/// Lets every message use the first module, or the second one in its place.
func dropSecondModule(_ search: inout Search) {
  guard search.best.parts.count > 1 else { return }
  for kept in 0...1 {
    var candidate = search.best
    candidate.parts = [candidate.parts[kept]]
    candidate.plan.messages = candidate.plan.messages.map { message in
      switch message {
      case .reinstall(_, let argument): .reinstall(.first, argument: argument)
      case .upgrade(_, let argument): .upgrade(.first, argument: argument)
      case .install, .update, .query, .heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage: message
      }
    }
    if search.attempt(candidate) { return }
  }
}
