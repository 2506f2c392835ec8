// The translator's own cases, which the specification's suite does not aim at: operands that stand for locals, values
// carried by branches, fused and far branches, large frames.

import Execution
import Testing
import Wasm

private let one: [ValueType] = [.i32]
private let two: [ValueType] = [.i32, .i32]

/// The results of a function that takes and gives i32 values.
private func results(
  _ parameters: Int, _ results: Int, locals: Int = 0, labels: [UInt32] = [], _ body: [Instruction],
  _ arguments: Int32...
) throws -> [Int32] {
  var module = SmallModule()
  let function = module.add(
    Array(repeating: .i32, count: parameters), Array(repeating: .i32, count: results),
    locals: locals == 0 ? [] : [LocalGroup(count: UInt32(locals), type: .i32)], labels: labels, body)
  let bits = try Machine().invoke(
    function, of: try module.instance(), arguments: arguments.map { UInt64(UInt32(bitPattern: $0)) })
  return bits.map { Int32(truncatingIfNeeded: $0) }
}

@Suite struct InterpreterOrderTests {
  @Test func operationsHaveTheNamesOfOpcodes() {
    var compared = 0
    for opcode in Opcode.allCases {
      guard let name = opcode.operationName else { continue }
      #expect(name == "\(opcode)")
      compared += 1
    }
    #expect(compared == 14 + 9 + 136 + 236)
  }
}

@Suite struct InterpreterOperandTests {
  @Test func anOperandKeepsTheValueOfALocalThatIsThenWritten() throws {
    #expect(try results(1, 1, [.get(0), .get(0), .i32(1), .add, .set(0), .get(0), .sub], 5) == [-1])
    #expect(try results(1, 2, [.get(0), .i32(7), .set(0), .get(0)], 5) == [5, 7])
    #expect(try results(1, 1, [.get(0), .get(0), .i32(3), .set(0), .add, .get(0), .sub], 5) == [7])
    #expect(try results(2, 2, [.get(0), .get(1), .set(0), .get(0)], 5, 6) == [5, 6])
    #expect(try results(1, 3, [.get(0), .get(0), .i32(5), .mul, .tee(0), .get(0)], 5) == [5, 25, 25])
    #expect(try results(1, 3, [.get(0), .i32(9), .tee(0), .get(0)], 5) == [5, 9, 9])
    // A temporary below the written value stays what it is.
    #expect(try results(2, 1, [.get(0), .i32(1), .add, .get(0), .set(1), .get(1), .add], 5, 0) == [11])
    // The value of an operation that is not the last one any more.
    #expect(try results(2, 1, [.get(0), .i32(1), .add, .get(0), .drop, .set(1), .get(1)], 5, 0) == [6])
  }

  @Test func aLocalCanBeWrittenWithItself() throws {
    #expect(try results(1, 1, [.get(0), .get(0), .set(0), .get(0), .add], 5) == [10])
    #expect(try results(1, 2, [.get(0), .tee(0), .get(0)], 5) == [5, 5])
    #expect(try results(2, 2, [.get(0), .get(1), .set(0), .set(1), .get(0), .get(1)], 5, 6) == [6, 5])
    #expect(try results(1, 1, [.get(0), .get(0), .add, .set(0), .get(0), .get(0), .mul, .set(0), .get(0)], 3) == [36])
  }

  @Test func operandsSurviveALoopThatWritesTheirLocals() throws {
    let countDown: [Instruction] = [.loop(), .get(0), .i32(1), .sub, .tee(0), .brIf(0), .end]
    #expect(try results(1, 2, [.get(0)] + countDown + [.get(0)], 5) == [5, 0])
    // Within the loop: the old value stands below when the local is written, in every iteration.
    let sum: [Instruction] = [
      .loop(), .get(1), .get(0), .get(0), .i32(1), .sub, .set(0), .add, .set(1), .get(0), .brIf(0), .end, .get(1),
    ]
    #expect(try results(2, 1, sum, 5, 0) == [15])
    // A block in the loop leaves early with a value that stands for the local.
    let early: [Instruction] = [
      .loop(.value(.i32)), .block(.value(.i32)), .get(0), .get(0), .i32(3), Instruction(.i32LtS), .brIf(0), .drop,
      .get(0),
      .i32(2), .sub, .set(0), .br(1), .end, .end,
    ]
    #expect(try results(1, 1, early, 9) == [1])
  }

