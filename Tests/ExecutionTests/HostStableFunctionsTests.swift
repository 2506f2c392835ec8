// Every rule of contract section 3 for the eight stable functions of the host lane, one by one: charge, early return,
// order of checks, page accounting, copy.

import Canister
import Execution
import Testing
import Wasm

/// Stable functions over an empty stable memory and a heap of one Wasm page, in one execution of an update.
struct StableFixture {
  let memory = PagedStableMemory()
  let functions: HostStableFunctions
  let heap: LinearMemory
  var counter: Int64 = 1_000_000

  /// - Parameter stable: Wasm pages, committed.
  init(
    stable: UInt64 = 0, parameters: Parameters = Parameters(), entryPoint: EntryPoint = .update,
    is64BitHeap: Bool = false
  ) throws {
    memory.grow(to: stable)
    memory.commit()
    functions = HostStableFunctions(memory: memory, parameters: parameters)
    heap = try LinearMemory(MemoryType(Limits(minimum: 1, maximum: 1), is64Bit: is64BitHeap))
    functions.beginMessage(.heartbeat)
    functions.begin(entryPoint, heap: heap, is64BitHeap: is64BitHeap)
  }

  /// Calls a function; the first slot afterwards.
  @discardableResult mutating func call(_ function: SystemFunction, _ arguments: UInt64...) throws -> UInt64 {
    try result(function, arguments).get()
  }

  /// The trap that a call ends with; nil where it succeeds.
  mutating func trap(_ function: SystemFunction, _ arguments: UInt64...) -> Trap? {
    if case .failure(let trap) = result(function, arguments) { trap } else { nil }
  }

  private mutating func result(_ function: SystemFunction, _ arguments: [UInt64]) -> Result<UInt64, Trap> {
    var slots = arguments + [0]
    return slots.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return .success(0) }
      do throws(Trap) {
        try functions.call(function, base, counter: &counter)
        return .success(base[0])
      } catch {
        return .failure(error)
      }
    }
  }
}

private let tooBig = Trap.canister(.stableMemoryTooBigFor32Bit)
private let stableOutOfBounds = Trap.canister(.stableMemoryOutOfBounds)
private let heapOutOfBounds = Trap.canister(.heapOutOfBounds)

private func parameters(_ change: (inout Parameters) -> Void) -> Parameters {
  var parameters = Parameters()
  change(&parameters)
  return parameters
}

@Suite struct HostStableSizeAndGrowTests {
  @Test func sizeIsFree() throws {
    var fixture = try StableFixture(stable: 7)
    fixture.counter = 0
    #expect(try fixture.call(.stableSize) == 7)
    #expect(try fixture.call(.stable64Size) == 7)
    #expect(fixture.counter == 0)
  }

  @Test func smallSizeEndsAtTheCeiling() throws {
    var atCeiling = try StableFixture(stable: 65_536)
    #expect(try atCeiling.call(.stableSize) == 65_536)
    var above = try StableFixture(stable: 65_537)
    #expect(above.trap(.stableSize) == tooBig)
    #expect(try above.call(.stable64Size) == 65_537)
  }

  @Test(arguments: [SystemFunction.stableGrow, .stable64Grow]) func growChargesFirst(function: SystemFunction) throws {
    var fixture = try StableFixture()
    fixture.counter = 100
    #expect(try fixture.call(function, 3) == 0)
    #expect(fixture.counter == 0)
    #expect(fixture.trap(function, 1) == .outOfInstructions)
    #expect(fixture.memory.pageCount == 3)
    var old = try StableFixture(parameters: parameters { $0.metering = .old })
    old.counter = 0
    #expect(try old.call(function, 3) == 0)
  }

  @Test func chargePrecedesTooBig() throws {
    var fixture = try StableFixture(stable: 65_537)
    fixture.counter = 99
    #expect(fixture.trap(.stableGrow, 0) == .outOfInstructions)
    fixture.counter = 100
    #expect(fixture.trap(.stableGrow, 0) == tooBig)
  }

  @Test func smallGrowth() throws {
    var fixture = try StableFixture(stable: 65_535)
    #expect(try fixture.call(.stableGrow, 2) == 0xFFFF_FFFF)
    #expect(try fixture.call(.stableGrow, 0xFFFF_FFFF) == 0xFFFF_FFFF)
    #expect(try fixture.call(.stableGrow, 1) == 65_535)
    #expect(try fixture.call(.stableGrow, 0) == 65_536)
    #expect(try fixture.call(.stableGrow, 1) == 0xFFFF_FFFF)
    #expect(try fixture.call(.stable64Grow, 1) == 65_536)
    #expect(fixture.trap(.stableGrow, 0) == tooBig)
  }

