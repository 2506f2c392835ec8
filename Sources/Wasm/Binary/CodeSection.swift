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
  /// Whether all bodies are known to be what the encoder would write: then they are written as they are.
  private let isCanonical: Bool
  /// The values of the bodies, once the first was looked at: a module that is only validated does without.
  private let cache = SharedObject<BodyCache>()

  /// - Parameters:
  ///   - starts: offsets of the bodies, each at its size; all sizes have been read once.
  ///   - isCanonical: whether all bodies are known to be what the encoder would write.
  init(bytes: [UInt8], starts: [UInt32], hasDataCount: Bool, isCanonical: Bool = false) {
    self.isCanonical = isCanonical
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
    cache.object { BodyCache(starts.count) }.values(number) { decodeValues(number) }
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

  /// A body with its size, if that is what the encoder would write.
  func canonicalBody(_ number: Int) -> Range<Int>? {
    guard isCanonical else { return nil }
    let range = try? withBody(number) { cursor throws(WasmError) in Int(starts[number])..<cursor.end }
    return range
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
  private let places: UnsafeMutablePointer<SharedObject<BodyValues>>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    places = .allocate(capacity: count)
    for position in 0..<count { (places + position).initialize(to: SharedObject()) }
  }

  deinit {
    places.deinitialize(count: count)
    places.deallocate()
  }

  func values(_ number: Int, _ make: () -> BodyValues) -> BodyValues {
    precondition(number < count)
    return places[number].object(make)
  }
}

/// A reference that is made by whoever asks first. Unlike the standard library's, it needs no type metadata at run time,
/// of which a module of many small bodies would look up some for each.
private struct SharedObject<Object: AnyObject & Sendable>: ~Copyable, Sendable {
  /// The address of the object, whose reference is held here; 0 before it is made.
  private let address = Atomic<UInt>(0)

  @inline(__always)
  func object(_ make: () -> Object) -> Object {
    let known = address.load(ordering: .acquiring)
    if let known = UnsafeRawPointer(bitPattern: known) {
      return Unmanaged<Object>.fromOpaque(known).takeUnretainedValue()
    }
    let object = make()
    let reference = Unmanaged.passRetained(object)
    let (isFirst, original) = address.compareExchange(
      expected: 0, desired: UInt(bitPattern: reference.toOpaque()), ordering: .acquiringAndReleasing)
    guard !isFirst, let first = UnsafeRawPointer(bitPattern: original) else { return object }
    reference.release()
    return Unmanaged<Object>.fromOpaque(first).takeUnretainedValue()
  }

  deinit {
    let known = address.load(ordering: .acquiring)
    if let known = UnsafeRawPointer(bitPattern: known) { Unmanaged<Object>.fromOpaque(known).release() }
  }
}
