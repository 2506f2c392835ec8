// What a campaign did, in words: the last thing that `run` and `gate` print.
// Renders the record of `Corpus`; computes nothing but formats.

import Corpus

/// The summary of a campaign: verdict first, then counts, then how to repeat it.
public func summaryText(_ record: CampaignRecord) -> String {
  var text = headline(record) + "\n\n"
  let counts = record.verdicts
  text += textTable(
    [
      ["cases compared", grouped(record.casesCompared), "\(decimal(record.execsPerSecond, decimals: 0)) execs/s"],
      ["without trap", percentage(record.shareWithoutTrap)],
      ["useful", percentage(record.shareUseful), "without trap, and stable data moved or memory grown"],
      ["agree", grouped(counts.agree)],
      ["poisoned", grouped(counts.poisoned), "lanes that may rightly differ"],
      ["diverge", grouped(counts.diverge)],
      ["fault", grouped(counts.fault), "mistakes of the harness itself"],
    ]
      + (counts.toolFailure == 0
        ? [] : [["tool failure", grouped(counts.toolFailure), "cases where the outside instrumenter failed"]]) + [
        ["elapsed", duration(seconds: record.elapsedSeconds)],
        ["seed", String(record.seed), "cases \(record.firstIndex) ..< \(record.endIndex)"],
      ] + (record.coverage ?? []).map { [$0.name, grouped($0.covered), "reached"] }, alignments: [.left, .right])
  if let canary = record.canary {
    let found = canary.foundIn.map { "found in case \($0)" } ?? "NOT FOUND: the run has not tested enough"
    text += "\n" + textTable([["canary", canary.name, found]])
  }
  if !record.buckets.isEmpty {
    text += "\nfindings\n"
    text += textTable(
      record.buckets.map { ["  " + $0.bucket, grouped($0.cases), $0.path ?? "not stored"] },
      alignments: [.left, .right])
  }
  text += "\n" + textTable([["digest", record.digest]] + record.configuration.map { [$0.name, $0.value] })
  for (position, command) in record.commands.enumerated() {
    text += position == 0 ? "\nrepeat with\n" : ""
    text += "  \(command)\n"
  }
  return text
}

private func headline(_ record: CampaignRecord) -> String {
  let counts = record.verdicts
  if counts.fault > 0 {
    return "FAULT: \(count(counts.fault, "case")) where the harness itself is wrong"
      + (counts.diverge > 0 ? ", \(count(counts.diverge, "divergence"))" : "")
  }
  if counts.diverge == 0 && counts.toolFailure > 0 {
    return "TOOL FAILURE: \(count(counts.toolFailure, "case")) where the outside instrumenter failed"
  }
  if counts.diverge > 0 { return "DIVERGENCE: \(count(counts.diverge, "case")) where the lanes differ" }
  if record.casesCompared == 0 { return "NOTHING COMPARED" }
  return "no divergence, no fault"
}

private func count(_ number: Int, _ noun: String) -> String {
  "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
}
