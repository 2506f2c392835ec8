// Metering of bodies made by hand against bodies written out by hand: the costs are added up from the rules, in the
// comments beside them.

import Canister
import Instrumentation
import Testing
import Wasm

@Suite struct MeteringTests {
  private let strategy = Strategy(memory: .end, imports: .after)

  /// Writes expected bodies.
  struct Expected {
    let layout: InstrumentedLayout

    /// A point that takes `cost` from the counter.
    func point(_ cost: Int64) -> [Instruction] {
      let counter = layout.instructionCounter
      return [.get(counter), .i64(cost), .op(.i64Sub), .set(counter)]
    }

    /// A point at function entry or a loop head, which also checks the counter.
    func checkedPoint(_ cost: Int64) -> [Instruction] {
      point(cost) + [
        .get(layout.instructionCounter), .i64(0), .op(.i64LtS), .block(.if), .call(layout.outOfInstructions),
        .op(.end),
      ]
    }

    var charge32: [Instruction] { [.op(.i64ExtendI32U), .call(layout.decrement), .op(.i32WrapI64)] }
    var charge64: [Instruction] { [.call(layout.decrement)] }
  }

  private func expect(
    _ body: [Instruction], locals: [LocalGroup] = [], is64BitHeap: Bool = false,
    becomes expected: (Expected) -> [Instruction], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let module = around(body, locals: locals, is64BitHeap: is64BitHeap)
    try validate(module)
    let instrumented = try instrument(module, strategy: strategy, parameters: Parameters())
    try validate(instrumented)
    let layout = try InstrumentedLayout(of: module, strategy: strategy)
    let metered = instrumented.functions[0].body.instructions
    let wanted = expected(Expected(layout: layout)) + [.op(.end)]
    #expect(lines(metered) == lines(wanted), sourceLocation: sourceLocation)
  }

  private func lines(_ instructions: [Instruction]) -> [String] {
    instructions.map { printInstruction($0, labels: []) }
  }

  @Test func emptyFunction() throws {
    try expect([]) { $0.checkedPoint(1) }
  }

  @Test func straightLine() throws {
    // entry 1, i32.const 1, drop 1, f32.const 1, f32.sqrt 5, drop 1
    let body: [Instruction] = [
      .i32(0), .op(.drop), Instruction(.f32Const, .f32(0)), .op(.f32Sqrt), .op(.drop),
    ]
    try expect(body) { $0.checkedPoint(10) + body }
  }

  @Test func blocksAndCallsDoNotSplit() throws {
    // entry 1, block 0, call 5 (its end closes the metered block), nop 1
    try expect([.block(.block), .function(.call, 0), .op(.end), .op(.nop)]) {
      $0.checkedPoint(6) + [.block(.block), .call(FunctionIndex(5)), .op(.end)] + $0.point(1) + [.op(.nop)]
    }
  }

  @Test func loops() throws {
    // entry 1, loop 0 | nop 1, i32.const 1, br_if 2 | nothing to charge before end | nop 1
    try expect([.block(.loop), .op(.nop), .i32(0), .branch(.brIf, 0), .op(.end), .op(.nop)]) {
      $0.checkedPoint(1) + [.block(.loop)] + $0.checkedPoint(4) + [.op(.nop), .i32(0), .branch(.brIf, 0), .op(.end)]
        + $0.point(1) + [.op(.nop)]
    }
    // The head of an empty loop is checked although it costs nothing.
    try expect([.block(.loop), .op(.end)]) {
      $0.checkedPoint(1) + [.block(.loop)] + $0.checkedPoint(0) + [.op(.end)]
    }
  }

  @Test func conditions() throws {
    // entry 1, i32.const 1, if 2 | nop 1, else 0 | nop 1, nop 1, end 0 |
    try expect([.i32(1), .block(.if), .op(.nop), .op(.else), .op(.nop), .op(.nop), .op(.end)]) {
      $0.checkedPoint(4) + [.i32(1), .block(.if)] + $0.point(1) + [.op(.nop), .op(.else)] + $0.point(2)
        + [.op(.nop), .op(.nop), .op(.end)]
    }
  }

  @Test func deadCodeIsCharged() throws {
    // entry 1, return 1 | nop 1, unreachable 1 | return_call 3 | end 0
    try expect([.op(.return), .op(.nop), .op(.unreachable), .function(.returnCall, 0)]) {
      $0.checkedPoint(2) + [.op(.return)] + $0.point(2) + [.op(.nop), .op(.unreachable)] + $0.point(3)
        + [Instruction(.returnCall, .function(FunctionIndex(5)))]
    }
  }

  @Test func loadsCostTwiceWithWideHeap() throws {
    // entry 1, const 1, i32.load 1 or 2, drop 1
    try expect([.i32(0), .access(.i32Load), .op(.drop)]) {
      $0.checkedPoint(4) + [.i32(0), .access(.i32Load), .op(.drop)]
    }
    try expect([.i64(0), .access(.i32Load), .op(.drop)], is64BitHeap: true) {
      $0.checkedPoint(5) + [.i64(0), .access(.i32Load), .op(.drop)]
    }
    // The width of memory 0 decides, whatever memory is read.
    try expect([.i64(0), .access(.i32Load, memory: 1), .op(.drop)]) {
      $0.checkedPoint(4) + [.i64(0), .access(.i32Load, memory: 1), .op(.drop)]
    }
  }

  // MARK: Dynamic charges

