// The imported functions of a canister in the host lane: hands `ic0` calls to the stable functions or to the shared System
// API, and charges them on the interpreter's counter. Called by the interpreter, set up by `HostLane`.

import Canister

/// Serves all imports of the host lane. Holds no instance, so that lane and instances are no cycle of references.
final class HostImports: ImportHandler, SystemHost {
  let machine: Machine
  let stable: HostStableFunctions
  /// Serves the stable functions: `stable`, or something around it.
  private let server: any StableFunctionServer
  let system = SystemCalls()
  private let instructionLimit: Int64
  private var is64BitHeap = false
  /// The heap of the running instance.
  private(set) var heap: LinearMemory?

  init(
    machine: Machine, stable: HostStableFunctions, instructionLimit: Int64,
    around: ((HostStableFunctions) -> any StableFunctionServer)? = nil
  ) {
    self.machine = machine
    self.stable = stable
    server = around?(stable) ?? stable
    self.instructionLimit = instructionLimit
  }

  /// Begins a message with its full budget of instructions.
  func beginMessage(_ message: Message) {
    machine.counter = instructionLimit
    system.beginMessage(message)
    stable.beginMessage(message)
  }

  /// Begins an execution.
  func begin(_ entryPoint: EntryPoint, heap: LinearMemory?, is64BitHeap: Bool) {
    self.heap = heap
    self.is64BitHeap = is64BitHeap
    system.begin(entryPoint)
    stable.begin(entryPoint, heap: heap, is64BitHeap: is64BitHeap)
  }

  /// Ends a message.
  func finishMessage(keepsChanges: Bool) {
    system.finishMessage(keepsChanges: keepsChanges)
    stable.endMessage(keepsChanges: keepsChanges)
    heap = nil
  }

  /// - Parameter function: raw value of the `SystemFunction`.
  func call(_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) {
    guard let function = SystemFunction(rawValue: UInt8(truncatingIfNeeded: function)) else { return }
    if function.isStable {
      try server.call(function, slots, counter: &machine.counter)
    } else {
      try system.call(function, slots, is64BitHeap: is64BitHeap, host: self)
    }
  }

  func charge(_ amount: UInt64) throws(Trap) {
    let (rest, overflow) = machine.counter.subtractingReportingOverflow(Int64(clamping: amount))
    machine.counter = overflow ? .min : rest
    if machine.counter < 0 { throw .canister(.instructionLimitExceeded(limit: instructionLimit)) }
  }

  var instructionsUsed: Int64 { instructionLimit &- machine.counter }
}
