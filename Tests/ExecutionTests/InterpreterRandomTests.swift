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
    ending.globals = instance.saveGlobals()
    ending.memories = instance.memories.map { memory in
      (try? memory.bytes(at: 0, count: memory.byteCount)).map(Array.init) ?? []
    }
    return ending
  }
}

/// The reference interpreter.
private struct Reference {
  private let module: Module
  private var interpreter: ReferenceInterpreter
  private let log: Subject.CounterLog

  init(_ module: Module) {
    let log = Subject.CounterLog()
    self.log = log
    let functions = module.imports.count + module.functions.count
    let nulls = Array(repeating: FunctionIndex?.none, count: RandomProgram.nulls)
    self.module = module
    interpreter = ReferenceInterpreter(
      module, globals: [3, 6 << 64 | 5, ReferenceValue(UInt64(bitPattern: -9))],
      table: (0..<functions).map { FunctionIndex($0) } + nulls
    ) { _, arguments, counter throws(Trap) in
      log.counters.append(counter)
      return [ReferenceValue(try answer(UInt64(truncatingIfNeeded: arguments[0])))]
    }
  }

  /// The 8-byte slots of values.
  static func slots(_ values: [ReferenceValue], _ types: [ValueType]) -> [UInt64] {
    zip(values, types).flatMap { value, type in
      [UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64)].prefix(type.slotCount)
    }
  }

  mutating func call(_ function: FunctionIndex, _ arguments: [ReferenceValue], limit: Int64) -> Ending {
    var ending = Ending()
    interpreter.counter = limit
    log.counters = []
    let type = module.types[module.functions[function.position - module.imports.count].type.position]
    do {
      ending.results = Self.slots(try interpreter.call(function, arguments), type.results)
    } catch {
      ending.trap = error
    }
    ending.counter = interpreter.counter
    ending.counters = log.counters
    ending.globals = Self.slots(interpreter.globals, module.globals.map(\.type.value))
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
          let values = parameters.map { type in
            let bits = [0, 1, 2, 5, .max, 1 << 31, random.next()][random.number(below: 7)]
            return switch type {
            case .i32: ReferenceValue(bits & 0xFFFF_FFFF)
            case .v128: ReferenceValue(bits) << 64 | ReferenceValue(bits ^ 0xFF)
            default: ReferenceValue(bits)
            }
          }
          let arguments = Reference.slots(values, parameters)
          let expected = reference.call(function, values, limit: 3_000)
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
