// What instruction counting costs: by the interpreter, as in the host lane, and by injected code, as in the native lane,
// each over the same kernel without counting.

import Canister
import Execution
import Foundation
import Instrumentation
import Wasm

/// Measures every kernel that can run; kernels whose three forms disagree on the result are an error.
///
/// - Returns: the time with counting by the interpreter over that without; the bound is the same for injected counting.
func measureCounting(_ kernels: [NamedModule], rounds: Int) throws -> [Measurement] {
  var measurements: [Measurement] = []
  for kernel in kernels {
    guard (try? CompiledModule(kernel.module)) != nil else {
      printError("stablefuzz-bench: counting: skipping \(kernel.name), which cannot be translated")
      continue
    }
    let forms = [
      try KernelInstance(plain: kernel, countsInstructions: false),
      try KernelInstance(plain: kernel, countsInstructions: true), try KernelInstance(instrumented: kernel),
    ]
    let count = try repetitions(of: forms[0])
    let results = try forms.map { try $0.run(count) }
    guard Set(results).count == 1 else {
      throw BenchmarkError("\(kernel.name): counting changes the result: \(results)")
    }
    let times = try interleave(rounds: rounds, forms.map { form in { _ = try form.run(count) } })
    measurements.append(
      comparison(kernel.name, host: ratios(times[1], over: times[0]), native: ratios(times[2], over: times[0])))
  }
  // Geometric means over the kernels, round by round.
  func means(_ values: (Measurement) -> [Double]) -> [Double] {
    (0..<rounds).map { round in geometricMean(measurements.map { values($0)[round] }) }
  }
  measurements.append(
    comparison("**geometric mean**", host: means { $0.values }, native: means { $0.reference ?? [] }))
  return measurements
}

private func comparison(_ name: String, host: [Double], native: [Double]) -> Measurement {
  Measurement(name: name, unit: "×", values: host, bound: .atMost(median(of: native)), reference: native)
}

/// How often a kernel has to be repeated to run for 30 ms.
private func repetitions(of kernel: KernelInstance) throws -> UInt64 {
  var count: UInt64 = 1
  while try seconds({ _ = try kernel.run(count) }) < 0.03 && count < 1 << 20 { count *= 2 }
  return count
}

private func geometricMean(_ values: [Double]) -> Double {
  exp(values.map { log($0) }.reduce(0, +) / Double(values.count))
}

/// A kernel ready to be called again and again.
private final class KernelInstance {
  private let name: String
  private let instance: Instance
  private let function: FunctionIndex
  /// The counter of instrumented code.
  private let counter: GlobalCell?
  private let machine = Machine()

  /// A kernel as it is.
  init(plain kernel: NamedModule, countsInstructions: Bool) throws {
    name = kernel.name
    var options = TranslationOptions()
    options.countsInstructions = countsInstructions
    instance = try Instance(
      CompiledModule(kernel.module, options: options), imports: ImportedObjects(), memories: MemoryPool())
    function = try kernel.function("run")
    counter = nil
    try instance.applyActiveElements()
    try instance.applyActiveData()
  }

  /// A kernel with injected counting, translated as the native lane does it.
  init(instrumented kernel: NamedModule) throws {
    name = kernel.name
    let module = try instrument(
      kernel.module, strategy: Strategy(memory: .end, imports: .front), parameters: Parameters())
    var options = TranslationOptions()
    options.firstInjectedFunction = FunctionIndex(
      InstrumentationImport.allCases.count + kernel.module.functions.count)
    var imports = ImportedObjects()
    let refusal = RefusingImports()
    imports.functions = InstrumentationImport.allCases.indices.map { .host(refusal, $0) }
    instance = try Instance(CompiledModule(module, options: options), imports: imports, memories: MemoryPool())
    guard case .function(let function)? = instance.export("run"),
      case .global(let counter)? = instance.export(InstrumentationExport.instructionCounter)
    else { throw BenchmarkError("\(kernel.name): no export 'run' or no counter after instrumentation") }
    self.function = function
    self.counter = instance.globals[counter.position]
    try instance.applyActiveElements()
    // Instrumented modules have no data of their own: the host makes the heap image from the original.
    for segment in kernel.module.data {
      guard case .active(let memory, let offset) = segment.mode, case .i32(let address)? = offset.first?.immediate
      else { continue }
      try instance.memories[memory.position].writableBytes(
        at: UInt64(UInt32(bitPattern: address)), count: UInt64(segment.bytes.count)
      ).copyBytes(from: segment.bytes)
    }
  }

  /// Runs the kernel with a full budget of instructions.
  func run(_ count: UInt64) throws -> [UInt64] {
    machine.counter = .max
    counter?.bits = UInt64(Int64.max)
    return try machine.invoke(function, of: instance, arguments: [count])
  }
}

/// Serves the imports of instrumented code, of which a kernel with a full budget needs none.
private final class RefusingImports: ImportHandler {
  func call(_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) {
    throw .unreachable
  }
}
