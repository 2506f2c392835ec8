// The minimizer on predicates that say what must stay: how small the rest gets, at what cost, and that it is repeatable.

import Canister
import Foundation
import Minimization
import TestSupport
import Testing
import Wasm

/// Number of instructions in all bodies, without the final `end` of each.
private func instructions(_ bytes: [UInt8]) throws -> Int {
  try decode(bytes).functions.reduce(0) { $0 + $1.body.instructions.count - 1 }
}

private func contains(_ opcode: Opcode, _ bytes: [UInt8]) -> Bool {
  guard let module = try? decode(bytes) else { return false }
  return module.functions.contains { $0.body.instructions.contains { $0.opcode == opcode } }
}

private func hasUpgrade(_ plan: CallPlan) -> Bool {
  plan.messages.contains { message in
    if case .upgrade = message { return true }
    return false
  }
}

@Suite struct MinimizationTests {
  /// Imported memories stay, and the heap is the memory behind them.
  @Test func namedModulesLoseWhatTheyDoNotUse() throws {
    var module = Module()
    module.types = [FunctionType()]
    module.imports = [
      Import(module: "ic0", name: "stable_memory", kind: .memory(MemoryType(Limits(minimum: 1), is64Bit: true)))
    ]
    module.memories = [MemoryType(Limits(minimum: 1))]
    module.globals = [Global(GlobalType(.i32), [.i32(7)])]
    module.functions = (0..<3).map { _ in
      Function(type: TypeIndex(0 as UInt32), body: FunctionBody(instructions: [Instruction(.end)]))
    }
    let original = Case(
      module: encode(module), plan: CallPlan([]), strategy: Strategy(memory: .named, imports: .front))
    let result = minimize(original) { candidate in (try? decode(candidate.module))?.memories.count == 1 }
    let smallest = try decode(result.case.module)
    #expect(smallest.functions.isEmpty && smallest.globals.isEmpty && smallest.types.isEmpty)
    #expect(smallest.imports.count == 1 && smallest.memories.count == 1)
  }

  @Test(arguments: 0..<UInt64(12))
  func bulkCopyAndUpgrade(_ seed: UInt64) throws {
    let original = RandomCanister.make(seed: seed)
    func isInteresting(_ candidate: Case) -> Bool {
      contains(.memoryCopy, candidate.module) && hasUpgrade(candidate.plan)
    }
    let result = minimize(original, isInteresting: isInteresting)
    guard contains(.memoryCopy, original.module) else {
      #expect(!result.wasInteresting && result.case == original && result.tried == 1)
      return
    }
    #expect(result.wasInteresting && result.isComplete)
    #expect(result.case.plan == CallPlan([.upgrade(.first, argument: [])]))
    var expected = Module()
    expected.types = [FunctionType()]
    expected.memories = [MemoryType(Limits(minimum: 0))]
    let memory = MemoryIndex(0)
    expected.functions = [
      Function(
        type: TypeIndex(0),
        body: FunctionBody(instructions: [
          .i32(0), .i32(0), .i32(0), Instruction(.memoryCopy, .memoryCopy(destination: memory, source: memory)),
          Instruction(.end),
        ]))
    ]
    var found = try decode(result.case.module)
    // A helper's type stays if the copy was in a helper; everything else is the same for all seeds.
    if found.functions.first?.body.instructions.count == 6 {
      #expect(found.functions[0].body.instructions.remove(at: 4) == .i32(0))
      found.types = expected.types
    }
    let isExpected = found == expected
    #expect(isExpected, "seed \(seed)\n\(printText(found))")
    #expect(result.tried < 400, "seed \(seed): \(result.tried) calls")
  }

  /// Whatever has to stay, little else does: its operands, a `drop`, and the result of a function that must have one.
  @Test(arguments: [
    (Opcode.loop, 2), (.if, 3), (.brTable, 4), (.brIf, 4), (.callIndirect, 5), (.globalSet, 2), (.i64Store, 3),
    (.call, 4), (.select, 5), (.i32Load, 3), (.i64ShrU, 4),
  ])
  func singleOpcode(_ opcode: Opcode, _ limit: Int) throws {
    var calls = 0
    var cases = 0
    for seed in 0..<UInt64(10) {
      let original = RandomCanister.make(seed: seed)
      let result = minimize(original) { contains(opcode, $0.module) }
      guard result.wasInteresting else { continue }
      let size = try instructions(result.case.module)
      let text = printText(try decode(result.case.module))
      let hasResult = try decode(result.case.module).types.contains { $0.results == [.i32] }
      #expect(size <= limit + (hasResult ? 1 : 0), "seed \(seed): \(size) instructions\n\(text)")
      #expect(result.case.plan.messages.isEmpty)
      #expect(result.tried < 600, "seed \(seed): \(result.tried) calls")
      calls += result.tried
      cases += 1
    }
    print("minimize to \(opcode.row.text): \(calls / max(1, cases)) calls on average")
  }