  @Test func operandsSurviveArmsThatWriteTheirLocals() throws {
    let oneArm: [Instruction] = [.get(0), .get(1), .when(), .i32(9), .set(0), .end, .get(0)]
    #expect(try results(2, 2, oneArm, 5, 0) == [5, 5])
    #expect(try results(2, 2, oneArm, 5, 1) == [5, 9])
    let twoArms: [Instruction] = [
      .get(0), .get(1), .get(1), .when(), .i32(9), .set(0), .otherwise, .get(0), .i32(1), .add, .set(1), .end, .get(0),
      .get(1),
    ]
    #expect(try results(2, 4, twoArms, 5, 0) == [5, 0, 5, 6])
    #expect(try results(2, 4, twoArms, 5, 1) == [5, 1, 9, 1])
    // A constant that no register holds yet, across arms of which one is left early.
    let constant: [Instruction] = [
      .i32(5), .block(), .get(0), .brIf(0), .i32(1), .set(0), .end, .get(0), .sub,
    ]
    #expect(try results(1, 1, constant, 0) == [4])
    #expect(try results(1, 1, constant, 3) == [2])
  }

  @Test func aBranchTakesTheValueAndTheOtherWayKeepsIt() throws {
    let body: [Instruction] = [
      .block(.value(.i32)), .get(0), .get(1), .brIf(0), .i32(5), .set(0), .get(0), .add, .end,
    ]
    #expect(try results(2, 1, body, 7, 1) == [7])
    #expect(try results(2, 1, body, 7, 0) == [12])
    // The same out of the function.
    let leaving: [Instruction] = [.get(0), .get(1), .brIf(0), .i32(5), .set(0), .get(0), .add]
    #expect(try results(2, 1, leaving, 7, 1) == [7])
    #expect(try results(2, 1, leaving, 7, 0) == [12])
  }

  @Test func argumentsOfCallsAreTakenBeforeLocalsAreWritten() throws {
    var module = SmallModule()
    let minus = module.add(two, one, [.get(0), .get(1), .sub])
    let function = module.add(one, one, [.get(0), .i32(8), .set(0), .get(0), .call(minus)])
    #expect(try module.run(function, 50) == [42])
    // Operands below the arguments stay, whatever the callee does with its frame.
    let below = module.add(
      one, one, locals: [LocalGroup(count: 1, type: .i32)],
      [.get(0), .i32(1_000), .get(0), .i32(1), .add, .i32(3), .i32(2), .call(minus), .add, .add, .add])
    #expect(try module.run(below, 5) == [5 + 1_000 + 6 + 1])
  }

  @Test func conditionsMayBeAnything() throws {
    let choose: (Instruction) -> [Instruction] = {
      [.get(0), .get(1), $0, .when(.value(.i32)), .i32(1), .otherwise, .i32(0), .end]
    }
    let comparisons: [(Opcode, (Int32, Int32) -> Bool)] = [
      (.i32Eq, { $0 == $1 }), (.i32Ne, { $0 != $1 }), (.i32LtS, { $0 < $1 }), (.i32GtS, { $0 > $1 }),
      (.i32LeS, { $0 <= $1 }), (.i32GeS, { $0 >= $1 }),
      (.i32LtU, { UInt32(bitPattern: $0) < UInt32(bitPattern: $1) }),
      (.i32GtU, { UInt32(bitPattern: $0) > UInt32(bitPattern: $1) }),
      (.i32LeU, { UInt32(bitPattern: $0) <= UInt32(bitPattern: $1) }),
      (.i32GeU, { UInt32(bitPattern: $0) >= UInt32(bitPattern: $1) }),
    ]
    let values: [Int32] = [0, 1, -1, .min, .max, 32_767, 32_768, -32_768, -32_769]
    for (opcode, compare) in comparisons {
      for left in values {
        for right in values {
          let expected: [Int32] = [compare(left, right) ? 1 : 0]
          #expect(try results(2, 1, choose(Instruction(opcode)), left, right) == expected)
          let onRight: [Instruction] = [
            .block(), .get(0), .i32(right), Instruction(opcode), .brIf(0), .i32(0), .leave, .end, .i32(1),
          ]
          #expect(try results(1, 1, onRight, left) == expected, "\(opcode) \(left) \(right)")
          let onLeft: [Instruction] = [
            .block(), .i32(left), .get(0), Instruction(opcode), .brIf(0), .i32(0), .leave, .end, .i32(1),
          ]
          #expect(try results(1, 1, onLeft, right) == expected, "\(opcode) \(left) \(right)")
        }
      }
    }
  }

