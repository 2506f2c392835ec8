// Pairs of consecutive calls: what was done before decides what a call meets. Made by `CoverageCollector`.

/// A call without its surroundings.
public struct Step: Hashable, Comparable, Sendable {
  public var function: StableFunction
  public var relation: Relation
  public var outcome: CallOutcome

  public init(_ situation: Situation) {
    function = situation.function
    relation = situation.relation
    outcome = situation.outcome
  }

  static let bits: UInt64 = 11
  var number: UInt64 {
    UInt64(function.rawValue) | UInt64(relation.rawValue) << 3 | UInt64(outcome.rawValue) << 8
  }

  init?(number: UInt64) {
    guard let function = StableFunction(rawValue: UInt8(number & 7)),
      let relation = Relation(rawValue: UInt8(number >> 3 & 31)),
      let outcome = CallOutcome(rawValue: UInt8(number >> 8 & 7))
    else { return nil }
    self.function = function
    self.relation = relation
    self.outcome = outcome
  }

  public static func < (left: Self, right: Self) -> Bool { left.number < right.number }

  var words: String { "\(function.words) \(relation.words), \(outcome.words)" }
  /// Whether the execution goes on after the call.
  var isSurvived: Bool { outcome == .returned || outcome == .refused }
}

/// What lies between two calls.
public enum CallGap: UInt8, CaseIterable, Sendable {
  case nothing, execution, message, rollback, reinstall

  var words: String {
    switch self {
    case .nothing: "then"
    case .execution: "then in a later execution of the message"
    case .message: "then in a later message"
    case .rollback: "then, after its message's changes were dropped,"
    case .reinstall: "then, with a stable memory begun anew,"
    }
  }
}

/// How the OS pages of two ranges in bounds lie to each other.
public enum RangeOverlap: UInt8, CaseIterable, Sendable {
  /// At least one of the calls has no such range.
  case none
  case same, shared, adjacent, apart

  var words: String {
    switch self {
    case .none: ""
    case .same: "on the same pages"
    case .shared: "on some of these pages"
    case .adjacent: "on neighbouring pages"
    case .apart: "on other pages"
    }
  }

  init(_ left: Range<UInt64>?, _ right: Range<UInt64>?) {
    if let left, let right {
      if left == right {
        self = .same
      } else if left.overlaps(right) {
        self = .shared
      } else {
        self = left.upperBound == right.lowerBound || right.upperBound == left.lowerBound ? .adjacent : .apart
      }
    } else {
      self = .none
    }
  }
}

/// Two consecutive calls in a canister's life.
public struct CallPair: Hashable, Sendable {
  public var first: Step
  public var gap: CallGap
  public var overlap: RangeOverlap
  public var second: Step

  public init(_ first: Step, _ gap: CallGap, _ overlap: RangeOverlap, _ second: Step) {
    self.first = first
    self.gap = gap
    self.overlap = overlap
    self.second = second
  }

  var words: String {
    let place = overlap == .none ? "" : " " + overlap.words
    return "\(first.words), \(gap.words) \(second.words)\(place)"
  }
}

extension CoverageItem {
  /// The item of a pair.
  public init(_ pair: CallPair) {
    self.init(
      .pair,
      pair.first.number | pair.second.number << Step.bits | UInt64(pair.gap.rawValue) << (2 * Step.bits)
        | UInt64(pair.overlap.rawValue) << (2 * Step.bits + 3))
  }

  /// The pair; nil for other items and for numbers that no pair has.
  public var pair: CallPair? {
    guard kind == .pair, payload >> (2 * Step.bits + 6) == 0, let first = Step(number: payload & (1 << Step.bits - 1)),
      let second = Step(number: payload >> Step.bits & (1 << Step.bits - 1)),
      let gap = CallGap(rawValue: UInt8(payload >> (2 * Step.bits) & 7)),
      let overlap = RangeOverlap(rawValue: UInt8(payload >> (2 * Step.bits + 3) & 7))
    else { return nil }
    return CallPair(first, gap, overlap, second)
  }
}