  @Test func everyCandidateIsValidAndNew() throws {
    let original = RandomCanister.make(seed: 3)
    var seen: [Case: Int] = [:]
    var invalid = 0
    let result = minimize(original) { candidate in
      seen[candidate, default: 0] += 1
      do {
        try validateCanister(try decodeAndValidate(candidate.module), parameters: candidate.parameters)
      } catch {
        invalid += 1
      }
      return contains(.i64Store, candidate.module)
    }
    #expect(invalid == 0)
    #expect(seen.count == result.tried)
    #expect(seen.values.allSatisfy { $0 == 1 })
    #expect(result.accepted == result.passes.reduce(0) { $0 + $1.accepted })
    #expect(result.tried == result.passes.reduce(1) { $0 + $1.tried })
  }

  @Test func isDeterministic() {
    for seed in 0..<UInt64(5) {
      let original = RandomCanister.make(seed: seed)
      func run() -> MinimizationResult { minimize(original) { contains(.loop, $0.module) && hasUpgrade($0.plan) } }
      let (first, second) = (run(), run())
      #expect(first.case == second.case)
      #expect(first.passes == second.passes)
    }
  }

  @Test func budgetIsKept() {
    let original = RandomCanister.make(seed: 1)
    for limit in [0, 1, 2, 17, 50] {
      var calls = 0
      let result = minimize(original, budget: MinimizationBudget(predicateCalls: limit)) { candidate in
        calls += 1
        return contains(.i64Store, candidate.module)
      }
      #expect(calls <= limit && result.tried == calls)
      #expect(limit == 0 || result.wasInteresting)
      #expect(!result.isComplete)
    }
    var calls = 0
    _ = minimize(original, budget: MinimizationBudget(predicateCalls: 100, candidates: 10)) { _ in
      calls += 1
      return true
    }
    #expect(calls <= 11)
  }

  @Test func nothingMatters() {
    let result = minimize(RandomCanister.make(seed: 2)) { _ in true }
    #expect(result.case.module == encode(Module()))
    #expect(result.case.plan.messages.isEmpty)
    #expect(result.case.strategy == Strategy(memory: .end, imports: .front))
  }

  @Test func vectorsGo() throws {
    // A function that takes and gives vectors and works on a global; only the shuffle has to stay.
    func vector(_ low: UInt64) -> Instruction { Instruction(.v128Const, .v128(V128(low: low, high: ~low))) }
    let access = MemoryAccess(alignment: 0, offset: 4)
    var module = Module()
    module.types = [FunctionType(), FunctionType([.v128, .i32], [.v128])]
    module.memories = [MemoryType(Limits(minimum: 1))]
    module.globals = [Global(GlobalType(.v128, isMutable: true), [vector(7)])]
    module.functions = [
      Function(
        type: TypeIndex(1),
        body: FunctionBody(
          locals: [LocalGroup(count: 2, type: .v128)],
          instructions: [
            .get(LocalIndex(0)), .get(GlobalIndex(0)), Instruction(.i32x4Add), .tee(LocalIndex(2)),
            .get(LocalIndex(1)), Instruction(.i8x16Splat),
            Instruction(.i8x16Shuffle, .shuffle(V128(low: 0x0706_0504_0302_0100, high: 0x1F1E_1D1C_1B1A_1918))),
            .set(LocalIndex(3)), .i32(16), .get(LocalIndex(3)), Instruction(.v128Store, .memoryAccess(access)),
            .i32(16), .get(LocalIndex(3)), Instruction(.v128Load16Lane, .memoryLane(access, lane: 3)),
            .get(LocalIndex(2)), .get(LocalIndex(1)), Instruction(.select), Instruction(.end),
          ])),
      Function(
        type: TypeIndex(0),
        body: FunctionBody(instructions: [
          vector(1), .i32(2), .call(FunctionIndex(0)), .set(GlobalIndex(0)), Instruction(.end),
        ])),
    ]
    module.exports = [Export(name: "canister_update m", kind: .function(FunctionIndex(1)))]
    try validate(module)
    let result = minimize(Case(module: encode(module), plan: CallPlan([]))) { contains(.i8x16Shuffle, $0.module) }
    #expect(result.wasInteresting && result.isComplete)
    let found = try decode(result.case.module)
    try validate(found)
    // Operands, a `drop`, and the result that the function's type asks for.
    #expect(try instructions(result.case.module) <= 5, "\(printText(found))")
    #expect(found.globals.isEmpty && found.memories.isEmpty && found.exports.isEmpty)
  }

  // MARK: Single passes

