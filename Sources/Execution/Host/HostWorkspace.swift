// What host lanes use again from case to case: the interpreter's stacks, memory reservations, stable memory pages. Each
// worker has one; lanes take from it and give back.

/// Resources of one worker's host lanes. Not safe to share between threads.
public final class HostWorkspace {
  let machine: Machine
  let memories: MemoryPool
  private var stableMemories: [PagedStableMemory] = []

  /// - Parameters:
  ///   - machine: may be shared with other lanes that run at other times.
  ///   - memories: may be shared with other lanes.
  public init(machine: Machine = Machine(), memories: MemoryPool = MemoryPool()) {
    self.machine = machine
    self.memories = memories
  }

  /// An empty stable memory.
  func takeStableMemory() -> PagedStableMemory { stableMemories.popLast() ?? PagedStableMemory() }

  /// Takes back a stable memory that nothing refers to any more.
  func give(_ memory: PagedStableMemory) {
    memory.recycle()
    stableMemories.append(memory)
  }
}
