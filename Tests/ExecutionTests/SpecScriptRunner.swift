// Executes one script of the specification's test suite. Comes after `SpecSuite`, which reads scripts; its tallies are
// judged and printed by `SpecSuiteExecutionTests`.

import Execution
import TestSupport
import Wasm

/// What became of the commands of some scripts, by kind of command.
struct SpecTally: Sendable {
  struct Count: Sendable {
    var passed = 0
    var failed = 0
    /// Numbers of skipped commands by reason.
    var skipped: [String: Int] = [:]
  }

  private(set) var counts: [SpecCommand.Kind: Count] = [:]
  /// One line per failure: script, line and what went wrong.
  private(set) var failures: [String] = []

  mutating func pass(_ kind: SpecCommand.Kind) { counts[kind, default: Count()].passed += 1 }

  mutating func fail(_ kind: SpecCommand.Kind, _ text: String) {
    counts[kind, default: Count()].failed += 1
    failures.append(text)
  }

  mutating func skip(_ kind: SpecCommand.Kind, _ reason: String) {
    counts[kind, default: Count()].skipped[reason, default: 0] += 1
  }

  mutating func add(_ other: SpecTally) {
    failures += other.failures
    for (kind, count) in other.counts {
      counts[kind, default: Count()].passed += count.passed
      counts[kind, default: Count()].failed += count.failed
      counts[kind, default: Count()].skipped.merge(count.skipped, uniquingKeysWith: +)
    }
  }
}

/// Runs the commands of one script in order.
final class SpecScriptRunner {
  /// Why a command neither passes nor fails by itself.
  private enum Stop: Error {
    case skipped(String)
    case failed(String)
  }

  /// What a module's name stands for.
  private enum Subject {
    case instance(Instance)
    case skipped(String)
  }

  private let file: SpecFile
  private let machine = Machine()
  private let pool = MemoryPool()
  private var linker = SpecLinker()
  /// All instances, those that failed while they were made too: tables that they share hold their functions.
  private var instances: [Instance] = []
  private var current: Subject = .skipped("no module")
  private var named: [String: Subject] = [:]
  private var definitions: [String: Result<CompiledModule, Stop>] = [:]
  private var latestDefinition: Result<CompiledModule, Stop> = .failure(.failed("no definition"))
  private var tally = SpecTally()

  private init(_ file: SpecFile) throws {
    self.file = file
    linker.register("spectest", try SpecHost().exports)
  }

  /// Runs a script to its end.
  static func run(_ file: SpecFile) throws -> SpecTally {
    let runner = try SpecScriptRunner(file)
    for command in try file.commands() { runner.run(command) }
    return runner.tally
  }

  private func run(_ command: SpecCommand) {
    do {
      switch command.kind {
      case .assertInvalid, .assertMalformed, .assertMalformedCustom, .assertInvalidCustom: return
      case .module: try runModule(command)
      case .moduleDefinition:
        latestDefinition = compile(command)
        if let name = command.name { definitions[name] = latestDefinition }
        _ = try latestDefinition.get()
      case .moduleInstance: try runInstance(command)
      case .register: try runRegister(command)
      case .action: _ = try perform(command)
      case .assertReturn: try runReturn(command)
      case .assertTrap, .assertExhaustion: try runTrap(command)
      case .assertException: throw Stop.skipped("exceptions")
      case .assertUnlinkable: try runUnlinkable(command)
      case .assertUninstantiable: try runUninstantiable(command)
      }
      tally.pass(command.kind)
    } catch Stop.skipped(let reason) {
      tally.skip(command.kind, reason)
    } catch {
      let reason =
        switch error {
        case Stop.failed(let reason): reason
        case let trap as Trap: "traps: \(trap.message)"
        case let error as LinkError: "does not link: \(error.message)"
        default: "\(error)"
        }
      tally.fail(command.kind, "\(file.name):\(command.line): \(command.kind.rawValue): \(reason)")
    }
  }

  // MARK: Modules

