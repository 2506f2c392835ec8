// The bodies of the stable reads and writes, step by step in the order of ic-semantics section 4. Called by
// `InjectedFunctions.body(replacing:)`; the order of the steps decides which trap an execution ends with.

import Canister
import Wasm

extension InjectedFunctions {
  /// The arguments of a read or write and the variables of its page accounting.
  struct Access {
    unowned(unsafe) let code: BodyBuilder
    /// Where in the heap.
    let heap: Argument
    /// Where in stable memory.
    let offset: Argument
    let length: Argument
    /// The OS pages of the range: `firstPage ..< endPage`.
    let firstPage: Variable<Width32>
    let endPage: Variable<Width32>
    let unwritten: Variable<Width32>
    let unaccessed: Variable<Width32>
    /// Variable of the loop that marks pages.
    let page: Variable<Width32>

    init(_ code: BodyBuilder, heap: Argument, offset: Argument, length: Argument) {
      self.code = code
      self.heap = heap
      self.offset = offset
      self.length = length
      firstPage = code.local(Width32.self)
      endPage = code.local(Width32.self)
      unwritten = code.local(Width32.self)
      unaccessed = code.local(Width32.self)
      page = code.local(Width32.self)
    }

    init(narrow code: BodyBuilder, heap: Int, offset: Int, length: Int) {
      self.init(
        code, heap: .narrow(code.parameter(heap, Width32.self)), offset: .narrow(code.parameter(offset, Width32.self)),
        length: .narrow(code.parameter(length, Width32.self)))
    }

    init(wide code: BodyBuilder, heap: Int, offset: Int, length: Int) {
      self.init(
        code, heap: .wide(code.parameter(heap, Width64.self)), offset: .wide(code.parameter(offset, Width64.self)),
        length: .wide(code.parameter(length, Width64.self)))
    }
  }

  // MARK: The four functions

  /// `stable_read(heap address, offset, length)`
  func stableRead() -> FunctionBody {
    let code = BodyBuilder(parameters: 3)
    let access = Access(narrow: code, heap: 0, offset: 1, length: 2)
    chargeLength(access)
    returnIfEmpty(access)
    trapIfTooBig(code)
    trapIfPastEnd(access)
    readPages(access)
    return code.finish()
  }

  /// `stable64_read(heap address, offset, length)`
  func stable64Read() -> FunctionBody {
    let code = BodyBuilder(parameters: 3)
    let access = Access(wide: code, heap: 0, offset: 1, length: 2)
    chargeLength(access)
    returnIfEmpty(access)
    trapIfWrapping(access)
    trapIfPastEnd(access)
    trapIfBeyondHeap(access)
    readPages(access)
    return code.finish()
  }

  /// `stable_write(offset, heap address, length)`: unlike all others it checks the range also when it is empty.
  func stableWrite() -> FunctionBody {
    let code = BodyBuilder(parameters: 3)
    let access = Access(narrow: code, heap: 1, offset: 0, length: 2)
    chargeLength(access)
    trapIfTooBig(code)
    trapIfPastEnd(access)
    returnIfEmpty(access)
    writePages(access)
    return code.finish()
  }

  /// `stable64_write(offset, heap address, length)`
  func stable64Write() -> FunctionBody {
    let code = BodyBuilder(parameters: 3)
    let access = Access(wide: code, heap: 1, offset: 0, length: 2)
    chargeLength(access)
    returnIfEmpty(access)
    trapIfWrapping(access)
    trapIfPastEnd(access)
    trapIfBeyondHeap(access)
    writePages(access)
    return code.finish()
  }

  // MARK: Charge and checks

  /// The addition wraps; `decrement` copes with the negative amounts that come of it.
  private func chargeLength(_ access: Access) {
    charge(access.code, access.length.wide + parameters.metering.accessCharge)
  }

  func returnIfEmpty(_ access: Access) {
    let isEmpty =
      switch access.length {
      case .narrow(let length): length.value.isZero
      case .wide(let length): length.value.isZero
      }
    access.code.if(isEmpty) { access.code.return() }
  }

  /// For a length that is not 0.
  private func trapIfWrapping(_ access: Access) {
    trap(
      access.code, .stableMemoryOutOfBounds,
      if: access.offset.wide + access.length.wide <= access.offset.wide)
  }

  private func trapIfPastEnd(_ access: Access) {
    trap(
      access.code, .stableMemoryOutOfBounds,
      if: access.offset.wide + access.length.wide
        > access.code.size(of: layout.stableMemory) * Int64(Sizes.wasmPage))
  }

