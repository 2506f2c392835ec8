// All situations and pairs of calls that can happen, enumerated from the rules. Counted against by `CoverageAnalysis`.

/// The situations that keep all rules.
public struct FeasibleSituations: Sendable {
  /// All of them, as items, in the order of enumeration.
  public let items: [CoverageItem]

  /// Enumerated once.
  public static let shared = FeasibleSituations()

  /// Dimensions in the order in which values are chosen, those that rule out most first.
  private static let order: [Dimension] = [
    .function, .length, .relation, .size, .outcome, .pages, .limit, .heap, .heapRelation, .codeAge, .entryPoint,
  ]

  private init() {
    // A rule is asked as soon as all of its dimensions have a value.
    let rules = Self.order.indices.map { depth in
      let known = Set(Self.order[...depth])
      return FeasibilityRule.all.filter {
        $0.dimensions.contains(Self.order[depth]) && known.isSuperset(of: $0.dimensions)
      }
    }
    var items: [CoverageItem] = []
    var situation = Situation(.size)
    func choose(_ depth: Int) {
      if depth == Self.order.count {
        items.append(CoverageItem(situation))
        return
      }
      let dimension = Self.order[depth]
      for value in 0..<dimension.count {
        situation[dimension] = value
        if rules[depth].allSatisfy({ $0.holds(situation) }) { choose(depth + 1) }
      }
    }
    choose(0)
    self.items = items
  }

  /// The first rule that a situation breaks; nil where it can happen.
  public static func brokenRule(_ situation: Situation) -> String? {
    FeasibilityRule.all.first { !$0.holds(situation) }?.sentence
  }
}

/// The pairs of consecutive calls that can happen.
public struct FeasiblePairs: Sendable {
  public let items: [CoverageItem]

  /// Enumerated once.
  public static let shared = FeasiblePairs()

  /// A step with the sizes of stable memory between which it happens: 0 empty, 1 below, 2 at, 3 above 4 GiB.
  private struct SizedStep {
    let step: Step
    var least = 3
    var most = 0

    init(_ step: Step) { self.step = step }

    mutating func add(_ size: SizeClass) {
      let level = size == .empty ? 0 : size.isAbove4GiB ? 3 : size.isExactly4GiB ? 2 : 1
      least = min(least, level)
      most = max(most, level)
    }

    /// The least size afterwards.
    var leastAfter: Int {
      guard step.outcome == .returned else { return least }
      return switch step.relation {
      case .growsTo4GiB: 2
      case .growsPast4GiB: 3
      case .growsWithin, .growsToCapacity: max(least, 1)
      default: least
      }
    }
  }

  private init() {
    var steps: [Step: SizedStep] = [:]
    for item in FeasibleSituations.shared.items {
      guard let situation = item.situation else { continue }
      steps[Step(situation), default: SizedStep(Step(situation))].add(situation.size)
    }
    let sorted = steps.values.sorted { $0.step < $1.step }
    var items: [CoverageItem] = []
    for first in sorted {
      for second in sorted {
        for gap in CallGap.allCases where Self.canFollow(first, gap, second) {
          for overlap in RangeOverlap.allCases where Self.canLie(first.step, overlap, second.step) {
            items.append(CoverageItem(CallPair(first.step, gap, overlap, second.step)))
          }
        }
      }
    }
    self.items = items
  }

  /// A trap ends the message and takes its changes back; without one, memory does not shrink but in a reinstall.
  private static func canFollow(_ first: SizedStep, _ gap: CallGap, _ second: SizedStep) -> Bool {
    if gap == .rollback || gap == .reinstall { return true }
    return first.step.isSurvived && first.leastAfter <= second.most
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
