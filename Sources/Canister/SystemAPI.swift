// The one table of the `ic0` functions: name, signature for 32- and 64-bit heaps, allowed entry points, charge.
// Read by canister validation, by the generator and by both lanes' hosts.

import Wasm

/// A function of the System API (import module `ic0`).
public enum SystemFunction: UInt8, CaseIterable, Sendable {
  case msgArgDataSize, msgArgDataCopy, msgCallerSize, msgCallerCopy, msgCallerInfoDataSize, msgCallerInfoDataCopy,
    msgCallerInfoSignerSize, msgCallerInfoSignerCopy, msgRejectCode, msgRejectMsgSize
  case msgRejectMsgCopy, msgDeadline, msgReplyDataAppend, msgReply, msgReject, msgCyclesAvailable
  case msgCyclesAvailable128, msgCyclesRefunded, msgCyclesRefunded128, msgCyclesAccept, msgCyclesAccept128
  case cyclesBurn128, canisterSelfSize, canisterSelfCopy, canisterCycleBalance, canisterCycleBalance128
  case canisterLiquidCycleBalance128, canisterStatus, canisterVersion, subnetSelfSize, subnetSelfCopy
  case msgMethodNameSize, msgMethodNameCopy, acceptMessage, callNew, callOnCleanup, callDataAppend
  case callWithBestEffortResponse, callCyclesAdd, callCyclesAdd128, callPerform, stableSize, stableGrow
  case stableRead, stableWrite, stable64Size, stable64Grow, stable64Read, stable64Write, rootKeySize
  case rootKeyCopy, certifiedDataSet, dataCertificatePresent, dataCertificateSize, dataCertificateCopy, time
  case globalTimerSet, performanceCounter, isController, inReplicatedExecution, costCall, costCreateCanister
  case costHttpRequest, costHttpRequestV2, costSignWithEcdsa, costSignWithSchnorr, costVetkdDeriveKey
  case envVarCount, envVarNameSize, envVarNameCopy, envVarNameExists, envVarValueSize, envVarValueCopy
  case mintCycles128, debugPrint, trap

  /// The import name.
  public var name: String { row.name }
  /// The table row.
  public var row: SystemRow { SystemRow.all[Int(rawValue)] }
  /// Whether this is one of the eight stable memory functions, which the lanes serve each in its own way.
  public var isStable: Bool { self >= .stableSize && self <= .stable64Write }

  /// The function with this import name.
  public init?(name: String) {
    guard let function = SystemRow.byName[name] else { return nil }
    self = function
  }
}

extension SystemFunction: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A parameter or result type of a System API function.
public enum SystemType: Sendable {
  case i32, i64
  /// The heap's address type: the interface specification writes `I`.
  case word

  public func valueType(is64BitHeap: Bool) -> ValueType {
    switch self {
    case .i32: .i32
    case .i64: .i64
    case .word: is64BitHeap ? .i64 : .i32
    }
  }
}

/// One row of the System API table. Source: the Internet Computer interface specification, section "System imports".
public struct SystemRow: Sendable {
  public let function: SystemFunction
  public let name: String
  public let parameters: [SystemType]
  public let result: SystemType?
  /// Where the function may be called; elsewhere the call traps with a contract violation.
  public let entryPoints: EntryPointSet
  /// Fixed instruction charge; stable functions are charged by each lane's own rules and have 0 here.
  public let charge: UInt64
  /// Whether the function exists only for modules with a 32-bit (or no) heap.
  public let isOnly32Bit: Bool

  init(
    _ function: SystemFunction, _ name: String, _ parameters: [SystemType], _ result: SystemType?,
    _ entryPoints: EntryPointSet, charge: UInt64, only32Bit: Bool = false
  ) {
    self.function = function
    self.name = name
    self.parameters = parameters
    self.result = result
    self.entryPoints = entryPoints
    self.charge = charge
    self.isOnly32Bit = only32Bit
  }

  /// The signature that a module with this heap width has to import; nil where the function does not exist for it.
  public func type(is64BitHeap: Bool) -> FunctionType? {
    if isOnly32Bit && is64BitHeap { return nil }
    return FunctionType(
      parameters.map { $0.valueType(is64BitHeap: is64BitHeap) },
      result.map { [$0.valueType(is64BitHeap: is64BitHeap)] } ?? [])
  }

