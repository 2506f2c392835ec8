// The machine: value stack, call stack, and calls into an instance. Its loop is in `Machine+Run.swift`.

import Canister
import Glibc
import Wasm

/// Is told about calls of traced functions.
public protocol CallTracer: AnyObject {
  /// A traced function has been entered; `slots` hold its arguments.
  func enter(_ function: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>)
  /// A traced function is about to return; `slots` hold its results.
  func leave(_ function: FunctionIndex, _ slots: UnsafeMutablePointer<UInt64>)
}

/// A caller's state while its callee runs.
struct Frame {
  var code: UnsafePointer<UInt64>
  var registers: UnsafeMutablePointer<UInt64>
  var context: UnsafeMutablePointer<InstanceContext>
  var depth: Int
}

/// What the loop needs now and then. In memory, so that the machine's registers are left for what it needs always.
struct LoopState {
  /// The function that was called last.
  var entry: UnsafeMutablePointer<FunctionEntry>
  /// The next caller's frame.
  var frame: UnsafeMutablePointer<Frame>
  /// Calls within calls.
  var depth = 0
  /// The running function's instance, and its memory 0.
  private(set) var context: UnsafeMutablePointer<InstanceContext>
  private(set) var memory: MemoryView
  /// `Machine.counter` while the loop runs.
  var counter: Int64
  /// What a store refused to write.
  var unsavedAddress: UInt64 = 0
  var unsavedSize: UInt64 = 0

  /// Before a function runs whose caller is not of Wasm.
  init(_ function: UnsafeMutablePointer<FunctionEntry>, frame: UnsafeMutablePointer<Frame>, counter: Int64) {
    entry = function
    self.frame = frame
    context = function.pointee.context
    memory = MemoryView(context.pointee.memory)
    self.counter = counter
  }

  /// Makes an instance the running one.
  @inline(__always) mutating func enter(_ other: UnsafeMutablePointer<InstanceContext>) {
    if other == context { return }
    context = other
    refreshMemory()
  }

  /// After memory 0 may have grown.
  @inline(__always) mutating func refreshMemory() { memory = MemoryView(context.pointee.memory) }

  /// Saves the pages that the last refused store would have written.
  @inline(never) mutating func savePages() {
    context.pointee.memory.pointee.owner?.takeUnretainedValue().touch(unsavedAddress, unsavedSize)
    unsavedSize = 0
  }
}

/// An interpreter for register bytecode. Used by one thread at a time.
public final class Machine {
  /// The instruction counter of code translated with counting: exact whenever an imported function runs and after
  /// `invoke` has returned or thrown.
  public var counter: Int64 = .max
  /// Asked when the counter is below zero: what to add to it so that the code goes on, or nil to end it.
  var onExhaustion: (() -> Int64?)?
  /// Held strongly; whoever sets it takes it away again.
  public var tracer: (any CallTracer)?

  /// Where steps are counted, a bulk instruction makes one for each 64 bytes (or table elements), which take about as
  /// long as an iteration; the binary logarithm.
  static let bytesPerStepShift = 6

  /// Calls within calls, injected functions not counted; one more is a trap. Fixed, so that it does not depend on the
  /// build or on the frame sizes that a translation happens to need: only calls whose frames have more than some 3,300
  /// registers each end earlier, in the same trap.
  public static let maximumCallDepth = 10_000
  /// Frames of all kinds; injected functions nest only a few levels.
  private static let maximumFrames = maximumCallDepth + 64
  /// Registers of all frames together, 8 bytes each. Address space; memory is what the frames touch.
  private static let stackCapacity = 32 << 20

  let stack: UnsafeMutablePointer<UInt64>
  let stackEnd: UnsafeMutablePointer<UInt64>
  let frames: UnsafeMutablePointer<Frame>
  let framesEnd: UnsafeMutablePointer<Frame>
  let loop = UnsafeMutablePointer<LoopState>.allocate(capacity: 1)
  private let stackByteCount = stackCapacity * MemoryLayout<UInt64>.stride
  /// Whether the stack is a reservation of its own, or the small stand-in for a process that has no room for it.
  private let isMapped: Bool
  private static let smallStackCapacity = 16 << 10

