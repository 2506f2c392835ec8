// One call of a stable function as a lane saw it, kept to name the first call that went differently. Recorded by the
// lanes on request, read by `Differential`.

import Canister

/// One call of a stable function.
public struct StableCall: Hashable, Sendable {
  public var function: SystemFunction
  /// In the order of the function's parameters; 32-bit ones zero-extended.
  public var arguments: [UInt64]
  /// nil for reads and writes and for calls that failed; 32-bit ones zero-extended.
  public var result: UInt64?
  /// The instruction counter on entry and on return or trap.
  public var counterBefore: Int64
  public var counterAfter: Int64
  /// Wasm pages after the call.
  public var stableSize: UInt64
  /// Why the call failed; nil where it did not, and where the machine's own memory ran out.
  public var trap: CanisterError?

  public init(
    function: SystemFunction, arguments: [UInt64], result: UInt64?, counterBefore: Int64, counterAfter: Int64,
    stableSize: UInt64, trap: CanisterError?
  ) {
    self.function = function
    self.arguments = arguments
    self.result = result
    self.counterBefore = counterBefore
    self.counterAfter = counterAfter
    self.stableSize = stableSize
    self.trap = trap
  }
}

/// Keeps the stable calls of one message.
public final class StableCallRecorder {
  /// The first calls of the message, in order.
  public private(set) var calls: [StableCall] = []
  /// Calls of the message, also those beyond the capacity.
  public private(set) var count = 0
  private let capacity: Int

  /// - Parameter capacity: how many calls of a message are kept.
  public init(capacity: Int = 100_000) { self.capacity = capacity }

  /// Forgets the calls of the message before.
  public func beginMessage() {
    calls.removeAll(keepingCapacity: true)
    count = 0
  }

  public func record(_ call: StableCall) {
    count += 1
    if calls.count < capacity { calls.append(call) }
  }
}
