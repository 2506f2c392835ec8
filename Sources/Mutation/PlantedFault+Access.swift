// Faults in the stable reads and writes: bounds, empty ranges, page ranges, page marks, limits, copies.

import Canister
import Wasm

extension PlantedFault {
  // MARK: Bounds

  static let bounds: [PlantedFault] = [
    .init("read-end-refused", in: .read, "stable_read refuses a range that ends exactly at the end.") {
      try $0.compare(.stableMemoryOutOfBounds, with: .i64GeU)
    },
    .init("write-end-refused", in: .write, "stable_write refuses a range that ends exactly at the end.") {
      try $0.compare(.stableMemoryOutOfBounds, with: .i64GeU)
    },
    .init("read64-end-refused", in: .read64, "stable64_read refuses a range that ends exactly at the end.") {
      try $0.compare(.stableMemoryOutOfBounds, nth: 2, with: .i64GeU)
    },
    .init("write64-end-refused", in: .write64, "stable64_write refuses a range that ends exactly at the end.") {
      try $0.compare(.stableMemoryOutOfBounds, nth: 2, with: .i64GeU)
    },
    .init("write-bounds-page-short", in: .write, "stable_write takes stable memory for one page smaller than it is.") {
      try $0.insert([.i64(1), .op(.i64Sub)], after: [.any(.memorySize)], nth: 2)
    },
    .init("read64-bounds-byte-long", in: .read64, "stable64_read allows one byte past the end.") {
      try $0.insert([.i64(1), .op(.i64Add)], after: [.any(.i64Mul)])
    },
    .init("read-bounds-missing", in: .read, "stable_read does not check the end of stable memory.") {
      try $0.removeCheck(.stableMemoryOutOfBounds)
    },
    .init("write64-bounds-missing", in: .write64, "stable64_write does not check the end of stable memory.") {
      try $0.removeCheck(.stableMemoryOutOfBounds, nth: 2)
    },
    .init("read64-wrap-missing", in: .read64, "stable64_read accepts an offset + length that wraps around.") {
      try $0.removeCheck(.stableMemoryOutOfBounds)
    },
    .init("write64-wrap-missing", in: .write64, "stable64_write accepts an offset + length that wraps around.") {
      try $0.removeCheck(.stableMemoryOutOfBounds)
    },
    .init("size-too-big-early", in: .size, "stable_size finds exactly 65,536 pages too many.") {
      try $0.compare(.stableMemoryTooBigFor32Bit, with: .i64GeU)
    },
    .init("read-too-big-early", in: .read, "stable_read finds exactly 65,536 pages too many.") {
      try $0.compare(.stableMemoryTooBigFor32Bit, with: .i64GeU)
    },
    .init("write-too-big-early", in: .write, "stable_write finds exactly 65,536 pages too many.") {
      try $0.compare(.stableMemoryTooBigFor32Bit, with: .i64GeU)
    },
    .init("size-too-big-missing", in: .size, "stable_size works on more than 65,536 pages.") {
      try $0.removeCheck(.stableMemoryTooBigFor32Bit)
    },
    .init("read-too-big-missing", in: .read, "stable_read works on more than 65,536 pages.") {
      try $0.removeCheck(.stableMemoryTooBigFor32Bit)
    },
    .init("write-too-big-missing", in: .write, "stable_write works on more than 65,536 pages.") {
      try $0.removeCheck(.stableMemoryTooBigFor32Bit)
    },
    .init("read64-heap-wrap-missing", in: .read64, "stable64_read cuts a heap address beyond 32 bits off.") {
      try $0.removeCheck(.heapOutOfBounds)
    },
    .init("write64-heap-wrap-missing", in: .write64, "stable64_write cuts a heap address beyond 32 bits off.") {
      try $0.removeCheck(.heapOutOfBounds)
    },
    .init("write64-heap-before-stable", in: .write64, "stable64_write checks the heap before stable memory.") {
      let heap = try $0.check(.heapOutOfBounds)
      let wrap = try $0.check(.stableMemoryOutOfBounds)
      let empty = try $0.emptyReturn()
      // [wrap … end check …] [heap address check] → the other way round.
      let end = try $0.check(.stableMemoryOutOfBounds, nth: 2)
      guard wrap.upperBound < end.lowerBound else { throw NoSite() }
      $0.exchange(empty.upperBound..<end.upperBound, end.upperBound..<heap.upperBound)
    },
  ]

  // MARK: Empty ranges

  static let emptyRanges: [PlantedFault] = [
    .init("read-empty-checked", in: .read, "stable_read does not return early for length 0.") {
      $0.replace(try $0.emptyReturn(), with: [])
    },
    .init("read64-empty-checked", in: .read64, "stable64_read does not return early for length 0.") {
      $0.replace(try $0.emptyReturn(), with: [])
    },
    .init("write64-empty-checked", in: .write64, "stable64_write does not return early for length 0.") {
      $0.replace(try $0.emptyReturn(), with: [])
    },
    .init("write-empty-marks", in: .write, "stable_write does not return early for length 0.") {
      $0.replace(try $0.emptyReturn(), with: [])
    },
    .init("write-empty-unchecked", in: .write, "stable_write returns for length 0 before its checks.") {
      let checks = try $0.lengthCharge().upperBound
      let early = try $0.emptyReturn()
      $0.exchange(checks..<early.lowerBound, early)
    },
    .init("read64-empty-uncharged", in: .read64, "stable64_read returns for length 0 before it charges.") {
      $0.exchange(try $0.lengthCharge(), try $0.emptyReturn())
    },
  ]