  @Test func aComparisonThatIsKeptIsNotFused() throws {
    let kept: [Instruction] = [
      .get(0), .i32(3), Instruction(.i32LtS), .tee(1), .when(.value(.i32)), .get(1), .otherwise, .i32(50), .end,
      .get(1),
    ]
    #expect(try results(1, 2, locals: 1, kept, 1) == [1, 1])
    #expect(try results(1, 2, locals: 1, kept, 4) == [50, 0])
    // Twice negated, and a branch on a result of a block.
    let negated: [Instruction] = [
      .get(0), Instruction(.i32Eqz), Instruction(.i32Eqz), .when(.value(.i32)), .i32(1), .otherwise, .i32(2), .end,
    ]
    #expect(try results(1, 1, negated, 0) == [2])
    #expect(try results(1, 1, negated, 8) == [1])
    let joined: [Instruction] = [
      .get(0), .when(.value(.i32)), .i32(0), .otherwise, .get(0), Instruction(.i32Eqz), .end, .when(.value(.i32)),
      .i32(1),
      .otherwise, .i32(2), .end,
    ]
    #expect(try results(1, 1, joined, 0) == [1])
    #expect(try results(1, 1, joined, 8) == [2])
  }
}

@Suite struct InterpreterBlockTests {
  @Test func blocksTakeAndGiveSeveralValues() throws {
    var module = SmallModule()
    let swap = module.add(
      two, two, [.get(0), .get(1), .block(module.blockType(two, two)), .set(0), .set(1), .get(0), .get(1), .end])
    #expect(try module.run(swap, 5, 6) == [6, 5])
    let onlyThen = module.add(
      two, one,
      [.get(0), .i32(3), .get(1), .when(module.blockType(two, two)), .add, .i32(100), .end, .mul])
    #expect(try module.run(onlyThen, 4, 1) == [700])
    #expect(try module.run(onlyThen, 4, 0) == [12])
    let left = module.add(
      two, one,
      [
        .get(0), .i32(3), .get(1), .when(module.blockType(two, one)), .add, .otherwise, .drop, .i32(10), .add, .leave,
        .end,
        .i32(1), .add,
      ])
    #expect(try module.run(left, 4, 1) == [8])
    #expect(try module.run(left, 4, 0) == [14])
  }

  @Test func loopsTakeValuesWithEveryIteration() throws {
    var module = SmallModule()
    // Fibonacci numbers: the loop's parameters are two neighbours, local 0 counts down.
    let fibonacci = module.add(
      one, one, locals: [LocalGroup(count: 2, type: .i32)],
      [
        .i32(0), .i32(1), .loop(module.blockType(two, two)), .set(2), .set(1), .get(2), .get(1), .get(2), .add, .get(0),
        .i32(1), .sub, .tee(0), .brIf(0), .end, .drop,
      ])
    #expect(try module.run(fibonacci, 10) == [55])
    // The branch back stands above another value, so that its own has to be moved.
    let moved = module.add(
      one, one, locals: [LocalGroup(count: 1, type: .i32)],
      [
        .i32(1), .loop(module.blockType(one, one)), .i32(2), .mul, .set(1), .i32(77), .get(1), .get(0), .i32(1), .sub,
        .tee(0),
        .brIf(0), .set(1), .drop, .get(1), .end,
      ])
    #expect(try module.run(moved, 10) == [1024])
  }

