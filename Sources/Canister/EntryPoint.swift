// The ways in which a canister is entered, and sets of them.

/// The kind of an execution: which exported function runs, and with which rights.
public enum EntryPoint: UInt8, CaseIterable, Codable, Sendable {
  /// The module's start function, at install, reinstall and upgrade.
  case start
  case initialize, preUpgrade, postUpgrade
  case update, query, compositeQuery
  case heartbeat, globalTimer, lowWasmMemory
  case inspectMessage

  /// Name of the exported function; for the three method kinds the prefix before the method's name.
  public var exportName: String {
    switch self {
    case .start: "canister_start"
    case .initialize: "canister_init"
    case .preUpgrade: "canister_pre_upgrade"
    case .postUpgrade: "canister_post_upgrade"
    case .update: "canister_update "
    case .query: "canister_query "
    case .compositeQuery: "canister_composite_query "
    case .heartbeat: "canister_heartbeat"
    case .globalTimer: "canister_global_timer"
    case .lowWasmMemory: "canister_on_low_wasm_memory"
    case .inspectMessage: "canister_inspect_message"
    }
  }

  /// Whether the entry point is a named method.
  public var isMethod: Bool { self == .update || self == .query || self == .compositeQuery }

  /// Whether state changes are dropped even when the execution succeeds.
  public var dropsChanges: Bool { self == .query || self == .compositeQuery || self == .inspectMessage }

  /// The page-limit class. Source: ic-semantics section 9.
  public var pageLimitClass: PageLimitClass {
    switch self {
    case .initialize, .preUpgrade, .postUpgrade: .upgrade
    case .query, .compositeQuery, .inspectMessage: .query
    case .start, .update, .heartbeat, .globalTimer, .lowWasmMemory: .message
    }
  }
}

/// Which of the three page limits applies to an execution.
public enum PageLimitClass: UInt8, Codable, Sendable { case message, upgrade, query }

/// A set of entry points.
public struct EntryPointSet: OptionSet, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public init(_ entryPoint: EntryPoint) { rawValue = 1 << UInt16(entryPoint.rawValue) }

  /// `canister_init` and `canister_post_upgrade`; the specification writes `I`.
  public static let initialization: EntryPointSet = [.init(.initialize), .init(.postUpgrade)]
  public static let preUpgrade = EntryPointSet(.preUpgrade)
  public static let update = EntryPointSet(.update)
  public static let query = EntryPointSet(.query)
  public static let compositeQuery = EntryPointSet(.compositeQuery)
  public static let inspectMessage = EntryPointSet(.inspectMessage)
  /// Heartbeat, global timer and low-memory hook; the specification writes `T`.
  public static let systemTasks: EntryPointSet = [.init(.heartbeat), .init(.globalTimer), .init(.lowWasmMemory)]
  /// Everything except the start function; the specification writes `*`.
  public static let all = EntryPointSet(rawValue: everywhere.rawValue & ~EntryPointSet(.start).rawValue)
  /// Everything including the start function; the specification writes `* s`.
  public static let everywhere = EntryPointSet(rawValue: (1 << UInt16(EntryPoint.allCases.count)) - 1)
  /// Functions for reply and reject callbacks, which never run here: `call_perform` always answers with an error.
  public static let callbacksOnly: EntryPointSet = []
}
