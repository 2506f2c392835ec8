// The host lane: a canister whose module runs as written, with stable functions served by Swift. Driven message by
// message by `Differential`; contract sections 3, 5 and 6.

import Canister
import Wasm

/// The host lane of one case.
public final class HostLane: Lane {
  /// A module and the instance that holds its heap and globals.
  private final class Code {
    let module: HostModule
    let instance: Instance
    /// The slots of all globals as committed.
    var globals: [UInt64] = []

    init(_ module: HostModule, _ instance: Instance) {
      self.module = module
      self.instance = instance
    }
  }

  private let first: HostModule
  private let second: HostModule
  private let parameters: Parameters
  private let workspace: HostWorkspace
  private let imports: HostImports
  private let settling: Settling
  /// nil while the canister is empty.
  private var canister: Code?
  /// What the message at hand has marked, taken before its stable memory is settled.
  private var dirtyPages: [UInt64] = []
  /// Whether anything ran in the message at hand.
  private var hasRun = false

  /// - Parameters:
  ///   - first: the case's module.
  ///   - second: the module that `ModuleChoice.second` names; nil: the first one again.
  ///   - workspace: taken for this lane's lifetime.
  ///   - settling, around: other than the contract's only where a mistake is planted.
  public init(
    first: HostModule, second: HostModule? = nil, parameters: Parameters, workspace: HostWorkspace = HostWorkspace(),
    settling: Settling = .asDue, around: ((HostStableFunctions) -> any StableFunctionServer)? = nil
  ) {
    self.settling = settling
    self.first = first
    self.second = second ?? first
    self.parameters = parameters
    self.workspace = workspace
    imports = HostImports(
      machine: workspace.machine,
      stable: HostStableFunctions(memory: workspace.takeStableMemory(), parameters: parameters),
      instructionLimit: parameters.instructionLimit, around: around)
  }

  deinit {
    if let canister { recycle(canister) }
    workspace.give(imports.stable.memory)
  }

  /// Keeps the stable calls of the latest message while set.
  public var recorder: StableCallRecorder? {
    get { imports.stable.recorder }
    set { imports.stable.recorder = newValue }
  }

  /// Is told of stable calls, executions and messages while set.
  public var observer: (any StableCallObserver)? {
    get { imports.stable.observer }
    set { imports.stable.observer = newValue }
  }

  /// Stable reads and writes of at least one byte and growth by at least one page that succeeded, over all messages.
  public var effectiveStableCalls: Int { imports.stable.effectiveCalls }

  /// The committed stable memory, for reports.
  public var stableMemory: PagedStableMemory { imports.stable.memory }

  /// The module's own memories, for reports; empty while the canister is empty.
  public var heaps: [LinearMemory] { canister?.instance.memories ?? [] }

  // MARK: Messages

  public func execute(_ message: Message) -> Observation {
    imports.beginMessage(message)
    if !dirtyPages.isEmpty { dirtyPages = [] }
    hasRun = false
    return observe(outcome(of: message))
  }

  private func outcome(of message: Message) -> Outcome {
    switch message {
    case .install:
      return canister == nil ? changeCode(to: first, entryPoint: .initialize) : Outcome(.notEmpty)
    case .reinstall(let choice, _):
      return changeCode(to: module(choice), entryPoint: .initialize)
    case .upgrade(let choice, _):
      return canister == nil ? Outcome(.empty) : changeCode(to: module(choice), entryPoint: .postUpgrade)
    case .update(let name, _):
      guard let canister else { return Outcome(.empty) }
      guard let function = canister.module.function(of: .update, name: name) else {
        return Outcome(.noMethod(.update, name: name))
      }
      return run(.update, function, of: canister)
    case .query(let name, _):
      guard let canister else { return Outcome(.empty) }
      if let function = canister.module.function(of: .query, name: name) { return run(.query, function, of: canister) }
      guard let function = canister.module.function(of: .compositeQuery, name: name) else {
        return Outcome(.noMethod(.query, name: name))
      }
      return run(.compositeQuery, function, of: canister)
    case .heartbeat: return runIfPresent(.heartbeat, otherwise: .noReply)
    case .globalTimer: return runIfPresent(.globalTimer, otherwise: .noReply)
    case .lowWasmMemory: return runIfPresent(.lowWasmMemory, otherwise: .noReply)
    case .inspectMessage: return runIfPresent(.inspectMessage, otherwise: .accepted)
    }
  }

  private func module(_ choice: ModuleChoice) -> HostModule { choice == .first ? first : second }

  private func runIfPresent(_ entryPoint: EntryPoint, otherwise: Outcome) -> Outcome {
    guard let canister else { return Outcome(.empty) }
    guard let function = canister.module.function(of: entryPoint) else { return otherwise }
    return run(entryPoint, function, of: canister)
  }

  // MARK: Executions