  @Test func numbersGetSmallAndStayAtEdges() throws {
    /// What the constant 2⁴⁰ + 5 becomes if it has to stay above a bound.
    func lowest(above bound: Int64, from value: Int64 = (1 << 40) + 5) throws -> Int64? {
      var module = Module()
      module.types = [FunctionType([], [.i64])]
      module.functions = [
        Function(type: TypeIndex(0), body: FunctionBody(instructions: [.i64(value), Instruction(.end)]))
      ]
      let result = minimize(Case(module: encode(module), plan: CallPlan([]))) { candidate in
        guard let body = try? decode(candidate.module).functions.first?.body,
          case .i64(let found)? = body.instructions.first?.immediate
        else { return false }
        return found > bound || (value < 0 && found < 0)
      }
      guard case .i64(let found)? = try decode(result.case.module).functions.first?.body.instructions.first?.immediate
      else { return nil }
      return found
    }
    #expect(try lowest(above: -1) == 0)
    #expect(try lowest(above: 0) == 1)
    #expect(try lowest(above: 5, from: 1_000) == 6)
    #expect(try lowest(above: 4_095) == 4_096)
    #expect(try lowest(above: 65_536) == 131_072)
    #expect(try lowest(above: 1 << 32) == (1 << 32) + 65_536)
    #expect(try lowest(above: .max, from: -123_456) == -1)
  }

  @Test func argumentsGetShort() {
    let original = Case(
      module: encode(Module()),
      plan: CallPlan([.install(argument: Array(1...200)), .update(name: "a", argument: [5, 6])]))
    let result = minimize(original) { candidate in
      candidate.plan.messages.contains { $0.argument.count > 36 && $0.argument[17] == 18 }
    }
    #expect(result.case.plan.messages.count == 1)
    let argument = result.case.plan.messages.first?.argument ?? []
    #expect(argument.count == 37)
    #expect(argument.count { $0 != 0 } <= 3)
  }

  @Test func secondModuleGoes() {
    var original = RandomCanister.make(seed: 1)
    original.secondModule = original.module
    original.plan.messages.append(.upgrade(.second, argument: []))
    let gone = minimize(original) { hasUpgrade($0.plan) }
    #expect(gone.case.secondModule == nil)
    let kept = minimize(original) { $0.secondModule.map { contains(.i64Store, $0) } ?? false }
    #expect(kept.case.secondModule != nil && kept.case.module == encode(Module()))
  }

