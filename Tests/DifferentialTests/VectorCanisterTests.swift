// A canister made by hand whose methods work with vectors: in parameters, locals, globals, the heap and stable memory.
// All lanes have to agree on it, and what it does is known.

import Canister
import Differential
import Execution
import Testing
import Wasm

private func vector(_ low: UInt64, _ high: UInt64) -> Instruction {
  Instruction(.v128Const, .v128(V128(low: low, high: high)))
}

private func access(_ opcode: Opcode, _ offset: UInt64 = 0) -> Instruction {
  Instruction(opcode, .memoryAccess(MemoryAccess(alignment: 0, offset: offset)))
}

private struct VectorCanister {
  private enum Import: Int, CaseIterable {
    case grow, write, read, append, reply

    var function: SystemFunction {
      switch self {
      case .grow: .stable64Grow
      case .write: .stable64Write
      case .read: .stable64Read
      case .append: .msgReplyDataAppend
      case .reply: .msgReply
      }
    }

    var call: Instruction { .call(FunctionIndex(rawValue)) }
  }

  private static let state = GlobalIndex(1)
  /// Adds a vector to the state and returns the sum of the two and the lanes of the first, exchanged.
  private static let mix = FunctionIndex(Import.allCases.count)

  static func appendAndReply(_ address: Int32, _ count: Int32) -> [Instruction] {
    [.i32(address), .i32(count), Import.append.call, Import.reply.call]
  }

  static var module: Module {
    var module = Module()
    module.types = [FunctionType(), FunctionType([.v128, .i64], [.v128])]
    for entry in Import.allCases {
      module.types.append(entry.function.row.type(is64BitHeap: false) ?? FunctionType())
      module.imports.append(
        Wasm.Import(
          module: "ic0", name: entry.function.name, kind: .function(TypeIndex(module.types.count - 1))))
    }
    module.memories = [MemoryType(Limits(minimum: 1))]
    module.globals = [
      Global(GlobalType(.i32, isMutable: true), [.i32(5)]),
      Global(GlobalType(.v128, isMutable: true), [vector(100, 200)]),
      Global(GlobalType(.i64, isMutable: true), [.i64(6)]),
    ]
    module.functions.append(
      Function(
        type: TypeIndex(1),
        body: FunctionBody(
          locals: [LocalGroup(count: 1, type: .i32), LocalGroup(count: 1, type: .v128)],
          instructions: [
            .get(LocalIndex(0)), .get(state), Instruction(.i64x2Add), .tee(LocalIndex(3)), .set(state),
            .get(LocalIndex(3)), .get(LocalIndex(0)), .get(LocalIndex(0)),
            Instruction(.i8x16Shuffle, .shuffle(V128(low: 0x0F0E_0D0C_0B0A_0908, high: 0x0706_0504_0302_0100))),
            .get(LocalIndex(1)), Instruction(.i64x2Splat), Instruction(.i64x2Add), Instruction(.i64x2Add),
            Instruction(.end),
          ])))
    define("canister_init", [.i64(2), Import.grow.call, Instruction(.drop)], in: &module)
    // Writes across two pages of stable memory and reads another range, which overlaps the one written.
    define(
      "canister_update step",
      [
        .i32(0), vector(1, 2), .i64(1_000), .call(mix), access(.v128Store, 4_090),
        .i64(4_088), .i64(4_090), .i64(16), Import.write.call,
        .i64(8), .i64(4_090), .i64(16), Import.read.call,
        .i32(0), access(.v128Load, 8), .set(LocalIndex(0)),
        .i32(32), .get(LocalIndex(0)), access(.v128Store),
      ] + appendAndReply(32, 16), in: &module)
    define(
      "canister_update fail",
      [
        .i32(0), vector(7, 7), .i64(0), .call(mix), access(.v128Store, 8_190),
        .i64(0), .i64(8_190), .i64(16), Import.write.call, Instruction(.unreachable),
      ], in: &module)
    define(
      "canister_query peek",
      [.i32(48), vector(3, 4), .i64(0), .call(mix), Instruction(.drop), .get(state), access(.v128Store)]
        + appendAndReply(48, 16), in: &module)
    return module
  }

  private static func define(_ name: String, _ body: [Instruction], in module: inout Module) {
    module.exports.append(
      Export(name: name, kind: .function(FunctionIndex(Import.allCases.count + module.functions.count))))
    module.functions.append(
      Function(
        type: TypeIndex(0),
        body: FunctionBody(
          locals: [LocalGroup(count: 1, type: .v128)], instructions: body + [Instruction(.end)])))
  }
}

@Suite struct VectorCanisterTests {
  private static let plan = CallPlan([
    .install(argument: []), .update(name: "step", argument: []), .update(name: "fail", argument: []),
    .query(name: "peek", argument: []), .update(name: "step", argument: []), .upgrade(.first, argument: []),
    .update(name: "step", argument: []),
  ])

  private static func bytes(_ low: UInt64, _ high: UInt64) -> [UInt8] {
    withUnsafeBytes(of: (low.littleEndian, high.littleEndian), Array.init)
  }

  @Test func allLanesAgree() throws {
    let testCase = Case(module: encode(VectorCanister.module), plan: Self.plan)
    let result = CaseRunner().runCase(testCase, lanes: .strategies(Strategy.all))
    #expect(result.verdict == .agree, "\(result.verdict)")
    #expect(result.effectiveStableCalls > 0)

    // step: the state s becomes s + (1, 2); stored is s + (1, 2) + (2, 1) + 1,000. Stable memory holds it from 4,088 on, and
    // is read from 4,090 on, 16 bytes, of which the last two are what the step before has not written: zeros.
    func stepped(_ low: UInt64, _ high: UInt64) -> [UInt8] {
      Array(Self.bytes(low + 1_003, high + 1_003).dropFirst(2)) + [0, 0]
    }
    let expected: [(Outcome, globals: [UInt64])] = [
      (.noReply, [5, 100, 200, 6]),
      (.reply(stepped(100, 200)), [5, 101, 202, 6]),
      (.trap(.unreachable), [5, 101, 202, 6]),
      (.reply(Self.bytes(104, 206)), [5, 101, 202, 6]),
      (.reply(stepped(101, 202)), [5, 102, 204, 6]),
      (.noReply, [5, 100, 200, 6]),
      (.reply(stepped(100, 200)), [5, 101, 202, 6]),
    ]
    #expect(result.observations.count == expected.count)
    for (number, (found, wanted)) in zip(result.observations, expected).enumerated() {
      #expect(found.outcome == wanted.0, "message \(number)")
      #expect(found.globals == wanted.globals, "message \(number)")
    }
    #expect(result.observations[1].dirtyPages == [0, 1])
  }
}
