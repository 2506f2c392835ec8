// The contents of the section `stablefuzz.plan`: parameters, strategy and call plan as bytes, and back.
// Used by the envelope. Equal plans have equal bytes.
//
//   plan       = version:byte (1) · parameters · strategy · count:integer · message × count
//   parameters = count:integer · (key:integer · value:integer) × count, keys ascending
//   strategy   = byte: bits 0 and 2 memory placement (0 end, 1 second, 4 direct, 5 named), bit 1 import placement
//                (1: after)
//   message    = tag:byte · what the tag's row below names; `argument` and `name` are length:integer · bytes
//
// Integers are unsigned LEB128. A parameter that is missing has its default: what later versions add does not make
// earlier plans unreadable. A key, tag or version that is not known is an error, because running the plan without it
// would be running another plan.

import Canister

/// What `stablefuzz.plan` holds.
struct PlanSection: Hashable {
  var plan: CallPlan
  var parameters: Parameters
  var strategy: Strategy
}

private let planVersion: UInt8 = 1

/// First byte of a message.
private enum MessageTag: UInt8 {
  case install = 0  // argument
  case reinstall = 1  // module:byte, argument
  case upgrade = 2  // module:byte, argument
  case update = 3  // name, argument
  case query = 4  // name, argument
  case heartbeat = 5
  case globalTimer = 6
  case lowWasmMemory = 7
  case inspectMessage = 8  // name, argument
}

extension MemoryPlacement {
  fileprivate var code: UInt8 {
    switch self {
    case .end: 0
    case .second: 1
    case .direct: 4
    case .named: 5
    }
  }
}

// MARK: Encoding

extension PlanSection {
  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.byte(planVersion)
    writer.integer(UInt64(ParameterKey.allCases.count))
    for key in ParameterKey.allCases {
      writer.integer(UInt64(key.rawValue))
      writer.integer(parameters[key])
    }
    writer.byte(strategy.memory.code | (strategy.imports == .after ? 2 : 0))
    writer.integer(UInt64(plan.messages.count))
    for message in plan.messages { Self.write(message, to: &writer) }
    return writer.bytes
  }

  private static func write(_ message: Message, to writer: inout ByteWriter) {
    func start(_ tag: MessageTag) { writer.byte(tag.rawValue) }
    switch message {
    case .install(let argument):
      start(.install)
      writer.string(argument)
    case .reinstall(let module, let argument):
      start(.reinstall)
      writer.byte(module.rawValue)
      writer.string(argument)
    case .upgrade(let module, let argument):
      start(.upgrade)
      writer.byte(module.rawValue)
      writer.string(argument)
    case .update(let name, let argument):
      start(.update)
      writer.string(name.utf8)
      writer.string(argument)
    case .query(let name, let argument):
      start(.query)
      writer.string(name.utf8)
      writer.string(argument)
    case .heartbeat: start(.heartbeat)
    case .globalTimer: start(.globalTimer)
    case .lowWasmMemory: start(.lowWasmMemory)
    case .inspectMessage(let name, let argument):
      start(.inspectMessage)
      writer.string(name.utf8)
      writer.string(argument)
    }
  }
}

// MARK: Decoding

extension PlanSection {
  init(_ reader: inout ByteReader) throws(CorpusError) {
    let version = try reader.byte()
    guard version == planVersion else {
      throw reader.malformed("call plan of version \(version), known is \(planVersion)", at: reader.position - 1)
    }
    parameters = try Self.parameters(&reader)

    let bits = try reader.byte()
    guard let memory = MemoryPlacement.allCases.first(where: { $0.code == bits & ~2 }) else {
      throw reader.malformed("unknown strategy \(bits)", at: reader.position - 1)
    }
    strategy = Strategy(memory: memory, imports: bits & 2 != 0 ? .after : .front)

    let count = try reader.count("messages")
    plan = CallPlan([])
    plan.messages.reserveCapacity(count)
    for _ in 0..<count { plan.messages.append(try Self.message(&reader)) }
    try reader.expectEnd()
  }

