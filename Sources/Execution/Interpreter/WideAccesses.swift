// Accesses to any memory at any address: those that the machine's loop has no operation of its own for. They work on the
// memory's state alone, since counting references to the memory would take longer than most of the accesses.

import Wasm

extension MemoryState {
  /// The effective address of an access, if all of it is in bounds.
  private func address(_ base: UInt64, _ offset: UInt64, _ count: Int) throws(Trap) -> Int {
    let (address, overflow) = base.addingReportingOverflow(offset)
    let (end, overflow2) = address.addingReportingOverflow(UInt64(count))
    guard !overflow, !overflow2, end <= byteCount else { throw .memoryOutOfBounds }
    return Int(address)
  }

  @inline(__always) func read<T: BitwiseCopyable>(
    _ type: T.Type, _ base: UInt64, _ offset: UInt64
  ) throws(Trap) -> T {
    (self.base + (try address(base, offset, MemoryLayout<T>.size))).loadUnaligned(as: type)
  }

  @inline(__always) func write<T: BitwiseCopyable>(_ value: T, _ base: UInt64, _ offset: UInt64) throws(Trap) {
    let size = MemoryLayout<T>.size
    let address = try address(base, offset, size)
    if savedFlags[address >> 12] & savedFlags[(address + size - 1) >> 12] == 0 {
      owner?.takeUnretainedValue().touch(UInt64(address), UInt64(size))
    }
    (self.base + address).storeBytes(of: value, as: T.self)
  }

  /// Loads a number; `kind` counts from `i32.load`.
  @inline(never) func load(_ kind: Int, _ base: UInt64, _ offset: UInt64) throws(Trap) -> UInt64 {
    switch kind {
    case 0, 2: return UInt64(try read(UInt32.self, base, offset))
    case 1, 3: return try read(UInt64.self, base, offset)
    case 4: return UInt64(UInt32(bitPattern: Int32(try read(Int8.self, base, offset))))
    case 5, 9: return UInt64(try read(UInt8.self, base, offset))
    case 6: return UInt64(UInt32(bitPattern: Int32(try read(Int16.self, base, offset))))
    case 7, 11: return UInt64(try read(UInt16.self, base, offset))
    case 8: return UInt64(bitPattern: Int64(try read(Int8.self, base, offset)))
    case 10: return UInt64(bitPattern: Int64(try read(Int16.self, base, offset)))
    case 12: return UInt64(bitPattern: Int64(try read(Int32.self, base, offset)))
    default: return UInt64(try read(UInt32.self, base, offset))
    }
  }

  /// Stores a number; `kind` counts from `i32.store`.
  @inline(never) func store(_ kind: Int, _ base: UInt64, _ offset: UInt64, _ value: UInt64) throws(Trap) {
    switch kind {
    case 1, 3: try write(value, base, offset)
    case 4, 6: try write(UInt8(truncatingIfNeeded: value), base, offset)
    case 5, 7: try write(UInt16(truncatingIfNeeded: value), base, offset)
    default: try write(UInt32(truncatingIfNeeded: value), base, offset)
    }
  }
}
