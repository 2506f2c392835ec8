// How a module's own memories enter the observation. Used by both lanes after commit or rollback.

import ContentHash

extension Observation {
  /// Observes the module's own memories: the heap, and any further ones (generator profile `multi-memory`).
  ///
  /// With one memory, size and contents are just its own. The contents of further memories enter under their numbers,
  /// so that two memories in each other's place are a difference.
  public mutating func observe(heaps: some Collection<LinearMemory>) {
    heapSize = 0
    heapContents = .zero
    for (number, memory) in heaps.enumerated() {
      heapSize &+= memory.pageCount
      let contents = memory.committedContents
      if number == 0 {
        heapContents = contents
      } else {
        var numbered = DigestStream()
        numbered.add(UInt64(number))
        numbered.add(memory.pageCount)
        numbered.add(contents)
        heapContents.add(numbered.finish())
      }
    }
  }
}
