// Where the interpreter charges instructions when it counts by itself, and how much. Computed from the original function
// before translation; written from the rules of the replica (ic-semantics section 6), not from our instrumenter.

import Wasm

/// A place in a function body where the static cost of the code that follows is charged in advance.
struct ChargePoint {
  /// The instruction before which the charge happens.
  let position: Int
  let cost: Int64
  /// Function entries and loop starts: the only places where the counter is compared with zero.
  let isChecked: Bool
}

/// Partitions a body into runs that are charged in advance.
///
/// A run starts at the function's entry and behind every `loop`, `if` and instruction that may leave or join; the
/// instruction that ends a run is part of it. The entry costs 1 by itself.
///
/// - Returns: the points in ascending order, those without cost left out unless they are checked.
func chargePoints(of body: FunctionBody, is64BitHeap: Bool, into points: inout [ChargePoint]) {
  points.removeAll(keepingCapacity: true)
  var start = 0
  var cost: Int64 = 1
  var isChecked = true
  func close(before next: Int, checked: Bool) {
    if isChecked || cost > 0 { points.append(ChargePoint(position: start, cost: cost, isChecked: isChecked)) }
    start = next
    cost = 0
    isChecked = checked
  }
  for (position, instruction) in body.instructions.enumerated() {
    cost += Int64(instruction.opcode.cost(is64BitHeap: is64BitHeap))
    switch instruction.opcode {
    case .loop: close(before: position + 1, checked: true)
    case .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable, .returnCall, .returnCallIndirect:
      close(before: position + 1, checked: false)
    default: break
    }
  }
  close(before: body.instructions.count, checked: false)
}
