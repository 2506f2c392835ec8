// What can happen: the rules that every situation keeps, one a row, so that "never" only lists what is possible.
// Read by `FeasibleSituations`, which counts what is left, and by the tests. Source: contract section 3.

import Canister

/// A sentence that is true of every situation, and the dimensions that it is about.
struct FeasibilityRule: Sendable {
  let sentence: String
  let dimensions: [Dimension]
  let holds: @Sendable (Situation) -> Bool

  init(
    _ sentence: String, _ dimensions: [Dimension], _ holds: @escaping @Sendable (Situation) -> Bool
  ) {
    self.sentence = sentence
    self.dimensions = dimensions
    self.holds = holds
  }

  /// All rules.
  static let all: [FeasibilityRule] = shapes + lengths + sizes + outcomes + pages + limits + surroundings

  // MARK: Function and range

  private static let shapes: [FeasibilityRule] = [
    .init("sizes have no length, all others have one", [.function, .length]) {
      $0.function.isSize == ($0.length == .none)
    },
    .init("sizes have no range, reads and writes have one, growth leads somewhere", [.function, .relation]) {
      if $0.function.isSize { return $0.relation == .none }
      return $0.relation != .none && $0.function.isGrow == $0.relation.isGrowth
    },
    .init("32-bit functions wrap 2^32 and others 2^64", [.function, .relation]) {
      switch $0.relation {
      case .wraps32: !$0.function.isWide
      case .wraps64, .growthWraps, .crosses4GiB: $0.function.isWide
      default: true
      }
    },
    .init("32-bit functions have 32-bit lengths", [.function, .length]) {
      $0.function.isWide || ($0.length != .from32Bits && $0.length != .from63Bits)
    },
    .init("an empty range has length 0, growth by nothing too", [.length, .relation]) {
      ($0.length == .zero) == ($0.relation.isEmpty || $0.relation == .growsNothing)
    },
  ]

  private static let lengths: [FeasibilityRule] = [
    .init("one byte neither crosses an edge nor is a page, nor passes an end", [.length, .relation]) {
      guard $0.length == .one else { return true }
      return ![.wholePages, .crosses, .crosses4GiB, .passesEnd, .wraps32].contains($0.relation)
    },
    .init("a range inside a page is shorter than a page", [.length, .relation]) {
      switch $0.relation {
      case .inside, .startsAtEdge: $0.length == .one || $0.length == .belowPage
      default: true
      }
    },
    .init(
      "whole pages have a page's length at least; a page's length from elsewhere does not end at an edge",
      [
        .length, .relation,
      ]
    ) {
      switch $0.relation {
      case .wholePages: $0.length.rawValue >= LengthClass.page.rawValue
      case .endsAtEdge: $0.length != .page
      default: true
      }
    },
    .init("a range in bounds is not longer than what the memory's size allows", [.length, .relation, .size]) {
      guard $0.relation.isInBounds else { return true }
      switch $0.length {
      case .from63Bits: return false
      case .from32Bits: return $0.size.isAbove4GiB || ($0.size.isExactly4GiB && $0.relation == .endsAtEnd)
      default: return true
      }
    },
    .init("growth by 2^31 pages and more passes every capacity; only from 2^63 on can it wrap", [.length, .relation]) {
      guard $0.relation.isGrowth else { return true }
      if $0.relation == .growthWraps { return $0.length == .from63Bits }
      return $0.length.rawValue < LengthClass.from31Bits.rawValue || $0.relation == .growsPastCapacity
    },
    .init("growth leads as far as its number of pages", [.length, .relation, .size]) {
      // Capacities are multiples of 4,096 pages.
      switch ($0.relation, $0.size) {
      case (.growsTo4GiB, .empty), (.growsPast4GiB, .empty): $0.length == .wasmPages
      case (.growsToCapacity, .empty): $0.length.rawValue >= LengthClass.page.rawValue
      case (.growsPastCapacity, .empty): $0.length.rawValue > LengthClass.page.rawValue
      case (.growsTo4GiB, .below4GiB): $0.length.rawValue <= LengthClass.belowWasmPage.rawValue
      case (.growsPast4GiB, .below4GiB): $0.length != .one
      case (.growsPastCapacity, let size): size.isAtCapacity || $0.length != .one
      default: true
      }
    },
  ]

  // MARK: Memory size

