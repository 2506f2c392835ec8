// What was never reached, in words: the smallest combinations of values that can happen and did not. Computed for
// `CoverageAnalysis` from the situations reached and the feasible ones.

/// Values of some dimensions that never came together.
public struct Hole: Hashable, Sendable {
  /// By dimension in order.
  public let values: [DimensionValue]

  init(values: [DimensionValue]) { self.values = values }

  /// All values of a situation.
  public init(_ situation: Situation) { values = Dimension.allCases.map { DimensionValue($0, situation[$0]) } }

  /// The hole in words: "zero-length `stable_write` at the end of a 4 GiB memory after an upgrade".
  public var words: String {
    var words: [Dimension: String] = [:]
    for value in values { words[value.dimension] = value.dimension.words[value.value] }
    let isEmpty = words[.length] == "zero-length" || words[.relation]?.hasPrefix(Relation.emptyPrefix) == true
    var text =
      words[.function].map { (isEmpty ? "zero-length " : "") + $0 } ?? (isEmpty ? "a zero-length call" : "a call")
    if let relation = words[.relation] {
      if relation.hasPrefix(Relation.emptyPrefix) {
        text += " \(relation.dropFirst(Relation.emptyPrefix.count))"
      } else {
        text += " " + relation
      }
    }
    if let length = words[.length], !isEmpty { text += " " + length }
    if let size = words[.size] { text += (text.hasSuffix("the end") ? " of " : " in ") + size }
    // How it ends comes last, so that nothing after it seems to belong to it.
    for dimension in [Dimension.pages, .heapRelation, .entryPoint, .heap, .codeAge, .outcome, .limit] {
      if let word = words[dimension] { text += (dimension == .outcome || dimension == .limit ? ", " : " ") + word }
    }
    return text
  }
}

/// Coverage of all combinations of so many dimensions.
public struct CombinationCoverage: Hashable, Sendable {
  /// Dimensions that are combined.
  public let dimensions: Int
  public let covered: Int
  public let feasible: Int
  /// Those of its holes that contain no hole of fewer dimensions.
  public let holes: [Hole]
}

/// Counts combinations of one to `dimensions` dimensions and finds their holes.
///
/// - Parameter covered: the situations that were reached; what is not feasible is not counted.
func combinations(upTo dimensions: Int, covered: [CoverageItem]) -> [CombinationCoverage] {
  var search = CombinationSearch(covered: covered)
  return (1...dimensions).map { search.level($0) }
}

private struct CombinationSearch {
  /// Values of all dimensions, one situation after the other.
  private let feasible: [UInt8]
  private let covered: [UInt8]
  private let sizes = Dimension.allCases.map(\.count)
  /// Combinations reached, by the set of dimensions as a bit mask.
  private var reached: [Int: [Bool]] = [:]

  init(covered: [CoverageItem]) {
    func values(_ items: [CoverageItem]) -> [UInt8] {
      var values: [UInt8] = []
      values.reserveCapacity(items.count * Dimension.allCases.count)
      for item in items {
        for dimension in Dimension.allCases { values.append(UInt8(truncatingIfNeeded: item[dimension])) }
      }
      return values
    }
    feasible = values(FeasibleSituations.shared.items)
    self.covered = values(covered)
  }

  /// All sets of `count` dimensions, in order.
  private static func subsets(_ count: Int) -> [[Int]] {
    func extend(_ from: Int, _ chosen: [Int]) -> [[Int]] {
      if chosen.count == count { return [chosen] }
      return (from..<Dimension.allCases.count).flatMap { extend($0 + 1, chosen + [$0]) }
    }
    return extend(0, [])
  }

  private func mask(_ subset: [Int]) -> Int { subset.reduce(0) { $0 | 1 << $1 } }

  /// Marks which combinations of the subset's values occur.
  private func combinations(_ values: [UInt8], of subset: [Int]) -> [Bool] {
    var marks = [Bool](repeating: false, count: subset.reduce(1) { $0 * sizes[$1] })
    for start in stride(from: 0, to: values.count, by: sizes.count) {
      var place = 0
      for dimension in subset { place = place * sizes[dimension] + Int(values[start + dimension]) }
      marks[place] = true
    }
    return marks
  }

  mutating func level(_ count: Int) -> CombinationCoverage {
    var totals = (covered: 0, feasible: 0)
    var holes: [Hole] = []
    for subset in Self.subsets(count) {
      let possible = combinations(feasible, of: subset)
      let marks = combinations(covered, of: subset)
      reached[mask(subset)] = marks
      for place in possible.indices where possible[place] {
        totals.feasible += 1
        if marks[place] {
          totals.covered += 1
        } else {
          let values = unpacked(place, subset)
          if partsAreReached(values, subset) {
            holes.append(
              Hole(
                values: zip(subset, values).compactMap { dimension, value in
                  Dimension(rawValue: dimension).map { DimensionValue($0, value) }
                }))
          }
        }
      }
    }
    return CombinationCoverage(
      dimensions: count, covered: totals.covered, feasible: totals.feasible, holes: holes)
  }

  private func unpacked(_ place: Int, _ subset: [Int]) -> [Int] {
    var rest = place
    var values: [Int] = []
    for dimension in subset.reversed() {
      values.append(rest % sizes[dimension])
      rest /= sizes[dimension]
    }
    return values.reversed()
  }

  /// Whether each combination with one dimension less was reached.
  private func partsAreReached(_ values: [Int], _ subset: [Int]) -> Bool {
    if subset.count == 1 { return true }
    for left in subset.indices {
      var part = subset
      part.remove(at: left)
      var place = 0
      for (position, dimension) in subset.enumerated() where position != left {
        place = place * sizes[dimension] + values[position]
      }
      if reached[mask(part)]?[place] != true { return false }
    }
    return true
  }
}
