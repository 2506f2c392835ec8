// Cases over modules that were not generated: real canisters and corpus entries, with their messages in other orders, with
// other arguments, upgraded to each other, and entered at functions inside them. Called by `Generator`.

import Canister
import Entropy
import Wasm

/// Messages that a canister was seen to take without a trap.
public struct KnownMessages: Sendable {
  /// Arguments of installations, and of upgrades from the canister to itself.
  public var installs: [[UInt8]] = []
  public var upgrades: [[UInt8]] = []
  /// Updates, queries and system tasks.
  public var calls: [Message] = []
  /// Whether the canister runs its argument as a program of System API calls; see `UniversalProgram`.
  public var takesPrograms = false

  /// None so far.
  public init() {}
}

/// A module from outside that cases are made of.
public struct SourceModule: Sendable {
  /// A valid canister module.
  public let module: Module
  /// The messages that are known to make sense to it; the first installs it.
  public let plan: CallPlan
  /// How it gets at stable memory.
  public let placement: MemoryPlacement
  /// Messages that cases are mostly made of, besides those of the plan.
  let known: KnownMessages
  /// Those of the plan that a canister takes that is installed: all but installations.
  let laterMessages: [Message]
  /// The module's encoding.
  let bytes: [UInt8]
  /// Whether so much code takes longer to instrument than to run.
  let isLarge: Bool
  /// From this size on; `ModuleCache` keeps what was made of such modules.
  private static let largeBytes = 32_768

  /// - Parameters:
  ///   - module: valid, and a canister.
  ///   - plan: at least one message.
  ///   - known: messages that the canister was seen to take.
  public init(
    module: Module, plan: CallPlan, placement: MemoryPlacement = .end, known: KnownMessages = KnownMessages()
  ) {
    self.known = known
    self.module = module
    self.plan = plan
    self.placement = placement
    laterMessages = plan.messages.filter { if case .install = $0 { false } else { true } }
    bytes = encode(module)
    isLarge = bytes.count >= Self.largeBytes
  }
}

/// Makes one case of the profile `real-world`.
struct RealWorldGenerator {
  private var choices: ChoiceSource
  private let sources: [SourceModule]
  private var features = FeatureSet()

  init(_ choices: ChoiceSource, _ sources: [SourceModule]) {
    self.choices = choices
    self.sources = sources
  }

  mutating func build() -> GeneratedCase {
    let source = drawSource()
    let drawn = choices.element(of: Strategy.all)
    let strategy = Strategy(memory: source.placement.isDirect ? source.placement : drawn.memory, imports: drawn.imports)
    var parts = ChoiceParts(frame: choices.count)
    let first = withFragments(source)
    var second: (module: Module, bytes: [UInt8])?
    if choices.chance(1, of: 4) {
      // Another canister finds the stable memory of this one after the upgrade, or the same with other entries.
      let others = sources.filter { $0.placement.isDirect == source.placement.isDirect }
      let other = choices.chance(1, of: 2) ? source : others.isEmpty ? source : choices.element(of: others)
      if other.placement == source.placement || !source.placement.isDirect { second = withFragments(other) }
      features.insert(.secondModule)
    }
    parts.modules = choices.count
    let plan = drawPlan(source, first.module, hasSecond: second != nil)
    var parameters = Parameters()
    parameters.instructionLimit = choices.element(of: [20_000_000, 20_000_000, 20_000_000, 50_000_000, 2_000_000])
    if choices.chance(1, of: 8) {
      let few = choices.draw(below: 40)
      parameters.dirtyPageLimits = PageLimits(message: few, upgrade: PageLimits().upgrade, query: few)
    }
    if choices.chance(1, of: 10) { parameters.metering = .old }
    var generated = GeneratedCase(
      case: Case(
        module: first.bytes, secondModule: second?.bytes, plan: plan, parameters: parameters, strategy: strategy),
      choices: choices.sequence, module: first.module, secondModule: second?.module, mayTrap: true,
      trappingMessages: plan.messages.map { _ in true }, features: features, coverage: OperandCoverage())
    generated.parts = parts
    return generated
  }

