// The host lane's stable memory: sparse OS pages, committed contents and the write buffer of the running message over
// them. Used by `HostStableFunctions`; the lane begins executions and settles messages.

import Canister
import ContentHash

/// Stable memory as pages of 4,096 bytes, of which only those that hold something exist.
///
/// A message writes into pages of its own; committing makes them the committed ones, rolling back throws them away, so
/// neither copies contents. Every execution has its own marks of written and accessed pages. Bounds, charges and limits
/// are the business of the functions above.
public final class PagedStableMemory {
  let table = PageGroupTable()
  private let store = PageStore()
  /// Groups with marks or buffered pages.
  private var touched: [UnsafeMutablePointer<PageGroup>] = []

  /// Current size in Wasm pages.
  public private(set) var pageCount: UInt64 = 0
  /// Size in Wasm pages when the message began.
  public private(set) var committedPageCount: UInt64 = 0
  /// Order-free sum of the digests of all non-zero committed pages.
  public private(set) var committedContents = Digest.zero

  public init() {}

  /// Makes the memory as good as new: empty, size 0.
  public func recycle() {
    table.recycle()
    store.recycle()
    touched.removeAll(keepingCapacity: true)
    pageCount = 0
    committedPageCount = 0
    committedContents = .zero
  }

  // MARK: Size and contents

  /// Grows to a size in Wasm pages; new pages are zeros.
  public func grow(to pageCount: UInt64) { self.pageCount = max(self.pageCount, pageCount) }

  /// Copies bytes out to a heap: those that this message wrote over the committed ones, zeros elsewhere.
  ///
  /// - Precondition: the range in stable memory does not wrap; whether it is in bounds was checked before.
  /// - Throws: `Trap.memoryOutOfBounds` when the range in the heap passes its end.
  public func read(at offset: UInt64, count: UInt64, into heap: LinearMemory, at destination: UInt64) throws(Trap) {
    try heap.check(destination, count)
    var position: UInt64 = 0
    while position < count {
      let (page, start) = (offset + position).quotientAndRemainder(dividingBy: Sizes.osPage)
      let length = min(count - position, Sizes.osPage - start)
      if let group = table.find(page / 64), let contents = group.pointee.current[Int(page % 64)] {
        try heap.writableBytes(at: destination + position, count: length)
          .copyMemory(from: UnsafeRawBufferPointer(start: contents + Int(start), count: Int(length)))
      } else {
        try heap.clear(at: destination + position, count: length)
      }
      position += length
    }
  }

  /// Copies bytes in from a heap.
  ///
  /// - Precondition: the range in stable memory does not wrap; whether it is in bounds was checked before.
  /// - Throws: `Trap.memoryOutOfBounds` when the range in the heap passes its end, `Trap.hostMemoryExhausted`; the message
  ///   has to be rolled back then.
  public func write(from heap: LinearMemory, at source: UInt64, count: UInt64, to offset: UInt64) throws(Trap) {
    try heap.check(source, count)
    var position: UInt64 = 0
    while position < count {
      let (page, start) = (offset + position).quotientAndRemainder(dividingBy: Sizes.osPage)
      let length = min(count - position, Sizes.osPage - start)
      if !heap.areBlank(source + position, length) || !leaveZeros(page) {
        let contents = try buffer(page, isOverwritten: length == Sizes.osPage)
        let bytes = try heap.bytes(at: source + position, count: length)
        UnsafeMutableRawBufferPointer(start: contents + Int(start), count: Int(length)).copyMemory(from: bytes)
      }
      position += length
    }
  }

  /// Writes zeros to a page without contents, which needs none for that.
  ///
  /// - Returns: false where the page has contents and nothing was done.
  private func leaveZeros(_ page: UInt64) -> Bool {
    let group = table.group(page / 64)
    guard group.pointee.current[Int(page % 64)] == nil else { return false }
    group.pointee.buffered |= 1 << (page % 64)
    touch(group)
    return true
  }

  /// The message's own contents of a page, made from the committed ones at its first write.
  private func buffer(_ page: UInt64, isOverwritten: Bool) throws(Trap) -> UnsafeMutableRawPointer {
    let group = table.group(page / 64)
    let index = Int(page % 64)
    let bit: UInt64 = 1 << (page % 64)
    let former = group.pointee.current[index]
    if let former, group.pointee.buffered & bit != 0 { return former }
    let contents = try store.take()
    if let former, !isOverwritten {
      contents.copyMemory(from: former, byteCount: PageStore.pageBytes)
    } else if !isOverwritten {
      contents.initializeMemory(as: UInt8.self, repeating: 0, count: PageStore.pageBytes)
    }
    group.pointee.current[index] = contents
    group.pointee.buffered |= bit
    touch(group)
    return contents
  }

  private func touch(_ group: UnsafeMutablePointer<PageGroup>) {
    guard !group.pointee.isTouched else { return }
    group.pointee.isTouched = true
    touched.append(group)
  }

  // MARK: Marks

