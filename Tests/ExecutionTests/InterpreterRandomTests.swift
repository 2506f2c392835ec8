// The interpreter against the reference interpreter on random programs: results, traps, instruction counts at every call
// of the host, globals and memories.

import Execution
import TestSupport
import Testing
import Wasm

/// How a call ended, and what it left behind.
private struct Ending: Equatable {
  var results: [UInt64] = []
  var trap: Trap?
  var counter: Int64 = 0
  /// The counter at every call of the imported function.
  var counters: [Int64] = []
  var globals: [UInt64] = []
  var memories: [[UInt8]] = []
}

/// What the imported function does: an answer that depends on its argument, and a trap for one value.
private func answer(_ argument: UInt64) throws(Trap) -> UInt64 {
  if argument == 7 { throw .unreachable }
  return UInt64(UInt32(truncatingIfNeeded: argument) &* 3 &+ 1)
}

/// The project's interpreter.
private final class Subject {
  private let instance: Instance
  private let machine = Machine()
  private let log: CounterLog

  final class CounterLog { var counters: [Int64] = [] }

  init(_ program: SmallModule, counting: Bool) throws {
    let log = CounterLog()
    self.log = log
    let host = ClosureImports { _, slots, machine throws(Trap) in
      log.counters.append(machine.counter)
      slots[0] = try answer(slots[0])
    }
    var options = TranslationOptions()
    options.countsInstructions = counting
    instance = try program.instance(host.objects(), options)
  }

  func call(_ function: FunctionIndex, _ arguments: [UInt64], limit: Int64) -> Ending {
    var ending = Ending()
    machine.counter = limit
    log.counters = []
    do {
      ending.results = try machine.invoke(function, of: instance, arguments: arguments)
    } catch {
      ending.trap = error
    }
    ending.counter = machine.counter
    ending.counters = log.counters
    ending.globals = instance.globals.map(\.bits)
    ending.memories = instance.memories.map { memory in
      (try? memory.bytes(at: 0, count: memory.byteCount)).map(Array.init) ?? []
    }
    return ending
  }
}

/// The reference interpreter.
private struct Reference {
  private var interpreter: ReferenceInterpreter
  private let log: Subject.CounterLog

  init(_ module: Module) {
    let log = Subject.CounterLog()
    self.log = log
    let functions = module.imports.count + module.functions.count
    let nulls = Array(repeating: FunctionIndex?.none, count: RandomProgram.nulls)
    interpreter = ReferenceInterpreter(
      module, globals: [3, UInt64(bitPattern: -9)], table: (0..<functions).map { FunctionIndex($0) } + nulls
    ) { _, arguments, counter throws(Trap) in
      log.counters.append(counter)
      return [try answer(arguments[0])]
    }
  }

  mutating func call(_ function: FunctionIndex, _ arguments: [UInt64], limit: Int64) -> Ending {
    var ending = Ending()
    interpreter.counter = limit
    log.counters = []
    do {
      ending.results = try interpreter.call(function, arguments)
    } catch {
      ending.trap = error
    }
    ending.counter = interpreter.counter
    ending.counters = log.counters
    ending.globals = interpreter.globals
    ending.memories = interpreter.memories
    return ending
  }
}

@Suite struct InterpreterRandomTests {
  /// Programs per test argument.
  private static let programs: UInt64 = 50

  @Test(arguments: 0..<20 as Range<UInt64>)
  func programsRunAsInTheReference(_ chunk: UInt64) throws {
    var endings: [String: Int] = [:]
    for seed in chunk * Self.programs..<(chunk + 1) * Self.programs {
      let program = RandomProgram(seed: seed)
      let module = program.module
      let counting = try Subject(program.program, counting: true)
      var plain: Subject? = try Subject(program.program, counting: false)
      var reference = Reference(module)
      var random = SeededGenerator(seed: ~seed)
      for _ in 0..<3 {
        for position in module.functions.indices {
          let function = FunctionIndex(module.imports.count + position)
          let parameters = module.types[module.functions[position].type.position].parameters
          let arguments = parameters.map { type in
            let bits = [0, 1, 2, 5, .max, 1 << 31, random.next()][random.number(below: 7)]
            return type == .i32 ? bits & 0xFFFF_FFFF : bits
          }
          let expected = reference.call(function, arguments, limit: 3_000)
          let found = counting.call(function, arguments, limit: 3_000)
          try #require(found == expected, "seed \(seed), function \(function)")
          endings[expected.trap?.message ?? "returns", default: 0] += 1
          // Without counting, all but the counter is the same, as long as the limit stops nothing.
          if expected.trap == .outOfInstructions { plain = nil }
          if var found = plain?.call(function, arguments, limit: 0) {
            (found.counter, found.counters) = (expected.counter, expected.counters)
            try #require(found == expected, "seed \(seed), function \(function), not counting")
          }
        }
      }
    }
    // Most calls do something worth comparing.
    #expect(endings["returns"] ?? 0 > 200, "\(endings)")
  }
}
