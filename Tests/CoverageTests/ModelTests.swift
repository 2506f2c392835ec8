// The model itself: calls are put into the right classes, every class can be reached, and impossible ones are ruled out.

import Canister
import Coverage
import Execution
import Testing

@Suite struct ModelTests {
  @Test(arguments: ClassifiedCall.all) func callsAreClassified(call: ClassifiedCall) throws {
    #expect(try call.make() == call.expected)
  }

  @Test(arguments: ClassifiedCall.all) func whatWasReachedIsFeasible(call: ClassifiedCall) {
    #expect(FeasibleSituations.brokenRule(call.expected) == nil)
  }

  @Test(arguments: Dimension.allCases) func everyClassIsReached(dimension: Dimension) {
    let reached = Set(ClassifiedCall.all.map { $0.expected[dimension] })
    let missing = dimension.words.indices.filter { !reached.contains($0) }.map { dimension.words[$0] }
    #expect(missing == [])
  }

  @Test func situationsPackAndUnpack() {
    for item in FeasibleSituations.shared.items.indices.striding(by: 997).map({ FeasibleSituations.shared.items[$0] }) {
      #expect(item.situation.map { CoverageItem($0) } == item)
    }
    #expect(CoverageItem(bits: 31).situation == nil)
  }

  /// Each breaks the rule whose sentence begins so.
  @Test(arguments: [
    (Situation(.size, length: .one), "sizes have no length"),
    (Situation(.size, .inside), "sizes have no range"),
    (Situation(.read, length: .one, .growsWithin), "sizes have no range"),
    (Situation(.read, length: .one, .wraps64, outcome: .stableOutOfBounds), "32-bit functions wrap"),
    (Situation(.read, length: .from32Bits, .wraps32, outcome: .stableOutOfBounds), "32-bit functions have"),
    (Situation(.read, length: .one, .emptyAtEnd), "an empty range"),
    (Situation(.read, length: .one, .crosses, size: .below4GiB, pages: .dirty), "one byte"),
    (Situation(.read, length: .page, .inside, size: .below4GiB, pages: .dirty), "a range inside a page"),
    (Situation(.read, length: .page, .endsAtEdge, size: .below4GiB, pages: .dirty), "whole pages"),
    (
      Situation(.read64, length: .from32Bits, .crosses, size: .below4GiB, pages: .dirty, outcome: .heapOutOfBounds),
      "a range in bounds is not longer"
    ),
    (Situation(.grow64, length: .from31Bits, .growsWithin), "growth by 2^31"),
    (Situation(.grow64, length: .one, .growsTo4GiB), "growth leads"),
    (Situation(.read, length: .one, .inside, pages: .dirty), "an empty memory"),
    (Situation(.read64, length: .page, .crosses4GiB, size: .at4GiB, pages: .dirty), "only a memory above"),
    (Situation(.grow64, length: .one, .growsWithin, size: .capacityAbove4GiB), "growth starts below"),
    (Situation(.grow64, length: .from63Bits, .growthWraps, outcome: .refused), "a size that wraps"),
    (Situation(.read, length: .zero, .emptyAtEnd, size: .above4GiB), "32-bit offsets do not reach"),
    (Situation(.write, length: .zero, .emptyAtEnd, size: .at4GiB), "32-bit offsets do not pass"),
    (Situation(.read, length: .zero, .emptyAtEnd, size: .below4GiB, outcome: .refused), "only growth is refused"),
    (
      Situation(
        .read, length: .one, .inside, size: .below4GiB, pages: .grown, outcome: .dirtyLimit, limit: .missesOnePage),
      "only reads and writes leave"
    ),
    (Situation(.size64, outcome: .outOfInstructions, limit: .missesInstructions), "sizes cost nothing"),
    (Situation(.size, size: .above4GiB), "32-bit functions refuse"),
    (Situation(.read, length: .one, .startsAtEnd, size: .below4GiB), "stable bounds"),
    (
      Situation(.read64, length: .zero, .emptyAtEnd, size: .below4GiB, outcome: .heapOutOfBounds),
      "an empty range returns"
    ),
    (Situation(.grow64, length: .page, .growsPastCapacity, size: .capacity4GiB), "growth past what"),
    (Situation(.grow, length: .one, .growsToCapacity, size: .at4GiB), "32-bit growth from 4 GiB"),
    (Situation(.read, length: .one, .inside, size: .below4GiB), "pages have a state"),
    (Situation(.read, length: .one, .inside, size: .below4GiB, pages: .mixed), "one page has one state"),
    (Situation(.read, length: .page, .wholePages, size: .below4GiB, pages: .mixed), "one byte or one whole page"),
    (
      Situation(
        .read, length: .one, .inside, size: .below4GiB, pages: .dirty, outcome: .accessedLimit, limit: .missesOnePage),
      "only unaccessed pages"
    ),
    (
      Situation(.read, length: .one, .inside, size: .below4GiB, pages: .committed, entryPoint: .initialize),
      "an install begins"
    ),
    (Situation(.read, length: .one, .inside, size: .below4GiB, pages: .handedOver), "only executions after others"),
    (Situation(.size64, limit: .missesOnePage), "what is over a limit"),
    (
      Situation(.grow64, length: .one, .growsPastCapacity, size: .capacity4GiB, outcome: .refused, limit: .usedUp),
      "what is left"
    ),
    (Situation(.read, length: .zero, .emptyAtEnd, size: .below4GiB, limit: .usedUp), "pages are taken"),
    (Situation(.size64, limit: .takesLastInstruction), "sizes take no instruction"),
    (
      Situation(.read, length: .one, .inside, size: .below4GiB, pages: .grown, limit: .takesLastDirty),
      "only writes take"
    ),
    (
      Situation(.write, length: .one, .inside, size: .below4GiB, pages: .dirty, limit: .takesLastDirty),
      "pages that are accessed or dirty"
    ),
    (
      Situation(
        .read, length: .one, .inside, size: .below4GiB, pages: .grown, outcome: .accessedLimit, limit: .missesPages),
      "a single page misses"
    ),
    (
      Situation(.grow64, length: .one, .growsWithin, outcome: .outOfInstructions, limit: .chargeWraps),
      "only a charge from 2^63"
    ),
    (
      Situation(.read, length: .one, .inside, size: .below4GiB, pages: .dirty, heapRelation: .startsPastEnd),
      "the heap is looked at"
    ),
    (
      Situation(
        .read, length: .one, .inside, size: .below4GiB, pages: .dirty, outcome: .heapOutOfBounds,
        heapRelation: .passesEnd), "one byte does not pass"
    ),
    (
      Situation(
        .read, length: .one, .inside, size: .below4GiB, pages: .dirty, outcome: .heapOutOfBounds,
        heapRelation: .beyondAddresses), "32-bit addresses are"
    ),
    (
      Situation(
        .read64, length: .from32Bits, .crosses, size: .above4GiB, pages: .dirty, outcome: .heapOutOfBounds,
        heapRelation: .passesEnd), "4 GiB of a 32-bit heap"
    ),
    (Situation(.size, heap: .wide), "modules with a 64-bit heap"),
    (
      Situation(.read, length: .one, .inside, size: .below4GiB, pages: .grown, heap: .none), "modules without a heap"
    ),
    (Situation(.size64, entryPoint: .postUpgrade), "canister_post_upgrade belongs"),
  ]) func impossibleSituationsAreRuledOut(situation: Situation, sentence: String) {
    #expect(FeasibleSituations.brokenRule(situation)?.hasPrefix(sentence) == true)
    #expect(!FeasibleSituations.shared.items.contains(CoverageItem(situation)))
  }
}

extension Collection where Index == Int {
  fileprivate func striding(by step: Int) -> [Element] {
    stride(from: startIndex, to: endIndex, by: step).map { self[$0] }
  }
}
