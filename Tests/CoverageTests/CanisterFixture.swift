// A canister without code: the stable functions of the host lane, called by hand, with a collector that watches.

import Canister
import Coverage
import Execution
import Wasm

/// Calls stable functions in messages and executions, and hands out what the collector saw.
final class CanisterFixture {
  let collector = CoverageCollector()
  let functions: HostStableFunctions
  private let memory = PagedStableMemory()
  private let heap: LinearMemory?
  private let is64BitHeap: Bool
  /// Instructions left; set anew where it matters.
  var counter: Int64 = 1_000_000_000

  /// - Parameters:
  ///   - stable: Wasm pages that the canister has from the beginning.
  ///   - heapPages: nil for a module without heap.
  init(
    stable: UInt64 = 0, parameters: Parameters = Parameters(), heapPages: UInt64? = 4, is64BitHeap: Bool = false
  ) throws {
    memory.grow(to: stable)
    memory.commit()
    functions = HostStableFunctions(memory: memory, parameters: parameters)
    functions.observer = collector
    self.is64BitHeap = is64BitHeap
    heap = try heapPages.map {
      let heap = try LinearMemory(MemoryType(Limits(minimum: $0, maximum: $0), is64Bit: is64BitHeap))
      // What is written has to be more than zeros to be there afterwards.
      try heap.writableBytes(at: 0, count: 8_192).initializeMemory(as: UInt8.self, repeating: 0xAB)
      return heap
    }
  }

  func begin(_ message: Message = .update(name: "a", argument: [])) { functions.beginMessage(message) }

  func enter(_ entryPoint: EntryPoint = .update) {
    functions.begin(entryPoint, heap: heap, is64BitHeap: is64BitHeap)
  }

  func end(keepsChanges: Bool = true) {
    if keepsChanges { memory.commit() } else { memory.rollback() }
    functions.endMessage(keepsChanges: keepsChanges)
  }

  /// A message of one execution.
  func message(
    _ message: Message = .update(name: "a", argument: []), _ entryPoint: EntryPoint = .update,
    keepsChanges: Bool = true,
    _ body: () -> Void
  ) {
    begin(message)
    enter(entryPoint)
    body()
    end(keepsChanges: keepsChanges)
  }

  /// Calls a function, whatever comes of it.
  func call(_ function: SystemFunction, _ arguments: UInt64...) {
    var slots = arguments + [0]
    slots.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try? functions.call(function, base, counter: &counter)
    }
  }

  /// The situations seen since the last time.
  func situations() -> [Situation] { collector.take().compactMap(\.situation) }

  /// The only situation of a call.
  func situation(of body: (CanisterFixture) -> Void) -> Situation? {
    _ = collector.take()
    body(self)
    let situations = situations()
    return situations.count == 1 ? situations[0] : nil
  }
}
