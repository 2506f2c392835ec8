// The grade for people: a summary for the terminal and a Markdown report with the survival curve as a picture.

import Mutation
import Reporting

/// The summary that the command prints.
public func gradeSummary(_ report: GradeReport) -> String {
  var rows = [
    ["mutants", grouped(report.graded), "and \(report.equivalent.count) equivalent ones, not graded"],
    ["seeds", grouped(report.seeds.count), "up to \(grouped(Int(report.casesBySeed.max() ?? 0))) cases each"],
    ["score", percentage(report.score), "of all pairs of mutant and seed"],
    ["detected", grouped(report.detectedAlways), "under every seed"],
    ["sometimes", grouped(report.detectedSometimes), "under some seeds"],
    ["undetected", grouped(report.graded - report.detectedAlways - report.detectedSometimes)],
  ]
  if let median = report.medianCases { rows.append(["median", grouped(Int(median)), "cases until detected"]) }
  if let most = report.mostSeconds { rows.append(["longest", decimal(most, decimals: 1) + " s", "until detected"]) }
  if report.disagreements > 0 {
    rows.append(["disagreements", grouped(report.disagreements), "cases that differ without any mutant"])
  }
  return textTable(rows, alignments: [.left, .right, .left])
}

/// The report.
public func gradeMarkdown(_ report: GradeReport) -> String {
  var text = """
    # Grade: profile `\(report.profile)`

    ```sh
    \(report.command)
    ```

    \(report.graded) mutants, \(report.seeds.count) seed\(report.seeds.count == 1 ? "" : "s"), generator \(report.generator). A mutant is a rule that is \
    applied to the instrumented modules of every case; it counts as detected when the lanes of a case differ. Seconds \
    are those that an ordinary run of the cases takes on one core. At most \(decimal(report.secondsLimit, decimals: 0)) \
    such seconds are spent per seed.


    """
  text += "```\n\(gradeSummary(report))```\n\n"
  text +=
    families(report) + placements(report) + curve(report) + undetected(report) + slowest(report) + equivalents(report)
  return text
}

private func families(_ report: GradeReport) -> String {
  var text = "## By kind of mistake\n\n| kind | mutants | detected under every seed | median cases | most cases |\n"
  text += "|---|---:|---:|---:|---:|\n"
  for family in MutationFamily.allCases {
    let rows = report.mutants.filter { $0.family == family }
    guard !rows.isEmpty else { continue }
    let detected = rows.count { $0.status == .detected }
    let medians = rows.compactMap(\.medianCases).sorted()
    let median = medians.isEmpty ? "–" : grouped(Int(medians[(medians.count - 1) / 2]))
    let most = rows.compactMap(\.mostCases).max().map { grouped(Int($0)) } ?? "–"
    text += "| \(family.rawValue) | \(rows.count) | \(detected) | \(median) | \(most) |\n"
  }
  return text + "\n"
}

private func placements(_ report: GradeReport) -> String {
  guard !report.placements.isEmpty else { return "" }
  var text = "## By placement of the injected memories and functions\n\n"
  text += "Every case has one placement, drawn with it; here is in which of them mutants showed first.\n\n"
  text += "| placement | detections over all seeds | different mutants |\n|---|---:|---:|\n"
  for row in report.placements {
    text += "| \(row.placement) | \(grouped(row.detections)) | \(grouped(row.mutants)) |\n"
  }
  return text + "\n"
}

private func curve(_ report: GradeReport) -> String {
  guard !report.survival.isEmpty else { return "" }
  var text = "## Survival\n\n![mutants alive over cases](\(gradeFileName(report)).svg)\n\n"
  text += "| cases | mutants alive (mean over seeds) | share |\n|---:|---:|---:|\n"
  for point in report.survival {
    let share = percentage(point.alive / Double(max(report.graded, 1)))
    text += "| \(grouped(Int(point.cases))) | \(decimal(point.alive, decimals: 1)) | \(share) |\n"
  }
  return text + "\n"
}

