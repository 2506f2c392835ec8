// The bodies of a decoded module as the bytes they are, and as values once somebody has looked.
// Made by `ModuleDecoder`; read by `FunctionBody`, the validator and the encoder.

import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The bytes of a module and where its function bodies stand in them.
final class CodeSection: Sendable {
  /// The whole module.
  let bytes: [UInt8]
  /// Offsets of the bodies, each at its size.
  private let starts: [UInt32]
  private let hasDataCount: Bool
  /// Made when the first body is looked at: a module that is only validated does without.
  private let cache = AtomicLazyReference<BodyCache>()

  /// - Parameter starts: offsets of the bodies, each at its size; all sizes have been read once.
  init(bytes: [UInt8], starts: [UInt32], hasDataCount: Bool) {
    self.bytes = bytes
    self.starts = starts
    self.hasDataCount = hasDataCount
  }

  /// Calls `read` with a cursor over a body, whose locals come first.
  @inline(__always)
  func withBody<Result>(
    _ number: Int, _ read: (inout ByteCursor) throws(WasmError) -> Result
  ) throws(WasmError) -> Result {
    try bytes.withUnsafeBufferPointer { buffer throws(WasmError) in
      var cursor = ByteCursor(buffer)
      cursor.position = Int(starts[number])
      let size = try cursor.count()
      cursor.end = cursor.position &+ size
      return try read(&cursor)
    }
  }

  /// The values of a body; the same object for every caller.
  func values(_ number: Int) -> BodyValues {
    let cache = cache.load() ?? cache.storeIfNil(BodyCache(starts.count))
    return cache.values(number) { decodeValues(number) }
  }

  private func decodeValues(_ number: Int) -> BodyValues {
    do throws(WasmError) {
      return try withBody(number) { cursor throws(WasmError) in
        var decoder = InstructionDecoder()
        decoder.hasDataCount = hasDataCount
        let locals = try cursor.locals()
        try decoder.expression(&cursor)
        return BodyValues(
          locals: locals, instructions: decoder.instructions.array(), labels: decoder.labels.array())
      }
    } catch {
      fatalError("body \(number) was decoded before and is not well-formed now: \(error)")
    }
  }

  /// Whether two bodies are the same, byte for byte.
  func hasSameBytes(_ number: Int, _ other: CodeSection, _ otherNumber: Int) -> Bool {
    if self === other, number == otherNumber { return true }
    let answer = try? withBody(number) { cursor throws(WasmError) in
      try other.withBody(otherNumber) { otherCursor throws(WasmError) in
        cursor.remaining == otherCursor.remaining
          && memcmp(cursor.base + cursor.position, otherCursor.base + otherCursor.position, cursor.remaining) == 0
      }
    }
    return answer ?? false
  }
}

/// A place for the values of each body.
private final class BodyCache: @unchecked Sendable {
  private let places: UnsafeMutablePointer<AtomicLazyReference<BodyValues>>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    places = .allocate(capacity: count)
    for position in 0..<count { (places + position).initialize(to: AtomicLazyReference()) }
  }

  deinit {
    places.deinitialize(count: count)
    places.deallocate()
  }

  func values(_ number: Int, _ make: () -> BodyValues) -> BodyValues {
    precondition(number < count)
    return places[number].load() ?? places[number].storeIfNil(make())
  }
}
