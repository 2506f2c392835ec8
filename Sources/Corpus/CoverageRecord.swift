// What is stored about coverage: the map of a campaign beside its record, counts inside the record, and the report that
// `stablefuzz coverage` prints. Made by the campaign, rendered by `Reporting`.

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A coverage map as it is stored.
public struct StoredCoverage: Hashable, Codable, Sendable {
  /// The meaning of the map's numbers.
  public var modelVersion: String
  /// The encoded map, in base64 in JSON.
  private var map: Data

  public init(modelVersion: String, map: [UInt8]) {
    self.modelVersion = modelVersion
    self.map = Data(map)
  }

  public var bytes: [UInt8] { Array(map) }
}

/// How much of something was reached.
public struct CoverageCount: Hashable, Codable, Sendable {
  public var name: String
  public var covered: Int
  /// How much there is; nil where that was not counted.
  public var feasible: Int?

  public init(name: String, covered: Int, feasible: Int? = nil) {
    self.name = name
    self.covered = covered
    self.feasible = feasible
  }
}

/// The values of one dimension.
public struct CoverageDimension: Hashable, Codable, Sendable {
  public var name: String
  /// Situations with each value.
  public var values: [CoverageCount]

  public init(name: String, values: [CoverageCount]) {
    self.name = name
    self.values = values
  }
}

/// Situations by the values of two dimensions.
public struct CoverageMatrix: Hashable, Codable, Sendable {
  public var rowDimension: String
  public var columnDimension: String
  public var columns: [String]
  public var rows: [CoverageMatrixRow]

  public init(rowDimension: String, columnDimension: String, columns: [String], rows: [CoverageMatrixRow]) {
    self.rowDimension = rowDimension
    self.columnDimension = columnDimension
    self.columns = columns
    self.rows = rows
  }
}

/// A row of a matrix: one cell for each column, of which `feasible` is 0 where nothing can happen.
public struct CoverageMatrixRow: Hashable, Codable, Sendable {
  public var name: String
  public var cells: [CoverageCount]

  public init(name: String, cells: [CoverageCount]) {
    self.name = name
    self.cells = cells
  }
}

/// Combinations of so many dimensions, and the holes among them.
public struct CoverageHoles: Hashable, Codable, Sendable {
  public var dimensions: Int
  public var covered: Int
  public var feasible: Int
  /// Holes that contain no hole of fewer dimensions, in words; all of them.
  public var holes: [String]

  public init(dimensions: Int, covered: Int, feasible: Int, holes: [String]) {
    self.dimensions = dimensions
    self.covered = covered
    self.feasible = feasible
    self.holes = holes
  }
}

/// What cases have reached.
public struct CoverageRecord: Hashable, Codable, Sendable {
  public var cases: UInt64
  /// Situations, pairs of calls, branches of injected code, pairs of values of calls.
  public var kinds: [CoverageCount]
  public var dimensions: [CoverageDimension]
  public var matrices: [CoverageMatrix]
  public var combinations: [CoverageHoles]
  /// Branches of injected code that never ran, in words.
  public var branchesMissed: [String]
  /// Branches of injected code that cannot run and are not counted, in words with the reason.
  public var branchesExcluded: [String]
  /// Values of two consecutive calls that never came together although each was reached, in words; all of them.
  public var valuePairsMissed: [String]
  /// What was reached although the model's rules exclude it, in words: mistakes of the model.
  public var contradictions: [String]

  public init(
    cases: UInt64, kinds: [CoverageCount], dimensions: [CoverageDimension], matrices: [CoverageMatrix],
    combinations: [CoverageHoles], branchesMissed: [String], branchesExcluded: [String],
    valuePairsMissed: [String], contradictions: [String]
  ) {
    self.cases = cases
    self.kinds = kinds
    self.dimensions = dimensions
    self.matrices = matrices
    self.combinations = combinations
    self.branchesMissed = branchesMissed
    self.branchesExcluded = branchesExcluded
    self.valuePairsMissed = valuePairsMissed
    self.contradictions = contradictions
  }
}