  static let byName: [String: SystemFunction] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.function) })

  /// All rows in the order of `SystemFunction.allCases`.
  public static let all: [SystemRow] = [
    .init(
      .msgArgDataSize, "msg_arg_data_size", [], .word,
      [.initialization, .update, .query, .compositeQuery, .inspectMessage], charge: 500),
    .init(
      .msgArgDataCopy, "msg_arg_data_copy", [.word, .word, .word], nil,
      [.initialization, .update, .query, .compositeQuery, .inspectMessage], charge: 500),
    .init(.msgCallerSize, "msg_caller_size", [], .word, .all, charge: 500),
    .init(.msgCallerCopy, "msg_caller_copy", [.word, .word, .word], nil, .all, charge: 500),
    .init(.msgCallerInfoDataSize, "msg_caller_info_data_size", [], .word, .all, charge: 500),
    .init(.msgCallerInfoDataCopy, "msg_caller_info_data_copy", [.word, .word, .word], nil, .all, charge: 500),
    .init(.msgCallerInfoSignerSize, "msg_caller_info_signer_size", [], .word, .all, charge: 500),
    .init(.msgCallerInfoSignerCopy, "msg_caller_info_signer_copy", [.word, .word, .word], nil, .all, charge: 500),
    .init(.msgRejectCode, "msg_reject_code", [], .i32, .callbacksOnly, charge: 500),
    .init(.msgRejectMsgSize, "msg_reject_msg_size", [], .word, .callbacksOnly, charge: 500),
    .init(.msgRejectMsgCopy, "msg_reject_msg_copy", [.word, .word, .word], nil, .callbacksOnly, charge: 500),
    .init(.msgDeadline, "msg_deadline", [], .i64, [.update, .query, .compositeQuery], charge: 500),
    .init(
      .msgReplyDataAppend, "msg_reply_data_append", [.word, .word], nil, [.update, .query, .compositeQuery], charge: 500
    ),
    .init(.msgReply, "msg_reply", [], nil, [.update, .query, .compositeQuery], charge: 500),
    .init(.msgReject, "msg_reject", [.word, .word], nil, [.update, .query, .compositeQuery], charge: 500),
    .init(.msgCyclesAvailable, "msg_cycles_available", [], .i64, .update, charge: 500, only32Bit: true),
    .init(.msgCyclesAvailable128, "msg_cycles_available128", [.word], nil, .update, charge: 500),
    .init(.msgCyclesRefunded, "msg_cycles_refunded", [], .i64, .callbacksOnly, charge: 500, only32Bit: true),
    .init(.msgCyclesRefunded128, "msg_cycles_refunded128", [.word], nil, .callbacksOnly, charge: 500),
    .init(.msgCyclesAccept, "msg_cycles_accept", [.i64], .i64, .update, charge: 500, only32Bit: true),
    .init(.msgCyclesAccept128, "msg_cycles_accept128", [.i64, .i64, .word], nil, .update, charge: 500),
    .init(
      .cyclesBurn128, "cycles_burn128", [.i64, .i64, .word], nil,
      [.initialization, .preUpgrade, .update, .systemTasks], charge: 500),
    .init(.canisterSelfSize, "canister_self_size", [], .word, .all, charge: 500),
    .init(.canisterSelfCopy, "canister_self_copy", [.word, .word, .word], nil, .all, charge: 500),
    .init(.canisterCycleBalance, "canister_cycle_balance", [], .i64, .all, charge: 500, only32Bit: true),
    .init(.canisterCycleBalance128, "canister_cycle_balance128", [.word], nil, .all, charge: 500),
    .init(.canisterLiquidCycleBalance128, "canister_liquid_cycle_balance128", [.word], nil, .all, charge: 500),
    .init(.canisterStatus, "canister_status", [], .i32, .all, charge: 500),
    .init(.canisterVersion, "canister_version", [], .i64, .all, charge: 500),
    .init(.subnetSelfSize, "subnet_self_size", [], .word, .all, charge: 500),
    .init(.subnetSelfCopy, "subnet_self_copy", [.word, .word, .word], nil, .all, charge: 500),
    .init(.msgMethodNameSize, "msg_method_name_size", [], .word, .inspectMessage, charge: 500),
    .init(.msgMethodNameCopy, "msg_method_name_copy", [.word, .word, .word], nil, .inspectMessage, charge: 500),
    .init(.acceptMessage, "accept_message", [], nil, .inspectMessage, charge: 500),
    .init(
      .callNew, "call_new", [.word, .word, .word, .word, .word, .word, .word, .word], nil,
      [.update, .compositeQuery, .systemTasks], charge: 1500),
    .init(
      .callOnCleanup, "call_on_cleanup", [.word, .word], nil, [.update, .compositeQuery, .systemTasks], charge: 500),
    .init(
      .callDataAppend, "call_data_append", [.word, .word], nil, [.update, .compositeQuery, .systemTasks], charge: 500),
    .init(
      .callWithBestEffortResponse, "call_with_best_effort_response", [.i32], nil,
      [.update, .compositeQuery, .systemTasks], charge: 500),
    .init(.callCyclesAdd, "call_cycles_add", [.i64], nil, [.update, .systemTasks], charge: 500, only32Bit: true),
    .init(.callCyclesAdd128, "call_cycles_add128", [.i64, .i64], nil, [.update, .systemTasks], charge: 500),
    .init(.callPerform, "call_perform", [], .i32, [.update, .compositeQuery, .systemTasks], charge: 5000),
    .init(.stableSize, "stable_size", [], .i32, .everywhere, charge: 0, only32Bit: true),
    .init(.stableGrow, "stable_grow", [.i32], .i32, .everywhere, charge: 0, only32Bit: true),
    .init(.stableRead, "stable_read", [.i32, .i32, .i32], nil, .everywhere, charge: 0, only32Bit: true),
    .init(.stableWrite, "stable_write", [.i32, .i32, .i32], nil, .everywhere, charge: 0, only32Bit: true),
    .init(.stable64Size, "stable64_size", [], .i64, .everywhere, charge: 0),
    .init(.stable64Grow, "stable64_grow", [.i64], .i64, .everywhere, charge: 0),
    .init(.stable64Read, "stable64_read", [.i64, .i64, .i64], nil, .everywhere, charge: 0),
    .init(.stable64Write, "stable64_write", [.i64, .i64, .i64], nil, .everywhere, charge: 0),
    .init(
      .rootKeySize, "root_key_size", [], .word,
      [.update, .query, .compositeQuery, .systemTasks, .initialization, .preUpgrade], charge: 500),
    .init(
      .rootKeyCopy, "root_key_copy", [.word, .word, .word], nil,
      [.update, .query, .compositeQuery, .systemTasks, .initialization, .preUpgrade], charge: 500),
    .init(
      .certifiedDataSet, "certified_data_set", [.word, .word], nil,
      [.initialization, .preUpgrade, .update, .systemTasks], charge: 500),
    .init(.dataCertificatePresent, "data_certificate_present", [], .i32, .all, charge: 500),
    .init(.dataCertificateSize, "data_certificate_size", [], .word, [.query, .compositeQuery], charge: 500),
    .init(
      .dataCertificateCopy, "data_certificate_copy", [.word, .word, .word], nil, [.query, .compositeQuery], charge: 500),
    .init(.time, "time", [], .i64, .all, charge: 500),
    .init(
      .globalTimerSet, "global_timer_set", [.i64], .i64, [.initialization, .preUpgrade, .update, .systemTasks],
      charge: 500),
    .init(.performanceCounter, "performance_counter", [.i32], .i64, .everywhere, charge: 200),
    .init(.isController, "is_controller", [.word, .word], .i32, .everywhere, charge: 1000),
    .init(.inReplicatedExecution, "in_replicated_execution", [], .i32, .everywhere, charge: 500),
    .init(.costCall, "cost_call", [.i64, .i64, .word], nil, .everywhere, charge: 500),
    .init(.costCreateCanister, "cost_create_canister", [.word], nil, .everywhere, charge: 500),
    .init(.costHttpRequest, "cost_http_request", [.i64, .i64, .word], nil, .everywhere, charge: 500),
    .init(.costHttpRequestV2, "cost_http_request_v2", [.word, .word, .word], nil, .everywhere, charge: 500),
    .init(.costSignWithEcdsa, "cost_sign_with_ecdsa", [.word, .word, .i32, .word], .i32, .everywhere, charge: 500),
    .init(.costSignWithSchnorr, "cost_sign_with_schnorr", [.word, .word, .i32, .word], .i32, .everywhere, charge: 500),
    .init(.costVetkdDeriveKey, "cost_vetkd_derive_key", [.word, .word, .i32, .word], .i32, .everywhere, charge: 500),
    .init(.envVarCount, "env_var_count", [], .word, .all, charge: 500),
    .init(.envVarNameSize, "env_var_name_size", [.word], .word, .all, charge: 500),
    .init(.envVarNameCopy, "env_var_name_copy", [.word, .word, .word, .word], nil, .all, charge: 500),
    .init(.envVarNameExists, "env_var_name_exists", [.word, .word], .i32, .all, charge: 500),
    .init(.envVarValueSize, "env_var_value_size", [.word, .word], .word, .all, charge: 500),
    .init(.envVarValueCopy, "env_var_value_copy", [.word, .word, .word, .word, .word], nil, .all, charge: 500),
    .init(.mintCycles128, "mint_cycles128", [.i64, .i64, .word], nil, .update, charge: 500),
    .init(.debugPrint, "debug_print", [.word, .word], nil, .everywhere, charge: 100),
    .init(.trap, "trap", [.word, .word], nil, .everywhere, charge: 500),
  ]
}
