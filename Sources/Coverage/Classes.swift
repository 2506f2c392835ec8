// The values of the coverage model's dimensions, each with the words that reports use. `Situation.swift` lists the
// dimensions, `Classification.swift` puts calls into these classes, `FeasibilityRules.swift` says what can go together.

import Canister
import Execution

/// How a call ended.
public enum CallOutcome: UInt8, CaseIterable, Sendable {
  case returned, refused, tooBig, stableOutOfBounds, heapOutOfBounds, accessedLimit, dirtyLimit, outOfInstructions

  var words: String {
    switch self {
    case .returned: "returning"
    case .refused: "refused with -1"
    case .tooBig: "trapping because the memory is too big for 32 bits"
    case .stableOutOfBounds: "trapping out of stable bounds"
    case .heapOutOfBounds: "trapping out of heap bounds"
    case .accessedLimit: "over the limit of accessed pages"
    case .dirtyLimit: "over the limit of dirty pages"
    case .outOfInstructions: "running out of instructions"
    }
  }
}

/// Length of a range in bytes, or growth in Wasm pages.
public enum LengthClass: UInt8, CaseIterable, Sendable {
  case none, zero, one, belowPage, page, belowWasmPage, wasmPages, from31Bits, from32Bits, from63Bits

  var words: String {
    switch self {
    case .none: "without a length"
    case .zero: "zero-length"
    case .one: "of length 1"
    case .belowPage: "of length 2 to 4,095"
    case .page: "of length 4,096"
    case .belowWasmPage: "of length 4,097 to 65,535"
    case .wasmPages: "of length 65,536 to 2^31 - 1"
    case .from31Bits: "of length 2^31 to 2^32 - 1"
    case .from32Bits: "of length 2^32 to 2^63 - 1"
    case .from63Bits: "of length 2^63 and more"
    }
  }

  init(_ length: UInt64) {
    self =
      switch length {
      case 0: .zero
      case 1: .one
      case ..<4_096: .belowPage
      case 4_096: .page
      case ..<65_536: .belowWasmPage
      case ..<(1 << 31): .wasmPages
      case ..<(1 << 32): .from31Bits
      case ..<(1 << 63): .from32Bits
      default: .from63Bits
      }
  }
}

/// How a range lies to OS pages and to the end of stable memory, or where growth leads. "Edge" is that of an OS page.
public enum Relation: UInt8, CaseIterable, Sendable {
  case none
  // Not empty, in bounds.
  case inside, startsAtEdge, endsAtEdge, wholePages, crosses, endsAt4GiB, crosses4GiB, endsAtEnd
  // Not empty, out of bounds.
  case passesEnd, startsAtEnd, startsPastEnd, wraps32, wraps64
  case emptyInside, emptyAtEnd, emptyPastEnd
  case growsNothing, growsWithin, growsTo4GiB, growsPast4GiB, growsToCapacity, growsPastCapacity, growthWraps

  var words: String {
    switch self {
    case .none: "without a range"
    case .inside: "inside a page"
    case .startsAtEdge: "starting at an edge"
    case .endsAtEdge: "ending at an edge"
    case .wholePages: "of whole pages"
    case .crosses: "crossing an edge"
    case .endsAt4GiB: "ending at 4 GiB and so before the end"
    case .crosses4GiB: "crossing 4 GiB"
    case .endsAtEnd: "ending at the end"
    case .passesEnd: "passing the end"
    case .startsAtEnd: "starting at the end"
    case .startsPastEnd: "starting past the end"
    case .wraps32: "wrapping 2^32"
    case .wraps64: "wrapping 2^64"
    case .emptyInside: Self.emptyPrefix + "before the end"
    case .emptyAtEnd: Self.emptyPrefix + "at the end"
    case .emptyPastEnd: Self.emptyPrefix + "past the end"
    case .growsNothing: "by 0 pages"
    case .growsWithin: "below capacity"
    case .growsTo4GiB: "to 4 GiB"
    case .growsPast4GiB: "past 4 GiB"
    case .growsToCapacity: "to the capacity"
    case .growsPastCapacity: "past the capacity"
    case .growthWraps: "by a number that wraps 2^64"
    }
  }

  /// With what the words of empty ranges begin.
  static let emptyPrefix = "empty, "

  /// A range of at least one byte that lies in stable memory.
  var isInBounds: Bool { self >= .inside && self <= .endsAtEnd }
  /// A range of at least one byte that does not.
  var isOutOfBounds: Bool { self >= .passesEnd && self <= .wraps64 }
  var isEmpty: Bool { self >= .emptyInside && self <= .emptyPastEnd }
  var isGrowth: Bool { self >= .growsNothing }
  /// Whether the range may have pages of different states.
  var mayBeMixed: Bool { isInBounds && self != .inside && self != .startsAtEdge }
}

extension Relation: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What the pages of a range that is in bounds were in before the call.
public enum PageStateClass: UInt8, CaseIterable, Sendable {
  case none, untouched, committed, grown, rolledBack, handedOver, accessed, dirty, mixed

  var words: String {
    switch self {
    case .none: "without pages"
    case .untouched: "on untouched pages"
    case .committed: "on pages with data of an earlier message"
    case .grown: "on pages grown in this message"
    case .rolledBack: "on pages whose latest write was rolled back"
    case .handedOver: "on pages written by an earlier execution of the message"
    case .accessed: "on accessed pages"
    case .dirty: "on dirty pages"
    case .mixed: "on pages of several states"
    }
  }

  init(_ states: PageStates) {
    self =
      switch states {
      case []: .none
      case .untouched: .untouched
      case .committed: .committed
      case .grown: .grown
      case .rolledBack: .rolledBack
      case .handedOver: .handedOver
      case .accessed: .accessed
      case .dirty: .dirty
      default: .mixed
      }
  }
}