  @Test func bulkOnMemories() throws {
    let copy = { (destination: Int, source: Int) in
      Instruction(
        .memoryCopy, .memoryCopy(destination: MemoryIndex(destination), source: MemoryIndex(source)))
    }
    let initialize = Instruction(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(0)))
    // entry 1, three constants 3, the bulk instruction 100
    try expect([.i32(0), .i32(0), .i32(9), .memory(.memoryFill)]) {
      $0.checkedPoint(104) + [.i32(0), .i32(0), .i32(9)] + $0.charge32 + [.memory(.memoryFill)]
    }
    try expect([.i64(0), .i32(0), .i64(9), .memory(.memoryFill)], is64BitHeap: true) {
      $0.checkedPoint(104) + [.i64(0), .i32(0), .i64(9)] + $0.charge64 + [.memory(.memoryFill)]
    }
    try expect([.i32(0), .i32(0), .i32(9), copy(0, 0)]) {
      $0.checkedPoint(104) + [.i32(0), .i32(0), .i32(9)] + $0.charge32 + [copy(0, 0)]
    }
    // Between memories of different widths the size is an i32.
    try expect([.i64(0), .i32(0), .i32(9), copy(1, 0)]) {
      $0.checkedPoint(104) + [.i64(0), .i32(0), .i32(9)] + $0.charge32 + [copy(1, 0)]
    }
    try expect([.i64(0), .i64(0), .i64(9), copy(0, 0)], is64BitHeap: true) {
      $0.checkedPoint(104) + [.i64(0), .i64(0), .i64(9)] + $0.charge64 + [copy(0, 0)]
    }
    try expect([.i64(0), .i32(0), .i32(9), initialize], is64BitHeap: true) {
      $0.checkedPoint(104) + [.i64(0), .i32(0), .i32(9)] + $0.charge32 + [initialize]
    }
    // data.drop 300, without a dynamic charge
    try expect([Instruction(.dataDrop, .data(DataIndex(0)))]) {
      $0.checkedPoint(301) + [Instruction(.dataDrop, .data(DataIndex(0)))]
    }
  }

  @Test func bulkOnTables() throws {
    let null = Instruction(.refNull, .referenceType(.funcref))
    // entry 1, constants 2, ref.null 1, table.fill 100; a 32-bit table has 32-bit sizes beside a 64-bit heap too (H24)
    for is64BitHeap in [false, true] {
      try expect([.i32(0), null, .i32(1), .table(.tableFill, 0)], is64BitHeap: is64BitHeap) {
        $0.checkedPoint(104) + [.i32(0), null, .i32(1)] + $0.charge32 + [.table(.tableFill, 0)]
      }
      try expect([.i64(0), null, .i64(1), .table(.tableFill, 1)], is64BitHeap: is64BitHeap) {
        $0.checkedPoint(104) + [.i64(0), null, .i64(1)] + $0.charge64 + [.table(.tableFill, 1)]
      }
    }
    let copy = Instruction(.tableCopy, .tableCopy(destination: TableIndex(1), source: TableIndex(0)))
    try expect([.i64(0), .i32(0), .i32(1), copy]) {
      $0.checkedPoint(104) + [.i64(0), .i32(0), .i32(1)] + $0.charge32 + [copy]
    }
    let initialize = Instruction(.tableInit, .tableInit(TableIndex(1), ElementIndex(0)))
    try expect([.i64(0), .i32(0), .i32(1), initialize]) {
      $0.checkedPoint(104) + [.i64(0), .i32(0), .i32(1)] + $0.charge32 + [initialize]
    }
  }

  @Test func dynamicChargeComesFirst() throws {
    // The block that begins at the bulk instruction: entry 1, constants 3, block 0, end 0 | memory.fill 100
    let size = [Instruction(.block, .block(.value(.i32))), .i32(9), .op(.end)]
    try expect([.i32(0), .i32(0)] + size + [.memory(.memoryFill)]) {
      $0.checkedPoint(4) + [.i32(0), .i32(0)] + size + $0.charge32 + $0.point(100) + [.memory(.memoryFill)]
    }
  }

  // MARK: Growth

  @Test func growthIsChecked() throws {
    // entry 1, const 1, memory.grow 300, drop 1, twice with the same fresh local
    let locals = [LocalGroup(count: 2, type: .f32), LocalGroup(count: 1, type: .i64)]
    try expect([.i32(1), .memory(.memoryGrow), .op(.drop), .i32(2), .memory(.memoryGrow), .op(.drop)], locals: locals) {
      let grow: [Instruction] = [
        .local(.localTee, 3), .memory(.memoryGrow), .local(.localGet, 3), .call($0.layout.tryGrowWasmMemory),
        .op(.drop),
      ]
      return $0.checkedPoint(605) + [.i32(1)] + grow + [.i32(2)] + grow
    }
    try expect([.i64(1), .memory(.memoryGrow), .op(.drop)], is64BitHeap: true) {
      $0.checkedPoint(303) + [.i64(1), .local(.localTee, 0), .memory(.memoryGrow), .local(.localGet, 0)]
        + [.call($0.layout.tryGrowWasmMemory), .op(.drop)]
    }
  }

  @Test func growthOfOtherWidthIsPlain() throws {
    try expect([.i64(1), .memory(.memoryGrow, 1), .op(.drop)]) {
      $0.checkedPoint(303) + [.i64(1), .memory(.memoryGrow, 1), .op(.drop)]
    }
  }
}
