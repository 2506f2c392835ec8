// Draws the call plan of a case and the limits that depend on what its modules do. Comes after both modules.

import Canister
import Entropy

/// The modules of a case, and what is drawn about them together.
struct PlanGenerator {
  let shape: CaseShape
  var choices: ChoiceSource
  var first: ModuleGenerator
  var second: ModuleGenerator?
  var features = FeatureSet()
  /// The module that is installed.
  private var isSecond = false
  /// For each message drawn, whether it may end in a trap on purpose.
  private(set) var trappingMessages: [Bool] = []

  init(_ shape: CaseShape, _ choices: ChoiceSource, first: ModuleGenerator, second: ModuleGenerator?) {
    self.shape = shape
    self.choices = choices
    self.first = first
    self.second = second
  }

  // MARK: Messages

  mutating func drawPlan() -> CallPlan {
    var messages: [Message] = [.install(argument: drawArgument())]
    trappingMessages = [traps([.start, .initialize])]
    let count =
      choices.chance(24, of: 25) ? 3 + choices.draw(below: 3) + choices.draw(below: 4) : 1 + choices.draw(below: 2)
    // A second module is there to be installed, mostly early enough for something to be called in it.
    let change = second != nil && choices.chance(3, of: 4) ? choices.draw(below: (count + 1) / 2) : count
    for position in 0..<count {
      trappingMessages.append(false)
      messages.append(position == change ? upgrade(toSecond: true) : drawMessage())
    }
    appendRehearsals(to: &messages)
    return CallPlan(messages)
  }

  /// Calls each method that heeds its argument's size four times, with arguments of 0 to 3 bytes: one for each pair of
  /// bits that it looks at.
  private mutating func appendRehearsals(to messages: inout [Message]) {
    for entry in installedEntries where entry.heedsArgumentSize && entry.kind.isMethod {
      for size in 0..<4 {
        trappingMessages.append(true)
        messages.append(call(entry, argument: [UInt8](repeating: 0x55, count: size)))
      }
    }
  }

  /// Those of the installed module, of which nothing else is copied.
  private var installedEntries: [EntryPlan] { isSecond ? second?.entries ?? first.entries : first.entries }

  /// Whether one of the entry points of the installed module traps on purpose, or a limit of the case may be hit.
  private func traps(_ kinds: [EntryPoint]) -> Bool {
    let features = isSecond ? second?.features ?? first.features : first.features
    // A start function that is imported is one that may not be called there.
    let startTraps = kinds.contains(.start) && features.contains(.importedStart)
    return shape.hitsLimits || startTraps || installedEntries.contains { $0.traps && kinds.contains($0.kind) }
  }

  /// Notes that the message being drawn may end in a trap.
  private mutating func note(traps: Bool) {
    let last = trappingMessages.count - 1
    trappingMessages[last] = trappingMessages[last] || traps
  }

  private mutating func drawMessage() -> Message {
    let entries = installedEntries
    if let method = isSecond ? second?.importedMethod : first.importedMethod, choices.chance(1, of: 12) {
      note(traps: shape.hitsLimits)
      return .update(name: method, argument: drawArgument())
    }
    switch choices.draw(below: 40) {
    case 33..<36: return upgrade(toSecond: second != nil && choices.chance(2, of: 3))
    case 36:
      isSecond = second != nil && choices.chance(1, of: 2)
      note(traps: traps([.start, .initialize]))
      features.insert(.reinstall)
      return .reinstall(isSecond ? .second : .first, argument: drawArgument())
    case 37...:
      let tasks = entries.filter { Self.taskKinds.contains($0.kind) }
      if !tasks.isEmpty { return task(for: choices.element(of: tasks)) }
    default: break
    }
    let methods = entries.filter(\.kind.isMethod)
    if methods.isEmpty {
      note(traps: true)
      return .update(name: "a", argument: drawArgument())
    }
    // Where traps are wanted, the probe makes one of another kind in each message.
    if shape.traps, let probe = methods.first(where: \.isProbe), choices.chance(1, of: 3) {
      return message(for: probe, methods[0])
    }
    return message(for: choices.element(of: methods), methods[0])
  }

  private mutating func upgrade(toSecond: Bool) -> Message {
    note(traps: traps([.preUpgrade]))
    isSecond = toSecond
    note(traps: traps([.start, .postUpgrade]))
    features.insert(.upgrade)
    return .upgrade(isSecond ? .second : .first, argument: drawArgument())
  }

  private static let taskKinds: [EntryPoint] = [.heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage]

  /// The message that enters a system task or inspection.
  private mutating func task(for entry: EntryPlan) -> Message {
    let choice = choices.element(of: entry.exports).entryPoint
    note(traps: entry.traps || shape.hitsLimits)
    switch choice {
    case .globalTimer: return .globalTimer
    case .lowWasmMemory: return .lowWasmMemory
    case .inspectMessage: return .inspectMessage(name: "a", argument: drawArgument())
    default: return .heartbeat
    }
  }

  private mutating func message(for entry: EntryPlan, _ other: EntryPlan) -> Message {
    note(traps: entry.traps || shape.hitsLimits)
    if entry.kind == .update && entry.isProbe {
      let traps = shape.traps && choices.chance(3, of: 5)
      note(traps: traps || other.traps)
      if let argument = drawProbeArgument(traps: traps) { return call(entry, argument: argument) }
      if !other.isProbe { return .update(name: other.exports[0].method, argument: drawArgument()) }
    }
    return call(entry, argument: drawArgument())
  }