  private static let sizes: [FeasibilityRule] = [
    .init("an empty memory has nothing inside", [.relation, .size]) {
      $0.size != .empty || !($0.relation.isInBounds || $0.relation == .passesEnd || $0.relation == .emptyInside)
    },
    .init("only a memory above 4 GiB has 4 GiB inside", [.relation, .size]) {
      ($0.relation != .endsAt4GiB && $0.relation != .crosses4GiB) || $0.size.isAbove4GiB
    },
    .init("growth starts below where it leads", [.relation, .size]) {
      switch $0.relation {
      case .growsWithin: !$0.size.isAtCapacity && $0.size != .at4GiB
      case .growsToCapacity: !$0.size.isAtCapacity
      case .growsTo4GiB: $0.size < .at4GiB
      case .growsPast4GiB: $0.size <= .at4GiB
      default: true
      }
    },
    .init("a size that wraps 2^64 needs a size", [.relation, .size]) {
      $0.relation != .growthWraps || $0.size != .empty
    },
    .init("32-bit offsets do not reach the end of a larger memory", [.function, .relation, .size]) {
      guard $0.function.isAccess, !$0.function.isWide, $0.size.isAbove4GiB else { return true }
      let reachable: [Relation] = [
        .inside, .startsAtEdge, .endsAtEdge, .wholePages, .crosses, .endsAt4GiB, .wraps32, .emptyInside,
      ]
      return reachable.contains($0.relation)
    },
    .init("32-bit offsets do not pass the end of 4 GiB without wrapping", [.function, .relation, .size]) {
      guard $0.function.isAccess, !$0.function.isWide, $0.size.isExactly4GiB else { return true }
      return !($0.relation.isOutOfBounds && $0.relation != .wraps32) && $0.relation != .emptyAtEnd
        && $0.relation != .emptyPastEnd
    },
  ]

  // MARK: Outcome

  private static let outcomes: [FeasibilityRule] = [
    .init("only growth is refused", [.function, .outcome]) { $0.outcome != .refused || $0.function.isGrow },
    .init(
      "only reads and writes leave bounds or pass page limits, and only writes that of dirty pages",
      [
        .function, .outcome,
      ]
    ) {
      switch $0.outcome {
      case .stableOutOfBounds, .heapOutOfBounds, .accessedLimit: $0.function.isAccess
      case .dirtyLimit: $0.function.isWrite
      default: true
      }
    },
    .init("sizes cost nothing", [.function, .outcome]) { $0.outcome != .outOfInstructions || !$0.function.isSize },
    .init(
      "32-bit functions refuse a memory above 4 GiB, but for empty reads",
      [
        .function, .relation, .size, .outcome,
      ]
    ) {
      let isTooBig = !$0.function.isWide && $0.size.isAbove4GiB
      let isEmptyRead = $0.function.isRead && $0.relation.isEmpty
      if $0.outcome == .outOfInstructions { return true }
      return ($0.outcome == .tooBig) == (isTooBig && !isEmptyRead)
    },
    .init(
      "stable bounds are left by ranges out of bounds, and by empty writes past the end with 32 bits",
      [
        .function, .relation, .outcome,
      ]
    ) {
      guard $0.function.isAccess, $0.outcome != .outOfInstructions, $0.outcome != .tooBig else { return true }
      let isOut = $0.relation.isOutOfBounds || ($0.relation == .emptyPastEnd && $0.function == .write)
      return isOut == ($0.outcome == .stableOutOfBounds)
    },
    .init("an empty range returns before anything else can go wrong", [.relation, .outcome]) {
      !$0.relation.isEmpty || ![.heapOutOfBounds, .accessedLimit, .dirtyLimit].contains($0.outcome)
    },
    .init("growth past what is allowed is refused, other growth is not", [.function, .relation, .outcome]) {
      guard $0.function.isGrow, $0.outcome == .refused || $0.outcome == .returned else { return true }
      switch $0.relation {
      case .growsPastCapacity, .growthWraps: return $0.outcome == .refused
      case .growsPast4GiB: return ($0.outcome == .refused) == ($0.function == .grow)
      case .growsToCapacity where $0.function == .grow: return true
      default: return $0.outcome == .returned
      }
    },
    .init("32-bit growth from 4 GiB to a capacity is refused", [.function, .relation, .size, .outcome]) {
      guard $0.function == .grow, $0.relation == .growsToCapacity else { return true }
      if $0.size.isExactly4GiB { return $0.outcome != .returned }
      return true
    },
  ]

  // MARK: Pages

