// All pairs of consecutive calls that can happen, enumerated from the rules. Counted against by `CoverageAnalysis`.

/// The pairs of consecutive calls that can happen.
public struct FeasiblePairs: Sendable {
  /// All `CallPair`s, as items.
  public let calls: [CoverageItem]
  /// All `ValuePair`s, as items, ascending.
  public let values: [CoverageItem]
  private let all: Set<CoverageItem>

  /// Enumerated once.
  public static let shared = FeasiblePairs()

  private init() {
    var before: [Surroundings: [CallBefore: Members]] = [:]
    var after: [Surroundings: [CallAfter: Members]] = [:]
    for item in FeasibleSituations.shared.items {
      guard let situation = item.situation else { continue }
      let (here, values, step) = (Surroundings(situation), item.values, Step(situation))
      Members.of(CallBefore(situation), in: &before[here, default: [:]]).add(values, step)
      Members.of(CallAfter(situation), in: &after[here, default: [:]]).add(values, step)
    }
    // Only unions are built, for which order does not matter.
    var valuePairs = ValuePairTable()
    var seconds: [CallGap: [UInt64: StepSet]] = [:]
    for gap in CallGap.allCases {
      let following = Self.following(gap, Set(before.values.flatMap(\.keys)), Set(after.values.flatMap(\.keys)))
      for (here, firsts) in before {
        let places = after.filter { SuccessionRules.brokenRule(here, gap, $0.key) == nil }
        var reachable: [CallAfter: Members] = [:]
        for (call, members) in places.values.joined() { Members.of(call, in: &reachable).formUnion(members) }
        for (call, members) in firsts {
          let next = Members()
          for second in following[call] ?? [] {
            if let members = reachable[second] { next.formUnion(members) }
          }
          valuePairs.insert(members.values, gap, next.values)
          for step in members.steps.numbers {
            seconds[gap, default: [:]][step, default: StepSet()].formUnion(next.steps)
          }
        }
      }
    }
    values = valuePairs.items
    self.calls = Self.calls(seconds)
    all = Set(self.calls + values)
  }

  /// Whether a pair of either form can happen.
  public func contains(_ item: CoverageItem) -> Bool { all.contains(item) }

  /// The first rule that two consecutive calls break; nil where they can happen.
  public static func brokenRule(_ before: Situation, _ gap: CallGap, _ after: Situation) -> String? {
    SuccessionRules.brokenRule(Surroundings(before), gap, Surroundings(after))
      ?? SuccessionRules.brokenRule(CallBefore(before), gap, CallAfter(after))
  }

  /// What can come after what, wherever it is.
  private static func following(
    _ gap: CallGap, _ before: Set<CallBefore>, _ after: Set<CallAfter>
  ) -> [CallBefore: [CallAfter]] {
    Dictionary(
      uniqueKeysWithValues: before.map { first in
        (first, after.filter { SuccessionRules.brokenRule(first, gap, $0) == nil })
      })
  }

  /// The pairs of calls of which the first has which seconds.
  private static func calls(_ seconds: [CallGap: [UInt64: StepSet]]) -> [CoverageItem] {
    var items: [CoverageItem] = []
    for (gap, steps) in seconds {
      for (number, set) in steps {
        guard let first = Step(number: number) else { continue }
        for second in set.numbers.compactMap(Step.init(number:)) {
          for overlap in RangeOverlap.allCases where canLie(first, overlap, second) {
            items.append(CoverageItem(CallPair(first, gap, overlap, second)))
          }
        }
      }
    }
    return items.sorted()
  }

  /// Ranges in bounds lie somehow to each other; others do not.
  private static func canLie(_ first: Step, _ overlap: RangeOverlap, _ second: Step) -> Bool {
    let haveRanges = first.relation.isInBounds && second.relation.isInBounds
    if (overlap == .none) == haveRanges { return false }
    // What lies in one page and what crosses an edge differ in their pages.
    let single: [Relation] = [.inside, .startsAtEdge]
    let several: [Relation] = [.crosses, .crosses4GiB]
    if single.contains(first.relation) && several.contains(second.relation)
      || several.contains(first.relation) && single.contains(second.relation)
    {
      return overlap != .same
    }
    // A page that is all of a range is not a part of another page's.
    return !(single.contains(first.relation) && single.contains(second.relation) && overlap == .shared)
  }
}

/// Calls that are alike in what they leave, or in what they need. A class: millions of situations are added in place.
private final class Members {
  private(set) var values: ValueSet = 0
  private(set) var steps = StepSet()

  /// Those of a key, which are none at first.
  static func of<Key>(_ key: Key, in members: inout [Key: Members]) -> Members {
    if let known = members[key] { return known }
    let new = Members()
    members[key] = new
    return new
  }

  func add(_ values: ValueSet, _ step: Step) {
    self.values |= values
    steps.insert(step.number)
  }

  func formUnion(_ other: Members) {
    values |= other.values
    steps.formUnion(other.steps)
  }
}

/// A set of steps: a bit for each number.
private struct StepSet {
  private var words = [UInt64](repeating: 0, count: 1 << Step.bits / 64)

  mutating func insert(_ number: UInt64) { words[Int(number / 64)] |= 1 << (number % 64) }

  mutating func formUnion(_ other: StepSet) {
    for position in words.indices { words[position] |= other.words[position] }
  }

  var numbers: [UInt64] {
    words.indices.flatMap { word in
      (0..<64).compactMap { words[word] >> UInt64($0) & 1 == 1 ? UInt64(word * 64 + $0) : nil }
    }
  }
}
