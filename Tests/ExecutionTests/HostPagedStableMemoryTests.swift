// The host lane's stable memory: laws, page marks, recycling. Linear memory goes through the same laws, and both have to
// give the same digests.

import Canister
import Execution
import TestSupport
import Testing
import Wasm

/// A heap with these bytes in it, of which blank pages stay blank.
private func heap(_ bytes: [UInt8]) throws -> LinearMemory {
  let heap = try LinearMemory(MemoryType(Limits(minimum: UInt64(bytes.count) / Sizes.wasmPage + 1)))
  for start in stride(from: 0, to: bytes.count, by: 4_096) {
    let part = bytes[start..<min(bytes.count, start + 4_096)]
    if part.allSatisfy({ $0 == 0 }) { continue }
    try heap.writableBytes(at: UInt64(start), count: UInt64(part.count)).copyBytes(from: part)
  }
  return heap
}

extension PagedStableMemory: StableMemoryBackend {
  public func grow(by pages: UInt64) { grow(to: pageCount + pages) }

  public func read(at offset: UInt64, count: Int) -> [UInt8] {
    do {
      // What was there before is overwritten by zeros, too.
      let heap = try heap(Array(repeating: 7, count: count))
      try read(at: offset, count: UInt64(count), into: heap, at: 0)
      return Array(try heap.bytes(at: 0, count: UInt64(count)))
    } catch {
      Issue.record(error)
      return []
    }
  }

  public func write(_ bytes: [UInt8], at offset: UInt64) {
    markWritten(offset / 4_096..<(offset + UInt64(bytes.count) - 1) / 4_096 + 1)
    do { try write(from: heap(bytes), at: 0, count: UInt64(bytes.count), to: offset) } catch { Issue.record(error) }
  }

  public var contents: String { committedContents.description }

  public var nonZeroPages: [UInt64: [UInt8]] {
    var pages: [UInt64: [UInt8]] = [:]
    for (page, bytes) in committedPages { pages[page] = Array(bytes) }
    return pages
  }
}

private final class LinearBackend: StableMemoryBackend {
  private let memory: LinearMemory

  init() throws {
    memory = try LinearMemory(MemoryType(Limits(minimum: 0, maximum: 70_000), is64Bit: true))
  }

  var pageCount: UInt64 { memory.pageCount }
  func grow(by pages: UInt64) { _ = memory.grow(by: pages) }
  var dirtyPages: [UInt64] { memory.touchedPages.sorted() }
  func commit() { memory.commit() }
  func rollback() { memory.rollback() }
  var contents: String { memory.committedContents.description }
  var nonZeroPages: [UInt64: [UInt8]] {
    Dictionary(uniqueKeysWithValues: memory.nonZeroPages.map { ($0.page, Array($0.bytes)) })
  }

  func read(at offset: UInt64, count: Int) -> [UInt8] {
    do { return Array(try memory.bytes(at: offset, count: UInt64(count))) } catch { return [] }
  }

  func write(_ bytes: [UInt8], at offset: UInt64) {
    bytes.withUnsafeBytes { bytes in
      do {
        try memory.writableBytes(at: offset, count: UInt64(bytes.count)).copyMemory(from: bytes)
      } catch {
        Issue.record(error)
      }
    }
  }
}

@Suite struct HostPagedStableMemoryTests {
  @Test(arguments: 1...12) func keepsTheLaws(seed: UInt64) throws {
    let paged = checkStableMemory(seed: seed, steps: 400) { PagedStableMemory() }
    #expect(paged.violation == nil)
    #expect(!paged.contents.isEmpty)
    let spare = try LinearBackend()
    let linear = checkStableMemory(seed: seed, steps: 400) { (try? LinearBackend()) ?? spare }
    #expect(linear.violation == nil)
    #expect(paged.contents == linear.contents)
  }

  @Test(arguments: 1...4) func isAsGoodAsNewAfterRecycling(seed: UInt64) {
    let memory = PagedStableMemory()
    _ = checkStableMemory(seed: seed + 100, steps: 200) { memory.pageCount == 0 ? memory : PagedStableMemory() }
    memory.recycle()
    #expect(memory.pageCount == 0)
    #expect(memory.committedPageCount == 0)
    var isFirst = true
    let result = checkStableMemory(seed: seed, steps: 200) {
      defer { isFirst = false }
      return isFirst ? memory : PagedStableMemory()
    }
    #expect(result.violation == nil)
    let fresh = checkStableMemory(seed: seed, steps: 200) { PagedStableMemory() }
    #expect(result.contents == fresh.contents)
  }

  @Test func manyPagesFarApart() {
    let memory = PagedStableMemory()
    memory.grow(to: 8_192_000)
    let offsets = (0..<3_000).map { UInt64($0) * 178_956_961 }
    for offset in offsets { memory.write([UInt8(truncatingIfNeeded: offset % 255) + 1], at: offset) }
    memory.commit()
    #expect(offsets.allSatisfy { memory.read(at: $0, count: 1) == [UInt8(truncatingIfNeeded: $0 % 255) + 1] })
    #expect(memory.committedPages.count == 3_000)
    memory.recycle()
    #expect(memory.pageCount == 0)
    #expect(memory.contents == PagedStableMemory().contents)
    memory.grow(to: 8_192_000)
    #expect(offsets.allSatisfy { memory.read(at: $0, count: 1) == [0] })
  }

  @Test func marksAreCountedAcrossGroups() {
    let memory = PagedStableMemory()
    memory.grow(to: 100)
    #expect(memory.cleanPages(in: 0..<1_600) == (1_600, 1_600))
    memory.markAccessed(60..<200)
    #expect(memory.cleanPages(in: 0..<1_600) == (1_600, 1_460))
    memory.markWritten(190..<260)
    #expect(memory.cleanPages(in: 0..<1_600) == (1_530, 1_400))
    #expect(memory.cleanPages(in: 63..<65) == (2, 0))
    #expect(memory.cleanPages(in: 199..<201) == (0, 0))
    #expect(memory.cleanPages(in: 64..<64) == (0, 0))
    #expect(memory.dirtyPages == Array(190..<260))
  }

  @Test func executionsHaveMarksOfTheirOwn() {
    let memory = PagedStableMemory()
    memory.grow(to: 1)
    memory.write([1], at: 0)
    memory.beginExecution()
    #expect(memory.cleanPages(in: 0..<2) == (2, 2))
    #expect(memory.read(at: 0, count: 1) == [1])
    memory.write([2], at: 4_096)
    #expect(memory.dirtyPages == [0, 1])
    memory.rollback()
    #expect(memory.dirtyPages == [])
    #expect(memory.pageCount == 0)
    memory.grow(to: 1)
    #expect(memory.read(at: 0, count: 1) == [0])
  }
}
