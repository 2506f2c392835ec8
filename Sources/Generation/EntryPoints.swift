// Emits the bodies of a module's functions: helpers first, then the functions by which the canister is entered, which
// set stable memory up, do their statements, and reply. Comes after planning, before assembly.

import Canister
import Wasm

extension ModuleGenerator {
  mutating func emitBodies() {
    for rank in 0..<helperCount { emitHelper(rank) }
    for number in entries.indices { emitEntry(number) }
  }

  private mutating func emitHelper(_ rank: Int) {
    beginBody(rank: rank, entryPoints: .everywhere, isSetUp: shape.setup != .none, costLimit: 12_000)
    current.fuel = 1 + choices.drawIndex(below: 5)
    statements(upTo: 4)
    if !tailCall() {
      let results = plans[rank].shape.results
      for position in 0..<results.count { expression(results[position]) }
    }
    endBody()
  }

  private mutating func emitEntry(_ number: Int) {
    let entry = entries[number]
    // Where instructions are scarce, at least the installation has to get by.
    let isVital = entry.kind == .start || entry.kind == .initialize
    let half = UInt64(clamping: shape.parameters.instructionLimit) / 2
    beginBody(
      rank: helperCount + number, entryPoints: entry.entryPoints, isSetUp: isSetUp(before: entry.kind),
      costLimit: min(150_000, isVital ? half : .max))
    emitSetup(entry.kind)
    current.isPlain = entry.isPlain
    if entry.isProbe && canProbe {
      emitProbe()
      answerProbe()
    } else {
      if choices.chance(3, of: 5) { _ = loadArgument() }
      emitStatements(entry)
      if !entry.isPlain && (entry.kind == .preUpgrade || entry.kind == .postUpgrade) { emitHandover(entry.kind) }
      if entry.traps && !entry.isPlain { trapStatement() }
      if entry.traps && choices.chance(1, of: 3) { statements(upTo: 2) }
      emitEnd(entry.kind)
    }
    endBody()
  }

  private mutating func emitStatements(_ entry: EntryPlan) {
    current.fuel = 4 + choices.drawIndex(below: 12)
    let isShort = entry.kind == .start || entry.kind == .initialize
    if entry.isPlain && choices.chance(1, of: 2) { _ = boundedLoop() }
    let isLeavable = choices.chance(1, of: 3)
    if isLeavable { open(.block, isTarget: true) }
    if !isShort && choices.chance(1, of: 2) {
      statements(upTo: 4)
      statements(upTo: 5)
    }
    statements(upTo: isShort ? 3 : 6)
    if isLeavable { close() }
  }

  private mutating func emitEnd(_ kind: EntryPoint) {
    if current.isPlain { return }
    switch kind {
    case .update, .query, .compositeQuery: answer()
    case .inspectMessage:
      if mayCall(.acceptMessage) && choices.chance(4, of: 5) { callSystem(.acceptMessage) }
    case .start, .initialize, .preUpgrade, .postUpgrade, .heartbeat, .globalTimer, .lowWasmMemory: break
    }
  }

  private mutating func answerProbe() {
    _ = appendReply(Self.argumentAddress, 64)
    if mayCall(.msgReply) { callSystem(.msgReply) }
  }

  // MARK: Stable memory's guaranteed size

  /// Whether stable memory has its guaranteed size when an entry point of the kind begins.
  func isSetUp(before kind: EntryPoint) -> Bool {
    switch shape.setup {
    case .none, .lazy: false
    case .initialize: kind != .start && kind != .initialize
    case .start: kind != .start
    }
  }

  /// Grows stable memory to its guaranteed size where this is the entry point's task.
  mutating func emitSetup(_ kind: EntryPoint) {
    switch shape.setup {
    case .none: return
    case .initialize: if kind != .initialize { return }
    case .start: if kind != .start { return }
    case .lazy: break
    }
    let isWide = shape.families != .onlyNarrow
    let type: NumberType = isWide ? .i64 : .i32
    let grow: SystemFunction = isWide ? .stable64Grow : .stableGrow
    let size: SystemFunction = isWide ? .stable64Size : .stableSize
    guard isImported(grow), isImported(size) else { return }
    current.isSetUp = true
    switch shape.setup {
    case .lazy: features.insert(.lazySetup)
    case .start: features.insert(.startSetup)
    case .none, .initialize: break
    }
    if kind == .initialize && choices.chance(3, of: 4) && shape.setup == .initialize && !mayStartGrow {
      emitConstant(shape.stablePages, type)
      callStable(grow)
      keep(type)
      return
    }
    // The size may be anything here: an upgrade keeps it, and start functions grow too.
    callStable(size)
    emitConstant(shape.stablePages, type)
    emit(type, narrow: .i32LtU, wide: .i64LtU)
    open(.if, isTarget: false)
    emitConstant(shape.stablePages, type)
    callStable(size)
    emit(type, narrow: .i32Sub, wide: .i64Sub)
    callStable(grow)
    emit(.drop)
    close()
  }

  /// Whether a start function runs before `canister_init` and may have grown stable memory already.
  private var mayStartGrow: Bool { entries.contains { $0.kind == .start } }

  // MARK: Upgrades

  /// Saves a stretch of the heap before an upgrade, and reads it back afterwards.
  private mutating func emitHandover(_ kind: EntryPoint) {
    guard current.isSetUp, !shape.anchors.isEmpty, choices.chance(4, of: 5),
      let access = drawAccess(isWrite: kind == .preUpgrade)
    else { return }
    let isGuarded = needsGuard(access)
    let length: UInt64 = choices.element(of: [16, 64, 1_000, 4_096, 5_000])
    let heap = choices.draw(below: 600)
    if isGuarded { openNarrowGuard() }
    if access.isWrite { prepare(heap, length) }
    emitAccess(access, heap: heap, offset: shape.anchors[0], length: length)
    if isGuarded { closeNarrowGuard() }
  }
}
