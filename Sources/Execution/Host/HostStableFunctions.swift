// The eight stable functions of the host lane: order of charge, early return, checks, page accounting and copy. Called by
// `HostImports` for `ic0.stable*`, works on `PagedStableMemory`. Source: contract section 3, ic-semantics section 4.

import Canister

/// The stable functions, written from the contract and from nothing else: the native lane has its own.
public final class HostStableFunctions {
  /// Replaced by the lane at reinstall.
  public var memory: PagedStableMemory
  private let parameters: Parameters

  /// The heap of the running module; nil without one.
  private var heap: LinearMemory?
  /// MAXHEAP: larger heap addresses and lengths are refused by the 64-bit functions before anything is marked.
  private var largestHeapAddress: UInt64 = 0xFFFF_FFFF
  private var dirtyBudget: UInt64 = 0
  private var accessedBudget: UInt64 = 0
  private var accessedLimit: UInt64 = 0
  private var accessedBefore: UInt64 = 0

  /// Keeps the calls while set.
  public var recorder: StableCallRecorder?
  /// Is told of every call while set.
  public var observer: (any StableCallObserver)?
  /// Reads and writes of at least one byte and growth by at least one page that succeeded, over all messages.
  public private(set) var effectiveCalls = 0

  public init(memory: PagedStableMemory, parameters: Parameters) {
    self.memory = memory
    self.parameters = parameters
  }

  // MARK: Executions

  /// Begins a message: nothing is accessed yet.
  public func beginMessage(_ message: Message) {
    observer?.beginMessage(message)
    accessedBefore = 0
    accessedBudget = 0
    accessedLimit = 0
    recorder?.beginMessage()
  }

  /// Begins an execution, with budgets of its own.
  public func begin(_ entryPoint: EntryPoint, heap: LinearMemory?, is64BitHeap: Bool) {
    accessedBefore = accessedPages
    accessedLimit = parameters.accessedPageLimits[entryPoint.pageLimitClass]
    accessedBudget = accessedLimit
    dirtyBudget = parameters.dirtyPageLimits[entryPoint.pageLimitClass]
    self.heap = heap
    observer?.beginExecution(entryPoint, is64BitHeap: heap == nil ? nil : is64BitHeap)
    largestHeapAddress = is64BitHeap ? Self.byteCount(ofPages: parameters.heapLimit64) : 0xFFFF_FFFF
    memory.beginExecution()
  }

  /// Newly accessed pages of the message's executions so far; those of a call that failed do not count.
  public var accessedPages: UInt64 { accessedBefore &+ (accessedLimit - accessedBudget) }

  /// Ends a message, and forgets the heap, so that it can be used for something else.
  public func endMessage(keepsChanges: Bool) {
    heap = nil
    observer?.endMessage(keepsChanges: keepsChanges)
  }