  @Test func growthEndsAtCapacity() throws {
    var fixture = try StableFixture(stable: 65_530, parameters: parameters { $0.stableCapacity = 65_540 })
    #expect(try fixture.call(.stable64Grow, 11) == .max)
    #expect(try fixture.call(.stable64Grow, .max) == .max)
    #expect(try fixture.call(.stable64Grow, .max - 65_530 + 1) == .max)
    #expect(try fixture.call(.stable64Grow, 10) == 65_530)
    #expect(try fixture.call(.stable64Grow, 0) == 65_540)
    var small = try StableFixture(parameters: parameters { $0.stableCapacity = 4_096 })
    #expect(try small.call(.stableGrow, 4_097) == 0xFFFF_FFFF)
    #expect(try small.call(.stableGrow, 4_096) == 0)
  }
}

@Suite struct HostStableReadTests {
  @Test func costsTwentyAndItsLength() throws {
    var fixture = try StableFixture(stable: 1)
    try fixture.call(.stableRead, 0, 0, 100)
    #expect(fixture.counter == 1_000_000 - 120)
    try fixture.call(.stable64Read, 0, 0, 5)
    #expect(fixture.counter == 1_000_000 - 145)
  }

  @Test func chargePrecedesAllChecks() throws {
    for function in [SystemFunction.stableRead, .stable64Read, .stableWrite, .stable64Write] {
      var fixture = try StableFixture(stable: 65_537)
      #expect(fixture.trap(function, 0xFFFF_0000, 0xFFFF_0000, 999_981) == .outOfInstructions)
      #expect(fixture.counter == -1)
    }
    var exact = try StableFixture(stable: 1)
    exact.counter = 30
    try exact.call(.stableRead, 0, 0, 10)
    #expect(exact.counter == 0)
    #expect(exact.trap(.stableRead, 0, 0, 0) == .outOfInstructions)
  }

  @Test func emptyReadChecksNothing() throws {
    var big = try StableFixture(stable: 65_537)
    #expect(big.trap(.stableRead, 0xFFFF_FFFF, 0xFFFF_FFFF, 0) == nil)
    var empty = try StableFixture()
    #expect(empty.trap(.stableRead, 70_000, 1, 0) == nil)
    #expect(empty.trap(.stable64Read, .max, .max, 0) == nil)
    #expect(empty.counter == 1_000_000 - 40)
    #expect(empty.functions.effectiveCalls == 0)
  }

  @Test func smallReadOrder() throws {
    var big = try StableFixture(stable: 65_537)
    #expect(big.trap(.stableRead, 70_000, 0, 1) == tooBig)
    var fixture = try StableFixture(stable: 65_536)
    #expect(fixture.trap(.stableRead, 70_000, 0xFFFF_FFFF, 2) == stableOutOfBounds)
    #expect(fixture.trap(.stableRead, 0, 0xFFFF_FFFF, 1) == nil)
    #expect(fixture.trap(.stableRead, 65_536, 0xFFFF_FFFF, 1) == heapOutOfBounds)
    #expect(fixture.trap(.stableRead, 65_535, 0xFFFF_FFFF, 1) == nil)
  }

  @Test func largeReadOrder() throws {
    var fixture = try StableFixture(stable: 65_537)
    let size: UInt64 = 65_537 * 65_536
    fixture.counter = .max
    #expect(fixture.trap(.stable64Read, .max, size, 1) == stableOutOfBounds)
    #expect(fixture.trap(.stable64Read, .max, .max, 1) == stableOutOfBounds)
    #expect(fixture.trap(.stable64Read, .max, size - 1, 1) == heapOutOfBounds)
    #expect(fixture.trap(.stable64Read, 0x1_0000_0000, size - 1, 1) == heapOutOfBounds)
    #expect(fixture.trap(.stable64Read, 0, 0, 0x1_0000_0000) == heapOutOfBounds)
    #expect(fixture.trap(.stable64Read, 0, size - 1, 1) == nil)
  }

