// Instruction counting of the interpreter against sums made by hand from the replica's rules: a run of code is charged
// in advance, its delimiter included; functions cost 1; only function entries and loop starts compare with zero.

import Execution
import Testing
import Wasm

/// Instructions that a call uses, with a limit that it does not reach.
private func used(_ module: SmallModule, _ function: FunctionIndex, _ arguments: UInt64...) throws -> Int64 {
  let machine = Machine()
  machine.counter = 1_000_000
  var options = TranslationOptions()
  options.countsInstructions = true
  try machine.invoke(function, of: try module.instance(ImportedObjects(), options), arguments: arguments)
  return 1_000_000 - machine.counter
}

/// As `used`, of one function that takes i32 values and gives none.
private func used(
  _ parameters: Int, labels: [UInt32] = [], _ body: [Instruction], _ arguments: UInt64...
) throws -> Int64 {
  let (rest, trap) = try rest(of: 1_000_000, parameters, labels: labels, body, arguments)
  #expect(trap == nil)
  return 1_000_000 - rest
}

/// The counter after a call with a limit, and the trap that ended it.
private func rest(
  of limit: Int64, _ parameters: Int, labels: [UInt32] = [], _ body: [Instruction], _ arguments: [UInt64] = []
) throws -> (Int64, Trap?) {
  var module = SmallModule()
  module.module.memories = [MemoryType(Limits(minimum: 1))]
  module.module.hasDataCount = true
  module.module.data = [DataSegment(mode: .passive, bytes: [1, 2, 3, 4])]
  module.module.tables = [Table(TableType(.funcref, Limits(minimum: 10)))]
  module.module.elements = [ElementSegment(mode: .passive, items: .functions([FunctionIndex(0), FunctionIndex(0)]))]
  let wide = BlockType.type(module.type([.i32, .i32, .i32]))
  let body = body.map { $0 == tripleParameters ? .when(wide) : $0 }
  let function = module.add(Array(repeating: .i32, count: parameters), [], labels: labels, body)
  var options = TranslationOptions()
  options.countsInstructions = true
  let instance = try module.instance(ImportedObjects(), options)
  let machine = Machine()
  machine.counter = limit
  do {
    try machine.invoke(function, of: instance, arguments: arguments)
    return (machine.counter, nil)
  } catch {
    return (machine.counter, error)
  }
}

/// Stands for an `if` that takes three i32 values, whose type index only `rest` knows.
private let tripleParameters = Instruction.when(.type(TypeIndex(999)))

private let memory = MemoryIndex(0)
private let table = TableIndex(0)

@Suite struct InterpreterCountingTests {
  @Test func straightCode() throws {
    #expect(try used(0, []) == 1)
    #expect(try used(0, [.nop]) == 2)
    #expect(try used(0, [.i32(1), .i32(2), .add, .drop]) == 1 + 4)
    // Operations that the translator leaves out cost what they cost.
    #expect(try used(1, [.get(0), .set(0), .get(0), .tee(0), .drop, .block(), .end], 7) == 1 + 5)
    #expect(try used(1, [.i32(7), .get(0), Instruction(.i32DivU), .drop], 1) == 1 + 2 + 10 + 1)
  }

