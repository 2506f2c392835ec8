// Linear memory by itself: transactions, journals, recycling, and the digest that is kept up to date page by page.

import Canister
import ContentHash
import Execution
import TestSupport
import Testing
import Wasm

private func write(_ memory: LinearMemory, at address: UInt64, _ bytes: [UInt8]) throws {
  try memory.writableBytes(at: address, count: UInt64(bytes.count)).copyBytes(from: bytes)
}

private func contents(_ memory: LinearMemory) throws -> [UInt8] {
  Array(try memory.bytes(at: 0, count: memory.byteCount))
}

/// The digest of some contents from scratch.
private func digest(_ bytes: [UInt8]) -> Digest {
  var digest = Digest.zero
  let size = Int(Sizes.osPage)
  bytes.withUnsafeBytes { bytes in
    for page in 0..<bytes.count / size {
      let bytes = UnsafeRawBufferPointer(rebasing: bytes[page * size..<(page + 1) * size])
      if bytes.contains(where: { $0 != 0 }) { digest.add(Digest(of: bytes, seed: UInt64(page))) }
    }
  }
  return digest
}

private let small = MemoryType(Limits(minimum: 2, maximum: 6))

@Suite struct LinearMemoryTests {
  @Test func commitKeepsAndRollbackTakesBack() throws {
    let memory = try LinearMemory(small)
    #expect(memory.pageCount == 2 && memory.touchedPages == [] && memory.committedContents == .zero)
    try write(memory, at: 4_094, [1, 2, 3, 4])
    try write(memory, at: 4_090, [9])
    #expect(memory.touchedPages == [0, 1])
    #expect(memory.committedContents == .zero)
    memory.commit()
    #expect(memory.touchedPages == [])
    let kept = try contents(memory)
    #expect(Array(kept[4_090..<4_098]) == [9, 0, 0, 0, 1, 2, 3, 4])
    #expect(memory.committedContents == digest(kept))
    #expect(memory.grow(by: 3) == 2)
    try write(memory, at: 200_000, [5])
    try write(memory, at: 4_095, [0, 0])
    #expect(memory.touchedPages == [48, 0, 1])
    #expect(memory.committedSize == 131_072 && memory.pageCount == 5)
    #expect(memory.committedBytes(ofPage: 1)?.load(as: UInt8.self) == 3)
    #expect(memory.committedBytes(ofPage: 2) == nil)
    memory.rollback()
    #expect(memory.pageCount == 2)
    #expect(try contents(memory) == kept)
    #expect(memory.committedContents == digest(kept))
    // What grows again is zero, though it had been written.
    #expect(memory.grow(by: 4) == 2)
    #expect(try contents(memory) == kept + Array(repeating: 0, count: 4 * 65_536))
    #expect(memory.grow(by: 1) == nil)
    #expect(memory.grow(by: 0) == 6)
  }

  @Test func rangesAreChecked() throws {
    let memory = try LinearMemory(small)
    for (address, count) in [(131_072, 1), (131_071, 2), (.max, 1), (1, .max), (131_073, 0)] as [(UInt64, UInt64)] {
      #expect(throws: Trap.memoryOutOfBounds) { _ = try memory.bytes(at: address, count: count) }
      #expect(throws: Trap.memoryOutOfBounds) { _ = try memory.writableBytes(at: address, count: count) }
    }
    #expect(try memory.writableBytes(at: 131_072, count: 0).count == 0)
    #expect(try memory.writableBytes(at: 0, count: 131_072).count == 131_072)
    #expect(memory.touchedPages.count == 32)
  }

  @Test func aPageLeftZeroAddsNothing() throws {
    let memory = try LinearMemory(small)
    try write(memory, at: 5_000, [0, 0])
    try write(memory, at: 9_000, [7])
    try write(memory, at: 9_000, [0])
    memory.commit()
    #expect(memory.committedContents == .zero)
    try write(memory, at: 9_000, [7])
    memory.commit()
    #expect(memory.committedContents != .zero)
    try write(memory, at: 9_000, [0])
    memory.commit()
    #expect(memory.committedContents == .zero)
    #expect(memory.nonZeroPages.isEmpty)
    // Equal contents on other pages are other contents.
    try write(memory, at: 0, [1])
    memory.commit()
    let first = memory.committedContents
    try write(memory, at: 0, [0])
    try write(memory, at: 4_096, [1])
    memory.commit()
    #expect(memory.committedContents != first)
  }

  @Test func singlePagesAreReverted() throws {
    let memory = try LinearMemory(small)
    for page in 0..<4 as Range<UInt64> { try write(memory, at: page * 4_096, [1]) }
    memory.commit()
    let before = try contents(memory)
    for page in 0..<6 as Range<UInt64> { try write(memory, at: page * 4_096, [2, 3]) }
    memory.revert { $0 % 2 == 1 }
    memory.commit()
    var expected = before
    for page in [0, 2, 4] { expected.replaceSubrange(page * 4_096..<page * 4_096 + 2, with: [2, 3]) }
    #expect(try contents(memory) == expected)
    #expect(memory.committedContents == digest(expected))
    #expect(memory.nonZeroPages.map(\.page) == [0, 1, 2, 3, 4])
  }

