// Campaigns as a whole: determinism, shards, stores, interruption.

import Campaign
import Canister
import Corpus
import Coverage
import Differential
import Foundation
import Generation
import Testing

@Suite struct CampaignTests {
  private func configuration(
    cases: UInt64, jobs: Int = 1, shard: Shard = .whole, instrumenter: @escaping Instrumenter = standardInstrumenter
  ) -> CampaignConfiguration {
    CampaignConfiguration(
      profile: .native, seed: 42, shard: shard, jobs: jobs, budget: Budget(cases: cases, findings: nil),
      instrumenter: instrumenter)
  }

  private let world = CampaignWorld(elapsed: { 1 })

  /// A world in which somebody asks to stop after so many rounds.
  private func world(rounds: Int) -> CampaignWorld {
    var asked = 0
    return CampaignWorld(
      elapsed: { 1 },
      isInterrupted: {
        asked += 1
        return asked > rounds
      })
  }

  @Test func workersDoNotChangeTheResult() throws {
    let one = try runCampaign(configuration(cases: 600), world: world).record
    let again = try runCampaign(configuration(cases: 600), world: world).record
    let four = try runCampaign(configuration(cases: 600, jobs: 4), world: world).record
    #expect(one == again)
    #expect(one == four)
    #expect(one.casesCompared == one.verdicts.agree)
    #expect(one.casesCompared > 590)
    #expect(one.verdicts.agree + one.verdicts.poisoned == 600)
  }

  @Test func coverageDoesNotChangeTheResult() throws {
    var without = configuration(cases: 200)
    without.collectsCoverage = false
    let record = try runCampaign(configuration(cases: 200), world: world).record
    let plain = try runCampaign(without, world: world).record
    #expect(record.digest == plain.digest)
    #expect(plain.coverage == nil)
    #expect(record.coverage?.allSatisfy { $0.covered > 0 } == true)
  }

  @Test func guidedCampaignsAreReproducible() throws {
    func guided(jobs: Int) -> CampaignConfiguration {
      var configuration = configuration(cases: 900, jobs: jobs)
      configuration.isGuided = true
      return configuration
    }
    let one = try runCampaign(guided(jobs: 1), world: world).record
    let four = try runCampaign(guided(jobs: 4), world: world).record
    #expect(one == four)
    #expect(one.verdicts.diverge == 0 && one.verdicts.fault == 0)
    #expect(one.digest != (try runCampaign(configuration(cases: 900), world: world)).record.digest)
    try inTemporaryDirectory { root in
      let stores = CampaignStores(reports: ReportStore(root: "\(root)/reports"), resumes: true)
      let interrupted = try runCampaign(
        guided(jobs: 2), stores: stores,
        world: world(rounds: 2))
      #expect(interrupted.end == .interrupted && interrupted.position == 256)
      let resumed = try runCampaign(guided(jobs: 3), stores: stores, world: world)
      #expect(resumed.record.digest == one.digest)
      #expect(resumed.record.coverage == one.coverage)
      let stored = try #require(ReportStore.coveragePath("\(root)/reports/native-seed42-guided"))
      #expect(try readCoverage(stored).cases == 900)
    }
  }

