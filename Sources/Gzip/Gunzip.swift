// The gzip container, as the IC accepts it for canister modules: one member, as long as its trailer says, and bounded.
// Used by the one place that reads modules from files; zlib does the inflating.

import CZlib

/// Why gzip data cannot be unpacked.
public enum GzipError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Header and trailer do not fit.
  case tooShort(bytes: Int)
  /// The trailer claims more bytes than are accepted.
  case tooLarge(bytes: Int, limit: Int)
  /// The trailer claims another length than the data has; `unpacked` stops one byte past the claim.
  case wrongLength(claimed: Int, unpacked: Int)
  /// The data ends before the compressed stream does.
  case truncated
  /// zlib refuses the stream: its words, and the offset that it has read up to.
  case malformed(reason: String, offset: Int)

  public var description: String {
    switch self {
    case .tooShort(let bytes): "gzip stream is too short: \(bytes) bytes"
    case .tooLarge(let bytes, let limit):
      "the gzip trailer claims \(bytes) bytes, allowed are \(limit); the file may be cut off"
    case .wrongLength(let claimed, let unpacked) where unpacked > claimed:
      "gzip trailer claims \(claimed) bytes, the stream holds more"
    case .wrongLength(let claimed, let unpacked): "gzip trailer claims \(claimed) bytes, the stream holds \(unpacked)"
    case .truncated: "gzip stream ends early"
    case .malformed(let reason, let offset): "gzip: \(reason) at offset 0x\(String(offset, radix: 16))"
    }
  }
}

/// Whether the bytes begin as gzip data compressed by deflate does.
public func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B, 0x08]) }

/// Unpacks gzip data.
///
/// The last four bytes of `bytes` are taken for the length of the result, as the IC does; nothing is unpacked beyond it,
/// and no more memory is asked for than deflate could fill from this many bytes. What follows the first member is not
/// unpacked. Source: dfinity/ic `wasm_utils/decoding.rs`; RFC 1952 section 2.3.1 for the trailer.
/// - Parameter limit: the largest result in bytes.
public func gunzip(_ bytes: [UInt8], limit: Int) throws(GzipError) -> [UInt8] {
  guard bytes.count >= 16, bytes.count <= Int(UInt32.max) else { throw .tooShort(bytes: bytes.count) }
  let claimed = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
  guard claimed <= limit else { throw .tooLarge(bytes: claimed, limit: limit) }
  // Deflate makes at most 1,032 bytes of one. One byte of room more than claimed shows a stream that holds more.
  let capacity = min(claimed + 1, bytes.count * 1_032)
  var failure: GzipError?
  let result = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
    bytes.withUnsafeBufferPointer { input in
      do throws(GzipError) {
        count = try inflateMember(input, into: output)
      } catch {
        failure = error
      }
    }
  }
  if let failure { throw failure }
  guard result.count == claimed else { throw .wrongLength(claimed: claimed, unpacked: result.count) }
  return result
}

/// Inflates the first member into `output` and checks its checksum, as far as there is room.
/// - Returns: the bytes written.
private func inflateMember(
  _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
) throws(GzipError) -> Int {
  var stream = z_stream()
  stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
  stream.avail_in = UInt32(input.count)
  stream.next_out = output.baseAddress
  stream.avail_out = UInt32(output.count)
  // 15 is the largest window; 16 asks for the gzip container alone.
  guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw .malformed(reason: "zlib cannot be started", offset: 0)
  }
  defer { inflateEnd(&stream) }
  let status = inflate(&stream, Z_FINISH)
  let written = output.count - Int(stream.avail_out)
  switch status {
  case Z_STREAM_END: return written
  case Z_BUF_ERROR, Z_OK:
    if stream.avail_out == 0 { return written }
    throw .truncated
  default:
    let reason = stream.msg.map { String(cString: $0) } ?? "error \(status)"
    throw .malformed(reason: reason, offset: input.count - Int(stream.avail_in))
  }
}
