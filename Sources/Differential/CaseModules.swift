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
    let first: InstrumentedModule
    let second: InstrumentedModule?
  }

  /// What a native lane tells besides its observations.
  enum Reporting {
    case nothing
    /// Each call of a stable function.
    case calls
    /// Which branches of injected code are taken, as far as it is seen by the probes of these modules, which run instead.
    case branches(ProbedModules)
  }

  let plan: CallPlan
  private let testCase: Case
  private let firstModule: LoadedModule
  private let secondModule: LoadedModule?
  private let parameters: Parameters
  private let faults: LaneFaults
  private let trace: ((TraceStep) -> Void)?

  var first: CanisterForm { firstModule.form }
  var second: CanisterForm? { secondModule?.form }

  /// Decodes and validates. Nothing that does not pass comes near a lane.
  ///
  /// - Parameter cache: has what was made of modules of earlier cases; not asked while there is a trace, which shows all
  ///   stages.
  init(
    _ testCase: Case, faults: LaneFaults = .none, cache: ModuleCache, trace: ((TraceStep) -> Void)?
  ) throws(Fault) {
    self.testCase = testCase
    plan = testCase.plan
    parameters = testCase.parameters
    self.faults = faults
    self.trace = trace
    func module(_ bytes: [UInt8]) throws(Fault) -> LoadedModule {
      let (placement, parameters) = (testCase.strategy.memory, testCase.parameters)
      func load() throws(Fault) -> LoadedModule {
        LoadedModule(try Self.load(bytes, placement, parameters, trace))
      }
      return trace == nil ? try cache.module(bytes, placement, parameters, load: load) : try load()
    }
    firstModule = try module(testCase.module)
    secondModule = try testCase.secondModule.map(module)
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
    // Equal bytes decode to equal modules.
    if encoded != bytes {
      do {
        guard try decode(encoded) == module else { throw Fault(.roundTrip, "decode(encode(m)) ≠ m") }
      } catch {
        throw error as? Fault ?? Fault(.roundTrip, "\(error)")
      }
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
      first: try hostModule(firstModule), second: try secondModule.map(hostModule),
      parameters: parameters, workspace: workspace, settling: faults.hostSettling, around: faults.aroundHost)
  }

  private func hostModule(_ loaded: LoadedModule) throws(Fault) -> HostModule {
    if let host = loaded.host { return host }
    let host = try makeHostModule(loaded.form)
    loaded.host = host
    return host
  }

  private func makeHostModule(_ form: CanisterForm) throws(Fault) -> HostModule {
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
    func module(_ loaded: LoadedModule, _ original: [UInt8]) throws(Fault) -> InstrumentedModule {
      if let module = loaded.instrumented[lane] { return module }
      let module = InstrumentedModule(try checked(try bytes(loaded.form, original), lane))
      // What a tool outside makes is asked for each time, as it may depend on anything.
      if lane != .external { loaded.instrumented[lane] = module }
      return module
    }
    return Instrumented(
      lane: lane, first: try module(firstModule, testCase.module),
      second: try secondModule.map { loaded throws(Fault) in
        try module(loaded, testCase.secondModule ?? testCase.module)
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
      guard let (expected, actual) = wrongName(in: module.module, original: form) else { continue }
      return .diverge(
        Divergence(
          lane: instrumented.lane, messageIndex: 0, message: message, observable: .names, call: nil,
          hostValue: expected, nativeValue: actual))
    }
    return nil
  }

  /// The modules with a probe in each branch of injected code.
  func probed(_ instrumented: Instrumented) -> ProbedModules {
    ProbedModules(
      first: ProbedModule(instrumented.first.module, original: first.original),
      second: instrumented.second.map { ProbedModule($0.module, original: (second ?? first).original) })
  }

  /// A native lane of these modules.
  ///
  /// - Parameter reporting: what it tells besides its observations.
  func nativeLane(
    _ instrumented: Instrumented, workspace: NativeWorkspace, reporting: Reporting = .nothing
  ) throws(Fault) -> NativeLane {
    let lane = instrumented.lane
    func module(
      _ form: CanisterForm, _ instrumented: InstrumentedModule, _ probed: (ProbedModules) -> ProbedModule?
    ) throws(Fault) -> NativeModule {
      switch reporting {
      case .nothing:
        if let native = instrumented.native { return native }
        let native = try nativeModule(form, instrumented.module, lane)
        instrumented.native = native
        return native
      case .calls: return try nativeModule(form, instrumented.module, lane, isTraced: true)
      case .branches(let modules): return try nativeModule(form, instrumented.module, lane, probed: probed(modules))
      }
    }
    return NativeLane(
      first: try module(first, instrumented.first) { $0.first },
      second: try instrumented.second.map { instrumented throws(Fault) in
        try module(second ?? first, instrumented) { $0.second }
      }, parameters: parameters, workspace: workspace, settling: faults.nativeSettling)
  }

  private func nativeModule(
    _ form: CanisterForm, _ instrumented: Module, _ lane: LaneName, isTraced: Bool = false,
    probed: ProbedModule? = nil
  ) throws(Fault) -> NativeModule {
    do {
      // What a module that accesses stable memory itself becomes is no matter of the replica's.
      if !form.isDirect {
        try checkABI(of: instrumented, original: form.original, stableCapacity: parameters.stableCapacity)
      }
      return try NativeModule(
        form: form, instrumented: probed?.module ?? instrumented, isTraced: isTraced,
        probeCount: probed?.probeCount ?? 0)
    } catch {
      throw Fault(.instrumentedABI, lane: lane, "\(error)")
    }
  }
}
