// Raw linear memory: a sparse reservation with copy-on-first-write tracking per OS page. Shared by both lanes, and the
// only state that they share the code of: what to commit and when to roll back is each lane's own business.

import Canister
import ContentHash
import Glibc
import Wasm

/// The part of a memory that the interpreter's loop works on.
struct MemoryState {
  /// First byte. Fixed for the memory's lifetime.
  let base: UnsafeMutableRawPointer
  var byteCount: UInt64
  /// For each OS page of the reservation: 1 once it may be written in this transaction, its former contents being saved,
  /// else 0.
  let savedFlags: UnsafeMutablePointer<UInt8>
  /// The memory itself; nil in the stand-in for modules without memory.
  let owner: Unmanaged<LinearMemory>?

  /// A memory of size 0, for modules without one. The pointers are never followed, since every access is out of bounds.
  static var empty: MemoryState {
    MemoryState(
      base: UnsafeMutableRawPointer(mutating: UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped), byteCount: 0,
      savedFlags: UnsafeMutablePointer(bitPattern: 8).unsafelyUnwrapped, owner: nil)
  }
}

/// What several committed transactions of a memory overwrote.
public struct MemoryJournal {
  /// The size before each of the transactions.
  var byteCounts: [UInt64] = []
  /// Overwritten pages in order, and where in `contents` their former contents start; nil: they were blank.
  var pages: [(page: UInt64, start: Int?)] = []
  var contents: [UInt8] = []

  public init() {}
}

/// A Wasm memory. Costs address space for its maximum and real memory only for the pages that hold something.
///
/// All writes belong to a transaction: on the first write to an OS page its former contents are saved. `commit` makes
/// the writes permanent, `rollback` takes back all of them, `revert` those of one page.
///
/// A page is *blank* until something other than zeros may have been written to it. Copying blank pages to blank pages
/// only notes them as touched, so that moving gigabytes of which little is in use costs next to nothing.
public final class LinearMemory {
  /// One OS page that was touched since the memory was last recycled.
  private struct Entry {
    var page: UInt64
    /// Digest of the committed contents; zero for a page of zeros.
    var digest = Digest.zero
    /// Where the committed contents of a touched page are saved; nil: it was blank. Before the flags, so that an entry has
    /// 32 bytes: there can be half a million of them.
    var savedPosition: Int32?
    /// Whether the page is among `touchedPages`.
    var isTouched = false
    /// Whether all of its bytes are zeros because none was ever written.
    var isBlank = true
  }

  /// The type with which the memory was created; its minimum is the size that it started with.
  public private(set) var type: MemoryType
  /// What the interpreter's loop reads: base, size and flags.
  let state: UnsafeMutablePointer<MemoryState>
  private let base: UnsafeMutableRawPointer
  private let savedFlags: UnsafeMutablePointer<UInt8>
  /// For each OS page of the reservation: 1 + its position in `entries`; 0 for a page never touched.
  private let entryNumbers: UnsafeMutablePointer<UInt32>
  /// Bytes of address space behind `base`: one of two sizes, so that a pool can use them for almost any type.
  private let reservation: UInt64
  /// Wasm pages to which the memory may grow.
  private var maximumPages: UInt64
  /// Current size in bytes.
  public private(set) var byteCount: UInt64 {
    get { state.pointee.byteCount }
    set { state.pointee.byteCount = newValue }
  }
  private var committedByteCount: UInt64
  private var entries: [Entry] = []
  /// Whether blank pages count as touched when zeros are written to them in bulk. Nobody asks that of a heap, and not to
  /// note millions of pages makes moving gigabytes of zeros cheaper still.
  public var notesBlankWrites = true
  /// Pages written in this transaction, in order of first write.
  public private(set) var touchedPages: [UInt64] = []
  /// Former contents of those of them that were not blank.
  private var saved: UnsafeMutablePointer<UInt8>
  private var savedCount = 0
  private var savedCapacity = 0
  private static let leastSaved = 16
  /// Pages of the reservation that may be mapped because something was in them in this life or former ones.
  private var mappedCount = 0
  private var digest = Digest.zero

  /// Largest reservation for one memory: the stable memory of production.
  static let maximumReservation: UInt64 = 8_192_000 * Sizes.wasmPage

