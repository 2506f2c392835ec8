// Generated modules whose calls an outside engine has executed before us: results, traps and state afterwards must be
// the same bit for bit. Each module is a test; one more test prints how many calls were compared.

import Execution
import Foundation
import Synchronization
import TestSupport
import Testing
import Wasm

// MARK: The set

/// What the engine saw of one module.
struct OracleModule: Decodable, Sendable, CustomStringConvertible {
  struct Value: Decodable, Sendable {
    let t: String
    /// Bits, most significant digit first; nil for references.
    let hex: String?
    let null: Bool?
  }

  struct Memory: Decodable, Sendable {
    let pages: UInt64
    let sha256: String
  }

  /// Exported state, by export names.
  struct State: Decodable, Sendable {
    let memories: [String: Memory]
    let globals: [String: Value]
    let tables: [String: UInt64]

    private enum CodingKeys: String, CodingKey {
      case tables = "table_sizes"
      case memories, globals
    }
  }

  struct Call: Decodable, Sendable {
    let function: String
    /// Name of the argument pattern.
    let pattern: String
    let results: [Value]?
    let trap: String?
    /// The state afterwards; nil where it is the initial one, and for the calls of a sequence.
    let after: State?

    private enum CodingKeys: String, CodingKey {
      case function = "fn"
      case pattern = "args"
      case results, trap, after
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      function = try container.decode(String.self, forKey: .function)
      pattern = try container.decode(String.self, forKey: .pattern)
      results = try container.decodeIfPresent([Value].self, forKey: .results)
      trap = try container.decodeIfPresent(String.self, forKey: .trap)
      let isUnchanged = (try? container.decode(String.self, forKey: .after)) == "unchanged"
      after = isUnchanged ? nil : try container.decodeIfPresent(State.self, forKey: .after)
    }
  }

  let file: String
  let initial: State
  /// Each in an instance of its own.
  let calls: [Call]
  /// One after the other in one instance.
  let sequence: [Call]
  let sequenceAfter: State

  private enum CodingKeys: String, CodingKey {
    case sequenceAfter = "sequence_after"
    case file, initial, calls, sequence
  }

  var description: String { file }
}

/// The whole set; empty where it is absent.
enum OracleSet {
  static let folder = (try? Inputs.unpacked("execution"))?.appendingPathComponent("execution")

  static let modules: [OracleModule] = {
    guard let folder, let data = try? Data(contentsOf: folder.appendingPathComponent("oracle.jsonl")) else { return [] }
    return data.split(separator: UInt8(ascii: "\n")).compactMap {
      try? JSONDecoder().decode(OracleModule.self, from: Data($0))
    }
  }()

  /// Argument bits by name of pattern and value type.
  static let patterns: [String: [String: String]] = {
    struct Readme: Decodable {
      let patterns: [String: [String: String]]
    }
    guard let folder, let data = try? Data(contentsOf: folder.appendingPathComponent("README.json")) else { return [:] }
    return (try? JSONDecoder().decode(Readme.self, from: data))?.patterns ?? [:]
  }()
}

// MARK: Comparing

/// What became of some modules.
struct OracleOutcome: Sendable {
  var modules = 0
  var calls = 0
  var sequenceCalls = 0
  var states = 0
  var failures: [String] = []

  mutating func add(_ other: OracleOutcome) {
    modules += other.modules
    calls += other.calls
    sequenceCalls += other.sequenceCalls
    states += other.states
    failures += other.failures
  }
}

/// Executes one module of the set.
private struct OracleRun {
  let expected: OracleModule
  let compiled: CompiledModule
  let pool = MemoryPool()
  let machine = Machine()
  var outcome = OracleOutcome()

