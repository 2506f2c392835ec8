// Programs for the universal canister, a Rust canister that interprets its message argument as a sequence of System API
// calls. Opcode numbers: dfinity/ic, rs/universal_canister/impl/src/lib.rs.

import Canister

/// A program under construction.
struct UniversalProgram {
  private(set) var bytes: [UInt8] = []

  private func adding(_ more: [UInt8]) -> UniversalProgram {
    var result = self
    result.bytes += more
    return result
  }

  private func int(_ value: UInt32) -> UniversalProgram { adding([2] + Self.littleEndian(value)) }
  private func int64(_ value: UInt64) -> UniversalProgram { adding([31] + Self.littleEndian(value)) }
  private func blob(_ value: [UInt8]) -> UniversalProgram {
    adding([3] + Self.littleEndian(UInt32(value.count)) + value)
  }

  private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  // Results of growing are dropped unless they are replied.
  func grow(_ pages: UInt32) -> Self { int(pages).adding([16, 1]) }
  func grow64(_ pages: UInt64) -> Self { int64(pages).adding([47, 1]) }
  func replyGrow(_ pages: UInt32) -> Self { int(pages).adding([16, 12, 4]) }
  func replyGrow64(_ pages: UInt64) -> Self { int64(pages).adding([47, 50, 4]) }
  func replySize() -> Self { adding([15, 12, 4]) }
  func replySize64() -> Self { adding([46, 50, 4]) }
  func write(_ offset: UInt32, _ data: [UInt8]) -> Self { int(offset).blob(data).adding([18]) }
  func write64(_ offset: UInt64, _ data: [UInt8]) -> Self { int64(offset).blob(data).adding([49]) }
  func fill(_ offset: UInt32, _ byte: UInt8, _ count: UInt32) -> Self {
    int(offset).int(UInt32(byte)).int(count).adding([45])
  }
  func fill64(_ offset: UInt64, _ byte: UInt8, _ count: UInt64) -> Self {
    int64(offset).int64(UInt64(byte)).int64(count).adding([72])
  }
  /// Reads and appends what was read to the reply.
  func read(_ offset: UInt32, _ count: UInt32) -> Self { int(offset).int(count).adding([17, 4]) }
  func read64(_ offset: UInt64, _ count: UInt64) -> Self { int64(offset).int64(count).adding([48, 4]) }
  /// Copies inside stable memory, through the heap.
  func move64(from source: UInt64, to target: UInt64, _ count: UInt64) -> Self {
    int64(target).int64(source).int64(count).adding([48, 49])
  }
  func replyCounter() -> Self { int(0).adding([66, 50, 4]) }
  func setGlobal(_ data: [UInt8]) -> Self { blob(data).adding([21]) }
  func replyGlobal() -> Self { adding([22, 4]) }
  func setPreUpgrade(_ program: UniversalProgram) -> Self { blob(program.bytes).adding([24]) }
  func debugPrint(_ text: String) -> Self { blob(Array(text.utf8)).adding([19]) }
  func trap(_ text: String = "on purpose") -> Self { blob(Array(text.utf8)).adding([20]) }
  func reply() -> Self { adding([5]) }

  // MARK: As messages

  var install: Message { .install(argument: bytes) }
  var update: Message { .update(name: "update", argument: bytes) }
  var query: Message { .query(name: "query", argument: bytes) }
  var upgrade: Message { .upgrade(.first, argument: bytes) }
  var reinstall: Message { .reinstall(.first, argument: bytes) }
}