  // MARK: Page ranges

  private static let endPageRounding: [Pattern] = [.i64(1), .any(.i64Add), .any(.i32WrapI64)]
  private static let lastByte: [Pattern] = [.i64(1), .any(.i64Sub)]

  static let pageRanges: [PlantedFault] = [
    .init("read-last-page-missed", in: .read, "stable_read does not account for the last page of its range.") {
      try $0.replace(endPageRounding, with: [.op(.i32WrapI64)])
    },
    .init("write-last-page-missed", in: .write, "stable_write does not account for the last page of its range.") {
      try $0.replace(endPageRounding, with: [.op(.i32WrapI64)])
    },
    .init("write64-last-page-missed", in: .write64, "stable64_write does not account for the last page of its range.") {
      try $0.replace(endPageRounding, with: [.op(.i32WrapI64)])
    },
    .init("read64-page-too-many", in: .read64, "stable64_read counts the next page if it ends where a page ends.") {
      try $0.replace(lastByte, with: [])
    },
    .init("write64-page-too-many", in: .write64, "stable64_write counts the next page if it ends where a page ends.") {
      try $0.replace(lastByte, with: [])
    },
    .init(
      "write-first-page-missed", in: .write, "stable_write does not account for a page that it enters in the middle."
    ) {
      try $0.replace(
        [.i64(12), .any(.i64ShrU), .any(.i32WrapI64)],
        with: [.i64(4095), .op(.i64Add), .i64(12), .op(.i64ShrU), .op(.i32WrapI64)])
    },
    .init("count-first-page-skipped", in: .countCleanPages, "Counting clean pages skips the first page.") {
      try $0.replace(
        [.get(LocalIndex(0)), .exactly(.set(LocalIndex(2)))],
        with: [.get(LocalIndex(0)), .i32(1), .op(.i32Add), .set(LocalIndex(2))])
    },
    .init("count-end-included", in: .countCleanPages, "Counting clean pages looks at the page after the range.") {
      try $0.replace([.any(.i32LtU)], with: [.op(.i32LeU)])
    },
    .init("count-accessed-by-write-bit", in: .countCleanPages, "Counting takes a page for accessed only if written.") {
      try $0.replace([.i32(1), .any(.i32ShrU)], with: [])
    },
    .init("count-written-by-access-bit", in: .countCleanPages, "Counting takes an accessed page for written.") {
      try $0.replace([.i32(1), .any(.i32And)], with: [.i32(1), .op(.i32ShrU)])
    },
    .init("count-results-swapped", in: .countCleanPages, "Counting returns its two results in the wrong order.") {
      let end = $0.instructions.count - 1
      $0.exchange(
        try $0.find([.get(LocalIndex(4)), .any(.i32Sub)], from: end - 6),
        try $0.find([.get(LocalIndex(5)), .any(.i32Sub)], from: end - 6))
    },
  ]

  // MARK: Page marks

  static let pageMarks: [PlantedFault] = [
    .init("write-marks-written-only", in: .write, "stable_write does not mark its pages as accessed.") {
      try $0.replace([.i32(3), .get(.endPage)], with: [.i32(1), .get(.endPage)])
    },
    .init("write64-marks-accessed-only", in: .write64, "stable64_write marks its pages as accessed but not written.") {
      try $0.replace([.i32(3), .get(.endPage)], with: [.i32(2), .get(.endPage)])
    },
    .init("write64-marks-nothing", in: .write64, "stable64_write does not mark its pages.") {
      try $0.replace([.any(.memoryFill)], with: [.op(.drop), .op(.drop), .op(.drop)])
    },
    .init("write-marks-one-page", in: .write, "stable_write marks only the first page of its range.") {
      try $0.replace(
        [.get(.endPage), .get(.firstPage), .any(.i32Sub), .any(.memoryFill)],
        with: [.i32(1), Instruction(.memoryFill, .memory($0.layout.bytemap))])
    },
    .init("read-marks-written", in: .read, "stable_read marks its pages as written instead of accessed.") {
      try $0.replace([.i32(2), .any(.i32Or)], with: [.i32(1), .op(.i32Or)])
    },
    .init("read64-marks-both", in: .read64, "stable64_read marks its pages as written and accessed.") {
      try $0.replace([.i32(2), .any(.i32Or)], with: [.i32(3), .op(.i32Or)])
    },
    .init("read64-overwrites-marks", in: .read64, "stable64_read forgets that a page was written.") {
      try $0.replace([.i32(2), .any(.i32Or)], with: [.op(.drop), .i32(2)])
    },
    .init("read-marks-nothing", in: .read, "stable_read does not mark its pages.") {
      try $0.replace([.i32(2), .any(.i32Or)], with: [])
    },
    .init(
      "read-first-access-always", in: .read, "stable_read reads the state before the execution, whatever was written."
    ) {
      try $0.replace([.any(.i32Sub), .any(.i32Eq)], with: [.op(.drop), .op(.drop), .op(.drop), .i32(1)])
    },
    .init("read64-first-access-if-any", in: .read64, "stable64_read reads the state before if any page is new.") {
      try $0.replace(
        [.get(.endPage), .get(.firstPage), .any(.i32Sub), .any(.i32Eq)], with: [.i32(0), .op(.i32Ne)])
    },
  ]

