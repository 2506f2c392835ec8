// Generator statistics in words: what `stablefuzz statistics` prints. Renders the record of `Corpus`.

import Corpus

/// The statistics as text: what the cases come to, why effort is wasted, sizes, times, what was made use of.
public func statisticsText(_ record: StatisticsRecord) -> String {
  let cases = Double(max(record.cases, 1))
  func share(_ count: Int) -> String { percentage(Double(count) / cases) }
  let invalid = record.invalidModules.reduce(0) { $0 + $1.count }
  var rows = [
    ["cases", grouped(record.cases), record.configuration.map { "\($0.name) \($0.value)" }.joined(separator: ", ")],
    ["modules", grouped(record.modules), "\(grouped(record.moduleBytes)) bytes"],
    ["invalid modules", grouped(invalid), ""],
  ]
  if record.hasRun {
    let verdicts = record.verdicts
    rows += [
      [
        "verdicts", "",
        "agree \(grouped(verdicts.agree)), poisoned \(grouped(verdicts.poisoned)), "
          + "diverge \(grouped(verdicts.diverge)), fault \(grouped(verdicts.fault))"
          + (verdicts.toolFailure == 0 ? "" : ", tool failure \(grouped(verdicts.toolFailure))"),
      ],
      ["no unintended trap", share(record.casesWithoutUnintendedTrap), ""],
      ["no trap at all", share(record.casesWithoutTrap), ""],
      ["trap on purpose", share(record.casesWithIntendedTrap), ""],
      ["1 stable operation", share(record.casesWithOneOperation), "that moved bytes or grew memory, at least"],
      ["5 stable operations", share(record.casesWithFiveOperations), ""],
      [
        "wasted messages", percentage(Double(record.messagesWithoutSuccess) / Double(max(record.messages, 1))),
        "of \(grouped(record.messages)) ended without success",
      ],
      [
        "wasted instructions",
        percentage(Double(record.wastedInstructions) / Double(max(record.instructions, 1))),
        "of \(grouped(record.instructions)) in messages that ended without success",
      ],
    ]
  }
  var text = textTable(rows, alignments: [.left, .right])
  text += causes("invalid modules", record.invalidModules)
  text += causes("unintended traps (messages)", record.unintendedTraps)
  text += causes("traps on purpose (messages)", record.intendedTraps)
  text += causes("fewer than 5 stable operations (cases)", record.tooFewOperations)
  text += "\n" + quantiles(record)
  text += times(record)
  text += "\nfeatures, share of cases\n" + columns(record.features)
  if !record.unusedClasses.isEmpty {
    text += "\nnever used\n" + record.unusedClasses.map { "  \($0)\n" }.joined()
  }
  return text
}

private func causes(_ title: String, _ causes: [CountedCause]) -> String {
  if causes.isEmpty { return "" }
  return "\n\(title)\n"
    + textTable(
      causes.prefix(20).map { ["  " + grouped($0.count), $0.cause, $0.example] }, alignments: [.right, .left, .left])
    + (causes.count > 20 ? "  and \(causes.count - 20) other causes\n" : "")
}

private func quantiles(_ record: StatisticsRecord) -> String {
  func row(_ name: String, _ values: Quantiles) -> [String] {
    [name] + [values.least, values.tenth, values.median, values.ninetieth, values.most].map { grouped($0) }
  }
  var rows = [["per case", "least", "10 %", "median", "90 %", "most"], row("bytes", record.bytesPerCase)]
  rows.append(row("messages", record.messagesPerCase))
  if record.hasRun {
    rows.append(row("stable operations", record.operations))
    rows.append(row("instructions", record.instructionsPerCase))
  }
  return textTable(rows, alignments: [.left, .right, .right, .right, .right, .right])
}

private func times(_ record: StatisticsRecord) -> String {
  let total = record.secondsByStage.reduce(0) { $0 + $1.share }
  if total <= 0 { return "" }
  var rows = [["stage", "microseconds a case", "share"]]
  for stage in record.secondsByStage {
    rows.append([
      stage.name, decimal(stage.share / Double(max(record.cases, 1)) * 1e6, decimals: 1),
      percentage(stage.share / total),
    ])
  }
  if let generating = record.secondsByStage.first(where: { $0.name == "generate" })?.share, generating > 0 {
    rows.append([
      "generating", "\(decimal(Double(record.moduleBytes) / generating / 1e6, decimals: 1)) MB/s",
      "\(decimal(Double(record.modules) / generating, decimals: 0)) modules/s",
    ])
  }
  return "\n" + textTable(rows, alignments: [.left, .right, .right])
}

private func columns(_ shares: [NamedShare]) -> String {
  var rows: [[String]] = []
  let height = (shares.count + 2) / 3
  for position in 0..<height {
    rows.append(
      stride(from: position, to: shares.count, by: height).flatMap {
        ["  " + shares[$0].name, percentage(shares[$0].share)]
      })
  }
  return textTable(rows, alignments: [.left, .right, .left, .right, .left, .right])
}
