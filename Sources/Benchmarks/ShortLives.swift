// What a fuzz case pays before and after it runs: instances and stable memories that live for microseconds.

import Canister
import ContentHash
import Execution
import Wasm

private let repetitions = 1_000

/// Seconds per round as microseconds per repetition.
private func microseconds(_ times: [Double]) -> [Double] { times.map { $0 / Double(repetitions) * 1e6 } }

/// Measures instantiation of an already translated module, a call of its empty export and giving its memories back,
/// which the next instance resets.
func measureInstantiation(_ small: NamedModule, rounds: Int) throws -> [Measurement] {
  let function = try small.function("empty")
  let compiled = try CompiledModule(small.module)
  try compiled.translateAll()
  let pool = MemoryPool()
  let machine = Machine()
  let times = try interleave(
    rounds: rounds,
    [
      {
        for _ in 0..<repetitions {
          let instance = try Instance(compiled, imports: ImportedObjects(), memories: pool)
          try instance.applyActiveElements()
          try instance.applyActiveData()
          try machine.invoke(function, of: instance)
          instance.recycle(into: pool)
        }
      }
    ])
  return [
    Measurement(
      name: "instantiate, run an empty export, reset: module of \(small.bytes.count) bytes", unit: "µs",
      values: microseconds(times[0]), bound: .atMost(5))
  ]
}

/// Measures a stable memory of 500 GiB in which ten pages are touched: create, write, commit (which hashes), write again,
/// roll back, reset; for the native lane's linear memory and for the host lane's paged one.
func measureStableMemory(rounds: Int) throws -> [Measurement] {
  let pages: UInt64 = 8_192_000
  let type = MemoryType(Limits(minimum: 0, maximum: pages), is64Bit: true)
  // Scattered over the whole memory, the last page included.
  let addresses = (1...10).map { UInt64($0) * (pages * Sizes.wasmPage / 10) - 8 }
  let pool = MemoryPool()
  let paged = PagedStableMemory()
  let heap = try LinearMemory(MemoryType(Limits(minimum: 1)))
  var sum = Digest.zero
  let times = try interleave(
    rounds: rounds,
    [
      {
        for number in 0..<repetitions {
          let memory = try pool.make(type)
          guard memory.grow(by: pages) != nil else { throw BenchmarkError("a memory of 500 GiB cannot grow") }
          for address in addresses { try memory.writableBytes(at: address, count: 8)[0] = UInt8(number & 0x7F | 1) }
          memory.commit()
          sum.add(memory.committedContents)
          for address in addresses { try memory.writableBytes(at: address, count: 8)[0] = 0xFF }
          memory.rollback()
          pool.recycle(memory)
        }
      },
      {
        for number in 0..<repetitions {
          paged.grow(to: pages)
          try heap.writableBytes(at: 0, count: 8)[0] = UInt8(number & 0x7F | 1)
          for address in addresses { try paged.write(from: heap, at: 0, count: 8, to: address) }
          paged.commit()
          sum.remove(paged.committedContents)
          try heap.writableBytes(at: 0, count: 8)[0] = 0xFF
          for address in addresses { try paged.write(from: heap, at: 0, count: 8, to: address) }
          paged.rollback()
          paged.recycle()
        }
      },
    ])
  // Both hold the same bytes at the same time, so that all digests have to cancel out.
  guard sum == .zero else { throw BenchmarkError("stable memories of equal contents have different digests") }
  return zip(["native", "host"], times).map { lane, times in
    Measurement(
      name: "500 GiB of stable memory, 10 pages touched: create, hash, roll back, reset; \(lane) lane", unit: "µs",
      values: microseconds(times), bound: .atMost(20))
  }
}
