// Mistakes of the lanes themselves, which grading plants through what a lane is made of. Read by `CaseModules` when it
// makes lanes; nothing of this is in the lanes' own code.

import Canister
import Execution

/// What lanes are made of besides modules.
public struct LaneFaults: Sendable {
  /// What the host lane keeps and takes back, and the native ones.
  public var hostSettling = Settling.asDue
  public var nativeSettling = Settling.asDue
  /// Put around the host lane's stable functions.
  public var aroundHost: (@Sendable (HostStableFunctions) -> any StableFunctionServer)?
  /// The messages that native lanes get in place of the plan's.
  public var rewritten: @Sendable (Message) -> Message = { $0 }

  public init() {}

  /// No mistake.
  public static let none = LaneFaults()
}
