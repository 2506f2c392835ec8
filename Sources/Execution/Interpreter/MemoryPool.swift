// Memory reservations that are used again from case to case. Each worker has one; lanes take from it and give back.

import Wasm

/// A pool of memory reservations. Not safe to share between threads.
public final class MemoryPool {
  private var free: [LinearMemory] = []
  /// More than any case uses at a time; beyond it, reservations are given back to the system.
  private let capacity = 16

  public init() {}

  /// A memory of the type's minimum size, all zeros.
  ///
  /// - Throws: `Trap.hostMemoryExhausted`.
  public func make(_ type: MemoryType) throws(Trap) -> LinearMemory {
    guard let position = free.lastIndex(where: { $0.fits(type) }) else { return try LinearMemory(type) }
    let memory = free.remove(at: position)
    memory.begin(as: type)
    return memory
  }

  /// Takes a memory back that nothing refers to any more.
  public func recycle(_ memory: LinearMemory) {
    if free.count == capacity { free.removeFirst() }
    memory.recycle()
    free.append(memory)
  }
}
