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
  /// Whether its message installs code.
  var isInstall: Bool
  var size: SizeClass
  /// The sizes that memory can have afterwards, a bit each.
  var sizesAfter: UInt8
  /// Whether the execution goes on.
  var isSurvived: Bool
  /// What it leaves nothing of.
  var takesLast: Needs = []

  init(_ situation: Situation) {
    isInstall = Surroundings(situation).isInstall
    size = situation.size
    sizesAfter = situation.sizesAfter
    isSurvived = Step(situation).isSurvived
    switch situation.limit {
    case .takesLastInstruction: takesLast = .instructions
    case .takesLastAccessed: takesLast = .accessedPages
    case .takesLastDirty: takesLast = .dirtyPages
    case .takesLastBoth: takesLast = [.accessedPages, .dirtyPages]
    default: break
    }
  }
}

/// What a call needs of the one before.
struct CallAfter: Hashable, Sendable {
  var size: SizeClass
  var needs: Needs

  init(_ situation: Situation) {
    size = situation.size
    needs = Needs(situation)
  }
}

/// What a call cannot be without.
struct Needs: OptionSet, Hashable, Sendable {
  let rawValue: UInt8

  /// Pages that its execution has touched.
  static let touchedPages = Needs(rawValue: 1)
  /// Pages that its message has grown, or handed over.
  static let changes = Needs(rawValue: 2)
  /// Pages that did not begin to be with its message's latest growth.
  static let oldPages = Needs(rawValue: 4)
  /// Pages that an earlier message has written.
  static let committedPages = Needs(rawValue: 8)
  /// A rest of the accessed limit, of the dirty limit, of the instructions.
  static let accessedPages = Needs(rawValue: 16)
  static let dirtyPages = Needs(rawValue: 32)
  static let instructions = Needs(rawValue: 64)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ situation: Situation) {
    self = []
    switch situation.pages {
    case .accessed, .dirty: formUnion([.touchedPages, .oldPages])
    case .grown: insert(.changes)
    case .handedOver: formUnion([.changes, .oldPages])
    case .untouched: insert(.oldPages)
    case .committed: formUnion([.oldPages, .committedPages])
    case .none, .rolledBack, .mixed: break
    }
    switch situation.limit {
    case .usedUp: formUnion([.touchedPages, .oldPages])
    case .takesLastAccessed: insert(.accessedPages)
    case .takesLastDirty: insert(.dirtyPages)
    case .takesLastBoth: formUnion([.accessedPages, .dirtyPages])
    default: break
    }
    // Reads and writes are charged before anything but stable bounds is looked at.
    switch situation.outcome {
    case .heapOutOfBounds, .accessedLimit, .dirtyLimit: insert(.instructions)
    case .returned: if situation.relation.isInBounds { insert(.instructions) }
    default: break
    }
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
    .init("what is used up is not there in the same execution", [.nothing]) { $0.takesLast.isDisjoint(with: $1.needs) },
    .init("without an instruction left there is no further execution", [.execution]) { before, _ in
      !before.takesLast.contains(.instructions)
    },
    .init("a memory that was empty has new pages only", [.nothing, .execution]) {
      $0.size != .empty || !$1.needs.contains(.oldPages)
    },
    .init("nothing is written to an empty memory", [.message]) {
      $0.size != .empty || !$1.needs.contains(.committedPages)
    },
    .init("what a call leaves, the next finds", [.nothing, .execution, .message]) { $0.sizesAfter & $1.size.bit != 0 },
    .init("what is dropped was growth, if anything; memory keeps its capacity", [.rollback]) {
      // A failed install leaves the memory before it.
      $0.size.canBelongToMemory(with: $1.size) && ($0.isInstall || $1.size <= $0.size)
    },
    .init("memory begun anew is empty", [.reinstall]) { $1.size == .empty },
    .init("an execution begins with untouched pages", [.execution, .message, .rollback, .reinstall]) {
      !$1.needs.contains(.touchedPages)
    },
    .init("a message begins without changes", [.message, .rollback, .reinstall]) {
      !$1.needs.contains(.changes)
    },
  ]

  /// The first rule about where calls happen that two break; nil where they can be.
  static func brokenRule(_ before: Surroundings, _ gap: CallGap, _ after: Surroundings) -> String? {
    surroundings.first { $0.gaps.contains(gap) && !$0.holds(before, after) }?.sentence
  }

  /// The first rule about what calls leave and need that two break; nil where they can be.
  static func brokenRule(_ before: CallBefore, _ gap: CallGap, _ after: CallAfter) -> String? {
    states.first { $0.gaps.contains(gap) && !$0.holds(before, after) }?.sentence
  }
}
