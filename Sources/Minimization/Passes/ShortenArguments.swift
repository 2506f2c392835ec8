// Pass over the bytes that messages carry: none, or fewer, or zeros.
// The last pass of a round.

import Canister

func shortenArguments(_ search: inout Search) {
  let base = search.best
  let places = base.plan.messages.indices.filter { !base.plan.messages[$0].argument.isEmpty }
  search.reduce(places.count) { isChosen in
    var candidate = base
    for (position, place) in places.enumerated() where isChosen[position] {
      candidate.plan.messages[place] = base.plan.messages[place].with(argument: [])
    }
    return candidate
  }
  for place in places {
    let base = search.best
    let argument = base.plan.messages[place].argument
    shorten(&search, argument) { bytes in
      var candidate = base
      candidate.plan.messages[place] = base.plan.messages[place].with(argument: bytes)
      return candidate
    }
  }
}

/// Drops bytes from the end, then sets bytes to zero.
///
/// - Parameter replace: the search's best candidate with other bytes.
func shorten(_ search: inout Search, _ bytes: [UInt8], replace: ([UInt8]) -> Candidate) {
  let length = search.lower(UInt64(bytes.count)) { trial in
    replace(Array(bytes.prefix(Int(truncatingIfNeeded: trial))))
  }
  let rest = Array(bytes.prefix(Int(truncatingIfNeeded: length)))
  let nonZero = rest.indices.filter { rest[$0] != 0 }
  search.reduce(nonZero.count, smallestChunk: max(1, nonZero.count / 16)) { isChosen in
    var zeroed = rest
    for (position, index) in nonZero.enumerated() where isChosen[position] { zeroed[index] = 0 }
    return replace(zeroed)
  }
}

extension Message {
  /// The same message with other bytes.
  fileprivate func with(argument: [UInt8]) -> Message {
    switch self {
    case .install: .install(argument: argument)
    case .reinstall(let module, _): .reinstall(module, argument: argument)
    case .upgrade(let module, _): .upgrade(module, argument: argument)
    case .update(let name, _): .update(name: name, argument: argument)
    case .query(let name, _): .query(name: name, argument: argument)
    case .inspectMessage(let name, _): .inspectMessage(name: name, argument: argument)
    case .heartbeat, .globalTimer, .lowWasmMemory: self
    }
  }
}
