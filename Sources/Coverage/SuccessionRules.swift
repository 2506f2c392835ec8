// What call can come after what: the rules that two consecutive calls keep, one a row. Read by `FeasiblePairs`, and by
// the tests. Source: contract section 3.

import Canister

/// Where a call happens.
struct Surroundings: Hashable, Sendable {
  var entryPoint: EntryPoint
  var heap: HeapWidth
  var codeAge: CodeAge

  /// Whether the code is being installed, into a stable memory that begins empty.
  var isInstall: Bool { entryPoint == .initialize || (entryPoint == .start && codeAge != .upgraded) }
  /// Whether the code is that which an upgrade brings.
  var isUpgrade: Bool { entryPoint == .postUpgrade || (entryPoint == .start && codeAge == .upgraded) }
}

/// What a call leaves to the next.
struct CallBefore: Hashable, Sendable {
  var surroundings: Surroundings
  var size: SizeClass
  /// The sizes that memory can have afterwards, a bit each.
  var sizesAfter: UInt8
  /// Whether the execution goes on.
  var isSurvived: Bool
  /// Whether it leaves the message no instruction.
  var isExhausting: Bool

  init(_ situation: Situation) {
    surroundings = Surroundings(situation)
    size = situation.size
    sizesAfter = situation.sizesAfter
    isSurvived = Step(situation).isSurvived
    isExhausting = situation.limit == .takesLastInstruction
  }
}

/// What a call needs of the one before.
struct CallAfter: Hashable, Sendable {
  var surroundings: Surroundings
  var size: SizeClass
  /// Whether its execution has touched pages before.
  var needsTouchedPages: Bool
  /// Whether its message has grown or written memory before.
  var needsChanges: Bool

  init(_ situation: Situation) {
    surroundings = Surroundings(situation)
    size = situation.size
    needsTouchedPages = situation.pages == .accessed || situation.pages == .dirty || situation.limit == .usedUp
    needsChanges = situation.pages == .grown || situation.pages == .handedOver
  }
}

extension Surroundings {
  init(_ situation: Situation) {
    self.init(entryPoint: situation.entryPoint, heap: situation.heap, codeAge: situation.codeAge)
  }
}

extension Situation {
  /// The sizes that memory can have after the call, a bit each.
  fileprivate var sizesAfter: UInt8 {
    guard outcome == .returned else { return size.bit }
    switch relation {
    case .growsWithin: return size == .empty ? SizeClass.below4GiB.bit : size.bit
    case .growsTo4GiB: return SizeClass.at4GiB.bit
    case .growsPast4GiB: return SizeClass.above4GiB.bit
    case .growsToCapacity:
      // 32-bit functions refuse to grow past 4 GiB.
      let most: SizeClass = function.isWide ? .capacityAbove4GiB : .capacity4GiB
      return SizeClass.allCases.reduce(0) { bits, capacity in
        let isPossible = capacity.isAtCapacity && capacity <= most && capacity.canBelongToMemory(with: size)
        return bits | (isPossible ? capacity.bit : 0)
      }
    default: return size.bit
    }
  }
}

extension SizeClass {
  fileprivate var bit: UInt8 { 1 << rawValue }

  /// The capacities at which memory can have this size, as bits: below, at and above 4 GiB.
  private var capacities: UInt8 {
    switch self {
    case .empty, .below4GiB: 0b111
    case .capacityBelow4GiB: 0b001
    case .capacity4GiB: 0b010
    case .at4GiB, .above4GiB, .capacityAbove4GiB: 0b100
    }
  }

  /// Whether one memory can have both sizes: its capacity stays as it is.
  fileprivate func canBelongToMemory(with other: SizeClass) -> Bool { capacities & other.capacities != 0 }
}

/// A sentence that is true of every two consecutive calls with so much between them.
struct SuccessionRule<Before, After>: Sendable {
  let sentence: String
  let gaps: Set<CallGap>
  let holds: @Sendable (Before, After) -> Bool

  init(_ sentence: String, _ gaps: Set<CallGap>, _ holds: @escaping @Sendable (Before, After) -> Bool) {
    self.sentence = sentence
    self.gaps = gaps
    self.holds = holds
  }
}

/// The rules of two consecutive calls.
enum SuccessionRules {
  /// About where the calls happen.
  static let surroundings: [SuccessionRule<Surroundings, Surroundings>] = [
    .init("an execution has one entry point, one module and one heap", [.nothing]) { $0 == $1 },
    .init("further executions of a message are those of an install and of an upgrade", [.execution]) {
      switch ($0.entryPoint, $1.entryPoint) {
      case (.start, .initialize), (.start, .postUpgrade): $0.heap == $1.heap && $0.codeAge == $1.codeAge
      case (.preUpgrade, .start), (.preUpgrade, .postUpgrade): $1.codeAge == .upgraded
      default: false
      }
    },
    .init("queries and canister_inspect_message leave nothing", [.message]) { before, _ in
      ![.query, .compositeQuery, .inspectMessage].contains(before.entryPoint)
    },
    .init("an install begins stable memory anew", [.message, .rollback]) { !$1.isInstall },
    .init("an install that fails leaves no code", [.rollback]) { before, _ in
      !(before.isInstall && before.codeAge == .installed)
    },
    .init("a message that is dropped brings no code; other code comes with an upgrade", [.rollback]) {
      // Code that was being installed is gone, and the code before it can be any.
      $0.isInstall || $0.isUpgrade || $1.codeAge == .upgraded || ($0.codeAge == $1.codeAge && $0.heap == $1.heap)
    },
    .init("what a message brings stays; other code comes with an upgrade", [.message]) {
      $1.codeAge == .upgraded
        || ($0.entryPoint != .preUpgrade && $0.codeAge == $1.codeAge && $0.heap == $1.heap)
    },
    .init("only what failed to be installed is installed again", [.reinstall]) {
      $1.codeAge != .installed || ($0.isInstall && $0.codeAge == .installed)
    },
  ]

  /// About what they leave and need.
  static let states: [SuccessionRule<CallBefore, CallAfter>] = [
    .init("a trap ends its message", [.nothing, .execution, .message]) { before, _ in before.isSurvived },
    .init("without an instruction left there is no further execution", [.execution]) { before, _ in
      !before.isExhausting
    },
    .init("what a call leaves, the next finds", [.nothing, .execution, .message]) { $0.sizesAfter & $1.size.bit != 0 },
    .init("what is dropped was growth, if anything; memory keeps its capacity", [.rollback]) {
      // A failed install leaves the memory before it.
      $0.size.canBelongToMemory(with: $1.size) && ($0.surroundings.isInstall || $1.size <= $0.size)
    },
    .init("memory begun anew is empty", [.reinstall]) { $1.size == .empty },
    .init("an execution begins with untouched pages", [.execution, .message, .rollback, .reinstall]) {
      !$1.needsTouchedPages
    },
    .init("a message begins without changes", [.message, .rollback, .reinstall]) { !$1.needsChanges },
  ]
}