  @Test func accessLimitStandsBetweenStableAndHeapBounds() throws {
    let two = parameters { $0.accessedPageLimits = PageLimits(message: 2, upgrade: 2, query: 2) }
    let exceeded = Trap.canister(.accessedPageLimitExceeded(two.accessedPageLimits))
    for function in [SystemFunction.stableRead, .stable64Read] {
      var fixture = try StableFixture(stable: 1, parameters: two)
      #expect(fixture.trap(function, 65_536, 65_535, 2) == stableOutOfBounds)
      #expect(fixture.trap(function, 65_536, 4_095, 4_098) == exceeded)
      #expect(fixture.trap(function, 0, 4_095, 4_097) == nil)
      #expect(fixture.functions.accessedPages == 2)
      #expect(fixture.trap(function, 0, 8_191, 1) == nil)
      #expect(fixture.trap(function, 0, 8_192, 1) == exceeded)
      #expect(fixture.functions.accessedPages == 2)
    }
    // MAXHEAP comes before the limit.
    var fixture = try StableFixture(stable: 1, parameters: two)
    #expect(fixture.trap(.stable64Read, 0x1_0000_0000, 0, 60_000) == heapOutOfBounds)
  }

  @Test func failedReadTakesNothingFromTheBudget() throws {
    let one = parameters { $0.accessedPageLimits = PageLimits(message: 1, upgrade: 1, query: 1) }
    var fixture = try StableFixture(stable: 1, parameters: one)
    #expect(fixture.trap(.stableRead, 65_536, 0, 1) == heapOutOfBounds)
    #expect(fixture.functions.accessedPages == 0)
    // The page is marked nevertheless, so another page still fits the budget.
    #expect(fixture.trap(.stableRead, 0, 0, 4_097) == nil)
    #expect(fixture.functions.accessedPages == 1)
  }

  @Test func copiesAcrossPagesAndZerosElsewhere() throws {
    var fixture = try StableFixture(stable: 2)
    fixture.memory.write([1, 2, 3, 4], at: 4_094)
    let heap = try fixture.heap.writableBytes(at: 0, count: 16)
    for position in heap.indices { heap[position] = 9 }
    try fixture.call(.stableRead, 2, 4_092, 8)
    #expect(Array(heap) == [9, 9, 0, 0, 1, 2, 3, 4, 0, 0, 9, 9, 9, 9, 9, 9])
    #expect(fixture.functions.effectiveCalls == 1)
  }

  @Test func largestHeapAddressOf64BitHeaps() throws {
    let limited = parameters { $0.heapLimit64 = 1 }
    var fixture = try StableFixture(stable: 65_537, parameters: limited, is64BitHeap: true)
    let marks = { (fixture: StableFixture) in fixture.memory.cleanPages(in: 0..<20).unaccessed }
    #expect(fixture.trap(.stable64Read, 65_537, 0, 1) == heapOutOfBounds)
    #expect(fixture.trap(.stable64Read, 0, 0, 65_537) == heapOutOfBounds)
    #expect(marks(fixture) == 20)
    #expect(fixture.trap(.stable64Read, 65_536, 0, 1) == heapOutOfBounds)
    #expect(marks(fixture) == 19)
    #expect(fixture.trap(.stable64Read, 0, 0, 65_536) == nil)
  }
}

@Suite struct HostStableWriteTests {
  @Test func costsDirtyPagesToo() throws {
    var fixture = try StableFixture(stable: 1)
    try fixture.call(.stableWrite, 4_090, 0, 10)
    #expect(fixture.counter == 1_000_000 - 2_030)
    try fixture.call(.stable64Write, 4_090, 0, 10)
    #expect(fixture.counter == 1_000_000 - 2_060)
    #expect(fixture.memory.dirtyPages == [0, 1])
  }

  @Test func emptySmallWriteIsCheckedAgainstStableMemory() throws {
    var big = try StableFixture(stable: 65_537)
    #expect(big.trap(.stableWrite, 0, 0, 0) == tooBig)
    var fixture = try StableFixture(stable: 1)
    #expect(fixture.trap(.stableWrite, 65_537, 0, 0) == stableOutOfBounds)
    #expect(fixture.trap(.stableWrite, 65_536, 0xFFFF_FFFF, 0) == nil)
    #expect(fixture.memory.dirtyPages == [])
  }

  @Test func emptyLargeWriteChecksNothing() throws {
    var fixture = try StableFixture()
    #expect(fixture.trap(.stable64Write, .max, .max, 0) == nil)
    #expect(fixture.counter == 1_000_000 - 20)
  }