  /// Runs one function of an instance, in a fresh table and with fresh page budgets.
  private func execute(_ entryPoint: EntryPoint, _ function: FunctionIndex, of canister: Code) throws(Trap) {
    hasRun = true
    let heap = canister.module.hasHeap ? canister.instance.memories.first : nil
    imports.begin(entryPoint, heap: heap, is64BitHeap: canister.module.is64BitHeap)
    try canister.instance.resetTables()
    _ = try workspace.machine.invoke(function, of: canister.instance)
  }

  /// A message that is one execution on the installed code.
  private func run(_ entryPoint: EntryPoint, _ function: FunctionIndex, of canister: Code) -> Outcome {
    do throws(Trap) {
      try execute(entryPoint, function, of: canister)
    } catch {
      settle(canister, .trapped)
      return Outcome(error, instructionLimit: parameters.instructionLimit)
    }
    settle(canister, entryPoint.dropsChanges ? .dropped : .kept)
    return imports.system.outcome
  }

  private func settle(_ canister: Code, _ ending: Ending) {
    settleStable(ending)
    settleCode(canister, ending)
  }

  /// Keeps or takes back heap and globals.
  private func settleCode(_ canister: Code, _ ending: Ending) {
    for (position, memory) in canister.instance.memories.enumerated() {
      switch canister.module.scratchMemories.contains(position) ? .rollback : settling(.heap, ending) {
      case .commit: memory.commit()
      case .rollback: memory.rollback()
      }
    }
    switch settling(.globals, ending) {
    case .commit: canister.globals = canister.instance.saveGlobals()
    case .rollback: canister.instance.restoreGlobals(canister.globals)
    }
  }

  private func settleStable(_ ending: Ending) {
    let memory = imports.stable.memory
    dirtyPages = memory.dirtyPages
    switch settling(.stable, ending) {
    case .commit: memory.commit()
    case .rollback: memory.rollback()
    }
    imports.finishMessage(keepsChanges: ending.due == .commit)
  }

  // MARK: Install, reinstall, upgrade

  /// Replaces the code, all of it or nothing: pre_upgrade of the old code where this is an upgrade, then start and entry
  /// point of the new code on a new instance.
  private func changeCode(to module: HostModule, entryPoint: EntryPoint) -> Outcome {
    if let refusal = module.refusal { return Outcome(refusal) }
    let old = canister
    let oldStable = imports.stable.memory
    // Install and reinstall begin with an empty stable memory.
    if entryPoint == .initialize && old != nil { imports.stable.memory = workspace.takeStableMemory() }
    var new: Code?
    do throws(Trap) {
      if entryPoint == .postUpgrade, let old, let function = old.module.function(of: .preUpgrade) {
        try execute(.preUpgrade, function, of: old)
      }
      let created = Code(module, try instantiate(module))
      new = created
      try created.instance.applyActiveData()
      if let start = module.start { try execute(.start, start, of: created) }
      if let function = module.function(of: entryPoint) { try execute(entryPoint, function, of: created) }
    } catch {
      settleStable(.notInstalled)
      if imports.stable.memory !== oldStable {
        workspace.give(imports.stable.memory)
        imports.stable.memory = oldStable
      }
      if let new { recycle(new) }
      if let old { settleCode(old, .notInstalled) }
      return Outcome(error, instructionLimit: parameters.instructionLimit)
    }
    settleStable(.installed)
    if imports.stable.memory !== oldStable { workspace.give(oldStable) }
    if let new { settleCode(new, .installed) }
    canister = new
    if let old { recycle(old) }
    return imports.system.outcome
  }

  private func instantiate(_ module: HostModule) throws(Trap) -> Instance {
    var objects = ImportedObjects()
    objects.functions = module.imports.map { .host(imports, Int($0.rawValue)) }
    let instance = try Instance(module.compiled, imports: objects, memories: workspace.memories)
    // Stable memory is none of them.
    for memory in instance.memories { memory.notesBlankWrites = false }
    return instance
  }

  /// Gives the memories of an instance back that will not run again.
  private func recycle(_ canister: Code) {
    canister.instance.recycle(into: workspace.memories)
  }

  // MARK: Observation

  private func observe(_ outcome: Outcome) -> Observation {
    var observation = Observation(outcome: outcome)
    if hasRun {
      let limit = parameters.instructionLimit
      let counter = workspace.machine.counter
      observation.instructions = counter < 0 ? limit : limit &- counter
    }
    let stable = imports.stable.memory
    observation.stableSize = stable.pageCount
    observation.stableContents = stable.committedContents
    observation.dirtyPages = dirtyPages
    observation.accessedPages = imports.stable.accessedPages
    if let canister {
      observation.observe(heaps: canister.instance.memories)
      observation.globals = canister.module.observed(canister.globals)
    }
    observation.debugOutput = imports.system.debugOutput
    observation.performanceCounters = imports.system.performanceCounters
    return observation
  }
}
