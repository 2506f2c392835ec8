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
  /// The situations reached that the rules allow.
  public let situations: [CoverageItem]
  /// Situations reached although a rule excludes them: mistakes of the model.
  public let contradictions: [CoverageItem]
  public let combinations: [CombinationCoverage]

  /// - Parameter dimensions: of how many dimensions combinations are counted at most; each further one takes longer.
  public init(_ map: CoverageMap, dimensions: Int = 4) {
    self.map = map
    var situations: [CoverageItem] = []
    var contradictions: [CoverageItem] = []
    for item in map.items {
      guard let situation = item.situation else { continue }
      if FeasibleSituations.brokenRule(situation) == nil {
        situations.append(item)
      } else {
        contradictions.append(item)
      }
    }
    self.situations = situations
    self.contradictions = contradictions
    combinations = Coverage.combinations(upTo: dimensions, covered: situations)
  }

  /// How much of a kind was reached, and how much there is.
  public func total(_ kind: CoverageItem.Kind) -> CoverageTotal {
    switch kind {
    case .situation:
      CoverageTotal(covered: situations.count, feasible: FeasibleSituations.shared.items.count)
    case .pair: CoverageTotal(covered: map.count(of: .pair), feasible: FeasiblePairs.shared.items.count)
    case .branch:
      CoverageTotal(
        covered: BranchCatalogue.shared.items.count { map.cases(reaching: $0) > 0 },
        feasible: BranchCatalogue.shared.items.count)
    }
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

  /// The branches of our own injected code that never ran.
  public var branchesMissed: [InjectedBranch] {
    BranchCatalogue.shared.items.filter { map.cases(reaching: $0) == 0 }.compactMap(\.branch)
  }
}
