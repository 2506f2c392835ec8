// What is observed after every message, and the digest by which lanes are compared. Written by the lanes, read by
// `Differential`.

import Canister
import ContentHash

/// How a message ended.
public enum Outcome: Hashable, Sendable {
  case reply([UInt8])
  case reject([UInt8])
  /// Ended without a reply, as heartbeats do; also a task whose entry point the module does not export.
  case noReply
  /// `canister_inspect_message` accepted the message.
  case accepted
  case trap(CanisterError)
  /// Nothing ran: no such method, no module, or the module is not acceptable.
  case refused(String)
  /// The machine that runs stablefuzz has no memory left; says nothing about the canister.
  case hostMemoryExhausted
  /// The code of a native lane made more steps than instrumented code can need: see `NativeLane.stepsPerInstruction`.
  case runaway
}

/// The observables of one message (contract section 6).
public struct Observation: Hashable, Sendable {
  public var outcome: Outcome
  /// limit − counter, capped at the limit.
  public var instructions: Int64 = 0
  /// Wasm pages, after commit or rollback.
  public var stableSize: UInt64 = 0
  /// Order-free sum over the non-zero OS pages of stable memory, after commit or rollback.
  public var stableContents = Digest.zero
  /// OS pages marked as written during the message, ascending, each once; also those of an execution whose changes were
  /// dropped.
  public var dirtyPages: [UInt64] = []
  /// OS pages that the bytemap marks as written and that were not, or the other way round, ascending; of executions that
  /// ended without a trap. Always empty in the host lane, which has no bytemap.
  public var mismarkedPages: [UInt64] = []
  /// limit − remaining budget of newly accessed pages, added up over the executions of the message.
  public var accessedPages: UInt64 = 0
  /// By how many Wasm pages the heap has grown without the module's reporting it to `try_grow_wasm_memory`, or reported
  /// too much, added up over the executions that ended without a trap. Always 0 in the host lane, where growth needs no
  /// report, and for modules with several memories of their own, of which the function is told nothing.
  public var misreportedHeapGrowth: UInt64 = 0
  /// Wasm pages; 0 without a heap.
  public var heapSize: UInt64 = 0
  /// Order-free sum over the non-zero OS pages of the heap.
  public var heapContents = Digest.zero
  /// Bits of the module's mutable globals in index order, two entries for a vector.
  public var globals: [UInt64] = []
  public var debugOutput: [UInt8] = []
  /// Every answer of `ic0.performance_counter` in the message.
  public var performanceCounters: [Int64] = []

  public init(outcome: Outcome) { self.outcome = outcome }

  /// XXH3-128 over all observables.
  public var digest: Digest {
    var stream = DigestStream()
    switch outcome {
    case .reply(let bytes):
      stream.add(0)
      stream.add(bytes)
    case .reject(let bytes):
      stream.add(1)
      stream.add(bytes)
    case .noReply: stream.add(2)
    case .accepted: stream.add(3)
    case .trap(let error):
      stream.add(4)
      stream.add(Array(error.description.utf8))
      if case .calledTrap(let message) = error { stream.add(message) }
    case .refused(let reason):
      stream.add(5)
      stream.add(Array(reason.utf8))
    case .hostMemoryExhausted: stream.add(6)
    case .runaway: stream.add(7)
    }
    stream.add(UInt64(bitPattern: instructions))
    stream.add(stableSize)
    stream.add(stableContents)
    stream.add(UInt64(dirtyPages.count))
    dirtyPages.withUnsafeBytes { stream.add($0) }
    stream.add(UInt64(mismarkedPages.count))
    mismarkedPages.withUnsafeBytes { stream.add($0) }
    stream.add(accessedPages)
    stream.add(heapSize)
    stream.add(heapContents)
    stream.add(UInt64(globals.count))
    globals.withUnsafeBytes { stream.add($0) }
    stream.add(debugOutput)
    stream.add(UInt64(performanceCounters.count))
    performanceCounters.withUnsafeBytes { stream.add($0) }
    // Only where there is something to it: the digests of all others are those that corpora keep.
    if misreportedHeapGrowth > 0 { stream.add(misreportedHeapGrowth) }
    return stream.finish()
  }
}

/// One execution of a case's call plan: a canister that receives one message after the other.
public protocol Lane: AnyObject {
  /// Executes a message and observes what it did. Never fails: whatever goes wrong is an outcome.
  func execute(_ message: Message) -> Observation
}
