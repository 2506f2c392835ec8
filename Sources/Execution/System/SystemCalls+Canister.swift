// System API functions about the canister and its surroundings: identity, certified data, time, counters, variables,
// debugging. Part of `SystemCalls`.

import Canister

extension SystemCalls {
  func serveCanister(_ function: SystemFunction, _ operands: Operands, _ host: any SystemHost) throws(Trap) {
    switch function {
    case .canisterSelfSize: operands.answer(UInt64(CanisterEnvironment.canister.count))
    case .canisterSelfCopy: try copy(CanisterEnvironment.canister, function, operands, host)
    case .subnetSelfSize: operands.answer(UInt64(CanisterEnvironment.subnet.count))
    case .subnetSelfCopy: try copy(CanisterEnvironment.subnet, function, operands, host)
    // Running.
    case .canisterStatus: operands.answer(1)
    case .canisterVersion: operands.answer(messageNumber)
    case .rootKeySize: operands.answer(UInt64(CanisterEnvironment.rootKey.count))
    case .rootKeyCopy: try copy(CanisterEnvironment.rootKey, function, operands, host)
    case .certifiedDataSet:
      let bytes = try bytes(host, at: operands.word(0), count: operands.word(1))
      guard UInt64(bytes.count) <= CanisterEnvironment.certifiedDataLimit else {
        throw violation(function, "the data cannot be larger than \(CanisterEnvironment.certifiedDataLimit) bytes")
      }
      state.certifiedData = Array(bytes)
    case .dataCertificatePresent: operands.answer(0)
    case .dataCertificateSize, .dataCertificateCopy: throw violation(function, "there is no certificate")
    case .time:
      operands.answer(CanisterEnvironment.startTime &+ messageNumber &* CanisterEnvironment.timeStep)
    case .globalTimerSet:
      let previous = state.globalTimer
      state.globalTimer = operands.i64(0)
      operands.answer(previous)
    case .performanceCounter: try answerPerformanceCounter(operands, host)
    case .isController:
      guard operands.word(1) <= CanisterEnvironment.principalLimit else {
        throw violation(function, "this is not a principal")
      }
      let principal = try bytes(host, at: operands.word(0), count: operands.word(1))
      operands.answer(principal.elementsEqual(CanisterEnvironment.controller) ? 1 : 0)
    case .inReplicatedExecution: operands.answer(entryPoint.dropsChanges ? 0 : 1)
    case .envVarCount: operands.answer(0)
    case .envVarNameSize, .envVarNameCopy: throw violation(function, "there is no variable \(operands.word(0))")
    case .envVarNameExists:
      try checkVariableName(function, operands, host)
      operands.answer(0)
    case .envVarValueSize, .envVarValueCopy:
      try checkVariableName(function, operands, host)
      throw violation(function, "there is no variable of this name")
    case .debugPrint:
      let text = debugText(
        operands, host, limit: CanisterEnvironment.debugMessageLimit, otherwise: "(debug_print message out of bounds)")
      let room = max(0, CanisterEnvironment.debugOutputLimit - debugOutput.count)
      debugOutput.append(contentsOf: (text + [10]).prefix(room))
    case .trap:
      throw .canister(
        .calledTrap(
          debugText(
            operands, host, limit: CanisterEnvironment.trapMessageLimit, otherwise: "(trap message out of bounds)")))
    default: throw violation(function, "cannot be executed in \(entryPoint)")
    }
  }

  /// Counter 0: the execution so far. Counter 1: with the earlier executions of the same call context, of which there
  /// are none, because no call is ever sent.
  private func answerPerformanceCounter(_ operands: Operands, _ host: any SystemHost) throws(Trap) {
    guard operands.i32(0) <= 1 else { throw violation(.performanceCounter, "no counter \(operands.i32(0))") }
    let used = host.instructionsUsed
    performanceCounters.append(used)
    operands.answer(UInt64(bitPattern: used))
  }

  private func checkVariableName(
    _ function: SystemFunction, _ operands: Operands, _ host: any SystemHost
  ) throws(Trap) {
    guard operands.word(1) <= CanisterEnvironment.variableNameLimit else {
      throw violation(function, "the name is too long")
    }
    try checkText(bytes(host, at: operands.word(0), count: operands.word(1)), function)
  }

  /// The message of `debug_print` or `trap`, which never fail for its sake.
  private func debugText(
    _ operands: Operands, _ host: any SystemHost, limit: UInt64, otherwise: String
  ) -> [UInt8] {
    do throws(Trap) {
      return Array(try bytes(host, at: operands.word(0), count: min(operands.word(1), limit)))
    } catch {
      return Array(otherwise.utf8)
    }
  }
}
