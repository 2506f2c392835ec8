// The ABI of the instrumented module: where everything stands, what is exported, what is gone. The expected numbers are
// counted by hand from the description of the ABI.

import Canister
import Instrumentation
import Testing
import Wasm

@Suite struct LayoutTests {
  let parameters = Parameters()

  @Test(arguments: SampleShape.all, Strategy.all)
  func instrumentedModulesAreValid(_ shape: SampleShape, _ strategy: Strategy) throws {
    let module = everything(shape)
    try validate(module)
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    try validate(instrumented)
    #expect(try decode(encode(instrumented)) == instrumented)
    #expect(instrumented.start == nil)
  }

  @Test(arguments: Strategy.all)
  func functionsAreOrdered(_ strategy: Strategy) throws {
    // 10 imports, 5 functions.
    let module = everything()
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    let layout = try InstrumentedLayout(of: module, strategy: strategy)
    let first = strategy.imports == .front ? 0 : 10
    let original = strategy.imports == .front ? 5 : 0
    #expect(
      instrumented.imports[first..<first + 5].map(\.name) == [
        "out_of_instructions", "try_grow_wasm_memory", "try_grow_stable_memory", "internal_trap",
        "stable_read_first_access",
      ])
    #expect(instrumented.imports[first..<first + 5].allSatisfy { $0.module == "__" })
    #expect(instrumented.imports[original..<original + 10].map(\.name) == module.imports.map(\.name))
    for function in InstrumentationImport.allCases {
      let index = layout.function(function)
      #expect(instrumented.imports[index.position].name == function.rawValue)
      #expect(type(of: index, in: instrumented) == function.type(is64BitHeap: false))
    }
    #expect(layout.definedFunctions == FunctionIndex(15)..<FunctionIndex(20))
    #expect(layout.decrement == FunctionIndex(20))
    #expect(layout.countCleanPages == FunctionIndex(21))
    #expect(
      layout.replacements == [
        .stableSize, .stable64Size, .stableGrow, .stable64Grow, .stableRead, .stable64Read, .stableWrite,
        .stable64Write,
      ])
    #expect(instrumented.functions.count == 5 + 2 + 8)
    for (number, function) in layout.replacements.enumerated() {
      #expect(layout.replacement(of: function) == FunctionIndex(22 + number))
      #expect(type(of: FunctionIndex(22 + number), in: instrumented) == function.row.type(is64BitHeap: false))
    }
  }

  @Test func onlyImportedFunctionsAreReplaced() throws {
    var module = around([])
    module.importSystem(.stable64Grow)
    module.importSystem(.stableSize)
    module.elements = []
    let layout = try InstrumentedLayout(of: module, strategy: Strategy(memory: .end, imports: .after))
    #expect(layout.replacements == [.stableSize, .stable64Grow])
    #expect(layout.replacement(of: .stableRead) == nil)
    let instrumented = try instrument(
      module, strategy: Strategy(memory: .end, imports: .after), parameters: parameters)
    #expect(instrumented.functions.count == 1 + 2 + 2)
    try validate(instrumented)
  }

  @Test(arguments: Strategy.all)
  func memoriesAreOrdered(_ strategy: Strategy) throws {
    let shape = SampleShape.all[2]
    let module = everything(shape)
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    let layout = try InstrumentedLayout(of: module, strategy: strategy)
    let stable = MemoryType(Limits(minimum: 0, maximum: 8_192_000), is64Bit: true)
    let bytemap = MemoryType(Limits(minimum: 2_000, maximum: 2_000))
    let heap = MemoryType(Limits(minimum: 1, maximum: 65_536))
    switch strategy.memory {
    case .end:
      #expect(layout.stableMemory == MemoryIndex(3))
      #expect(instrumented.memories == [heap] + shape.further + [stable, bytemap])
    case .second:
      #expect(layout.stableMemory == MemoryIndex(1))
      #expect(instrumented.memories == [heap, stable, bytemap] + shape.further)
    case .direct, .named: Issue.record("not among the strategies for modules that call")
    }
    #expect(layout.bytemap == MemoryIndex(layout.stableMemory.position + 1))
  }

  @Test(arguments: Strategy.all)
  func stableMemoryIsFirstWithoutHeap(_ strategy: Strategy) throws {
    var module = Module()
    module.importSystem(.stableGrow)
    module.add(body: [.i32(1), .function(.call, 0), .op(.drop)])
    let layout = try InstrumentedLayout(of: module, strategy: strategy)
    #expect(layout.heap == nil)
    #expect(layout.stableMemory == MemoryIndex(0))
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    try validate(instrumented)
    #expect(!instrumented.exports.contains { $0.name == "memory" || $0.name == "table" })
  }

  @Test func bytemapCoversEveryCapacity() throws {
    for (capacity, pages) in [(0, 1), (1, 1), (4_096, 1), (4_097, 2), (8_192_000, 2_000)] as [(UInt64, UInt64)] {
      var parameters = parameters
      parameters.stableCapacity = capacity
      let instrumented = try instrument(
        everything(), strategy: Strategy(memory: .end, imports: .front), parameters: parameters)
      #expect(instrumented.memories[2].limits == Limits(minimum: pages, maximum: pages))
      try validate(instrumented)
    }
  }

  @Test func heapIsCapped() throws {
    var parameters = parameters
    parameters.heapLimit32 = 10
    parameters.heapLimit64 = 20
    for (maximum, expected) in [(nil, 10), (5, 5), (11, 10), (65_536, 10)] as [(UInt64?, UInt64)] {
      var module = everything()
      module.memories[0].limits.maximum = maximum
      let result = try instrument(module, strategy: Strategy.all[0], parameters: parameters)
      #expect(result.memories[0].limits.maximum == expected)
    }
    let wide = try instrument(
      everything(SampleShape(is64BitHeap: true)), strategy: Strategy.all[0], parameters: parameters)
    #expect(wide.memories[0].limits.maximum == 20)
  }

  // MARK: Exports and globals

  @Test(arguments: Strategy.all)
  func exportsAreOrdered(_ strategy: Strategy) throws {
    let module = everything()
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    let layout = try InstrumentedLayout(of: module, strategy: strategy)
    #expect(
      instrumented.exports == [
        Export(name: "canister_update run", kind: .function(FunctionIndex(15))),
        Export(name: "canister_query ask", kind: .function(FunctionIndex(16))),
        Export(name: "heap", kind: .memory(MemoryIndex(0))), Export(name: "counter", kind: .global(GlobalIndex(2))),
        Export(name: "table", kind: .table(TableIndex(0))), Export(name: "memory", kind: .memory(MemoryIndex(0))),
        Export(name: "stable_memory", kind: .memory(layout.stableMemory)),
        Export(name: "stable_bytemap_memory", kind: .memory(layout.bytemap)),
        Export(name: "__persistent_mutable_global_0", kind: .global(GlobalIndex(0))),
        Export(name: "__persistent_mutable_global_1", kind: .global(GlobalIndex(1))),
        Export(name: "canister counter_instructions", kind: .global(GlobalIndex(4))),
        Export(name: "canister counter_dirty_pages", kind: .global(GlobalIndex(5))),
        Export(name: "canister counter_accessed_pages", kind: .global(GlobalIndex(6))),
        Export(name: "canister_start", kind: .function(FunctionIndex(17))),
      ])
    #expect(layout.instructionCounter == GlobalIndex(4))
    #expect(instrumented.globals.suffix(3).allSatisfy { $0 == Global(GlobalType(.i64, isMutable: true), [.i64(0)]) })
  }

  @Test func exportNamesInUseAreKept() throws {
    var module = everything()
    module.exports += [
      Export(name: "memory", kind: .function(FunctionIndex(10))), Export(name: "table", kind: .table(TableIndex(0))),
      Export(name: "again", kind: .memory(MemoryIndex(0))),
    ]
    let instrumented = try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    #expect(instrumented.exports.filter { $0.name == "memory" }.map(\.kind) == [.function(FunctionIndex(15))])
    #expect(instrumented.exports.filter { $0.name == "table" }.count == 1)
    #expect(instrumented.exports.contains(Export(name: "again", kind: .memory(MemoryIndex(0)))))
    try validate(instrumented)
  }

  // MARK: References

  @Test(arguments: Strategy.all)
  func everyReferenceIsShifted(_ strategy: Strategy) throws {
    let instrumented = try instrument(everything(), strategy: strategy, parameters: parameters)
    let (helper, otherHelper) = (18, 19)
    #expect(instrumented.globals[3].initializer == [.function(.refFunc, helper)])
    #expect(
      instrumented.elements == [
        ElementSegment(
          mode: .active(TableIndex(0), offset: [.i32(1)]),
          items: .functions([FunctionIndex(helper), FunctionIndex(otherHelper)])),
        ElementSegment(mode: .passive, items: .expressions(.funcref, [[.function(.refFunc, otherHelper)]])),
      ])
    let update = instrumented.functions[Sample.update].body.instructions
    #expect(update.contains(.function(.call, helper)))
    #expect(update.contains(.function(.refFunc, otherHelper)))
    #expect(instrumented.functions[Sample.otherHelper].body.instructions.contains(.function(.returnCall, helper)))
    // Calls of the nine stable imports, the second stable64_write among them, and of msg_reply.
    let reply = strategy.imports == .front ? 13 : 8
    let calls = update.compactMap { instruction in
      if instruction.opcode == .call, case .function(let function) = instruction.immediate {
        function.position
      } else {
        nil
      }
    }
    #expect(calls.suffix(10) == [22, 23, 24, 25, 26, 27, 28, 29, reply, 29])
  }

  @Test(arguments: [MemoryPlacement.end, .second])
  func memoryReferencesAreShifted(_ placement: MemoryPlacement) throws {
    let shape = SampleShape.all[2]
    let strategy = Strategy(memory: placement, imports: .front)
    let instrumented = try instrument(everything(shape), strategy: strategy, parameters: parameters)
    let loads = instrumented.functions[Sample.update].body.instructions.filter { $0.opcode == .i32Load }
    let first = placement == .end ? 1 : 3
    #expect(loads == [.access(.i32Load, memory: first), .access(.i32Load, memory: first + 1)])
  }

  // MARK: Data

  @Test func activeDataIsTakenOut() throws {
    let instrumented = try instrument(everything(), strategy: Strategy.all[0], parameters: parameters)
    #expect(
      instrumented.data == [
        DataSegment(mode: .passive, bytes: []), DataSegment(mode: .passive, bytes: [4, 5]),
        DataSegment(mode: .passive, bytes: [6, 7, 8]),
      ])
  }

  @Test func namedActiveDataKeepsItsPlace() throws {
    var module = around([
      .i32(0), .i32(0), .i32(0), Instruction(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(2))),
    ])
    let active = DataSegment(mode: .active(MemoryIndex(0), offset: [.i32(0)]), bytes: [1])
    module.data = [active, active, active, active]
    let instrumented = try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    #expect(instrumented.data == [DataSegment](repeating: DataSegment(mode: .passive, bytes: []), count: 3))
    #expect(instrumented.hasDataCount)
    module.functions[0].body.instructions = [.op(.end)]
    let without = try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    #expect(without.data.isEmpty)
    #expect(!without.hasDataCount)
  }

  @Test func namesOfDataTakenOutGoWithIt() throws {
    var module = around([
      .i32(0), .i32(0), .i32(0), Instruction(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(1))),
    ])
    let active = DataSegment(mode: .active(MemoryIndex(0), offset: [.i32(0)]), bytes: [1])
    module.data = [active, active, active]
    var names = NameSection()
    names.data = ["first", "second", "third"].enumerated().map { IndexedName(DataIndex($0.offset), $0.element) }
    module.customSections = [CustomSection(name: NameSection.sectionName, bytes: names.encoded())]
    let instrumented = try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    #expect(instrumented.names?.data.map(\.name) == ["first", "second"])
  }

  // MARK: Names

  @Test func namesAreShifted() throws {
    var module = everything()
    var names = NameSection()
    names.functions = [
      IndexedName(FunctionIndex(7), "write64"), IndexedName(FunctionIndex(9), "write64 again"),
      IndexedName(FunctionIndex(10), "update"), IndexedName(FunctionIndex(13), "helper"),
    ]
    names.locals = [FunctionNames(FunctionIndex(10), [IndexedName(LocalIndex(0), "count")])]
    names.labels = [
      FunctionNames(FunctionIndex(10), [IndexedName(LabelIndex(0), "again"), IndexedName(LabelIndex(1), "either")])
    ]
    module.customSections = [
      CustomSection(name: "icp:public a", bytes: [1]), CustomSection(name: "name", bytes: names.encoded()),
      CustomSection(name: "z", bytes: [2]),
    ]
    let strategy = Strategy(memory: .end, imports: .front)
    let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
    #expect(instrumented.customSections.map(\.name) == ["icp:public a", "name", "z"])
    let shifted = try #require(instrumented.names)
    #expect(shifted.functions.first { $0.name == "update" }?.index == FunctionIndex(15))
    #expect(shifted.functions.first { $0.name == "helper" }?.index == FunctionIndex(18))
    #expect(shifted.functions.first { $0.index == FunctionIndex(29) }?.name == "write64")
    #expect(shifted.functions.first { $0.index == FunctionIndex(20) }?.name == "decrement_instruction_counter")
    #expect(shifted.functions.map(\.index.value) == shifted.functions.map(\.index.value).sorted())
    #expect(shifted.locals.map(\.function) == [FunctionIndex(15)])
    // The check at entry adds a label before the loop's, the check in the loop one before that of the `if`.
    #expect(shifted.labels[0].names == [IndexedName(LabelIndex(1), "again"), IndexedName(LabelIndex(3), "either")])
  }

  // MARK: Refusals

  @Test func stableAccessNeedsHeap() throws {
    var module = Module()
    module.importSystem(.stable64Read)
    #expect(throws: InstrumentationError.stableAccessWithoutHeap(.stable64Read)) {
      try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    }
  }

  @Test func otherRefusals() throws {
    var module = everything()
    module.imports[0].kind = module.imports[1].kind
    #expect(throws: InstrumentationError.wrongSignature(.stableSize)) {
      try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    }
    module = everything()
    module.exports.append(Export(name: "stable_memory", kind: .memory(MemoryIndex(0))))
    #expect(throws: InstrumentationError.reservedExport("stable_memory")) {
      try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    }
    module.exports[module.exports.count - 1].name = "__persistent_mutable_global_1"
    #expect(throws: InstrumentationError.reservedExport("__persistent_mutable_global_1")) {
      try instrument(module, strategy: Strategy.all[0], parameters: parameters)
    }
    module.exports[module.exports.count - 1].name = "__persistent_mutable_global_7"
    try validate(try instrument(module, strategy: Strategy.all[0], parameters: parameters))
    var small = parameters
    small.heapLimit32 = 0
    #expect(throws: InstrumentationError.heapExceedsLimit(minimum: 1, limit: 0)) {
      try instrument(everything(), strategy: Strategy.all[0], parameters: small)
    }
    var large = parameters
    large.stableCapacity = 1 << 28
    #expect(throws: InstrumentationError.stableCapacityTooLarge(pages: 1 << 28)) {
      try instrument(everything(), strategy: Strategy.all[0], parameters: large)
    }
  }

  /// Whatever a module holds, instrumentation returns or throws.
  @Test func brokenModulesDoNotTrap() throws {
    var module = everything()
    module.types = []
    _ = try? instrument(module, strategy: Strategy.all[0], parameters: parameters)
    module = everything()
    module.functions[0].type = TypeIndex(9_999)
    module.functions[0].body.instructions += [
      .function(.call, 1 << 31), .access(.i32Load, memory: 77), .memory(.memoryGrow, 1 << 31), .memory(.memoryFill, 5),
      .table(.tableFill, 9), Instruction(.dataDrop, .data(DataIndex(1 << 31))), .op(.else),
      Instruction(.memoryGrow, .i32(1)), Instruction(.call),
    ]
    module.functions[1].body.instructions = []
    module.functions[2].body.locals = [LocalGroup(count: .max, type: .i32), LocalGroup(count: .max, type: .i64)]
    module.functions[2].body.instructions.insert(.memory(.memoryGrow), at: 0)
    module.exports.append(Export(name: "x", kind: .global(GlobalIndex(1 << 31))))
    module.start = FunctionIndex(1 << 31)
    for strategy in Strategy.all { _ = try? instrument(module, strategy: strategy, parameters: parameters) }
  }
}

/// The type of a function of a valid module.
private func type(of function: FunctionIndex, in module: Module) -> FunctionType {
  module.types[IndexSpaces(module).functions[function.position].position]
}
