// Calls: depth, tail calls, indirect calls, calls of the host and between instances, tracing.

import Execution
import Testing
import Wasm

private let one: [ValueType] = [.i32]

@Suite struct InterpreterDepthTests {
  /// A function that calls itself as often as its argument says, with some locals more than it needs.
  private func recursion(locals: Int) -> (SmallModule, FunctionIndex) {
    var module = SmallModule()
    let function = FunctionIndex(0)
    module.add(
      one, one, locals: [LocalGroup(count: UInt32(locals), type: .i64)],
      [.get(0), .when(.value(.i32)), .get(0), .i32(1), .sub, .call(function), .i32(1), .add, .otherwise, .i32(1), .end])
    return (module, function)
  }

  @Test(arguments: [0, 1, 100, 3_000])
  func theDepthDoesNotDependOnFrames(_ locals: Int) throws {
    let (module, function) = recursion(locals: locals)
    let limit = UInt64(Machine.maximumCallDepth)
    #expect(limit == 10_000)
    #expect(try module.run(function, limit - 1) == [limit])
    #expect(try module.trap(function, limit) == .callStackExhausted)
    // The machine is as good as before.
    let machine = Machine()
    let instance = try module.instance()
    #expect(throws: Trap.callStackExhausted) { try machine.invoke(function, of: instance, arguments: [limit]) }
    #expect(try machine.invoke(function, of: instance, arguments: [limit - 1]) == [limit])
  }

  @Test func hugeFramesEndInTheSameTrap() throws {
    let (module, function) = recursion(locals: 49_999)
    #expect(try module.run(function, 100) == [101])
    #expect(try module.trap(function, 9_000) == .callStackExhausted)
  }

  @Test func injectedFunctionsDoNotCount() throws {
    let (base, function) = recursion(locals: 0)
    var module = base
    // The innermost call of the module's own function runs three injected ones inside each other.
    let injected = module.add(one, one, [.get(0), .call(FunctionIndex(2)), .i32(1), .add])
    module.add(one, one, [.get(0), .call(FunctionIndex(3)), .i32(1), .add])
    module.add(one, one, [.get(0), .i32(1), .add])
    module.module.functions[function.position].body.instructions = [
      .get(0), .when(.value(.i32)), .get(0), .i32(1), .sub, .call(function), .otherwise, .i32(0), .call(injected), .end,
      .end,
    ]
    var options = TranslationOptions()
    options.firstInjectedFunction = injected
    let instance = try module.instance(ImportedObjects(), options)
    let limit = UInt64(Machine.maximumCallDepth)
    #expect(try Machine().invoke(function, of: instance, arguments: [limit - 1]) == [3])
    #expect(throws: Trap.callStackExhausted) { try Machine().invoke(function, of: instance, arguments: [limit]) }
    // Without the option they do.
    let plain = try module.instance()
    #expect(throws: Trap.callStackExhausted) { try Machine().invoke(function, of: plain, arguments: [limit - 1]) }
    #expect(try Machine().invoke(function, of: plain, arguments: [limit - 4]) == [3])
    // Injected functions without end are stopped too.
    module.module.functions[3].body.instructions = [.get(0), .call(injected), .end]
    let endless = try module.instance(ImportedObjects(), options)
    #expect(throws: Trap.outOfInstructions) { try Machine().invoke(injected, of: endless, arguments: [0]) }
  }
}

