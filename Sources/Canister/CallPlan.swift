// The call plan: the messages that a case sends to its canister, in order.

/// Which of the case's modules an install, reinstall or upgrade uses.
public enum ModuleChoice: UInt8, Codable, Hashable, Sendable { case first, second }

/// One message of a call plan.
public enum Message: Hashable, Codable, Sendable {
  case install(argument: [UInt8])
  case reinstall(ModuleChoice, argument: [UInt8])
  case upgrade(ModuleChoice, argument: [UInt8])
  case update(name: String, argument: [UInt8])
  /// Runs `canister_query` or, where there is none of that name, `canister_composite_query`.
  case query(name: String, argument: [UInt8])
  case heartbeat
  case globalTimer
  case lowWasmMemory
  /// Asks `canister_inspect_message` about an update of this name.
  case inspectMessage(name: String, argument: [UInt8])

  /// The bytes that the message hands to the canister.
  public var argument: [UInt8] {
    switch self {
    case .install(let argument), .reinstall(_, let argument), .upgrade(_, let argument),
      .update(_, let argument), .query(_, let argument), .inspectMessage(_, let argument):
      argument
    case .heartbeat, .globalTimer, .lowWasmMemory: []
    }
  }

  /// A short name for reports: `update 'set'`, `upgrade`.
  public var summary: String {
    switch self {
    case .install: "install"
    case .reinstall: "reinstall"
    case .upgrade: "upgrade"
    case .update(let name, _): "update '\(name)'"
    case .query(let name, _): "query '\(name)'"
    case .heartbeat: "heartbeat"
    case .globalTimer: "global_timer"
    case .lowWasmMemory: "on_low_wasm_memory"
    case .inspectMessage(let name, _): "inspect_message '\(name)'"
    }
  }
}

extension Message {
  /// Whether it installs, reinstalls or upgrades.
  public var changesCode: Bool {
    switch self {
    case .install, .reinstall, .upgrade: true
    case .update, .query, .heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage: false
    }
  }
}

/// The messages of a case, in order.
public struct CallPlan: Hashable, Codable, Sendable {
  public var messages: [Message]

  public init(_ messages: [Message]) { self.messages = messages }
}
