// Vectors as values: two registers each, wherever values go. What the instructions compute is the specification suite's
// business; here each place that a value can pass through gets one.

import Execution
import Testing
import Wasm

extension Instruction {
  fileprivate static func vector(_ low: UInt64, _ high: UInt64) -> Instruction {
    Instruction(.v128Const, .v128(V128(low: low, high: high)))
  }

  fileprivate static func lane(_ opcode: Opcode, _ lane: UInt8, offset: UInt64 = 0, memory: Int = 0) -> Instruction {
    Instruction(
      opcode,
      .memoryLane(MemoryAccess(alignment: 0, offset: offset, memory: MemoryIndex(memory)), lane: lane))
  }

  fileprivate static let addVectors = Instruction(.i64x2Add)
}

@Suite struct InterpreterVectorTests {
  @Test func parametersAndLocalsTakeTwoRegisters() throws {
    var module = SmallModule()
    // Parameters 0 and 2 and local 4 are scalars, 1 and 3 and 5 vectors.
    let function = module.add(
      [.i32, .v128, .i64], [.i64, .v128, .i32, .v128],
      locals: [LocalGroup(count: 1, type: .v128), LocalGroup(count: 1, type: .i64), LocalGroup(count: 1, type: .v128)],
      [
        .get(1), .vector(10, 20), .addVectors, .set(3), .get(2), .i64(1), Instruction(.i64Add), .set(4),
        .get(4), .get(3), .get(0), .get(5),
      ])
    #expect(try module.run(function, 7, 1, 2, 8) == [9, 11, 22, 7, 0, 0])
  }

  @Test func anOperandKeepsTheValueOfALocalThatIsThenWritten() throws {
    var module = SmallModule()
    let function = module.add(
      [.v128], [.v128, .v128, .v128],
      [.get(0), .get(0), .vector(3, 4), .addVectors, .tee(0), .get(0), .vector(9, 9), .set(0)])
    #expect(try module.run(function, 1, 2) == [1, 2, 4, 6, 4, 6])
  }

  @Test func resultsOverlapOperands() throws {
    var module = SmallModule()
    // A splat's result covers the register behind its operand, a replacement's operand the one behind its result.
    let splat = module.add([.i32], [.v128], [.get(0), .i32(1), .add, Instruction(.i8x16Splat)])
    let replace = module.add(
      [.v128, .i64], [.v128],
      [.get(0), .get(1), .i64(1), Instruction(.i64Add), Instruction(.i64x2ReplaceLane, .lane(1))])
    let extract = module.add(
      [.v128], [.i64], [.get(0), .vector(1, 1), .addVectors, Instruction(.i64x2ExtractLane, .lane(1))])
    #expect(try module.run(splat, 4) == [0x0505_0505_0505_0505, 0x0505_0505_0505_0505])
    #expect(try module.run(replace, 1, 2, 7) == [1, 8])
    #expect(try module.run(extract, 1, 2) == [3])
  }

  @Test func blocksAndBranchesMoveRegisters() throws {
    var module = SmallModule()
    let pair = module.blockType([], [.i32, .v128])
    // The branch leaves a vector and a scalar behind that have to go.
    let block = module.add(
      [.i32], [.i32, .v128],
      [
        .block(pair), .vector(1, 2), .i32(3), .i32(4), .vector(5, 6), .get(0), .brIf(0), .drop, .drop, .drop, .drop,
        .i32(7), .vector(8, 9), .end,
      ])
    #expect(try module.run(block, 1) == [4, 5, 6])
    #expect(try module.run(block, 0) == [7, 8, 9])

    let table = module.add(
      [.i32], [.i32, .v128], labels: [0, 1],
      [
        .block(pair), .block(pair), .vector(1, 2), .i32(3), .vector(4, 5), .get(0), .brTable(0, 2), .end, .drop, .drop,
        .i32(6), .vector(7, 8), .end,
      ])
    #expect(try module.run(table, 0) == [6, 7, 8])
    #expect(try module.run(table, 1) == [3, 4, 5])

    let choice = module.add(
      [.i32, .v128], [.v128],
      [
        .get(1), .get(0), .when(module.blockType([.v128], [.v128])), .vector(1, 1), .addVectors, .otherwise, .drop,
        .vector(9, 9), .end,
      ])
    #expect(try module.run(choice, 1, 5, 6) == [6, 7])
    #expect(try module.run(choice, 0, 5, 6) == [9, 9])

    // A loop that takes a vector and counts down.
    let loop = module.add(
      [.i32], [.v128],
      [
        .vector(0, 100), .loop(module.blockType([.v128], [.v128])), .vector(2, 3), .addVectors, .get(0), .i32(1), .sub,
        .tee(0), .brIf(0), .end,
      ])
    #expect(try module.run(loop, 5) == [10, 115])
  }

