// What the stages before execution cost: megabytes of code section per second.

import Execution
import Wasm

/// Measures decoding, validating and translating all functions of some modules, which are taken together.
func measureTranslation(_ modules: [NamedModule], rounds: Int) throws -> [Measurement] {
  let size = modules.reduce(0) { $0 + $1.codeSize }
  let isSingle = modules.count == 1
  let what = isSingle ? "\(modules[0].name) (\(size / 1_000) kB of code)" : "C kernels (\(size / 1_000) kB of code)"
  // Small modules are repeated, so that a round takes some milliseconds.
  let repetitions = max(1, 1_000_000 / max(size, 1))
  let translatable = modules.filter { (try? CompiledModule($0.module).translateAll()) != nil }
  let skipped = modules.count - translatable.count
  if skipped > 0 { printError("stablefuzz-bench: \(skipped) of \(modules.count) modules cannot be translated") }
  let translatedSize = translatable.reduce(0) { $0 + $1.codeSize }
  let times = try interleave(
    rounds: rounds,
    [
      { for _ in 0..<repetitions { for module in modules { _ = try decode(module.bytes) } } },
      { for _ in 0..<repetitions { for module in modules { try validate(module.module) } } },
      {
        for _ in 0..<repetitions {
          for module in translatable { try CompiledModule(module.module).translateAll() }
        }
      },
    ])
  func rate(_ stage: String, _ size: Int, _ times: [Double], _ bound: Bound? = nil) -> Measurement {
    let megabytes = Double(size * repetitions) / 1e6
    return Measurement(name: "\(stage) \(what)", unit: "MB/s", values: times.map { megabytes / $0 }, bound: bound)
  }
  return [
    rate("decode", size, times[0]), rate("validate", size, times[1]),
    // Many short modules pay for what is done once a module; the target is that of a large one.
    rate("translate", translatedSize, times[2], isSingle ? .atLeast(30) : nil),
  ]
}