@Suite struct InterpreterTailCallTests {
  @Test func tailCallsTakeNoDepth() throws {
    var module = SmallModule()
    // Even and odd by turns, the one with many locals and parameters, the other with none to spare.
    let many = Array(repeating: ValueType.i32, count: 20)
    let (even, odd) = (FunctionIndex(0), FunctionIndex(1))
    module.add(
      one, one,
      [.get(0), Instruction(.i32Eqz), .when(), .i32(1), .leave, .end]
        + (0..<19).map { .i32(Int32($0)) } + [.get(0), .i32(1), .sub, .returnCall(odd)])
    module.add(
      many, one, locals: [LocalGroup(count: 100, type: .i64)],
      [
        .get(19), Instruction(.i32Eqz), .when(), .i32(0), .leave, .end,
        // All of the 19 constants arrived, and the locals are zero.
        .get(0), .get(1), .add, .get(18), .add, .i32(19), Instruction(.i32Ne), .get(119), Instruction(.i64Eqz),
        Instruction(.i32Eqz), Instruction(.i32Or), .when(), .unreachable, .end, .i64(-1), .set(119), .get(19), .i32(1),
        .sub,
        .returnCall(even),
      ])
    #expect(try module.run(even, 1_000_000) == [1])
    #expect(try module.run(even, 1_000_001) == [0])
    // At the greatest depth there still is one.
    let deep = FunctionIndex(2)
    module.add(
      one, one,
      [.get(0), .when(.value(.i32)), .get(0), .i32(1), .sub, .call(deep), .otherwise, .i32(4), .returnCall(even), .end])
    #expect(try module.run(deep, UInt64(Machine.maximumCallDepth) - 1) == [1])
    #expect(try module.trap(deep, UInt64(Machine.maximumCallDepth)) == .callStackExhausted)
  }

  @Test func anIndexInALocalSurvivesTheArguments() throws {
    var module = SmallModule()
    let two = [ValueType.i32, .i32]
    module.add(two, one, [.get(0), .get(1), .sub])
    module.add(two, one, [.get(0), .get(1), .mul])
    let call = Instruction(.returnCallIndirect, .indirectCall(module.type(two, one), TableIndex(0)))
    // The arguments land on the locals of which one is the index.
    let local = module.add(two, one, [.i32(50), .i32(8), .get(0), call])
    let swapped = module.add(two, one, [.get(1), .get(0), .get(1), call])
    let constant = module.add(two, one, [.get(1), .get(0), .i32(1), call])
    let computed = module.add(two, one, [.get(1), .get(0), .get(0), .i32(6), .sub, call])
    module.addTable()
    #expect(try module.run(local, 0, 99) == [42])
    #expect(try module.run(local, 1, 99) == [400])
    #expect(try module.run(swapped, 7, 0) == [UInt64(UInt32(bitPattern: -7))])
    #expect(try module.run(swapped, 7, 1) == [7])
    #expect(try module.run(constant, 6, 7) == [42])
    #expect(try module.run(computed, 6, 10) == [4])
    #expect(try module.run(computed, 7, 10) == [70])
    #expect(try module.trap(computed, 5, 10) == .tableOutOfBounds)
  }

  @Test func resultsMayBeManyMoreThanParameters() throws {
    var module = SmallModule()
    let many = Array(repeating: ValueType.i32, count: 300)
    let source = module.add(one, many, (0..<300).map { $0 == 7 ? .get(0) : .i32(Int32($0)) })
    let forward = module.add([], many, [.i32(70), .returnCall(source)])
    let sum = module.add([], one, [.call(forward)] + Array(repeating: .add, count: 299))
    #expect(try module.run(sum) == [UInt64(299 * 150 - 7 + 70)])
    var expected = (0..<300).map { UInt64($0) }
    expected[7] = 70
    #expect(try module.run(forward) == expected)
  }
}

@Suite struct InterpreterImportTests {
  /// Host functions: 0 subtracts, 1 gives three results, 2 traps, 3 spends half of the instructions left.
  private let host = ClosureImports { function, slots, machine throws(Trap) in
    switch function {
    case 0: slots[0] = UInt64(UInt32(truncatingIfNeeded: slots[0] &- slots[1]))
    case 1: for position in 0..<3 { slots[position] = UInt64(position + 10) }
    case 2: throw .unreachable
    default: machine.counter /= 2
    }
  }