  @Test func selectTakesOneOfTwoVectors() throws {
    var module = SmallModule()
    let function = module.add(
      [.i32, .v128], [.v128], [.get(1), .vector(3, 4), .get(0), Instruction(.selectTyped, .resultType(.v128))])
    #expect(try module.run(function, 1, 1, 2) == [1, 2])
    #expect(try module.run(function, 0, 1, 2) == [3, 4])
  }

  @Test func callsPassAndReturnVectors() throws {
    var module = SmallModule()
    let type = module.type([.i32, .v128, .i32], [.v128, .i32])
    let callee = module.add(
      [.i32, .v128, .i32], [.v128, .i32], locals: [LocalGroup(count: 2, type: .v128)],
      [.get(1), .get(0), Instruction(.i64x2Shl), .get(3), .addVectors, .get(2)])
    module.addTable()
    let direct = module.add([.v128], [.v128, .i32], [.i32(1), .get(0), .i32(8), .call(callee)])
    let indirect = module.add(
      [.v128], [.v128, .i32],
      [
        .vector(0, 0), .drop, .i32(2), .get(0), .i32(8), .i32(0),
        Instruction(.callIndirect, .indirectCall(type, TableIndex(0))),
      ])
    let tail = module.add([.v128], [.v128, .i32], [.i32(3), .get(0), .i32(8), .returnCall(callee)])
    let indirectTail = module.add(
      [.v128], [.v128, .i32],
      [.i32(4), .get(0), .i32(8), .i32(0), Instruction(.returnCallIndirect, .indirectCall(type, TableIndex(0)))])
    #expect(try module.run(direct, 1, 3) == [2, 6, 8])
    #expect(try module.run(indirect, 1, 3) == [4, 12, 8])
    #expect(try module.run(tail, 1, 3) == [8, 24, 8])
    #expect(try module.run(indirectTail, 1, 3) == [16, 48, 8])
  }

  @Test func hostFunctionsSeeTwoSlots() throws {
    var module = SmallModule()
    let host = module.importFunction([.i32, .v128], [.v128, .i64])
    let function = module.add([.v128], [.v128, .i64], [.i32(5), .get(0), .call(host)])
    let imports = ClosureImports { _, slots, _ in
      (slots[0], slots[1], slots[2]) = (slots[1] + slots[0], slots[2] + slots[0], 77)
    }
    let instance = try module.instance(imports.objects())
    #expect(try Machine().invoke(function, of: instance, arguments: [1, 2]) == [6, 7, 77])
  }

  @Test func globalsHoldBothHalves() throws {
    var module = SmallModule()
    let imported = GlobalType(.v128)
    module.module.imports.append(Import(module: "test", name: "vector", kind: .global(imported)))
    module.module.globals = [
      Global(GlobalType(.i32, isMutable: true), [.i32(5)]),
      Global(GlobalType(.v128, isMutable: true), [.vector(6, 7)]),
      Global(GlobalType(.v128, isMutable: true), [.get(GlobalIndex(0))]),
      Global(GlobalType(.i64, isMutable: true), [.i64(8)]),
    ]
    module.module.types = [FunctionType([], [.v128])]
    module.module.functions = [
      Function(
        type: TypeIndex(0),
        body: FunctionBody(instructions: [
          .get(GlobalIndex(2)), .get(GlobalIndex(3)), .addVectors, .set(GlobalIndex(2)), .get(GlobalIndex(2)), .end,
        ]))
    ]
    var objects = ImportedObjects()
    objects.globals = [GlobalCell(imported, bits: 30, high: 40)]
    let instance = try module.instance(objects)
    let saved = instance.saveGlobals()
    #expect(saved == [30, 40, 5, 6, 7, 30, 40, 8])
    #expect(try Machine().invoke(FunctionIndex(0), of: instance) == [36, 47])
    #expect(instance.saveGlobals() == [30, 40, 5, 36, 47, 30, 40, 8])
    instance.restoreGlobals(saved)
    #expect(instance.saveGlobals() == saved)
  }

