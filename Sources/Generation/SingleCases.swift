// Builds a systematic case: a small canister that sets stable memory up and does the one thing that the case is about in
// an update and in a query, keeps what comes out in stable memory, and replies with it. Called by `Generator`.

import Canister
import Entropy
import Wasm

extension ModuleGenerator {
  /// Where results are put, 16 bytes each.
  static let resultAddress: UInt64 = 4_096
  static let resultBytes: UInt64 = 1_024

  mutating func buildSingle(_ subject: SingleSubject) {
    planSingle(subject)
    emitSingleHelpers()
    for number in entries.indices { emitSingleEntry(number, subject) }
    assemble()
  }

  // MARK: The frame

  private mutating func planSingle(_ subject: SingleSubject) {
    memories.append(MemoryShape(pages: shape.heapPages, isWide: isWideHeap))
    planSingleEntries(subject)
    for parameters in [TypeList(.i32), TypeList(.i64, .i64)] {
      plans.append(FunctionPlan(shape: FunctionShape(parameters: parameters, results: TypeList(parameters[0]))))
    }
    helperCount = plans.count
    for _ in entries { plans.append(FunctionPlan(shape: .entry)) }
    for rank in plans.indices { plans[rank].position = rank }
    bodies = Array(repeating: FunctionBody(instructions: []), count: plans.count)
    planSingleImports(subject)
    for type in NumberType.allCases where type != .v128 || subject.usesVectors {
      let index = UInt64(globalTypes.count)
      globalTypes.append(type)
      globalsOfType[type.position] |= 1 << index
      mutableGlobals |= 1 << index
      module.globals.append(Global(GlobalType(type.valueType, isMutable: true), [drawConstant(type)]))
    }
    slots = [.helper(rank: 0), .helper(rank: 1), .null, .helper(rank: 0)]
    planElements()
    module.elements.append(ElementSegment(mode: .passive, items: .functions([functionIndex(rank: 0)])))
    module.data.append(DataSegment(mode: .passive, bytes: Array(UInt8(ascii: "a")...UInt8(ascii: "p"))))
    segments.append(SegmentShape(length: 16, isPassive: true, isDropped: false))
    let offset = isWideHeap ? Instruction.i64(256) : .i32(256)
    module.data.append(DataSegment(mode: .active(MemoryIndex(0), offset: [offset]), bytes: [1, 2, 3, 4, 0xFF, 0x80]))
    segments.append(SegmentShape(length: 0, isPassive: false, isDropped: false))
    module.hasDataCount = true
  }

  private mutating func planSingleEntries(_ subject: SingleSubject) {
    func add(_ kind: EntryPoint, _ method: String = "") {
      entries.append(EntryPlan(entryPoints: EntryPointSet(kind), kind: kind, exports: [(kind, method)]))
    }
    add(.initialize)
    add(.update, "a")
    add(.query, "q")
    switch subject {
    case .opcode(let opcode, _): if !opcode.row.traps.isEmpty { add(.update, "trap") }
    case .function:
      for kind in [EntryPoint.preUpgrade, .postUpgrade, .heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage] {
        add(kind)
      }
      add(.compositeQuery, "composed")
    case .range, .heap, .growth, .pageLimit, .vastAccess, .instructionLimit: break
    }
    for number in entries.indices.dropFirst() { entries[number].traps = subject.mayTrap }
  }

  private mutating func planSingleImports(_ subject: SingleSubject) {
    imported = SystemFunction.stableFunctions.filter { signature($0).exists }
    imported += [.msgReply, .msgReplyDataAppend, .performanceCounter]
    if case .function(let function, _) = subject, !imported.contains(function) { imported.append(function) }
    addImports()
  }

  // MARK: Bodies

  private mutating func emitSingleHelpers() {
    for rank in 0..<helperCount {
      beginBody(rank: rank, entryPoints: .everywhere, isSetUp: false, costLimit: 1_000)
      let type = plans[rank].shape.parameters[0]
      for position in 0..<plans[rank].shape.parameters.count { emit(.localGet, .local(LocalIndex(position))) }
      if rank == 0 { emitConstant(3, type) }
      emit(type, narrow: .i32Add, wide: .i64Add)
      endBody()
    }
  }