  static func run(_ expected: OracleModule) throws -> OracleOutcome {
    let bytes = try Inputs.bytes(try #require(OracleSet.folder).appendingPathComponent(expected.file))
    let module = try decodeAndValidate(bytes)
    var run = OracleRun(expected: expected, compiled: try CompiledModule(module))
    try run.run()
    return run.outcome
  }

  private mutating func run() throws {
    outcome.modules = 1
    let first = try makeInstance()
    compare(first, expected.initial, "at the start")
    let initial = snapshot(first)
    first.recycle(into: pool)
    for call in expected.calls {
      let place = "\(call.function)(\(call.pattern))"
      let instance = try makeInstance()
      compare(instance, call, place)
      outcome.calls += 1
      if let after = call.after {
        compare(instance, after, "after \(place)")
      } else if snapshot(instance) != initial {
        outcome.failures.append("\(expected.file): \(place) changes the state")
      }
      instance.recycle(into: pool)
    }
    let instance = try makeInstance()
    for (number, call) in expected.sequence.enumerated() {
      compare(instance, call, "step \(number) of the sequence, \(call.function)(\(call.pattern))")
      outcome.sequenceCalls += 1
    }
    compare(instance, expected.sequenceAfter, "after the sequence")
  }

  private func makeInstance() throws -> Instance {
    let instance = try Instance(compiled, imports: ImportedObjects(), memories: pool)
    try instance.applyActiveElements()
    try instance.applyActiveData()
    if let start = compiled.module.start { try machine.invoke(start, of: instance) }
    return instance
  }

  /// Calls a function and compares what comes back.
  private mutating func compare(_ instance: Instance, _ call: OracleModule.Call, _ place: String) {
    guard case .function(let function)? = instance.export(call.function) else {
      outcome.failures.append("\(expected.file): \(place): no such function")
      return
    }
    let type = instance.type(of: function)
    let arguments = type.parameters.flatMap { type in
      type.isReference ? [0] : Self.slots(OracleSet.patterns[call.pattern]?["\(type)"]?.dropFirst(2) ?? "", of: type)
    }
    var found = "trap"
    var isEqual = false
    do {
      let results = try machine.invoke(function, of: instance, arguments: arguments)
      found = "\(results.map { String($0, radix: 16) })"
      isEqual = call.results.map { Self.isEqual($0, results, type.results) } ?? false
    } catch {
      found = error.message
      isEqual = call.trap == Self.name(of: error)
    }
    if !isEqual {
      let wanted = call.trap ?? "\((call.results ?? []).map { $0.hex ?? "\($0.t) null: \($0.null ?? false)" })"
      outcome.failures.append("\(expected.file): \(place): \(found), should be \(wanted)")
    }
  }

  /// The name that the set has for a trap.
  private static func name(of trap: Trap) -> String? {
    switch trap {
    case .unreachable: "UNREACHABLE"
    case .memoryOutOfBounds: "MEMORY_OUT_OF_BOUNDS"
    case .tableOutOfBounds: "TABLE_OUT_OF_BOUNDS"
    case .uninitializedElement: "INDIRECT_CALL_TO_NULL"
    case .indirectCallTypeMismatch: "BAD_SIGNATURE"
    case .integerDivisionByZero: "INTEGER_DIVISION_BY_ZERO"
    case .integerOverflow: "INTEGER_OVERFLOW"
    case .invalidConversion: "BAD_CONVERSION_TO_INTEGER"
    case .callStackExhausted: "STACK_OVERFLOW"
    case .outOfInstructions, .canister, .hostMemoryExhausted: nil
    }
  }

  /// The slots of a value from its hex digits.
  private static func slots(_ digits: some StringProtocol, of type: ValueType) -> [UInt64] {
    let bits = UInt128(digits, radix: 16) ?? 0
    let halves = [UInt64(truncatingIfNeeded: bits), UInt64(truncatingIfNeeded: bits >> 64)]
    return Array(halves.prefix(type.slotCount))
  }

  private static func isEqual(_ values: [OracleModule.Value], _ slots: [UInt64], _ types: [ValueType]) -> Bool {
    guard values.count == types.count else { return false }
    var rest = slots[...]
    for (value, type) in zip(values, types) {
      guard isEqual(value, Array(rest.prefix(type.slotCount)), type) else { return false }
      rest = rest.dropFirst(type.slotCount)
    }
    return rest.isEmpty
  }

  private static func isEqual(_ value: OracleModule.Value, _ slots: [UInt64], _ type: ValueType) -> Bool {
    if let hex = value.hex { return Self.slots(hex, of: type) == slots }
    return value.null == (slots == [0])
  }

  // MARK: State

  private func memory(_ instance: Instance, _ memory: LinearMemory) -> UnsafeRawBufferPointer {
    (try? memory.bytes(at: 0, count: memory.byteCount)) ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private mutating func compare(_ instance: Instance, _ state: OracleModule.State, _ place: String) {
    outcome.states += 1
    var differences: [String] = []
    var seen = 0
    for export in compiled.module.exports {
      let name = export.name
      switch export.kind {
      case .function: continue
      case .memory(let index):
        let memory = instance.memories[index.position]
        if state.memories[name]?.pages != memory.pageCount { differences.append("size of memory '\(name)'") }
        if state.memories[name]?.sha256 != SHA256.hex(self.memory(instance, memory)) {
          differences.append("contents of memory '\(name)'")
        }
      case .global(let index):
        let cell = instance.globals[index.position]
        if state.globals[name].map({ Self.isEqual($0, Array(cell.slots), cell.type.value) }) != true {
          differences.append("global '\(name)' is \(cell.slots.map { String($0, radix: 16) })")
        }
      case .table(let index):
        let count = instance.tables[index.position].count
        if state.tables[name] != count { differences.append("table '\(name)' has \(count) elements") }
      }
      seen += 1
    }
    if seen != state.memories.count + state.globals.count + state.tables.count { differences.append("other exports") }
    if !differences.isEmpty { outcome.failures.append("\(expected.file): \(place): \(differences)") }
  }

  /// Everything that is compared, and what is not exported too.
  private struct Snapshot: Equatable {
    var memories: [[UInt8]] = []
    var isNull: [Bool] = []
    var globals: [UInt64] = []
    var tables: [UInt64] = []
  }

  private func snapshot(_ instance: Instance) -> Snapshot {
    var snapshot = Snapshot()
    let exported = compiled.module.exports.map(\.kind)
    for (position, memory) in instance.memories.enumerated() where exported.contains(.memory(MemoryIndex(position))) {
      snapshot.memories.append(Array(self.memory(instance, memory)))
    }
    for (position, cell) in instance.globals.enumerated() where exported.contains(.global(GlobalIndex(position))) {
      // References are addresses, which differ between instances.
      if cell.type.value.isReference {
        snapshot.isNull.append(cell.bits == 0)
      } else {
        snapshot.globals.append(contentsOf: cell.slots)
      }
    }
    for (position, table) in instance.tables.enumerated() where exported.contains(.table(TableIndex(position))) {
      snapshot.tables.append(table.count)
    }
    return snapshot
  }
}

/// Outcomes of the modules that have run, so that no module runs twice.
private let finishedModules = Mutex<[String: OracleOutcome]>([:])

private func outcome(of module: OracleModule) throws -> OracleOutcome {
  if let outcome = finishedModules.withLock({ $0[module.file] }) { return outcome }
  let outcome = try OracleRun.run(module)
  finishedModules.withLock { $0[module.file] = outcome }
  return outcome
}

@Suite struct ExecutionOracleTests {
  @Test func sha256() {
    #expect(SHA256.hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256.hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hex(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test(arguments: OracleSet.modules)
  func callsDoWhatTheEngineSaw(_ module: OracleModule) throws {
    for failure in try outcome(of: module).failures { Issue.record("\(failure)") }
  }

  @Test func counts() throws {
    guard OracleSet.folder != nil else {
      Inputs.reportSkip("executed modules", "no inputs beside the package")
      return
    }
    var total = OracleOutcome()
    for module in OracleSet.modules { total.add(try outcome(of: module)) }
    print(
      """
      executed modules: \(total.modules) of \(OracleSet.modules.count) modules, \(total.calls) calls in fresh \
      instances, \(total.sequenceCalls) calls in sequences, \(total.states) states compared, \
      \(total.failures.count) failures
      """)
    #expect(total.modules == 300)
    #expect(total.failures.isEmpty)
    #expect(total.calls > 2_500)
  }
}
