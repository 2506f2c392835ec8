// Coverage as text for a terminal and as Markdown. Renders the record of `Corpus`; computes nothing but formats.

import Corpus

/// A coverage report for a terminal.
///
/// - Parameter holes: how many holes of each number of dimensions are shown at most.
public func coverageText(_ record: CoverageRecord, holes: Int) -> String {
  var text = "\(grouped(record.cases)) case\(record.cases == 1 ? "" : "s")\n\n"
  text += textTable(
    [["", "reached", "of", ""]] + record.kinds.map { row($0.name, $0.covered, $0.feasible) },
    alignments: [.left, .right, .right, .right])
  text += "\ncombinations of dimensions\n"
  text += textTable(
    record.combinations.map { row("  \($0.dimensions)", $0.covered, $0.feasible) },
    alignments: [.left, .right, .right, .right])
  for dimension in record.dimensions {
    text += "\n\(dimension.name)\n"
    text += textTable(
      dimension.values.map { row("  " + $0.name, $0.covered, $0.feasible) },
      alignments: [.left, .right, .right, .right])
  }
  text += "\n\(lengthNote) In tables, \(shareNote)\n"
  for matrix in record.matrices {
    text += "\n\(matrix.rowDimension) × \(matrix.columnDimension), % of situations\n"
    text += textTable(cells(matrix), alignments: [.left] + matrix.columns.map { _ in .right })
    text += legend(matrix, prefix: "  ")
  }
  text += holeList(record, limit: holes, bullet: "  ", heading: { "\n\($0)\n" })
  return text
}

/// A coverage report in Markdown.
///
/// - Parameters:
///   - title: the first line.
///   - introduction: how the numbers came about.
///   - holes: how many holes of each number of dimensions are shown at most.
public func coverageMarkdown(_ record: CoverageRecord, title: String, introduction: String, holes: Int) -> String {
  var text = "# \(title)\n\n\(introduction)\n\n\(grouped(record.cases)) cases.\n\n"
  text += "| | reached | of | |\n|---|---:|---:|---:|\n"
  for kind in record.kinds { text += tableLine(row(kind.name, kind.covered, kind.feasible)) }
  for level in record.combinations {
    text += tableLine(
      row(
        "combinations of \(level.dimensions) dimension\(level.dimensions == 1 ? "" : "s")", level.covered,
        level.feasible))
  }
  text += "\n## Dimensions\n\nSituations with each value. \(lengthNote)\n"
  for dimension in record.dimensions {
    text += "\n| \(dimension.name) | reached | of | |\n|---|---:|---:|---:|\n"
    for value in dimension.values { text += tableLine(row(value.name, value.covered, value.feasible)) }
  }
  text += "\n## Tables\n\nPercent of the situations that can happen: \(shareNote)\n"
  for matrix in record.matrices {
    let rows = cells(matrix)
    text += "\n### \(matrix.rowDimension) × \(matrix.columnDimension)\n\n"
    text += tableLine(rows[0]) + "|---|" + rows[0].dropFirst().map { _ in "---:|" }.joined() + "\n"
    for row in rows.dropFirst() { text += tableLine(row) }
    text += "\n" + legend(matrix, prefix: "- ")
  }
  text += holeList(record, limit: holes, bullet: "- ", heading: { "\n## \($0)\n\n" })
  return text
}

private let lengthNote = "Lengths are in bytes, those of growth in Wasm pages."
private let shareNote = "0 stands for none, 100 for all, 1 for less too, · for what cannot happen."

private func row(_ name: String, _ covered: Int, _ feasible: Int?) -> [String] {
  guard let feasible else { return [name, grouped(covered)] }
  return [
    name, grouped(covered), grouped(feasible), feasible == 0 ? "" : percentage(Double(covered) / Double(feasible)),
  ]
}

private func tableLine(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

/// The matrix with letters for those of its columns in which anything can happen.
private func cells(_ matrix: CoverageMatrix) -> [[String]] {
  let columns = shown(matrix)
  var rows = [[""] + columns.map(letter)]
  for row in matrix.rows {
    rows.append(
      [row.name]
        + columns.map { column in
          let cell = row.cells[column]
          guard let feasible = cell.feasible, feasible > 0 else { return "·" }
          return share(cell.covered, feasible)
        })
  }
  return rows
}

/// The columns in which anything can happen.
private func shown(_ matrix: CoverageMatrix) -> [Int] {
  matrix.columns.indices.filter { column in matrix.rows.contains { ($0.cells[column].feasible ?? 0) > 0 } }
}

private func letter(_ column: Int) -> String { String(UnicodeScalar(UInt8(ascii: "a") + UInt8(column % 26))) }

/// Whole percent; 0 only for nothing and 100 only for all.
private func share(_ covered: Int, _ feasible: Int) -> String {
  if covered == 0 { return "0" }
  return String(covered >= feasible ? 100 : min(99, max(1, covered * 100 / feasible)))
}

private func legend(_ matrix: CoverageMatrix, prefix: String) -> String {
  shown(matrix).map { "\(prefix)\(letter($0)): \(matrix.columns[$0])\n" }.joined()
}

private func holeList(_ record: CoverageRecord, limit: Int, bullet: String, heading: (String) -> String) -> String {
  var text = ""
  if !record.contradictions.isEmpty {
    text += heading("contradictions: reached although the model's rules exclude them")
    text += list(record.contradictions, limit, bullet: bullet)
  }
  if !record.branchesMissed.isEmpty {
    text += heading("branches of injected code that never ran")
    text += list(record.branchesMissed, .max, bullet: bullet)
  }
  if !record.branchesExcluded.isEmpty {
    text += heading("branches of injected code that cannot run, not counted")
    text += list(record.branchesExcluded, .max, bullet: bullet)
  }
  if !record.valuePairsMissed.isEmpty {
    text += heading("holes of pairs of values of calls: \(grouped(record.valuePairsMissed.count))")
    text += list(record.valuePairsMissed.map { "never: \($0)" }, limit, bullet: bullet)
  }
  for level in record.combinations where !level.holes.isEmpty {
    text += heading(
      "holes of \(level.dimensions) dimension\(level.dimensions == 1 ? "" : "s"): \(grouped(level.holes.count))")
    text += list(level.holes.map { "never: \($0)" }, limit, bullet: bullet)
  }
  return text
}

/// Lines spread evenly over all of them, so that a cut list still shows what kinds there are.
private func list(_ lines: [String], _ limit: Int, bullet: String) -> String {
  let count = min(limit, lines.count)
  var text = (0..<count).map { "\(bullet)\(lines[$0 * lines.count / count])\n" }.joined()
  if count < lines.count { text += "\(bullet)… \(grouped(lines.count - count)) more\n" }
  return text
}