  @Test func storesAreTakenBack() throws {
    var module = SmallModule()
    module.module.memories = [MemoryType(Limits(minimum: 1))]
    // One store across two OS pages, and one lane.
    let function = module.add([
      .i32(4_088), .vector(.max, .max), .access(.v128Store), .i32(9_000), .vector(.max, .max),
      .lane(.v128Store32Lane, 2, offset: 5),
    ])
    let instance = try module.instance()
    try Machine().invoke(function, of: instance)
    let memory = instance.memories[0]
    func bytes(_ address: UInt64, _ count: UInt64) throws -> [UInt8] {
      Array(try memory.bytes(at: address, count: count))
    }
    #expect(try bytes(4_086, 20) == [0, 0] + Array(repeating: 255, count: 16) + [0, 0])
    #expect(try bytes(9_004, 6) == [0, 255, 255, 255, 255, 0])
    #expect(memory.touchedPages == [0, 1, 2])
    memory.rollback()
    #expect(try bytes(4_086, 20) == Array(repeating: 0, count: 20))
    #expect(try bytes(9_004, 6) == Array(repeating: 0, count: 6))
  }

  // MARK: Memories that the loop has no operations for

  private static let loads: [Opcode] = [
    .v128Load, .v128Load8x8S, .v128Load8x8U, .v128Load16x4S, .v128Load16x4U, .v128Load32x2S, .v128Load32x2U,
    .v128Load8Splat, .v128Load16Splat, .v128Load32Splat, .v128Load64Splat, .v128Load32Zero, .v128Load64Zero,
  ]
  private static let laneLoads: [(Opcode, UInt8)] = [
    (.v128Load8Lane, 13), (.v128Load16Lane, 5), (.v128Load32Lane, 2), (.v128Load64Lane, 1), (.v128Load64Lane, 0),
  ]
  private static let laneStores: [(Opcode, UInt8)] = [
    (.v128Store8Lane, 13), (.v128Store16Lane, 5), (.v128Store32Lane, 2), (.v128Store64Lane, 1),
  ]

  /// A module with a memory 0 of either address width and a memory 1, both with the same bytes.
  private func twoMemories(is64Bit: Bool) -> SmallModule {
    var module = SmallModule()
    module.module.memories = [
      MemoryType(Limits(minimum: 1), is64Bit: is64Bit), MemoryType(Limits(minimum: 2)),
    ]
    let bytes = (0..<64).map { UInt8($0 * 37 & 255) }
    module.module.data = [
      DataSegment(mode: .active(MemoryIndex(0), offset: [is64Bit ? .i64(16) : .i32(16)]), bytes: bytes),
      DataSegment(mode: .active(MemoryIndex(1), offset: [.i32(16)]), bytes: bytes),
    ]
    return module
  }

