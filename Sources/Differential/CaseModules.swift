// The modules of a case on their way to the lanes: decoded, validated, instrumented, translated. Used by `runCase`.

import Canister
import ContentHash
import Execution
import Lowering
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
  private let first: CanisterForm
  private let second: CanisterForm?
  private let parameters: Parameters
  private let trace: ((TraceStep) -> Void)?

  /// Decodes and validates. Nothing that does not pass comes near a lane.
  init(_ testCase: Case, trace: ((TraceStep) -> Void)?) throws(Fault) {
    plan = testCase.plan
    parameters = testCase.parameters
    self.trace = trace
    let placement = testCase.strategy.memory
    first = try Self.load(testCase.module, placement, parameters, trace)
    if let bytes = testCase.secondModule {
      second = try Self.load(bytes, placement, parameters, trace)
    } else {
      second = nil
    }
  }

  private static func load(
    _ bytes: [UInt8], _ placement: MemoryPlacement, _ parameters: Parameters, _ trace: ((TraceStep) -> Void)?
  ) throws(Fault) -> CanisterForm {
    let module: Module
    do { module = try decode(bytes) } catch { throw Fault(.decode, "\(error)") }
    trace?(
      TraceStep(
        stage: "decode", function: "Wasm.decode", digest: Digest(of: bytes),
        detail: "\(bytes.count) bytes, \(module.functions.count) functions"))
    do { try validate(module) } catch { throw Fault(.validate, "\(locate(error, in: bytes))") }
    let form: CanisterForm
    do {
      form = try validateCanister(module, placement: placement, parameters: parameters)
    } catch {
      throw Fault(.canisterRules, "\(error)")
    }
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
    return form
  }

  // MARK: Host lane

  func hostLane(workspace: HostWorkspace) throws(Fault) -> HostLane {
    HostLane(
      first: try hostModule(first), second: try second.map { form throws(Fault) in try hostModule(form) },
      parameters: parameters, workspace: workspace)
  }

  private func hostModule(_ form: CanisterForm) throws(Fault) -> HostModule {
    var module = form.module
    if form.isDirect {
      module = lowerToCalls(form)
      do { try validate(module) } catch { throw Fault(.lower, lane: .host, "\(error)") }
      trace?(
        TraceStep(
          stage: "lower to calls", function: "Lowering.lowerToCalls", digest: Digest(of: encode(module)),
          detail: "\(module.functions.count) functions"))
    }
    let roles = form.memories.filter { $0 != .stable }
    let scratch = roles.indices.filter { roles[$0] == .scratch }
    do { return try HostModule(module, parameters: parameters, scratchMemories: scratch) } catch {
      throw Fault(.translate, lane: .host, "\(error)")
    }
  }

  // MARK: Native lanes

  func instrumented(_ strategy: Strategy, _ instrumenter: Instrumenter) throws(Fault) -> Instrumented {
    Instrumented(
      strategy: strategy, first: try instrumented(first, strategy, instrumenter),
      second: try second.map { form throws(Fault) in try instrumented(form, strategy, instrumenter) })
  }

  private func instrumented(
    _ form: CanisterForm, _ strategy: Strategy, _ instrumenter: Instrumenter
  ) throws(Fault) -> Module {
    let lane = LaneName.native(strategy)
    let bytes = encode(try instrumenter(form.original, strategy, parameters))
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
      first: try nativeModule(first, instrumented.first, instrumented.strategy, isTraced),
      second: try instrumented.second.map { module throws(Fault) in
        try nativeModule(second ?? first, module, instrumented.strategy, isTraced)
      }, parameters: parameters, workspace: workspace)
  }

  private func nativeModule(
    _ form: CanisterForm, _ instrumented: Module, _ strategy: Strategy, _ isTraced: Bool
  ) throws(Fault) -> NativeModule {
    do { return try NativeModule(form: form, instrumented: instrumented, isTraced: isTraced) } catch {
      throw Fault(.instrumentedABI, lane: .native(strategy), "\(error)")
    }
  }
}
