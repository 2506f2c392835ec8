// Finds out what messages a canister from outside takes, by sending it some: most arguments that one can think of trap in
// the canister's decoder, and say nothing about stable memory. Used by whoever loads sources for `real-world`.

import Canister
import Execution
import Generation
import Wasm

extension SourceModule {
  /// A source with the messages that it was seen to take. The same for the same module.
  ///
  /// - Parameters:
  ///   - module: valid, and a canister.
  ///   - plan: at least one message.
  ///   - placement: how it gets at stable memory; one that accesses it directly is sent nothing.
  public init(probing module: Module, plan: CallPlan, placement: MemoryPlacement) {
    var probe = placement.isDirect ? nil : SourceProbe(module)
    self.init(
      module: module, plan: plan, placement: placement, known: probe?.messages(of: plan, module) ?? KnownMessages())
  }
}

/// Sends messages to one canister.
private struct SourceProbe {
  /// Cases have as many instructions for a message at least, mostly.
  private static let instructionLimit: Int64 = 20_000_000
  /// Instructions for all messages together: seconds, whatever the canister does with them.
  private static let budget: Int64 = 2_000_000_000

  private let lane: HostLane
  private var known = KnownMessages()
  private var spent: Int64 = 0

  init?(_ module: Module) {
    var parameters = Parameters()
    parameters.instructionLimit = Self.instructionLimit
    guard let host = try? HostModule(module, parameters: parameters) else { return nil }
    lane = HostLane(first: host, parameters: parameters)
  }

  /// The messages that end without a trap.
  mutating func messages(of plan: CallPlan, _ module: Module) -> KnownMessages {
    for argument in Self.arguments where succeeds(.reinstall(.first, argument: argument)) {
      known.installs.append(argument)
    }
    guard !known.installs.isEmpty else { return known }
    for message in plan.messages where message.argument.isEmpty && !message.changesCode && succeeds(message) {
      if !known.calls.contains(message) { known.calls.append(message) }
    }
    for export in module.exports {
      guard case .function = export.kind else { continue }
      for message in Self.calls(of: export.name) where succeeds(message) && !known.calls.contains(message) {
        known.calls.append(message)
      }
    }
    for argument in Self.arguments where succeeds(.upgrade(.first, argument: argument)) {
      known.upgrades.append(argument)
    }
    var program = UniversalProgram()
    program.grow(1)
    program.grow(0)
    program.finish()
    let answer = lane.execute(.update(name: "update", argument: program.bytes)).outcome
    if case .reply(let bytes) = answer, bytes.count == 16, bytes[0] &+ 1 == bytes[8] { known.takesPrograms = true }
    return known
  }

  /// Whether the message ends without a trap; no further one does once the budget is spent.
  private mutating func succeeds(_ message: Message) -> Bool {
    if spent > Self.budget { return false }
    let observation = lane.execute(message)
    spent += observation.instructions
    return switch observation.outcome {
    case .reply, .noReply, .accepted: true
    default: false
    }
  }

  private static func calls(of export: String) -> [Message] {
    func method(_ kind: EntryPoint) -> String? {
      let prefix = kind.exportName.utf8
      return export.utf8.starts(with: prefix) ? String(export.utf8.dropFirst(prefix.count)) : nil
    }
    if let name = method(.update) { return arguments.map { .update(name: name, argument: $0) } }
    if let name = method(.query) { return arguments.map { .query(name: name, argument: $0) } }
    return []
  }

  /// Nothing, and Candid: no value, or one or two of the types that methods often take.
  private static let arguments: [[UInt8]] =
    [[]]
    + [
      [0, 0], [0, 1, 0x7D, 5], [0, 1, 0x78, 7, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0x7C, 3], [0, 1, 0x79, 9, 0, 0, 0],
      [0, 1, 0x7E, 1], [0, 1, 0x71, 3, 0x61, 0x62, 0x63], [1, 0x6D, 0x7B, 1, 0, 4, 1, 2, 3, 4],
      [0, 2, 0x71, 0x71, 1, 0x61, 1, 0x62], [0, 2, 0x7D, 0x7D, 5, 6], [0, 1, 0x68, 1, 1, 4],
      [0, 2, 0x78, 0x78, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    ].map { Array("DIDL".utf8) + $0 }
}
