// Storage for the pages of the host lane's stable memory: raw blocks of 4,096 bytes, handed out and taken back. Used by
// `PagedStableMemory` only.

import Canister
import Glibc

/// Hands out blocks of one OS page.
final class PageStore {
  static let pageBytes = Int(Sizes.osPage)
  /// Blocks are allocated this many at a time; the system gives real memory to those that are used.
  private static let chunkPages = 64
  /// Chunks kept when the store is recycled: 32 MiB.
  private static let keptChunks = 128

  private var chunks: [UnsafeMutableRawPointer] = []
  /// Blocks that were given back.
  private var free: [UnsafeMutableRawPointer] = []
  /// Blocks handed out from the chunks so far.
  private var used = 0

  deinit {
    for chunk in chunks { Glibc.free(chunk) }
  }

  /// A block with arbitrary contents.
  ///
  /// - Throws: `Trap.hostMemoryExhausted`.
  func take() throws(Trap) -> UnsafeMutableRawPointer {
    if let block = free.popLast() { return block }
    let (chunk, page) = used.quotientAndRemainder(dividingBy: Self.chunkPages)
    if chunk == chunks.count {
      guard let memory = malloc(Self.chunkPages * Self.pageBytes) else { throw .hostMemoryExhausted }
      chunks.append(memory)
    }
    used += 1
    return chunks[chunk] + page * Self.pageBytes
  }

  /// Takes a block back.
  func give(_ block: UnsafeMutableRawPointer) { free.append(block) }

  /// Takes all blocks back. What one case needed beyond the usual goes back to the system.
  func recycle() {
    free.removeAll(keepingCapacity: true)
    used = 0
    while chunks.count > Self.keptChunks, let chunk = chunks.popLast() { Glibc.free(chunk) }
  }
}
