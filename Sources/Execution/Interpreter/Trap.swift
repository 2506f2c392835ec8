// Why execution of a function stops early. Raised by the interpreter and by imported functions.

import Canister

/// A trap.
public enum Trap: Error, Hashable, Sendable {
  case unreachable
  case memoryOutOfBounds
  case tableOutOfBounds
  /// `call_indirect` through a null element.
  case uninitializedElement
  case indirectCallTypeMismatch
  case integerDivisionByZero
  case integerOverflow
  case invalidConversion
  case callStackExhausted
  /// The interpreter's own instruction counter is below zero at a check point.
  case outOfInstructions
  /// An imported function failed with an error of the IC's.
  case canister(CanisterError)
  /// The machine that runs stablefuzz cannot give more memory.
  case hostMemoryExhausted

  /// The wording of the specification's test suite.
  public var message: String {
    switch self {
    case .unreachable: "unreachable"
    case .memoryOutOfBounds: "out of bounds memory access"
    case .tableOutOfBounds: "out of bounds table access"
    case .uninitializedElement: "uninitialized element"
    case .indirectCallTypeMismatch: "indirect call type mismatch"
    case .integerDivisionByZero: "integer divide by zero"
    case .integerOverflow: "integer overflow"
    case .invalidConversion: "invalid conversion to integer"
    case .callStackExhausted: "call stack exhausted"
    case .outOfInstructions: "out of instructions"
    case .canister(let error): error.description
    case .hostMemoryExhausted: "host memory exhausted"
    }
  }
}
