// Mutants of the lanes themselves: what they keep and take back when an execution ends, which message they get, and how
// the host lane serves stable functions. Planted through `LaneFaults`, so that no lane has code for them.

import Canister
import Differential
import Execution
import Instrumentation

/// A mistake in a lane.
public struct LaneMutant: Sendable {
  public let name: String
  public let sentence: String
  public let faults: LaneFaults

  private init(_ name: String, _ sentence: String, _ plant: (inout LaneFaults) -> Void) {
    self.name = name
    self.sentence = sentence
    var faults = LaneFaults()
    plant(&faults)
    self.faults = faults
  }

  /// All of them, in a fixed order.
  public static let all: [LaneMutant] = settling + messages + stableFunctions

  // MARK: Commit and rollback

  private static let settling: [LaneMutant] = ["host", "native"].flatMap { lane in
    Ending.allCases.flatMap { ending in
      StatePart.allCases.compactMap { part -> LaneMutant? in
        // Only the native lane settles stable memory between the stages of an upgrade.
        if ending == .preUpgraded && (lane == "host" || part != .stable) { return nil }
        // There are no globals before an installation that could be taken back to.
        if ending == .installed && part == .globals { return nil }
        let isKept = ending == .kept || ending == .preUpgraded || ending == .installed
        return LaneMutant(
          "lane/\(lane)/\(ending.rawValue)/\(part.rawValue)",
          "The \(lane) lane \(isKept ? "loses" : "keeps") the changes of \(part.words) \(ending.words)."
        ) { faults in
          let rule = Settling(wrongFor: part, at: ending)
          if lane == "host" { faults.hostSettling = rule } else { faults.nativeSettling = rule }
        }
      }
    }
  }

  // MARK: Messages

  private static let messages: [LaneMutant] = [
    message("upgrade-is-reinstall", "An upgrade of the native lane starts with an empty stable memory.") {
      if case .upgrade(let choice, let argument) = $0 { .reinstall(choice, argument: argument) } else { $0 }
    },
    message("reinstall-is-upgrade", "A reinstallation of the native lane keeps stable memory.") {
      if case .reinstall(let choice, let argument) = $0 { .upgrade(choice, argument: argument) } else { $0 }
    },
    message("upgrade-to-old-module", "An upgrade of the native lane installs the first module again.") {
      if case .upgrade(.second, let argument) = $0 { .upgrade(.first, argument: argument) } else { $0 }
    },
    message("upgrade-to-new-module", "An upgrade of the native lane to the first module installs the second.") {
      if case .upgrade(.first, let argument) = $0 { .upgrade(.second, argument: argument) } else { $0 }
    },
    message("reinstall-old-module", "A reinstallation of the native lane installs the first module.") {
      if case .reinstall(.second, let argument) = $0 { .reinstall(.first, argument: argument) } else { $0 }
    },
    message("install-argument-lost", "The native lane's installation gets no argument.") {
      if case .install = $0 { .install(argument: []) } else { $0 }
    },
    message("upgrade-argument-lost", "The native lane's upgrade gets no argument.") {
      if case .upgrade(let choice, _) = $0 { .upgrade(choice, argument: []) } else { $0 }
    },
    message("update-argument-cut", "The native lane's update gets one byte less of its argument.") {
      if case .update(let name, let argument) = $0 { .update(name: name, argument: argument.dropLast()) } else { $0 }
    },
    message("query-argument-cut", "The native lane's query gets one byte less of its argument.") {
      if case .query(let name, let argument) = $0 { .query(name: name, argument: argument.dropLast()) } else { $0 }
    },
    message("heartbeat-is-timer", "The native lane's heartbeat runs the timer.") {
      $0 == .heartbeat ? .globalTimer : $0
    },
    message("timer-is-heartbeat", "The native lane's timer runs the heartbeat.") {
      $0 == .globalTimer ? .heartbeat : $0
    },
  ]

  private static func message(
    _ name: String, _ sentence: String, _ change: @escaping @Sendable (Message) -> Message
  ) -> LaneMutant {
    LaneMutant("lane/message/\(name)", sentence) { $0.rewritten = change }
  }

  // MARK: Stable functions of the host lane