  @Test func branches() throws {
    let both: [Instruction] = [.get(0), .when(), .nop, .otherwise, .nop, .nop, .end]
    #expect(try used(1, both, 1) == 1 + 1 + 2 + 1)
    #expect(try used(1, both, 0) == 1 + 1 + 2 + 2)
    let oneArm: [Instruction] = [.get(0), .when(), .nop, .end, .nop]
    #expect(try used(1, oneArm, 1) == 1 + 3 + 1 + 1)
    #expect(try used(1, oneArm, 0) == 1 + 3 + 1)
    let skipping: [Instruction] = [.block(), .get(0), .brIf(0), .nop, .end]
    #expect(try used(1, skipping, 1) == 1 + 1 + 2)
    #expect(try used(1, skipping, 0) == 1 + 1 + 2 + 1)
    let returning: [Instruction] = [.get(0), .when(), .nop, .leave, .end, .nop, .nop]
    #expect(try used(1, returning, 1) == 1 + 3 + 2)
    #expect(try used(1, returning, 0) == 1 + 3 + 2)
    // A fused comparison, and what cannot be reached.
    let fused: [Instruction] = [
      .block(), .get(0), .i32(5), Instruction(.i32LtS), .brIf(0), .br(0), .nop, .nop, .end, .nop,
    ]
    #expect(try used(1, fused, 1) == 1 + 5 + 1)
    #expect(try used(1, fused, 9) == 1 + 5 + 2 + 1)
    let table: [Instruction] = [.block(), .block(), .get(0), .brTable(0, 2), .end, .nop, .end, .nop]
    #expect(try used(1, labels: [0, 1], table, 0) == 1 + 1 + 2 + 1 + 1)
    #expect(try used(1, labels: [0, 1], table, 1) == 1 + 1 + 2 + 1)
  }

