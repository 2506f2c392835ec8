// The modules of a case on their way to the lanes: decoded, validated, instrumented, translated. Used by `runCase`.

import Canister
import ContentHash
import Coverage
import Execution
import Lowering
import Wasm

/// A case's decoded and validated modules.
struct CaseModules {
  /// Instrumented forms of the case's modules.
  struct Instrumented {
    let lane: LaneName
    let first: Module
    let second: Module?
  }

  let plan: CallPlan
  private let testCase: Case
  let first: CanisterForm
  let second: CanisterForm?
  private let parameters: Parameters
  private let faults: LaneFaults
  private let trace: ((TraceStep) -> Void)?

  /// Decodes and validates. Nothing that does not pass comes near a lane.
  init(_ testCase: Case, faults: LaneFaults = .none, trace: ((TraceStep) -> Void)?) throws(Fault) {
    self.testCase = testCase
    plan = testCase.plan
    parameters = testCase.parameters
    self.faults = faults
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
      parameters: parameters, workspace: workspace, settling: faults.hostSettling, around: faults.aroundHost)
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

  /// The modules of a native lane: made by our instrumenter, or by the outside one.
  func instrumented(
    _ lane: LaneName, _ instrumenter: Instrumenter, _ outside: (any OutsideInstrumenter)?
  ) throws(Fault) -> Instrumented {
    func bytes(_ form: CanisterForm, _ original: [UInt8]) throws(Fault) -> [UInt8] {
      switch lane {
      case .native(let strategy): encode(try instrumenter(form.original, strategy, parameters))
      case .external: try outside?.instrument(original, parameters: parameters) ?? []
      case .host: original
      }
    }
    return Instrumented(
      lane: lane, first: try checked(try bytes(first, testCase.module), lane),
      second: try second.map { form throws(Fault) in
        try checked(try bytes(form, testCase.secondModule ?? testCase.module), lane)
      })
  }

  private func checked(_ bytes: [UInt8], _ lane: LaneName) throws(Fault) -> Module {
    // What runs is what another tool would read: the bytes, not our model of them.
    let instrumented: Module
    do { instrumented = try decode(bytes) } catch { throw Fault(.instrumentedDecode, lane: lane, "\(error)") }
    do { try validate(instrumented) } catch {
      throw Fault(.instrumentedValidate, lane: lane, "\(locate(error, in: bytes))")
    }
    trace?(
      TraceStep(
        stage: "instrument \(lane)",
        function: lane == .external
          ? "OutsideInstrumenter, Wasm.validate" : "Instrumentation.instrument, Wasm.validate",
        digest: Digest(of: bytes), detail: "\(bytes.count) bytes, \(instrumented.functions.count) functions"))
    return instrumented
  }

  /// The divergence of an instrumented module that gives a name to something else than the original does.
  ///
  /// - Parameter instrumented: modules that a lane could be made of.
  func namesDivergence(_ instrumented: Instrumented) -> Verdict? {
    guard let message = plan.messages.first else { return nil }
    let pairs = [(first, instrumented.first)] + (second.flatMap { s in instrumented.second.map { [(s, $0)] } } ?? [])
    for (form, module) in pairs {
      guard let (expected, actual) = wrongName(in: module, original: form) else { continue }
      return .diverge(
        Divergence(
          lane: instrumented.lane, messageIndex: 0, message: message, observable: .names, call: nil,
          hostValue: expected, nativeValue: actual))
    }
    return nil
  }

  func nativeLane(
    _ instrumented: Instrumented, workspace: NativeWorkspace, isTraced: Bool = false
  ) throws(Fault) -> NativeLane {
    NativeLane(
      first: try nativeModule(first, instrumented.first, instrumented.lane, isTraced: isTraced),
      second: try instrumented.second.map { module throws(Fault) in
        try nativeModule(second ?? first, module, instrumented.lane, isTraced: isTraced)
      }, parameters: parameters, workspace: workspace, settling: faults.nativeSettling)
  }

  /// The modules with a probe in each branch of injected code.
  func probed(_ instrumented: Instrumented) -> ProbedModules {
    ProbedModules(
      first: ProbedModule(instrumented.first, original: first.original),
      second: instrumented.second.map { ProbedModule($0, original: (second ?? first).original) })
  }

  /// A lane that reports which branches it takes.
  func nativeLane(
    _ instrumented: Instrumented, _ probed: ProbedModules, workspace: NativeWorkspace
  ) throws(Fault) -> NativeLane {
    NativeLane(
      first: try nativeModule(first, instrumented.first, instrumented.lane, probed: probed.first),
      second: try instrumented.second.map { module throws(Fault) in
        try nativeModule(second ?? first, module, instrumented.lane, probed: probed.second)
      }, parameters: parameters, workspace: workspace, settling: faults.nativeSettling)
  }

  private func nativeModule(
    _ form: CanisterForm, _ instrumented: Module, _ lane: LaneName, isTraced: Bool = false,
    probed: ProbedModule? = nil
  ) throws(Fault) -> NativeModule {
    do {
      // What a module that accesses stable memory itself becomes is no matter of the replica's.
      if !form.isDirect { try checkABI(of: instrumented, original: form.original) }
      return try NativeModule(
        form: form, instrumented: probed?.module ?? instrumented, isTraced: isTraced,
        probeCount: probed?.probeCount ?? 0)
    } catch {
      throw Fault(.instrumentedABI, lane: lane, "\(error)")
    }
  }
}
