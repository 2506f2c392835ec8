// Coverage between its map, its stored form and its report. Called by the campaign and by `stablefuzz coverage`.

import Corpus
import Coverage
import Differential
import Generation

extension StoredCoverage {
  /// The map in its stored form.
  public init(_ map: CoverageMap) { self.init(modelVersion: CoverageMap.modelVersion, map: map.encoded) }
}

extension CoverageMap {
  /// A stored map; nil if it is of another version of the model, or broken.
  public init?(_ stored: StoredCoverage) {
    guard stored.modelVersion == CoverageMap.modelVersion else { return nil }
    self.init(encoded: stored.bytes)
  }
}

/// Reads the map that a campaign has stored.
///
/// - Throws: what is wrong with the file.
public func readCoverage(_ path: String) throws(CorpusError) -> CoverageMap {
  do throws(CorpusError) {
    let stored = try decodeJSON(StoredCoverage.self, try readFile(path))
    if let map = CoverageMap(stored) { return map }
    let reason =
      stored.modelVersion == CoverageMap.modelVersion
      ? "the coverage map is damaged"
      : "coverage of model version \(stored.modelVersion); this program has \(CoverageMap.modelVersion)"
    throw .malformed(reason: reason, offset: nil)
  } catch {
    throw .inFile(path: path, error)
  }
}

/// The coverage of single cases: every one runs with probes in the injected code.
public struct CoverageRun {
  private let runner: CaseRunner
  private let lanes: LaneSelection
  public private(set) var map = CoverageMap()

  /// - Parameter runner: gets what it needs to collect coverage.
  public init(_ runner: CaseRunner, lanes: LaneSelection) {
    self.runner = runner
    runner.coverage = CoverageCollector()
    runner.probesBranches = true
    self.lanes = lanes
  }

  /// Runs a case and adds what it reaches; what cannot be run is no case.
  public mutating func add(_ origin: CaseOrigin) -> Verdict {
    let result = runner.runCase(origin.entry.case, lanes: lanes)
    if origin.problem(result.verdict, lanes: lanes) == nil { map.add(result.coverage) }
    return result.verdict
  }

  /// Adds the coverage of other cases.
  public mutating func merge(_ other: CoverageMap) { map.merge(other) }
}

extension CoverageAnalysis {
  /// The tables of a report.
  private static let tables: [(rows: Dimension, columns: Dimension)] = [
    (.function, .outcome), (.function, .relation), (.function, .entryPoint), (.relation, .size), (.relation, .pages),
    (.outcome, .limit), (.function, .heapRelation),
  ]

  /// The analysis as a record.
  public var record: CoverageRecord {
    CoverageRecord(
      cases: map.cases,
      kinds: CoverageItem.Kind.allCases.map { kind in
        let total = total(kind)
        return CoverageCount(name: kind.name, covered: total.covered, feasible: total.feasible)
      },
      dimensions: Dimension.allCases.map(dimension), matrices: Self.tables.map { matrix($0.rows, $0.columns) },
      combinations: combinations.map {
        CoverageHoles(
          dimensions: $0.dimensions, covered: $0.covered, feasible: $0.feasible, holes: $0.holes.map(\.words))
      }, branchesMissed: branchesMissed.map(BranchCatalogue.shared.words),
      branchesExcluded: BranchCatalogue.shared.excluded,
      valuePairsMissed: valuePairsMissed.map(\.words), contradictions: contradictions.map(\.words))
  }

  private func dimension(_ dimension: Dimension) -> CoverageDimension {
    let totals = table(dimension, dimension)
    return CoverageDimension(
      name: dimension.name,
      values: dimension.words.enumerated().map { value, words in
        CoverageCount(name: words, covered: totals[value][value].covered, feasible: totals[value][value].feasible)
      })
  }

  private func matrix(_ rows: Dimension, _ columns: Dimension) -> CoverageMatrix {
    let totals = table(rows, columns)
    return CoverageMatrix(
      rowDimension: rows.name, columnDimension: columns.name, columns: columns.words,
      rows: rows.words.enumerated().map { row, name in
        CoverageMatrixRow(
          name: name,
          cells: zip(columns.words, totals[row]).map {
            CoverageCount(name: $0, covered: $1.covered, feasible: $1.feasible)
          })
      })
  }
}