  private static let stableFunctions: [LaneMutant] = InstrumentedLayout.replacementOrder.flatMap { function in
    StableFault.all(for: function).map { fault in
      LaneMutant("lane/host/\(function.name)/\(fault.name)", "The host lane's \(function.name) \(fault.words).") {
        $0.aroundHost = { FaultyServer($0, function, fault) }
      }
    }
  }
}

extension StatePart {
  fileprivate var words: String {
    switch self {
    case .stable: "stable memory"
    case .heap: "the heap"
    case .globals: "globals"
    }
  }
}

extension Ending {
  fileprivate var words: String {
    switch self {
    case .kept: "of a message that succeeds"
    case .dropped: "of a query"
    case .trapped: "of a message that traps"
    case .preUpgraded: "of pre_upgrade"
    case .installed: "of an installation or upgrade"
    case .notInstalled: "of an installation or upgrade that fails"
    }
  }
}

/// What goes wrong around a stable function.
private enum StableFault: Sendable {
  case argument(Int, by: Int64)
  case result(by: Int64)
  case charge(by: Int64)
  case dropped, doubled, trapIgnored

  static func all(for function: SystemFunction) -> [StableFault] {
    let row = function.row
    var faults: [StableFault] = row.parameters.indices.flatMap { [.argument($0, by: 1), .argument($0, by: -1)] }
    if row.result != nil { faults += [.result(by: 1), .result(by: -1)] }
    faults += [.charge(by: 1), .charge(by: -1), .dropped]
    // Asking for a size twice is asking once.
    if !row.parameters.isEmpty { faults.append(.doubled) }
    // The others have no trap but running out.
    if !row.parameters.isEmpty && function != .stable64Grow || function == .stableSize { faults.append(.trapIgnored) }
    return faults
  }

  var name: String {
    switch self {
    case .argument(let number, let change): "argument-\(number)\(change > 0 ? "-plus-1" : "-minus-1")"
    case .result(let change): "result\(change > 0 ? "-plus-1" : "-minus-1")"
    case .charge(let change): "charge\(change > 0 ? "-plus-1" : "-minus-1")"
    case .dropped: "dropped"
    case .doubled: "doubled"
    case .trapIgnored: "trap-ignored"
    }
  }

  var words: String {
    switch self {
    case .argument(let number, let change): "takes its argument \(number) for one \(change > 0 ? "more" : "less")"
    case .result(let change): "returns one \(change > 0 ? "more" : "less")"
    case .charge(let change): "charges one instruction too \(change > 0 ? "much" : "little")"
    case .dropped: "does nothing"
    case .doubled: "does everything twice"
    case .trapIgnored: "goes on where it should trap"
    }
  }
}

/// The host lane's stable functions with a mistake in one of them.
private final class FaultyServer: StableFunctionServer {
  private let base: HostStableFunctions
  private let function: SystemFunction
  private let fault: StableFault

  init(_ base: HostStableFunctions, _ function: SystemFunction, _ fault: StableFault) {
    self.base = base
    self.function = function
    self.fault = fault
  }

  func call(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, counter: inout Int64
  ) throws(Trap) {
    guard function == self.function else { return try base.call(function, slots, counter: &counter) }
    switch fault {
    case .argument(let number, let change):
      // 32-bit functions look at the low half only.
      slots[number] &+= UInt64(bitPattern: change)
      try base.call(function, slots, counter: &counter)
    case .result(let change):
      try base.call(function, slots, counter: &counter)
      slots[0] &+= UInt64(bitPattern: change)
      if function.row.result?.valueType(is64BitHeap: false) == .i32 { slots[0] &= 0xFFFF_FFFF }
    case .charge(let change):
      try base.call(function, slots, counter: &counter)
      counter -= change
    case .dropped: slots[0] = 0
    case .doubled:
      let arguments = function.row.parameters.indices.map { slots[$0] }
      try base.call(function, slots, counter: &counter)
      for (position, argument) in arguments.enumerated() { slots[position] = argument }
      try base.call(function, slots, counter: &counter)
    case .trapIgnored:
      do throws(Trap) { try base.call(function, slots, counter: &counter) } catch {
        if error == .outOfInstructions { throw error }
      }
    }
  }
}