  private func compile(_ command: SpecCommand) -> Result<CompiledModule, Stop> {
    let module: Module
    do {
      guard let bytes = try file.module(command) else { return .failure(.skipped("given as text only")) }
      module = try decodeAndValidate(bytes)
    } catch let error as WasmError {
      if file.beyond.isEmpty { return .failure(.failed("refused: \(error)")) }
      let features = Set(file.beyond.keys.flatMap { $0.split(separator: "+") })
      return .failure(.skipped("beyond the features: \(features.sorted().joined(separator: ", "))"))
    } catch {
      return .failure(.failed("\(error)"))
    }
    do {
      return .success(try CompiledModule(module))
    } catch {
      return .failure(.failed("\(error)"))
    }
  }

  private func instantiate(_ compiled: CompiledModule) throws -> Instance {
    let objects: ImportedObjects
    do {
      objects = try linker.objects(for: compiled.module)
    } catch LinkError.skipped(let reason) {
      throw Stop.skipped(reason)
    }
    let instance = try Instance(compiled, imports: objects, memories: pool)
    instances.append(instance)
    try instance.applyActiveElements()
    try instance.applyActiveData()
    if let start = compiled.module.start { try machine.invoke(start, of: instance) }
    return instance
  }

  /// Makes an instance the current one, and the one of a name; if there is none, the reason why.
  private func install(_ name: String?, _ make: () throws -> Instance) throws {
    defer { if let name { named[name] = current } }
    do {
      current = .instance(try make())
    } catch {
      if case Stop.skipped(let reason) = error {
        current = .skipped(reason)
      } else {
        current = .skipped("its module failed")
      }
      throw error
    }
  }

  private func runModule(_ command: SpecCommand) throws {
    try install(command.name) { try instantiate(try compile(command).get()) }
  }

  private func runInstance(_ command: SpecCommand) throws {
    let definition = command.definition.flatMap { definitions[$0] } ?? latestDefinition
    try install(command.instance) { try instantiate(try definition.get()) }
  }

  private func runRegister(_ command: SpecCommand) throws {
    guard let name = command.registeredName else { throw Stop.failed("no name") }
    switch command.name.map({ named[$0] ?? .skipped("no module \($0)") }) ?? current {
    case .instance(let instance): linker.register(name, SpecLinker.exports(of: instance))
    case .skipped(let reason):
      linker.registerSkipped(name, reason)
      throw Stop.skipped(reason)
    }
  }

  private func runUnlinkable(_ command: SpecCommand) throws {
    let compiled = try compile(command).get()
    do {
      _ = try instantiate(compiled)
    } catch let error as LinkError {
      return try check(error.message, command)
    }
    throw Stop.failed("links, should be: \(command.text ?? "")")
  }

  private func runUninstantiable(_ command: SpecCommand) throws {
    let compiled = try compile(command).get()
    do {
      _ = try instantiate(compiled)
    } catch let trap as Trap {
      return try check(trap.message, command)
    }
    throw Stop.failed("can be instantiated, should be: \(command.text ?? "")")
  }

  /// Compares a message with the expected one, which may say more at its end.
  private func check(_ message: String, _ command: SpecCommand) throws {
    let expected = command.text ?? ""
    // An index beyond the table's end has a message of its own in the suite when it is the index of a call.
    if expected == "undefined element" && message == Trap.tableOutOfBounds.message { return }
    guard !expected.isEmpty, expected.hasPrefix(message) else {
      throw Stop.failed("'\(message)', should be '\(expected)'")
    }
  }

  // MARK: Actions

  /// - Returns: the slots and the type of each result.
  private func perform(_ command: SpecCommand) throws -> [(slots: [UInt64], type: ValueType)] {
    guard let action = command.action else { throw Stop.failed("no action") }
    let instance: Instance
    switch action.module.map({ named[$0] ?? .skipped("no module \($0)") }) ?? current {
    case .instance(let found): instance = found
    case .skipped(let reason): throw Stop.skipped(reason)
    }
    switch (action.kind, instance.export(action.field)) {
    case (.invoke, .function(let index)):
      let type = instance.type(of: index)
      let arguments = try (action.arguments ?? []).map { argument in
        guard let slots = argument.slots else { throw Stop.failed("cannot make an argument of type \(argument.type)") }
        return slots
      }
      guard arguments.count == type.parameters.count else { throw Stop.failed("takes \(type.parameters)") }
      var slots = try machine.invoke(index, of: instance, arguments: arguments.flatMap(\.self))[...]
      return type.results.map { type in
        defer { slots = slots.dropFirst(type.slotCount) }
        return (Array(slots.prefix(type.slotCount)), type)
      }
    case (.get, .global(let index)):
      let cell = instance.globals[index.position]
      return [(Array(cell.slots), cell.type.value)]
    case (_, let export): throw Stop.failed("'\(action.field)' is exported as \(export.map { "\($0)" } ?? "nothing")")
    }
  }

