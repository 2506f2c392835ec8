// Emits statements: code that leaves the stack as it found it. The spine of every body; control flow, memory, calls and
// stable memory have files of their own.

import Canister
import Wasm

/// The kinds of statement.
enum StatementKind: UInt8, CaseIterable {
  case assignLocal, assignGlobal, discard, store, vectorChain
  case ifElse, loop, block, branchTable, multiValue, deadCode, branchOut, earlyReturn
  case callHelper, callIndirect
  case grow, fill, copy, initialize, elementDrop, furtherTable
  case debugPrint, systemCopy, counter, argument
  case stableWrite, stableRead, stableSize, stableGrow
  case pageStates, readBack, copyWithin, appendLog, arrayLoop, chase, growAndUse, structure, directBulk

  /// Whether statements of the kind are about stable memory.
  var isStable: Bool { rawValue >= Self.stableWrite.rawValue }

  private static func list(_ weights: [(StatementKind, Int)]) -> [StatementKind] {
    weights.flatMap { Array(repeating: $0.0, count: $0.1) }
  }

  /// One entry per unit of weight, simplest first.
  static let all: [StatementKind] = list([
    (.assignLocal, 6), (.assignGlobal, 8), (.discard, 1), (.store, 8), (.vectorChain, 3), (.stableWrite, 15),
    (.stableRead, 15),
    (.stableSize, 2), (.stableGrow, 5), (.pageStates, 8), (.readBack, 6), (.copyWithin, 3), (.appendLog, 4),
    (.arrayLoop, 4), (.chase, 2), (.growAndUse, 4), (.structure, 10), (.ifElse, 7), (.loop, 5), (.block, 3),
    (.branchTable, 2),
    (.multiValue, 3), (.deadCode, 2), (.branchOut, 2), (.earlyReturn, 1), (.callHelper, 7), (.callIndirect, 5),
    (.grow, 2), (.fill, 2), (.copy, 2), (.initialize, 3), (.elementDrop, 1), (.debugPrint, 2), (.systemCopy, 1),
    (.counter, 2), (.argument, 2),
  ])

  /// The same where modules have more than the IC accepts.
  static let further: [StatementKind] = all + list([(.furtherTable, 8)])

  /// The same where modules access stable memory themselves.
  static let direct: [StatementKind] = all + list([(.directBulk, 12), (.store, 12)])

  /// The same for bodies in which no branch may decide what touches stable memory.
  static let straight: [StatementKind] = all.filter { ![.loop, .branchOut, .chase, .arrayLoop].contains($0) }

  /// The same for bodies that only metering counts.
  static let plain: [StatementKind] = all.filter {
    [
      .assignLocal, .assignGlobal, .discard, .store, .ifElse, .loop, .block, .branchTable, .multiValue, .deadCode,
      .callHelper, .callIndirect,
    ].contains($0)
  }
}

extension ModuleGenerator {
  /// Emits up to `count` statements, as far as the fuel of the body lasts.
  mutating func statements(upTo count: Int) {
    for _ in 0..<choices.drawIndex(below: count + 1) {
      if current.fuel <= 0 || !canSpend(2_000) { return }
      current.fuel -= 1
      statement()
    }
  }

  private mutating func statement() {
    let kinds = statementKinds
    var kind = choices.element(of: kinds)
    if !shape.focus.isEmpty && choices.chance(1, of: 2) {
      let wanted = choices.element(of: shape.focus)
      if kinds.contains(wanted) { kind = wanted }
    }
    if emit(kind) { return }
    // Where stable memory has no size to rely on, it is grown first; what cannot be had at all becomes an assignment.
    if kind.isStable && !current.isSetUp && growAndUse() { return }
    assignGlobal()
  }

  private var statementKinds: [StatementKind] {
    if current.isPlain { return StatementKind.plain }
    if shape.wantsKnownPages { return StatementKind.straight }
    if shape.isDirect { return StatementKind.direct }
    return shape.profile == .multiMemory ? StatementKind.further : StatementKind.all
  }

