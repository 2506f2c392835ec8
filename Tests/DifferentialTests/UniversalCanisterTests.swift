// Hand-made plans of stable memory operations through real Rust code: every plan says how each message has to end, and
// all lanes have to agree on everything else.

import Canister
import Differential
import Execution
import TestSupport
import Testing

/// How a message has to end.
enum Ending: Equatable {
  case reply([UInt8])
  /// A reply of this many bytes, whatever they are.
  case replyOfSize(Int)
  case done
  case trap(CanisterError)
  /// A trap that Rust code raised by itself.
  case anyTrap
}

/// A plan with its expectations.
struct UniversalPlan: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let steps: [(message: Message, ending: Ending)]
  var parameters = Parameters()

  init(_ name: String, _ steps: [(Message, Ending)], parameters: (inout Parameters) -> Void = { _ in }) {
    testDescription = name
    self.steps = [(p.install, .done)] + steps.map { (message: $0.0, ending: $0.1) }
    self.parameters.instructionLimit = 50_000_000
    parameters(&self.parameters)
  }
}

private let p = UniversalProgram()
private let page: UInt64 = 65_536
private let gib4: UInt64 = 1 << 32

private func le32(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
private func le64(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

private let plans: [UniversalPlan] = [
  // Sizes and growth
  UniversalPlan("sizes start at zero", [(p.replySize().replySize64().reply().update, .reply(le32(0) + le64(0)))]),
  UniversalPlan(
    "growing answers the former size",
    [(p.replyGrow(1).replyGrow64(2).replyGrow(0).reply().update, .reply(le32(0) + le64(1) + le32(3)))]),
  UniversalPlan(
    "growing past 65,536 pages fails with the 32-bit form only",
    [
      (p.replyGrow(65_536).replyGrow(1).reply().update, .reply(le32(0) + le32(.max))),
      (p.replyGrow64(1).reply().update, .reply(le64(65_536))),
      (p.replySize().reply().update, .trap(.stableMemoryTooBigFor32Bit)),
      (p.replySize64().reply().update, .reply(le64(65_537))),
    ]),
  UniversalPlan(
    "growing to capacity and one past it",
    [
      (p.grow64(8_191_999).replyGrow64(1).replyGrow64(1).reply().update, .reply(le64(8_191_999) + le64(.max))),
      (p.replyGrow64(.max).replyGrow64(0).reply().update, .reply(le64(.max) + le64(8_192_000))),
    ]),
  UniversalPlan(
    "a small capacity counts",
    [(p.grow64(4_095).replyGrow64(2).replyGrow64(1).reply().update, .reply(le64(.max) + le64(4_095)))]
  ) { $0.stableCapacity = 4_096 },
  UniversalPlan(
    "growth is rolled back with a trap",
    [
      (p.grow(3).trap().update, .trap(.calledTrap(Array("on purpose".utf8)))),
      (p.replySize64().reply().update, .reply(le64(0))),
    ]),
  UniversalPlan(
    "growth in a query is dropped",
    [(p.grow(3).replySize().reply().query, .reply(le32(3))), (p.replySize().reply().query, .reply(le32(0)))]),
  UniversalPlan(
    "growing with the 32-bit form when too big traps even by zero",
    [(p.grow64(65_537).grow(0).reply().update, .trap(.stableMemoryTooBigFor32Bit))]),
  // Writing and reading around page edges
  UniversalPlan(
    "write and read back in one message",
    [(p.grow(1).write(0, [1, 2, 3]).read(0, 4).reply().update, .reply([1, 2, 3, 0]))]),
  UniversalPlan(
    "write and read back in the next message",
    [
      (p.grow(1).write(4_094, [1, 2, 3, 4]).reply().update, .reply([])),
      (p.read(4_093, 6).reply().update, .reply([0, 1, 2, 3, 4, 0])),
    ]),
  UniversalPlan(
    "a write that ends at an OS page edge, and one that begins there",
    [
      (p.grow(1).write(4_092, [9, 9, 9, 9]).reply().update, .reply([])),
      (p.write(4_096, [8]).read(4_090, 8).reply().update, .reply([0, 0, 9, 9, 9, 9, 8, 0])),
    ]),
  UniversalPlan(
    "the last byte of a Wasm page and the first of the next",
    [(p.grow(2).write(65_535, [7, 6]).read(65_534, 4).reply().update, .reply([0, 7, 6, 0]))]),
  UniversalPlan(
    "the last byte of memory, then one past it",
    [
      (p.grow(1).write(65_535, [5]).read(65_535, 1).reply().update, .reply([5])),
      (p.write(65_535, [5, 5]).reply().update, .trap(.stableMemoryOutOfBounds)),
      (p.read(65_535, 2).reply().update, .trap(.stableMemoryOutOfBounds)),
      (p.read64(65_535, 2).reply().update, .trap(.stableMemoryOutOfBounds)),
      (p.write64(65_536, [1]).reply().update, .trap(.stableMemoryOutOfBounds)),
    ]),
  UniversalPlan(
    "fills over several pages",
    [
      (p.grow(4).fill(10_000, 0xAB, 100_000).reply().update, .reply([])),
      (p.read(9_999, 2).read(109_999, 2).reply().query, .reply([0, 0xAB, 0xAB, 0])),
    ]),
  UniversalPlan(
    "mixed first and repeated reads of a written and an untouched page",
    [
      (p.grow(1).write(4_000, [1]).reply().update, .reply([])),
      (p.read(4_000, 1).write(4_001, [2]).read(3_999, 200).reply().update, .replyOfSize(201)),
      (p.read(8_190, 4).write(8_191, [3, 3]).read(8_190, 4).reply().update, .reply([0, 0, 0, 0, 0, 3, 3, 0])),
    ]),
  UniversalPlan(
    "reading pages grown in the same message",
    [(p.grow(1).write(0, [1]).grow(1).read(65_530, 12).reply().update, .reply([UInt8](repeating: 0, count: 12)))]),
  UniversalPlan(
    "zero bytes written over data",
    [
      (p.grow(1).write(100, [1, 1]).reply().update, .reply([])), (p.write(100, [0, 0]).reply().update, .reply([])),
      (p.read(99, 4).reply().query, .reply([0, 0, 0, 0])),
    ]),
  UniversalPlan(
    "moving data inside stable memory",
    [
      (p.grow(2).write(0, Array(1...50)).move64(from: 10, to: 70_000, 20).reply().update, .reply([])),
      (p.read64(70_000, 20).reply().query, .reply(Array(11...30))),
    ]),
  // Zero length
  UniversalPlan(
    "empty writes and reads in bounds and at the end",
    [(p.grow(1).write(0, []).write(65_536, []).read(65_536, 0).read(0, 0).reply().update, .reply([]))]),
  UniversalPlan(
    "an empty 32-bit write past the end traps, an empty read does not",
    [
      (p.grow(1).read(65_537, 0).reply().update, .reply([])),
      (p.write(65_537, []).reply().update, .trap(.stableMemoryOutOfBounds)),
    ]),
  UniversalPlan(
    "empty 64-bit accesses are not checked",
    [(p.write64(1 << 40, []).read64(.max, 0).reply().update, .reply([]))]),
  UniversalPlan(
    "an empty 32-bit write on too large a memory traps, an empty read does not",
    [
      (p.grow64(65_537).read(0, 0).reply().update, .reply([])),
      (p.grow64(65_537).read(0, 0).reply().update, .reply([])),
      (p.write(0, []).reply().update, .trap(.stableMemoryTooBigFor32Bit)),
    ]),
  // Across 4 GiB
  UniversalPlan(
    "the last bytes below 4 GiB with the 32-bit form",
    [
      (p.grow(65_536).write(.max - 3, [1, 2, 3, 4]).read(.max - 3, 4).reply().update, .reply([1, 2, 3, 4])),
      (p.write(.max, [1, 2]).reply().update, .trap(.stableMemoryOutOfBounds)),
    ]),
  UniversalPlan(
    "a write across 4 GiB",
    [
      (p.grow64(65_537).write64(gib4 - 3, [1, 2, 3, 4, 5, 6]).reply().update, .reply([])),
      (p.read64(gib4 - 4, 8).reply().update, .reply([0, 1, 2, 3, 4, 5, 6, 0])),
      (p.read(0, 1).reply().update, .trap(.stableMemoryTooBigFor32Bit)),
    ]),
  UniversalPlan(
    "far above 4 GiB, up to the last byte",
    [
      (p.grow64(200_000).write64(200_000 * page - 2, [1, 2]).reply().update, .reply([])),
      (p.read64(200_000 * page - 2, 2).reply().query, .reply([1, 2])),
      (p.read64(200_000 * page - 2, 3).reply().query, .trap(.stableMemoryOutOfBounds)),
    ]),
  UniversalPlan(
    "offsets that wrap 2^64",
    [
      (p.grow64(1).write64(.max - 1, [1, 2, 3]).reply().update, .trap(.stableMemoryOutOfBounds)),
      (p.grow64(1).read64(.max - 9, 10).reply().update, .trap(.stableMemoryOutOfBounds)),
    ]),
  // Rollback, queries, upgrade
  UniversalPlan(
    "writes before a trap are rolled back",
    [
      (p.grow(1).write(0, [1]).reply().update, .reply([])),
      (p.write(0, [2]).write(5_000, [3]).trap().update, .trap(.calledTrap(Array("on purpose".utf8)))),
      (p.read(0, 1).read(5_000, 1).reply().query, .reply([1, 0])),
    ]),
  UniversalPlan(
    "an out-of-bounds write in the middle takes everything back",
    [
      (p.grow(1).reply().update, .reply([])),
      (p.write(0, [2]).write(65_530, Array(1...10)).write(1, [3]).reply().update, .trap(.stableMemoryOutOfBounds)),
      (p.read(0, 4).reply().query, .reply([0, 0, 0, 0])),
    ]),
  UniversalPlan(
    "writes in a query are dropped",
    [
      (p.grow(1).write(0, [1]).reply().update, .reply([])), (p.write(0, [2]).read(0, 1).reply().query, .reply([2])),
      (p.read(0, 1).reply().query, .reply([1])),
    ]),
  UniversalPlan(
    "contents survive an upgrade",
    [
      (p.grow64(65_540).write64(gib4 + 5, [1, 2, 3]).setGlobal([9]).reply().update, .reply([])), (p.upgrade, .done),
      (p.read64(gib4 + 4, 5).replyGlobal().reply().update, .reply([0, 1, 2, 3, 0])),
    ]),
  UniversalPlan(
    "pre_upgrade writes, post_upgrade reads and writes",
    [
      (p.grow(1).setPreUpgrade(p.write(10, [4, 5, 6]).grow(1)).reply().update, .reply([])),
      (p.move64(from: 10, to: 70_000, 3).upgrade, .done),
      (p.read(70_000, 3).replySize().reply().query, .reply([4, 5, 6] + le32(2))),
    ]),
  UniversalPlan(
    "a trap in post_upgrade takes pre_upgrade's writes back",
    [
      (p.grow(1).write(0, [1]).setPreUpgrade(p.write(0, [2]).grow(5)).reply().update, .reply([])),
      (p.write(1, [3]).trap().upgrade, .trap(.calledTrap(Array("on purpose".utf8)))),
      (p.read(0, 2).replySize().reply().query, .reply([1, 0] + le32(1))),
    ]),
  UniversalPlan(
    "a trap in pre_upgrade keeps the old code and its state",
    [
      (p.grow(1).setGlobal([7]).setPreUpgrade(p.write(0, [2]).trap()).reply().update, .reply([])),
      (p.upgrade, .trap(.calledTrap(Array("on purpose".utf8)))),
      (p.read(0, 1).replyGlobal().reply().query, .reply([0, 7])),
    ]),
  UniversalPlan(
    "reinstall empties stable memory",
    [
      (p.grow(2).write(0, [1]).reply().update, .reply([])), (p.grow(1).reinstall, .done),
      (p.read(0, 1).replySize().reply().query, .reply([0] + le32(1))),
    ]),
  UniversalPlan(
    "a failed reinstall keeps everything",
    [
      (p.grow(2).write(0, [1]).reply().update, .reply([])),
      (p.grow(9).trap().reinstall, .trap(.calledTrap(Array("on purpose".utf8)))),
      (p.read(0, 1).replySize().reply().query, .reply([1] + le32(2))),
    ]),
  // Limits and charges
  UniversalPlan(
    "the dirty page limit, reached exactly and passed",
    [
      (p.grow(1).write(0, [1]).write(4_096, [1]).write(8_192, [1]).write(1, [2]).reply().update, .reply([])),
      (p.write(0, [1]).write(4_096, [1]).write(8_191, [1, 1]).reply().update, .reply([])),
      (
        p.write(0, [1]).write(4_095, [1, 1]).write(8_191, [1, 1]).write(12_288, [1]).reply().update,
        .trap(.dirtyPageLimitExceeded(PageLimits(message: 3, upgrade: 3, query: 3)))
      ),
    ]
  ) { $0.dirtyPageLimits = PageLimits(message: 3, upgrade: 3, query: 3) },
  UniversalPlan(
    "the accessed page limit differs by entry point",
    [
      (p.grow(1).read(0, 8_192).reply().update, .replyOfSize(8_192)),
      (
        p.read(0, 8_193).reply().update, .trap(.accessedPageLimitExceeded(PageLimits(message: 2, upgrade: 3, query: 1)))
      ),
      (p.read(0, 4_096).reply().query, .replyOfSize(4_096)),
      (p.read(4_095, 2).reply().query, .trap(.accessedPageLimitExceeded(PageLimits(message: 2, upgrade: 3, query: 1)))),
      (p.read(0, 12_288).upgrade, .anyTrap),
    ]
  ) { $0.accessedPageLimits = PageLimits(message: 2, upgrade: 3, query: 1) },
  UniversalPlan(
    "running out of instructions in a large fill",
    [
      (p.grow(64).reply().update, .reply([])),
      (p.write(0, [1]).fill(0, 1, 4_000_000).reply().update, .trap(.instructionLimitExceeded(limit: 1_000_000))),
      (p.read(0, 1).reply().query, .reply([0])),
    ]
  ) { $0.instructionLimit = 1_000_000 },
  UniversalPlan(
    "the performance counter is the same at every place",
    [
      (
        p.replyCounter().grow(1).replyCounter().write(0, [1]).replyCounter().read(0, 5_000).replyCounter().reply()
          .update, .replyOfSize(5_032)
      )
    ]),
]

@Suite struct UniversalCanisterTests {
  @Test(arguments: plans) func plan(_ plan: UniversalPlan) throws {
    guard let module = try canisterModule("agentrs-universal-canister") else { return }
    let testCase = Case(
      module: module, plan: CallPlan(plan.steps.map(\.message)), parameters: plan.parameters)
    let result = CaseRunner().runCase(testCase, lanes: .strategies(Strategy.all))
    #expect(result.verdict == .agree, "\(result.verdict.sentence)")
    for (step, observation) in zip(plan.steps, result.observations) {
      #expect(matches(observation.outcome, step.ending), "\(step.message.summary): \(observation.outcome)")
    }
  }

  @Test func thereAreEnoughPlans() { #expect(plans.count >= 30) }

  private func matches(_ outcome: Outcome, _ ending: Ending) -> Bool {
    switch (outcome, ending) {
    case (.reply(let bytes), .reply(let expected)): bytes == expected
    case (.reply(let bytes), .replyOfSize(let size)): bytes.count == size
    case (.noReply, .done): true
    case (.trap(let error), .trap(let expected)): error == expected
    case (.trap, .anyTrap): true
    default: false
    }
  }
}