  /// Creates a memory of the type's minimum size.
  ///
  /// - Throws: `Trap.hostMemoryExhausted` when the address space cannot be reserved or the minimum exceeds what can be.
  public init(_ type: MemoryType) throws(Trap) {
    reservation = Self.reservation(for: type)
    maximumPages = Self.maximumPages(of: type)
    guard type.limits.minimum <= maximumPages else { throw .hostMemoryExhausted }
    let pages = reservation / Sizes.osPage
    guard let base = Self.reserve(reservation), let flags = Self.reserve(pages),
      let numbers = Self.reserve(pages * 4)
    else { throw .hostMemoryExhausted }
    self.base = base
    savedFlags = flags.assumingMemoryBound(to: UInt8.self)
    entryNumbers = numbers.assumingMemoryBound(to: UInt32.self)
    saved = .allocate(capacity: 0)
    self.type = type
    state = .allocate(capacity: 1)
    committedByteCount = type.limits.minimum * Sizes.wasmPage
    state.initialize(
      to: MemoryState(base: base, byteCount: committedByteCount, savedFlags: savedFlags, owner: .passUnretained(self)))
  }

  deinit {
    state.deallocate()
    for (start, byteCount) in regions { munmap(start, byteCount) }
    saved.deallocate()
  }

  /// What is mapped: the memory itself, its flags and the numbers of its entries.
  private var regions: [(start: UnsafeMutableRawPointer, byteCount: Int)] {
    let pages = Int(reservation / Sizes.osPage)
    return [
      (base, Int(reservation)), (UnsafeMutableRawPointer(savedFlags), pages),
      (UnsafeMutableRawPointer(entryNumbers), 4 * pages),
    ]
  }

  /// The maximum of a memory type, within what its address width and this machine allow.
  private static func maximumPages(of type: MemoryType) -> UInt64 {
    let ceiling = type.is64Bit ? maximumReservation / Sizes.wasmPage : Sizes.stable32Ceiling
    return min(type.limits.maximum ?? ceiling, ceiling)
  }

  /// Address space for a memory type: 4 GiB where that is enough.
  private static func reservation(for type: MemoryType) -> UInt64 {
    maximumPages(of: type) <= Sizes.stable32Ceiling ? Sizes.stable32Ceiling * Sizes.wasmPage : maximumReservation
  }

  private static func reserve(_ byteCount: UInt64) -> UnsafeMutableRawPointer? {
    let address = mmap(
      nil, Int(max(byteCount, Sizes.osPage)), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
      0)
    return address == MAP_FAILED ? nil : address
  }

  /// Whether a memory of this type can take over the reservation (see `MemoryPool`).
  func fits(_ type: MemoryType) -> Bool {
    Self.reservation(for: type) == reservation && type.limits.minimum <= Self.maximumPages(of: type)
  }

  /// Pages of one life beyond which everything that is kept for the next one goes back to the system, so that one outlier
  /// neither makes all later lives slow nor costs memory for ever.
  private static let keptPages = 4_096
  /// Pages of all lives beyond which the reservation goes back to the system: each may be another one.
  private static let mappedPages = 16_384

  /// Makes the memory as good as new but for its type: all zeros. Pages that were touched stay mapped for some time,
  /// because zeroing them costs a tenth of faulting them in again.
  func recycle() {
    endTransaction()
    mappedCount += entries.count
    if mappedCount > Self.mappedPages, regions.allSatisfy({ madvise($0.start, $0.byteCount, MADV_DONTNEED) == 0 }) {
      mappedCount = 0
    } else {
      // What earlier lives touched is all zeros already.
      for entry in entries {
        if !entry.isBlank { memset(start(ofPage: entry.page), 0, Int(Sizes.osPage)) }
        entryNumbers[Int(entry.page)] = 0
      }
    }
    let isLarge = entries.count > Self.keptPages
    entries.removeAll(keepingCapacity: !isLarge)
    touchedPages.removeAll(keepingCapacity: !isLarge)
    if savedCapacity > Self.keptPages { allocateSaved(Self.leastSaved) }
    digest = .zero
  }

  /// Makes a recycled memory one of that type, of its minimum size.
  func begin(as type: MemoryType) {
    self.type = type
    notesBlankWrites = true
    maximumPages = Self.maximumPages(of: type)
    byteCount = type.limits.minimum * Sizes.wasmPage
    committedByteCount = byteCount
  }

  // MARK: Size

  /// Current size in Wasm pages.
  public var pageCount: UInt64 { byteCount / Sizes.wasmPage }

  /// Grows by a number of Wasm pages.
  ///
  /// - Returns: the former size in pages, or nil where the maximum would be passed.
  public func grow(by pages: UInt64) -> UInt64? {
    let old = pageCount
    let (new, overflow) = old.addingReportingOverflow(pages)
    guard !overflow, new <= maximumPages else { return nil }
    byteCount = new * Sizes.wasmPage
    return old
  }

  // MARK: Access

  /// The bytes of a range.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when the range passes the end.
  public func bytes(at address: UInt64, count: UInt64) throws(Trap) -> UnsafeRawBufferPointer {
    try check(address, count)
    return UnsafeRawBufferPointer(start: base + Int(address), count: Int(count))
  }

