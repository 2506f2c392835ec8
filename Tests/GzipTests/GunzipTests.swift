// Gzip data as the IC takes it: lengths at and around the limit, trailers that lie, streams that are damaged.

import CZlib
import Gzip
import Testing

/// Packs bytes into one gzip member.
private func gzip(_ bytes: [UInt8], level: Int32 = 9) -> [UInt8] {
  var stream = z_stream()
  deflateInit2_(
    &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 32)
  let count = output.count
  input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(target.count)
      deflate(&stream, Z_FINISH)
    }
  }
  output.removeLast(Int(stream.avail_out))
  precondition(output.count <= count)
  return output
}

private func failure(_ bytes: [UInt8], limit: Int = 1 << 20) -> GzipError? {
  do throws(GzipError) {
    _ = try gunzip(bytes, limit: limit)
    return nil
  } catch {
    return error
  }
}

private func withLength(_ length: UInt32, _ packed: [UInt8]) -> [UInt8] {
  packed.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
}

@Suite struct GunzipTests {
  private let sample = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }

  @Test(arguments: [0, 1, 6, 9])
  func packedBytesComeBack(_ level: Int32) throws {
    for bytes in [[], [7], sample] {
      let packed = gzip(bytes, level: level)
      #expect(isGzip(packed))
      #expect(try gunzip(packed, limit: bytes.count) == bytes)
    }
    #expect(!isGzip([]) && !isGzip([0x1F, 0x8B]) && !isGzip([0x1F, 0x8B, 0x09]))
  }

  @Test func theLimitIsExact() {
    let packed = gzip(sample)
    #expect(failure(packed, limit: 10_000) == nil)
    #expect(failure(packed, limit: 9_999) == .tooLarge(bytes: 10_000, limit: 9_999))
  }

  /// 100 MiB of zeros are 100 KiB of gzip data.
  @Test func aCanisterModuleOfTheLargestSizeIsUnpacked() throws {
    let limit = 100 << 20
    let packed = gzip([UInt8](repeating: 0, count: limit))
    #expect(packed.count < 200_000)
    let bytes = try gunzip(packed, limit: limit)
    #expect(bytes.count == limit)
    let larger = gzip([UInt8](repeating: 0, count: limit + 1))
    #expect(failure(larger, limit: limit) == .tooLarge(bytes: limit + 1, limit: limit))
  }

  @Test func aTrailerThatLiesIsRefused() {
    let packed = gzip(sample)
    #expect(failure(withLength(9_998, packed)) == .wrongLength(claimed: 9_998, unpacked: 9_999))
    #expect(failure(withLength(0, packed)) == .wrongLength(claimed: 0, unpacked: 1))
    // With as much room as the stream fills, zlib reaches the trailer itself.
    for length: UInt32 in [9_999, 10_001] {
      #expect(failure(withLength(length, packed))?.description.contains("incorrect length check") == true)
    }
    #expect(failure(withLength(.max, packed)) == .tooLarge(bytes: Int(UInt32.max), limit: 1 << 20))
    // A bomb: a large stream that claims to be small takes no more than its claim.
    let bomb = withLength(10, gzip([UInt8](repeating: 0, count: 50 << 20)))
    #expect(failure(bomb) == .wrongLength(claimed: 10, unpacked: 11))
  }

  @Test func everyTruncationAndDamageIsRefusedOrHarmless() {
    let original = Array(sample.prefix(500))
    let packed = gzip(original)
    for length in 0..<packed.count { #expect(failure(Array(packed[..<length]), limit: 100 << 20) != nil) }
    for position in packed.indices {
      for bit in 0..<8 {
        var damaged = packed
        damaged[position] ^= 1 << bit
        // Some bits mean nothing: the time in the header, padding. What is accepted has the right checksum.
        if let bytes = try? gunzip(damaged, limit: 100 << 20) { #expect(bytes == original) }
      }
    }
  }

  @Test func whatFollowsTheFirstMemberIsNotUnpacked() throws {
    let packed = gzip(sample)
    #expect(failure(packed + gzip([1, 2, 3])) == .wrongLength(claimed: 3, unpacked: 4))
    // The last four bytes decide, wherever they stand.
    #expect(try gunzip(packed + [1, 2, 3] + packed.suffix(4), limit: 10_000) == sample)
  }
}
