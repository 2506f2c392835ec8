// 128-bit digests over XXH3: of one buffer, of a stream, and order-free of a set of numbered pages.

import CXXHash

/// A 128-bit digest.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  public var low: UInt64
  public var high: UInt64

  @inlinable public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// The digest of nothing in an order-free sum.
  public static let zero = Digest(low: 0, high: 0)

  init(_ hash: XXH128_hash_t) { self.init(low: hash.low64, high: hash.high64) }

  /// XXH3-128 of a buffer. The seed separates uses, e.g. page numbers.
  public init(of bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) {
    self.init(XXH3_128bits_withSeed(bytes.baseAddress, bytes.count, seed))
  }

  /// XXH3-128 of an array.
  public init(of bytes: [UInt8], seed: UInt64 = 0) {
    self = bytes.withUnsafeBytes { Digest(of: $0, seed: seed) }
  }

  /// 32 lower-case hexadecimal digits, most significant first: the canonical form of XXH3-128, as `xxhsum -H2` prints.
  public var description: String { hex(high) + hex(low) }

  /// The digest that `description` prints; nil for any other text.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(low: low, high: high)
  }

  private func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

// An order-free digest: members may be added and taken away in any order, which lets a memory keep its digest up to
// date page by page instead of hashing itself again.
extension Digest {
  /// Adds a member's digest.
  @inlinable public mutating func add(_ member: Digest) {
    let (sum, carry) = low.addingReportingOverflow(member.low)
    low = sum
    high = high &+ member.high &+ (carry ? 1 : 0)
  }

  /// Takes away a member's digest that was added before.
  @inlinable public mutating func remove(_ member: Digest) {
    let (difference, borrow) = low.subtractingReportingOverflow(member.low)
    low = difference
    high = high &- member.high &- (borrow ? 1 : 0)
  }
}

/// A digest built from pieces; equal pieces in equal order give equal digests. The pieces are not delimited: a caller
/// that hashes variable-length pieces adds their lengths.
public struct DigestStream: ~Copyable {
  private let state: OpaquePointer

  public init() {
    // XXH3_createState fails only when malloc does.
    guard let state = XXH3_createState() else { fatalError("out of memory") }
    self.state = state
    XXH3_128bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
  }

  /// Adds a length-prefixed byte string.
  public mutating func add(_ bytes: [UInt8]) {
    add(UInt64(bytes.count))
    bytes.withUnsafeBytes { add($0) }
  }

  /// Adds eight bytes, little-endian.
  public mutating func add(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { add($0) }
  }

  public mutating func add(_ digest: Digest) {
    add(digest.low)
    add(digest.high)
  }

  /// The digest of all pieces so far.
  public func finish() -> Digest { Digest(XXH3_128bits_digest(state)) }
}

extension Digest {
  /// The member that an OS page contributes to an order-free sum of memory contents: zero for a page of zeros, so that a
  /// page touched and left zero equals a page never touched.
  ///
  /// - Parameter bytes: the page; its length is a multiple of 64.
  public init(ofPage page: UInt64, _ bytes: UnsafeRawBufferPointer) {
    self = Self.isZero(bytes) ? .zero : Digest(of: bytes, seed: page)
  }

  /// Whether all bytes are zero, looked at 64 at a time.
  private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    for offset in stride(from: 0, to: bytes.count, by: 64) {
      if start.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self) != .zero { return false }
    }
    return true
  }
}
