// Why a message does not run at all, in words that both lanes use, because the words are part of the observation.

import Canister

/// The reason for which nothing runs.
public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// Install on a canister that has a module.
  case notEmpty
  /// Anything but install and reinstall on a canister without module.
  case empty
  /// The module exports no such method. The entry point is `.update` or `.query`.
  case noMethod(EntryPoint, name: String)
  /// The module imports a stable read or write function and has no heap (D14 of ic-semantics section 5).
  case noHeap
  /// The module imports what the System API does not offer, or with another type.
  case unknownImport(module: String, name: String)

  public var description: String {
    switch self {
    case .notEmpty: "the canister is not empty"
    case .empty: "the canister is empty"
    case .noMethod(let entryPoint, let name):
      "the module exports no \(entryPoint == .update ? "update" : "query") method '\(name)'"
    case .noHeap: "the module imports a stable read or write function, but has no memory"
    case .unknownImport(let module, let name): "no import '\(module)' '\(name)' of this type"
    }
  }
}

extension Outcome {
  /// The outcome of a message that does not run.
  public init(_ refusal: Refusal) { self = .refused(refusal.description) }
}
