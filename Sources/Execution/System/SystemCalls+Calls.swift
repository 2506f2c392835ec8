// System API functions that put a call to another canister together. Part of `SystemCalls`. No call is ever sent:
// `call_perform` answers that it cannot.

import Canister

extension SystemCalls {
  /// The code of `call_perform` for a call that cannot be queued.
  private static let cannotPerform: UInt64 = 2

  func serveCall(_ function: SystemFunction, _ operands: Operands, _ host: any SystemHost) throws(Trap) {
    if function == .callNew {
      try beginCall(operands, host)
      return
    }
    guard var call = pendingCall else { throw violation(function, "no call is under construction") }
    switch function {
    case .callOnCleanup:
      guard !call.hasCleanup else { throw violation(function, "the call already has a cleanup callback") }
      call.hasCleanup = true
    case .callWithBestEffortResponse:
      guard !call.hasBestEffortResponse else { throw violation(function, "the call already has a timeout") }
      call.hasBestEffortResponse = true
    case .callDataAppend:
      let bytes = try bytes(host, at: operands.word(0), count: operands.word(1))
      call.payloadBytes += UInt64(bytes.count)
      guard call.payloadBytes <= CanisterEnvironment.payloadLimit else {
        throw violation(function, "the argument cannot be larger than \(CanisterEnvironment.payloadLimit) bytes")
      }
    case .callCyclesAdd, .callCyclesAdd128:
      let amount = function == .callCyclesAdd ? UInt128(operands.i64(0)) : operands.amount(0)
      guard amount <= state.cycleBalance &- call.cycles else {
        throw violation(function, "the balance is less than \(amount) cycles")
      }
      call.cycles += amount
    case .callPerform:
      operands.answer(Self.cannotPerform)
      // The cycles go back with the call.
      pendingCall = nil
      return
    default: return
    }
    pendingCall = call
  }

  /// `call_new`: drops the call before, cycles included.
  private func beginCall(_ operands: Operands, _ host: any SystemHost) throws(Trap) {
    pendingCall = nil
    guard operands.word(1) <= CanisterEnvironment.principalLimit else {
      throw violation(.callNew, "the callee is not a principal")
    }
    guard operands.word(3) <= CanisterEnvironment.methodNameLimit else {
      throw violation(.callNew, "the method name is too long")
    }
    _ = try bytes(host, at: operands.word(0), count: operands.word(1))
    try checkText(bytes(host, at: operands.word(2), count: operands.word(3)), .callNew)
    pendingCall = PendingCall()
  }
}
