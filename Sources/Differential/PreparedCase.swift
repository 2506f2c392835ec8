// A case whose host lane has run once, to be compared with many native lanes: what grading runs its mutants against.

import Canister
import Execution
import Wasm

/// A case with what its host lane did.
public final class PreparedCase {
  public let testCase: Case
  /// What the host lane observed, message by message.
  public let observations: [Observation]
  /// The stable functions that the canister has called.
  public let calledFunctions: Set<SystemFunction>
  let modules: CaseModules

  /// The case's modules, the second one where there is one.
  public var originals: [Module] { [modules.first.original] + (modules.second.map { [$0.original] } ?? []) }

  init(_ testCase: Case, _ modules: CaseModules, _ observations: [Observation], _ called: Set<SystemFunction>) {
    self.testCase = testCase
    self.modules = modules
    self.observations = observations
    calledFunctions = called
  }
}

extension CaseRunner {
  /// Decodes and validates a case and runs its host lane.
  public func prepare(_ testCase: Case) throws(Fault) -> PreparedCase {
    let modules = try CaseModules(testCase, faults: faults, cache: cache, trace: nil)
    let host = try modules.hostLane(workspace: hosts)
    let recorder = StableCallRecorder()
    host.recorder = recorder
    var called: Set<SystemFunction> = []
    let observations = testCase.plan.messages.map { message in
      let observation = host.execute(message)
      for call in recorder.calls { called.insert(call.function) }
      return observation
    }
    return PreparedCase(testCase, modules, observations, called)
  }

  /// Compares a prepared case with the native lane of these instrumented modules, one per module of the case.
  ///
  /// - Parameter instrumented: valid modules.
  /// - Returns: the verdict, with a divergence not further explained.
  public func judge(_ prepared: PreparedCase, _ instrumented: [Module], _ strategy: Strategy) -> Verdict {
    let lane = LaneName.native(strategy)
    do throws(Fault) {
      guard let first = instrumented.first else { return .agree }
      let modules = CaseModules.Instrumented(
        lane: lane, first: InstrumentedModule(first),
        second: instrumented.count > 1 ? InstrumentedModule(instrumented[1]) : nil)
      let native = try prepared.modules.nativeLane(modules, workspace: natives)
      if let divergence = prepared.modules.namesDivergence(modules) { return divergence }
      return compare(prepared.testCase, prepared.observations, native, lane)
    } catch {
      return Verdict(error)
    }
  }

  /// Runs the native lane of modules that note what they execute.
  ///
  /// - Parameter words: globals at the end of each module in which they do.
  /// - Returns: the bits that were set; nil where the modules do not become a lane.
  public func probe(
    _ prepared: PreparedCase, _ probes: [Module], _ strategy: Strategy, words: Int
  ) -> [UInt64]? {
    guard let first = probes.first,
      let native = try? prepared.modules.nativeLane(
        CaseModules.Instrumented(
          lane: .native(strategy), first: InstrumentedModule(first),
          second: probes.count > 1 ? InstrumentedModule(probes[1]) : nil), workspace: natives)
    else { return nil }
    native.probeWords = words
    for message in prepared.testCase.plan.messages { _ = native.execute(message) }
    return native.probe
  }

  /// The calls of stable functions that the native lane of these modules makes, message by message.
  ///
  /// - Returns: nil where the modules do not become a lane.
  public func stableCalls(
    _ prepared: PreparedCase, _ instrumented: [Module], _ strategy: Strategy
  ) -> [[StableCall]]? {
    guard let first = instrumented.first,
      let native = try? prepared.modules.nativeLane(
        CaseModules.Instrumented(
          lane: .native(strategy), first: InstrumentedModule(first),
          second: instrumented.count > 1 ? InstrumentedModule(instrumented[1]) : nil),
        workspace: natives, reporting: .calls)
    else { return nil }
    let recorder = StableCallRecorder()
    native.recorder = recorder
    defer { native.recorder = nil }
    return prepared.testCase.plan.messages.map { message in
      _ = native.execute(message)
      return recorder.calls
    }
  }
}