  /// A source; one that can be told what to do comes up more often, one that nobody could install less.
  private mutating func drawSource() -> SourceModule {
    let drawn = choices.element(of: sources)
    if drawn.known.takesPrograms || choices.chance(1, of: 4) { return drawn }
    let other = choices.element(of: sources)
    if other.known.takesPrograms { return other }
    return drawn.known.installs.isEmpty && !other.known.installs.isEmpty ? other : drawn
  }

  // MARK: Fragments

  private static let fragmentName = "fragment "

  /// The module, often with some of its inner functions, and of the stable functions that it imports, as updates of their
  /// own. Seldom where it is large, as nothing is at hand that was made of it in an earlier case then.
  private mutating func withFragments(_ source: SourceModule) -> (module: Module, bytes: [UInt8]) {
    guard choices.chance(source.isLarge ? 1 : 18, of: 24), let module = addingFragments(source) else {
      return (source.module, source.bytes)
    }
    return (module, encode(module))
  }

  private mutating func addingFragments(_ source: SourceModule) -> Module? {
    var module = source.module
    let spaces = IndexSpaces(module)
    let room = CanisterLimits.functions - module.functions.count
    guard room > 8, !spaces.functions.isEmpty,
      !module.exports.contains(where: { $0.name.utf8.starts(with: "canister_update \(Self.fragmentName)".utf8) })
    else { return nil }
    let entry = TypeIndex(module.types.firstIndex(of: FunctionType()) ?? module.types.count)
    if entry.position == module.types.count { module.types.append(FunctionType()) }
    for number in 0..<1 + choices.drawIndex(below: 4) {
      let callee = drawCallee(module, spaces)
      let type = module.types[spaces.functions[callee.position].position]
      guard (type.parameters + type.results).allSatisfy({ !$0.isReference && $0 != .v128 }) else { continue }
      var code: [Instruction] = []
      for _ in 0..<1 + choices.draw(below: 2) {
        code += type.parameters.map { constant($0) }
        code.append(.call(callee))
        code += type.results.map { _ in Instruction(.drop) }
      }
      code.append(Instruction(.end))
      let index = FunctionIndex(spaces.functions.count + module.functions.count - source.module.functions.count)
      module.functions.append(Function(type: entry, body: FunctionBody(instructions: code)))
      module.exports.append(
        Export(name: "canister_update \(Self.fragmentName)\(number)", kind: .function(index)))
    }
    return module
  }

  /// A function to call: often one of those that access stable memory.
  private mutating func drawCallee(_ module: Module, _ spaces: IndexSpaces) -> FunctionIndex {
    var stable: [FunctionIndex] = []
    var index = 0
    for entry in module.imports {
      guard case .function = entry.kind else { continue }
      if entry.module == "ic0", let function = SystemFunction(name: entry.name), function.isStable {
        stable.append(FunctionIndex(index))
      }
      index += 1
    }
    if !stable.isEmpty && choices.chance(1, of: 3) { return choices.element(of: stable) }
    let start = spaces.importedFunctions < spaces.functions.count ? spaces.importedFunctions : 0
    return FunctionIndex(start + choices.drawIndex(below: spaces.functions.count - start))
  }

  private mutating func constant(_ type: ValueType) -> Instruction {
    let small = choices.draw(below: 8)
    let value: UInt64 =
      switch small {
      case 0..<3: choices.draw(below: 16)
      case 3: 65_536 * choices.draw(below: 4)
      case 4: 4_096 * choices.draw(below: 20) &- choices.draw(below: 3)
      case 5: 1_048_576 + choices.draw(below: 65_536)
      case 6: 0 &- choices.draw(below: 300)
      default: choices.drawBits()
      }
    switch type {
    case .i64: return .i64(Int64(bitPattern: value))
    case .f32: return Instruction(.f32Const, .f32(Float(Int64(bitPattern: value)).bitPattern))
    case .f64: return Instruction(.f64Const, .f64(Double(Int64(bitPattern: value)).bitPattern))
    default: return .i32(Int32(truncatingIfNeeded: Int64(bitPattern: value)))
    }
  }

  // MARK: Plans