  private mutating func emitSingleEntry(_ number: Int, _ subject: SingleSubject) {
    let kind = entries[number].kind
    beginBody(
      rank: helperCount + number, entryPoints: entries[number].entryPoints, isSetUp: isSetUp(before: kind),
      costLimit: 1_000_000)
    if kind == .initialize {
      emitSetup(kind)
      emitPattern()
    } else {
      emitSubject(subject, entries[number])
      if kind == .update || kind == .query { emitResults(keepsPages: subject.countsPages) }
    }
    endBody()
  }

  /// Bytes that are not zero at both ends of the heap's first page and of stable memory.
  private mutating func emitPattern() {
    guard shape.stablePages > 0 else { return }
    for (address, byte) in [(0, 0x5A), (65_536 - 64, 0xC3)] as [(UInt64, UInt32)] {
      emitWord(address)
      emitI32(byte)
      emitWord(64)
      emit(.memoryFill, .memory(MemoryIndex(0)))
    }
    let write = StableAccess(isWide: true, isWrite: true)
    emitAccess(write, heap: 0, offset: 0, length: 64)
    emitAccess(write, heap: 65_536 - 64, offset: shape.stableBytes - 64, length: 64)
  }

  /// Copies the results to stable memory, unless pages are counted, and replies with them.
  private mutating func emitResults(keepsPages: Bool) {
    if shape.stablePages > 0 && !keepsPages {
      emitAccess(
        StableAccess(isWide: true, isWrite: true), heap: Self.resultAddress, offset: 128, length: Self.resultBytes)
    }
    emitWord(Self.resultAddress)
    emitWord(Self.resultBytes)
    callSystem(.msgReplyDataAppend)
    callSystem(.msgReply)
  }