/// Size of stable memory before the call.
public enum SizeClass: UInt8, CaseIterable, Sendable {
  case empty, below4GiB, at4GiB, above4GiB, capacityBelow4GiB, capacity4GiB, capacityAbove4GiB

  var words: String {
    switch self {
    case .empty: "an empty memory"
    case .below4GiB: "a memory below 4 GiB"
    case .at4GiB: "a 4 GiB memory"
    case .above4GiB: "a memory above 4 GiB"
    case .capacityBelow4GiB: "a memory at its capacity below 4 GiB"
    case .capacity4GiB: "a memory at its capacity of 4 GiB"
    case .capacityAbove4GiB: "a memory at its capacity above 4 GiB"
    }
  }

  init(_ size: UInt64, capacity: UInt64) {
    let isFull = size >= capacity
    if size == 0 {
      self = .empty
    } else if size < Sizes.stable32Ceiling {
      self = isFull ? .capacityBelow4GiB : .below4GiB
    } else if size == Sizes.stable32Ceiling {
      self = isFull ? .capacity4GiB : .at4GiB
    } else {
      self = isFull ? .capacityAbove4GiB : .above4GiB
    }
  }

  var isAbove4GiB: Bool { self == .above4GiB || self == .capacityAbove4GiB }
  var isAtCapacity: Bool { self >= .capacityBelow4GiB }
}

extension SizeClass: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How close the call comes to the limits of pages and instructions.
public enum LimitState: UInt8, CaseIterable, Sendable {
  case free, takesLastAccessed, takesLastDirty, takesLastBoth, usedUp, missesOnePage, missesPages
  case takesLastInstruction, missesOneInstruction, missesInstructions, chargeWraps

  var words: String {
    switch self {
    case .free: "within all limits"
    case .takesLastAccessed: "taking the last pages of the accessed limit"
    case .takesLastDirty: "taking the last pages of the dirty limit"
    case .takesLastBoth: "taking the last pages of both limits"
    case .usedUp: "with a limit used up that it needs no more of"
    case .missesOnePage: "one page over a limit"
    case .missesPages: "several pages over a limit"
    case .takesLastInstruction: "leaving no instruction"
    case .missesOneInstruction: "one instruction short"
    case .missesInstructions: "several instructions short"
    case .chargeWraps: "with a charge that is negative as a signed number"
    }
  }

  var concernsPageTrap: Bool { self == .missesOnePage || self == .missesPages }
  var concernsInstructionTrap: Bool {
    self == .missesOneInstruction || self == .missesInstructions || self == .chargeWraps
  }
  var concernsPagesLeft: Bool { self >= .takesLastAccessed && self <= .usedUp }
}

extension LimitState: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How the range lies in the heap, of calls that come to look at it.
public enum HeapRelation: UInt8, CaseIterable, Sendable {
  case none, inside, endsAtEnd, passesEnd, startsPastEnd, beyondAddresses

  var words: String {
    switch self {
    case .none: "without a look at the heap"
    case .inside: "inside the heap"
    case .endsAtEnd: "ending at the heap's end"
    case .passesEnd: "passing the heap's end"
    case .startsPastEnd: "at or past the heap's end"
    case .beyondAddresses: "beyond all heap addresses"
    }
  }

  var isInBounds: Bool { self == .inside || self == .endsAtEnd }
}

/// Width of the heap's addresses.
public enum HeapWidth: UInt8, CaseIterable, Sendable {
  case none, narrow, wide

  var words: String {
    switch self {
    case .none: "without a heap"
    case .narrow: "with a 32-bit heap"
    case .wide: "with a 64-bit heap"
    }
  }

  init(is64Bit: Bool?) {
    self =
      switch is64Bit {
      case nil: .none
      case false?: .narrow
      case true?: .wide
      }
  }
}

/// By what the running code came into the canister.
public enum CodeAge: UInt8, CaseIterable, Sendable {
  case installed, upgraded, reinstalled

  var words: String {
    switch self {
    case .installed: "since the install"
    case .upgraded: "after an upgrade"
    case .reinstalled: "after a reinstall"
    }
  }
}

extension EntryPoint {
  var words: String {
    switch self {
    case .start: "in start"
    case .initialize: "in canister_init"
    case .preUpgrade: "in canister_pre_upgrade"
    case .postUpgrade: "in canister_post_upgrade"
    case .update: "in an update"
    case .query: "in a query"
    case .compositeQuery: "in a composite query"
    case .heartbeat: "in canister_heartbeat"
    case .globalTimer: "in canister_global_timer"
    case .lowWasmMemory: "in canister_on_low_wasm_memory"
    case .inspectMessage: "in canister_inspect_message"
    }
  }
}

/// The eight stable functions, numbered from 0.
public enum StableFunction: UInt8, CaseIterable, Sendable {
  case size, grow, read, write, size64, grow64, read64, write64

  /// The function of the System API; nil for what is not a stable function.
  init?(_ function: SystemFunction) {
    guard function.isStable else { return nil }
    self.init(rawValue: function.rawValue - SystemFunction.stableSize.rawValue)
  }

  var words: String {
    let raw = rawValue + SystemFunction.stableSize.rawValue
    return "`\(SystemFunction(rawValue: raw)?.name ?? "")`"
  }

  var isWide: Bool { self >= .size64 }
  var isSize: Bool { self == .size || self == .size64 }
  var isGrow: Bool { self == .grow || self == .grow64 }
  var isRead: Bool { self == .read || self == .read64 }
  var isWrite: Bool { self == .write || self == .write64 }
  /// Whether it moves bytes.
  var isAccess: Bool { isRead || isWrite }
}

extension StableFunction: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