  private static func parameters(_ reader: inout ByteReader) throws(CorpusError) -> Parameters {
    var parameters = Parameters()
    var previous: UInt64?
    for _ in 0..<(try reader.count("parameters")) {
      let start = reader.position
      let raw = try reader.integer()
      if let previous, raw <= previous { throw reader.malformed("parameters out of order", at: start) }
      previous = raw
      guard let key = UInt8(exactly: raw).flatMap(ParameterKey.init) else {
        throw reader.malformed("unknown parameter \(raw)", at: start)
      }
      let value = try reader.integer()
      guard parameters.set(key, to: value) else {
        throw reader.malformed("parameter \(key) cannot be \(value)", at: start)
      }
    }
    return parameters
  }

  private static func message(_ reader: inout ByteReader) throws(CorpusError) -> Message {
    let raw = try reader.byte()
    guard let tag = MessageTag(rawValue: raw) else {
      throw reader.malformed("unknown message \(raw)", at: reader.position - 1)
    }
    switch tag {
    case .install: return .install(argument: try reader.string("argument"))
    case .reinstall: return .reinstall(try choice(&reader), argument: try reader.string("argument"))
    case .upgrade: return .upgrade(try choice(&reader), argument: try reader.string("argument"))
    case .update: return .update(name: try reader.text("name"), argument: try reader.string("argument"))
    case .query: return .query(name: try reader.text("name"), argument: try reader.string("argument"))
    case .heartbeat: return .heartbeat
    case .globalTimer: return .globalTimer
    case .lowWasmMemory: return .lowWasmMemory
    case .inspectMessage:
      return .inspectMessage(name: try reader.text("name"), argument: try reader.string("argument"))
    }
  }

  private static func choice(_ reader: inout ByteReader) throws(CorpusError) -> ModuleChoice {
    let raw = try reader.byte()
    guard let choice = ModuleChoice(rawValue: raw) else {
      throw reader.malformed("unknown module choice \(raw)", at: reader.position - 1)
    }
    return choice
  }
}

// MARK: Parameters

/// The key of a parameter. A new parameter gets a new number at the end.
private enum ParameterKey: UInt8, CaseIterable {
  case instructionLimit = 0
  case dirtyMessage, dirtyUpgrade, dirtyQuery
  case accessedMessage, accessedUpgrade, accessedQuery
  case stableCapacity, heapLimit32, heapLimit64, dirtyPageOverhead, metering
}

extension Parameters {
  fileprivate subscript(_ key: ParameterKey) -> UInt64 {
    switch key {
    case .instructionLimit: UInt64(bitPattern: instructionLimit)
    case .dirtyMessage: dirtyPageLimits.message
    case .dirtyUpgrade: dirtyPageLimits.upgrade
    case .dirtyQuery: dirtyPageLimits.query
    case .accessedMessage: accessedPageLimits.message
    case .accessedUpgrade: accessedPageLimits.upgrade
    case .accessedQuery: accessedPageLimits.query
    case .stableCapacity: stableCapacity
    case .heapLimit32: heapLimit32
    case .heapLimit64: heapLimit64
    case .dirtyPageOverhead: UInt64(bitPattern: dirtyPageOverhead)
    case .metering: metering == .new ? 0 : 1
    }
  }

  /// Sets a parameter; false where it cannot have that value.
  fileprivate mutating func set(_ key: ParameterKey, to value: UInt64) -> Bool {
    switch key {
    case .instructionLimit: instructionLimit = Int64(bitPattern: value)
    case .dirtyMessage: dirtyPageLimits.message = value
    case .dirtyUpgrade: dirtyPageLimits.upgrade = value
    case .dirtyQuery: dirtyPageLimits.query = value
    case .accessedMessage: accessedPageLimits.message = value
    case .accessedUpgrade: accessedPageLimits.upgrade = value
    case .accessedQuery: accessedPageLimits.query = value
    case .stableCapacity:
      guard value < Self.stableCapacityBound, value.isMultiple(of: Self.stableCapacityStep) else { return false }
      stableCapacity = value
    case .heapLimit32: heapLimit32 = value
    case .heapLimit64: heapLimit64 = value
    case .dirtyPageOverhead: dirtyPageOverhead = Int64(bitPattern: value)
    case .metering:
      guard value <= 1 else { return false }
      metering = value == 0 ? .new : .old
    }
    return true
  }
}
