// What the fuzzer demands, on inputs that do not change: finds of earlier runs, and the modules of the outside sets.
// A broken promise ends the process, as it does under libFuzzer.

import Foundation
import LibFuzzerTarget
import TestSupport
import Testing

/// Inputs that once broke a promise. Their names begin with the subject: `validator-crash-…`.
private let regressions: [URL] = {
  let folder = Inputs.packageRoot.appendingPathComponent("Tests/LibFuzzerTargetTests/Regressions")
  let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
  return files.filter { $0.lastPathComponent.contains("-") }.sorted { $0.path < $1.path }
}()

@Suite struct FuzzSubjectTests {
  @Test(arguments: regressions)
  func findsStayFixed(_ url: URL) throws {
    let name = url.lastPathComponent.prefix { $0 != "-" }
    let subject = try #require(FuzzSubject(rawValue: String(name)), "no subject '\(name)'")
    subject.run(try Inputs.bytes(url))
  }

  @Test(arguments: FuzzSubject.allCases)
  func outsideModulesKeepEveryPromise(_ subject: FuzzSubject) throws {
    guard let validity = try Inputs.unpacked("validity")?.appendingPathComponent("validity") else {
      Inputs.reportSkip("fuzz subject \(subject.rawValue)", "no inputs beside the package")
      return
    }
    var count = 0
    for row in try Inputs.table(validity.appendingPathComponent("verdicts.tsv")) {
      guard let file = row["file"] else { continue }
      subject.run(try Inputs.bytes(validity.appendingPathComponent(file)))
      count += 1
    }
    for file in SpecSuite.files {
      for command in try file.commands() {
        guard let bytes = try file.module(command), bytes.count < 20_000 else { continue }
        subject.run(bytes)
        count += 1
      }
    }
    print("fuzz subject \(subject.rawValue): \(count) modules")
    #expect(count > 7_000)
  }
}
