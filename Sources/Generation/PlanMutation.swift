// Variations of a call plan: messages repeated, left out, exchanged, upgrades put in, arguments changed. Used by guided
// search on cases whose modules are to stay as they are. The result is always a plan; whether it traps is not asked.

import Canister
import Entropy

extension CallPlan {
  /// Messages beyond which a plan does not grow. The longest that are generated have 10 and four for each method that
  /// heeds its argument's size.
  private static let longest = 40

  /// Varies the plan in one to four places.
  ///
  /// - Parameters:
  ///   - hasSecondModule: whether an upgrade may change to another module.
  ///   - stream: decides what is varied.
  public mutating func mutate(hasSecondModule: Bool, stream: inout Stream) {
    for _ in 0...stream.next(below: 4) { mutateOnce(hasSecondModule, &stream) }
  }

  private mutating func mutateOnce(_ hasSecondModule: Bool, _ stream: inout Stream) {
    // The first message installs the canister; without it all others are refused.
    guard messages.count > 1 else {
      insert(Self.codeChange(hasSecondModule, &stream), &stream)
      return
    }
    let position = 1 + Int(stream.next(below: UInt64(messages.count - 1)))
    switch stream.next(below: 8) {
    case 0: messages.remove(at: position)
    case 1, 2: insert(messages[position], &stream)
    case 3: messages.swapAt(position, 1 + Int(stream.next(below: UInt64(messages.count - 1))))
    case 4, 5: insert(Self.codeChange(hasSecondModule, &stream), &stream)
    case 6: repeatRun(from: position, &stream)
    default: messages[position] = messages[position].withArgument(Self.argument(&stream))
    }
  }

  private mutating func insert(_ message: Message, _ stream: inout Stream) {
    guard messages.count < Self.longest else { return }
    messages.insert(message, at: 1 + Int(stream.next(below: UInt64(messages.count))))
  }

  /// The messages from a position on, up to four of them, come once more at the end.
  private mutating func repeatRun(from position: Int, _ stream: inout Stream) {
    let count = min(1 + Int(stream.next(below: 4)), messages.count - position)
    guard messages.count + count <= Self.longest else { return }
    messages += Array(messages[position..<position + count])
  }

  private static func codeChange(_ hasSecondModule: Bool, _ stream: inout Stream) -> Message {
    let choice: ModuleChoice = hasSecondModule && stream.next(below: 2) == 0 ? .second : .first
    return stream.next(below: 4) == 0
      ? .reinstall(choice, argument: argument(&stream)) : .upgrade(choice, argument: argument(&stream))
  }

  private static func argument(_ stream: inout Stream) -> [UInt8] {
    let count = stream.next(below: 4) == 0 ? Int(stream.next(below: 65)) : 8
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
  }
}

extension Message {
  fileprivate func withArgument(_ argument: [UInt8]) -> Message {
    switch self {
    case .install: .install(argument: argument)
    case .reinstall(let choice, _): .reinstall(choice, argument: argument)
    case .upgrade(let choice, _): .upgrade(choice, argument: argument)
    case .update(let name, _): .update(name: name, argument: argument)
    case .query(let name, _): .query(name: name, argument: argument)
    case .inspectMessage(let name, _): .inspectMessage(name: name, argument: argument)
    case .heartbeat, .globalTimer, .lowWasmMemory: self
    }
  }
}
