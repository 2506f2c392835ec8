// What state the pages of stable memory are in, for coverage. Reads the marks that `PagedStableMemory` keeps for its own
// rules.

import Canister

extension PagedStableMemory {
  /// Pages of a range whose states are looked up; the rest of a longer one says little more.
  private static let observedPages: UInt64 = 4_096

  /// The states in which the pages of a range are.
  func states(of pages: Range<UInt64>) -> PageStates {
    let end = min(pages.upperBound, pages.lowerBound + Self.observedPages)
    let firstGrown = committedPageCount * (Sizes.wasmPage / Sizes.osPage)
    var states: PageStates = []
    Self.forEachGroup(of: pages.lowerBound..<end) { number, mask in
      var rest = mask
      /// Takes the pages of `matching` out of those that have no state yet.
      func take(_ state: PageStates, _ matching: UInt64) {
        if rest & matching == 0 { return }
        states.insert(state)
        rest &= ~matching
      }
      let group = table.find(number)
      if let group {
        take(.dirty, group.pointee.written)
        take(.accessed, group.pointee.accessed)
        take(.handedOver, group.pointee.writtenBefore)
        take(.rolledBack, group.pointee.rolledBack)
      }
      let first = number * 64
      if firstGrown < first + 64 { take(.grown, firstGrown <= first ? .max : .max << (firstGrown - first)) }
      if let group { take(.committed, group.pointee.holding) }
      take(.untouched, .max)
    }
    return states
  }
}