  /// The bytes of a range, for writing: its pages are saved first.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when the range passes the end.
  public func writableBytes(at address: UInt64, count: UInt64) throws(Trap) -> UnsafeMutableRawBufferPointer {
    try check(address, count)
    touch(address, count)
    return UnsafeMutableRawBufferPointer(start: base + Int(address), count: Int(count))
  }

  /// Whether a range is within the memory.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when it is not.
  func check(_ address: UInt64, _ count: UInt64) throws(Trap) {
    let (end, overflow) = address.addingReportingOverflow(count)
    if overflow || end > byteCount { throw .memoryOutOfBounds }
  }

  private func start(ofPage page: UInt64) -> UnsafeMutableRawPointer { base + Int(page * Sizes.osPage) }

  /// Saves the pages of a range that is in bounds, before it is written.
  func touch(_ address: UInt64, _ count: UInt64) {
    guard count > 0 else { return }
    for page in address >> 12...(address &+ count &- 1) >> 12 where savedFlags[Int(page)] == 0 { save(page) }
  }

  /// Saves a page before anything is written to it in this transaction.
  @inline(never) func save(_ page: UInt64) {
    savedFlags[Int(page)] = 1
    let position = note(page)
    entries[position].isBlank = false
  }

  /// Makes a page one of those that this transaction touches, if it is not yet.
  ///
  /// - Returns: the position of its entry.
  private func note(_ page: UInt64) -> Int {
    if entryNumbers[Int(page)] == 0 {
      entries.append(Entry(page: page))
      entryNumbers[Int(page)] = UInt32(entries.count)
    }
    let position = Int(entryNumbers[Int(page)]) - 1
    guard !entries[position].isTouched else { return position }
    entries[position].isTouched = true
    touchedPages.append(page)
    if !entries[position].isBlank {
      if savedCount == savedCapacity { allocateSaved(max(Self.leastSaved, 2 * savedCapacity)) }
      memcpy(savedBytes(savedCount), start(ofPage: page), Int(Sizes.osPage))
      entries[position].savedPosition = Int32(savedCount)
      savedCount += 1
    }
    return position
  }

  private func isBlank(_ page: UInt64) -> Bool {
    let number = Int(entryNumbers[Int(page)])
    return number == 0 || entries[number - 1].isBlank
  }

  private func savedBytes(_ position: Int) -> UnsafeMutablePointer<UInt8> { saved + position * Int(Sizes.osPage) }

  /// Gives the saved pages more room, or less once nothing is saved.
  private func allocateSaved(_ capacity: Int) {
    let former = saved
    saved = .allocate(capacity: capacity * Int(Sizes.osPage))
    memcpy(saved, former, savedCount * Int(Sizes.osPage))
    former.deallocate()
    savedCapacity = capacity
  }

  // MARK: Access that leaves blank pages blank

  /// Calls a function for the part of each OS page of a range of at least one byte, in order of address.
  private func forEachPart(
    _ address: UInt64, _ count: UInt64, _ body: (_ page: UInt64, _ address: UInt64, _ count: UInt64) -> Void
  ) {
    let end = address &+ count
    var part = address
    while part < end {
      let next = min(end, (part | (Sizes.osPage - 1)) &+ 1)
      body(part >> 12, part, next &- part)
      part = next
    }
  }

  /// Prepares for touching very many pages at once, which growing step by step would move again and again.
  private func makeRoom(_ count: UInt64) {
    let pages = Int(count / Sizes.osPage)
    guard notesBlankWrites, pages > Self.keptPages else { return }
    entries.reserveCapacity(entries.count + pages + 2)
    touchedPages.reserveCapacity(touchedPages.count + pages + 2)
  }

  /// Writes zeros.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when the range passes the end.
  public func clear(at address: UInt64, count: UInt64) throws(Trap) {
    try check(address, count)
    clear(address, count)
  }

  private func clear(_ address: UInt64, _ count: UInt64) {
    makeRoom(count)
    forEachPart(address, count) { page, address, count in
      if isBlank(page) {
        if notesBlankWrites { _ = note(page) }
      } else {
        touch(address, count)
        memset(base + Int(address), 0, Int(count))
      }
    }
  }

  /// Writes what stands in a memory, which may be this one, as if all were read before anything is written.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when a range passes the end of its memory.
  public func copy(from source: LinearMemory, at sourceAddress: UInt64, to address: UInt64, count: UInt64) throws(Trap)
  {
    try source.check(sourceAddress, count)
    try check(address, count)
    let distance = max(address, sourceAddress) &- min(address, sourceAddress)
    if source === self && distance < count {
      touch(address, count)
      memmove(base + Int(address), base + Int(sourceAddress), Int(count))
      return
    }
    makeRoom(count)
    forEachPart(address, count) { _, part, count in
      let sourcePart = sourceAddress &+ (part &- address)
      if source.areBlank(sourcePart, count) {
        clear(part, count)
      } else {
        touch(part, count)
        memcpy(base + Int(part), source.base + Int(sourcePart), Int(count))
      }
    }
  }

