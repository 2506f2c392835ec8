// Emits calls of System API functions other than those of stable memory: argument, reply, counters, debug output. A part
// of the statements, and the ends of entry points.

import Canister
import Wasm

extension ModuleGenerator {
  /// Where arguments are copied to; the plan sends no longer ones than `longestArgument`.
  static let argumentAddress: UInt64 = 512
  static let longestArgument = 64

  /// Emits the call of an imported function whose arguments are on the stack.
  mutating func callSystem(_ function: SystemFunction) {
    let raw = Int(function.rawValue)
    if callThroughSlot(function) {
      features.insert(.systemCallThroughTable)
    } else {
      emit(.call, .function(FunctionIndex(Int(systemIndices[raw]))))
    }
    // An indirect call and its operand cost 11.
    spend(11 + tables.charges[raw])
  }

  /// Emits the call of an imported function through the table, at times; false if it does not stand there or is to be
  /// called by its index.
  mutating func callThroughSlot(_ function: SystemFunction) -> Bool {
    let slot = slots.firstIndex {
      if case .system(function) = $0 { true } else { false }
    }
    guard let slot, choices.chance(1, of: 6) else { return false }
    emitI32(UInt32(slot))
    emit(.callIndirect, .indirectCall(typeIndex(signature(function).shape), TableIndex(0)))
    return true
  }

  /// Copies the message's argument to the heap.
  mutating func loadArgument() -> Bool {
    guard hasHeap, mayCall(.msgArgDataSize), mayCall(.msgArgDataCopy) else { return false }
    emitWord(Self.argumentAddress)
    emitWord(0)
    callSystem(.msgArgDataSize)
    callSystem(.msgArgDataCopy)
    spend(UInt64(Self.longestArgument))
    features.insert(.argument)
    return true
  }

  mutating func debugPrint() -> Bool {
    guard hasHeap, mayCall(.debugPrint) else { return false }
    let length = choices.draw(below: 33)
    emitWord(place(for: length))
    emitWord(length)
    callSystem(.debugPrint)
    spend(length)
    features.insert(.debugPrint)
    return true
  }

  /// Keeps what a performance counter says; the count shows in the observation too.
  mutating func storeCounter() -> Bool {
    guard mayCall(.performanceCounter) else { return false }
    emitI32(choices.chance(1, of: 4) ? 1 : 0)
    callSystem(.performanceCounter)
    keep(.i64)
    features.insert(.performanceCounter)
    return true
  }

  /// Functions that copy something to the heap, each with the one that says how long it is.
  static let copyPairs: [(size: SystemFunction, copy: SystemFunction)] = [
    (.msgCallerSize, .msgCallerCopy), (.canisterSelfSize, .canisterSelfCopy), (.subnetSelfSize, .subnetSelfCopy),
    (.rootKeySize, .rootKeyCopy), (.msgMethodNameSize, .msgMethodNameCopy),
  ]

  /// Copies an identity or the method's name to the heap.
  mutating func copyFromSystem() -> Bool {
    guard hasHeap else { return false }
    for (size, copy) in Self.copyPairs where mayCall(size) && mayCall(copy) {
      emitWord(choices.draw(below: 1_024))
      emitWord(0)
      callSystem(size)
      callSystem(copy)
      spend(256)
      features.insert(.systemCopy)
      return true
    }
    return false
  }

  // MARK: Replies

  /// Appends a stretch of the heap to the reply, where the body may reply.
  mutating func appendReply(_ address: UInt64, _ length: UInt64) -> Bool {
    guard hasHeap, mayCall(.msgReplyDataAppend) else { return false }
    emitWord(address)
    emitWord(length)
    callSystem(.msgReplyDataAppend)
    spend(length)
    return true
  }

  /// Ends an entry point that may answer: with data, without, with a rejection, or not at all.
  mutating func answer() {
    if let observed = current.observed, hasHeap && mayCall(.msgReplyDataAppend) {
      emitWord(Self.numberAddress)
      emit(.localGet, .local(observed))
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
      _ = appendReply(Self.numberAddress, 8)
    }
    for _ in 0..<choices.draw(below: 3) {
      switch choices.draw(below: 4) {
      case 0..<2:
        let length = 1 + choices.draw(below: 64)
        if hasHeap { _ = appendReply(place(for: length), length) }
      default: appendNumber()
      }
    }
    if hasHeap && mayCall(.msgReject) && choices.chance(1, of: 6) {
      // The reason has to be text: letters, as many as wanted.
      let length = choices.draw(below: 12)
      let address = place(for: length)
      emitWord(address)
      emitI32(0x61 + UInt32(choices.draw(below: 26)))
      emitWord(length)
      emit(.memoryFill, .memory(MemoryIndex(0)))
      emitWord(address)
      emitWord(length)
      callSystem(.msgReject)
      spend(2 * length)
      features.insert(.reject)
    } else if mayCall(.msgReply) && !choices.chance(1, of: 12) {
      callSystem(.msgReply)
    }
  }

  /// Appends a number: what a global holds, a counter, a size.
  private mutating func appendNumber() {
    guard hasHeap, mayCall(.msgReplyDataAppend) else { return }
    let address = place(for: 8)
    emitWord(address)
    expression(.i64, depth: 1)
    emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    _ = appendReply(address, 8)
  }
}
