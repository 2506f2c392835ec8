// Direct access to stable memory, declared or imported by name: both lanes agree, memories survive what they should, what
// such a module may not contain is refused with a reason, and a missing check is found.

import Canister
import Differential
import Execution
import Generation
import Instrumentation
import Testing
import Wasm

/// A module with the given memory imports that keeps one byte in each of its memories.
///
/// `canister_update w` stores 7 at address 0 of each memory, `canister_update r` replies with the bytes there.
private func keeper(_ names: [String], isWide: [Bool]) -> Module {
  var module = Module()
  module.types = [FunctionType(), FunctionType([.i32, .i32])]
  for (name, isWide) in zip(names, isWide) {
    let type = MemoryType(Limits(minimum: 1, maximum: 4), is64Bit: isWide)
    module.imports.append(Import(module: "ic0", name: name, kind: .memory(type)))
  }
  module.imports.append(Import(module: "ic0", name: "msg_reply", kind: .function(TypeIndex(0))))
  module.imports.append(Import(module: "ic0", name: "msg_reply_data_append", kind: .function(TypeIndex(1))))
  module.memories = [MemoryType(Limits(minimum: 1))]
  let heap = MemoryIndex(names.count)

  func address(_ memory: Int) -> Instruction { isWide[memory] ? .i64(0) : .i32(0) }
  func access(_ opcode: Opcode, _ memory: MemoryIndex, _ offset: UInt64 = 0) -> Instruction {
    Instruction(opcode, .memoryAccess(MemoryAccess(alignment: 0, offset: offset, memory: memory)))
  }
  var write: [Instruction] = []
  var read: [Instruction] = []
  for memory in names.indices {
    write += [address(memory), .i32(7), access(.i32Store8, MemoryIndex(memory))]
    read += [.i32(100), address(memory), access(.i32Load8U, MemoryIndex(memory))]
    read.append(access(.i32Store8, heap, UInt64(memory)))
  }
  write += [.call(FunctionIndex(0)), Instruction(.end)]
  read += [.i32(100), .i32(Int32(names.count)), .call(FunctionIndex(1)), .call(FunctionIndex(0)), Instruction(.end)]
  for (name, body) in [("w", write), ("r", read)] {
    module.exports.append(
      Export(name: "canister_update \(name)", kind: .function(FunctionIndex(2 + module.functions.count))))
    module.functions.append(Function(type: TypeIndex(0), body: FunctionBody(instructions: body)))
  }
  return module
}

private func run(_ module: Module, _ placement: MemoryPlacement, _ messages: [Message]) -> CaseResult {
  let testCase = Case(
    module: encode(module), plan: CallPlan(messages), strategy: Strategy(memory: placement, imports: .front))
  return CaseRunner().runCase(testCase, lanes: .strategies(Strategy.all))
}

@Suite struct DirectMemoryTests {
  @Test(arguments: [GeneratorProfile.direct, .named])
  func generatedCasesAgree(_ profile: GeneratorProfile) {
    let runner = CaseRunner()
    for index in 0..<400 {
      let generated = Generator(profile: profile).generate(seed: 21, index: UInt64(index))
      let result = runner.runCase(generated.case, lanes: .strategies(Strategy.all))
      #expect(result.verdict == .agree, "21:\(index)")
    }
  }

  @Test func namesDecideWhatSurvives() {
    let module = keeper(["session_memory", "stable_memory", "scratch_memory"], isWide: [false, true, true])
    let read = Message.update(name: "r", argument: [])
    let result = run(
      module, .named,
      [
        .install(argument: []), .update(name: "w", argument: []), read, .upgrade(.first, argument: []), read,
        .reinstall(.first, argument: []), read,
      ])
    #expect(result.verdict == .agree)
    let replies = result.observations.map(\.outcome).filter { if case .reply = $0 { true } else { false } }
    // After the write, after the upgrade, after the reinstallation: session, stable, scratch.
    #expect(replies == [.reply([]), .reply([7, 7, 0]), .reply([0, 7, 0]), .reply([0, 0, 0])])
  }

  @Test func scratchMemoryIsKeptWithinAMessage() {
    var module = keeper(["scratch_memory"], isWide: [false])
    // One method that writes and reads: the first's stores before the second's body.
    let stores = module.functions[0].body.instructions.prefix(3)
    module.functions[1].body.instructions.insert(contentsOf: stores, at: 0)
    let result = run(module, .named, [.install(argument: []), .update(name: "r", argument: [])])
    #expect(result.verdict == .agree)
    #expect(result.observations[1].outcome == .reply([7]))
  }

