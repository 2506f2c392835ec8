// Programs for the universal canister, a Rust canister of the replica's tests that runs its argument as a sequence of
// System API calls: any stable memory traffic, through code that a compiler made. Used by the profile `real-world`.
// Opcode numbers: dfinity/ic, rs/universal_canister/impl/src/lib.rs.

/// A program under construction.
public struct UniversalProgram {
  /// The program: the argument of the canister's methods.
  public private(set) var bytes: [UInt8] = []
  /// Whether it replies; otherwise what it reads is kept in the canister's global buffer.
  let replies: Bool

  /// An empty program.
  ///
  /// - Parameter replies: whether it ends with a reply of what it has read.
  public init(replies: Bool = true) { self.replies = replies }

  private mutating func push(_ value: UInt64, isWide: Bool) {
    bytes.append(isWide ? 31 : 2)
    bytes += (0..<(isWide ? 8 : 4)).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private mutating func push(_ value: [UInt8]) {
    bytes.append(3)
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.count >> (8 * $0)) }
    bytes += value
  }

  /// Grows, and makes the answer part of the reply.
  public mutating func grow(_ pages: UInt64) {
    push(pages, isWide: true)
    bytes += replies ? [47, 50, 4] : [47, 1]
  }

  mutating func write(_ offset: UInt64, _ data: [UInt8], isWide: Bool) {
    push(offset, isWide: isWide)
    push(data)
    bytes.append(isWide ? 49 : 18)
  }

  /// Reads, and makes what was read part of the reply.
  mutating func read(_ offset: UInt64, _ count: UInt64, isWide: Bool) {
    push(offset, isWide: isWide)
    push(count, isWide: isWide)
    bytes += [isWide ? 48 : 17, replies ? 4 : 21]
  }

  mutating func fill(_ offset: UInt64, _ byte: UInt64, _ count: UInt64, isWide: Bool) {
    for operand in [offset, byte, count] { push(operand, isWide: isWide) }
    bytes.append(isWide ? 72 : 45)
  }

  /// Copies inside of stable memory, through the heap.
  mutating func copy(from source: UInt64, to target: UInt64, _ count: UInt64) {
    for operand in [target, source, count] { push(operand, isWide: true) }
    bytes += [48, 49]
  }

  /// Keeps a program that runs before the next upgrade.
  mutating func setPreUpgrade(_ program: UniversalProgram) {
    push(program.bytes)
    bytes.append(24)
  }

  mutating func trap() {
    push(Array("on purpose".utf8))
    bytes.append(20)
  }

  /// Replies where it does.
  public mutating func finish() { if replies { bytes.append(5) } }
}
