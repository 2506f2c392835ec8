// What can be wrong with a corpus: bytes that are no envelope, records that do not parse, a file system that refuses.
// Thrown by everything in this target; the command line tells the two kinds apart by exit code.

import Wasm

/// An error of the corpus.
public enum CorpusError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Data that does not have its format. `offset` counts bytes from the start of the file; nil where the format has
  /// no use for it, as in JSON.
  case malformed(reason: String, offset: Int?)
  /// A module that is malformed or not valid, with its offset.
  case module(WasmError)
  /// A module as text that is malformed or not valid, with line and column.
  case text(TextError)
  /// The file system refused; `reason` is its error text.
  case io(operation: String, path: String, reason: String)
  /// `malformed` about the contents of a file.
  indirect case inFile(path: String, CorpusError)

  public var description: String {
    switch self {
    case .malformed(let reason, let offset?): "\(reason) at offset 0x\(String(offset, radix: 16))"
    case .malformed(let reason, nil): reason
    case .module(let error): "\(error)"
    case .text(let error): error.marked
    case .io(let operation, let path, let reason): "cannot \(operation) \(path): \(reason)"
    // Line and column follow the path as compilers write it.
    case .inFile(let path, .text(let error)): "\(path):\(error.marked)"
    case .inFile(let path, let error): "\(path): \(error)"
    }
  }

  /// Position of the error in its file, in bytes, where it has one.
  public var offset: Int? {
    switch self {
    case .malformed(_, let offset): offset
    case .module(let error): error.offset
    case .text(let error): error.offset
    case .io: nil
    case .inFile(_, let error): error.offset
    }
  }

  /// Whether the file system, not the data, is at fault.
  public var isInputOutput: Bool {
    switch self {
    case .malformed, .module, .text: false
    case .io: true
    case .inFile(_, let error): error.isInputOutput
    }
  }
}
