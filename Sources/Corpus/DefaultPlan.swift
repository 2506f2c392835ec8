// The call plan of a canister that comes without one: everything that it exports, before and after an upgrade.
// Used when a plain module is read from the corpus.

import Canister
import Wasm

/// The Candid encoding of no values at all, which is what a method without parameters expects.
private let emptyCandid: [UInt8] = Array("DIDL".utf8) + [0, 0]

/// A plan that enters a canister through every export it has.
///
/// A canister refuses arguments that are not in its language, and nothing says what that is. So installs and upgrades
/// come twice, with no bytes and with an empty Candid tuple: where one traps, the state is as before it, and the other
/// has its chance. Reinstalling installs as well, so the second attempt is one.
public func defaultPlan(for module: Module) -> CallPlan {
  var round: [Message] = []
  var updates: [String] = []
  var tasks: [Message] = []
  var inspects = false
  for export in module.exports {
    guard case .function = export.kind else { continue }
    if let name = method(export.name, .update) {
      updates.append(name)
      round.append(.update(name: name, argument: []))
      round.append(.update(name: name, argument: emptyCandid))
    } else if let name = method(export.name, .query) ?? method(export.name, .compositeQuery) {
      round.append(.query(name: name, argument: []))
      round.append(.query(name: name, argument: emptyCandid))
    } else if export.name == EntryPoint.heartbeat.exportName {
      tasks.append(.heartbeat)
    } else if export.name == EntryPoint.globalTimer.exportName {
      tasks.append(.globalTimer)
    } else if export.name == EntryPoint.lowWasmMemory.exportName {
      tasks.append(.lowWasmMemory)
    } else if export.name == EntryPoint.inspectMessage.exportName {
      inspects = true
    }
  }
  round += tasks
  if inspects { round += updates.map { .inspectMessage(name: $0, argument: emptyCandid) } }

  var messages: [Message] = [.install(argument: []), .reinstall(.first, argument: emptyCandid)]
  messages += round
  messages += [.upgrade(.first, argument: []), .upgrade(.first, argument: emptyCandid)]
  messages += round
  messages += [.reinstall(.first, argument: []), .reinstall(.first, argument: emptyCandid)]
  return CallPlan(messages)
}

private func method(_ export: String, _ kind: EntryPoint) -> String? {
  let prefix = kind.exportName
  guard export.utf8.starts(with: prefix.utf8) else { return nil }
  return String(export.utf8.dropFirst(prefix.utf8.count))
}

extension Parameters {
  /// Production's: real canisters decode, sort and collect garbage in one message.
  static var forRealCanisters: Parameters {
    var parameters = Parameters()
    parameters.instructionLimit = productionInstructionLimit
    return parameters
  }
}
