// Measured figures: how they are taken, side by side, and how they are reported.

import Glibc

/// What a figure has to keep to.
enum Bound: Encodable {
  case atLeast(Double)
  case atMost(Double)

  func admits(_ value: Double) -> Bool {
    switch self {
    case .atLeast(let bound): value >= bound
    case .atMost(let bound): value <= bound
    }
  }

  var text: String {
    switch self {
    case .atLeast(let bound): "≥ \(decimal(bound))"
    case .atMost(let bound): "≤ \(decimal(bound))"
    }
  }
}

/// One figure, measured once a round.
struct Measurement: Encodable {
  let name: String
  let unit: String
  /// One value per round.
  let values: [Double]
  var bound: Bound?
  /// Where the bound is the median of other measured values: these.
  var reference: [Double]?

  /// A row of the report.
  var cells: [String] {
    let median = median(of: values)
    return [
      name, "\(decimal(median)) \(unit)", "\(decimal(values.min() ?? 0))–\(decimal(values.max() ?? 0))",
      bound?.text ?? "", bound.map { $0.admits(median) ? "yes" : "**no**" } ?? "",
    ]
  }
}

/// A table of the report.
struct ReportSection: Encodable {
  let title: String
  /// What the figures are; empty where their names say all.
  var explanation = ""
  var measurements: [Measurement]

  var markdown: String {
    let rows =
      [["", "median", "least–most", "target", "reached"], Array(repeating: "---", count: 5)]
      + measurements.map(\.cells)
    let table = rows.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    return ["## \(title)", explanation, table].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }
}

/// A number with three significant digits or more.
func decimal(_ value: Double) -> String {
  let digits = abs(value) < 10 ? 2 : abs(value) < 100 ? 1 : 0
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((value * scale).rounded())
  guard digits > 0 else { return String(scaled) }
  let fraction = String(abs(scaled) % Int(scale))
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int(scale)).\(zeros)\(fraction)"
}

/// The seconds of this thread's processor time that a piece of work takes: what other processes do hardly shows in it.
func seconds(_ work: () throws -> Void) rethrows -> Double {
  let start = processorTime()
  try work()
  return processorTime() - start
}

private func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Runs several pieces of work in turn, once each round, after a first round that does not count.
///
/// - Returns: for each piece its seconds, one per round.
func interleave(rounds: Int, _ works: [() throws -> Void]) throws -> [[Double]] {
  var times = [[Double]](repeating: [], count: works.count)
  for round in 0...rounds {
    for turn in works.indices {
      let position = (turn + round) % works.count
      let time = try seconds(works[position])
      if round > 0 { times[position].append(time) }
    }
  }
  return times
}

func median(of values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The quotients of two series, round by round.
func ratios(_ numerators: [Double], over denominators: [Double]) -> [Double] { zip(numerators, denominators).map(/) }
