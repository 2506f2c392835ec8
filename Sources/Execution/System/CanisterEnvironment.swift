// The world around a canister that the System API shows it: fixed, so that a case always runs alike. Read by
// `SystemCalls`.

/// Fixed answers of the System API, and limits that it enforces.
enum CanisterEnvironment {
  // MARK: Principals

  /// The user who sends every message: a self-authenticating principal, which ends in 2.
  static let caller: [UInt8] = (1...28) + [2]
  /// The caller of heartbeats and timers: the management canister, whose principal is empty.
  static let managementCanister: [UInt8] = []
  /// The canister's only controller: the user who installs it.
  static let controller = caller
  /// An opaque principal, which ends in 1.
  static let canister: [UInt8] = [0, 0, 0, 0, 0, 0x10, 0, 1, 1, 1]
  static let subnet: [UInt8] = (101...128) + [2]
  /// The public key in the outer form that clients check: DER, 37 bytes, then 96 bytes of BLS key.
  static let rootKey: [UInt8] =
    [
      0x30, 0x81, 0x82, 0x30, 0x1D, 0x06, 0x0D, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xDC, 0x7C, 0x05, 0x03, 0x01, 0x02,
      0x01, 0x06, 0x0C, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xDC, 0x7C, 0x05, 0x03, 0x02, 0x01, 0x03, 0x61, 0x00,
    ] + (0..<96).map { 0x80 | $0 }

  // MARK: Time and cycles

  /// Nanoseconds since 1970 before the first message.
  static let startTime: UInt64 = 1_700_000_000_000_000_000
  /// Nanoseconds from one message to the next.
  static let timeStep: UInt64 = 1_000_000_000
  /// What a canister has to begin with; only burning and sending along changes it, execution is free.
  static let cycleBalance: UInt128 = 10_000_000_000_000

  // MARK: Limits. Source: the interface specification and the resource limits that it refers to.

  static let principalLimit: UInt64 = 29
  static let methodNameLimit: UInt64 = 20_000
  static let payloadLimit: UInt64 = 2 * 1_024 * 1_024
  static let queryReplyLimit: UInt64 = 3 * 1_024 * 1_024
  static let certifiedDataLimit: UInt64 = 32
  static let variableNameLimit: UInt64 = 128
  /// Longer debug messages are cut off.
  static let debugMessageLimit: UInt64 = 32 * 1_024
  /// Longer messages of `ic0.trap` are cut off.
  static let trapMessageLimit: UInt64 = 16 * 1_024
  /// What one message may leave in the observation; the rest is dropped.
  static let debugOutputLimit = 1_024 * 1_024

  // MARK: Prices. Plausible, not those of a certain subnet.

  /// Cycles for a call: the request, the largest response and the execution of its callback.
  static func callCost(nameBytes: UInt64, payloadBytes: UInt64) -> UInt128 {
    260_000 + 1_000 * (UInt128(nameBytes) + UInt128(payloadBytes)) + 1_000 * UInt128(payloadLimit) + 20_000_000_000
  }

  static let createCanisterCost: UInt128 = 500_000_000_000

  /// Cycles for an outgoing HTTP request.
  static func httpRequestCost(requestBytes: UInt64, responseBytes: UInt64) -> UInt128 {
    49_140_000 + 5_200 * UInt128(requestBytes) + 10_400 * UInt128(responseBytes)
  }

  /// Cycles for a signature or key derivation; nil for a key that does not exist.
  static func keyCost(_ name: some Collection<UInt8>) -> UInt128? {
    if name.elementsEqual("key_1".utf8) { return 26_153_846_153 }
    if name.elementsEqual("test_key_1".utf8) { return 10_000_000_000 }
    return nil
  }
}
