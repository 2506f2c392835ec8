// Memory 0 as the machine's loop sees it: bounds and page tracking without a reference to an object.

import Glibc
import Wasm

/// Memory 0 between two calls.
struct MemoryView {
  private let base: UnsafeMutableRawPointer
  private let byteCount: UInt64
  private let savedFlags: UnsafeMutablePointer<UInt8>

  @inline(__always) init(_ state: UnsafeMutablePointer<MemoryState>) {
    base = state.pointee.base
    byteCount = state.pointee.byteCount
    savedFlags = state.pointee.savedFlags
  }

  /// Loads from an effective address of at most 63 bits.
  @inline(__always) func load<T: BitwiseCopyable>(_ type: T.Type, _ address: UInt64) throws(Trap) -> T {
    guard address &+ UInt64(MemoryLayout<T>.size) <= byteCount else { throw .memoryOutOfBounds }
    return (base + Int(truncatingIfNeeded: address)).loadUnaligned(as: type)
  }

  /// Stores to an effective address of at most 63 bits.
  ///
  /// - Returns: whether the value was written. If not, `LoopState.savePages` has to be called before the operation is
  ///   tried again: out of the operation itself, so that no call stands in the way of the loop's register allocation.
  @inline(__always) func store<T: BitwiseCopyable>(
    _ value: T, _ address: UInt64, _ loop: UnsafeMutablePointer<LoopState>
  ) throws(Trap) -> Bool {
    let size = UInt64(MemoryLayout<T>.size)
    guard address &+ size <= byteCount else { throw .memoryOutOfBounds }
    let first = Int(truncatingIfNeeded: address >> 12)
    let last = Int(truncatingIfNeeded: (address &+ size &- 1) >> 12)
    guard savedFlags[first] & savedFlags[last] != 0 else {
      loop.pointee.unsavedAddress = address
      loop.pointee.unsavedSize = size
      return false
    }
    (base + Int(truncatingIfNeeded: address)).storeBytes(of: value, as: T.self)
    return true
  }

  // MARK: Short bulk operations

  /// Copies up to a page within memory 0, where all is in bounds and the pages are saved.
  ///
  /// - Returns: false where that is not so and nothing was done; the general way then finds out what to do.
  @inline(__always) func copy(to destination: UInt64, from source: UInt64, _ count: UInt64) -> Bool {
    guard isWritable(destination, count), source <= byteCount, source &+ count <= byteCount else { return false }
    memmove(
      base + Int(truncatingIfNeeded: destination), base + Int(truncatingIfNeeded: source),
      Int(truncatingIfNeeded: count))
    return true
  }

  /// Fills up to a page of memory 0, under the same conditions.
  @inline(__always) func fill(at address: UInt64, _ value: UInt64, _ count: UInt64) -> Bool {
    guard isWritable(address, count) else { return false }
    memset(base + Int(truncatingIfNeeded: address), Int32(value & 0xFF), Int(truncatingIfNeeded: count))
    return true
  }

  /// Whether a range of 1 to 4,096 bytes is in bounds and its pages, two at most, are saved.
  @inline(__always) private func isWritable(_ address: UInt64, _ count: UInt64) -> Bool {
    guard count &- 1 < 4_096, address <= byteCount, address &+ count <= byteCount else { return false }
    let first = Int(truncatingIfNeeded: address >> 12)
    let last = Int(truncatingIfNeeded: (address &+ count &- 1) >> 12)
    return savedFlags[first] & savedFlags[last] != 0
  }
}