  private static let pages: [FeasibilityRule] = [
    .init("pages have a state where a range is in bounds and not empty", [.relation, .pages]) {
      $0.relation.isInBounds == ($0.pages != .none)
    },
    .init("one page has one state", [.relation, .pages]) { $0.pages != .mixed || $0.relation.mayBeMixed },
    .init("one byte or one whole page has one state", [.length, .relation, .pages]) {
      guard $0.pages == .mixed else { return true }
      return $0.length != .one && !($0.length == .page && $0.relation == .wholePages)
    },
    .init("only unaccessed pages pass the accessed limit, only unwritten ones the dirty limit", [.pages, .outcome]) {
      switch $0.outcome {
      case .accessedLimit: $0.pages != .accessed && $0.pages != .dirty
      case .dirtyLimit: $0.pages != .dirty
      default: true
      }
    },
    .init(
      "an install begins with an empty memory: nothing is committed or left as it was",
      [
        .pages, .entryPoint, .codeAge,
      ]
    ) {
      let isInstall = $0.entryPoint == .initialize || ($0.entryPoint == .start && $0.codeAge != .upgraded)
      return !isInstall || ($0.pages != .committed && $0.pages != .untouched)
    },
    .init("only executions after others of their message find pages handed over", [.pages, .entryPoint, .codeAge]) {
      guard $0.pages == .handedOver else { return true }
      switch $0.entryPoint {
      case .initialize, .postUpgrade: return true
      case .start: return $0.codeAge == .upgraded
      default: return false
      }
    },
  ]

  // MARK: Limits

  private static let limits: [FeasibilityRule] = [
    .init("what is over a limit traps for it, and the other way round", [.outcome, .limit]) {
      ($0.limit.concernsPageTrap == ($0.outcome == .accessedLimit || $0.outcome == .dirtyLimit))
        && ($0.limit.concernsInstructionTrap == ($0.outcome == .outOfInstructions))
    },
    .init("what is left is asked of calls that return", [.outcome, .limit]) {
      !($0.limit.concernsPagesLeft || $0.limit == .takesLastInstruction) || $0.outcome == .returned
    },
    .init("pages are taken by ranges in bounds", [.relation, .limit]) {
      !$0.limit.concernsPagesLeft || $0.relation.isInBounds
    },
    .init("sizes take no instruction", [.function, .limit]) {
      !$0.function.isSize || $0.limit == .free
    },
    .init("only writes take dirty pages", [.function, .limit]) {
      ($0.limit != .takesLastDirty && $0.limit != .takesLastBoth) || $0.function.isWrite
    },
    .init("pages that are accessed or dirty already take nothing of their limit", [.function, .pages, .limit]) {
      switch $0.limit {
      case .takesLastAccessed, .takesLastBoth: $0.pages != .accessed && $0.pages != .dirty
      case .takesLastDirty: $0.pages != .dirty
      case .usedUp: $0.pages == .dirty || $0.pages == .accessed || $0.pages == .mixed
      default: true
      }
    },
    .init("a single page misses a single page", [.length, .relation, .limit]) {
      guard $0.limit == .missesPages else { return true }
      return $0.relation.mayBeMixed && $0.length != .one && !($0.length == .page && $0.relation == .wholePages)
    },
    .init("only a charge from 2^63 on is negative", [.function, .length, .limit]) {
      $0.limit != .chargeWraps
        || ($0.function.isAccess && $0.function.isWide
          && ($0.length == .from32Bits || $0.length == .from63Bits))
    },
  ]

  // MARK: Heap, entry point and code

  private static let surroundings: [FeasibilityRule] = [
    .init("the heap is looked at by what moves bytes or leaves it", [.relation, .outcome, .heapRelation]) {
      switch $0.outcome {
      case .returned: return $0.relation.isInBounds ? $0.heapRelation.isInBounds : $0.heapRelation == .none
      case .heapOutOfBounds: return $0.heapRelation != .none && !$0.heapRelation.isInBounds
      default: return $0.heapRelation == .none
      }
    },
    .init("one byte does not pass the heap's end, it starts there", [.length, .heapRelation]) {
      $0.length != .one || $0.heapRelation != .passesEnd
    },
    .init("32-bit addresses are heap addresses", [.function, .heapRelation]) {
      $0.function.isWide || $0.heapRelation != .beyondAddresses
    },
    .init("4 GiB of a 32-bit heap and more are beyond its addresses", [.length, .heap, .heapRelation]) {
      $0.length != .from32Bits || $0.heap != .narrow || $0.heapRelation == .none
        || $0.heapRelation == .beyondAddresses
    },
    .init("modules with a 64-bit heap have no 32-bit functions", [.function, .heap]) {
      $0.heap != .wide || $0.function.isWide
    },
    .init("modules without a heap have no reads and writes", [.function, .heap]) {
      $0.heap != .none || !$0.function.isAccess
    },
    .init("canister_post_upgrade belongs to an upgrade, canister_init to an install", [.entryPoint, .codeAge]) {
      switch $0.entryPoint {
      case .postUpgrade: $0.codeAge == .upgraded
      case .initialize: $0.codeAge != .upgraded
      default: true
      }
    },
  ]
}

extension SizeClass {
  var isExactly4GiB: Bool { self == .at4GiB || self == .capacity4GiB }
}
