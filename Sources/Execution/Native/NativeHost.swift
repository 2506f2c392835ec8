// The host side of instrumented modules: the five functions of `__`, and the System API through the shared
// implementation. Called by the interpreter, set up by `NativeLane`.

import Canister
import ContentHash
import Glibc
import Wasm

/// Serves the imports of one native lane.
final class NativeHost: ImportHandler, SystemHost, CallTracer {
  let system = SystemCalls()
  private let parameters: Parameters
  /// The running instance; set for the time of an execution.
  private var instance: Instance?
  private var module: NativeModule?
  private(set) var heap: LinearMemory?
  /// Wasm pages that the running execution has reported to `try_grow_wasm_memory` as added.
  private(set) var reportedHeapGrowth: UInt64 = 0
  var recorder: StableCallRecorder?
  /// A traced call that has not returned.
  private var openCall: StableCall?

  init(parameters: Parameters) { self.parameters = parameters }

  /// Connects an instance for an execution.
  func begin(_ entryPoint: EntryPoint, _ instance: Instance, _ module: NativeModule) {
    self.instance = instance
    self.module = module
    heap = module.ownMemories.first.map { instance.memories[$0] }
    reportedHeapGrowth = 0
    system.begin(entryPoint)
  }

  /// Disconnects the instance.
  func end() {
    instance = nil
    module = nil
    heap = nil
  }

  // MARK: Counting

  /// The remaining instructions of the running instance.
  private var counter: Int64 {
    get {
      guard let instance, let module else { return 0 }
      return Int64(bitPattern: instance.globals[module.instructionCounter].bits)
    }
    set {
      guard let instance, let module else { return }
      instance.globals[module.instructionCounter].bits = UInt64(bitPattern: newValue)
    }
  }

  private var outOfInstructions: Trap {
    .canister(.instructionLimitExceeded(limit: parameters.instructionLimit))
  }

  func charge(_ amount: UInt64) throws(Trap) {
    // Saturating: a fee beyond what a counter can hold leaves it at the minimum.
    let (rest, underflow) = counter.subtractingReportingOverflow(Int64(clamping: amount))
    counter = underflow ? .min : rest
    if counter < 0 { throw outOfInstructions }
  }

  var instructionsUsed: Int64 { parameters.instructionLimit &- counter }

  // MARK: Imports

  func call(_ number: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) {
    guard let instance, let module, let function = NativeImport(number: number) else { return }
    switch function {
    case .system(let function):
      if function.isStable {
        // Left over from the original; a correct instrumenter has redirected every use.
        throw .canister(.contractViolation("ic0.\(function.name): called although the module is instrumented"))
      }
      try system.call(function, slots, is64BitHeap: module.is64BitHeap, host: self)
    case .instrumentation(.outOfInstructions): throw outOfInstructions
    case .instrumentation(.internalTrap): throw .canister(error(code: Int32(truncatingIfNeeded: slots[0])))
    case .instrumentation(.tryGrowWasmMemory):
      // The result of memory.grow stands: there is no limit besides the memory's own maximum.
      let failure: UInt64 = module.is64BitHeap ? .max : 0xFFFF_FFFF
      if slots[0] != failure { reportedHeapGrowth &+= slots[1] }
    case .instrumentation(.tryGrowStableMemory):
      slots[0] = try growStable(from: slots[0], by: slots[1], api: Int32(truncatingIfNeeded: slots[2]))
    case .instrumentation(.stableReadFirstAccess):
      // Bytes moved count as steps, here as in the interpreter.
      try machine.spend(bytes: slots[2])
      try readFirstAccess(
        instance.memories[module.stableMemory], to: slots[0], from: slots[1], count: slots[2])
    }
  }

  private func error(code: Int32) -> CanisterError {
    switch InternalErrorCode(rawValue: code) {
    case .heapOutOfBounds: .heapOutOfBounds
    case .stableMemoryOutOfBounds: .stableMemoryOutOfBounds
    case .stableMemoryTooBigFor32Bit: .stableMemoryTooBigFor32Bit
    case .memoryWriteLimitExceeded: .dirtyPageLimitExceeded(parameters.dirtyPageLimits)
    case .memoryAccessLimitExceeded: .accessedPageLimitExceeded(parameters.accessedPageLimits)
    case .stableGrowFailed: .stableGrowFailed
    case .unknown, nil: .internalError(code: code)
    }
  }

  /// `try_grow_stable_memory`: whether stable memory may grow. Source: ic-semantics section 3, `try_grow`.
  ///
  /// - Returns: the present size, or -1.
  private func growStable(from size: UInt64, by pages: UInt64, api: Int32) throws(Trap) -> UInt64 {
    try charge(UInt64(parameters.metering.growCharge))
    guard let api = StableMemoryAPI(rawValue: api) else { throw .canister(.unknownTrap) }
    let (sum, overflow) = size.addingReportingOverflow(pages)
    let newSize = overflow ? .max : sum
    if api == .stable32 {
      if size > Sizes.stable32Ceiling { throw .canister(.stableMemoryTooBigFor32Bit) }
      if newSize > Sizes.stable32Ceiling { return .max }
    }
    return newSize > parameters.stableCapacity ? .max : size
  }

  /// `stable_read_first_access`: reads what was persisted before this execution. Source: ic-semantics section 4, step 9.
  private func readFirstAccess(
    _ stable: LinearMemory, to address: UInt64, from offset: UInt64, count: UInt64
  ) throws(Trap) {
    guard let heap else { throw .memoryOutOfBounds }
    guard count > 0 else { return }
    try heap.check(address, count)
    var position: UInt64 = 0
    while position < count {
      let (source, overflow) = offset.addingReportingOverflow(position)
      let inPage = source % Sizes.osPage
      let length = min(Sizes.osPage - inPage, count - position)
      if !overflow, source < stable.committedSize, let page = stable.committedBytes(ofPage: source / Sizes.osPage) {
        try heap.writableBytes(at: address + position, count: length)
          .copyMemory(from: UnsafeRawBufferPointer(start: page + Int(inPage), count: Int(length)))
      } else {
        try heap.clear(at: address + position, count: length)
      }
      position += length
    }
  }

  // MARK: Tracing

  private var stableSize: UInt64 {
    guard let instance, let module else { return 0 }
    return instance.memories[module.stableMemory].pageCount
  }

  private func traced(_ index: FunctionIndex) -> NativeModule.TracedFunction? {
    guard let module, index >= module.firstTracedFunction else { return nil }
    let position = index.position - module.firstTracedFunction.position
    return position < module.tracedFunctions.count ? module.tracedFunctions[position] : nil
  }

  func enter(_ index: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>) {
    guard let traced = traced(index) else { return }
    openCall = StableCall(
      function: traced.function, arguments: Array(UnsafeBufferPointer(start: slots, count: traced.parameterCount)),
      result: nil, counterBefore: counter, counterAfter: counter, stableSize: stableSize, trap: nil)
  }

  func leave(_ index: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>) {
    guard var call = openCall, let traced = traced(index) else { return }
    if traced.hasResult { call.result = slots[0] }
    close(&call)
  }

  /// Records the call in which an execution trapped, if it was one.
  func endCall(_ trap: Trap) {
    guard var call = openCall else { return }
    call.trap = CanisterError(trap, instructionLimit: parameters.instructionLimit)
    close(&call)
  }

  private func close(_ call: inout StableCall) {
    call.counterAfter = counter
    call.stableSize = stableSize
    recorder?.record(call)
    openCall = nil
  }
}