  /// Combinations are what it looks for; the difference grows with the number of cases.
  @Test func guidanceReachesMore() throws {
    var reached: [Int] = []
    for isGuided in [false, true] {
      var configuration = configuration(cases: 1_500, jobs: 2)
      configuration.isGuided = isGuided
      try inTemporaryDirectory { root in
        let stores = CampaignStores(reports: ReportStore(root: root), resumes: false)
        _ = try runCampaign(configuration, stores: stores, world: world)
        let folder = "\(root)/native-seed42" + (isGuided ? "-guided" : "")
        let map = try readCoverage(try #require(ReportStore.coveragePath(folder)))
        var combinations = CombinationSet()
        reached.append(map.items.reduce(0) { $0 + ($1.kind == .situation ? combinations.insert($1) : 0) })
      }
    }
    #expect(reached[1] > reached[0])
  }

  @Test func guidedCasesAreMadeAgainFromTheirLineage() throws {
    let lineage = try #require(Lineage("3.f8.m21.l22=5000"))
    let first = generatedOrigin(Generator(profile: .native), seed: 5, lineage: lineage)
    let again = generatedOrigin(Generator(profile: .native), seed: 5, lineage: lineage)
    #expect(first.entry == again.entry)
    #expect(first.source == "5:3.f8.m21.l22=5000")
    #expect(first.entry.meta?.lineage == "3.f8.m21.l22=5000")
    #expect(first.entry.case != generatedOrigin(Generator(profile: .native), seed: 5, index: 3).entry.case)
    #expect(Lineage("") == nil && Lineage("3.") == nil && Lineage("3.8") == nil && Lineage("3.fx") == nil)
    #expect(Lineage("3.l4") == nil && Lineage("3.l4=0") == nil && Lineage("3.f4=9") == nil && Lineage("3.l4=") == nil)
    #expect(first.entry.case.parameters.instructionLimit == 5_000)
    #expect(CaseRunner().runCase(first.entry.case).verdict == .agree)
  }

  @Test func whatIsReachedIsFeasible() throws {
    var run = CoverageRun(CaseRunner(), lanes: .ofCase)
    for index in 0..<2_500 {
      #expect(run.add(generatedOrigin(Generator(profile: .native), seed: 8, index: UInt64(index))) == .agree)
    }
    let analysis = CoverageAnalysis(run.map, dimensions: 1)
    #expect(analysis.contradictions.map(\.words) == [])
    #expect(CoverageItem.Kind.allCases.allSatisfy { analysis.total($0).covered > 70 })
  }

  @Test func otherSeedsGiveOtherDigests() throws {
    var other = configuration(cases: 20)
    other.seed = 43
    let digests = try [configuration(cases: 20), other].map { try runCampaign($0, world: world).record.digest }
    #expect(digests[0] != digests[1])
  }

  @Test func shardsShareTheCases() throws {
    let shards = try (1...3).map { number in
      let shard = try #require(Shard("\(number)/3"))
      return try runCampaign(configuration(cases: 40, shard: shard), world: world).record
    }
    let whole = try runCampaign(configuration(cases: 120), world: world).record
    #expect(shards.map(\.casesCompared).reduce(0, +) == whole.casesCompared)
    #expect(shards.map(\.verdicts.agree).reduce(0, +) == whole.verdicts.agree)
  }

  @Test func interruptedCampaignsResume() throws {
    try inTemporaryDirectory { root in
      let stores = CampaignStores(reports: ReportStore(root: "\(root)/reports"), resumes: true)
      let interrupted = try runCampaign(
        configuration(cases: 600), stores: stores,
        world: world(rounds: 2))
      #expect(interrupted.end == .interrupted)
      #expect(interrupted.record.casesCompared < 600)
      let resumed = try runCampaign(configuration(cases: 600), stores: stores, world: world)
      let whole = try runCampaign(configuration(cases: 600), world: world)
      #expect(resumed.end == .budget)
      #expect(resumed.record.digest == whole.record.digest)
      #expect(resumed.record.verdicts == whole.record.verdicts)
    }
  }

  /// What a checkpoint has counted belongs to one stream of cases.
  @Test func checkpointsOfOtherCampaignsAreRefused() throws {
    try inTemporaryDirectory { root in
      let stores = CampaignStores(reports: ReportStore(root: "\(root)/reports"), resumes: true)
      _ = try runCampaign(
        configuration(cases: 600), stores: stores,
        world: world(rounds: 1))
      var other = configuration(cases: 600)
      other.canary = Canary(name: "another", instrumenter: standardInstrumenter)
      #expect(throws: CorpusError.self) { try runCampaign(other, stores: stores, world: world) }
      #expect(try runCampaign(configuration(cases: 600), stores: stores, world: world).end == .budget)
    }
  }

  /// Numbers that no campaign has written would be believed, or overflow when they are added to.
  @Test func damagedCheckpointsAreRefused() throws {
    try inTemporaryDirectory { root in
      let stores = CampaignStores(reports: ReportStore(root: "\(root)/reports"), resumes: true)
      let configuration = configuration(cases: 600)
      _ = try runCampaign(configuration, stores: stores, world: world(rounds: 1))
      let reports = try #require(stores.reports)
      let whole = try #require(try reports.checkpoint(of: configuration.name))
      let damages: [(inout CheckpointRecord) -> Void] = [
        { $0.nextIndex = .max }, { $0.nextIndex += 1 }, { $0.casesUseful = .max }, { $0.casesUseful = -5 },
        { $0.casesWithoutTrap = .max }, { $0.record.casesCompared = .max }, { $0.record.verdicts.agree = .max },
        { $0.record.verdicts.agree = -1 }, { $0.record.digest = "x" }, { $0.record.elapsedSeconds = -1 },
        { $0.record.buckets = [BucketCount(bucket: "b", cases: 1, path: nil)] },
        { $0.coverage = StoredCoverage(CoverageMap()) },
      ]
      for damage in damages {
        var checkpoint = whole
        damage(&checkpoint)
        try reports.store(checkpoint, campaign: configuration.name)
        #expect(throws: CorpusError.self) { try runCampaign(configuration, stores: stores, world: world) }
      }
      try reports.store(whole, campaign: configuration.name)
      #expect(try runCampaign(configuration, stores: stores, world: world).end == .budget)
    }
  }

  /// A finding that finds no place is told with the command that makes it again, before the campaign ends for it.
  @Test func findingsThatCannotBeStoredAreTold() throws {
    try inTemporaryDirectory { root in
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: "\(root)/corpus"))
      let broken: Instrumenter = { module, strategy, parameters throws(Fault) in
        var result = try standardInstrumenter(module, strategy, parameters)
        result.exports.removeAll { $0.name == InstrumentationExport.bytemap }
        return result
      }
      var told: [String] = []
      #expect(throws: CorpusError.self) {
        try runCampaign(
          CampaignConfiguration(profile: .native, seed: 3, budget: Budget(cases: 8), instrumenter: broken),
          stores: CampaignStores(corpus: CorpusStore(root: "\(root)/corpus")),
          world: CampaignWorld(
            elapsed: { 1 }, report: { if case .unstored(_, let command) = $0 { told.append(command) } }))
      }
      #expect(told == ["stablefuzz replay 3:0"])
    }
  }

  @Test func findingsAreStoredAndReplayable() throws {
    try inTemporaryDirectory { root in
      // An instrumenter that forgets to charge: every case that runs at all differs.
      let broken: Instrumenter = { module, strategy, parameters throws(Fault) in
        var result = try standardInstrumenter(module, strategy, parameters)
        for position in result.functions.indices {
          for instruction in result.functions[position].body.instructions.indices {
            let value = result.functions[position].body.instructions[instruction]
            if value == .i64(1) { result.functions[position].body.instructions[instruction] = .i64(2) }
          }
        }
        return result
      }
      let store = CorpusStore(root: "\(root)/corpus")
      var stored: [StoredFinding] = []
      let outcome = try runCampaign(
        CampaignConfiguration(
          profile: .native, seed: 3, budget: Budget(cases: 128, findings: 5), instrumenter: broken),
        stores: CampaignStores(corpus: store),
        world: CampaignWorld(elapsed: { 1 }, report: { if case .finding(let finding) = $0 { stored.append(finding) } }))
      #expect(outcome.end == .findings)
      #expect(outcome.record.verdicts.diverge + outcome.record.verdicts.fault == 5)
      let finding = try #require(stored.first)
      let path = try #require(finding.path)
      let entry = try readEntry(path)
      let verdict = CaseRunner(instrumenter: broken).runCase(entry.case).verdict
      #expect(verdict.bucket == finding.record.bucket)
      #expect(verdict.sentence == finding.record.sentence)
      #expect(CaseRunner().runCase(entry.case).verdict == .agree)
      let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
      for name in ["README.md", "finding.json"] {
        #expect(FileManager.default.fileExists(atPath: directory.appending(path: name).path))
      }
    }
  }

  @Test func theGateIsOpenForUs() throws {
    let outcome = try runGate(
      GateConfiguration(campaign: configuration(cases: 256), minimumCases: 256, corpus: []), stores: CampaignStores(),
      world: world)
    #expect(outcome.divergences == 0 && outcome.faults == 0 && outcome.unstable.isEmpty && outcome.hasDoneEnough)
  }

  /// What somebody put into the corpus is not the harness's fault, and is shown where it stands in a text.
  @Test func badEntriesAreToldFromFaults() throws {
    try inTemporaryDirectory { root in
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      let path = "\(root)/bad.wat"
      try Data("(module\n  (func (result i32) i64.const 1))".utf8).write(to: URL(fileURLWithPath: path))
      let outcome = try runGate(
        GateConfiguration(campaign: configuration(cases: 1), minimumCases: 1, corpus: [root]), stores: CampaignStores(),
        world: world)
      #expect(outcome.badEntries == 1 && outcome.faults == 0 && outcome.divergences == 0)
      #expect(outcome.failures.first?.problem?.hasPrefix("\(path):2:") == true)
      var run = CoverageRun(CaseRunner(), lanes: .ofCase)
      _ = run.add(CaseOrigin(entry: try readEntry(path), source: path))
      #expect(run.map.cases == 0)
    }
    // Lanes that a case was not made for are a matter of who asks for them.
    let origin = generatedOrigin(Generator(profile: .native), seed: 1, index: 3)
    let direct = LaneSelection.strategies([Strategy(memory: .direct, imports: .front)])
    let verdict = CaseRunner().runCase(origin.entry.case, lanes: direct).verdict
    #expect(origin.problem(verdict, lanes: direct)?.contains("not for this case") == true)
    #expect(origin.problem(verdict) == nil && origin.problem(.agree, lanes: direct) == nil)
  }

  private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "stablefuzz-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.path)
  }
}
