// From a call as the host lane met it to its situation. Called by `CoverageCollector` for every stable call.

import Canister
import Execution

extension Situation {
  /// - Parameters:
  ///   - call: as observed.
  ///   - function: that of the call.
  init(
    _ call: ObservedCall, _ function: StableFunction, entryPoint: EntryPoint, heap: HeapWidth, codeAge: CodeAge
  ) {
    self.init(function, entryPoint: entryPoint, heap: heap, codeAge: codeAge)
    size = SizeClass(call.size, capacity: call.capacity)
    outcome = CallOutcome(call, function)
    if let (offset, length) = call.range {
      self.length = LengthClass(length)
      relation = Relation(offset: offset, length: length, size: call.size, isWide: function.isWide)
      if relation.isInBounds { pages = PageStateClass(of: call) }
    } else if function.isGrow {
      length = LengthClass(call.arguments.0)
      relation = Relation(growthOf: call.size, by: call.arguments.0, capacity: call.capacity)
    }
    limit = LimitState(call, function, outcome, hasPages: relation.isInBounds)
    heapRelation = HeapRelation(call, outcome, hasPages: relation.isInBounds)
  }
}

extension PageStateClass {
  /// What is seen of the pages of a long range is its start; the numbers of all its pages can tell that others differ.
  /// A call that cannot be paid does not come to these numbers, and both are 0.
  fileprivate init(of call: ObservedCall) {
    self.init(call.pages)
    guard let (offset, length) = call.range, length > 0 else { return }
    let count = ((offset &+ length &- 1) >> 12) &- (offset >> 12) &+ 1
    let isContradicted =
      switch self {
      case .none, .mixed: false
      case .dirty: call.unwritten > 0
      case .accessed: call.unaccessed > 0 || call.unwritten > 0 && call.unwritten < count
      case .untouched, .committed, .grown, .rolledBack, .handedOver: call.unaccessed > 0 && call.unaccessed < count
      }
    if isContradicted { self = .mixed }
  }
}

extension HeapRelation {
  fileprivate init(_ call: ObservedCall, _ outcome: CallOutcome, hasPages: Bool) {
    guard hasPages, outcome == .returned || outcome == .heapOutOfBounds, let address = call.heapAddress,
      let length = call.range?.length
    else {
      self = .none
      return
    }
    let (end, overflow) = address.addingReportingOverflow(length)
    if overflow || address > call.largestHeapAddress || length > call.largestHeapAddress {
      self = .beyondAddresses
    } else if end > call.heapSize {
      self = address < call.heapSize ? .passesEnd : .startsPastEnd
    } else {
      self = end == call.heapSize ? .endsAtEnd : .inside
    }
  }
}

extension CallOutcome {
  fileprivate init(_ call: ObservedCall, _ function: StableFunction) {
    guard let trap = call.trap else {
      let refusal: UInt64 = function.isWide ? .max : 0xFFFF_FFFF
      self = function.isGrow && call.result == refusal ? .refused : .returned
      return
    }
    self =
      switch trap {
      case .canister(.stableMemoryTooBigFor32Bit): .tooBig
      case .canister(.stableMemoryOutOfBounds): .stableOutOfBounds
      case .canister(.accessedPageLimitExceeded): .accessedLimit
      case .canister(.dirtyPageLimitExceeded): .dirtyLimit
      case .outOfInstructions: .outOfInstructions
      default: .heapOutOfBounds
      }
  }
}

extension Relation {
  /// How a range lies.
  ///
  /// - Parameter size: of stable memory in Wasm pages.
  init(offset: UInt64, length: UInt64, size: UInt64, isWide: Bool) {
    let (bytes, sizeOverflow) = size.multipliedReportingOverflow(by: Sizes.wasmPage)
    let limit = sizeOverflow ? .max : bytes
    if length == 0 {
      self = offset < limit ? .emptyInside : offset == limit ? .emptyAtEnd : .emptyPastEnd
      return
    }
    let (end, overflow) = offset.addingReportingOverflow(length)
    let fourGiB: UInt64 = 1 << 32
    if overflow {
      self = .wraps64
    } else if !isWide && end > fourGiB {
      self = .wraps32
    } else if end > limit {
      self = offset < limit ? .passesEnd : offset == limit ? .startsAtEnd : .startsPastEnd
    } else if end == limit {
      self = .endsAtEnd
    } else if end == fourGiB {
      self = .endsAt4GiB
    } else if offset < fourGiB && end > fourGiB {
      self = .crosses4GiB
    } else {
      let startsAtEdge = offset % Sizes.osPage == 0
      if end % Sizes.osPage == 0 {
        self = startsAtEdge ? .wholePages : .endsAtEdge
      } else if offset / Sizes.osPage != end / Sizes.osPage {
        self = .crosses
      } else {
        self = startsAtEdge ? .startsAtEdge : .inside
      }
    }
  }

  /// Where growth leads.
  ///
  /// - Parameter size: in Wasm pages, as the others.
  init(growthOf size: UInt64, by pages: UInt64, capacity: UInt64) {
    let (new, overflow) = size.addingReportingOverflow(pages)
    if pages == 0 {
      self = .growsNothing
    } else if overflow {
      self = .growthWraps
    } else if new > capacity {
      self = .growsPastCapacity
    } else if new == capacity {
      self = .growsToCapacity
    } else if new == Sizes.stable32Ceiling {
      self = .growsTo4GiB
    } else {
      self = size <= Sizes.stable32Ceiling && new > Sizes.stable32Ceiling ? .growsPast4GiB : .growsWithin
    }
  }
}

extension LimitState {
  fileprivate init(_ call: ObservedCall, _ function: StableFunction, _ outcome: CallOutcome, hasPages: Bool) {
    switch outcome {
    case .outOfInstructions:
      self =
        call.counterAfter == .min ? .chargeWraps : call.counterAfter == -1 ? .missesOneInstruction : .missesInstructions
    case .accessedLimit: self = call.unaccessed &- call.accessedBudget == 1 ? .missesOnePage : .missesPages
    case .dirtyLimit: self = call.unwritten &- call.dirtyBudget == 1 ? .missesOnePage : .missesPages
    case .refused, .tooBig, .stableOutOfBounds, .heapOutOfBounds: self = .free
    case .returned:
      if !function.isSize && call.counterAfter == 0 {
        self = .takesLastInstruction
      } else if hasPages {
        self = Self.pagesLeft(call, isWrite: function.isWrite)
      } else {
        self = .free
      }
    }
  }

  private static func pagesLeft(_ call: ObservedCall, isWrite: Bool) -> LimitState {
    let takesLastAccessed = call.unaccessed > 0 && call.unaccessed == call.accessedBudget
    let takesLastDirty = isWrite && call.unwritten > 0 && call.unwritten == call.dirtyBudget
    if takesLastAccessed { return takesLastDirty ? .takesLastBoth : .takesLastAccessed }
    if takesLastDirty { return .takesLastDirty }
    let needsNone = call.unaccessed == 0 && call.accessedBudget == 0
    let needsNoneDirty = isWrite && call.unwritten == 0 && call.dirtyBudget == 0
    return needsNone || needsNoneDirty ? .usedUp : .free
  }
}