  private mutating func emitSubject(_ subject: SingleSubject, _ entry: EntryPlan) {
    switch subject {
    case .opcode(let opcode, _):
      var place = ResultPlace()
      let isTrap = entry.exports[0].method == "trap"
      if isTrap { emitTrapping(opcode) } else { emitOpcode(opcode, &place) }
    case .function(let function, _): emitCall(of: function, entry.entryPoints)
    case .range(let rangeClass, let access, _):
      let range = drawRange(rangeClass, isWide: access.isWide)
      let heapClass: HeapClass = range.length > shape.heapPages * Sizes.wasmPage ? .atStart : .inside
      coverage.insert(rangeClass, access.function)
      emitProbed(access, drawHeapOperand(heapClass, length: range.length, isWide: access.isWide), range)
    case .heap(let heapClass, let access, _):
      let range = StableRange(rangeClass: .inside, offset: .constant(choices.draw(below: 5_000)), length: 300)
      coverage.insert(heapClass, access.function)
      emitProbed(access, drawHeapOperand(heapClass, length: range.length, isWide: access.isWide), range)
    case .growth(let growthClass, let isWide, _):
      let function: SystemFunction = isWide ? .stable64Grow : .stableGrow
      coverage.insert(growthClass, function)
      emitWord(Self.resultAddress)
      emit(drawGrowthOperand(growthClass, isWide: isWide), as: isWide ? .i64 : .i32)
      callStable(function)
      emit(isWide ? .i64Store : .i32Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    case .pageLimit(let access, _, _, let isQuery):
      if isQuery != (entry.kind == .query) { return }
      let length = (SingleSubject.limitedPages - 1) * Sizes.osPage
      let range = StableRange(
        rangeClass: .severalPages, offset: .constant(Sizes.wasmPage + choices.draw(below: 4_095) + 1), length: length)
      emitProbed(access, .constant(0), range)
    case .vastAccess(let access, _):
      if entry.kind == .query { return }
      let vast = SingleSubject.vastPages * Sizes.osPage
      coverage.insert(.vast, access.function)
      emitAccess(access, heap: 0, offset: 0, length: vast)
      // Two pages, where one more is allowed.
      emitAccess(access, heap: 0, offset: vast + 1, length: Sizes.osPage)
    case .instructionLimit(let access, let left):
      let length = remaining(keeping: left &+ UInt64(clamping: shape.parameters.metering.accessCharge))
      emitConstant(0, access.type)
      emitConstant(0, access.type)
      emit(.local(length), as: access.type)
      callStable(access.function)
    }
  }

  /// An access of which the source is known, and the size afterwards.
  private mutating func emitProbed(_ access: StableAccess, _ heap: Operand, _ range: StableRange) {
    if access.isWrite, case .constant(let source) = heap, source <= heapBytes, range.length > 0,
      range.length <= heapBytes - source
    {
      emitWord(source)
      emitI32(0x77)
      emitWord(range.length)
      emit(.memoryFill, .memory(MemoryIndex(0)))
    }
    emitAccess(access, heap: heap, range)
    emitWord(Self.resultAddress)
    callStable(.stable64Size)
    emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
  }

  // MARK: System API

  /// Calls a function with plausible arguments, from wherever it may be called, and from an update and a query anyway.
  private mutating func emitCall(of function: SystemFunction, _ entryPoints: EntryPointSet) {
    let isMethod = entryPoints == .update || entryPoints == .query
    guard isMethod || tables.entryPoints[Int(function.rawValue)].isSuperset(of: entryPoints) else { return }
    // What ends the answer comes last, and `emitResults` calls it.
    if function == .msgReply { return }
    let shape = signature(function).shape
    let arguments: [UInt64] = [64, 0, choices.draw(below: 3), 1, 80, 0, 96, 0]
    let hasResult = shape.results.count > 0
    if hasResult { emitWord(Self.resultAddress) }
    for position in 0..<shape.parameters.count { emitConstant(arguments[position], shape.parameters[position]) }
    if function.isStable { callStable(function) } else { callSystem(function) }
    if hasResult { emit(shape.results[0].store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0))) }
  }

  // MARK: The call plan

  /// Every entry point, before and after an upgrade and a reinstallation.
  mutating func singlePlan(_ subject: SingleSubject) -> CallPlan {
    var round: [Message] = []
    for entry in entries {
      let (kind, method) = entry.exports[0]
      switch kind {
      case .update: round.append(.update(name: method, argument: spreadBytes(choices.drawBits(), count: 8)))
      case .query, .compositeQuery: round.append(.query(name: method, argument: [1, 2, 3]))
      case .heartbeat: round.append(.heartbeat)
      case .globalTimer: round.append(.globalTimer)
      case .lowWasmMemory: round.append(.lowWasmMemory)
      case .inspectMessage: round.append(.inspectMessage(name: "a", argument: [9]))
      case .start, .initialize, .preUpgrade, .postUpgrade: break
      }
    }
    // Once takes long enough.
    if case .vastAccess = subject { return CallPlan([.install(argument: []), round[0]]) }
    return CallPlan(
      [.install(argument: [])] + round + [.upgrade(.first, argument: [7])] + round
        + [.reinstall(.first, argument: []), round[0]])
  }
}

/// Where the next result of a systematic case goes.
struct ResultPlace {
  private var count: UInt64 = 0

  /// The address of the next 16 bytes, from the start again when the room is used up.
  mutating func next() -> UInt64 {
    defer { count += 1 }
    return ModuleGenerator.resultAddress + count * 16 % ModuleGenerator.resultBytes
  }
}

extension SingleSubject {
  /// Whether the case touches no other pages than those that it is about.
  var countsPages: Bool {
    switch self {
    case .pageLimit, .vastAccess: true
    default: false
    }
  }

  /// Whether the case contains vectors.
  var usesVectors: Bool { if case .opcode(let opcode, _) = self { opcode.rawValue >= 0xFD00 } else { false } }
}
