// What comparing lanes can come to. Made by `runCase`, read by campaign, minimizer and reports.

import Canister
import ContentHash
import Coverage
import Execution

/// One execution of a case's call plan, by name.
public enum LaneName: Hashable, Sendable, CustomStringConvertible {
  case host
  case native(Strategy)
  /// A native lane whose module an outside instrumenter has made.
  case external

  public var description: String {
    switch self {
    case .host: "host"
    case .native(let strategy): "native(\(strategy))"
    case .external: "external"
    }
  }
}

/// What can differ, in the order in which a difference is looked for: what others follow from comes first.
public enum Observable: String, CaseIterable, Codable, Sendable {
  /// Names that the instrumented module keeps in its name section, and what they stand for; compared before anything
  /// runs, and never different between two observations.
  case names
  case outcome
  case stableSize = "stable-size"
  case stableContents = "stable-contents"
  case dirtyPages = "dirty-pages"
  /// Pages marked in the bytemap are not the pages written.
  case bytemap
  case accessedPages = "accessed-pages"
  case heapSize = "heap-size"
  /// What was reported to `try_grow_wasm_memory` is not what the heap has grown by.
  case heapGrowth = "heap-growth"
  case heapContents = "heap-contents"
  case globals
  case debugOutput = "debug-output"
  case performanceCounters = "performance-counters"
  case instructions

  /// Whether two observations differ in it.
  func differs(_ left: Observation, _ right: Observation) -> Bool {
    switch self {
    case .names: false
    case .outcome: left.outcome != right.outcome
    case .stableSize: left.stableSize != right.stableSize
    case .stableContents: left.stableContents != right.stableContents
    case .dirtyPages: left.dirtyPages != right.dirtyPages
    case .bytemap: left.mismarkedPages != right.mismarkedPages
    case .accessedPages: left.accessedPages != right.accessedPages
    case .heapGrowth: left.misreportedHeapGrowth != right.misreportedHeapGrowth
    case .heapSize: left.heapSize != right.heapSize
    case .heapContents: left.heapContents != right.heapContents
    case .globals: left.globals != right.globals
    case .debugOutput: left.debugOutput != right.debugOutput
    case .performanceCounters: left.performanceCounters != right.performanceCounters
    case .instructions: left.instructions != right.instructions
    }
  }
}

/// The stable call from which on two lanes differ.
public struct DivergingCall: Hashable, Sendable {
  /// Number of the call among the stable calls of its message, from 0.
  public let index: Int
  /// nil where one lane made no further call.
  public let host: StableCall?
  public let native: StableCall?

  /// The function that a reader should look at.
  public var function: SystemFunction? { host?.function ?? native?.function }
}

/// How a lane differs from the host lane.
public struct Divergence: Hashable, Sendable {
  /// The native lane.
  public let lane: LaneName
  /// Position in the call plan, from 0.
  public let messageIndex: Int
  public let message: Message
  /// What differs, the first of those that do.
  public let observable: Observable
  /// The first stable call of the message that went differently; nil where none did.
  public let call: DivergingCall?
  /// The two values, in words.
  public let hostValue: String
  public let nativeValue: String

  /// The equivalence class: what differs, and in which function or kind of message. What an outside instrumenter makes
  /// has classes of its own, so that its mistakes do not stand in the way of ours.
  public var bucket: String {
    let place = call?.function?.name ?? message.kind
    return (lane == .external ? "external." : "") + "\(observable.rawValue).\(place)"
  }

  /// The first differing message, call and observable in one sentence.
  public var sentence: String {
    var text = "message \(messageIndex) (\(message.summary))"
    if let call, let function = call.function {
      let arguments = (call.host ?? call.native)?.arguments.map(String.init).joined(separator: ", ") ?? ""
      text += ", stable call \(call.index) \(function.name)(\(arguments))"
    }
    return text + ": \(observable.rawValue) differs: host \(hostValue), \(lane) \(nativeValue)"
  }
}

extension Message {
  /// The message's kind without its arguments, as part of a bucket's name.
  var kind: String {
    switch self {
    case .install: "install"
    case .reinstall: "reinstall"
    case .upgrade: "upgrade"
    case .update: "update"
    case .query: "query"
    case .heartbeat: "heartbeat"
    case .globalTimer: "global_timer"
    case .lowWasmMemory: "on_low_wasm_memory"
    case .inspectMessage: "inspect_message"
    }
  }
}