  private func importing() -> SmallModule {
    var module = SmallModule()
    module.importFunction([.i32, .i32], one)
    module.importFunction([], [.i32, .i32, .i32])
    module.importFunction()
    module.importFunction()
    return module
  }

  @Test func hostFunctionsAreCalledInAllWays() throws {
    var module = importing()
    let (minus, three, trapping) = (FunctionIndex(0), FunctionIndex(1), FunctionIndex(2))
    let type = module.type([.i32, .i32], one)
    let direct = module.add(one, one, [.i32(1_000), .get(0), .i32(8), .call(minus), .add])
    let indirect = module.add(
      one, one, [.get(0), .i32(8), .i32(0), Instruction(.callIndirect, .indirectCall(type, TableIndex(0)))])
    let tail = module.add(one, one, [.get(0), .i32(8), .returnCall(minus)])
    let indirectTail = module.add(
      one, one, [.get(0), .i32(8), .i32(0), Instruction(.returnCallIndirect, .indirectCall(type, TableIndex(0)))])
    let tailCaller = module.add(one, one, [.i32(1), .get(0), .call(indirectTail), .sub])
    let several = module.add([], one, [.i32(5), .call(three), .add, .mul, .add])
    let failing = module.add([], [], [.call(trapping)])
    module.addTable()
    let instance = try module.instance(host.objects(4))
    let machine = Machine()
    func call(_ function: FunctionIndex, _ arguments: UInt64...) throws -> [UInt64] {
      try machine.invoke(function, of: instance, arguments: arguments)
    }
    #expect(try call(direct, 50) == [1_042])
    #expect(try call(indirect, 50) == [42])
    #expect(try call(tail, 50) == [42])
    #expect(try call(indirectTail, 50) == [42])
    #expect(try call(tailCaller, 50) == [UInt64(UInt32(bitPattern: 1 - 42))])
    #expect(try call(several) == [5 + 10 * 23])
    #expect(try call(minus, 50, 8) == [42])
    #expect(try call(three) == [10, 11, 12])
    #expect(throws: Trap.unreachable) { try call(failing) }
    #expect(throws: Trap.unreachable) { try call(trapping) }
  }

  @Test func theCounterPassesThroughTheHost() throws {
    var module = importing()
    let function = module.add([], [], [.nop, .call(FunctionIndex(3)), .nop, .loop(), .nop, .end])
    var options = TranslationOptions()
    options.countsInstructions = true
    let instance = try module.instance(host.objects(4), options)
    let machine = Machine()
    machine.counter = 1_008
    try machine.invoke(function, of: instance)
    // Entry 1, two nops and the call 5 are charged in advance; then the host halves; then the loop's nop.
    #expect(machine.counter == 1_000 / 2 - 1)
  }