  private mutating func drawPlan(_ source: SourceModule, _ first: Module, hasSecond: Bool) -> CallPlan {
    var messages: [Message] = []
    let known = source.known
    if known.takesPrograms {
      messages.append(.install(argument: drawProgram(installs: true, replies: false)))
    } else if !known.installs.isEmpty && !choices.chance(1, of: 16) {
      messages.append(.install(argument: choices.element(of: known.installs)))
    } else {
      // What installs the canister in its own plan does so here too, mostly with the argument that it takes.
      for message in source.plan.messages.prefix(2) {
        switch message {
        case .install, .reinstall: messages.append(changed(message, chance: 8))
        default: break
        }
      }
    }
    if messages.isEmpty { messages = [.install(argument: [])] }
    // Functions inside the module trap more often than not.
    let entries = messagesByExport(first)
    let isKnown = known.takesPrograms || !known.calls.isEmpty
    for _ in 0..<3 + choices.draw(below: 8) {
      switch choices.draw(below: 20) {
      case 0..<2 where hasSecond:
        features.insert(.upgrade)
        messages.append(.upgrade(choices.chance(2, of: 3) ? .second : .first, argument: drawUpgradeArgument(known)))
      case 0..<3:
        features.insert(.upgrade)
        messages.append(.upgrade(.first, argument: drawUpgradeArgument(known)))
      case 3 where !known.installs.isEmpty:
        features.insert(.reinstall)
        let argument =
          known.takesPrograms
          ? drawProgram(installs: true, replies: false) : choices.element(of: known.installs)
        messages.append(.reinstall(.first, argument: argument))
      case 4 where !entries.isEmpty: messages.append(changed(choices.element(of: entries), chance: 1))
      case 5...17 where isKnown: messages.append(drawKnownCall(known))
      case 5...12 where !entries.isEmpty: messages.append(changed(choices.element(of: entries), chance: 1))
      default:
        // The plan's own changes of code are seldom of use in the middle, and another installation is always refused.
        let later = source.laterMessages.isEmpty ? entries : source.laterMessages
        let message = choices.element(of: later.isEmpty || choices.chance(1, of: 30) ? source.plan.messages : later)
        messages.append(isKnown && message.changesCode ? drawKnownCall(known) : changed(message, chance: 3))
      }
    }
    return CallPlan(messages)
  }

  private mutating func drawUpgradeArgument(_ known: KnownMessages) -> [UInt8] {
    if known.takesPrograms { return drawProgram(replies: false) }
    return known.upgrades.isEmpty || choices.chance(1, of: 12) ? drawArgument() : choices.element(of: known.upgrades)
  }

  private mutating func drawKnownCall(_ known: KnownMessages) -> Message {
    if known.takesPrograms {
      let program = drawProgram(replies: true)
      return choices.chance(1, of: 4)
        ? .query(name: "query", argument: program) : .update(name: "update", argument: program)
    }
    return changed(choices.element(of: known.calls), chance: 12)
  }

  // MARK: Programs

  /// - Parameter installs: whether stable memory is empty before it.
  private mutating func drawProgram(installs: Bool = false, replies: Bool) -> [UInt8] {
    var program = UniversalProgram(replies: replies)
    if installs { program.grow(1 + choices.draw(below: 4)) }
    for _ in 0..<1 + choices.draw(below: 6) {
      let isWide = choices.chance(1, of: 2)
      switch choices.draw(below: 12) {
      case 0..<5: program.write(drawOffset(), drawBytes(), isWide: isWide)
      case 5..<8: program.read(drawOffset(), drawLength(), isWide: isWide)
      case 8: program.fill(drawOffset(), UInt64(choices.draw(below: 256)), drawLength(), isWide: isWide)
      case 9: program.copy(from: drawOffset(), to: drawOffset(), drawLength())
      case 10: program.grow(choices.draw(below: 3))
      default:
        if choices.chance(1, of: 6) {
          program.trap()
        } else {
          var inner = UniversalProgram(replies: false)
          inner.write(drawOffset(), drawBytes(), isWide: isWide)
          inner.read(drawOffset(), drawLength(), isWide: isWide)
          program.setPreUpgrade(inner)
        }
      }
    }
    program.finish()
    return program.bytes
  }

