// What becomes of a canister's state when an execution ends: kept or taken back, part by part. Both lanes ask here. The
// rule is the contract's (section 5); one exception to it can be planted, to see whether the harness finds it.

import Canister

/// How an execution, or an install or upgrade as a whole, ends.
public enum Ending: String, CaseIterable, Sendable {
  /// A message that keeps what it did.
  case kept
  /// A query or an inspection, which keeps nothing.
  case dropped
  case trapped
  /// pre_upgrade, whose changes of stable memory the new code sees.
  case preUpgraded = "pre-upgraded"
  /// Install, reinstall or upgrade.
  case installed
  case notInstalled = "not-installed"

  var due: Settlement {
    switch self {
    case .kept, .preUpgraded, .installed: .commit
    case .dropped, .trapped, .notInstalled: .rollback
    }
  }
}

/// What is done with a part of the state.
public enum Settlement: Sendable { case commit, rollback }

/// Parts of a canister's state.
public enum StatePart: String, CaseIterable, Sendable { case stable, heap, globals }

/// The rule of what is kept.
public struct Settling: Hashable, Sendable {
  private let exception: Exception?

  private struct Exception: Hashable {
    let part: StatePart
    let ending: Ending
  }

  /// As the contract says.
  public static let asDue = Settling(exception: nil)

  private init(exception: Exception?) { self.exception = exception }

  /// The contract's rule with one exception: at this ending, this part is kept where it should not be, or the other way
  /// round.
  public init(wrongFor part: StatePart, at ending: Ending) { exception = Exception(part: part, ending: ending) }

  func callAsFunction(_ part: StatePart, _ ending: Ending) -> Settlement {
    guard exception == Exception(part: part, ending: ending) else { return ending.due }
    return ending.due == .commit ? .rollback : .commit
  }
}
