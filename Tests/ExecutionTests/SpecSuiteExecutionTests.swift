// The specification's test suite, as far as it executes something. Each script is a test; one more test prints what
// passed and what was skipped for which reason.

import Synchronization
import TestSupport
import Testing

/// Tallies of the scripts that have run, so that no script runs twice.
private let finishedScripts = Mutex<[String: SpecTally]>([:])

private func tally(of file: SpecFile) throws -> SpecTally {
  if let tally = finishedScripts.withLock({ $0[file.name] }) { return tally }
  let tally = try SpecScriptRunner.run(file)
  finishedScripts.withLock { $0[file.name] = tally }
  return tally
}

@Suite struct SpecSuiteExecutionTests {
  @Test(arguments: SpecSuite.core)
  func scriptsRunAsTheSuiteSays(_ file: SpecFile) throws {
    for failure in try tally(of: file).failures { Issue.record("\(failure)") }
  }

  @Test func counts() throws {
    if Inputs.input("spec-suite.tar.xz") == nil {
      Inputs.reportSkip("specification suite (execution)", "no inputs beside the package")
      return
    }
    let (inScope, others) = (
      SpecSuite.core.filter { $0.scope == .inScope }, SpecSuite.core.filter { $0.scope != .inScope }
    )
    let total = try report(inScope, "scripts in scope")
    let rest = try report(others, "scripts with parts beyond the features, or about custom sections")
    #expect(total.failures.isEmpty && rest.failures.isEmpty)
    #expect(total.counts.values.allSatisfy { $0.skipped.isEmpty })
    #expect(total.counts[.assertReturn]?.passed ?? 0 > 50_000)
    #expect(total.counts[.assertTrap]?.passed ?? 0 > 3_000)
  }

  /// Prints what became of some scripts.
  private func report(_ files: [SpecFile], _ title: String) throws -> SpecTally {
    var total = SpecTally()
    /// Scripts of which something was skipped, by reason.
    var incomplete: [String: [String]] = [:]
    for file in files {
      let tally = try tally(of: file)
      total.add(tally)
      for reason in Set(tally.counts.values.flatMap(\.skipped.keys)) {
        let count = tally.counts.values.reduce(0) { $0 + ($1.skipped[reason] ?? 0) }
        incomplete[reason, default: []].append("\(file.name) \(count)")
      }
    }
    print("specification suite (execution): \(files.count) \(title), \(total.failures.count) failures")
    for (kind, count) in total.counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let skipped = count.skipped.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      print(
        "  \(kind.rawValue): \(count.passed) passed, \(count.failed) failed, skipped: "
          + (skipped.isEmpty ? "none" : skipped.joined(separator: "; ")))
    }
    for (reason, files) in incomplete.sorted(by: { $0.key < $1.key }) {
      print("  skipped, \(reason): \(files.joined(separator: ", "))")
    }
    return total
  }
}
