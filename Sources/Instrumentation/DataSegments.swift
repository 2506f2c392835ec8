// What remains of the data segments. Active ones were applied to the heap image once, when the canister was installed;
// an execution starts from the image and must not apply them again. Called by `instrument`, after the code.

import Wasm

extension Module {
  /// Empties the active segments, which the code finds dropped anyway, and removes those at the end that nothing
  /// refers to.
  /// - Parameter referenced: one past the highest segment that code names.
  mutating func takeOutActiveData(referenced: Int) {
    let lastPassive = data.lastIndex { $0.mode == .passive }.map { $0 + 1 } ?? 0
    let kept = min(data.count, max(referenced, lastPassive))
    data.removeSubrange(kept...)
    for position in data.indices where data[position].mode != .passive {
      data[position] = DataSegment(mode: .passive, bytes: [])
    }
    hasDataCount = hasDataCount && !data.isEmpty
  }
}