  @Test func boundsOrder() throws {
    var fixture = try StableFixture(stable: 65_536)
    #expect(fixture.trap(.stableWrite, 0xFFFF_FFFF, 70_000, 2) == stableOutOfBounds)
    #expect(fixture.trap(.stable64Write, 0xFFFF_FFFF, .max, 2) == stableOutOfBounds)
    #expect(fixture.trap(.stable64Write, .max, 0, 1) == stableOutOfBounds)
    #expect(fixture.memory.dirtyPages == [])
    #expect(fixture.trap(.stable64Write, 0, 0x1_0000_0000, 1) == heapOutOfBounds)
    #expect(fixture.memory.dirtyPages == [])
    #expect(fixture.trap(.stable64Write, 0, 0xFFFF_FFFF, 1) == heapOutOfBounds)
    #expect(fixture.memory.dirtyPages == [0])
    #expect(fixture.trap(.stableWrite, 0xFFFF_FFFF, 65_535, 1) == nil)
    #expect(fixture.memory.dirtyPages == [0, 0xF_FFFF])
  }

  @Test func limitsComeInOrder() throws {
    let limits = parameters {
      $0.accessedPageLimits = PageLimits(message: 2, upgrade: 2, query: 2)
      $0.dirtyPageLimits = PageLimits(message: 1, upgrade: 1, query: 1)
    }
    let accessed = Trap.canister(.accessedPageLimitExceeded(limits.accessedPageLimits))
    let dirty = Trap.canister(.dirtyPageLimitExceeded(limits.dirtyPageLimits))
    for function in [SystemFunction.stableWrite, .stable64Write] {
      var fixture = try StableFixture(stable: 1, parameters: limits)
      fixture.counter = 100_000
      #expect(fixture.trap(function, 0, 65_536, 8_193) == accessed)
      #expect(fixture.trap(function, 0, 65_536, 8_192) == dirty)
      #expect(fixture.memory.dirtyPages == [])
      // The limits come before the charge for dirty pages, and that before the marks.
      fixture.counter = 1_020
      #expect(fixture.trap(function, 0, 65_536, 1) == .outOfInstructions)
      #expect(fixture.memory.dirtyPages == [])
      fixture.counter = 1_021
      #expect(fixture.trap(function, 0, 65_536, 1) == heapOutOfBounds)
      #expect(fixture.counter == 0)
      #expect(fixture.memory.dirtyPages == [0])
      // The failed write took nothing from the budgets.
      #expect(fixture.functions.accessedPages == 0)
      fixture.counter = 100_000
      #expect(fixture.trap(function, 4_096, 0, 1) == nil)
      #expect(fixture.trap(function, 8_192, 0, 1) == dirty)
      #expect(fixture.trap(function, 4_096, 0, 1) == nil)
      #expect(fixture.functions.accessedPages == 1)
    }
  }

  @Test func readPageIsStillUnwritten() throws {
    var fixture = try StableFixture(stable: 1)
    try fixture.call(.stableRead, 0, 0, 1)
    try fixture.call(.stableWrite, 0, 0, 1)
    #expect(fixture.counter == 1_000_000 - 21 - 1_021)
    #expect(fixture.functions.accessedPages == 1)
    try fixture.call(.stableRead, 0, 0, 8_192)
    #expect(fixture.functions.accessedPages == 2)
  }

  @Test func copiesIntoStableMemory() throws {
    var fixture = try StableFixture(stable: 1)
    let heap = try fixture.heap.writableBytes(at: 100, count: 6)
    for position in heap.indices { heap[position] = UInt8(position + 1) }
    try fixture.call(.stable64Write, 4_093, 100, 6)
    #expect(fixture.memory.read(at: 4_092, count: 8) == [0, 1, 2, 3, 4, 5, 6, 0])
    // Dirty means written, even if the bytes are unchanged.
    fixture.memory.commit()
    fixture.functions.begin(.update, heap: fixture.heap, is64BitHeap: false)
    try fixture.call(.stable64Write, 4_093, 100, 6)
    #expect(fixture.memory.dirtyPages == [0, 1])
  }
}