  @Test func callsAreInlined() throws {
    // Only the entry point itself counts, but the store is two calls away.
    var module = Module()
    module.types = [FunctionType(), FunctionType([.i32, .i64]), FunctionType([.i32], [.i32])]
    module.memories = [MemoryType(Limits(minimum: 1))]
    let access = Immediate.memoryAccess(MemoryAccess(alignment: 3, offset: 16))
    func function(_ type: Int, _ code: [Instruction], locals: [LocalGroup] = []) -> Function {
      Function(
        type: TypeIndex(type), body: FunctionBody(locals: locals, instructions: code + [Instruction(.end)]))
    }
    module.functions = [
      function(0, [.i32(8), .call(FunctionIndex(2)), .i64(77), .call(FunctionIndex(1))]),
      function(
        1,
        [
          .get(LocalIndex(0)), Instruction(.if, .block(.empty)), .get(LocalIndex(0)), .get(LocalIndex(1)),
          Instruction(.i64Store, access), Instruction(.return), Instruction(.end), .i32(1), .set(LocalIndex(2)),
        ], locals: [LocalGroup(count: 1, type: .i32)]),
      function(2, [.get(LocalIndex(0)), .i32(3), Instruction(.i32Add)]),
    ]
    module.exports = [Export(name: "canister_update go", kind: .function(FunctionIndex(0)))]
    let original = Case(module: encode(module), plan: CallPlan([.update(name: "go", argument: [])]))
    let direct = minimize(original) { candidate in
      guard let module = try? decode(candidate.module), let entry = module.exports.first,
        case .function(let index) = entry.kind
      else { return false }
      // The store, or a chain of calls that leads to it.
      var pending = [index.position]
      var seen: Set<Int> = []
      while let next = pending.popLast() {
        guard module.functions.indices.contains(next), seen.insert(next).inserted else { continue }
        for instruction in module.functions[next].body.instructions {
          if instruction.opcode == .i64Store { return true }
          if case .function(let callee) = instruction.immediate { pending.append(callee.position) }
        }
      }
      return false
    }
    let found = try decode(direct.case.module)
    #expect(found.functions.count == 1)
    #expect(
      found.functions.first?.body.instructions == [
        .i32(0), .i64(0),
        Instruction(.i64Store, .memoryAccess(MemoryAccess(alignment: 3, offset: 0))), Instruction(.end),
      ])
  }

  @Test func arithmeticIsFolded() throws {
    var module = Module()
    module.types = [FunctionType([], [.i64])]
    let code: [Instruction] = [
      .i32(3), .set(LocalIndex(0)), .get(LocalIndex(0)), Instruction(.i64ExtendI32U), .i64(65_536),
      Instruction(.i64Mul), .i64(12), Instruction(.i64Add), Instruction(.end),
    ]
    module.functions = [
      Function(
        type: TypeIndex(0),
        body: FunctionBody(locals: [LocalGroup(count: 1, type: .i32)], instructions: code))
    ]
    // Stands for an execution: knows what the code computes as long as it is one of these forms.
    let forms: [[Instruction]] = [
      code,
      [.i32(3), .set(LocalIndex(0)), .i32(3)] + code[3...],
      [.i32(3)] + code[3...],
      [.i64(3)] + code[4...],
      [.i64(196_608)] + code[6...],
      [.i64(196_620), Instruction(.end)],
    ]
    let result = minimize(Case(module: encode(module), plan: CallPlan([]))) { candidate in
      guard let body = try? decode(candidate.module).functions.first?.body else { return false }
      return forms.contains(body.instructions)
    }
    #expect(try decode(result.case.module).functions.first?.body.instructions == forms.last)
  }

  // MARK: Odd input

  @Test func undecodableModulesKeepTheirBytes() {
    let original = Case(
      module: [1, 2, 3], secondModule: RandomCanister.make(seed: 1).module,
      plan: CallPlan([.heartbeat, .upgrade(.second, argument: [1]), .globalTimer]))
    let result = minimize(original) { candidate in candidate.module == [1, 2, 3] && hasUpgrade(candidate.plan) }
    #expect(result.case.module == [1, 2, 3])
    #expect(result.case.secondModule == nil)
    #expect(result.case.plan == CallPlan([.upgrade(.first, argument: [])]))
  }

  @Test func invalidModulesMayStayInvalid() throws {
    var module = try decode(RandomCanister.make(seed: 1).module)
    module.functions[0].body.instructions.insert(Instruction(.i64Add), at: 0)
    let original = Case(module: encode(module), plan: CallPlan([]))
    let result = minimize(original) { candidate in
      guard let module = try? decode(candidate.module) else { return false }
      return (try? validate(module)) == nil
    }
    #expect(result.wasInteresting)
    #expect(result.case.module.count < original.module.count / 2)
  }

  /// Modules of many producers, most of them no canisters: nothing traps, and each opcode that is asked for stays.
  @Test func foreignModules() throws {
    guard let folder = try Inputs.unpacked("execution") else {
      Inputs.reportSkip("execution modules", "no inputs beside the package")
      return
    }
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".wasm") }
      .sorted()
    #expect(!files.isEmpty)
    var (calls, before, after, count) = (0, 0, 0, 0)
    for file in files.prefix(40) {
      let bytes = try Inputs.bytes(folder.appendingPathComponent(file))
      guard let module = try? decode(bytes),
        let opcode = module.functions.last?.body.instructions.last(where: { $0.opcode != .end })?.opcode
      else { continue }
      let original = Case(module: bytes, plan: CallPlan([.heartbeat]))
      let result = minimize(original, budget: MinimizationBudget(predicateCalls: 1_500)) {
        contains(opcode, $0.module)
      }
      #expect(result.wasInteresting, "\(file)")
      let size = try instructions(result.case.module)
      #expect(size <= 12, "\(file): \(size) instructions around \(opcode.row.text)")
      calls += result.tried
      before += bytes.count
      after += result.case.module.count
      count += 1
    }
    print(
      "minimized \(count) foreign modules: \(before / max(1, count)) to \(after / max(1, count)) bytes, "
        + "\(calls / max(1, count)) calls on average")
  }

  @Test func realCanister() throws {
    guard let url = Inputs.input("canisters/icwasm-motoko.wasm") else {
      Inputs.reportSkip("canister modules", "no inputs beside the package")
      return
    }
    let original = Case(
      module: try Inputs.bytes(url), plan: CallPlan([.install(argument: []), .upgrade(.first, argument: [])]))
    let clock = ContinuousClock()
    var result = minimize(original, budget: MinimizationBudget(predicateCalls: 0)) { _ in false }
    let elapsed = clock.measure {
      result = minimize(original) { contains(.memoryGrow, $0.module) && hasUpgrade($0.plan) }
    }
    let size = try instructions(result.case.module)
    let text = printText(try decode(result.case.module))
    #expect(size <= 4, "\(text)")
    print(
      "minimized \(original.module.count) to \(result.case.module.count) bytes in \(result.tried) calls, \(elapsed)")
  }
}
