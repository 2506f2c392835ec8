// Modules from files, in whichever form they are stored: binary, compressed by gzip, or text where the name ends in
// `.wat`. The one place through which every command reads a module, so that what takes one form takes the others.

import Canister
import Gzip
import Wasm

/// The contents of a file that should be a module or a corpus entry.
public struct ModuleFile: Sendable {
  /// How the names of files end that hold a module in the binary format, compressed or not.
  static let binarySuffixes = [".wasm", ".wasm.gz"]
  private static let textSuffix = ".wat"

  public let path: String
  /// The file, unpacked as the IC does it if it is compressed.
  public let contents: [UInt8]
  /// Whether the contents are text.
  public let isText: Bool

  /// - Parameter isText: whether the contents are text; by default the name tells.
  /// - Throws: `CorpusError.io`, or what is wrong with the compressed file. The module itself is not judged.
  public init(reading path: String, isText: Bool? = nil) throws(CorpusError) {
    self.path = path
    self.isText = isText ?? path.hasSuffix(Self.textSuffix)
    let bytes = try readFile(path)
    guard isGzip(bytes) else {
      contents = bytes
      return
    }
    do throws(GzipError) {
      contents = try gunzip(bytes, limit: CanisterLimits.module)
    } catch {
      throw .inFile(path: path, .malformed(reason: "\(error)", offset: nil))
    }
  }

  /// Whether a file in a directory is a case: a binary, or a text that is not that of a binary beside it.
  static func isCase(_ name: String, in names: [String]) -> Bool {
    if binarySuffixes.contains(where: name.hasSuffix) { return true }
    guard name.hasSuffix(textSuffix) else { return false }
    let stem = name.dropLast(textSuffix.count)
    return !binarySuffixes.contains { names.contains(stem + $0) }
  }

  /// The module, decoded or parsed but not validated.
  /// - Throws: what is wrong with it, with the path and the place in the file.
  public func module() throws(CorpusError) -> Module {
    if isText {
      do throws(TextError) {
        return try parseText(contents)
      } catch {
        throw .inFile(path: path, .text(error))
      }
    }
    do throws(WasmError) {
      return try decode(contents)
    } catch {
      throw failure(error)
    }
  }

  /// The module, validated.
  public func validModule() throws(CorpusError) -> Module {
    do throws(WasmError) {
      if !isText { return try decodeAndValidate(contents) }
    } catch {
      throw failure(error)
    }
    let module = try module()
    do throws(WasmError) {
      try validate(module)
    } catch {
      throw failure(error)
    }
    return module
  }

  /// The module in the binary format: the contents as they are, or the encoded text.
  public func binary() throws(CorpusError) -> [UInt8] { isText ? encode(try module()) : contents }

  // MARK: Errors

  /// An error about the module, with the path and the place in the file.
  public func failure(_ error: WasmError) -> CorpusError {
    if isText { return failure(error.reason, error.location) }
    return .inFile(path: path, .module(locate(error, in: contents)))
  }

  /// An error about the rules for canister modules, with the path and the place in the file.
  public func failure(_ error: CanisterValidationError) -> CorpusError {
    if isText { return failure(error.reason, error.location) }
    return .inFile(
      path: path,
      .malformed(reason: "\(error.reason) (\(error.location))", offset: error.located(in: contents).offset))
  }

  private func failure(_ reason: String, _ location: WasmError.Location?) -> CorpusError {
    .inFile(path: path, .text(locate(reason, at: location, inText: contents)))
  }
}
