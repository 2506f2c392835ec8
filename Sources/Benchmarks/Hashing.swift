// Hashing of touched pages against plain XXH3 on the same buffers.

import CXXHash
import Canister
import Execution
import Wasm

/// Measures the commit of written pages, which hashes them, in both lanes' memories.
func measureHashing(rounds: Int) throws -> [Measurement] {
  let pages = 256
  let size = pages * Int(Sizes.osPage)
  let repetitions = 20
  let linear = try LinearMemory(MemoryType(Limits(minimum: UInt64(size) / Sizes.wasmPage)))
  let paged = PagedStableMemory()
  paged.grow(to: UInt64(size) / Sizes.wasmPage)
  var contents = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 0x9E37_79B9 >> 13) }

  var values = [[Double]](repeating: [], count: 4)
  for round in 0...rounds {
    var times = [Double](repeating: 0, count: 4)
    for repetition in 0..<repetitions {
      contents[0] = UInt8(truncatingIfNeeded: round ^ repetition)
      try contents.withUnsafeBytes { contents in
        // Writing is not measured, only what the commit does with the pages.
        try linear.writableBytes(at: 0, count: UInt64(size)).copyMemory(from: contents)
        let bytes = try linear.bytes(at: 0, count: UInt64(size))
        times[0] += seconds { sink &+= plainHash(bytes) }
        times[1] += seconds { linear.commit() }
        try paged.write(from: linear, at: 0, count: UInt64(size), to: 0)
        times[3] += seconds { paged.commit() }
        let buffers = paged.committedPages.map(\.bytes)
        times[2] += seconds { for buffer in buffers { sink &+= plainHash(buffer) } }
      }
    }
    guard round > 0 else { continue }
    let bandwidth = times.map { Double(size * repetitions) / 1e9 / $0 }
    for (position, value) in [
      bandwidth[0], 100 * bandwidth[1] / bandwidth[0], bandwidth[2], 100 * bandwidth[3] / bandwidth[2],
    ].enumerated() {
      values[position].append(value)
    }
  }
  guard linear.committedContents == paged.committedContents else {
    throw BenchmarkError("memories of equal contents have different digests")
  }
  let what = "\(pages) touched pages"
  return [
    Measurement(name: "plain XXH3-128 of \(what), linear memory", unit: "GB/s", values: values[0]),
    Measurement(name: "commit of the same pages, native lane", unit: "%", values: values[1], bound: .atLeast(80)),
    Measurement(name: "plain XXH3-128 of \(what), paged memory", unit: "GB/s", values: values[2]),
    Measurement(name: "commit of the same pages, host lane", unit: "%", values: values[3], bound: .atLeast(80)),
  ]
}

/// Keeps the hashes from being optimised away.
nonisolated(unsafe) private var sink: UInt64 = 0

/// XXH3-128 of each page of a buffer.
private func plainHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  var sum: UInt64 = 0
  guard let start = bytes.baseAddress else { return sum }
  for offset in stride(from: 0, to: bytes.count, by: Int(Sizes.osPage)) {
    sum &+= XXH3_128bits(start + offset, Int(Sizes.osPage)).low64
  }
  return sum
}
