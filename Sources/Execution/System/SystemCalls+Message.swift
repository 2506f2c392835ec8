// System API functions about the message at hand: argument, caller, reply, inspection. Part of `SystemCalls`.

import Canister

extension SystemCalls {
  /// Largest reply in bytes.
  private var replyLimit: UInt64 {
    entryPoint == .update ? CanisterEnvironment.payloadLimit : CanisterEnvironment.queryReplyLimit
  }

  /// Who sends the message: tasks come from the management canister, all else from a user.
  private var caller: [UInt8] {
    switch entryPoint {
    case .heartbeat, .globalTimer, .lowWasmMemory: CanisterEnvironment.managementCanister
    default: CanisterEnvironment.caller
    }
  }

  /// Name of the method that the message is for.
  private var methodName: [UInt8] {
    switch message {
    case .inspectMessage(let name, _), .update(let name, _), .query(let name, _): Array(name.utf8)
    default: []
    }
  }

  func serveMessage(
    _ function: SystemFunction, _ operands: Operands, _ host: any SystemHost
  ) throws(Trap) {
    switch function {
    case .msgArgDataSize: operands.answer(UInt64(argument.count))
    case .msgArgDataCopy: try copy(argument, function, operands, host)
    case .msgCallerSize: operands.answer(UInt64(caller.count))
    case .msgCallerCopy: try copy(caller, function, operands, host)
    // Messages of a plan carry no signed information about their caller.
    case .msgCallerInfoDataSize, .msgCallerInfoSignerSize: operands.answer(0)
    case .msgCallerInfoDataCopy, .msgCallerInfoSignerCopy: try copy([], function, operands, host)
    // No message of a plan was sent with a deadline.
    case .msgDeadline: operands.answer(0)
    case .msgMethodNameSize: operands.answer(UInt64(methodName.count))
    case .msgMethodNameCopy: try copy(methodName, function, operands, host)
    case .acceptMessage:
      guard !isAccepted else { throw violation(function, "the message is already accepted") }
      isAccepted = true
    case .msgReplyDataAppend:
      try checkNoResponse(function)
      let bytes = try bytes(host, at: operands.word(0), count: operands.word(1))
      guard UInt64(replyData.count) + UInt64(bytes.count) <= replyLimit else {
        throw violation(function, "the reply cannot be larger than \(replyLimit) bytes")
      }
      replyData.append(contentsOf: bytes)
    case .msgReply:
      try checkNoResponse(function)
      response = .reply
    case .msgReject:
      try checkNoResponse(function)
      let bytes = try bytes(host, at: operands.word(0), count: operands.word(1))
      guard UInt64(bytes.count) <= replyLimit else {
        throw violation(function, "the reason cannot be larger than \(replyLimit) bytes")
      }
      try checkText(bytes, function)
      response = .reject(Array(bytes))
    // Only callbacks may ask, and the entry point's right was checked before.
    default: throw violation(function, "cannot be executed in \(entryPoint)")
    }
  }

  private func checkNoResponse(_ function: SystemFunction) throws(Trap) {
    guard case .none = response else { throw violation(function, "the call is already replied") }
  }

  func checkText(_ bytes: UnsafeRawBufferPointer, _ function: SystemFunction) throws(Trap) {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw violation(function, "the text is not valid UTF-8")
    }
  }
}
