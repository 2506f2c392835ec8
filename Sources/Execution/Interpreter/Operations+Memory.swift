// Loads and stores of memory 0, in the addressing modes that the translator finds.

/// How an access computes its effective address.
///
/// The sums of `sum` and `indexed` are those of `i32.add` and wrap; the offset is added after that and does not.
enum AddressingMode: Int, CaseIterable {
  /// `[b + c]`, c an unsigned 16-bit offset.
  case near
  /// `[b ⊕ c]`, c a signed 16-bit immediate.
  case sum
  /// `[b ⊕ (c << shift) + offset]`; the next word holds the offset in its lower and the shift in its upper half.
  case indexed
  /// `[b + offset]`, b of the width that the memory's addresses have; the offset is the next word.
  case far
  /// `[bc]`, an unsigned 32-bit constant.
  case constant
}

extension Registers {
  // MARK: Effective addresses

  @inline(__always) func near(_ word: UInt64) -> UInt64 { self[word.b] &+ UInt64(truncatingIfNeeded: word.c) }
  @inline(__always) func sum(_ word: UInt64) -> UInt64 {
    UInt64(self[word.b].u32 &+ UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func indexed(_ word: UInt64, _ operand: UInt64) -> UInt64 {
    UInt64(self[word.b].u32 &+ self[word.c].u32 &<< UInt32(truncatingIfNeeded: operand >> 32)) &+ UInt64(operand.u32)
  }
  @inline(__always) func constant(_ word: UInt64) -> UInt64 { word >> 32 }
  /// A 64-bit address that overflows becomes one that is out of bounds of any memory.
  @inline(__always) func far(_ word: UInt64, _ operand: UInt64) -> UInt64 {
    let (address, overflow) = self[word.b].addingReportingOverflow(operand)
    return overflow || address > 1 << 62 ? 1 << 62 : address
  }

  // MARK: Loads

  @inline(__always) func i32Load(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt32.self, address))
  }
  @inline(__always) func i64Load(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = try memory.load(UInt64.self, address)
  }
  @inline(__always) func f32Load(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt32.self, address))
  }
  @inline(__always) func f64Load(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = try memory.load(UInt64.self, address)
  }
  @inline(__always) func i32Load8S(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(Int32(try memory.load(Int8.self, address)))
  }
  @inline(__always) func i32Load8U(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt8.self, address))
  }
  @inline(__always) func i32Load16S(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(Int32(try memory.load(Int16.self, address)))
  }
  @inline(__always) func i32Load16U(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt16.self, address))
  }
  @inline(__always) func i64Load8S(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(Int64(try memory.load(Int8.self, address)))
  }
  @inline(__always) func i64Load8U(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt8.self, address))
  }
  @inline(__always) func i64Load16S(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(Int64(try memory.load(Int16.self, address)))
  }
  @inline(__always) func i64Load16U(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt16.self, address))
  }
  @inline(__always) func i64Load32S(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(Int64(try memory.load(Int32.self, address)))
  }
  @inline(__always) func i64Load32U(_ word: UInt64, _ memory: MemoryView, _ address: UInt64) throws(Trap) {
    self[word.a] = UInt64(try memory.load(UInt32.self, address))
  }

  // MARK: Stores; false where a page has to be saved first

  @inline(__always) func i32Store(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt32(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func i64Store(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(self[word.a], address, loop)
  }
  @inline(__always) func f32Store(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt32(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func f64Store(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(self[word.a], address, loop)
  }
  @inline(__always) func i32Store8(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt8(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func i32Store16(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt16(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func i64Store8(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt8(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func i64Store16(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt16(truncatingIfNeeded: self[word.a]), address, loop)
  }
  @inline(__always) func i64Store32(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(UInt32(truncatingIfNeeded: self[word.a]), address, loop)
  }
}