  /// Which of two limits an instruction passes first: stable memory's pages, then the other memory's or segment's end.
  @Test(
    arguments: [
      (Instruction(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(1))), 65_500, 4_090),
      (Instruction(.memoryCopy, .memoryCopy(destination: MemoryIndex(1), source: MemoryIndex(0))), 4_090, 65_500),
      (Instruction(.memoryInit, .memoryInit(MemoryIndex(1), DataIndex(0))), 4_090, 0),
    ] as [(Instruction, Int64, Int64)]) func pageLimitsComeFirst(
      _ instruction: Instruction, _ destination: Int64, _ source: Int64
    )
  {
    var module = keeper(["session_memory", "stable_memory"], isWide: [true, true])
    module.data = [DataSegment(mode: .passive, bytes: [UInt8](repeating: 9, count: 100))]
    module.hasDataCount = true
    let isInit = instruction.opcode == .memoryInit
    // Three pages of stable memory, and too far in the other memory or in the segment.
    let operands: [Instruction] =
      isInit ? [.i64(destination), .i32(Int32(source)), .i32(8_000)] : [.i64(destination), .i64(source), .i64(8_000)]
    module.functions[0].body = FunctionBody(
      instructions: operands + [instruction, .call(FunctionIndex(0)), Instruction(.end)])
    for pages in [2, 3] as [UInt64] {
      var parameters = Parameters()
      parameters.accessedPageLimits = PageLimits(message: pages, upgrade: pages, query: pages)
      let testCase = Case(
        module: encode(module), plan: CallPlan([.install(argument: []), .update(name: "w", argument: [])]),
        parameters: parameters, strategy: Strategy(memory: .named, imports: .front))
      let result = CaseRunner().runCase(testCase, lanes: .strategies(Strategy.all))
      #expect(result.verdict == .agree)
      guard case .trap(let trap)? = result.observations.last?.outcome else {
        Issue.record("no trap")
        continue
      }
      if case .accessedPageLimitExceeded = trap { #expect(pages == 2) } else { #expect(pages == 3) }
    }
  }

  // MARK: Refusals

  private func refusal(_ module: Module, _ placement: MemoryPlacement) -> String {
    guard case .fault(let fault) = run(module, placement, [.install(argument: [])]).verdict else { return "accepted" }
    return fault.stage == .canisterRules ? fault.reason : "\(fault)"
  }

  @Test func whatDirectModulesMayNotContainIsRefused() {
    var module = Module()
    module.types = [FunctionType([.i64], [.i64]), FunctionType([.i32], [.i64])]
    module.memories = [MemoryType(Limits(minimum: 1)), MemoryType(Limits(minimum: 0), is64Bit: true)]
    #expect(refusal(module, .direct) == "accepted")

    var calls = module
    calls.imports = [Import(module: "ic0", name: "stable64_grow", kind: .function(TypeIndex(0)))]
    #expect(refusal(calls, .direct).contains("ic0.stable64_grow: not allowed"))
    #expect(refusal(calls, .direct).contains("accesses stable memory directly"))

    var counts = module
    counts.imports = [Import(module: "ic0", name: "performance_counter", kind: .function(TypeIndex(1)))]
    #expect(refusal(counts, .direct).contains("no counter can be read"))

    var narrow = module
    narrow.memories[1].is64Bit = false
    #expect(refusal(narrow, .direct).contains("64-bit addresses"))
    narrow.memories.removeLast()
    #expect(refusal(narrow, .direct).contains("second memory"))

    var data = module
    data.data = [DataSegment(mode: .active(MemoryIndex(1), offset: [.i64(0)]), bytes: [])]
    #expect(refusal(data, .direct).contains("data segment 0"))

    var empty = module
    empty.memories[0].limits.minimum = 0
    #expect(refusal(empty, .direct).contains("memory 0"))

    var large = module
    large.memories[1].limits.minimum = 9_000_000
    #expect(refusal(large, .direct).contains("the capacity is"))
  }

  @Test func whatNamedModulesMayNotContainIsRefused() {
    #expect(refusal(keeper(["other_memory"], isWide: [true]), .named).contains("memories that can be imported are"))
    #expect(refusal(keeper(["stable_memory"], isWide: [false]), .named).contains("64-bit addresses"))
    let twice = keeper(["session_memory", "session_memory"], isWide: [true, false])
    #expect(refusal(twice, .named).contains("ic0.session_memory: imported twice (import 1)"))
    #expect(refusal(Module(), .named).contains("imports no memory by name"))
    var heapless = keeper(["stable_memory"], isWide: [true])
    heapless.memories = []
    heapless.functions.removeAll()
    heapless.exports.removeAll()
    #expect(refusal(heapless, .named).contains("has to define its heap"))
    #expect(refusal(keeper(["stable_memory"], isWide: [true]), .end).contains("importing memories is not allowed"))
  }

  // MARK: Faults are found

  @Test func aMissingCheckIsFound() {
    // The second of the injected checks is that of writes; without its call, pages are written and not marked.
    let runner = CaseRunner { module, strategy, parameters throws(Fault) in
      var result = try standardInstrumenter(module, strategy, parameters)
      guard let layout = try? InstrumentedLayout(of: module, strategy: strategy) else { return result }
      let check = Instruction.call(FunctionIndex(layout.countCleanPages.position + 2))
      let drops = [Instruction](repeating: Instruction(.drop), count: 3)
      for function in result.functions.indices {
        result.functions[function].body.instructions = result.functions[function].body.instructions.flatMap {
          $0 == check ? drops : [$0]
        }
      }
      return result
    }
    let testCase = Case(
      module: encode(keeper(["stable_memory"], isWide: [true])),
      plan: CallPlan([.install(argument: []), .update(name: "w", argument: [])]),
      strategy: Strategy(memory: .named, imports: .after))
    guard case .diverge(let divergence) = runner.runCase(testCase).verdict else {
      return #expect(Bool(false), "\(runner.runCase(testCase).verdict)")
    }
    // What is not marked does not commit.
    #expect(divergence.observable == .stableContents)
  }
}
