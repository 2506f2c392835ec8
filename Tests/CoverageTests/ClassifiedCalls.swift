// Hand-made calls and the situations that they are: together they reach every class of every dimension.

import Canister
import Coverage
import Execution
import Testing

/// A call and the situation that it is.
struct ClassifiedCall: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: Situation
  let make: @Sendable () throws -> Situation?

  init(_ expected: Situation, _ make: @escaping @Sendable () throws -> Situation?) {
    testDescription = Hole(expected).words
    self.expected = expected
    self.make = make
  }

  /// One call in an update of a fresh canister.
  init(
    _ function: SystemFunction, _ arguments: [UInt64], stable: UInt64, capacity: UInt64 = 8_192_000,
    counter: Int64 = 1_000_000_000, heapPages: UInt64? = 4, is64BitHeap: Bool = false, _ expected: Situation
  ) {
    self.init(expected) {
      var parameters = Parameters()
      parameters.stableCapacity = capacity
      let canister = try CanisterFixture(
        stable: stable, parameters: parameters, heapPages: heapPages, is64BitHeap: is64BitHeap)
      canister.counter = counter
      canister.begin()
      canister.enter()
      return canister.situation { canister in
        switch arguments.count {
        case 0: canister.call(function)
        case 1: canister.call(function, arguments[0])
        default: canister.call(function, arguments[0], arguments[1], arguments[2])
        }
      }
    }
  }

  /// A last call after others, in a canister of a page.
  static func after(
    _ expected: Situation, stable: UInt64 = 1, parameters: Parameters = Parameters(),
    _ prepare: @escaping @Sendable (CanisterFixture) -> Void, _ call: @escaping @Sendable (CanisterFixture) -> Void
  ) -> ClassifiedCall {
    ClassifiedCall(expected) {
      let canister = try CanisterFixture(stable: stable, parameters: parameters)
      prepare(canister)
      // Taking the items also forgets the code's age, so both calls are looked at together.
      call(canister)
      return canister.situations().first { $0 == expected }
    }
  }

  static let all: [ClassifiedCall] = sizes + growths + ranges + outOfBounds + limits + pages + surroundings

  private static let sizes: [ClassifiedCall] = [
    .init(.stableSize, [], stable: 0, Situation(.size)),
    .init(.stableSize, [], stable: 65_537, Situation(.size, size: .above4GiB, outcome: .tooBig)),
    .init(.stable64Size, [], stable: 1, heapPages: nil, Situation(.size64, size: .below4GiB, heap: .none)),
    .init(.stable64Size, [], stable: 65_536, Situation(.size64, size: .at4GiB)),
    .init(.stable64Size, [], stable: 4_096, capacity: 4_096, Situation(.size64, size: .capacityBelow4GiB)),
    .init(.stable64Size, [], stable: 65_536, capacity: 65_536, Situation(.size64, size: .capacity4GiB)),
    .init(.stable64Size, [], stable: 69_632, capacity: 69_632, Situation(.size64, size: .capacityAbove4GiB)),
  ]

  private static let growths: [ClassifiedCall] = [
    .init(.stableGrow, [0], stable: 1, Situation(.grow, length: .zero, .growsNothing, size: .below4GiB)),
    .init(.stableGrow, [1], stable: 1, Situation(.grow, length: .one, .growsWithin, size: .below4GiB)),
    .init(
      .stable64Grow, [65_535], stable: 1, Situation(.grow64, length: .belowWasmPage, .growsTo4GiB, size: .below4GiB)),
    .init(.stable64Grow, [65_537], stable: 0, Situation(.grow64, length: .wasmPages, .growsPast4GiB)),
    .init(
      .stableGrow, [2], stable: 65_535,
      Situation(.grow, length: .belowPage, .growsPast4GiB, size: .below4GiB, outcome: .refused)),
    .init(.stable64Grow, [4_096], stable: 0, capacity: 4_096, Situation(.grow64, length: .page, .growsToCapacity)),
    .init(
      .stable64Grow, [1 << 31], stable: 0,
      Situation(.grow64, length: .from31Bits, .growsPastCapacity, outcome: .refused)),
    .init(
      .stable64Grow, [.max], stable: 1,
      Situation(.grow64, length: .from63Bits, .growthWraps, size: .below4GiB, outcome: .refused)),
  ]

  static let below = SizeClass.below4GiB

  /// Reads and writes of untouched pages that return.
  private static let ranges: [ClassifiedCall] = [
    .init(
      .stableRead, [0, 1, 1], stable: 2, Situation(.read, length: .one, .inside, size: below, pages: .untouched)),
    .init(
      .stableWrite, [4_096, 0, 5], stable: 2,
      Situation(.write, length: .belowPage, .startsAtEdge, size: below, pages: .untouched)),
    .init(
      .stable64Read, [0, 4_000, 96], stable: 2,
      Situation(.read64, length: .belowPage, .endsAtEdge, size: below, pages: .untouched)),
    .init(
      .stable64Write, [4_096, 0, 4_096], stable: 2,
      Situation(.write64, length: .page, .wholePages, size: below, pages: .untouched)),
    .init(
      .stableWrite, [4_095, 0, 2], stable: 2,
      Situation(.write, length: .belowPage, .crosses, size: below, pages: .untouched)),
    .init(
      .stableRead, [0, 0, 65_536], stable: 1,
      Situation(.read, length: .wasmPages, .endsAtEnd, size: below, pages: .untouched)),
    .init(
      .stable64Read, [0, 0xFFFF_FFFF, 1], stable: 65_537,
      Situation(.read64, length: .one, .endsAt4GiB, size: .above4GiB, pages: .untouched)),
    .init(
      .stable64Write, [0xFFFF_FFFF, 0, 2], stable: 65_537, is64BitHeap: true,
      Situation(.write64, length: .belowPage, .crosses4GiB, size: .above4GiB, pages: .untouched, heap: .wide)),
    .init(.stableRead, [0, 9, 0], stable: 1, Situation(.read, length: .zero, .emptyInside, size: below)),
    .init(.stableWrite, [65_536, 0, 0], stable: 1, Situation(.write, length: .zero, .emptyAtEnd, size: below)),
    .init(
      .stable64Write, [1 << 32, 0, 0], stable: 65_536, Situation(.write64, length: .zero, .emptyAtEnd, size: .at4GiB)),
    .init(.stable64Read, [0, .max, 0], stable: 1, Situation(.read64, length: .zero, .emptyPastEnd, size: below)),
  ]

  private static let outOfBounds: [ClassifiedCall] = [
    .init(
      .stableRead, [0, 65_535, 2], stable: 1,
      Situation(.read, length: .belowPage, .passesEnd, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stableWrite, [65_536, 0, 1], stable: 1,
      Situation(.write, length: .one, .startsAtEnd, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stable64Read, [0, 65_537, 5_000], stable: 1,
      Situation(.read64, length: .belowWasmPage, .startsPastEnd, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stableWrite, [0xFFFF_FFFF, 0, 2], stable: 1,
      Situation(.write, length: .belowPage, .wraps32, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stable64Write, [.max, 0, 1], stable: 1,
      Situation(.write64, length: .one, .wraps64, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stableWrite, [65_537, 0, 0], stable: 1,
      Situation(.write, length: .zero, .emptyPastEnd, size: below, outcome: .stableOutOfBounds)),
    .init(
      .stableRead, [0x10_0000, 0, 1], stable: 1,
      Situation(
        .read, length: .one, .startsAtEdge, size: below, pages: .untouched, outcome: .heapOutOfBounds,
        heapRelation: .startsPastEnd)),
    .init(
      .stableWrite, [0, 262_143, 2], stable: 1,
      Situation(
        .write, length: .belowPage, .startsAtEdge, size: below, pages: .untouched, outcome: .heapOutOfBounds,
        heapRelation: .passesEnd)),
    .init(
      .stableWrite, [0, 262_143, 1], stable: 1,
      Situation(.write, length: .one, .startsAtEdge, size: below, pages: .untouched, heapRelation: .endsAtEnd)),
    .init(
      .stable64Read, [0, 1, 1 << 32], stable: 65_537, counter: 5_000_000_000,
      Situation(
        .read64, length: .from32Bits, .crosses4GiB, size: .above4GiB, pages: .untouched, outcome: .heapOutOfBounds,
        heapRelation: .beyondAddresses)),
    .init(
      .stableWrite, [1, 0, 1], stable: 65_537,
      Situation(.write, length: .one, .inside, size: .above4GiB, pages: .untouched, outcome: .tooBig)),
  ]

  private static let limits: [ClassifiedCall] = [
    .init(
      .stableRead, [0, 0, 8], stable: 1, counter: 28,
      Situation(.read, length: .belowPage, .startsAtEdge, size: below, pages: .untouched, limit: .takesLastInstruction)),
    .init(
      .stableRead, [0, 0, 8], stable: 1, counter: 27,
      Situation(
        .read, length: .belowPage, .startsAtEdge, size: below, pages: .untouched, outcome: .outOfInstructions,
        limit: .missesOneInstruction)),
    .init(
      .stableGrow, [1], stable: 0, counter: 3,
      Situation(.grow, length: .one, .growsWithin, outcome: .outOfInstructions, limit: .missesInstructions)),
    .init(
      .stable64Read, [0, 0, .max - 20], stable: 1,
      Situation(
        .read64, length: .from63Bits, .passesEnd, size: below, outcome: .outOfInstructions, limit: .chargeWraps)),
    limited(dirty: 1, accessed: 1, [0, 0, 1], .takesLastBoth),
    limited(dirty: 1, accessed: 2, [0, 0, 1], .takesLastDirty),
    limited(dirty: 2, accessed: 1, [0, 0, 1], .takesLastAccessed),
    limited(dirty: 0, accessed: 9, [0, 0, 1], .missesOnePage, .dirtyLimit),
    limited(dirty: 9, accessed: 0, [0, 0, 1], .missesOnePage, .accessedLimit),
    limited(dirty: 9, accessed: 0, [4_095, 0, 2], .missesPages, .accessedLimit),
    .after(
      Situation(.write, length: .one, .startsAtEdge, size: below, pages: .dirty, limit: .usedUp),
      parameters: pageLimits(dirty: 1, accessed: 1),
      { canister in
        canister.begin()
        canister.enter()
        canister.call(.stableWrite, 0, 0, 1)
      }, { $0.call(.stableWrite, 0, 0, 1) }),
  ]

  private static func pageLimits(dirty: UInt64, accessed: UInt64) -> Parameters {
    var parameters = Parameters()
    parameters.dirtyPageLimits.message = dirty
    parameters.accessedPageLimits.message = accessed
    return parameters
  }

  private static func limited(
    dirty: UInt64, accessed: UInt64, _ arguments: [UInt64], _ limit: LimitState, _ outcome: CallOutcome = .returned
  ) -> ClassifiedCall {
    let isOnePage = arguments[2] == 1
    return .after(
      Situation(
        .write, length: isOnePage ? .one : .belowPage, isOnePage ? .startsAtEdge : .crosses, size: below,
        pages: .untouched, outcome: outcome, limit: limit),
      parameters: pageLimits(dirty: dirty, accessed: accessed),
      { canister in
        canister.begin()
        canister.enter()
      }, { $0.call(.stableWrite, arguments[0], arguments[1], arguments[2]) })
  }
}