  private static func byteCount(ofPages pages: UInt64) -> UInt64 {
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: Sizes.wasmPage)
    return overflow ? .max : bytes
  }

  // MARK: Calls

  /// Serves a call.
  ///
  /// - Parameters:
  ///   - slots: the arguments in order, 8 bytes each, 32-bit ones zero-extended; receives the result.
  ///   - counter: instructions left.
  public func call(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, counter: inout Int64
  ) throws(Trap) {
    if observer != nil {
      try observe(function, slots, &counter)
    } else if recorder != nil {
      try record(function, slots, &counter)
    } else {
      try serve(function, slots, &counter)
    }
  }

  private func observe(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, _ counter: inout Int64
  ) throws(Trap) {
    let parameterCount = Self.parameterCounts[Int(function.rawValue)]
    func argument(_ position: Int) -> UInt64 { position < parameterCount ? slots[position] : 0 }
    var call = ObservedCall(
      function: function, arguments: (argument(0), argument(1), argument(2)), size: memory.pageCount,
      capacity: parameters.stableCapacity, dirtyBudget: dirtyBudget, accessedBudget: accessedBudget,
      heapSize: heap?.byteCount ?? 0, largestHeapAddress: largestHeapAddress)
    if let (offset, count) = call.range, count > 0 {
      let (end, overflow) = offset.addingReportingOverflow(count)
      if !overflow && end <= Self.byteCount(ofPages: memory.pageCount) {
        let pages = Self.osPages(offset, count)
        call.pages = memory.states(of: pages)
        // Counting may be long; a call that cannot be paid does not come to it either.
        if count <= UInt64(clamping: counter) { (call.unwritten, call.unaccessed) = memory.cleanPages(in: pages) }
      }
    }
    defer {
      call.counterAfter = counter
      observer?.observe(call)
    }
    do throws(Trap) {
      if recorder == nil { try serve(function, slots, &counter) } else { try record(function, slots, &counter) }
      call.result = slots[0]
    } catch {
      call.trap = error
      throw error
    }
  }

  private static let parameterCounts = SystemRow.all.map(\.parameters.count)

  private func record(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, _ counter: inout Int64
  ) throws(Trap) {
    let row = function.row
    var call = StableCall(
      function: function, arguments: row.parameters.indices.map { slots[$0] }, result: nil, counterBefore: counter,
      counterAfter: counter, stableSize: memory.pageCount, trap: nil)
    defer {
      call.counterAfter = counter
      call.stableSize = memory.pageCount
      recorder?.record(call)
    }
    do throws(Trap) {
      try serve(function, slots, &counter)
      if row.result != nil { call.result = slots[0] }
    } catch {
      call.trap = CanisterError(error, instructionLimit: parameters.instructionLimit)
      throw error
    }
  }

  private func serve(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, _ counter: inout Int64
  ) throws(Trap) {
    switch function {
    case .stableSize:
      guard memory.pageCount <= Sizes.stable32Ceiling else { throw .canister(.stableMemoryTooBigFor32Bit) }
      slots[0] = memory.pageCount
    case .stable64Size: slots[0] = memory.pageCount
    case .stableGrow: slots[0] = try grow(by: word(slots[0]), is32Bit: true, &counter) ?? 0xFFFF_FFFF
    case .stable64Grow: slots[0] = try grow(by: slots[0], is32Bit: false, &counter) ?? .max
    case .stableRead: try read32(to: word(slots[0]), from: word(slots[1]), count: word(slots[2]), &counter)
    case .stable64Read: try read64(to: slots[0], from: slots[1], count: slots[2], &counter)
    case .stableWrite: try write32(to: word(slots[0]), from: word(slots[1]), count: word(slots[2]), &counter)
    case .stable64Write: try write64(to: slots[0], from: slots[1], count: slots[2], &counter)
    default: throw .canister(.contractViolation("ic0.\(function.name) is not a stable function"))
    }
  }

  private func word(_ slot: UInt64) -> UInt64 { slot & 0xFFFF_FFFF }

  // MARK: Charges

  /// Takes instructions as the injected decrement does: in wrapping 64-bit arithmetic, and a counter that would go up is
  /// pinned to the minimum instead.
  private func charge(_ amount: Int64, _ counter: inout Int64) throws(Trap) {
    let rest = counter &- amount
    counter = rest > counter ? .min : rest
    if counter < 0 { throw .outOfInstructions }
  }

  /// The charge of reads and writes: the sum wraps.
  private func chargeAccess(_ count: UInt64, _ counter: inout Int64) throws(Trap) {
    try charge(Int64(bitPattern: count) &+ parameters.metering.accessCharge, &counter)
  }

  // MARK: Growth

  /// - Returns: the former size, or nil where growth is refused.
  private func grow(by pages: UInt64, is32Bit: Bool, _ counter: inout Int64) throws(Trap) -> UInt64? {
    try charge(parameters.metering.growCharge, &counter)
    let former = memory.pageCount
    if is32Bit && former > Sizes.stable32Ceiling { throw .canister(.stableMemoryTooBigFor32Bit) }
    let (sum, overflow) = former.addingReportingOverflow(pages)
    let new = overflow ? .max : sum
    if is32Bit && new > Sizes.stable32Ceiling { return nil }
    if new > parameters.stableCapacity { return nil }
    memory.grow(to: new)
    if pages > 0 { effectiveCalls += 1 }
    return former
  }

  // MARK: Reads

  private func read32(
    to destination: UInt64, from offset: UInt64, count: UInt64, _ counter: inout Int64
  ) throws(Trap) {
    try chargeAccess(count, &counter)
    if count == 0 { return }
    if memory.pageCount > Sizes.stable32Ceiling { throw .canister(.stableMemoryTooBigFor32Bit) }
    if offset + count > memory.pageCount * Sizes.wasmPage { throw .canister(.stableMemoryOutOfBounds) }
    try read(to: destination, from: offset, count: count)
  }

  private func read64(
    to destination: UInt64, from offset: UInt64, count: UInt64, _ counter: inout Int64
  ) throws(Trap) {
    try chargeAccess(count, &counter)
    if count == 0 { return }
    try checkStableRange(offset, count)
    if destination > largestHeapAddress || count > largestHeapAddress { throw .canister(.heapOutOfBounds) }
    try read(to: destination, from: offset, count: count)
  }

  /// A read of at least one byte that is in bounds of stable memory.
  private func read(to destination: UInt64, from offset: UInt64, count: UInt64) throws(Trap) {
    let pages = Self.osPages(offset, count)
    let unaccessed = memory.cleanPages(in: pages).unaccessed
    if unaccessed > accessedBudget { throw .canister(.accessedPageLimitExceeded(parameters.accessedPageLimits)) }
    if unaccessed > 0 { memory.markAccessed(pages) }
    try memory.read(at: offset, count: count, into: checkedHeap(destination, count), at: destination)
    accessedBudget -= unaccessed
    effectiveCalls += 1
  }

  // MARK: Writes

  private func write32(
    to offset: UInt64, from source: UInt64, count: UInt64, _ counter: inout Int64
  ) throws(Trap) {
    try chargeAccess(count, &counter)
    if memory.pageCount > Sizes.stable32Ceiling { throw .canister(.stableMemoryTooBigFor32Bit) }
    if offset + count > memory.pageCount * Sizes.wasmPage { throw .canister(.stableMemoryOutOfBounds) }
    if count == 0 { return }
    try write(to: offset, from: source, count: count, &counter)
  }

  private func write64(
    to offset: UInt64, from source: UInt64, count: UInt64, _ counter: inout Int64
  ) throws(Trap) {
    try chargeAccess(count, &counter)
    if count == 0 { return }
    try checkStableRange(offset, count)
    if source > largestHeapAddress || count > largestHeapAddress { throw .canister(.heapOutOfBounds) }
    try write(to: offset, from: source, count: count, &counter)
  }

  /// A write of at least one byte that is in bounds of stable memory.
  private func write(to offset: UInt64, from source: UInt64, count: UInt64, _ counter: inout Int64) throws(Trap) {
    let pages = Self.osPages(offset, count)
    let (unwritten, unaccessed) = memory.cleanPages(in: pages)
    if unaccessed > accessedBudget { throw .canister(.accessedPageLimitExceeded(parameters.accessedPageLimits)) }
    if unwritten > dirtyBudget { throw .canister(.dirtyPageLimitExceeded(parameters.dirtyPageLimits)) }
    try charge(Int64(bitPattern: unwritten) &* parameters.dirtyPageOverhead, &counter)
    if unwritten > 0 { memory.markWritten(pages) }
    try memory.write(from: checkedHeap(source, count), at: source, count: count, to: offset)
    dirtyBudget -= unwritten
    accessedBudget -= unaccessed
    effectiveCalls += 1
  }

  // MARK: Checks

  /// The stable range of the 64-bit functions, at least one byte: its end may neither wrap nor pass the size.
  private func checkStableRange(_ offset: UInt64, _ count: UInt64) throws(Trap) {
    let (end, overflow) = offset.addingReportingOverflow(count)
    if overflow || end > Self.byteCount(ofPages: memory.pageCount) { throw .canister(.stableMemoryOutOfBounds) }
  }

  /// The heap, of which the range is in bounds.
  private func checkedHeap(_ address: UInt64, _ count: UInt64) throws(Trap) -> LinearMemory {
    guard let heap else { throw .canister(.contractViolation("WebAssembly module must define memory")) }
    let (end, overflow) = address.addingReportingOverflow(count)
    if overflow || end > heap.byteCount { throw .canister(.heapOutOfBounds) }
    return heap
  }

  /// The OS pages of a range of at least one byte that does not wrap.
  private static func osPages(_ offset: UInt64, _ count: UInt64) -> Range<UInt64> {
    offset / Sizes.osPage..<(offset + (count - 1)) / Sizes.osPage + 1
  }
}