  @Test(arguments: [false, true])
  func accessesToAllMemoriesAreTheSame(is64Bit: Bool) throws {
    // The operands that give an address: to memory 0 narrow or wide, to memory 1 always wide.
    func address(_ memory: Int, _ value: Int32) -> Instruction {
      is64Bit && memory == 0 ? .i64(Int64(value)) : .i32(value)
    }
    for (opcode, lane) in Self.loads.map({ ($0, nil) }) + Self.laneLoads.map({ ($0.0, $0.1 as UInt8?) }) {
      var module = twoMemories(is64Bit: is64Bit)
      let loads = (0...1).map { memory in
        let access: [Instruction] =
          lane.map { [.vector(1, 2), .lane(opcode, $0, offset: 8, memory: memory)] }
          ?? [.access(opcode, offset: 8, memory: memory)]
        return module.add([], [.v128], [address(memory, 13)] + access)
      }
      let first = try module.run(loads[0])
      #expect(try module.run(loads[1]) == first, "\(opcode)")
      #expect(first.contains { $0 > 2 }, "\(opcode)")
    }
    for (opcode, lane) in [(.v128Store, nil)] + Self.laneStores.map({ ($0.0, $0.1 as UInt8?) }) {
      var module = twoMemories(is64Bit: is64Bit)
      let stores = (0...1).map { memory in
        module.add([
          address(memory, 13), .vector(0x0102_0304_0506_0708, 0x090A_0B0C_0D0E_0F10),
          lane.map { .lane(opcode, $0, offset: 8, memory: memory) } ?? .access(opcode, offset: 8, memory: memory),
        ])
      }
      let instance = try module.instance()
      func contents(_ memory: Int) throws -> [UInt8] { Array(try instance.memories[memory].bytes(at: 0, count: 100)) }
      let before = try contents(0)
      for store in stores { try Machine().invoke(store, of: instance) }
      #expect(try contents(0) == contents(1), "\(opcode)")
      #expect(try contents(0) != before, "\(opcode)")
    }
  }

  @Test(arguments: [false, true])
  func accessesBeyondTheEndTrap(is64Bit: Bool) throws {
    for memory in 0...1 {
      let end = memory == 0 ? 65_536 : 131_072
      for (opcode, size) in [
        (.v128Load, 16), (.v128Load8x8U, 8), (.v128Load8Splat, 1), (.v128Load32Zero, 4), (.v128Load64Splat, 8),
      ] as [(Opcode, Int)] {
        var module = twoMemories(is64Bit: is64Bit)
        let type: ValueType = is64Bit && memory == 0 ? .i64 : .i32
        let load = module.add([type], [.v128], [.get(0), .access(opcode, offset: 3, memory: memory)])
        #expect(try module.trap(load, UInt64(end - size - 3)) == nil)
        #expect(try module.trap(load, UInt64(end - size - 2)) == .memoryOutOfBounds)
      }
      for (opcode, size) in [(.v128Store8Lane, 1), (.v128Store64Lane, 8)] as [(Opcode, Int)] {
        var module = twoMemories(is64Bit: is64Bit)
        let type: ValueType = is64Bit && memory == 0 ? .i64 : .i32
        let store = module.add([type], [], [.get(0), .vector(1, 1), .lane(opcode, 0, offset: 3, memory: memory)])
        #expect(try module.trap(store, UInt64(end - size - 3)) == nil)
        #expect(try module.trap(store, UInt64(end - size - 2)) == .memoryOutOfBounds)
      }
    }
  }

  // MARK: Numbers

  @Test func nansAreCanonical() throws {
    let nans: UInt64 = 0xFFC0_1234_7FA0_0001
    let results: [(Opcode, UInt64)] = [
      (.f32x4Add, 0x7FC0_0000_7FC0_0000), (.f32x4Min, 0x7FC0_0000_7FC0_0000), (.f32x4Max, 0x7FC0_0000_7FC0_0000),
      (.f32x4Pmin, nans), (.f32x4Pmax, nans),
    ]
    for (opcode, expected) in results {
      var module = SmallModule()
      let function = module.add([], [.v128], [.vector(nans, nans), .vector(0, 0), Instruction(opcode)])
      #expect(try module.run(function) == [expected, expected], "\(opcode)")
    }
    for opcode in [Opcode.f32x4Ceil, .f32x4Sqrt, .f32x4Nearest] {
      var module = SmallModule()
      let function = module.add([], [.v128], [.vector(nans, 0), Instruction(opcode)])
      #expect(try module.run(function) == [0x7FC0_0000_7FC0_0000, 0], "\(opcode)")
    }
    for (opcode, expected) in [
      (.f32x4Abs, 0x7FC0_1234_7FA0_0001), (.f32x4Neg, 0x7FC0_1234_FFA0_0001),
    ] as [(Opcode, UInt64)] {
      var module = SmallModule()
      let function = module.add([], [.v128], [.vector(nans, nans), Instruction(opcode)])
      #expect(try module.run(function) == [expected, expected], "\(opcode)")
    }
  }
}
