// What the host lane tells about its stable calls to whoever measures which situations a case reaches. Called by
// `HostStableFunctions`; implemented by `Coverage`, so that the lane knows no classes.

import Canister

/// What OS pages can be in before a call. Each page of a range is in exactly one of these states.
public struct PageStates: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Zeros that nobody has touched.
  public static let untouched = PageStates(rawValue: 1)
  /// Holds data of an earlier message; not touched in this execution.
  public static let committed = PageStates(rawValue: 2)
  /// Part of memory that this message has grown; not touched in this execution.
  public static let grown = PageStates(rawValue: 4)
  /// The latest write to it was taken back; not touched in this execution.
  public static let rolledBack = PageStates(rawValue: 8)
  /// Written by an earlier execution of this message; not touched in this one.
  public static let handedOver = PageStates(rawValue: 16)
  /// Read and not written in this execution.
  public static let accessed = PageStates(rawValue: 32)
  /// Written in this execution.
  public static let dirty = PageStates(rawValue: 64)
}

/// One call of a stable function, with what it met.
public struct ObservedCall {
  public var function: SystemFunction
  /// In the order of the function's parameters, zero-extended; 0 where there are fewer.
  public var arguments: (UInt64, UInt64, UInt64)
  /// Wasm pages before the call.
  public var size: UInt64
  /// Largest size in Wasm pages.
  public var capacity: UInt64
  /// States of the pages of a range that is in bounds and not empty; of the first 16 MiB of longer ones. Else empty.
  public var pages: PageStates = []
  /// Pages of that range which the call would newly write and access; 0 for other calls.
  public var unwritten: UInt64 = 0
  public var unaccessed: UInt64 = 0
  /// What the execution may still newly write and access before the call.
  public var dirtyBudget: UInt64
  public var accessedBudget: UInt64
  /// Bytes of the heap, and the largest address that the 64-bit functions let pass; 0 without a heap.
  public var heapSize: UInt64
  public var largestHeapAddress: UInt64
  /// The instruction counter on return or trap.
  public var counterAfter: Int64 = 0
  /// What the function returned; meaningless for functions without result and after a trap.
  public var result: UInt64 = 0
  /// How the call failed; nil where it returned.
  public var trap: Trap?
}

extension ObservedCall {
  /// Offset and length of the range in stable memory; nil for functions that move no bytes.
  public var range: (offset: UInt64, length: UInt64)? {
    switch function {
    case .stableRead, .stable64Read: (arguments.1, arguments.2)
    case .stableWrite, .stable64Write: (arguments.0, arguments.2)
    default: nil
    }
  }

  /// Address of the range in the heap; nil for functions that move no bytes.
  public var heapAddress: UInt64? {
    switch function {
    case .stableRead, .stable64Read: arguments.0
    case .stableWrite, .stable64Write: arguments.1
    default: nil
    }
  }
}

/// Is told what happens in a host lane.
public protocol StableCallObserver: AnyObject {
  func beginMessage(_ message: Message)
  /// - Parameter is64BitHeap: nil for a module without heap.
  func beginExecution(_ entryPoint: EntryPoint, is64BitHeap: Bool?)
  func observe(_ call: ObservedCall)
  /// A message that executed something has ended.
  func endMessage(keepsChanges: Bool)
}