  public init() {
    let address = mmap(
      nil, stackByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if let address, address != MAP_FAILED {
      isMapped = true
      stack = address.bindMemory(to: UInt64.self, capacity: Self.stackCapacity)
      stackEnd = stack + Self.stackCapacity
    } else {
      // Deep calls then end as an exhausted stack, which is poisoned and no verdict.
      isMapped = false
      stack = .allocate(capacity: Self.smallStackCapacity)
      stackEnd = stack + Self.smallStackCapacity
    }
    frames = .allocate(capacity: Self.maximumFrames)
    framesEnd = frames + Self.maximumFrames
  }

  deinit {
    if isMapped { munmap(stack, stackByteCount) } else { stack.deallocate() }
    frames.deallocate()
    loop.deallocate()
  }

  /// Calls a function.
  ///
  /// - Parameter arguments: register bits, one per parameter of the function's type, two for a vector (low half first).
  /// - Returns: the bits of the results, in the same form.
  /// - Throws: the trap that ended the call; state changed until then stays changed.
  @discardableResult public func invoke(
    _ function: FunctionIndex, of instance: Instance, arguments: [UInt64] = []
  ) throws(Trap) -> [UInt64] {
    for (position, argument) in arguments.enumerated() { stack[position] = argument }
    try run(instance.entry(function))
    let count = instance.type(of: function).results.slotCount
    return count == 0 ? [] : (0..<count).map { stack[$0] }
  }

  // MARK: Called from the loop, out of line

  /// Serves a call of an imported host function.
  @inline(never) func callHost(
    _ entry: UnsafeMutablePointer<FunctionEntry>, _ slots: UnsafeMutablePointer<UInt64>
  ) throws(Trap) {
    let instance = entry.pointee.context.pointee.instance.takeUnretainedValue()
    guard case .host(let handler, let number) = instance.imports[Int(entry.pointee.position)] else { return }
    try handler.call(number, slots, self)
  }

  /// What a counter below zero becomes.
  ///
  /// - Throws: `Trap.outOfInstructions` where it stays below.
  @inline(never) func refilled(_ counter: Int64) throws(Trap) -> Int64 {
    let (sum, overflow) = counter.addingReportingOverflow(onExhaustion?() ?? 0)
    if overflow || sum < 0 { throw .outOfInstructions }
    return sum
  }

  /// Takes from the counter the steps of moving bytes, for an imported function in place of a bulk instruction.
  func spend(bytes: UInt64) throws(Trap) {
    counter &-= Int64(bytes >> UInt64(Self.bytesPerStepShift))
    if counter < 0 { counter = try refilled(counter) }
  }

  /// Translates a function that is called for the first time.
  @inline(never) func prepare(_ entry: UnsafeMutablePointer<FunctionEntry>) throws(Trap) {
    try entry.pointee.context.pointee.instance.takeUnretainedValue().prepare(entry)
  }

  /// Looks up and checks the callee of an indirect call.
  @inline(never) func callee(
    _ context: UnsafeMutablePointer<InstanceContext>, _ index: UInt64, _ operand: UInt64
  ) throws(Trap) -> UnsafeMutablePointer<FunctionEntry> {
    let instance = context.pointee.instance.takeUnretainedValue()
    let table = instance.tables[Int(operand >> 32)]
    let type = Int(operand & 0xFFFF_FFFF)
    guard index < table.count else { throw .tableOutOfBounds }
    guard let entry = UnsafeMutablePointer<FunctionEntry>(bitPattern: UInt(table.elements[Int(index)])) else {
      throw .uninitializedElement
    }
    if entry.pointee.context == context {
      guard entry.pointee.type == instance.compiled.canonicalTypes[type] else { throw .indirectCallTypeMismatch }
    } else {
      let other = entry.pointee.context.pointee.instance.takeUnretainedValue()
      guard other.compiled.module.types[Int(entry.pointee.type)] == instance.compiled.module.types[type] else {
        throw .indirectCallTypeMismatch
      }
    }
    return entry
  }
}
