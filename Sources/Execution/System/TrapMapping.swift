// What the interpreter's traps are called on the IC. Used by both lanes when an execution has ended.

import Canister

extension CanisterError {
  /// The error that the IC reports for a trap. Source: ic-semantics section 1.
  ///
  /// - Parameter instructionLimit: the message's limit, which the report names.
  /// - Returns: nil where the trap says nothing about the canister: the machine's own memory ran out.
  public init?(_ trap: Trap, instructionLimit: Int64) {
    switch trap {
    case .unreachable: self = .unreachable
    case .memoryOutOfBounds: self = .heapOutOfBounds
    case .tableOutOfBounds: self = .tableOutOfBounds
    case .indirectCallTypeMismatch: self = .badSignature
    case .integerDivisionByZero: self = .integerDivisionByZero
    case .callStackExhausted: self = .stackOverflow
    case .uninitializedElement, .integerOverflow, .invalidConversion: self = .unknownTrap
    case .outOfInstructions: self = .instructionLimitExceeded(limit: instructionLimit)
    case .canister(let error): self = error
    case .hostMemoryExhausted: return nil
    }
  }
}

extension Outcome {
  /// The outcome of an execution that trapped.
  public init(_ trap: Trap, instructionLimit: Int64) {
    if let error = CanisterError(trap, instructionLimit: instructionLimit) {
      self = .trap(error)
    } else {
      self = .hostMemoryExhausted
    }
  }
}
