// An upper bound on what an execution of a generated function does: pages of stable memory it touches, instructions it
// takes. Kept while a body is emitted, so that page limits can be set to exactly what a case needs and cases stay short.

import Canister

/// OS pages of stable memory, and whether they are written.
struct PageSpan {
  var start: UInt64
  var end: UInt64
  var isWritten: Bool
}

/// What one execution of a function does at most.
struct Footprint {
  /// Pages known when the body was emitted.
  var spans: [PageSpan] = []
  /// Pages of accesses whose address is computed when the function runs.
  var unknownWritten: UInt64 = 0
  var unknownAccessed: UInt64 = 0
  /// Instructions, roughly.
  var cost: UInt64 = 0

  mutating func add(_ span: PageSpan) {
    for known in spans where known.start <= span.start && known.end >= span.end && known.isWritten == span.isWritten {
      return
    }
    spans.append(span)
  }

  /// Adds `count` executions of another function.
  mutating func add(_ callee: Footprint, times count: UInt64) {
    for span in callee.spans { add(span) }
    unknownWritten += callee.unknownWritten * count
    unknownAccessed += callee.unknownAccessed * count
    cost += callee.cost * count
  }

  /// Pages touched at most, each counted once.
  func pages(onlyWritten: Bool) -> UInt64 {
    var count: UInt64 = 0
    var reached: UInt64 = 0
    for span in spans.sorted(by: { $0.start < $1.start }) where span.isWritten || !onlyWritten {
      let start = max(span.start, reached)
      if span.end > start { count += span.end - start }
      reached = max(reached, span.end)
    }
    return count + (onlyWritten ? unknownWritten : unknownAccessed)
  }
}
