// The spine: one case through all stages to a verdict. Campaign, replay, minimizer and tests all call this.

import Canister
import ContentHash
import Coverage
import Execution
import Instrumentation
import Wasm

/// Which native lanes run.
public enum LaneSelection: Hashable, Sendable {
  /// The one that the case asks for.
  case ofCase
  case strategies([Strategy])
  /// Only the lane of the outside instrumenter, which otherwise runs besides the others.
  case external

  func strategies(for testCase: Case) -> [Strategy] {
    switch self {
    case .ofCase: return [testCase.strategy]
    case .external: return []
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

/// An instrumenter outside of this program, whose output is a native lane of its own. Used by one thread at a time.
public protocol OutsideInstrumenter: AnyObject {
  /// Whether it is guided by the parameters that come with a module. Of the others, only production's are asked.
  var heedsParameters: Bool { get }

  /// The instrumented form of a module, both as bytes.
  /// - Throws: a fault of the lane `external`.
  func instrument(_ module: [UInt8], parameters: Parameters) throws(Fault) -> [UInt8]
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
  private let outside: (any OutsideInstrumenter)?
  let hosts = HostWorkspace()
  let natives = NativeWorkspace()
  let cache = ModuleCache()
  /// Mistakes of the lanes themselves, for grading.
  public var faults = LaneFaults.none
  /// Receives the stages of every case while set.
  public var trace: ((TraceStep) -> Void)?
  /// Collects what each case reaches while set.
  public var coverage: CoverageCollector?
  /// Whether native lanes run with a probe in each branch of injected code; only with `coverage`.
  public var probesBranches = false
  /// The observable of the divergences that are explained, which runs both lanes again; nil: all.
  private var soughtObservable: Observable?

  /// - Parameter outside: makes the module of one more lane, `external`.
  public init(
    instrumenter: @escaping Instrumenter = standardInstrumenter, outside: (any OutsideInstrumenter)? = nil
  ) {
    self.instrumenter = instrumenter
    self.outside = outside
  }

  /// Runs a case on the host lane and the selected native lanes and compares them.
  ///
  /// - Returns: the verdict; whatever goes wrong is one.
  public func runCase(_ testCase: Case, lanes selection: LaneSelection = .ofCase) -> CaseResult {
    let testCase = adapted(selection.adjusted(testCase))
    var result = CaseResult(verdict: .agree, digest: .zero)
    do throws(Fault) {
      let modules = try CaseModules(testCase, faults: faults, cache: cache, trace: trace)
      let host = try modules.hostLane(workspace: hosts)
      host.observer = coverage
      result.observations = testCase.plan.messages.map(host.execute)
      result.effectiveStableCalls = host.effectiveStableCalls
      result.ranWithoutTrap = result.observations.allSatisfy(\.outcome.isSuccess)
      result.digest = digest(of: result.observations)
      step("execute host lane", "HostLane.execute", result.digest, "\(result.observations.count) messages")
      let lanes = lanes(selection, testCase)
      // Nothing was compared; only modules with direct access have no form for an outside instrumenter.
      if lanes.isEmpty {
        let reason = outside == nil ? "no instrumenter was named" : "direct access is no replica's"
        result.verdict = .poisoned("no native lane can run it: \(reason)")
      }
      for lane in lanes {
        let instrumented = try modules.instrumented(lane, instrumenter, outside)
        let (verdict, steps) = try compare(testCase, result.observations, modules, instrumented)
        result.verdict = verdict
        result.steps += steps
        step("compare \(lane)", "CaseRunner.compare", result.digest, result.verdict.sentence)
        if case .diverge(let divergence) = result.verdict, divergence.observable != .names,
          soughtObservable ?? divergence.observable == divergence.observable
        {
          result.verdict = .diverge(try explain(divergence, modules, instrumented))
        }
        if result.verdict != .agree { break }
      }
    } catch {
      result.verdict = Verdict(error)
      if result.observations.isEmpty { result.digest = Digest(of: Array(error.description.utf8)) }
    }
    result.coverage = coverage?.take() ?? []
    return result
  }

  /// Runs many variants of a case of which only those matter that show the same: without coverage, and without
  /// explaining other divergences.
  public func searching<Result>(for verdict: Verdict, _ body: () -> Result) -> Result {
    let collector = coverage
    coverage = nil
    if case .diverge(let divergence) = verdict { soughtObservable = divergence.observable }
    defer {
      coverage = collector
      soughtObservable = nil
    }
    return body()
  }

  /// The native lanes to run, in order.
  private func lanes(_ selection: LaneSelection, _ testCase: Case) -> [LaneName] {
    // Direct access is ours alone: no replica's instrumenter knows it.
    selection.strategies(for: testCase).map(LaneName.native)
      + (outside == nil || testCase.strategy.memory.isDirect ? [] : [.external])
  }

  /// The case as all lanes can run it: an outside instrumenter that knows production's limits and charges only cannot be
  /// blamed for using them.
  private func adapted(_ testCase: Case) -> Case {
    guard let outside, !outside.heedsParameters else { return testCase }
    var result = testCase
    let production = Parameters()
    result.parameters.heapLimit32 = production.heapLimit32
    result.parameters.heapLimit64 = production.heapLimit64
    result.parameters.dirtyPageOverhead = production.dirtyPageOverhead
    return result
  }

  /// Compares with the native lane of these modules, which has probes if they are wanted.
  ///
  /// - Returns: the verdict, and the steps that the lane made.
  private func compare(
    _ testCase: Case, _ expected: [Observation], _ modules: CaseModules, _ instrumented: CaseModules.Instrumented
  ) throws(Fault) -> (Verdict, steps: UInt64) {
    // Of a module that others made, nobody knows which branch is which.
    let isProbed = coverage != nil && probesBranches && instrumented.lane != .external
    let probed = isProbed ? modules.probed(instrumented) : nil
    let native = try modules.nativeLane(
      instrumented, workspace: natives, reporting: probed.map { .branches($0) } ?? .nothing)
    if let divergence = modules.namesDivergence(instrumented) { return (divergence, 0) }
    let verdict = compare(testCase, expected, native, instrumented.lane)
    if let probed { coverage?.insert(probed, from: native) }
    return (verdict, native.steps)
  }

  /// Runs the plan on a native lane until it differs from the host lane.
  func compare(_ testCase: Case, _ expected: [Observation], _ native: NativeLane, _ lane: LaneName)
    -> Verdict
  {
    for (index, message) in testCase.plan.messages.enumerated() {
      let observation = native.execute(faults.rewritten(message))
      let isDirect = testCase.strategy.memory.isDirect
      if let reason = poison(expected[index], isDirect) ?? poison(observation, isDirect) {
        return .poisoned("message \(index) (\(message.summary)): \(reason)")
      }
      let expectation = isDirect ? expected[index].withCounts(of: observation) : expected[index]
      if observation.digest == expectation.digest { continue }
      return .diverge(
        Divergence(lane: lane, message: message, at: index, host: expectation, native: observation))
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
    let native = try modules.nativeLane(instrumented, workspace: natives, reporting: .calls)
    for message in modules.plan.messages[..<divergence.messageIndex] {
      _ = host.execute(message)
      _ = native.execute(faults.rewritten(message))
    }
    let hostRecorder = StableCallRecorder()
    let nativeRecorder = StableCallRecorder()
    host.recorder = hostRecorder
    native.recorder = nativeRecorder
    defer { native.recorder = nil }
    _ = host.execute(divergence.message)
    _ = native.execute(faults.rewritten(divergence.message))
    // A module with direct access makes no calls that the host's could be held against, and where the functions of an
    // outside instrumenter stand elsewhere, its calls are not seen.
    let isUnseen = instrumented.lane == .external && nativeRecorder.calls.isEmpty
    let hostCalls = modules.first.isDirect || isUnseen ? [] : hostRecorder.calls
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