  @Test func instancesShareWhatTheyImport() throws {
    // The first instance grows its memory and moves its global while the second one is in the middle of a function.
    var first = SmallModule()
    first.module.memories = [MemoryType(Limits(minimum: 1, maximum: 4))]
    first.module.globals = [Global(GlobalType(.i32, isMutable: true), [.i32(5)])]
    let change = first.add(
      one, one,
      [
        .get(0), Instruction(.memoryGrow, .memory(MemoryIndex(0))), .drop, .i32(65_536), .i32(77), .access(.i32Store),
        .get(GlobalIndex(0)), .i32(1), .add, .set(GlobalIndex(0)), .get(0),
      ])
    let provider = try first.instance()
    var second = SmallModule()
    second.importFunction(one, one)
    second.module.imports.append(
      Import(module: "test", name: "memory", kind: .memory(MemoryType(Limits(minimum: 1)))))
    second.module.imports.append(
      Import(module: "test", name: "global", kind: .global(GlobalType(.i32, isMutable: true))))
    let body: [Instruction] = [
      .i32(1), .call(FunctionIndex(0)), .i32(65_536), .access(.i32Load), .get(GlobalIndex(0)),
      Instruction(.memorySize, .memory(MemoryIndex(0))),
    ]
    let results = [ValueType](repeating: .i32, count: 4)
    second.module.functions = [
      Function(type: second.type([], results), body: FunctionBody(instructions: body + [.end]))
    ]
    var objects = ImportedObjects()
    objects.functions = [.wasm(provider, change)]
    objects.memories = provider.memories
    objects.globals = provider.globals
    let user = try second.instance(objects)
    #expect(try Machine().invoke(FunctionIndex(1), of: user) == [1, 77, 6, 2])
    #expect(throws: Trap.memoryOutOfBounds) {
      // What was grown is there for both; the end is the end for both.
      var reader = SmallModule()
      reader.module.imports = [Import(module: "test", name: "memory", kind: .memory(MemoryType(Limits(minimum: 2))))]
      reader.module.functions = [
        Function(
          type: reader.type([], one),
          body: FunctionBody(instructions: [.i32(131_069), .access(.i32Load), .end]))
      ]
      var objects = ImportedObjects()
      objects.memories = user.memories
      try Machine().invoke(FunctionIndex(0), of: try reader.instance(objects))
    }
  }

  @Test func indirectCallsCompareTypesNotNumbers() throws {
    var provider = SmallModule()
    _ = provider.type([.i64], [.i64])
    _ = provider.type([.f32], one)
    let answer = provider.add([], one, [.i32(42)])
    let other = provider.add([], [.i64], [.i64(1)])
    provider.addTable(nulls: 1)
    let first = try provider.instance()
    var user = SmallModule()
    user.module.imports = [
      Import(module: "test", name: "table", kind: .table(TableType(.funcref, Limits(minimum: 3))))
    ]
    // The same type twice: a function of either is a function of both.
    user.module.types = [FunctionType([], one), FunctionType([], one)]
    func body(_ type: Int) -> [Instruction] {
      [.get(0), Instruction(.callIndirect, .indirectCall(TypeIndex(type), TableIndex(0))), .end]
    }
    let caller = user.type(one, one)
    user.module.functions = [0, 1].map { Function(type: caller, body: FunctionBody(instructions: body($0))) }
    var objects = ImportedObjects()
    objects.tables = first.tables
    let instance = try user.instance(objects)
    for function in [FunctionIndex(0), FunctionIndex(1)] {
      #expect(try Machine().invoke(function, of: instance, arguments: [1]) == [42])
      #expect(throws: Trap.uninitializedElement) { try Machine().invoke(function, of: instance, arguments: [0]) }
      #expect(throws: Trap.indirectCallTypeMismatch) { try Machine().invoke(function, of: instance, arguments: [2]) }
      #expect(throws: Trap.tableOutOfBounds) { try Machine().invoke(function, of: instance, arguments: [3]) }
    }
    _ = (answer, other)
  }
}

@Suite struct InterpreterTraceTests {
  private final class Recorder: CallTracer {
    var events: [String] = []

    func enter(_ function: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>) {
      events.append("enter \(function) \(slots[0])")
    }

    func leave(_ function: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>) {
      events.append("leave \(function) \(slots[0]) \(slots[1])")
    }
  }

  @Test func tracedFunctionsAreReported() throws {
    var module = SmallModule()
    let two = [ValueType.i32, .i32]
    let traced = module.add(
      one, two, [.get(0), .get(0), .i32(1), .sub, .get(0), .brIf(0), .unreachable])
    let function = module.add(one, one, [.get(0), .call(traced), .add])
    var options = TranslationOptions()
    options.tracedFunctions = [traced]
    let instance = try module.instance(ImportedObjects(), options)
    let machine = Machine()
    let recorder = Recorder()
    machine.tracer = recorder
    #expect(try machine.invoke(function, of: instance, arguments: [5]) == [9])
    #expect(throws: Trap.unreachable) { try machine.invoke(function, of: instance, arguments: [0]) }
    #expect(recorder.events == ["enter 0 5", "leave 0 5 4", "enter 0 0"])
  }
}