  @Test func branchesDropWhatIsBelowTheirValues() throws {
    var module = SmallModule()
    let junk = module.add(
      two, one,
      [
        .i32(1), .block(module.blockType([], two)), .i32(111), .i32(222), .get(0), .get(1), .br(0), .end, .sub, .add,
      ])
    #expect(try module.run(junk, 50, 8) == [43])
    let conditional = module.add(
      two, two,
      [
        .block(module.blockType([], two)), .i32(111), .get(0), .i32(5), .get(1), .brIf(0), .add, .end,
      ])
    #expect(try module.run(conditional, 50, 1) == [50, 5])
    #expect(try module.run(conditional, 50, 0) == [111, 55])
    let outOfFunction = module.add(
      two, two, [.i32(111), .get(1), .get(0), .get(1), .brIf(0), .drop, .drop, .get(0), .leave])
    #expect(try module.run(outOfFunction, 50, 1) == [1, 50])
    #expect(try module.run(outOfFunction, 50, 0) == [111, 50])
  }

  @Test func tablesOfBranchesCarryValues() throws {
    // Targets at three heights, one of them the function itself; each leaves its own mark.
    let body: [Instruction] = [
      .i32(1_000), .block(.value(.i32)), .i32(5), .i32(6), .block(.value(.i32)), .i32(7), .get(0), .get(1),
      .brTable(0, 4),
      .end, .add, .add, .end, .add,
    ]
    let labels: [UInt32] = [0, 1, 2, 1]
    #expect(try results(2, 1, labels: labels, body, 40, 0) == [40 + 6 + 5 + 1_000])
    #expect(try results(2, 1, labels: labels, body, 40, 1) == [40 + 1_000])
    #expect(try results(2, 1, labels: labels, body, 40, 2) == [40])
    #expect(try results(2, 1, labels: labels, body, 40, 3) == [40 + 1_000])
    #expect(try results(2, 1, labels: labels, body, 40, -1) == [40 + 1_000])
    #expect(try results(2, 1, labels: labels, body, 40, 4) == [40 + 1_000])
    // Two values, and a loop among the targets.
    var module = SmallModule()
    let looping = module.add(
      one, two, labels: [0, 1, 2],
      [
        .i32(0), .get(0), .block(module.blockType(two, two)), .loop(module.blockType(two, two)), .i32(1), .sub, .set(0),
        .i32(10), .add, .i32(99), .drop, .get(0), .get(0), .i32(97), .sub, .brTable(0, 3), .end, .end,
      ])
    #expect(try module.run(looping, 100) == [10, 99])
    #expect(try module.run(looping, 99) == [10, 98])
    #expect(try module.run(looping, 98) == [20, 96])
  }

  @Test func codeBehindABranchIsNotReached() throws {
    let body: [Instruction] = [
      .block(.value(.i32)), .get(0), .br(0), .block(), .unreachable, .when(), .otherwise, .end, .end, .drop, .loop(),
      .br(0),
      .end, .end,
    ]
    #expect(try results(1, 1, body, 7) == [7])
    let arms: [Instruction] = [
      .get(0), .when(.value(.i32)), .i32(1), .leave, .i32(5), .add, .otherwise, .unreachable, .drop, .end,
    ]
    #expect(try results(1, 1, arms, 7) == [1])
    #expect(throws: Trap.unreachable) { try results(1, 1, arms, 0) }
  }
}

@Suite struct InterpreterSizeTests {
  /// Inverts the lowest bit of local 0 `count` times, with one word of bytecode each.
  private func filler(_ count: Int) -> [Instruction] {
    (0..<count).flatMap { _ -> [Instruction] in [.get(0), .i32(1), Instruction(.i32Xor), .set(0)] }
  }

