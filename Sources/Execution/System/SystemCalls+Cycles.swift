// System API functions about cycles and prices. Part of `SystemCalls`. No message brings cycles along.

import Canister

extension SystemCalls {
  /// What the canister can spend: its balance without the cycles of the call under construction.
  private var spendableCycles: UInt128 { state.cycleBalance &- (pendingCall?.cycles ?? 0) }

  func serveCycles(_ function: SystemFunction, _ operands: Operands, _ host: any SystemHost) throws(Trap) {
    switch function {
    case .msgCyclesAvailable, .msgCyclesAccept: operands.answer(0)
    case .msgCyclesAvailable128: try write(0, host, at: operands.word(0))
    case .msgCyclesAccept128: try write(0, host, at: operands.word(2))
    case .cyclesBurn128:
      let burned = min(operands.amount(0), spendableCycles)
      try write(burned, host, at: operands.word(2))
      state.cycleBalance -= burned
    // The balance never passes 64 bits: nothing adds to it.
    case .canisterCycleBalance: operands.answer(UInt64(truncatingIfNeeded: spendableCycles))
    case .canisterCycleBalance128, .canisterLiquidCycleBalance128:
      try write(spendableCycles, host, at: operands.word(0))
    case .mintCycles128: throw violation(function, "only the cycles minting canister may mint")
    case .costCall:
      let cost = CanisterEnvironment.callCost(nameBytes: operands.i64(0), payloadBytes: operands.i64(1))
      try write(cost, host, at: operands.word(2))
    case .costCreateCanister: try write(CanisterEnvironment.createCanisterCost, host, at: operands.word(0))
    case .costHttpRequest:
      let cost = CanisterEnvironment.httpRequestCost(requestBytes: operands.i64(0), responseBytes: operands.i64(1))
      try write(cost, host, at: operands.word(2))
    case .costHttpRequestV2:
      let request = try bytes(host, at: operands.word(0), count: operands.word(1))
      let cost = CanisterEnvironment.httpRequestCost(requestBytes: UInt64(request.count), responseBytes: 2_000_000)
      try write(cost, host, at: operands.word(2))
    case .costSignWithEcdsa, .costVetkdDeriveKey: try answerKeyCost(function, operands, host, algorithms: 1)
    case .costSignWithSchnorr: try answerKeyCost(function, operands, host, algorithms: 2)
    default: throw violation(function, "cannot be executed in \(entryPoint)")
    }
  }

  /// Operands: key name, its size, curve or algorithm, destination. Answers 0; 1 for an unknown algorithm; 2 for an
  /// unknown key.
  private func answerKeyCost(
    _ function: SystemFunction, _ operands: Operands, _ host: any SystemHost, algorithms: UInt32
  ) throws(Trap) {
    let algorithm = operands.i32(2)
    let destination = operands.word(3)
    let name = try bytes(host, at: operands.word(0), count: operands.word(1))
    // The destination has to be in bounds even where nothing is written.
    _ = try bytes(host, at: destination, count: 16)
    guard algorithm < algorithms else { return operands.answer(1) }
    guard let cost = CanisterEnvironment.keyCost(name) else { return operands.answer(2) }
    try write(cost, host, at: destination)
    operands.answer(0)
  }
}
