// The laws of a stable memory with transactions, checked on any backend against a plain dictionary of pages. Called by
// the tests of each backend.

/// A stable memory whose changes belong to a transaction.
public protocol StableMemoryBackend: AnyObject {
  /// Wasm pages.
  var pageCount: UInt64 { get }
  func grow(by pages: UInt64)
  /// Bytes of a range that is in bounds.
  func read(at offset: UInt64, count: Int) -> [UInt8]
  /// Writes in bounds, at least one byte.
  func write(_ bytes: [UInt8], at offset: UInt64)
  /// OS pages written in this transaction, ascending.
  var dirtyPages: [UInt64] { get }
  func commit()
  func rollback()
  /// A text that is equal for equal committed contents, size left out, and differs for different ones.
  var contents: String { get }
  /// The committed pages that are not all zeros.
  var nonZeroPages: [UInt64: [UInt8]] { get }
}

/// What a backend has to agree with.
private struct ModelMemory {
  private static let zeros: [UInt8] = Array(repeating: 0, count: 4_096)
  var pageCount: UInt64 = 0
  private var pages: [UInt64: [UInt8]] = [:]

  /// Cuts a range at the edges of OS pages: page, range within the page, start within the whole.
  private func pieces(_ offset: UInt64, _ count: Int) -> [(page: UInt64, range: Range<Int>, start: Int)] {
    var pieces: [(page: UInt64, range: Range<Int>, start: Int)] = []
    var start = 0
    while start < count {
      let address = offset + UInt64(start)
      let first = Int(address % 4_096)
      let length = min(count - start, 4_096 - first)
      pieces.append((address / 4_096, first..<first + length, start))
      start += length
    }
    return pieces
  }

  func read(at offset: UInt64, count: Int) -> [UInt8] {
    pieces(offset, count).flatMap { (pages[$0.page] ?? Self.zeros)[$0.range] }
  }

  mutating func write(_ bytes: [UInt8], at offset: UInt64) {
    for (page, range, start) in pieces(offset, bytes.count) {
      pages[page, default: Self.zeros].replaceSubrange(range, with: bytes[start..<start + range.count])
    }
  }

  var nonZeroPages: [UInt64: [UInt8]] { pages.filter { $0.value != Self.zeros } }
}

/// Runs a reproducible sequence of operations on a fresh backend and checks after each that it behaves like a dictionary
/// of pages.
///
/// - Parameters:
///   - make: a fresh, empty backend that can grow to 70,000 pages.
///   - steps: operations; about one in twelve ends the transaction.
/// - Returns: the first violated law, nil if there is none; and the `contents` after each transaction, which have to be
///   equal on all backends of one digest.
public func checkStableMemory(
  seed: UInt64, steps: Int, make: () -> some StableMemoryBackend
) -> (violation: String?, contents: [String]) {
  var stream = SeededGenerator(seed: seed)
  let memory = make()
  var model = ModelMemory()
  var committed = model
  var dirty: Set<UInt64> = []
  var contents: [String] = []
  for step in 0..<steps {
    func fail(_ law: String) -> (String?, [String]) { ("seed \(seed), step \(step): \(law)", contents) }
    switch stream.next(upperBound: 12 as UInt64) {
    case 0:
      let pages =
        stream.next(upperBound: 4 as UInt64) == 0
        ? stream.next(upperBound: 40_000 as UInt64) : stream.next(upperBound: 4 as UInt64)
      guard model.pageCount + pages <= 70_000 else { continue }
      memory.grow(by: pages)
      model.pageCount += pages
    case 1...5:
      guard let (offset, count) = range(in: model, &stream) else { continue }
      let isZero = stream.next(upperBound: 6 as UInt64) == 0
      let filling = isZero ? 0 : UInt8(truncatingIfNeeded: stream.next() | 1)
      var bytes = Array(repeating: filling, count: count)
      // The ends differ from the rest, so that a shift by one byte shows.
      bytes[0] ^= isZero ? 0 : 0x55
      bytes[count - 1] ^= isZero ? 0 : 0xAA
      memory.write(bytes, at: offset)
      model.write(bytes, at: offset)
      for page in offset / 4_096...(offset + UInt64(count) - 1) / 4_096 { dirty.insert(page) }
    case 6...10:
      guard let (offset, count) = range(in: model, &stream) else { continue }
      let bytes = memory.read(at: offset, count: count)
      if bytes != model.read(at: offset, count: count) {
        return fail("a read sees what was written last, zeros where nothing was")
      }
    default:
      if memory.dirtyPages != dirty.sorted() { return fail("dirty pages are those that were written") }
      let contentsBefore = memory.contents
      if stream.next(upperBound: 3 as UInt64) > 0 {
        memory.commit()
        committed = model
      } else {
        memory.rollback()
        model = committed
        if memory.contents != contentsBefore { return fail("rolling back leaves the committed contents") }
      }
      dirty = []
      if memory.nonZeroPages != model.nonZeroPages { return fail("the committed pages are those of the model") }
      let replay = make()
      replay.grow(by: model.pageCount)
      for (page, bytes) in model.nonZeroPages { replay.write(bytes, at: page * 4_096) }
      replay.commit()
      if replay.contents != memory.contents { return fail("contents do not depend on how they came about") }
      contents.append(memory.contents)
    }
    if memory.pageCount != model.pageCount { return fail("the size is the sum of what was grown") }
  }
  return (nil, contents)
}

/// A range in bounds that lies near places where backends change their mind: edges of OS pages, of groups of them, of
/// Wasm pages, of 4 GiB, and the end.
private func range(in model: ModelMemory, _ stream: inout SeededGenerator) -> (offset: UInt64, count: Int)? {
  let size = model.pageCount * 65_536
  guard size > 0 else { return nil }
  let anchors: [UInt64] = [0, 4_096, 65_536, 262_144, 1 << 24, 1 << 31, 1 << 32, size]
  let anchor = min(anchors[Int(stream.next(upperBound: UInt64(anchors.count)))], size)
  let near =
    stream.next(upperBound: 3 as UInt64) == 0
    ? stream.next(upperBound: 20 as UInt64) : stream.next(upperBound: 20_000 as UInt64)
  let isBelow = anchor == size || stream.next(upperBound: 2 as UInt64) == 0
  let offset = isBelow ? anchor - min(near, anchor) : min(anchor + near, size)
  let aligned = stream.next(upperBound: 4 as UInt64) == 0 ? offset / 4_096 * 4_096 : offset
  let longest = min(size - aligned, stream.next(upperBound: 3 as UInt64) == 0 ? 20_000 : 64)
  guard longest > 0 else { return nil }
  let count = stream.next(upperBound: 5 as UInt64) == 0 ? min(longest, 4_096) : 1 + stream.next(upperBound: longest)
  return (aligned, Int(count))
}
