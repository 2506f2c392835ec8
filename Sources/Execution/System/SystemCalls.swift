// The System API functions other than the stable ones: one implementation for both lanes. Called by each lane's import
// handler, which it reaches back through `SystemHost`; what it gathers goes into the observation.

import Canister

/// The operands of a call, read by type.
struct Operands {
  let slots: UnsafeMutablePointer<UInt64>
  /// Cuts words to the heap's width, so that nothing depends on what stands in the upper half of a slot.
  let wordMask: UInt64

  /// An address, size or other operand of the heap's width.
  func word(_ position: Int) -> UInt64 { slots[position] & wordMask }
  func i32(_ position: Int) -> UInt32 { UInt32(truncatingIfNeeded: slots[position]) }
  func i64(_ position: Int) -> UInt64 { slots[position] }
  /// A 128-bit amount, given as high and low half.
  func amount(_ position: Int) -> UInt128 { UInt128(slots[position]) << 64 | UInt128(slots[position + 1]) }
  /// Sets the result.
  func answer(_ value: UInt64) { slots[0] = value }
}

/// The System API of one canister, from its first message to its last.
///
/// A lane calls `beginMessage`, then `begin` before each execution of the message, then `finishMessage`.
public final class SystemCalls {
  /// What a canister keeps from message to message besides its memories.
  struct CanisterState {
    var certifiedData: [UInt8] = []
    /// Nanoseconds since 1970; 0: not set.
    var globalTimer: UInt64 = 0
    var cycleBalance = CanisterEnvironment.cycleBalance
  }

  /// A call to another canister while it is put together. Only what the rules ask for; it is never sent.
  struct PendingCall {
    var payloadBytes: UInt64 = 0
    var hasCleanup = false
    var hasBestEffortResponse = false
    var cycles: UInt128 = 0
  }

  enum Response {
    case none
    case reply
    case reject([UInt8])
  }

  private let charges = SystemRow.all.map(\.charge)
  private let allowed = SystemRow.all.map(\.entryPoints)

  var state = CanisterState()
  private var stateBefore = CanisterState()

  // MARK: The current message

  /// Counts all messages, from 1.
  var messageNumber: UInt64 = 0
  private(set) var message = Message.heartbeat
  var argument: [UInt8] { message.argument }
  /// All `ic0.debug_print` messages, each followed by a line feed, up to 1 MiB.
  public internal(set) var debugOutput: [UInt8] = []
  /// Every answer of `ic0.performance_counter`.
  public internal(set) var performanceCounters: [Int64] = []

  // MARK: The current execution

  private(set) var entryPoint = EntryPoint.start
  private var entryPointSet = EntryPointSet(.start)
  var replyData: [UInt8] = []
  var response = Response.none
  var isAccepted = false
  var pendingCall: PendingCall?

  public init() {}

  /// Begins a message. To be called for every message of a plan, also for those that are refused: time and version
  /// follow from it.
  public func beginMessage(_ message: Message) {
    messageNumber &+= 1
    self.message = message
    if !debugOutput.isEmpty { debugOutput = [] }
    if !performanceCounters.isEmpty { performanceCounters = [] }
    resetExecution()
    stateBefore = state
    switch message {
    case .install, .reinstall:
      state.certifiedData = []
      state.globalTimer = 0
    case .globalTimer:
      // A timer fires once.
      state.globalTimer = 0
    case .upgrade, .update, .query, .heartbeat, .lowWasmMemory, .inspectMessage: break
    }
  }

  /// Begins an execution of the current message.
  public func begin(_ entryPoint: EntryPoint) {
    self.entryPoint = entryPoint
    entryPointSet = EntryPointSet(entryPoint)
    resetExecution()
    // New code starts without a timer, whatever the old code set last.
    if entryPoint == .start || entryPoint == .postUpgrade { state.globalTimer = 0 }
  }

  private func resetExecution() {
    if !replyData.isEmpty { replyData = [] }
    response = .none
    isAccepted = false
    pendingCall = nil
  }

  /// Ends a message.
  ///
  /// - Parameter keepsChanges: false after a trap or where the entry point's changes are dropped: timer, certified data
  ///   and cycles are as before the message.
  public func finishMessage(keepsChanges: Bool) {
    pendingCall = nil
    if !keepsChanges {
      state = stateBefore
    } else if case .upgrade = message {
      if entryPoint == .preUpgrade { state.globalTimer = 0 }
    }
  }

  /// How the message ended, if its last execution did not trap.
  public var outcome: Outcome {
    if case .inspectMessage = message { return isAccepted ? .accepted : .reject([]) }
    return switch response {
    case .none: .noReply
    case .reply: .reply(replyData)
    case .reject(let reason): .reject(reason)
    }
  }

  // MARK: Dispatch