  /// How many pages of a range were not yet marked as written, and as accessed, in this execution.
  public func cleanPages(in pages: Range<UInt64>) -> (unwritten: UInt64, unaccessed: UInt64) {
    var written = 0
    var accessed = 0
    Self.forEachGroup(of: pages) { number, mask in
      guard let group = table.find(number) else { return }
      written += (group.pointee.written & mask).nonzeroBitCount
      accessed += (group.pointee.accessed & mask).nonzeroBitCount
    }
    let count = pages.upperBound - pages.lowerBound
    return (count - UInt64(written), count - UInt64(accessed))
  }

  /// Marks the pages of a range as accessed.
  public func markAccessed(_ pages: Range<UInt64>) {
    Self.forEachGroup(of: pages) { number, mask in
      let group = table.group(number)
      group.pointee.accessed |= mask
      touch(group)
    }
  }

  /// Marks the pages of a range as written, which counts as accessed too.
  public func markWritten(_ pages: Range<UInt64>) {
    Self.forEachGroup(of: pages) { number, mask in
      let group = table.group(number)
      group.pointee.written |= mask
      group.pointee.accessed |= mask
      touch(group)
    }
  }

  @inline(__always)
  static func forEachGroup(of pages: Range<UInt64>, _ body: (_ number: UInt64, _ mask: UInt64) -> Void) {
    var page = pages.lowerBound
    while page < pages.upperBound {
      let first = page % 64
      let count = min(pages.upperBound - page, 64 - first)
      body(page / 64, (count == 64 ? .max : (1 << count) - 1) << first)
      page += count
    }
  }

  /// All pages marked as written in this message, also in its earlier executions, ascending.
  public var dirtyPages: [UInt64] {
    guard !touched.isEmpty else { return [] }
    var pages: [UInt64] = []
    for group in touched.sorted(by: { $0.pointee.number < $1.pointee.number }) {
      Self.forEachBit(of: group.pointee.written | group.pointee.writtenBefore) { index in
        pages.append(group.pointee.number * 64 + UInt64(index))
      }
    }
    return pages
  }

  @inline(__always)
  private static func forEachBit(of mask: UInt64, _ body: (_ index: Int) -> Void) {
    var mask = mask
    while mask != 0 {
      body(mask.trailingZeroBitCount)
      mask &= mask - 1
    }
  }

  // MARK: Executions and messages

  /// Begins a further execution of the same message: no page is marked, contents and size stay.
  public func beginExecution() {
    for group in touched {
      group.pointee.writtenBefore |= group.pointee.written
      group.pointee.written = 0
      group.pointee.accessed = 0
    }
  }

  /// Ends the message and keeps what it did.
  public func commit() {
    for group in touched {
      Self.forEachBit(of: group.pointee.buffered) { index in commit(group, index) }
      group.pointee.rolledBack &= ~group.pointee.buffered
      settle(group)
    }
    touched.removeAll(keepingCapacity: true)
    committedPageCount = pageCount
  }

  private func commit(_ group: UnsafeMutablePointer<PageGroup>, _ index: Int) {
    // None: zeros were written over zeros.
    guard let contents = group.pointee.current[index] else { return }
    let digest = Digest(
      ofPage: group.pointee.number * 64 + UInt64(index),
      UnsafeRawBufferPointer(start: contents, count: PageStore.pageBytes))
    committedContents.remove(group.pointee.digests[index])
    committedContents.add(digest)
    group.pointee.digests[index] = digest
    if let former = group.pointee.committed[index] { store.give(former) }
    let bit: UInt64 = 1 << UInt64(index)
    group.pointee.holding = digest == .zero ? group.pointee.holding & ~bit : group.pointee.holding | bit
    if digest == .zero {
      // All zeros again: as if it had never been written.
      store.give(contents)
      group.pointee.current[index] = nil
    }
    group.pointee.committed[index] = group.pointee.current[index]
  }

  /// Ends the message and takes back all that it did, growth included.
  public func rollback() {
    for group in touched {
      Self.forEachBit(of: group.pointee.buffered) { index in
        if let contents = group.pointee.current[index] { store.give(contents) }
        group.pointee.current[index] = group.pointee.committed[index]
      }
      group.pointee.rolledBack |= group.pointee.buffered
      settle(group)
    }
    touched.removeAll(keepingCapacity: true)
    pageCount = committedPageCount
  }

  private func settle(_ group: UnsafeMutablePointer<PageGroup>) {
    group.pointee.buffered = 0
    group.pointee.written = 0
    group.pointee.accessed = 0
    group.pointee.writtenBefore = 0
    group.pointee.isTouched = false
  }

  /// The committed non-zero pages, ascending, with their bytes: for reports, not for comparing.
  public var committedPages: [(page: UInt64, bytes: UnsafeRawBufferPointer)] {
    table.groups.sorted { $0.pointee.number < $1.pointee.number }.flatMap { group in
      (0..<PageGroup.pages).compactMap { index in
        group.pointee.committed[index].map {
          (
            group.pointee.number * 64 + UInt64(index),
            UnsafeRawBufferPointer(start: $0, count: PageStore.pageBytes)
          )
        }
      }
    }
  }
}