  /// Around 32,767 words, the largest distance that a comparing branch can hold.
  @Test(arguments: Array(32_764...32_769) + [40_000])
  func branchesReachFar(_ count: Int) throws {
    let odd = Int32(count & 1)
    // Local 1 is compared with 3, as a constant and as local 2.
    for right in [Instruction.i32(3), .get(2)] {
      let less: [Instruction] = [.get(1), right, Instruction(.i32LtS)]
      let forward = [.block()] + less + [.brIf(0)] + filler(count) + [.end, .get(0)]
      #expect(try results(3, 1, forward, 0, 2, 3) == [0])
      #expect(try results(3, 1, forward, 0, 3, 3) == [odd])
      let arms =
        less + [.when()] + filler(count) + [.otherwise] + filler(count) + [
          .get(0), .i32(4), .add, .set(0), .end, .get(0),
        ]
      #expect(try results(3, 1, arms, 0, 2, 3) == [odd])
      #expect(try results(3, 1, arms, 0, 3, 3) == [odd + 4])
      let backward =
        [.loop()] + filler(count) + [.get(1), .i32(1), .add, .set(1)] + less + [.brIf(0), .end, .get(0), .get(1)]
      #expect(try results(3, 2, backward, 0, 1, 3) == [0, 3])
    }
    let unfused =
      [.block(), .get(1), .brIf(0), .get(1), Instruction(.i32Eqz), .brIf(0)] + filler(count) + [.end, .get(0)]
    #expect(try results(2, 1, unfused, 0, 2) == [0])
    let wide: [Instruction] = [
      .block(), .get(1), Instruction(.i64ExtendI32S), Instruction(.i64Eqz), .brIf(0),
    ]
    #expect(try results(2, 1, wide + filler(count) + [.end, .get(0)], 0, 0) == [0])
    #expect(try results(2, 1, wide + filler(count) + [.end, .get(0)], 0, 2) == [odd])
  }

  @Test func tablesOfBranchesReachFar() throws {
    let body =
      [.block(), .block(), .block(), .get(1), .brTable(0, 3), .end] + filler(40_000) + [.i32(5), .leave, .end]
      + filler(40_001) + [.end, .get(0)]
    #expect(try results(2, 1, labels: [0, 1, 2], body, 0, 0) == [5])
    #expect(try results(2, 1, labels: [0, 1, 2], body, 0, 1) == [1])
    #expect(try results(2, 1, labels: [0, 1, 2], body, 0, 2) == [0])
  }

  @Test func framesHoldManyLocals() throws {
    var module = SmallModule()
    let last = 49_999
    let locals = [LocalGroup(count: 49_998, type: .i64), LocalGroup(count: 1, type: .i64)]
    // Fills all registers that the next function's locals will have.
    let dirty = module.add([.i64], [], locals: locals, (0...last).flatMap { [.i64(-1), .set($0)] })
    let function = module.add(
      [.i64], [.i64], locals: locals,
      [
        .get(last), .get(1), Instruction(.i64Or), .get(32_768), Instruction(.i64Or), .get(0), Instruction(.i64Add),
        .set(last), .get(last), .get(last), Instruction(.i64Add),
      ])
    let caller = module.add([], [.i64], [.i64(0), .call(dirty), .i64(4), .call(function)])
    #expect(try module.run(caller) == [8])
  }

  @Test func tooManyRegistersAreRefused() throws {
    // 50,000 locals, 15,534 operands and one register to spare are all that a frame can have.
    func compile(_ operands: Int) throws -> CompiledModule {
      var module = SmallModule()
      module.importFunction()
      module.add([], [], [.nop])
      module.add(
        [], [], locals: [LocalGroup(count: 50_000, type: .i32)],
        Array(repeating: .i32(1), count: operands) + Array(repeating: .drop, count: operands))
      try validate(module.module)
      return try CompiledModule(module.module)
    }
    _ = try compile(15_534)
    #expect {
      _ = try compile(15_535)
    } throws: { error in
      guard let error = error as? TranslationError else { return false }
      return error.function == FunctionIndex(2) && error.reason.contains("65536 registers")
    }
    #expect(throws: TranslationError.self) { try compile(70_000) }
  }

  @Test func manyResultsCountAsRegisters() throws {
    var module = SmallModule()
    let many = Array(repeating: ValueType.i32, count: 1_000)
    let source = module.add([], many, (0..<1_000).map { .i32(Int32($0)) })
    let sum = module.add(
      [], one, Array(repeating: .call(source), count: 60) + Array(repeating: .add, count: 59_999))
    #expect(try module.run(sum) == [UInt64(60 * 499_500)])
    module.add([], [], Array(repeating: .call(source), count: 66) + [.unreachable])
    try validate(module.module)
    #expect(throws: TranslationError.self) { try CompiledModule(module.module) }
  }
}
