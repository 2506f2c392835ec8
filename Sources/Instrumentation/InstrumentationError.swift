// Why a module cannot be instrumented. Thrown by `instrument` and `InstrumentedLayout`, shown by the command line and
// turned into "install refused" by the lanes.

import Canister
import Wasm

/// A module for which no instrumented form exists.
public enum InstrumentationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A stable read or write is imported, but there is no heap to copy from or to (ic-semantics section 4, D14).
  case stableAccessWithoutHeap(SystemFunction)
  /// A stable function is imported with another signature than the System API's for this heap width.
  case wrongSignature(SystemFunction)
  /// The heap starts larger than it may become; both in Wasm pages.
  case heapExceedsLimit(minimum: UInt64, limit: UInt64)
  /// The bytemap of this many Wasm pages of stable memory cannot be addressed with 32 bits.
  case stableCapacityTooLarge(pages: UInt64)
  /// The module does not fit the memory placement.
  case unfit(CanisterValidationError)
  /// The module exports a name that the instrumented module needs.
  case reservedExport(String)

  public var description: String {
    switch self {
    case .stableAccessWithoutHeap(let function):
      "the module imports \(function.name) but has no memory"
    case .wrongSignature(let function):
      "the module imports \(function.name) with a signature that the System API does not have"
    case .heapExceedsLimit(let minimum, let limit):
      "the memory starts with \(minimum) pages, more than the limit of \(limit)"
    case .stableCapacityTooLarge(let pages):
      "a stable memory of \(pages) pages needs a bytemap of more than 4 GiB"
    case .unfit(let error): error.description
    case .reservedExport(let name):
      "the export name '\(name)' is reserved"
    }
  }
}
