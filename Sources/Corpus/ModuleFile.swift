// Modules from files, in whichever form they are stored: the one place through which every command reads a module.
// Comes before `decode`, `decodeAndValidate` and `decodeEnvelope`, which take the binary format.

import Canister
import Gzip

/// Reads a module or a corpus entry from a file.
///
/// - Returns: the binary format; a file compressed by gzip is unpacked, as the IC does.
/// - Throws: `CorpusError.io`, or what is wrong with the container, with the path. The module itself is not judged.
public func readModule(_ path: String) throws(CorpusError) -> [UInt8] {
  let bytes = try readFile(path)
  do throws(CorpusError) {
    return try binaryModule(bytes)
  } catch {
    throw .inFile(path: path, error)
  }
}

/// The binary format of a module that is stored in one of the accepted forms.
public func binaryModule(_ bytes: [UInt8]) throws(CorpusError) -> [UInt8] {
  guard isGzip(bytes) else { return bytes }
  do throws(GzipError) {
    return try gunzip(bytes, limit: CanisterLimits.module)
  } catch {
    throw .malformed(reason: "\(error)", offset: nil)
  }
}
