// How many registers values take: slots of 8 bytes in frames, globals, arguments and results.

import Wasm

extension ValueType {
  /// Slots of a value: two for a vector, its low half first, else one.
  @inline(__always) public var slotCount: Int { self == .v128 ? 2 : 1 }
}

extension FunctionBody {
  /// Slots of the locals that are not parameters.
  var localSlots: Int { locals.reduce(0) { $0 + Int($1.count) * $1.type.slotCount } }
}

extension Sequence<ValueType> {
  /// Slots of values that stand one behind the other.
  public var slotCount: Int { reduce(0) { $0 + $1.slotCount } }
}
