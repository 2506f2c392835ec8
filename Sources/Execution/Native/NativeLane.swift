// The native lane: a canister whose instrumented module works on stable memory by itself. Driven message by message by
// `Differential`. Written from contract sections 3–6 and ic-semantics 6–11, apart from the host lane.

import Canister
import ContentHash
import Wasm

/// What native lanes use one after the other. One per worker.
public final class NativeWorkspace {
  let machine = Machine()
  let memories = MemoryPool()

  public init() {}
}

/// A native lane of one case.
public final class NativeLane: Lane {
  /// An installed module: the instance whose memories and globals are the canister's persistent state.
  private final class Installation {
    let module: NativeModule
    let instance: Instance
    /// The slots of all globals in a new instance.
    let initialGlobals: [UInt64]

    init(_ module: NativeModule, _ instance: Instance) {
      self.module = module
      self.instance = instance
      initialGlobals = instance.saveGlobals()
    }

    var stable: LinearMemory { instance.memories[module.stableMemory] }
    var bytemap: LinearMemory { instance.memories[module.bytemap] }
    var ownMemories: [LinearMemory] { module.ownMemories.map { instance.memories[$0] } }
  }

  /// What the executions of one message leave to be observed.
  private struct Account {
    var remainingInstructions: Int64
    var hasRun = false
    /// Ascending, each page once.
    var dirtyPages: [UInt64] = []
    var mismarkedPages: [UInt64] = []
    var accessedPages: UInt64 = 0
    var misreportedHeapGrowth: UInt64 = 0
  }

  private let modules: (first: NativeModule, second: NativeModule)
  private let parameters: Parameters
  private let workspace: NativeWorkspace
  private let host: NativeHost
  private let settling: Settling
  private var installed: Installation?
  private var account: Account

  /// - Parameter settling: other than the contract's only where a mistake is planted.
  public init(
    first: NativeModule, second: NativeModule? = nil, parameters: Parameters,
    workspace: NativeWorkspace = NativeWorkspace(), settling: Settling = .asDue
  ) {
    self.settling = settling
    modules = (first, second ?? first)
    self.parameters = parameters
    self.workspace = workspace
    host = NativeHost(parameters: parameters)
    account = Account(remainingInstructions: parameters.instructionLimit)
  }

  deinit { installed?.instance.recycle(into: workspace.memories) }

  /// Keeps the stable calls of the latest message while set; needs modules prepared with tracing.
  public var recorder: StableCallRecorder? {
    get { host.recorder }
    set {
      host.recorder = newValue
      workspace.machine.tracer = newValue == nil ? nil : host
    }
  }

  /// How many globals at the end of each module are a probe's: code sets bits in them that `probe` collects.
  public var probeWords = 0
  /// The bits that executions have left in the probe's globals, word by word.
  public private(set) var probe: [UInt64] = []
  /// What the probes of the two modules have gathered over all executions so far, bit by bit; also those that trapped.
  public private(set) var probeBits: (first: [UInt64], second: [UInt64]) = ([], [])

  /// The stable memory, for reports; nil while the canister is empty.
  public var stableMemory: LinearMemory? { installed?.stable }

  /// The canister's own memories, for reports.
  public var ownMemories: [LinearMemory] { installed?.ownMemories ?? [] }

  /// Steps (calls, iterations, 64 bytes of a bulk instruction) that the executions so far have made.
  public private(set) var steps: UInt64 = 0

  // MARK: Messages

  public func execute(_ message: Message) -> Observation {
    account = Account(remainingInstructions: parameters.instructionLimit)
    host.recorder?.beginMessage()
    host.system.beginMessage(message)
    let outcome: Outcome
    do throws(Trap) {
      outcome = try perform(message)
    } catch {
      host.system.finishMessage(keepsChanges: false)
      // The interpreter's own counter: the canister's instructions are counted by the code itself.
      outcome = error == .outOfInstructions ? .runaway : Outcome(error, instructionLimit: parameters.instructionLimit)
    }
    return observation(outcome)
  }

