// What a coverage map amounts to: totals by dimension, tables of two dimensions, combinations and holes. Computed once
// for a report; the campaign makes a record of it.

/// Situations reached and possible, for one value or one cell of a table.
public struct CoverageTotal: Hashable, Sendable {
  public var covered = 0
  public var feasible = 0
}

/// A coverage map set against what is feasible.
public struct CoverageAnalysis: Sendable {
  public let map: CoverageMap
  /// What was reached and is possible, by kind.
  private let reached: [[CoverageItem]]
  /// What was reached although a rule excludes it: mistakes of the model.
  public let contradictions: [CoverageItem]
  public let combinations: [CombinationCoverage]

  /// - Parameter dimensions: of how many dimensions combinations are counted at most; each further one takes longer.
  public init(_ map: CoverageMap, dimensions: Int = 4) {
    self.map = map
    var reached: [[CoverageItem]] = CoverageItem.Kind.allCases.map { _ in [] }
    var contradictions: [CoverageItem] = []
    for item in map.items {
      if Self.isFeasible(item) { reached[Int(item.kind.rawValue)].append(item) } else { contradictions.append(item) }
    }
    self.reached = reached
    self.contradictions = contradictions
    combinations = Coverage.combinations(
      upTo: dimensions, covered: reached[Int(CoverageItem.Kind.situation.rawValue)])
  }

  private static let branches = Set(BranchCatalogue.shared.items)

  private static func isFeasible(_ item: CoverageItem) -> Bool {
    switch item.kind {
    case .situation: item.situation.map { FeasibleSituations.brokenRule($0) == nil } ?? false
    case .pair, .valuePair: FeasiblePairs.shared.contains(item)
    case .branch: branches.contains(item)
    }
  }

  /// The situations reached that the rules allow.
  public var situations: [CoverageItem] { reached(.situation) }

  private func reached(_ kind: CoverageItem.Kind) -> [CoverageItem] { reached[Int(kind.rawValue)] }

  /// How much of a kind was reached, and how much there is.
  public func total(_ kind: CoverageItem.Kind) -> CoverageTotal {
    let feasible =
      switch kind {
      case .situation: FeasibleSituations.shared.items.count
      case .pair: FeasiblePairs.shared.calls.count
      case .valuePair: FeasiblePairs.shared.values.count
      case .branch: BranchCatalogue.shared.items.count
      }
    return CoverageTotal(covered: reached(kind).count, feasible: feasible)
  }

  /// Situations by the values of two dimensions: rows of columns. With the same dimension twice, the diagonal has the
  /// totals of its values.
  public func table(_ rows: Dimension, _ columns: Dimension) -> [[CoverageTotal]] {
    var table = [[CoverageTotal]](
      repeating: Array(repeating: CoverageTotal(), count: columns.count), count: rows.count)
    for item in FeasibleSituations.shared.items { table[item[rows]][item[columns]].feasible += 1 }
    for item in situations { table[item[rows]][item[columns]].covered += 1 }
    return table
  }

  /// The pairs of values that never came together in two consecutive calls, but for those of values never reached.
  public var valuePairsMissed: [ValuePair] {
    let values = Set(situations.flatMap { item in Dimension.allCases.map { DimensionValue($0, item[$0]) } })
    return FeasiblePairs.shared.values.filter { map.cases(reaching: $0) == 0 }.compactMap(\.valuePair).filter {
      values.contains($0.first) && values.contains($0.second)
    }
  }

  /// The branches of our own injected code that never ran.
  public var branchesMissed: [InjectedBranch] {
    BranchCatalogue.shared.items.filter { map.cases(reaching: $0) == 0 }.compactMap(\.branch)
  }
}
