// The names and numbers on which an instrumented module and its host agree (ic-semantics section 11).

import Wasm

/// The functions that an instrumented module imports from module `__`, in import order.
public enum InstrumentationImport: String, CaseIterable, Sendable {
  case outOfInstructions = "out_of_instructions"
  case tryGrowWasmMemory = "try_grow_wasm_memory"
  case tryGrowStableMemory = "try_grow_stable_memory"
  case internalTrap = "internal_trap"
  case stableReadFirstAccess = "stable_read_first_access"

  /// The module name of these imports.
  public static let module = "__"

  public func type(is64BitHeap: Bool) -> FunctionType {
    let word: ValueType = is64BitHeap ? .i64 : .i32
    return switch self {
    case .outOfInstructions: FunctionType()
    case .tryGrowWasmMemory: FunctionType([word, word], [word])
    case .tryGrowStableMemory: FunctionType([.i64, .i64, .i32], [.i64])
    case .internalTrap: FunctionType([.i32])
    case .stableReadFirstAccess: FunctionType([.i64, .i64, .i64])
    }
  }
}

/// Names that the instrumenter exports; a canister module may not use them itself.
public enum InstrumentationExport {
  public static let stableMemory = "stable_memory"
  public static let bytemap = "stable_bytemap_memory"
  public static let instructionCounter = "canister counter_instructions"
  public static let dirtyPageCounter = "canister counter_dirty_pages"
  public static let accessedPageCounter = "canister counter_accessed_pages"
  public static let start = "canister_start"
  /// Followed by the global's index; the original mutable globals that have no export of their own.
  public static let persistentGlobalPrefix = "__persistent_mutable_global_"
}

/// The argument of `internal_trap`. Source: ic-semantics section 1, `InternalErrorCode`.
public enum InternalErrorCode: Int32, Sendable {
  case unknown = 0
  case heapOutOfBounds = 1
  case stableMemoryOutOfBounds = 2
  case stableMemoryTooBigFor32Bit = 3
  case memoryWriteLimitExceeded = 4
  case memoryAccessLimitExceeded = 5
  case stableGrowFailed = 6
}

/// The last argument of `try_grow_stable_memory`. Source: ic-semantics section 1.
public enum StableMemoryAPI: Int32, Sendable {
  case stable64 = 0
  case stable32 = 1
}
