// The spine: one case through all stages to a verdict. Campaign, replay, minimizer and tests all call this.

import Canister
import ContentHash
import Execution
import Instrumentation
import Wasm

/// Which native lanes run.
public enum LaneSelection: Hashable, Sendable {
  /// The one that the case asks for.
  case ofCase
  case strategies([Strategy])

  func strategies(for testCase: Case) -> [Strategy] {
    switch self {
    case .ofCase: return [testCase.strategy]
    case .strategies(let strategies):
      guard testCase.strategy.memory.isDirect else { return strategies }
      // Such a module has its memory placement from the case; only the imports can stand elsewhere.
      return ImportPlacement.allCases.filter { imports in strategies.contains { $0.imports == imports } }
        .map { Strategy(memory: testCase.strategy.memory, imports: $0) }
    }
  }

  /// The case as the selection takes it: lanes with direct access make a case of that kind.
  func adjusted(_ testCase: Case) -> Case {
    guard case .strategies(let strategies) = self, let direct = strategies.first(where: \.memory.isDirect) else {
      return testCase
    }
    var adjusted = testCase
    adjusted.strategy = direct
    return adjusted
  }
}

/// Makes an instrumented module from a canister module.
public typealias Instrumenter = @Sendable (Module, Strategy, Parameters) throws(Fault) -> Module

/// Our own instrumenter.
public let standardInstrumenter: Instrumenter = { module, strategy, parameters throws(Fault) in
  do {
    return try instrument(module, strategy: strategy, parameters: parameters)
  } catch {
    throw Fault(.instrument, lane: .native(strategy), "\(error)")
  }
}

/// A stage that `runCase` has passed, for `stablefuzz trace`.
public struct TraceStep: Sendable {
  /// The stage and the function that does it.
  public let stage: String
  public let function: String
  public let digest: Digest
  public let detail: String
}

/// Runs cases, one after the other. Holds what is reused from case to case; one per worker.
public final class CaseRunner {
  private let instrumenter: Instrumenter
  private let hosts = HostWorkspace()
  private let natives = NativeWorkspace()
  /// Receives the stages of every case while set.
  public var trace: ((TraceStep) -> Void)?

  public init(instrumenter: @escaping Instrumenter = standardInstrumenter) { self.instrumenter = instrumenter }

  /// Runs a case on the host lane and the selected native lanes and compares them.
  ///
  /// - Returns: the verdict; whatever goes wrong is one.
  public func runCase(_ testCase: Case, lanes selection: LaneSelection = .ofCase) -> CaseResult {
    let testCase = selection.adjusted(testCase)
    var result = CaseResult(verdict: .agree, digest: .zero)
    do throws(Fault) {
      let modules = try CaseModules(testCase, trace: trace)
      let host = try modules.hostLane(workspace: hosts)
      result.observations = testCase.plan.messages.map(host.execute)
      result.effectiveStableCalls = host.effectiveStableCalls
      result.ranWithoutTrap = result.observations.allSatisfy(\.outcome.isSuccess)
      result.digest = digest(of: result.observations)
      step("execute host lane", "HostLane.execute", result.digest, "\(result.observations.count) messages")
      for strategy in selection.strategies(for: testCase) {
        let instrumented = try modules.instrumented(strategy, instrumenter)
        let native = try modules.nativeLane(instrumented, workspace: natives)
        result.verdict = compare(testCase, result.observations, native, strategy)
        step("compare native(\(strategy))", "CaseRunner.compare", result.digest, result.verdict.sentence)
        if case .diverge(let divergence) = result.verdict {
          result.verdict = .diverge(try explain(divergence, modules, instrumented))
        }
        if result.verdict != .agree { break }
      }
    } catch {
      result.verdict = .fault(error)
      if result.observations.isEmpty { result.digest = Digest(of: Array(error.description.utf8)) }
    }
    return result
  }

  /// Runs the plan on a native lane until it differs from the host lane.
  private func compare(_ testCase: Case, _ expected: [Observation], _ native: NativeLane, _ strategy: Strategy)
    -> Verdict
  {
    for (index, message) in testCase.plan.messages.enumerated() {
      let observation = native.execute(message)
      let isDirect = strategy.memory.isDirect
      if let reason = poison(expected[index], isDirect) ?? poison(observation, isDirect) {
        return .poisoned("message \(index) (\(message.summary)): \(reason)")
      }
      let expectation = isDirect ? expected[index].withCounts(of: observation) : expected[index]
      if observation.digest == expectation.digest { continue }
      return .diverge(
        Divergence(lane: .native(strategy), message: message, at: index, host: expectation, native: observation))
    }
    return .agree
  }

  /// Why lanes may rightly differ after this observation; nil where they may not.
  private func poison(_ observation: Observation, _ isDirect: Bool) -> String? {
    switch observation.outcome {
    case .trap(.stackOverflow): "call stack exhausted"
    case .hostMemoryExhausted: "host memory exhausted"
    // Direct accesses and the calls that stand for them cost differently (contract section 4).
    case .trap(.instructionLimitExceeded) where isDirect: "out of instructions with direct access"
    default: nil
    }
  }

  private func digest(of observations: [Observation]) -> Digest {
    var stream = DigestStream()
    for observation in observations { stream.add(observation.digest) }
    return stream.finish()
  }

  private func step(_ stage: String, _ function: String, _ digest: Digest, _ detail: String) {
    trace?(TraceStep(stage: stage, function: function, digest: digest, detail: detail))
  }

  // MARK: Opening the parts of a difference

  /// Runs both lanes again up to the differing message, recording stable calls, and names the first that differs.
  private func explain(
    _ divergence: Divergence, _ modules: CaseModules, _ instrumented: CaseModules.Instrumented
  ) throws(Fault) -> Divergence {
    let host = try modules.hostLane(workspace: hosts)
    let native = try modules.nativeLane(instrumented, workspace: natives, isTraced: true)
    for message in modules.plan.messages[..<divergence.messageIndex] {
      _ = host.execute(message)
      _ = native.execute(message)
    }
    let hostRecorder = StableCallRecorder()
    let nativeRecorder = StableCallRecorder()
    host.recorder = hostRecorder
    native.recorder = nativeRecorder
    defer { native.recorder = nil }
    _ = host.execute(divergence.message)
    _ = native.execute(divergence.message)
    // A module with direct access makes no calls that the host's could be held against.
    let hostCalls = instrumented.strategy.memory.isDirect ? [] : hostRecorder.calls
    return divergence.explained(hostCalls, nativeRecorder.calls, host, native)
  }
}

extension Observation {
  /// The observation with everything that counts taken from another: where stable memory is accessed directly, only
  /// contents, size, traps and replies have to agree. Which of two exceeded page limits is named counts among them.
  fileprivate func withCounts(of other: Observation) -> Observation {
    var result = self
    result.instructions = other.instructions
    result.dirtyPages = other.dirtyPages
    result.accessedPages = other.accessedPages
    result.performanceCounters = other.performanceCounters
    if case .trap(let mine) = outcome, case .trap(let theirs) = other.outcome, mine.isPageLimit, theirs.isPageLimit {
      result.outcome = other.outcome
    }
    return result
  }
}

extension CanisterError {
  fileprivate var isPageLimit: Bool {
    switch self {
    case .dirtyPageLimitExceeded, .accessedPageLimitExceeded: true
    default: false
    }
  }
}
