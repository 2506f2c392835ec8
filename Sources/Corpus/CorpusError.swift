// What can be wrong with a corpus: bytes that are no envelope, records that do not parse, a file system that refuses.
// Thrown by everything in this target; the command line tells the two kinds apart by exit code.

/// An error of the corpus.
public enum CorpusError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Data that does not have its format. `offset` counts bytes from the start of the file; nil where the format has
  /// no use for it, as in JSON.
  case malformed(reason: String, offset: Int?)
  /// The file system refused; `reason` is its error text.
  case io(operation: String, path: String, reason: String)
  /// `malformed` about the contents of a file.
  indirect case inFile(path: String, CorpusError)

  public var description: String {
    switch self {
    case .malformed(let reason, let offset?): "\(reason) at offset 0x\(String(offset, radix: 16))"
    case .malformed(let reason, nil): reason
    case .io(let operation, let path, let reason): "cannot \(operation) \(path): \(reason)"
    case .inFile(let path, let error): "\(path): \(error)"
    }
  }

  /// Whether the file system, not the data, is at fault.
  public var isInputOutput: Bool {
    switch self {
    case .malformed: false
    case .io: true
    case .inFile(_, let error): error.isInputOutput
    }
  }
}