  private func runReturn(_ command: SpecCommand) throws {
    let results = try perform(command)
    let expected = command.expected ?? []
    guard results.count == expected.count, zip(results, expected).allSatisfy({ $1.matches($0.slots, $0.type) }) else {
      let found = results.map { "\($0.type):\($0.slots.map { "0x" + String($0, radix: 16) })" }
      throw Stop.failed("gives \(found), should be \(expected.map(\.summary))")
    }
  }

  private func runTrap(_ command: SpecCommand) throws {
    do {
      _ = try perform(command)
    } catch let trap as Trap {
      return try check(trap.message, command)
    }
    throw Stop.failed("returns, should be: \(command.text ?? "")")
  }
}

// MARK: Values

extension SpecValue {
  /// The slots that hold the value; nil for classes of values and unknown types. The host reference `n` is n + 1, since
  /// 0 is null.
  fileprivate var slots: [UInt64]? {
    if type == "v128" { return vectorSlots }
    guard let text = texts.first, texts.count == 1 else { return nil }
    switch type {
    case "i32", "i64", "f32", "f64": return Self.bits(text, width: type.hasSuffix("32") ? 32 : 64).map { [$0] }
    case "externref": return text == "null" ? [0] : UInt64(text).map { [$0 + 1] }
    case "funcref": return text == "null" ? [0] : nil
    default: return nil
    }
  }

  private var vectorSlots: [UInt64]? {
    guard let width = laneWidth, texts.count * width == 128 else { return nil }
    var slots: [UInt64] = [0, 0]
    for (lane, text) in texts.enumerated() {
      guard let bits = Self.bits(text, width: width) else { return nil }
      slots[lane * width / 64] |= bits << UInt64(lane * width % 64)
    }
    return slots
  }

  /// Bits of a lane.
  private var laneWidth: Int? { laneType.flatMap { Int($0.dropFirst()) } }

  /// The bits of a decimal number, signed or unsigned, of so many bits.
  private static func bits(_ text: String, width: Int) -> UInt64? {
    let bits = UInt64(text) ?? Int64(text).map { UInt64(bitPattern: $0) }
    return bits.map { $0 & (.max >> UInt64(64 - width)) }
  }

  /// Whether a result of the given type is what this value stands for.
  fileprivate func matches(_ found: [UInt64], _ foundType: ValueType) -> Bool {
    switch (type, foundType, texts.first) {
    case ("either", _, _): return alternatives.contains { $0.matches(found, foundType) }
    case ("refnull", .funcref, _), ("refnull", .externref, _): return found == [0]
    case ("funcref", .funcref, nil), ("externref", .externref, nil): return found != [0]
    case ("v128", .v128, _):
      guard let width = laneWidth, texts.count * width == 128 else { return false }
      return texts.enumerated().allSatisfy { lane, text in
        Self.matches(
          found[lane * width / 64] >> UInt64(lane * width % 64) & (.max >> UInt64(64 - width)), text, width: width)
      }
    case ("f32", .f32, let text?): return Self.matches(found[0], text, width: 32)
    case ("f64", .f64, let text?): return Self.matches(found[0], text, width: 64)
    default: return type == "\(foundType)" && slots == found
    }
  }

  /// Whether a number of so many bits is the given one, or a NaN of the given class.
  private static func matches(_ found: UInt64, _ text: String, width: Int) -> Bool {
    switch (text, width) {
    case ("nan:canonical", 32): found & 0x7FFF_FFFF == 0x7FC0_0000
    case ("nan:arithmetic", 32): found & 0x7FC0_0000 == 0x7FC0_0000
    case ("nan:canonical", 64): found & 0x7FFF_FFFF_FFFF_FFFF == 0x7FF8_0000_0000_0000
    case ("nan:arithmetic", 64): found & 0x7FF8_0000_0000_0000 == 0x7FF8_0000_0000_0000
    default: bits(text, width: width) == found
    }
  }

  fileprivate var summary: String { "\(type):\(texts.joined(separator: " "))" }
}