  /// The copy itself traps when it leaves the heap; this catches what 32 bits would cut off before.
  func trapIfBeyondHeap(_ access: Access) {
    trap(access.code, .heapOutOfBounds, if: access.heap.wide > largestHeapAddress)
    trap(access.code, .heapOutOfBounds, if: access.length.wide > largestHeapAddress)
  }

  /// Compared unsigned: 2³² − 1, or the heap limit in bytes with a 64-bit heap.
  private var largestHeapAddress: Int64 {
    guard layout.is64BitHeap else { return Int64(UInt32.max) }
    let (bytes, overflow) = parameters.heapLimit64.multipliedReportingOverflow(by: Sizes.wasmPage)
    return Int64(bitPattern: overflow ? .max : bytes)
  }

  // MARK: Pages and copy

  private func readPages(_ access: Access) {
    let code = access.code
    markRead(access)
    code.if(access.unaccessed.value == access.endPage.value - access.firstPage.value) {
      // None of these pages was read or written in this execution: the host copies from the state before it.
      _ = access.heap.wide
      _ = access.offset.wide
      _ = access.length.wide
      code.emit(.call(layout.stableReadFirstAccess))
    } else: {
      access.heap.push(is64Bit: layout.is64BitHeap)
      _ = access.offset.wide
      access.length.push(is64Bit: layout.is64BitHeap)
      copy(code, from: layout.stableMemory, to: layout.heap)
    }
    subtract(access.unaccessed, from: code.global(layout.accessedPageCounter))
  }

  /// Marks the pages of the range as accessed, if the limit allows.
  func markRead(_ access: Access) {
    let code = access.code
    countPages(access)
    trapIfAccessLimitExceeded(access)
    code.if(access.unaccessed.value) {
      access.page.assign(access.firstPage.value)
      code.repeat {
        let address = access.page.value
        code.storeByte(code.loadByte(of: layout.bytemap, at: access.page.value) | 2, in: layout.bytemap, at: address)
        return access.page.assigning(access.page.value + 1) < access.endPage.value
      }
    }
  }

  /// Charges and marks the pages of the range as written, if the limits allow.
  func markWritten(_ access: Access) {
    let code = access.code
    countPages(access)
    trapIfAccessLimitExceeded(access)
    trap(
      code, .memoryWriteLimitExceeded,
      if: access.unwritten.value.extended > code.global(layout.dirtyPageCounter).value)
    charge(code, access.unwritten.value.extended * parameters.dirtyPageOverhead)
    _ = access.firstPage.value
    _ = code.i32(3)
    _ = access.endPage.value - access.firstPage.value
    code.emit(Instruction(.memoryFill, .memory(layout.bytemap)))
  }

  private func writePages(_ access: Access) {
    let code = access.code
    markWritten(access)
    _ = access.offset.wide
    access.heap.push(is64Bit: layout.is64BitHeap)
    access.length.push(is64Bit: layout.is64BitHeap)
    copy(code, from: layout.heap, to: layout.stableMemory)
    subtract(access.unwritten, from: code.global(layout.dirtyPageCounter))
    subtract(access.unaccessed, from: code.global(layout.accessedPageCounter))
  }

  /// The 32-bit forms compute the pages in 64 bits too, where `offset + length` may be 2³² exactly.
  private func countPages(_ access: Access) {
    let code = access.code
    access.firstPage.assign((access.offset.wide >> 12).wrapped)
    access.endPage.assign((((access.offset.wide + access.length.wide - 1) >> 12) + 1).wrapped)
    _ = access.firstPage.value
    _ = access.endPage.value
    code.emit(.call(layout.countCleanPages))
    access.unaccessed.assign(Pushed(code: code))
    access.unwritten.assign(Pushed(code: code))
  }

  private func trapIfAccessLimitExceeded(_ access: Access) {
    trap(
      access.code, .memoryAccessLimitExceeded,
      if: access.unaccessed.value.extended > access.code.global(layout.accessedPageCounter).value)
  }

  /// Copies with the pushed destination, source and length. A body that copies exists only in a module with a heap.
  private func copy(_ code: BodyBuilder, from source: MemoryIndex?, to destination: MemoryIndex?) {
    let heap = MemoryIndex(0)
    code.emit(Instruction(.memoryCopy, .memoryCopy(destination: destination ?? heap, source: source ?? heap)))
  }

  func subtract(_ pages: Variable<Width32>, from counter: Variable<Width64>) {
    counter.assign(counter.value - pages.value.extended)
  }
}