  /// - Throws: the trap that ended the message; the canister is as before it.
  private func perform(_ message: Message) throws(Trap) -> Outcome {
    switch message {
    case .install:
      if installed != nil { return refuse(.notEmpty) }
      return try replaceCode(with: modules.first, keepsStable: false)
    case .reinstall(let choice, _): return try replaceCode(with: module(choice), keepsStable: false)
    case .upgrade(let choice, _):
      if installed == nil { return refuse(.empty) }
      return try replaceCode(with: module(choice), keepsStable: true)
    case .update(let name, _): return try call(name, [.update], orRefuse: .noMethod(.update, name: name))
    case .query(let name, _):
      return try call(name, [.query, .compositeQuery], orRefuse: .noMethod(.query, name: name))
    case .heartbeat: return try runTask(.heartbeat, otherwise: .noReply)
    case .globalTimer: return try runTask(.globalTimer, otherwise: .noReply)
    case .lowWasmMemory: return try runTask(.lowWasmMemory, otherwise: .noReply)
    case .inspectMessage: return try runTask(.inspectMessage, otherwise: .accepted)
    }
  }

  private func module(_ choice: ModuleChoice) -> NativeModule {
    switch choice {
    case .first: modules.first
    case .second: modules.second
    }
  }

  private func refuse(_ refusal: Refusal) -> Outcome {
    host.system.finishMessage(keepsChanges: false)
    return Outcome(refusal)
  }

  /// Calls a method under the first of the entry points that has it.
  private func call(_ name: String, _ entryPoints: [EntryPoint], orRefuse refusal: Refusal) throws(Trap) -> Outcome {
    guard let installed else { return refuse(.empty) }
    for entryPoint in entryPoints {
      if let function = installed.module.function(entryPoint.exportName + name) {
        return try runMessage(entryPoint, function, installed)
      }
    }
    return refuse(refusal)
  }

  private func runTask(_ entryPoint: EntryPoint, otherwise: Outcome) throws(Trap) -> Outcome {
    guard let installed else { return refuse(.empty) }
    guard let function = installed.module.function(entryPoint.exportName) else {
      host.system.finishMessage(keepsChanges: true)
      return otherwise
    }
    return try runMessage(entryPoint, function, installed)
  }

  /// A message of one execution.
  private func runMessage(
    _ entryPoint: EntryPoint, _ function: FunctionIndex, _ canister: Installation
  ) throws(Trap) -> Outcome {
    let globals = canister.instance.saveGlobals()
    do throws(Trap) {
      try run(entryPoint, function, canister)
    } catch {
      settle(canister, globals, .trapped)
      throw error
    }
    settle(canister, globals, entryPoint.dropsChanges ? .dropped : .kept)
    host.system.finishMessage(keepsChanges: !entryPoint.dropsChanges)
    return host.system.outcome
  }

  /// Keeps or takes back what an execution did.
  private func settle(_ canister: Installation, _ globals: [UInt64], _ ending: Ending) {
    settle(canister.stable, .stable, ending)
    settleOwnMemories(canister, ending)
    if settling(.globals, ending) == .rollback { canister.instance.restoreGlobals(globals) }
  }

  /// The module's own memories; those that every message starts without never keep anything.
  private func settleOwnMemories(_ canister: Installation, _ ending: Ending) {
    for (position, memory) in canister.ownMemories.enumerated() {
      if canister.module.scratchMemories.contains(position) {
        memory.rollback()
      } else {
        settle(memory, .heap, ending)
      }
    }
  }

  private func settle(_ memory: LinearMemory, _ part: StatePart, _ ending: Ending) {
    switch settling(part, ending) {
    case .commit: memory.commit()
    case .rollback: memory.rollback()
    }
  }

  /// The same for stable memory during an upgrade: what is kept can still be taken back.
  private func settle(_ stable: LinearMemory, _ ending: Ending, _ journal: inout MemoryJournal) {
    switch settling(.stable, ending) {
    case .commit: stable.commit(into: &journal)
    case .rollback: stable.rollback()
    }
  }

  /// Install, reinstall and upgrade: one transaction over all executions.
  private func replaceCode(with module: NativeModule, keepsStable: Bool) throws(Trap) -> Outcome {
    let old = installed
    let oldGlobals = old?.instance.saveGlobals() ?? []
    let keptStable = keepsStable ? old?.stable : nil
    var journal = MemoryJournal()
    var new: Installation?
    do throws(Trap) {
      if keepsStable, let old, let function = old.module.function(EntryPoint.preUpgrade.exportName) {
        try run(.preUpgrade, function, old)
        settle(old.stable, .preUpgraded, &journal)
      }
      let created = try instantiate(module, stable: keptStable)
      new = created
      // Growth to the declared minimum is part of the transaction, whether anything runs or not.
      created.stable.commit(into: &journal)
      try applyData(module, created)
      let stages: [EntryPoint] = [.start, keepsStable ? .postUpgrade : .initialize]
      for stage in stages {
        guard let function = module.function(stage.exportName) else { continue }
        try run(stage, function, created)
        settle(created.stable, .installed, &journal)
      }
    } catch {
      if let old {
        if keepsStable, settling(.stable, .notInstalled) == .rollback { old.stable.undo(journal) }
        settle(old, oldGlobals, .notInstalled)
      }
      new?.instance.recycle(into: workspace.memories, except: keptStable)
      throw error
    }
    if let new { settleOwnMemories(new, .installed) }
    old?.instance.recycle(into: workspace.memories, except: keptStable)
    installed = new
    host.system.finishMessage(keepsChanges: true)
    return host.system.outcome
  }