  /// Whether a range of at least one byte, in bounds, has only blank pages.
  func areBlank(_ address: UInt64, _ count: UInt64) -> Bool {
    (address >> 12...(address &+ count &- 1) >> 12).allSatisfy(isBlank)
  }

  // MARK: Transactions

  /// The contents that a page had when the transaction began, 4,096 bytes; nil where the page was blank.
  public func committedBytes(ofPage page: UInt64) -> UnsafeRawPointer? {
    let number = Int(entryNumbers[Int(page)])
    if number == 0 { return nil }
    let entry = entries[number - 1]
    if entry.isTouched { return entry.savedPosition.map { UnsafeRawPointer(savedBytes(Int($0))) } }
    return entry.isBlank ? nil : UnsafeRawPointer(start(ofPage: page))
  }

  /// The size in bytes when the transaction began.
  public var committedSize: UInt64 { committedByteCount }

  /// Makes all writes since the last commit or rollback permanent.
  public func commit() {
    for page in touchedPages {
      let position = Int(entryNumbers[Int(page)]) - 1
      // A blank page was blank before, too.
      if entries[position].isBlank { continue }
      digest.remove(entries[position].digest)
      entries[position].digest = currentDigest(ofPage: page)
      digest.add(entries[position].digest)
    }
    endTransaction()
    committedByteCount = byteCount
  }

  /// Takes back all writes and growth since the last commit or rollback.
  public func rollback() {
    for page in touchedPages { restore(page) }
    endTransaction()
    byteCount = committedByteCount
  }

  /// Takes back the writes to some of the touched pages; growth stays.
  public func revert(where isReverted: (UInt64) -> Bool) {
    for page in touchedPages where isReverted(page) { restore(page) }
  }

  /// Gives a touched page its committed contents.
  private func restore(_ page: UInt64) {
    let entry = entries[Int(entryNumbers[Int(page)]) - 1]
    if let position = entry.savedPosition {
      memcpy(start(ofPage: page), savedBytes(Int(position)), Int(Sizes.osPage))
    } else if !entry.isBlank {
      memset(start(ofPage: page), 0, Int(Sizes.osPage))
    }
  }

  private func endTransaction() {
    for page in touchedPages {
      savedFlags[Int(page)] = 0
      let position = Int(entryNumbers[Int(page)]) - 1
      entries[position].isTouched = false
      entries[position].savedPosition = nil
    }
    touchedPages.removeAll(keepingCapacity: true)
    savedCount = 0
  }

  /// `commit`, keeping what is needed to take it back later.
  public func commit(into journal: inout MemoryJournal) {
    journal.byteCounts.append(committedByteCount)
    for page in touchedPages {
      let former = committedBytes(ofPage: page)
      journal.pages.append((page, former.map { _ in journal.contents.count }))
      if let former {
        journal.contents.append(contentsOf: UnsafeRawBufferPointer(start: former, count: Int(Sizes.osPage)))
      }
    }
    commit()
  }

  /// Takes back the transaction at hand and all that were committed into the journal.
  public func undo(_ journal: MemoryJournal) {
    rollback()
    guard let byteCount = journal.byteCounts.first else { return }
    self.byteCount = byteCount
    // Latest first, so that the oldest contents of a page stay.
    for (page, former) in journal.pages.reversed() {
      let address = page * Sizes.osPage
      if let former {
        touch(address, Sizes.osPage)
        UnsafeMutableRawBufferPointer(start: base + Int(address), count: Int(Sizes.osPage))
          .copyBytes(from: journal.contents[former..<former + Int(Sizes.osPage)])
      } else {
        clear(address, Sizes.osPage)
      }
    }
    commit()
  }

  /// Order-free sum of the digests of all non-zero pages, as of the last commit or rollback.
  public var committedContents: Digest { digest }

  /// The non-zero pages as of now, ascending, with their bytes: for reports, not for comparing.
  public var nonZeroPages: [(page: UInt64, bytes: UnsafeRawBufferPointer)] {
    entries.filter { !$0.isBlank }.map(\.page).sorted().compactMap { page in
      let bytes = UnsafeRawBufferPointer(start: start(ofPage: page), count: Int(Sizes.osPage))
      return Digest(ofPage: page, bytes) == .zero ? nil : (page, bytes)
    }
  }

  private func currentDigest(ofPage page: UInt64) -> Digest {
    Digest(ofPage: page, UnsafeRawBufferPointer(start: start(ofPage: page), count: Int(Sizes.osPage)))
  }
}
