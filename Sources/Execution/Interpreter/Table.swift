// Tables of references. Elements are the bits of a register: 0 is null.

import Wasm

/// A Wasm table.
public final class Table {
  public let type: TableType
  var elements: [UInt64]

  /// Growth past this is refused, as the specification lets an implementation do.
  static let maximumCount: UInt64 = 10_000_000

  /// Creates a table of the type's minimum size.
  ///
  /// - Throws: `Trap.hostMemoryExhausted` when the minimum exceeds what this implementation gives.
  public init(_ type: TableType, initial: UInt64 = 0) throws(Trap) {
    guard type.limits.minimum <= Self.maximumCount else { throw .hostMemoryExhausted }
    self.type = type
    elements = Array(repeating: initial, count: Int(type.limits.minimum))
  }

  public var count: UInt64 { UInt64(elements.count) }

  /// Back to the minimum size, every element `initial`.
  func reset(to initial: UInt64) {
    elements.removeAll(keepingCapacity: true)
    elements.append(contentsOf: repeatElement(initial, count: Int(type.limits.minimum)))
  }

  /// Grows by a number of elements.
  ///
  /// - Returns: the former size, or nil where the maximum would be passed.
  func grow(by delta: UInt64, with value: UInt64) -> UInt64? {
    let old = count
    let (new, overflow) = old.addingReportingOverflow(delta)
    guard !overflow, new <= min(type.limits.maximum ?? .max, Self.maximumCount) else { return nil }
    elements.append(contentsOf: repeatElement(value, count: Int(delta)))
    return old
  }

  /// - Throws: `Trap.tableOutOfBounds`.
  func get(_ index: UInt64) throws(Trap) -> UInt64 {
    guard index < count else { throw .tableOutOfBounds }
    return elements[Int(index)]
  }

  /// - Throws: `Trap.tableOutOfBounds`.
  func set(_ index: UInt64, _ value: UInt64) throws(Trap) {
    guard index < count else { throw .tableOutOfBounds }
    elements[Int(index)] = value
  }

  /// - Throws: `Trap.tableOutOfBounds` before anything is written.
  func fill(at index: UInt64, with value: UInt64, count n: UInt64) throws(Trap) {
    let range = try range(index, n)
    for position in range { elements[position] = value }
  }

  /// Copies `n` values of `source`, starting with the one at `from`.
  ///
  /// - Throws: `Trap.tableOutOfBounds` before anything is written.
  func copy(_ source: [UInt64], from: UInt64, to: UInt64, count n: UInt64) throws(Trap) {
    guard UInt64(source.count) >= n, from <= UInt64(source.count) - n else { throw .tableOutOfBounds }
    let range = try range(to, n)
    elements.replaceSubrange(range, with: source[Int(from)..<Int(from) + Int(n)])
  }

  private func range(_ start: UInt64, _ n: UInt64) throws(Trap) -> Range<Int> {
    guard n <= count, start <= count - n else { throw .tableOutOfBounds }
    return Int(start)..<Int(start) + Int(n)
  }
}