  private func instantiate(_ module: NativeModule, stable: LinearMemory?) throws(Trap) -> Installation {
    var objects = ImportedObjects()
    objects.functions = module.imports.map { .host(host, $0.number) }
    let provided = stable.map { [module.stableMemory: $0] } ?? [:]
    let created = Installation(
      module,
      try Instance(module.compiled, imports: objects, memories: workspace.memories, provided: provided))
    // Which pages were written is asked of stable memory and bytemap only.
    for memory in created.ownMemories where memory !== created.stable { memory.notesBlankWrites = false }
    if created.stable.pageCount < module.stableMinimum {
      _ = created.stable.grow(by: module.stableMinimum - created.stable.pageCount)
    }
    return created
  }

  /// Puts the original's active data segments into the heap image, which the instrumented module does not do itself.
  private func applyData(_ module: NativeModule, _ canister: Installation) throws(Trap) {
    let memories = canister.ownMemories
    for segment in module.activeData {
      guard case .active(let memory, let offset) = segment.mode else { continue }
      let address = canister.instance.evaluate(offset)
      let target = try memories[memory.position].writableBytes(at: address, count: UInt64(segment.bytes.count))
      target.copyBytes(from: segment.bytes)
    }
  }

  // MARK: Executions

  /// Steps that an execution may make before it counts anything.
  private static let freeSteps: Int64 = 16_000_000
  /// How many more it may make for each instruction that it has counted. Code that counts as it should stays far below:
  /// a step of the canister's costs at least one instruction, a stable read or write at least one for each byte, which
  /// leaves room for a tool that copies byte by byte.
  private static let stepsPerInstruction: Int64 = 4
  /// How many more at most, until it has counted again. A single call can be charged for gigabytes, which are moved in
  /// no time; what it pays for would let code without an end run for minutes.
  private static let stepsPerCount: Int64 = 1 << 27

  /// Steps for what an execution has counted since it was last asked; none, and it runs away.
  private static func steps(for counted: Int64) -> Int64? {
    counted > 0 ? min(counted, stepsPerCount / stepsPerInstruction) * stepsPerInstruction : nil
  }

  /// Runs a function as a new instance would: globals that do not persist, tables and bytemap as at the start, own page
  /// budgets. Heap and stable changes stay uncommitted, but pages that the bytemap does not mark are taken back.
  private func run(_ entryPoint: EntryPoint, _ function: FunctionIndex, _ canister: Installation) throws(Trap) {
    let (module, instance) = (canister.module, canister.instance)
    let persistent = instance.slots(ofGlobals: module.persistentGlobals)
    instance.restoreGlobals(canister.initialGlobals)
    instance.setSlots(ofGlobals: module.persistentGlobals, to: persistent)
    let accessLimit = parameters.accessedPageLimits[entryPoint.pageLimitClass]
    instance.globals[module.instructionCounter].bits = UInt64(bitPattern: account.remainingInstructions)
    instance.globals[module.dirtyPageCounter].bits = parameters.dirtyPageLimits[entryPoint.pageLimitClass]
    instance.globals[module.accessedPageCounter].bits = accessLimit
    account.hasRun = true
    workspace.machine.counter = Self.freeSteps
    var granted = Self.freeSteps
    var left = account.remainingInstructions
    workspace.machine.onExhaustion = {
      let now = max(0, Int64(bitPattern: instance.globals[module.instructionCounter].bits))
      defer { left = min(left, now) }
      let more = Self.steps(for: left - now)
      granted += more ?? 0
      return more
    }
    defer {
      workspace.machine.onExhaustion = nil
      steps += UInt64(granted - max(0, workspace.machine.counter))
    }
    host.begin(entryPoint, instance, module)
    let heapSize = host.heap?.pageCount ?? 0

    var failure: Trap?
    do throws(Trap) {
      try instance.resetTables()
      // A new instance applies the active segments of its module. Ours has none left; another instrumenter's might.
      if module.hasActiveData { try instance.applyActiveData() }
      try workspace.machine.invoke(function, of: instance)
    } catch {
      failure = error
      host.endCall(error)
    }

    if !module.probes.isEmpty { gatherProbes(module, instance) }
    account.remainingInstructions = Int64(bitPattern: instance.globals[module.instructionCounter].bits)
    account.accessedPages &+= accessLimit &- instance.globals[module.accessedPageCounter].bits
    if probeWords > 0 {
      let words = instance.globals.suffix(probeWords).map(\.bits)
      probe = probe.isEmpty ? words : zip(probe, words).map { $0 | $1 }
    }
    let marked = markedPages(canister)
    account.dirtyPages = Self.union(account.dirtyPages, marked)
    if failure == nil {
      checkMarks(marked, canister)
      checkHeapGrowth(since: heapSize, module)
    }
    canister.bytemap.rollback()
    host.end()
    if let failure { throw failure }
  }