  /// Emits a statement of the kind; false if the body, the module or the case has no room for it.
  private mutating func emit(_ kind: StatementKind) -> Bool {
    switch kind {
    case .assignLocal: return assignLocal()
    case .assignGlobal:
      assignGlobal()
      return true
    case .discard:
      expression(drawType())
      emit(.drop)
      return true
    case .store: return store()
    case .vectorChain: return vectorChain()
    case .ifElse: return ifElse()
    case .loop: return boundedLoop()
    case .block: return leavableBlock()
    case .branchTable: return branchTable()
    case .multiValue: return multiValueBlock()
    case .deadCode: return deadCode()
    case .branchOut: return branchOut()
    case .earlyReturn: return earlyReturn()
    case .callHelper: return callAnyHelper()
    case .callIndirect: return callThroughTable()
    case .grow: return growHeap()
    case .fill: return fillHeap()
    case .copy: return copyHeap()
    case .initialize: return initializeHeap()
    case .elementDrop: return dropElements()
    case .furtherTable: return useFurtherTable()
    case .debugPrint: return debugPrint()
    case .systemCopy: return copyFromSystem()
    case .counter: return storeCounter()
    case .argument: return loadArgument()
    case .stableWrite: return stableAccess(isWrite: true)
    case .stableRead: return stableAccess(isWrite: false)
    case .stableSize: return keepStableSize()
    case .stableGrow: return growStable()
    case .pageStates: return pageStates()
    case .readBack: return readBack()
    case .copyWithin: return copyWithinStable()
    case .appendLog: return appendLog()
    case .arrayLoop: return arrayLoop()
    case .chase: return chase()
    case .structure: return operateOnStructure()
    case .directBulk: return directBulk()
    case .growAndUse: return growAndUse()
    }
  }

  // MARK: Assignments

  private mutating func assignLocal() -> Bool {
    let set = current.assignableLocals
    if set == 0 || (choices.chance(1, of: 4) && mayAddLocal) {
      guard mayAddLocal else { return false }
      let type = drawType()
      expression(type)
      emit(.localSet, .local(addLocal(type, isAssignable: true)))
      return true
    }
    let index = position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set)
    expression(current.locals[index])
    if choices.chance(1, of: 6) {
      emit(.localTee, .local(LocalIndex(index)))
      keep(current.locals[index])
    } else {
      emit(.localSet, .local(LocalIndex(index)))
    }
    return true
  }

  mutating func assignGlobal() {
    let type = keepableType()
    expression(type)
    keep(type)
  }

  /// A type of which there is a mutable global, mostly.
  private mutating func keepableType() -> NumberType {
    if mutableGlobals == 0 { return .i64 }
    return globalTypes[position(ofBit: choices.drawIndex(below: mutableGlobals.nonzeroBitCount), in: mutableGlobals)]
  }

  /// Takes a number off the stack and keeps it where it shows: in a global, on the heap, or nowhere if there is neither.
  mutating func keep(_ type: NumberType) {
    let set = globalsOfType[type.position] & mutableGlobals
    if set != 0 && !(hasHeap && choices.chance(1, of: 8)) {
      let index = GlobalIndex(position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set))
      if (type == .i32 || type == .i64) && choices.chance(1, of: 2) {
        // A running checksum: one wrong value shows for good.
        emit(.globalGet, .global(index))
        emit(type, narrow: .i32Xor, wide: .i64Xor)
        if choices.chance(1, of: 2) {
          emitConstant(5, type)
          emit(type, narrow: .i32Rotl, wide: .i64Rotl)
        }
      }
      emit(.globalSet, .global(index))
    } else if hasHeap && mayAddLocal {
      let local = addLocal(type, isAssignable: true)
      emit(.localSet, .local(local))
      emitWord(choices.draw(below: 1_024) & ~7)
      emit(.localGet, .local(local))
      emit(type.store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    } else {
      emit(.drop)
    }
  }

  private mutating func store() -> Bool {
    if !hasHeap { return false }
    if GenerationTables.makesVectors && choices.chance(1, of: 10) { return storeLane() }
    let access = choices.element(of: tables.stores)
    if mayAccessDirectly && choices.chance(1, of: 2) {
      let immediate = directAddress(width: access.width, isWrite: true)
      expression(access.type, depth: 1)
      emit(access.opcode, .memoryAccess(immediate))
      return true
    }
    let immediate = address(width: access.width, memory: drawMemory(), depth: 1)
    expression(access.type)
    emit(access.opcode, .memoryAccess(immediate))
    return true
  }
}