  @Test func aJournalTakesBackSeveralTransactions() throws {
    let memory = try LinearMemory(small)
    try write(memory, at: 0, [1])
    memory.commit()
    let before = try contents(memory)
    var journal = MemoryJournal()
    try write(memory, at: 0, [2])
    memory.commit(into: &journal)
    try write(memory, at: 0, [3])
    try write(memory, at: 8_192, [3])
    #expect(memory.grow(by: 2) == 2)
    memory.commit(into: &journal)
    try write(memory, at: 200_000, [4])
    memory.commit(into: &journal)
    #expect(memory.pageCount == 4)
    // The transaction at hand goes too.
    try write(memory, at: 70_000, [5])
    memory.undo(journal)
    #expect(try contents(memory) == before)
    #expect(memory.committedContents == digest(before))
    #expect(memory.touchedPages == [])
    #expect(memory.grow(by: 2) == 2)
    #expect(try contents(memory) == before + Array(repeating: 0, count: 131_072))
    // An empty journal takes back the transaction at hand only.
    memory.undo(MemoryJournal())
    #expect(try contents(memory) == before)
  }

  @Test func recycledMemoriesAreAsGoodAsNew() throws {
    let pool = MemoryPool()
    let memory = try pool.make(small)
    try write(memory, at: 10_000, [1, 2, 3])
    memory.commit()
    #expect(memory.grow(by: 4) == 2)
    try write(memory, at: 390_000, [1, 2, 3])
    pool.recycle(memory)
    // The same reservation serves any minimum.
    let larger = try pool.make(MemoryType(Limits(minimum: 6, maximum: 6)))
    #expect(larger === memory)
    #expect(larger.pageCount == 6 && larger.touchedPages == [] && larger.committedContents == .zero)
    #expect(try contents(larger).allSatisfy { $0 == 0 })
    try write(larger, at: 0, [1])
    larger.rollback()
    #expect(larger.pageCount == 6 && larger.committedContents == .zero)
    pool.recycle(larger)
    // It serves another maximum and width too, within their own limits; more than 4 GiB need another reservation.
    let others = [
      MemoryType(Limits(minimum: 2, maximum: 7)), MemoryType(Limits(minimum: 2, maximum: 7), is64Bit: true),
    ]
    for type in others {
      let other = try pool.make(type)
      #expect(other === memory)
      #expect(other.type == type && other.grow(by: 6) == nil && other.grow(by: 5) == 2)
      pool.recycle(other)
    }
    #expect(try pool.make(MemoryType(Limits(minimum: 2), is64Bit: true)) !== memory)
    #expect(try pool.make(small) === memory)
    #expect(try pool.make(small) !== memory)
    // Nor does a reservation of the right kind serve a minimum beyond it.
    let open = MemoryType(Limits(minimum: 1), is64Bit: true)
    pool.recycle(try pool.make(open))
    for minimum in [8_192_001, 1 << 47, 1 << 48] as [UInt64] {
      #expect(throws: Trap.hostMemoryExhausted) { try pool.make(MemoryType(Limits(minimum: minimum), is64Bit: true)) }
    }
    // More pages than are zeroed one by one.
    let wide = MemoryType(Limits(minimum: 512, maximum: 512))
    let full = try pool.make(wide)
    try full.writableBytes(at: 0, count: full.byteCount).initializeMemory(as: UInt8.self, repeating: 1)
    full.commit()
    pool.recycle(full)
    let again = try pool.make(wide)
    #expect(again === full)
    #expect(try contents(again).allSatisfy { $0 == 0 })
    try write(again, at: 4_096, [1])
    again.commit()
    #expect(again.nonZeroPages.map(\.page) == [1])
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func randomTransactionsKeepContentsAndDigest(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let pool = MemoryPool()
    var memory = try pool.make(small)
    // Something to copy from: blank pages, pages of zeros and others.
    let source = try LinearMemory(small)
    try source.writableBytes(at: 8_192, count: 4_096).initializeMemory(as: UInt8.self, repeating: 0)
    try source.writableBytes(at: 20_000, count: 9_000).initializeMemory(as: UInt8.self, repeating: 4)
    let sourceBytes = try contents(source)
    var bytes = try contents(memory)
    var committed = bytes
    var journal = MemoryJournal()
    var beforeJournal: [UInt8]?
    for step in 0..<300 {
      switch random.number(below: 15) {
      case 12:
        let count = [1, 100, 5_000, 30_000][random.number(below: 4)]
        let address = random.number(below: bytes.count - count)
        try memory.clear(at: UInt64(address), count: UInt64(count))
        bytes.replaceSubrange(address..<address + count, with: repeatElement(0, count: count))
      case 13:
        let count = [1, 100, 5_000, 30_000][random.number(below: 4)]
        let (from, to) = (random.number(below: 40_000), random.number(below: bytes.count - count))
        try memory.copy(from: source, at: UInt64(from), to: UInt64(to), count: UInt64(count))
        bytes.replaceSubrange(to..<to + count, with: sourceBytes[from..<from + count])
      case 14:
        let count = [1, 100, 5_000, 30_000][random.number(below: 4)]
        let (from, to) = (random.number(below: bytes.count - count), random.number(below: bytes.count - count))
        try memory.copy(from: memory, at: UInt64(from), to: UInt64(to), count: UInt64(count))
        bytes.replaceSubrange(to..<to + count, with: Array(bytes[from..<from + count]))
      case 0...5:
        let count = [1, 8, 100, 5_000][random.number(below: 4)]
        let address = random.number(below: bytes.count - count)
        let value = UInt8(truncatingIfNeeded: random.number(below: 3))
        try memory.writableBytes(at: UInt64(address), count: UInt64(count))
          .initializeMemory(as: UInt8.self, repeating: value)
        bytes.replaceSubrange(address..<address + count, with: repeatElement(value, count: count))
      case 6:
        if memory.grow(by: 1) != nil { bytes += Array(repeating: 0, count: 65_536) }
      case 7:
        let odd = UInt64(random.number(below: 2))
        memory.revert { $0 % 2 == odd }
        for page in 0..<bytes.count / 4_096 where page % 2 == Int(odd) {
          let range = page * 4_096..<(page + 1) * 4_096
          let old = range.lowerBound < committed.count ? Array(committed[range]) : Array(repeating: 0, count: 4_096)
          bytes.replaceSubrange(range, with: old)
        }
      case 8:
        memory.rollback()
        bytes = committed
      case 9:
        memory.commit()
        committed = bytes
        beforeJournal = nil
        journal = MemoryJournal()
      case 10:
        if beforeJournal == nil { beforeJournal = committed }
        memory.commit(into: &journal)
        committed = bytes
      default:
        if random.number(below: 4) > 0 {
          memory.undo(journal)
          bytes = beforeJournal ?? committed
        } else {
          pool.recycle(memory)
          memory = try pool.make(small)
          bytes = Array(repeating: 0, count: 131_072)
        }
        committed = bytes
        beforeJournal = nil
        journal = MemoryJournal()
      }
      #expect(memory.byteCount == UInt64(bytes.count) && memory.committedSize == UInt64(committed.count))
      #expect(memory.committedContents == digest(committed), "step \(step)")
      if step % 10 == 0 { #expect(try contents(memory) == bytes, "step \(step)") }
    }
    #expect(try contents(memory) == bytes)
    for page in 0..<committed.count / 4_096 {
      let expected = committed[page * 4_096..<(page + 1) * 4_096]
      if let saved = memory.committedBytes(ofPage: UInt64(page)) {
        #expect(UnsafeRawBufferPointer(start: saved, count: 4_096).elementsEqual(expected))
      } else {
        #expect(expected.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func zerosOverBlankPagesNeedNotBeNoted() throws {
    let type = MemoryType(Limits(minimum: 65_536), is64Bit: true)
    let memory = try LinearMemory(type)
    memory.notesBlankWrites = false
    try write(memory, at: 3 << 30, [9])
    memory.commit()
    try memory.clear(at: 0, count: 1 << 32)
    #expect(memory.touchedPages == [3 << 18] && memory.nonZeroPages.isEmpty)
    memory.rollback()
    #expect(memory.nonZeroPages.map(\.page) == [3 << 18])
    // The reservation's next life begins as a new memory.
    let pool = MemoryPool()
    pool.recycle(memory)
    let next = try pool.make(type)
    #expect(next === memory && next.notesBlankWrites)
  }

  @Test func zerosOverBlankPagesAreTouchedButNotWritten() throws {
    let type = MemoryType(Limits(minimum: 65_536), is64Bit: true)
    let (source, memory) = (try LinearMemory(type), try LinearMemory(type))
    try write(source, at: 3 << 30, [9])
    // Would take 4 GiB of real memory and seconds if it were done byte by byte.
    try memory.copy(from: source, at: 0, to: 0, count: 1 << 32)
    #expect(memory.touchedPages.count == 1 << 20)
    #expect(memory.committedBytes(ofPage: 5) == nil)
    // A blank page that was only touched so far takes a store as any other.
    try write(memory, at: 4_095, [1, 2])
    #expect(memory.touchedPages.count == 1 << 20)
    memory.commit()
    #expect(memory.nonZeroPages.map(\.page) == [0, 1, 3 << 18])
    #expect(memory.touchedPages == [])
    try memory.clear(at: 0, count: 1 << 32)
    #expect(memory.nonZeroPages.isEmpty && memory.touchedPages.count == 1 << 20)
    memory.rollback()
    #expect(memory.nonZeroPages.map(\.page) == [0, 1, 3 << 18])
    #expect(throws: Trap.memoryOutOfBounds) { try memory.clear(at: 1, count: 1 << 32) }
    #expect(throws: Trap.memoryOutOfBounds) { try memory.copy(from: source, at: 1, to: 0, count: 1 << 32) }
    #expect(throws: Trap.memoryOutOfBounds) { try memory.copy(from: source, at: 0, to: .max, count: 2) }
  }
}