  @Test func loops() throws {
    let countDown: [Instruction] = [.loop(), .get(0), .i32(1), .sub, .tee(0), .brIf(0), .end]
    for count in [1, 2, 100] as [UInt64] { #expect(try used(1, countDown, count) == 1 + 6 * Int64(count)) }
    #expect(try used(0, [.loop(), .end, .nop]) == 1 + 1)
    // The branch back is in an arm of an `if`: get, const, sub, tee, if; then br.
    let nested: [Instruction] = [.loop(), .get(0), .i32(1), .sub, .tee(0), .when(), .br(1), .end, .end]
    #expect(try used(1, nested, 5) == 1 + 6 * 5 + 2 * 4)
  }

  @Test func calls() throws {
    var module = SmallModule()
    let empty = module.add([])
    let function = module.add([.nop, .call(empty), .nop])
    #expect(try used(module, function) == 1 + 1 + 5 + 1 + 1)
    let tail = module.add([.nop, .returnCall(empty), .nop])
    #expect(try used(module, tail) == 1 + 1 + 3 + 1)
    let indirect = module.add(
      [.i32(0), Instruction(.callIndirect, .indirectCall(module.type(), table)), .nop])
    module.addTable()
    #expect(try used(module, indirect) == 1 + 1 + 10 + 1 + 1)
  }

  @Test func bulkOperationsAreChargedBySize() throws {
    let three: [Instruction] = [.i32(0), .i32(0), .get(0)]
    let fill = three + [Instruction(.memoryFill, .memory(memory))]
    let copy = three + [Instruction(.memoryCopy, .memoryCopy(destination: memory, source: memory))]
    let initialize = three + [Instruction(.memoryInit, .memoryInit(memory, DataIndex(0)))]
    let tableFill: [Instruction] = [
      .i32(0), Instruction(.refNull, .referenceType(.funcref)), .get(0), Instruction(.tableFill, .table(table)),
    ]
    let tableCopy = three + [Instruction(.tableCopy, .tableCopy(destination: table, source: table))]
    let tableInit = three + [Instruction(.tableInit, .tableInit(table, ElementIndex(0)))]
    for body in [fill, copy, initialize, tableFill, tableCopy, tableInit] {
      #expect(try used(1, body, 0) == 1 + 3 + 100)
      #expect(try used(1, body, 2) == 1 + 3 + 100 + 2)
    }
    #expect(try used(1, fill, 60_000) == 1 + 3 + 100 + 60_000)
    // A constant size, and growth, which is not charged by size.
    #expect(try used(0, [.i32(0), .i32(0), .i32(9), Instruction(.memoryFill, .memory(memory))]) == 1 + 3 + 100 + 9)
    #expect(try used(1, [.get(0), Instruction(.memoryGrow, .memory(memory)), .drop], 3) == 1 + 1 + 300 + 1)
    // Out of bounds: charged before the trap.
    #expect(try rest(of: 1_000_000, 1, fill, [70_000]) == (1_000_000 - 104 - 70_000, .memoryOutOfBounds))
    // A size that the counter does not hold: unsigned, and charged in full.
    #expect(try rest(of: 1_000, 1, fill, [0xFFFF_FFFF]) == (1_000 - 104 - 0xFFFF_FFFF, .outOfInstructions))
    // At the start of a run the size is charged before the run.
    let first: [Instruction] =
      [.i32(0), .i32(0), .i32(50), .get(0), tripleParameters] + [
        Instruction(.memoryFill, .memory(memory)), .otherwise, .drop, .drop, .drop, .end,
      ]
    #expect(try rest(of: 1_000, 1, first, [1]) == (1_000 - 7 - 50 - 100, nil))
    #expect(try rest(of: 27, 1, first, [1]) == (27 - 7 - 50, .outOfInstructions))
  }

  @Test func hugeSizesPinTheCounter() throws {
    var module = SmallModule()
    module.module.memories = [MemoryType(Limits(minimum: 1), is64Bit: true)]
    let function = module.add([.i64(0), .i32(0), .i64(-1), Instruction(.memoryFill, .memory(memory))])
    var options = TranslationOptions()
    options.countsInstructions = true
    let instance = try module.instance(ImportedObjects(), options)
    let machine = Machine()
    machine.counter = 1_000
    // 1,000 − (2⁶⁴ − 1) would be more than there was.
    #expect(throws: Trap.outOfInstructions) { try machine.invoke(function, of: instance) }
    #expect(machine.counter == .min)
  }

  @Test func accessesOfWideHeapsCostTwo() throws {
    for is64Bit in [false, true] {
      var module = SmallModule()
      module.module.memories = [
        MemoryType(Limits(minimum: 1), is64Bit: is64Bit), MemoryType(Limits(minimum: 1), is64Bit: !is64Bit),
      ]
      let zero: (Bool) -> Instruction = { $0 ? .i64(0) : .i32(0) }
      let load = module.add([zero(is64Bit), .access(.i64Load), .drop])
      let store = module.add([zero(is64Bit), .i32(1), .access(.i32Store8)])
      // The width of memory 0 decides, whichever memory is accessed.
      let other = module.add([zero(!is64Bit), .access(.i32Load, memory: 1), .drop])
      #expect(try used(module, load) == 1 + 1 + (is64Bit ? 2 : 1) + 1)
      #expect(try used(module, store) == 1 + 2 + (is64Bit ? 2 : 1))
      #expect(try used(module, other) == 1 + 1 + (is64Bit ? 2 : 1) + 1)
    }
  }

  @Test func onlyEntriesAndLoopsAreChecked() throws {
    #expect(try rest(of: 1, 0, []) == (0, nil))
    #expect(try rest(of: 0, 0, []) == (-1, .outOfInstructions))
    #expect(try rest(of: 5, 0, [.nop, .nop, .nop, .nop]) == (0, nil))
    #expect(try rest(of: 4, 0, [.nop, .nop, .nop, .nop]) == (-1, .outOfInstructions))
    // An arm goes below zero unnoticed, and traps of its own come first.
    let arm: [Instruction] = [.get(0), .when()] + Array(repeating: .nop, count: 10) + [.end]
    #expect(try rest(of: 4, 1, arm, [1]) == (-10, nil))
    #expect(try rest(of: 4, 1, [.get(0), .when(), .nop, .unreachable, .end], [1]) == (-2, .unreachable))
    // Until a loop or a function begins.
    #expect(try rest(of: 4, 1, arm + [.loop(), .end], [1]) == (-10, .outOfInstructions))
    #expect(try rest(of: 5, 1, arm + [.loop(), .end], [0]) == (1, nil))
    let countDown: [Instruction] = [.loop(), .get(0), .i32(1), .sub, .tee(0), .brIf(0), .end]
    #expect(try rest(of: 13, 1, countDown, [100]) == (-6, .outOfInstructions))
    #expect(try rest(of: 13, 1, countDown, [2]) == (0, nil))
    // A loop without cost still checks, and an endless one ends.
    #expect(try rest(of: 10, 0, [.loop(), .br(0), .end]) == (-1, .outOfInstructions))
    #expect(try rest(of: 1_001, 0, [.loop(), .br(0), .end]) == (-2, .outOfInstructions))
  }
}
