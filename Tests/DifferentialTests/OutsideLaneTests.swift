// The lane of an outside instrumenter in `runCase` and in a campaign, and code that does not come to an end.

import Campaign
import Canister
import Corpus
import Differential
import Foundation
import Generation
import Instrumentation
import Synchronization
import Testing
import Wasm

/// Our own instrumenter behind the outside interface, with a change to what it makes.
private final class FakeTool: OutsideInstrumenter {
  let heedsParameters: Bool
  private let fails: Bool
  private let change: (inout Module) -> Void

  init(heedsParameters: Bool = true, fails: Bool = false, change: @escaping (inout Module) -> Void = { _ in }) {
    self.heedsParameters = heedsParameters
    self.fails = fails
    self.change = change
  }

  func instrument(_ module: [UInt8], parameters: Parameters) throws(Fault) -> [UInt8] {
    if fails { throw Fault(.toolCrash, lane: .external, "as it is told to") }
    do {
      var result = try Instrumentation.instrument(
        try decode(module), strategy: Strategy(memory: .second, imports: .after),
        parameters: heedsParameters ? parameters : Parameters())
      change(&result)
      return encode(result)
    } catch {
      throw Fault(.toolCrash, lane: .external, "\(error)")
    }
  }
}

@Suite struct OutsideLaneTests {
  private func verdicts(
    _ tool: FakeTool, profile: GeneratorProfile = .native, cases: Range<UInt64> = 0..<60
  ) -> [Verdict] {
    let runner = CaseRunner(outside: tool)
    let generator = Generator(profile: profile)
    return cases.map { runner.runCase(generator.generate(seed: 5, index: $0).case, lanes: .external).verdict }
  }

  @Test(arguments: [true, false]) func agrees(_ heedsParameters: Bool) {
    #expect(verdicts(FakeTool(heedsParameters: heedsParameters), cases: 0..<100).allSatisfy { $0.bucket == nil })
  }

  /// Nobody else's instrumenter knows direct access, so nothing is compared, and that is no agreement.
  @Test func directAccessHasNoOutsideLane() {
    #expect(verdicts(FakeTool(), profile: .direct, cases: 0..<5).allSatisfy { $0.name == "poisoned" })
  }

