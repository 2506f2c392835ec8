// Columns of text, for summaries on a terminal and in files.
// Used by the other renderers and by the command line.

/// How the cells of a column stand.
public enum ColumnAlignment: Sendable { case left, right }

/// Rows as lines with aligned columns, two spaces apart, without trailing spaces.
///
/// - Parameters:
///   - rows: cells of one line each; rows may have different lengths.
///   - alignments: one for each column; columns beyond are left-aligned.
public func textTable(_ rows: [[String]], alignments: [ColumnAlignment] = []) -> String {
  var widths: [Int] = []
  for row in rows {
    for (column, cell) in row.enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], cell.count)
    }
  }
  var text = ""
  for row in rows {
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      if column > 0 { line += "  " }
      line += column < alignments.count && alignments[column] == .right ? padding + cell : cell + padding
    }
    while line.last == " " { line.removeLast() }
    text += line + "\n"
  }
  return text
}