  private func call(_ entry: EntryPlan, argument: [UInt8]) -> Message {
    let method = entry.exports[0].method
    return entry.kind == .update ? .update(name: method, argument: argument) : .query(name: method, argument: argument)
  }

  private mutating func drawProbeArgument(traps: Bool) -> [UInt8]? {
    if isSecond, var generator = second {
      second = nil
      swap(&generator.choices, &choices)
      let argument = generator.canProbe ? generator.drawProbeArgument(traps: traps) : nil
      swap(&generator.choices, &choices)
      second = generator
      return argument
    }
    swap(&first.choices, &choices)
    defer { swap(&first.choices, &choices) }
    return first.canProbe ? first.drawProbeArgument(traps: traps) : nil
  }

  private mutating func drawArgument() -> [UInt8] {
    let length = choices.draw(below: 4) == 3 ? choices.drawIndex(below: ModuleGenerator.longestArgument + 1) : 8
    return spreadBytes(choices.drawBits(), count: length)
  }

  // MARK: Limits

  /// The parameters of the case: those of its shape, and limits in proportion to what its modules do.
  mutating func drawParameters() -> Parameters {
    var parameters = shape.parameters
    parameters.dirtyPageLimits = drawLimits(shape.dirtyLimit, onlyWritten: true)
    parameters.accessedPageLimits = drawLimits(shape.accessedLimit, onlyWritten: false)
    if shape.instructionLimit == .tiny && choices.chance(3, of: 4), let limit = drawCostOfCheck() {
      parameters.instructionLimit = limit
    }
    return parameters
  }

  /// What it takes to pass a check of metering in a method, or one instruction less: that of its entry, or those of a
  /// loop that it begins with.
  private mutating func drawCostOfCheck() -> Int64? {
    let methods = first.entries.indices.filter { first.entries[$0].kind.isMethod }
    if methods.isEmpty { return nil }
    let instructions = first.bodies[first.helperCount + choices.element(of: methods)].instructions
    func cost(from start: Int) -> UInt64 { blockCost(of: instructions, from: start, is64BitHeap: first.isWideHeap) }
    var total = cost(from: 0)
    if let end = instructions.firstIndex(where: \.opcode.endsBlock), instructions[end].opcode == .loop,
      choices.chance(2, of: 3)
    {
      total += cost(from: end + 1) * (1 + choices.draw(below: 3))
    }
    // Entry itself costs 1.
    return max(1, Int64(clamping: total + 1 - choices.draw(below: 2)))
  }

  private var modules: [ModuleGenerator] { second.map { [first, $0] } ?? [first] }

  /// How many pages one execution of each body takes at most, by class of entry point, and what the installation needs.
  private struct PageNeeds {
    var bodies: [PageLimitClass: [UInt64]] = [.message: [], .upgrade: [], .query: []]
    /// Of the start function, whose limit is that of messages, and of `canister_init`, whose is that of upgrades.
    var start: UInt64 = 0
    var initialization: UInt64 = 0

    /// What the most demanding body of a class needs.
    subscript(_ limitClass: PageLimitClass) -> UInt64 { bodies[limitClass]?.max() ?? 0 }
  }

  private func needs(onlyWritten: Bool) -> PageNeeds {
    var needs = PageNeeds()
    for module in modules {
      if module.probePages > 0 { needs.bodies[.message]?.append(module.probePages) }
      for number in module.entries.indices {
        let pages = module.plans[module.helperCount + number].footprint.pages(onlyWritten: onlyWritten)
        let kind = module.entries[number].kind
        if kind == .start { needs.start = max(needs.start, pages) }
        if kind == .initialize { needs.initialization = max(needs.initialization, pages) }
        needs.bodies[kind.pageLimitClass]?.append(pages)
      }
    }
    return needs
  }

  private mutating func drawLimits(_ kind: CaseShape.PageLimitKind, onlyWritten: Bool) -> PageLimits {
    let needs = needs(onlyWritten: onlyWritten)
    switch kind {
    case .production: return PageLimits()
    case .exact: return PageLimits(message: needs[.message], upgrade: needs[.upgrade], query: needs[.query])
    case .exceeded:
      let missing = 1 + choices.draw(below: 2)
      /// Too little for some body, which others may stay below or reach earlier.
      func draw(_ limitClass: PageLimitClass) -> UInt64 {
        let bodies = (needs.bodies[limitClass] ?? []).filter { $0 >= (shape.isVast ? 1 << 16 : 1) }
        let need = bodies.isEmpty || choices.chance(1, of: 2) ? needs[limitClass] : choices.element(of: bodies)
        return need - min(missing, need)
      }
      return PageLimits(
        message: max(draw(.message), needs.start), upgrade: needs[.upgrade], query: draw(.query))
    case .small:
      // Without an installation there is nothing to look at.
      return PageLimits(
        message: max(choices.draw(below: 6), needs.start),
        upgrade: choices.chance(1, of: 4) ? max(choices.draw(below: 6), needs.initialization) : needs[.upgrade],
        query: choices.draw(below: 6))
    }
  }
}
