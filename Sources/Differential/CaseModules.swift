// The modules of a case on their way to the lanes: decoded, validated, instrumented, translated. Used by `runCase`.

import Canister
import ContentHash
import Coverage
import Execution
import Wasm

/// A case's decoded and validated modules.
struct CaseModules {
  /// Instrumented forms of the case's modules.
  struct Instrumented {
    let strategy: Strategy
    let first: Module
    let second: Module?
  }

  let plan: CallPlan
  private let first: Module
  private let second: Module?
  private let parameters: Parameters
  private let trace: ((TraceStep) -> Void)?

  /// Decodes and validates. Nothing that does not pass comes near a lane.
  init(_ testCase: Case, trace: ((TraceStep) -> Void)?) throws(Fault) {
    plan = testCase.plan
    parameters = testCase.parameters
    self.trace = trace
    first = try Self.load(testCase.module, parameters, trace)
    if let bytes = testCase.secondModule {
      second = try Self.load(bytes, parameters, trace)
    } else {
      second = nil
    }
  }

  private static func load(
    _ bytes: [UInt8], _ parameters: Parameters, _ trace: ((TraceStep) -> Void)?
  ) throws(Fault) -> Module {
    let module: Module
    do { module = try decode(bytes) } catch { throw Fault(.decode, "\(error)") }
    trace?(
      TraceStep(
        stage: "decode", function: "Wasm.decode", digest: Digest(of: bytes),
        detail: "\(bytes.count) bytes, \(module.functions.count) functions"))
    do { try validate(module) } catch { throw Fault(.validate, "\(locate(error, in: bytes))") }
    do { try validateCanister(module, parameters: parameters) } catch { throw Fault(.canisterRules, "\(error)") }
    let encoded = encode(module)
    do {
      guard try decode(encoded) == module else { throw Fault(.roundTrip, "decode(encode(m)) ≠ m") }
    } catch {
      throw error as? Fault ?? Fault(.roundTrip, "\(error)")
    }
    trace?(
      TraceStep(
        stage: "validate", function: "Wasm.validate, Canister.validateCanister", digest: Digest(of: encoded),
        detail: "valid; decode(encode(m)) = m"))
    return module
  }

  // MARK: Host lane

  func hostLane(workspace: HostWorkspace) throws(Fault) -> HostLane {
    HostLane(
      first: try hostModule(first), second: try second.map { module throws(Fault) in try hostModule(module) },
      parameters: parameters, workspace: workspace)
  }

  private func hostModule(_ module: Module) throws(Fault) -> HostModule {
    do { return try HostModule(module, parameters: parameters) } catch {
      throw Fault(.translate, lane: .host, "\(error)")
    }
  }

  // MARK: Native lanes

  func instrumented(_ strategy: Strategy, _ instrumenter: Instrumenter) throws(Fault) -> Instrumented {
    Instrumented(
      strategy: strategy, first: try instrumented(first, strategy, instrumenter),
      second: try second.map { module throws(Fault) in try instrumented(module, strategy, instrumenter) })
  }

  private func instrumented(
    _ module: Module, _ strategy: Strategy, _ instrumenter: Instrumenter
  ) throws(Fault) -> Module {
    let lane = LaneName.native(strategy)
    let bytes = encode(try instrumenter(module, strategy, parameters))
    // What runs is what another tool would read: the bytes, not our model of them.
    let instrumented: Module
    do { instrumented = try decode(bytes) } catch { throw Fault(.instrumentedDecode, lane: lane, "\(error)") }
    do { try validate(instrumented) } catch {
      throw Fault(.instrumentedValidate, lane: lane, "\(locate(error, in: bytes))")
    }
    trace?(
      TraceStep(
        stage: "instrument \(strategy)", function: "Instrumentation.instrument, Wasm.validate",
        digest: Digest(of: bytes), detail: "\(bytes.count) bytes, \(instrumented.functions.count) functions"))
    return instrumented
  }

  func nativeLane(
    _ instrumented: Instrumented, workspace: NativeWorkspace, isTraced: Bool = false
  ) throws(Fault) -> NativeLane {
    NativeLane(
      first: try nativeModule(first, instrumented.first, instrumented.strategy, isTraced: isTraced),
      second: try instrumented.second.map { module throws(Fault) in
        try nativeModule(second ?? first, module, instrumented.strategy, isTraced: isTraced)
      }, parameters: parameters, workspace: workspace)
  }

  /// The modules with a probe in each branch of injected code.
  func probed(_ instrumented: Instrumented) -> ProbedModules {
    ProbedModules(
      first: ProbedModule(instrumented.first, original: first),
      second: instrumented.second.map { ProbedModule($0, original: second ?? first) })
  }

  /// A lane that reports which branches it takes.
  func nativeLane(
    _ probed: ProbedModules, _ strategy: Strategy, workspace: NativeWorkspace
  ) throws(Fault) -> NativeLane {
    func nativeModule(_ original: Module, _ probed: ProbedModule) throws(Fault) -> NativeModule {
      try self.nativeModule(original, probed.module, strategy, probeCount: probed.probeCount)
    }
    return NativeLane(
      first: try nativeModule(first, probed.first),
      second: try probed.second.map { module throws(Fault) in try nativeModule(second ?? first, module) },
      parameters: parameters, workspace: workspace)
  }

  private func nativeModule(
    _ original: Module, _ instrumented: Module, _ strategy: Strategy, isTraced: Bool = false, probeCount: Int = 0
  ) throws(Fault) -> NativeModule {
    do {
      return try NativeModule(
        original: original, instrumented: instrumented, isTraced: isTraced, probeCount: probeCount)
    } catch {
      throw Fault(.instrumentedABI, lane: .native(strategy), "\(error)")
    }
  }
}
