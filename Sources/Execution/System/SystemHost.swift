// What the shared System API functions need from the lane that they serve. Each lane implements it by its own means.

import Canister

/// The lane's side of a System API call: its heap and its instruction counting.
public protocol SystemHost: AnyObject {
  /// The heap of the running instance; nil without one.
  var heap: LinearMemory? { get }

  /// Charges instructions before a System API function does its work.
  ///
  /// - Throws: `Trap.canister(.instructionLimitExceeded)` when the counter falls below zero.
  func charge(_ amount: UInt64) throws(Trap)

  /// Instruction limit minus counter, as `performance_counter` reports it.
  var instructionsUsed: Int64 { get }
}
