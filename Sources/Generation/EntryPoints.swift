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
    if rank < operations.count {
      emitOperation(operations[rank].operation, of: operations[rank].structure)
      return endBody()
    }
    if shape.traps && choices.chance(1, of: 5) {
      emitLeaf(rank)
      return endBody()
    }
    current.fuel = 1 + choices.drawIndex(below: 5)
    statements(upTo: 4)
    if !tailCall() {
      let results = plans[rank].shape.results
      for position in 0..<results.count { expression(results[position]) }
    }
    endBody()
  }

  /// A helper that calls nothing. Mostly, rehearsal knows what it charges behind its last check.
  private mutating func emitLeaf(_ rank: Int) {
    emitQuietly()
    let results = plans[rank].shape.results
    for position in 0..<results.count { emit(constant: results[position]) }
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
      let hasArgument = choices.chance(3, of: 5) && loadArgument()
      emitCore(entry.kind, hasArgument: hasArgument)
      emitStatements(entry)
      if !entry.isPlain && (entry.kind == .preUpgrade || entry.kind == .postUpgrade) { emitHandover(entry.kind) }
      if entry.traps && !entry.isPlain { trapStatement() }
      if entry.traps && choices.chance(1, of: 3) { statements(upTo: 2) }
      emitEnd(entry.kind)
    }
    endBody()
  }

  private mutating func emitStatements(_ entry: EntryPlan) {
    if entry.isPlain && shape.instructionLimit == .tiny && choices.chance(2, of: 3) { return emitQuietly() }
    current.fuel = 3 + choices.drawIndex(below: 10)
    let isShort = entry.kind == .start || entry.kind == .initialize
    if entry.isPlain && choices.chance(1, of: 2) { _ = boundedLoop() }
    if !entry.isPlain { crowdStatement() }
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

  // MARK: Stable memory in any case

  /// What an entry point does with stable memory whatever its statements are, so that few messages are for nothing.
  private mutating func emitCore(_ kind: EntryPoint, hasArgument: Bool) {
    if current.isPlain || kind == .start || kind == .initialize && choices.chance(1, of: 2) { return }
    // Early, so that there is something behind it.
    if shape.isVast { _ = stableAccess(isWrite: choices.chance(1, of: 2)) }
    for _ in 0..<(choices.chance(1, of: 2) ? 2 : 1) {
      if operateOnStructure(hasArgument: hasArgument) || readBack() { continue }
      if !growAndUse(surely: true) { _ = growStable() }
    }
  }

  /// Calls an operation of a structure, and lets the answer decide something.
  mutating func operateOnStructure(hasArgument: Bool = false) -> Bool {
    let callable = callableHelpers & ((1 << UInt64(operations.count)) - 1)
    if callable == 0 { return false }
    let rank = position(ofBit: choices.drawIndex(below: callable.nonzeroBitCount), in: callable)
    if hasArgument && choices.chance(1, of: 2) {
      emitWord(Self.argumentAddress)
      emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 3, offset: 0)))
    } else {
      expression(.i64, depth: 1)
    }
    emit(.call, .function(functionIndex(rank: rank)))
    noteCall(rank: rank)
    features.insert(.structureCall)
    observe()
    return true
  }

  /// Takes a number that was read, off the stack: adds it to what the message answers, and branches on it at times.
  mutating func observe() {
    guard let observed = current.observed ?? (mayAddLocal ? addLocal(.i64, isAssignable: false) : nil) else {
      return keep(.i64)
    }
    current.observed = observed
    features.insert(.observed)
    emit(.localGet, .local(observed))
    emitI64(9)
    emit(.i64Rotl)
    emit(.i64Xor)
    emit(.localSet, .local(observed))
    if current.nesting > 3 || shape.wantsKnownPages || !choices.chance(1, of: 3) { return }
    emit(.localGet, .local(observed))
    emitI64(1 << choices.draw(below: 8))
    emit(.i64And)
    emit(.i64Eqz)
    open(.if, isTarget: true)
    current.conditionalDepth += 1
    statements(upTo: 2)
    current.conditionalDepth -= 1
    close()
  }

  // MARK: Upgrades

  /// Saves a stretch of the heap and globals before an upgrade, and takes them back afterwards if they are all there.
  private mutating func emitHandover(_ kind: EntryPoint) {
    guard current.isSetUp, hasHeap, !shape.anchors.isEmpty, choices.chance(4, of: 5),
      let access = drawAccess(isWrite: kind == .preUpgrade)
    else { return }
    features.insert(.handover)
    let isGuarded = needsGuard(access)
    if isGuarded { openNarrowGuard() }
    if kind == .preUpgrade { save(access) } else { restore(access) }
    if isGuarded { closeNarrowGuard() }
  }

  /// Marks a saved state of this length.
  private var handoverMark: UInt64 { 0x5AFE_0000_0000_0000 | shape.handoverLength }
  private static let handoverHeap: UInt64 = 1_536

  /// Globals whose values are saved, at most three.
  private var savedGlobals: [GlobalIndex] {
    globalTypes.indices.filter { globalTypes[$0] == .i64 && mutableGlobals >> UInt64($0) & 1 == 1 }.prefix(3)
      .map { GlobalIndex($0) }
  }

  private mutating func save(_ access: StableAccess) {
    for (number, global) in savedGlobals.enumerated() {
      emitWord(Self.handoverHeap + UInt64(number) * 8)
      emit(.globalGet, .global(global))
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    }
    let base = shape.anchors[0]
    emitAccess(access, heap: Self.handoverHeap, offset: base + 8, length: shape.handoverLength)
    emitWord(Self.numberAddress)
    emitI64(handoverMark)
    emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    emitAccess(access, heap: Self.numberAddress, offset: base, length: 8)
  }

  private mutating func restore(_ access: StableAccess) {
    let base = shape.anchors[0]
    emitAccess(access, heap: Self.numberAddress, offset: base, length: 8)
    emitWord(Self.numberAddress)
    emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    emitI64(handoverMark)
    emit(.i64Eq)
    open(.if, isTarget: false)
    emitAccess(access, heap: Self.handoverHeap, offset: base + 8, length: shape.handoverLength)
    for (number, global) in savedGlobals.enumerated() {
      emitWord(Self.handoverHeap + UInt64(number) * 8)
      emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
      emit(.globalSet, .global(global))
    }
    close()
  }
}
