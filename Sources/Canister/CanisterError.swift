// Why an execution failed, in the IC's terms, with the text that a user of the IC would see.

/// The reason for which an execution ends without success.
public enum CanisterError: Error, Hashable, Sendable, CustomStringConvertible {
  case stackOverflow
  case heapOutOfBounds
  case stableMemoryOutOfBounds
  case stableMemoryTooBigFor32Bit
  case integerDivisionByZero
  case unreachable
  case tableOutOfBounds
  /// `call_indirect` with another function type.
  case badSignature
  /// All other engine traps: integer overflow, bad float conversion, null element.
  case unknownTrap
  case instructionLimitExceeded(limit: Int64)
  /// Newly written stable pages would exceed the limit. Limits in OS pages.
  case dirtyPageLimitExceeded(PageLimits)
  /// Newly accessed stable pages would exceed the limit. Limits in OS pages.
  case accessedPageLimitExceeded(PageLimits)
  /// `ic0.trap` with this message (bytes, not necessarily UTF-8).
  case calledTrap([UInt8])
  /// A System API function was called from an entry point that does not allow it, or with an impossible argument.
  case contractViolation(String)
  /// The injected code called `internal_trap` with a code that names no error.
  case internalError(code: Int32)
  /// `memory.grow` of the stable memory failed after the host had allowed it.
  case stableGrowFailed

  /// The text after "Error from Canister <id>: ". Source: ic-semantics section 1.
  public var description: String {
    switch self {
    case .stackOverflow: return "Canister trapped: stack overflow"
    case .heapOutOfBounds: return "Canister trapped: heap out of bounds"
    case .stableMemoryOutOfBounds: return "Canister trapped: stable memory out of bounds"
    case .stableMemoryTooBigFor32Bit:
      return "Canister trapped: 32 bit stable memory api used on a memory larger than 4GB"
    case .integerDivisionByZero: return "Canister trapped: integer division by 0"
    case .unreachable: return "Canister trapped: unreachable"
    case .tableOutOfBounds: return "Canister trapped: table out of bounds"
    case .badSignature:
      return "Canister violated contract: function invocation does not match its signature"
    case .unknownTrap: return "Canister trapped: unknown"
    case .instructionLimitExceeded(let limit):
      return "Canister exceeded the limit of \(limit) instructions for single message execution."
    case .dirtyPageLimitExceeded(let limits):
      return "Canister exceeded memory access limits: Exceeded the limit for the number of modified pages in the "
        + "stable memory in a single execution: limit \(limits.message * 4) KB for regular messages, "
        + "\(limits.upgrade * 4) KB for upgrade messages and \(limits.query * 4) KB for queries."
    case .accessedPageLimitExceeded(let limits):
      return "Canister exceeded memory access limits: Exceeded the limit for the number of accessed pages in the "
        + "stable memory in a single message execution: limit \(limits.message * 4) KB for regular messages and "
        + "\(limits.query * 4) KB for queries."
    case .calledTrap(let message):
      return "Canister called `ic0.trap` with message: '\(String(decoding: message, as: UTF8.self))'"
    case .contractViolation(let reason): return "Canister violated contract: \(reason)"
    case .internalError(let code):
      return "Canister called `ic0.trap` with message: 'Trapped with internal error code: \(code)'"
    case .stableGrowFailed:
      return "Canister called `ic0.trap` with message: 'Internal error: `memory.grow` instruction failed to grow "
        + "stable memory'"
    }
  }
}