  // MARK: Limits

  static let limits: [PlantedFault] = [
    .init("read-access-limit-early", in: .read, "stable_read may not use up the accessed-page limit.") {
      try $0.compare(.memoryAccessLimitExceeded, with: .i64GeU)
    },
    .init("write64-access-limit-early", in: .write64, "stable64_write may not use up the accessed-page limit.") {
      try $0.compare(.memoryAccessLimitExceeded, with: .i64GeU)
    },
    .init("read64-access-limit-missing", in: .read64, "stable64_read does not check the accessed-page limit.") {
      try $0.removeCheck(.memoryAccessLimitExceeded)
    },
    .init("write-dirty-limit-early", in: .write, "stable_write may not use up the dirty-page limit.") {
      try $0.compare(.memoryWriteLimitExceeded, with: .i64GeU)
    },
    .init("write64-dirty-limit-missing", in: .write64, "stable64_write does not check the dirty-page limit.") {
      try $0.removeCheck(.memoryWriteLimitExceeded)
    },
    .init(
      "write-limits-exchanged", in: .write, "stable_write checks the dirty-page limit before the accessed-page limit."
    ) {
      let accessed = try $0.check(.memoryAccessLimitExceeded)
      let dirty = try $0.check(.memoryWriteLimitExceeded)
      $0.exchange(accessed.lowerBound - 4..<accessed.upperBound, accessed.upperBound..<dirty.upperBound)
    },
    .init("read-accessed-not-counted", in: .read, "stable_read does not count its pages against the limit.") {
      $0.replace(try $0.subtraction(from: $0.layout.accessedPageCounter), with: [])
    },
    .init("write64-accessed-not-counted", in: .write64, "stable64_write does not count its accessed pages.") {
      $0.replace(try $0.subtraction(from: $0.layout.accessedPageCounter), with: [])
    },
    .init("write-dirty-not-counted", in: .write, "stable_write does not count its dirty pages.") {
      $0.replace(try $0.subtraction(from: $0.layout.dirtyPageCounter), with: [])
    },
    .init("write64-dirty-counts-accessed", in: .write64, "stable64_write counts newly accessed pages as dirty.") {
      let site = try $0.subtraction(from: $0.layout.dirtyPageCounter)
      $0.replace(site.lowerBound + 1..<site.lowerBound + 2, with: [.get(.unaccessed)])
    },
  ]

  // MARK: Copies

  static let copies: [PlantedFault] = [
    .init("read-copy-short", in: .read, "stable_read copies one byte less than it is asked for.") {
      let copy = try $0.find([.any(.memoryCopy)]).lowerBound
      $0.replace(copy..<copy, with: [.i32(1), .op(.i32Sub)])
    },
    .init("write-copy-shifted", in: .write, "stable_write copies to one byte before the offset.") {
      let copy = try $0.find([.any(.memoryCopy)]).lowerBound
      let offset = try $0.find([.any(.localGet), .any(.i64ExtendI32U)], from: copy - 4)
      $0.replace(offset.upperBound..<offset.upperBound, with: [.i64(1), .op(.i64Sub)])
    },
    .init("write64-copy-backwards", in: .write64, "stable64_write copies from stable memory to the heap.") {
      guard let heap = $0.layout.heap else { throw NoSite() }
      let copy = try $0.find([.any(.memoryCopy)])
      let address = try $0.find([.get(LocalIndex(0)), .get(LocalIndex(1))], from: copy.lowerBound - 6)
      $0.replace(
        copy, with: [Instruction(.memoryCopy, .memoryCopy(destination: heap, source: $0.layout.stableMemory))])
      let offset = address.lowerBound..<address.lowerBound + 1
      let isWrapped = !$0.layout.is64BitHeap
      $0.exchange(offset, address.lowerBound + 1..<address.upperBound + (isWrapped ? 1 : 0))
    },
    .init("read64-first-access-elsewhere", in: .read64, "stable64_read hands the host the heap address as offset.") {
      try $0.replace(
        [.get(LocalIndex(1)), .get(.length), .call($0.layout.stableReadFirstAccess)],
        with: [.get(LocalIndex(0)), .get(.length), .call($0.layout.stableReadFirstAccess)])
    },
  ]
}