/// The harness itself is wrong, or a tool that it was told to use.
public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which stage failed.
  public enum Stage: String, Codable, Sendable {
    case decode, validate, roundTrip = "round-trip", canisterRules = "canister-rules", lower, translate, instrument
    case instrumentedDecode = "instrumented-decode", instrumentedValidate = "instrumented-validate"
    case instrumentedABI = "instrumented-abi"
    /// An outside instrumenter could not be started, died, took too long, spoke out of turn, gave nothing.
    case toolStart = "start", toolCrash = "crash", toolTimeout = "timeout", toolFrame = "frame", toolOutput = "output"
  }

  /// Where it happened.
  public let stage: Stage
  /// nil where the fault comes before lanes.
  public let lane: LaneName?
  /// What went wrong, with its place.
  public let reason: String

  public init(_ stage: Stage, lane: LaneName? = nil, _ reason: String) {
    self.stage = stage
    self.lane = lane
    self.reason = reason
  }

  /// Whether an outside instrumenter is to blame and not the harness.
  public var isOfTool: Bool { lane == .external }

  /// The equivalence class of the fault.
  public var bucket: String { (isOfTool ? "tool." : "fault.") + stage.rawValue }

  public var description: String {
    "\(stage.rawValue)" + (lane.map { " (\($0))" } ?? "") + ": \(reason)"
  }
}

/// What a case came to.
public enum Verdict: Hashable, Sendable {
  case agree
  /// The lanes may rightly differ: stack or host memory exhausted in one of them.
  case poisoned(String)
  case diverge(Divergence)
  case fault(Fault)
  /// An outside instrumenter has failed, or what it made is no instrumented module.
  case toolFailure(Fault)

  /// The verdict about a case that could not be compared.
  public init(_ fault: Fault) { self = fault.isOfTool ? .toolFailure(fault) : .fault(fault) }

  /// The name of the verdict.
  public var name: String {
    switch self {
    case .agree: "agree"
    case .poisoned: "poisoned"
    case .diverge: "diverge"
    case .fault: "fault"
    case .toolFailure: "tool-failure"
    }
  }

  /// Whether an outside instrumenter has failed.
  public var isToolFailure: Bool { if case .toolFailure = self { true } else { false } }

  /// The equivalence class of a divergence, fault or failure; nil for the other two.
  public var bucket: String? {
    switch self {
    case .agree, .poisoned: nil
    case .diverge(let divergence): divergence.bucket
    case .fault(let fault), .toolFailure(let fault): fault.bucket
    }
  }

  /// The verdict in one sentence.
  public var sentence: String {
    switch self {
    case .agree: "all lanes agree"
    case .poisoned(let reason): "poisoned: \(reason)"
    case .diverge(let divergence): divergence.sentence
    case .fault(let fault): "fault in \(fault)"
    case .toolFailure(let fault): "failure of the outside instrumenter: \(fault)"
    }
  }

  /// The lane that the verdict is about; nil where it comes before lanes or is about none.
  public var lane: LaneName? {
    switch self {
    case .agree, .poisoned: nil
    case .diverge(let divergence): divergence.lane
    case .fault(let fault), .toolFailure(let fault): fault.lane
    }
  }
}

/// The result of one case.
public struct CaseResult: Sendable {
  public var verdict: Verdict
  /// Hash of the host lane's observation digests in order; of the fault's description where there are none.
  public var digest: Digest
  /// What the host lane observed, message by message.
  public var observations: [Observation] = []
  /// Stable calls of the host lane that moved data or grew memory.
  public var effectiveStableCalls = 0
  /// Whether no message trapped or was refused.
  public var ranWithoutTrap = false
  /// Steps that the native lanes made: a measure of the time that executing takes, the same on every machine.
  public var steps: UInt64 = 0
  /// What the case reached; empty where the runner does not collect it.
  public var coverage: CaseCoverage = []
}

extension Outcome {
  /// Whether the message ran to its end.
  var isSuccess: Bool {
    switch self {
    case .reply, .reject, .noReply, .accepted: true
    case .trap, .refused, .hostMemoryExhausted, .runaway: false
    }
  }
}