  /// Around the edges of the first 16 pages, which are there once stable memory was grown.
  private mutating func drawOffset() -> UInt64 {
    if choices.chance(1, of: 24) { return choices.draw(below: 1 << 18) }
    return Sizes.osPage * (1 + choices.draw(below: 12)) &- choices.draw(below: 40)
  }

  private mutating func drawLength() -> UInt64 {
    choices.chance(3, of: 4)
      ? choices.draw(below: 80) : Sizes.osPage * choices.draw(below: 3) + choices.draw(below: 100)
  }

  private mutating func drawBytes() -> [UInt8] {
    spreadBytes(choices.drawBits(), count: Int(min(drawLength(), 5_000)))
  }

  /// A message for everything that the module exports.
  private func messagesByExport(_ module: Module) -> [Message] {
    func method(_ name: String, _ kind: EntryPoint) -> String? {
      let prefix = kind.exportName.utf8
      return name.utf8.starts(with: prefix) ? String(name.utf8.dropFirst(prefix.count)) : nil
    }
    return module.exports.compactMap { export in
      guard case .function = export.kind else { return nil }
      let name = export.name
      if let update = method(name, .update) { return .update(name: update, argument: []) }
      if let query = method(name, .query) ?? method(name, .compositeQuery) { return .query(name: query, argument: []) }
      switch name {
      case EntryPoint.heartbeat.exportName: return .heartbeat
      case EntryPoint.globalTimer.exportName: return .globalTimer
      case EntryPoint.lowWasmMemory.exportName: return .lowWasmMemory
      default: return nil
      }
    }
  }

  /// The message, with another argument in one of `chance` cases.
  private mutating func changed(_ message: Message, chance: UInt64) -> Message {
    if !choices.chance(1, of: chance) { return message }
    let argument = message.argument.isEmpty || choices.chance(1, of: 3) ? drawArgument() : mutated(message.argument)
    switch message {
    case .install: return .install(argument: argument)
    case .reinstall(let module, _): return .reinstall(module, argument: argument)
    case .upgrade(let module, _): return .upgrade(module, argument: argument)
    case .update(let name, _): return .update(name: name, argument: argument)
    case .query(let name, _): return .query(name: name, argument: argument)
    case .inspectMessage(let name, _): return .inspectMessage(name: name, argument: argument)
    case .heartbeat, .globalTimer, .lowWasmMemory: return message
    }
  }

  /// What canisters take: nothing, Candid values of simple types, bytes.
  private mutating func drawArgument() -> [UInt8] {
    let candid = Array("DIDL".utf8)
    func number(_ value: UInt64, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    switch choices.draw(below: 7) {
    case 0: return []
    case 1: return candid + [0, 0]
    case 2: return candid + [0, 1, 0x7D, UInt8(choices.draw(below: 128))]  // nat
    case 3: return candid + [0, 1, 0x78] + number(choices.draw(below: 100_000), 8)  // nat64
    case 4:
      let text = spreadBytes(choices.drawBits() | 0x4141_4141_4141_4141, count: choices.drawIndex(below: 60)).map {
        $0 & 0x5F | 0x41
      }
      return candid + [0, 1, 0x71, UInt8(text.count)] + text
    case 5:
      let bytes = spreadBytes(choices.drawBits(), count: choices.drawIndex(below: 100))
      return candid + [1, 0x6D, 0x7B, 1, 0, UInt8(bytes.count)] + bytes  // vec nat8
    default: return spreadBytes(choices.drawBits(), count: choices.drawIndex(below: 200))
    }
  }

  private mutating func mutated(_ argument: [UInt8]) -> [UInt8] {
    var bytes = argument
    for _ in 0..<1 + choices.draw(below: 3) {
      guard !bytes.isEmpty else { break }
      let place = choices.drawIndex(below: bytes.count)
      switch choices.draw(below: 4) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: choices.draw(below: 256))
      case 1: bytes[place] ^= 1 << UInt8(truncatingIfNeeded: choices.draw(below: 8))
      case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + choices.drawIndex(below: 8)))
      default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: place)
      }
    }
    return bytes
  }
}