private func undetected(_ report: GradeReport) -> String {
  var text = "## Not detected under every seed\n\n"
  for status in MutantRow.Status.allCases where status != .detected {
    let rows = report.mutants.filter { $0.status == status }
    guard !rows.isEmpty else { continue }
    text += "### \(status.words): \(rows.count)\n\n"
    for row in rows {
      text += "- `\(row.name)` — \(row.sentence)"
      if status == .sometimes { text += " Found under \(row.found) of \(report.seeds.count) seeds." }
      text += "\n"
    }
    text += "\n"
  }
  return text
}

private func slowest(_ report: GradeReport) -> String {
  let rows = report.mutants.filter { $0.mostCases != nil }.sorted { ($0.mostCases ?? 0) > ($1.mostCases ?? 0) }
  guard !rows.isEmpty else { return "" }
  var text =
    "## Found last\n\n| mutant | median cases | most cases | most seconds | shows as |\n|---|---:|---:|---:|---|\n"
  for row in rows.prefix(25) {
    let seconds = row.mostSeconds.map { decimal($0, decimals: 1) } ?? "–"
    let bucket = row.buckets.first ?? ""
    text +=
      "| `\(row.name)` | \(grouped(Int(row.medianCases ?? 0))) | \(grouped(Int(row.mostCases ?? 0))) | \(seconds) | \(bucket) |\n"
  }
  return text + "\n"
}

private func equivalents(_ report: GradeReport) -> String {
  var text = "## Equivalent mutants, not graded\n\n"
  var reasons: [String] = []
  for row in report.equivalent where !reasons.contains(row.reason) { reasons.append(row.reason) }
  for reason in reasons {
    let names = report.equivalent.filter { $0.reason == reason }.map { "`\($0.name)`" }
    text += "- \(reason): \(names.joined(separator: ", "))\n"
  }
  return text
}

/// The name under which the report's files are stored, without extension.
public func gradeFileName(_ report: GradeReport) -> String { "grade-\(report.profile)" }

/// The survival curve: cases on a logarithmic axis, the share of mutants alive on a linear one.
public func survivalPicture(_ report: GradeReport) -> String {
  let (width, height, left, bottom) = (640.0, 320.0, 60.0, 40.0)
  guard let last = report.survival.last, report.graded > 0 else { return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>" }
  func exponent(_ cases: UInt64) -> Double {
    // log10 of 1, 2, 5 times a power of ten.
    var (rest, power) = (cases, 0.0)
    while rest >= 10 {
      rest /= 10
      power += 1
    }
    return power + (rest == 5 ? 0.69897 : rest == 2 ? 0.30103 : 0)
  }
  let span = max(exponent(last.cases), 1)
  func x(_ cases: UInt64) -> Double { left + exponent(cases) / span * (width - left - 20) }
  func y(_ alive: Double) -> Double { 20 + (1 - alive / Double(report.graded)) * (height - bottom - 20) }
  let points = report.survival.map { "\(decimal(x($0.cases), decimals: 1)),\(decimal(y($0.alive), decimals: 1))" }
  var svg = """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" font-family="sans-serif" font-size="12">
    <rect width="100%" height="100%" fill="white"/>

    """
  for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
    let line = decimal(y(share * Double(report.graded)), decimals: 1)
    svg += "<line x1=\"\(left)\" x2=\"\(width - 20)\" y1=\"\(line)\" y2=\"\(line)\" stroke=\"#ddd\"/>\n"
    svg += "<text x=\"\(left - 8)\" y=\"\(line)\" text-anchor=\"end\" dy=\"4\">\(Int(share * 100)) %</text>\n"
  }
  for point in report.survival where exponent(point.cases) == exponent(point.cases).rounded() {
    svg +=
      "<text x=\"\(decimal(x(point.cases), decimals: 1))\" y=\"\(height - 20)\" text-anchor=\"middle\">\(grouped(Int(point.cases)))</text>\n"
  }
  svg += "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"#2266aa\" stroke-width=\"2\"/>\n"
  svg += "<text x=\"\(width / 2)\" y=\"\(height - 4)\" text-anchor=\"middle\">cases</text>\n</svg>\n"
  return svg
}
