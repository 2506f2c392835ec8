// Combinations of three dimensions that have been reached: what guided search takes for news. Situations differ in so
// many dimensions that most are new; of these combinations most are soon known.

/// A set of combinations of three values.
public struct CombinationSet: Sendable {
  /// A set of three dimensions, and where its combinations begin in `reached`.
  private struct Triple {
    let dimensions: (Dimension, Dimension, Dimension)
    let start: Int
  }

  private static let triples: (list: [Triple], count: Int) = {
    var list: [Triple] = []
    var count = 0
    let all = Dimension.allCases
    for (first, a) in all.enumerated() {
      for (second, b) in all.enumerated().dropFirst(first + 1) {
        for c in all[(second + 1)...] {
          list.append(Triple(dimensions: (a, b, c), start: count))
          count += a.count * b.count * c.count
        }
      }
    }
    return (list, count)
  }()

  private var reached = [Bool](repeating: false, count: CombinationSet.triples.count)

  public init() {}

  /// Adds the combinations of a situation.
  ///
  /// - Returns: how many are new.
  public mutating func insert(_ situation: CoverageItem) -> Int {
    let values = Dimension.allCases.map { situation[$0] }
    let counts = Self.counts
    var fresh = 0
    for triple in Self.triples.list {
      let (a, b, c) = triple.dimensions
      let place =
        triple.start + (values[a.rawValue] * counts[b.rawValue] + values[b.rawValue]) * counts[c.rawValue]
        + values[c.rawValue]
      if reached[place] { continue }
      reached[place] = true
      fresh += 1
    }
    return fresh
  }

  private static let counts = Dimension.allCases.map(\.count)
}
