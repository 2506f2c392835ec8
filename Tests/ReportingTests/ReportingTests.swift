// What people read: summaries, finding READMEs, tables, numbers.

import Corpus
import Reporting
import Testing

@Suite struct ReportingTests {
  private func finding() -> FindingRecord {
    FindingRecord(
      bucket: "stable-contents", digest: "00ff", sentence: "Message 3 (update 'go'): stable contents differ.",
      verdict: "diverge", observable: "stable contents", messageIndex: 3, message: "update 'go|x'",
      lanes: ["host", "end-front"], seed: 1, index: 5, version: "0.1",
      sizeBefore: CaseSize(moduleBytes: 2_000, functions: 9, instructions: 1_700, messages: 12),
      sizeAfter: CaseSize(moduleBytes: 90, functions: 1, instructions: 6, messages: 2),
      commands: ["stablefuzz replay corpus/findings/stable-contents/00ff.wasm", "stablefuzz replay 1:5"])
  }

  @Test func findingReadmeAtAGlance() {
    let expected = """
      # Message 3 (update 'go'): stable contents differ.

      See it again:

      ```sh
      stablefuzz replay corpus/findings/stable-contents/00ff.wasm
      stablefuzz replay 1:5
      ```

      | | |
      |---|---|
      | verdict | diverge |
      | bucket | `stable-contents` |
      | observable | stable contents |
      | message | 3, update 'go\\|x' |
      | lanes | host, end-front |
      | origin | seed 1, index 5 |
      | size | 6 instructions in 1 functions, 2 messages, 90 bytes; as found: 1,700 instructions in 9 functions, 12 messages, 2,000 bytes |
      | found by | stablefuzz 0.1 |
      | file | `00ff.wasm` |

      ## The module

      ```wat
      (module)
      ```

      """
    #expect(findingReadme(finding(), wat: "(module)") == expected)
  }

  @Test func findingReadmeCutsAndFences() {
    let long = findingReadme(finding(), wat: String(repeating: "(nop)\n", count: 1_000))
    #expect(long.contains("The first 200 of 1,001 lines; all of it is in `00ff.wat`."))
    #expect(long.split(separator: "\n").count < 230)
    let tricky = findingReadme(finding(), wat: "(module (; ```` ;))")
    #expect(tricky.contains("`````wat\n(module (; ```` ;))\n`````\n"))
  }

  private func campaign(_ verdicts: VerdictCounts) -> CampaignRecord {
    CampaignRecord(
      version: "0.1", configuration: [Setting("profile", "native")], seed: 1, firstIndex: 0, endIndex: 123_456,
      verdicts: verdicts, casesCompared: verdicts.total, shareWithoutTrap: 0.91234, shareUseful: 0.8,
      execsPerSecond: 2_057.6, elapsedSeconds: 60.01, digest: "0f0f", commands: ["stablefuzz --seed 1 --cases 123456"])
  }

  @Test func summary() {
    let expected = """
      no divergence, no fault

      cases compared  123,456  2,058 execs/s
      without trap     91.2 %
      useful           80.0 %  without trap, and stable data moved or memory grown
      agree           123,450
      poisoned              6  lanes that may rightly differ
      diverge               0
      fault                 0  mistakes of the harness itself
      elapsed         1 min 0 s
      seed                  1  cases 0 ..< 123456

      digest   0f0f
      profile  native

      repeat with
        stablefuzz --seed 1 --cases 123456

      """
    // The widest cell of the column is the elapsed time.
    let text = summaryText(campaign(VerdictCounts(agree: 123_450, poisoned: 6)))
    #expect(squeezed(text) == squeezed(expected))
    #expect(text.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
  }

  private func squeezed(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
  }