@Suite struct HostStableChargeTests {
  @Test(arguments: [SystemFunction.stable64Read, .stable64Write]) func chargeWraps(function: SystemFunction) throws {
    for length in [.max, .max - 19, .max - 10] as [UInt64] {
      var fixture = try StableFixture(stable: 1)
      #expect(fixture.trap(function, 1, 1, length) == stableOutOfBounds)
      #expect(fixture.counter == 1_000_000 - Int64(bitPattern: length &+ 20))
    }
  }

  @Test(arguments: [SystemFunction.stable64Read, .stable64Write])
  func negativeChargeRunsOut(function: SystemFunction) throws {
    let start: Int64 = 1_000_000
    let cases: [(length: UInt64, rest: Int64)] = [
      // The counter would go up: it is pinned instead.
      (.max - 20, .min),
      ((1 << 63) + 2_000_000, .min),
      // The subtraction wraps, so that the counter goes down.
      (1 << 63, .min + (start - 20)),
      ((1 << 63) - 20, .min + start),
      // Just not negative.
      ((1 << 63) - 21, start - .max),
    ]
    for (length, rest) in cases {
      var fixture = try StableFixture(stable: 1)
      #expect(fixture.trap(function, 1, 1, length) == .outOfInstructions)
      #expect(fixture.counter == rest)
    }
  }

  @Test func effectiveCallsAreCounted() throws {
    var fixture = try StableFixture(stable: 1)
    try fixture.call(.stable64Grow, 0)
    try fixture.call(.stable64Read, 0, 0, 0)
    try fixture.call(.stable64Size)
    _ = fixture.trap(.stable64Read, 0, 65_536, 1)
    #expect(fixture.functions.effectiveCalls == 0)
    try fixture.call(.stableGrow, 1)
    try fixture.call(.stable64Grow, 1)
    try fixture.call(.stableRead, 0, 0, 1)
    try fixture.call(.stable64Read, 0, 0, 1)
    try fixture.call(.stableWrite, 0, 0, 1)
    try fixture.call(.stable64Write, 0, 0, 1)
    #expect(fixture.functions.effectiveCalls == 6)
  }

  @Test func budgetsBelongToTheExecution() throws {
    let classes = parameters {
      $0.accessedPageLimits = PageLimits(message: 1, upgrade: 3, query: 2)
      $0.dirtyPageLimits = PageLimits(message: 1, upgrade: 3, query: 2)
    }
    let budgets: [(EntryPoint, UInt64)] = [
      (.update, 1), (.start, 1), (.heartbeat, 1), (.postUpgrade, 3), (.query, 2),
    ]
    for (entryPoint, limit) in budgets {
      var fixture = try StableFixture(stable: 1, parameters: classes, entryPoint: entryPoint)
      for page in 0..<limit { #expect(fixture.trap(.stableWrite, page * 4_096, 0, 1) == nil) }
      #expect(
        fixture.trap(.stableWrite, 40_000, 0, 1)
          == .canister(.accessedPageLimitExceeded(classes.accessedPageLimits)))
      fixture.functions.begin(entryPoint, heap: fixture.heap, is64BitHeap: false)
      #expect(fixture.trap(.stableWrite, 0, 0, 1) == nil)
      #expect(fixture.functions.accessedPages == limit + 1)
    }
  }

  @Test func recorderKeepsCalls() throws {
    var fixture = try StableFixture(stable: 1)
    let recorder = StableCallRecorder(capacity: 3)
    fixture.functions.recorder = recorder
    try fixture.call(.stable64Grow, 2)
    try fixture.call(.stable64Write, 8, 16, 32)
    _ = fixture.trap(.stable64Read, 8, .max, 1)
    _ = fixture.trap(.stable64Size)
    #expect(recorder.count == 4)
    let start: Int64 = 1_000_000
    #expect(
      recorder.calls == [
        StableCall(
          function: .stable64Grow, arguments: [2], result: 1, counterBefore: start, counterAfter: start - 100,
          stableSize: 3, trap: nil),
        StableCall(
          function: .stable64Write, arguments: [8, 16, 32], result: nil, counterBefore: start - 100,
          counterAfter: start - 1_152, stableSize: 3, trap: nil),
        StableCall(
          function: .stable64Read, arguments: [8, .max, 1], result: nil, counterBefore: start - 1_152,
          counterAfter: start - 1_173, stableSize: 3, trap: .stableMemoryOutOfBounds),
      ])
    fixture.functions.beginMessage(.heartbeat)
    #expect(recorder.calls.isEmpty)
  }
}
