// What a running campaign shows on the terminal.

import ArgumentParser
import Campaign
import Corpus
import Glibc
import Reporting

/// How progress is shown.
enum StatusMode: String, CaseIterable, ExpressibleByArgument {
  /// `screen` on a terminal, else `lines`.
  case auto
  /// One line that is written over.
  case screen
  /// A line now and then.
  case lines
  /// A JSON object per line.
  case json
  case off
}

/// Shows the events of a campaign on standard error.
final class StatusPrinter {
  private let mode: StatusMode
  private var lastShown = -Double.infinity
  private var hasOpenLine = false

  init(_ mode: StatusMode) {
    self.mode = mode == .auto ? (isatty(STDERR_FILENO) == 1 ? .screen : .lines) : mode
  }

  func show(_ event: CampaignEvent) {
    if mode == .off { return }
    switch event {
    case .progress(let record): showProgress(record)
    case .finding(let finding):
      if mode == .json {
        printJSON(finding.record)
      } else {
        finish()
        printError("finding \(finding.record.bucket): \(finding.record.sentence)")
        // Where its bucket is full, the case can be made again.
        let again = finding.record.commands.last ?? ""
        printError(finding.path.map { "  stored as \($0)" } ?? "  not stored, its bucket is full; \(again)")
      }
    case .unstored(let sentence, let command):
      finish()
      printError("finding, not stored: \(sentence)\n  \(command)")
    }
  }

  /// Ends a line that was being written over.
  func finish() {
    if hasOpenLine { writeError("\n") }
    hasOpenLine = false
  }

  private func showProgress(_ record: CampaignRecord) {
    guard record.elapsedSeconds - lastShown >= (mode == .screen ? 0.2 : 5) else { return }
    lastShown = record.elapsedSeconds
    let verdicts = record.verdicts
    let line =
      "\(duration(seconds: record.elapsedSeconds))  \(grouped(record.casesCompared)) cases  "
      + "\(decimal(record.execsPerSecond, decimals: 0)) execs/s  diverge \(verdicts.diverge)  fault \(verdicts.fault)  "
      + "poisoned \(verdicts.poisoned)  without trap \(percentage(record.shareWithoutTrap))"
    switch mode {
    case .screen:
      writeError("\r\u{1B}[K" + line)
      hasOpenLine = true
    case .json: printJSON(record)
    case .auto, .lines, .off: printError(line)
    }
  }

  private func printJSON(_ value: some Encodable) {
    if let bytes = try? encodeJSON(value, isPretty: false) { printError(String(decoding: bytes, as: UTF8.self)) }
  }
}