  /// Serves a call: charge, then the entry point's right, then the function itself.
  ///
  /// - Parameters:
  ///   - slots: the arguments in order, 8 bytes each; receives the result.
  ///   - is64BitHeap: the width of the module's addresses.
  ///   - host: the lane that runs the canister.
  public func call(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, is64BitHeap: Bool, host: any SystemHost
  ) throws(Trap) {
    let operands = Operands(slots: slots, wordMask: is64BitHeap ? .max : 0xFFFF_FFFF)
    let (charge, overflow) = charges[Int(function.rawValue)].addingReportingOverflow(
      Self.copiedBytes(function, operands))
    try host.charge(overflow ? .max : charge)
    guard allowed[Int(function.rawValue)].isSuperset(of: entryPointSet) else {
      throw violation(function, "cannot be executed in \(entryPoint)")
    }
    switch function {
    case .msgArgDataSize, .msgArgDataCopy, .msgCallerSize, .msgCallerCopy, .msgCallerInfoDataSize,
      .msgCallerInfoDataCopy, .msgCallerInfoSignerSize, .msgCallerInfoSignerCopy, .msgRejectCode, .msgRejectMsgSize,
      .msgRejectMsgCopy, .msgDeadline, .msgReplyDataAppend, .msgReply, .msgReject, .msgMethodNameSize,
      .msgMethodNameCopy, .acceptMessage:
      try serveMessage(function, operands, host)
    case .msgCyclesAvailable, .msgCyclesAvailable128, .msgCyclesRefunded, .msgCyclesRefunded128, .msgCyclesAccept,
      .msgCyclesAccept128, .cyclesBurn128, .canisterCycleBalance, .canisterCycleBalance128,
      .canisterLiquidCycleBalance128, .mintCycles128, .costCall, .costCreateCanister, .costHttpRequest,
      .costHttpRequestV2, .costSignWithEcdsa, .costSignWithSchnorr, .costVetkdDeriveKey:
      try serveCycles(function, operands, host)
    case .callNew, .callOnCleanup, .callDataAppend, .callWithBestEffortResponse, .callCyclesAdd, .callCyclesAdd128,
      .callPerform:
      try serveCall(function, operands, host)
    case .canisterSelfSize, .canisterSelfCopy, .canisterStatus, .canisterVersion, .subnetSelfSize, .subnetSelfCopy,
      .rootKeySize, .rootKeyCopy, .certifiedDataSet, .dataCertificatePresent, .dataCertificateSize,
      .dataCertificateCopy, .time, .globalTimerSet, .performanceCounter, .isController, .inReplicatedExecution,
      .envVarCount, .envVarNameSize, .envVarNameCopy, .envVarNameExists, .envVarValueSize, .envVarValueCopy,
      .debugPrint, .trap:
      try serveCanister(function, operands, host)
    case .stableSize, .stableGrow, .stableRead, .stableWrite, .stable64Size, .stable64Grow, .stable64Read,
      .stable64Write:
      throw violation(function, "is served by the lane")
    }
  }

  /// Bytes that the function copies to or from the heap, each of which costs 1.
  private static func copiedBytes(_ function: SystemFunction, _ operands: Operands) -> UInt64 {
    switch function {
    case .msgArgDataCopy, .msgCallerCopy, .msgCallerInfoDataCopy, .msgCallerInfoSignerCopy, .msgRejectMsgCopy,
      .canisterSelfCopy, .subnetSelfCopy, .msgMethodNameCopy,
      .rootKeyCopy, .dataCertificateCopy:
      return operands.word(2)
    case .msgReplyDataAppend, .msgReject, .callDataAppend, .certifiedDataSet, .isController, .envVarNameExists,
      .envVarValueSize, .debugPrint, .trap:
      return operands.word(1)
    case .envVarNameCopy: return operands.word(3)
    case .callNew: return sum(operands.word(1), operands.word(3))
    case .envVarValueCopy: return sum(operands.word(1), operands.word(4))
    case .costHttpRequestV2, .costSignWithEcdsa, .costSignWithSchnorr, .costVetkdDeriveKey:
      return sum(operands.word(1), 16)
    case .msgCyclesAvailable128, .msgCyclesRefunded128, .msgCyclesAccept128, .cyclesBurn128, .canisterCycleBalance128,
      .canisterLiquidCycleBalance128, .costCall, .costCreateCanister, .costHttpRequest, .mintCycles128:
      return 16
    default: return 0
    }
  }

  private static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : sum
  }

  // MARK: Shared by the groups of functions

  func violation(_ function: SystemFunction, _ reason: String) -> Trap {
    .canister(.contractViolation("ic0.\(function.name): \(reason)"))
  }

  /// The heap, of which a range is in bounds.
  private func heap(_ host: any SystemHost, _ address: UInt64, _ count: UInt64) throws(Trap) -> LinearMemory {
    guard let heap = host.heap else {
      throw .canister(.contractViolation("WebAssembly module must define memory"))
    }
    guard count <= heap.byteCount, address <= heap.byteCount &- count else { throw .canister(.heapOutOfBounds) }
    return heap
  }

  /// Bytes of the heap.
  func bytes(_ host: any SystemHost, at address: UInt64, count: UInt64) throws(Trap) -> UnsafeRawBufferPointer {
    try heap(host, address, count).bytes(at: address, count: count)
  }

  /// Bytes of the heap, to be written.
  func writableBytes(
    _ host: any SystemHost, at address: UInt64, count: UInt64
  ) throws(Trap) -> UnsafeMutableRawBufferPointer {
    try heap(host, address, count).writableBytes(at: address, count: count)
  }

  /// The `*_copy` functions: operands destination, offset and size from a position on.
  func copy(
    _ source: [UInt8], _ function: SystemFunction, _ operands: Operands, _ host: any SystemHost, from position: Int = 0
  ) throws(Trap) {
    let offset = operands.word(position + 1)
    let size = operands.word(position + 2)
    let count = UInt64(source.count)
    guard size <= count, offset <= count &- size else {
      throw violation(function, "\(size) bytes at \(offset) pass the end of \(count)")
    }
    let target = try writableBytes(host, at: operands.word(position), count: size)
    source.withUnsafeBytes { bytes in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset + size)]))
    }
  }

  /// Writes a 128-bit amount, little-endian.
  func write(_ amount: UInt128, _ host: any SystemHost, at address: UInt64) throws(Trap) {
    try writableBytes(host, at: address, count: 16).storeBytes(of: amount.littleEndian, as: UInt128.self)
  }
}