  private func gatherProbes(_ module: NativeModule, _ instance: Instance) {
    func merge(_ former: [UInt64]) -> [UInt64] {
      module.probes.enumerated().map { instance.globals[$1].bits | ($0 < former.count ? former[$0] : 0) }
    }
    if module === modules.first {
      probeBits.first = merge(probeBits.first)
    } else {
      probeBits.second = merge(probeBits.second)
    }
  }

  /// Compares the pages marked as written with those really written. What is not marked does not commit.
  private func checkMarks(_ marked: [UInt64], _ canister: Installation) {
    let written = canister.stable.touchedPages.sorted()
    if written == marked { return }
    let marks = Set(marked)
    account.mismarkedPages = Self.union(account.mismarkedPages, marks.symmetricDifference(written).sorted())
    canister.stable.revert { !marks.contains($0) }
  }

  /// Compares what the heap has grown by with what the module has reported of it.
  private func checkHeapGrowth(since size: UInt64, _ module: NativeModule) {
    guard module.ownMemories.count == 1, let heap = host.heap else { return }
    let growth = heap.pageCount - size
    account.misreportedHeapGrowth &+=
      growth > host.reportedHeapGrowth ? growth - host.reportedHeapGrowth : host.reportedHeapGrowth - growth
  }

  /// The union of two ascending lists.
  private static func union(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
    if left.isEmpty { return right }
    return right.isEmpty ? left : Set(left).union(right).sorted()
  }

  /// The OS pages of stable memory whose bytemap byte has the write bit, as the host finds them after an execution;
  /// ascending.
  private func markedPages(_ canister: Installation) -> [UInt64] {
    var pages: [UInt64] = []
    let bytemap = canister.bytemap
    for bytemapPage in bytemap.touchedPages.sorted() {
      let first = bytemapPage * Sizes.osPage
      guard let bytes = try? bytemap.bytes(at: first, count: Sizes.osPage) else { continue }
      for word in stride(from: 0, to: bytes.count, by: 8)
      where bytes.loadUnaligned(fromByteOffset: word, as: UInt64.self) & 0x0101_0101_0101_0101 != 0 {
        for position in word..<word + 8 where bytes[position] & 1 != 0 { pages.append(first + UInt64(position)) }
      }
    }
    return pages
  }

  // MARK: Observation

  private func observation(_ outcome: Outcome) -> Observation {
    var observation = Observation(outcome: outcome)
    if account.hasRun {
      observation.instructions = min(
        parameters.instructionLimit, parameters.instructionLimit &- account.remainingInstructions)
      if account.remainingInstructions < 0 { observation.instructions = parameters.instructionLimit }
    }
    observation.dirtyPages = account.dirtyPages
    observation.mismarkedPages = account.mismarkedPages
    observation.accessedPages = account.accessedPages
    observation.misreportedHeapGrowth = account.misreportedHeapGrowth
    observation.debugOutput = host.system.debugOutput
    observation.performanceCounters = host.system.performanceCounters
    guard let installed else { return observation }
    observation.stableSize = installed.stable.pageCount
    observation.stableContents = installed.stable.committedContents
    observation.observe(heaps: installed.ownMemories)
    observation.globals = installed.instance.slots(ofGlobals: installed.module.observedGlobals)
    return observation
  }
}
