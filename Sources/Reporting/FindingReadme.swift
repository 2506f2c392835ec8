// A finding for a person who has not seen it before: what differs, how to see it, the module.
// Rendered when a finding is stored; stands beside it as README.md.

import Corpus

/// The README of a finding, in Markdown.
///
/// - Parameter wat: the module's text. Long ones are cut; the `.wat` beside the README has all of it.
public func findingReadme(_ record: FindingRecord, wat: String) -> String {
  var text = "# \(record.sentence)\n"
  if !record.commands.isEmpty {
    text += "\nSee it again:\n\n" + codeBlock(record.commands.joined(separator: "\n"), "sh")
  }
  text += "\n| | |\n|---|---|\n"
  for row in facts(of: record) { text += "| \(row[0]) | \(tableCell(row[1])) |\n" }

  let lines = wat.split(separator: "\n", omittingEmptySubsequences: false)
  let shown = lines.prefix(lineLimit).joined(separator: "\n")
  text += "\n## The module\n\n" + codeBlock(shown, "wat")
  if lines.count > lineLimit {
    text += "\nThe first \(lineLimit) of \(grouped(lines.count)) lines; all of it is in `\(record.digest).wat`.\n"
  }
  return text
}

private let lineLimit = 200

private func facts(of record: FindingRecord) -> [[String]] {
  var rows = [["verdict", record.verdict], ["bucket", "`\(record.bucket)`"]]
  if let observable = record.observable { rows.append(["observable", observable]) }
  if let index = record.messageIndex {
    rows.append(["message", "\(index)" + (record.message.map { ", \($0)" } ?? "")])
  }
  if let index = record.callIndex { rows.append(["stable call", "\(index) of the message"]) }
  rows.append(["lanes", record.lanes.joined(separator: ", ")])
  if let seed = record.seed, let index = record.index { rows.append(["origin", "seed \(seed), index \(index)"]) }
  rows.append(["size", "\(words(record.sizeAfter)); as found: \(words(record.sizeBefore))"])
  rows.append(["found by", "stablefuzz \(record.version)"])
  rows.append(["file", "`\(record.digest).wasm`"])
  return rows
}

private func words(_ size: CaseSize) -> String {
  "\(grouped(size.instructions)) instructions in \(grouped(size.functions)) functions, "
    + "\(grouped(size.messages)) messages, \(grouped(size.moduleBytes)) bytes"
}

/// A fence longer than any run of backquotes inside, so that the contents cannot close it.
private func codeBlock(_ contents: String, _ language: String) -> String {
  var longest = 0
  var run = 0
  for byte in contents.utf8 {
    run = byte == UInt8(ascii: "`") ? run + 1 : 0
    longest = max(longest, run)
  }
  let fence = String(repeating: "`", count: max(3, longest + 1))
  return "\(fence)\(language)\n\(contents)\n\(fence)\n"
}

private func tableCell(_ text: String) -> String {
  var cell = ""
  for character in text {
    switch character {
    case "|": cell += "\\|"
    case "\n", "\r", "\r\n": cell += " "
    default: cell.append(character)
    }
  }
  return cell
}
