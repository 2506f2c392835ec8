// All situations that can happen, enumerated from the rules. Counted against by `CoverageAnalysis`.

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