  /// With an outside instrumenter the rounds of a guided campaign are parts of a generation; neither they nor a pause in
  /// the middle of one change what is made.
  @Test func guidedCampaignsDoNotDependOnRounds() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "stablefuzz-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    func record(jobs: Int, rounds: Int = .max) throws -> CampaignRecord {
      var configuration = CampaignConfiguration(
        profile: .native, seed: 11, lanes: .external, jobs: jobs, budget: Budget(cases: 300), outside: { FakeTool() })
      configuration.isGuided = true
      var asked = 0
      return try runCampaign(
        configuration, stores: CampaignStores(reports: ReportStore(root: directory.path), resumes: true),
        world: CampaignWorld(
          elapsed: { 1 },
          isInterrupted: {
            asked += 1
            return asked > rounds
          })
      ).record
    }
    let whole = try record(jobs: 1)
    #expect(whole.casesCompared > 250)
    #expect(try record(jobs: 3).digest == whole.digest)
    let part = try record(jobs: 1, rounds: 50)
    #expect(part.casesCompared < whole.casesCompared)
    #expect(try record(jobs: 1).digest == whole.digest)
  }

  /// A tool that does its work until the gate repeats the first cases, each time by a new instance: the last one fails.
  @Test func failingOnlyTheSecondTimeIsNonDeterminism() throws {
    func unstable(failing number: Int) throws -> [UInt64] {
      let made = Atomic<Int>(0)
      let campaign = CampaignConfiguration(
        profile: .native, seed: 5, lanes: .external, budget: Budget(cases: 8),
        outside: { FakeTool(fails: made.add(1, ordering: .relaxed).newValue == number) })
      return try runGate(
        GateConfiguration(campaign: campaign, minimumCases: 1, corpus: []), stores: CampaignStores(),
        world: CampaignWorld(elapsed: { 1 })
      ).unstable
    }
    #expect(try unstable(failing: 0).isEmpty)
    // The gate's own, the worker's, then one for each of the two times.
    #expect(try unstable(failing: 4) == [7])
  }

  @Test func whatItBreaksIsADivergenceOfItsLane() {
    let verdicts = verdicts(
      FakeTool { module in
        for position in module.functions.indices {
          let body = module.functions[position].body.instructions
          module.functions[position].body.instructions = body.map { $0 == .i64(20) ? .i64(21) : $0 }
        }
      })
    let found = verdicts.filter { $0.name == "diverge" }
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { $0.lane == .external && $0.sentence.contains("external") })
  }

  @Test func invalidModulesAndAnotherABIAreTheToolsFailure() {
    let invalid = verdicts(FakeTool { $0.functions[0].body.instructions.insert(Instruction(.drop), at: 0) })
    #expect(invalid.allSatisfy { $0.bucket == "tool.instrumented-validate" })
    let unknown = verdicts(FakeTool { $0.exports.removeAll { $0.name == InstrumentationExport.bytemap } })
    #expect(unknown.allSatisfy { $0.bucket == "tool.instrumented-abi" })
    for name in [InstrumentationExport.stableMemory, InstrumentationExport.bytemap] {
      let small = verdicts(
        FakeTool { module in
          for case .memory(let memory) in module.exports.filter({ $0.name == name }).map(\.kind) {
            module.memories[memory.position].limits = Limits(minimum: 0, maximum: 1)
          }
        }, cases: 0..<5)
      #expect(small.allSatisfy { $0.bucket == "tool.instrumented-abi" })
    }
    let wrongHeap = verdicts(
      FakeTool { module in
        guard let stable = module.exports.first(where: { $0.name == InstrumentationExport.stableMemory }) else {
          return
        }
        for position in module.exports.indices where module.exports[position].name == "memory" {
          module.exports[position].kind = stable.kind
        }
      })
    #expect(wrongHeap.contains { $0.bucket == "tool.instrumented-abi" })
    let lostExport = verdicts(FakeTool { $0.exports.removeAll { $0.name == "canister_update a" } })
    #expect(lostExport.allSatisfy { $0.bucket == "tool.instrumented-abi" })
    let wrongGlobal = verdicts(
      FakeTool { module in
        for position in module.exports.indices where module.exports[position].name.hasPrefix("global ") {
          guard case .global(let global) = module.exports[position].kind else { continue }
          module.exports[position].kind = .global(GlobalIndex(global.position + 1))
        }
      })
    #expect(wrongGlobal.contains { $0.bucket == "tool.instrumented-abi" })
    let other = verdicts(
      FakeTool { module in
        module.types.append(FunctionType([.f64]))
        for position in module.imports.indices where module.imports[position].module == "__" {
          module.imports[position].kind = .function(TypeIndex(module.types.count - 1))
        }
      })
    #expect(other.allSatisfy { $0.name == "tool-failure" })
  }

  /// Growth of the heap that the host does not hear of, or hears of twice.
  @Test(arguments: [true, false]) func misreportedGrowthIsADivergence(_ isReported: Bool) {
    let verdicts = verdicts(
      FakeTool { module in
        guard let position = module.imports.firstIndex(where: { $0.name == "try_grow_wasm_memory" }) else { return }
        let ask = Instruction.call(FunctionIndex(position))
        for function in module.functions.indices {
          let body = module.functions[function].body.instructions
          module.functions[function].body.instructions = body.indices.flatMap { index -> [Instruction] in
            if body[index] != ask { return [body[index]] }
            // On the stack are what memory.grow has returned and the pages asked for.
            return isReported ? [ask, body[index - 1], ask] : [Instruction(.drop)]
          }
        }
      }, cases: 0..<120)
    #expect(verdicts.contains { $0.bucket?.hasPrefix("external.heap-growth.") == true })
    #expect(verdicts.allSatisfy { $0.bucket == nil || $0.bucket?.hasPrefix("external.heap-growth.") == true })
  }

  @Test(arguments: ["function", "local", "next local", "last local", "table", "no table", "element", "data", "module"])
  func wrongNamesAreADivergence(_ kind: String) {
    let verdicts = verdicts(
      FakeTool { module in
        guard var names = module.names else { return }
        switch kind {
        case "function": for position in names.functions.indices { names.functions[position].name += "x" }
        case "local":
          for position in names.locals.indices where !names.locals[position].names.isEmpty {
            names.locals[position].names[0].name += "x"
          }
        case "next local":
          for position in names.locals.indices {
            for local in names.locals[position].names.indices { names.locals[position].names[local].index.value += 1 }
          }
        case "last local":
          // One name alone, which has passed from the original's last local to one that was added.
          let imported = IndexSpaces(module).importedFunctions
          for position in names.locals.indices {
            let function = names.locals[position].function.position - imported
            let parameters = module.types[module.functions[function].type.position].parameters.count
            let count = module.functions[function].body.locals.reduce(parameters) { $0 + Int($1.count) }
            module.functions[function].body.locals.append(LocalGroup(count: 1, type: .i64))
            guard let last = names.locals[position].names.last else { continue }
            names.locals[position].names = [IndexedName(LocalIndex(count), last.name)]
          }
        case "table": for position in names.tables.indices { names.tables[position].name += "x" }
        case "no table": for position in names.tables.indices { names.tables[position].index.value += 1 }
        case "element": for position in names.elements.indices { names.elements[position].name += "x" }
        case "data": for position in names.data.indices { names.data[position].name += "x" }
        case "module": names.module = names.module.map { $0 + "x" }
        default: Issue.record("no names of that kind")
        }
        module.replaceNames(names)
      }, cases: 0..<240)
    #expect(verdicts.contains { $0.bucket?.hasPrefix("external.names.") == true })
    #expect(verdicts.allSatisfy { $0.bucket == nil || $0.bucket?.hasPrefix("external.names.") == true })
  }

  /// A tool may name a local that it has added, and leave out the name of another.
  @Test func namesOfOtherLocalsAgree() {
    var named = 0
    let verdicts = verdicts(
      FakeTool { module in
        guard var names = module.names else { return }
        let imported = IndexSpaces(module).importedFunctions
        for position in names.locals.indices where !names.locals[position].names.isEmpty {
          let function = names.locals[position].function.position - imported
          let parameters = module.types[module.functions[function].type.position].parameters.count
          let count = module.functions[function].body.locals.reduce(parameters) { $0 + Int($1.count) }
          module.functions[function].body.locals.append(LocalGroup(count: 1, type: .i64))
          names.locals[position].names.removeFirst()
          names.locals[position].names.append(IndexedName(LocalIndex(count), "added"))
          named += 1
        }
        module.replaceNames(names)
      }, cases: 0..<240)
    #expect(verdicts.allSatisfy { $0 == .agree } && named > 0)
  }

  /// A tool may add segments with names, a declarative one before all others too.
  @Test func namesOfOtherSegmentsAgree() {
    let verdicts = verdicts(
      FakeTool { module in
        guard var names = module.names, !names.elements.isEmpty else { return }
        let items = ElementItems.functions([FunctionIndex(0 as Int)])
        module.elements.insert(ElementSegment(mode: .declarative, items: items), at: 0)
        module.elements.append(ElementSegment(mode: .passive, items: items))
        for function in module.functions.indices {
          for position in module.functions[function].body.instructions.indices {
            guard case .element(let segment) = module.functions[function].body.instructions[position].immediate else {
              continue
            }
            let shifted = ElementIndex(segment.position + 1)
            module.functions[function].body.instructions[position].immediate = .element(shifted)
          }
        }
        for position in names.elements.indices { names.elements[position].index.value += 1 }
        names.elements.append(IndexedName(ElementIndex(module.elements.count - 1), "added"))
        module.replaceNames(names)
      }, cases: 0..<240)
    #expect(verdicts.allSatisfy { $0 == .agree })
  }

  /// Names of memories that have moved and now stand at the injected ones.
  @Test func namesLostToWhatWasAddedAreADivergence() {
    let verdicts = verdicts(
      FakeTool { module in
        guard var names = module.names else { return }
        names.memories.removeAll { [1, 2].contains($0.index.position) }
        for position in names.memories.indices where names.memories[position].index.position > 2 {
          names.memories[position].index.value -= 2
        }
        module.replaceNames(names)
      }, profile: .multiMemory)
    #expect(verdicts.contains { $0.bucket?.hasPrefix("external.names.") == true })
    #expect(verdicts.allSatisfy { $0.bucket == nil || $0.bucket?.hasPrefix("external.names.") == true })
  }

  /// Injected code is not metered: a loop in it, a recursion of it, a huge copy and a loop for which a lot has been
  /// charged have to end all the same.
  @Test(arguments: 0..<4) func codeWithoutEndEnds(_ kind: Int) throws {
    var reached = 0
    let runner = CaseRunner { module, strategy, parameters throws(Fault) in
      var result = try standardInstrumenter(module, strategy, parameters)
      guard let layout = try? InstrumentedLayout(of: module, strategy: strategy) else { return result }
      let position = layout.countCleanPages.position - layout.importedFunctions
      var code: [Instruction]
      switch kind {
      case 0: code = [Instruction(.loop, .block(.empty)), Instruction(.br, .label(0)), Instruction(.end)]
      case 1:
        code = [
          .get(LocalIndex(0)), .get(LocalIndex(1)), .call(layout.countCleanPages), Instruction(.drop),
          Instruction(.drop),
        ]
      case 2:
        // All of the bytemap, again and again.
        code = [
          Instruction(.loop, .block(.empty)), .i32(0), .i32(0), .i32(0x7D0_0000),
          Instruction(.memoryFill, .memory(layout.bytemap)), Instruction(.br, .label(0)), Instruction(.end),
        ]
      default:
        code = [
          Instruction(.globalGet, .global(layout.instructionCounter)), .i64(1 << 34), Instruction(.i64Sub),
          Instruction(.globalSet, .global(layout.instructionCounter)),
          Instruction(.loop, .block(.empty)), Instruction(.br, .label(0)), Instruction(.end),
        ]
      }
      result.functions[position].body.instructions.insert(contentsOf: code, at: 0)
      return result
    }
    let generator = Generator(profile: .native)
    for index in 0..<20 {
      var testCase = generator.generate(seed: 9, index: UInt64(index)).case
      // How much the case could pay for does not matter.
      testCase.parameters.instructionLimit = Parameters.productionInstructionLimit
      let verdict = runner.runCase(testCase).verdict
      #expect(verdict.name != "poisoned", "\(verdict.sentence)")
      if verdict.sentence.contains("does not come to an end") { reached += 1 }
    }
    #expect(reached > 2)
  }

  @Test func campaignsCountAndStoreFailures() throws {
    let outcome = try runCampaign(
      CampaignConfiguration(
        profile: .native, seed: 1, lanes: .external, budget: Budget(cases: 50, findings: 3),
        outside: { FakeTool { $0.exports = [] } }),
      world: CampaignWorld(elapsed: { 1 }))
    #expect(outcome.end == .findings && outcome.record.verdicts.toolFailure == 3)
    #expect(outcome.record.casesCompared == 0)
  }
}