  @Test func headlines() {
    func headline(_ verdicts: VerdictCounts) -> String {
      String(summaryText(campaign(verdicts)).prefix { $0 != "\n" })
    }
    #expect(headline(VerdictCounts()) == "NOTHING COMPARED")
    #expect(headline(VerdictCounts(diverge: 1)) == "DIVERGENCE: 1 case where the lanes differ")
    #expect(
      headline(VerdictCounts(diverge: 1, fault: 2)) == "FAULT: 2 cases where the harness itself is wrong, 1 divergence")
  }

  @Test func tables() {
    let text = textTable([["a", "10", "x"], ["long", "9"], []], alignments: [.left, .right])
    #expect(text == "a     10  x\nlong   9\n\n")
  }

  @Test func numbers() {
    #expect(grouped(0) == "0")
    #expect(grouped(-1_234_567) == "-1,234,567")
    #expect(grouped(UInt64.max) == "18,446,744,073,709,551,615")
    #expect(decimal(1_234.5678, decimals: 2) == "1,234.57")
    #expect(decimal(-0.001, decimals: 2) == "0.00")
    #expect(decimal(.infinity, decimals: 2) == "–")
    #expect(decimal(.nan, decimals: 2) == "–")
    #expect(percentage(0.99999) == "99.9 %")
    #expect(percentage(1) == "100.0 %")
    #expect(duration(seconds: 59.97) == "1 min 0 s")
    #expect(duration(seconds: 28_812) == "8 h 0 min 12 s")
    #expect(duration(seconds: .nan) == "–")
  }
}

@Suite struct CoverageTextTests {
  private func record(holes: [String]) -> CoverageRecord {
    func count(_ name: String, _ covered: Int, _ feasible: Int) -> CoverageCount {
      CoverageCount(name: name, covered: covered, feasible: feasible)
    }
    return CoverageRecord(
      cases: 1_200, kinds: [count("situations", 3, 1_000)],
      dimensions: [
        CoverageDimension(name: "heap", values: [count("with a 32-bit heap", 3, 900), count("none", 0, 0)])
      ],
      matrices: [
        CoverageMatrix(
          rowDimension: "function", columnDimension: "outcome", columns: ["returning", "never seen", "refused"],
          rows: [
            CoverageMatrixRow(name: "`stable_size`", cells: [count("", 999, 1_000), count("", 0, 0), count("", 0, 0)]),
            CoverageMatrixRow(name: "`stable_grow`", cells: [count("", 1, 1_000), count("", 0, 0), count("", 0, 5)]),
          ])
      ], combinations: [CoverageHoles(dimensions: 2, covered: 10, feasible: 20, holes: holes)],
      branchesMissed: ["`decrement`: if 1 holds"], branchesExcluded: ["`x`: if 1 holds: because"],
      valuePairsMissed: ["a call, then a call in start"], contradictions: [])
  }

  @Test func holesAreSampledOverAll() {
    let text = coverageText(record(holes: (0..<100).map { "hole \($0)" }), holes: 4)
    #expect(text.contains("  never: hole 0\n  never: hole 25\n  never: hole 50\n  never: hole 75\n  … 96 more\n"))
    #expect(text.contains("holes of 2 dimensions: 100"))
  }

  @Test func tablesShowWhatCanHappen() {
    let text = coverageText(record(holes: []), holes: 4)
    #expect(
      text.contains(
        """
        function × outcome, % of situations
                        a  c
        `stable_size`  99  ·
        `stable_grow`   1  0
          a: returning
          c: refused
        """))
    #expect(text.contains("situations        3  1,000  0.3 %"))
    #expect(text.contains("holes of pairs of values of calls: 1\n  never: a call, then a call in start\n"))
    #expect(text.contains("  `decrement`: if 1 holds\n") && text.contains("  `x`: if 1 holds: because\n"))
    #expect(!text.contains("holes of 2") && !text.contains("contradictions"))
  }

  @Test func markdownHasTheSameTables() {
    let text = coverageMarkdown(record(holes: ["one"]), title: "T", introduction: "I", holes: 4)
    #expect(text.hasPrefix("# T\n\nI\n\n1,200 cases.\n"))
    #expect(text.contains("|  | a | c |\n|---|---:|---:|\n| `stable_size` | 99 | · |\n"))
    #expect(text.contains("\n## holes of 2 dimensions: 1\n\n- never: one\n"))
  }
}
