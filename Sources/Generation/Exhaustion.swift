// Emits statements that use up the instructions of a message to the last one, or one more, or one less: the limit as an
// operand class. The code asks the performance counter what is left. Used by trap statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// Uses up all but a few instructions and goes on; false if the module cannot.
  mutating func exhaustion() -> Bool {
    guard mayCall(.performanceCounter), mayAddLocal, shape.instructionLimit != .production else { return false }
    features.insert(.exhaustion)
    burn()
    switch choices.draw(below: 12) {
    case 0..<2: return exhaustByAccess() || exhaustByPrint()
    case 2..<4: return exhaustBeforeWrite() || exhaustByPrint()
    case 4: return exhaustByFill() || exhaustByPrint()
    case 5..<10: return exhaustByRehearsal() || exhaustByPrint()
    default: return exhaustByPrint() || exhaustByAccess()
    }
  }

  /// Uses up instructions by filling the heap until so few are left that one printed message can cost them.
  private mutating func burn() {
    guard hasHeap, UInt64(clamping: shape.parameters.instructionLimit) > heapBytes else { return }
    let length: UInt64 = 50_000
    open(.block, isTarget: false)
    open(.loop, isTarget: false)
    emitI64(UInt64(clamping: shape.parameters.instructionLimit))
    emitI32(0)
    callSystem(.performanceCounter)
    emit(.i64Sub)
    emitI64(length + 5_000)
    emit(.i64LtU)
    emit(.brIf, .label(1))
    emitWord(Self.slotAddress / 2)
    emitI32(0x33)
    emitWord(length)
    emit(.memoryFill, .memory(MemoryIndex(0)))
    emit(.br, .label(0))
    close()
    close()
  }

  /// Puts into a local how many instructions there are beyond `kept`. No block ends between here and a charge that
  /// follows, so the number still holds there.
  mutating func remaining(keeping kept: UInt64) -> LocalIndex {
    let local = addLocal(.i64, isAssignable: false)
    emitI64(UInt64(clamping: shape.parameters.instructionLimit) &- kept)
    emitI32(0)
    callSystem(.performanceCounter)
    emit(.i64Sub)
    emit(.localSet, .local(local))
    return local
  }

  /// A number of instructions to leave over: around none, or as many as a helper or loop may take.
  private mutating func drawKept() -> UInt64 {
    choices.chance(1, of: 2) ? choices.draw(below: 4) &- 1 : choices.draw(below: 120)
  }

  private mutating func exhaustByAccess() -> Bool {
    let accesses = StableAccess.all.filter { hasHeap && isImported($0.function) }
    if accesses.isEmpty { return false }
    let access = choices.element(of: accesses)
    let kept = drawKept()
    let length = remaining(keeping: kept &+ UInt64(clamping: shape.parameters.metering.accessCharge))
    emitConstant(0, access.type)
    emitConstant(0, access.type)
    emit(.local(length), as: access.type)
    callStable(access.function)
    goOn()
    return true
  }

  private mutating func exhaustByPrint() -> Bool {
    guard hasHeap, mayCall(.debugPrint) else { return false }
    let kept = drawKept()
    let length = remaining(keeping: kept &+ tables.charges[Int(SystemFunction.debugPrint.rawValue)])
    emitWord(0)
    emit(.local(length), as: word)
    callSystem(.debugPrint)
    goOn()
    return true
  }

  /// Leaves about what a write costs: for its length, or for its length and the pages that it dirties.
  private mutating func exhaustBeforeWrite() -> Bool {
    let accesses = StableAccess.all.filter { $0.isWrite && hasHeap && isImported($0.function) }
    guard mayCall(.debugPrint), current.isSetUp, shape.stablePages > 0, shape.narrowAccess != .guarded,
      !accesses.isEmpty
    else { return false }
    let access = choices.element(of: accesses)
    let pages = 1 + choices.draw(below: 2)
    let length = 16 + (pages - 1) * Sizes.osPage
    let dirty = pages * UInt64(clamping: shape.parameters.dirtyPageOverhead)
    let charge = UInt64(clamping: shape.parameters.metering.accessCharge) + length
    // Between the look at the counter and the write stand a few instructions of about this cost.
    let between = 12 + choices.draw(below: 24)
    let kept = choices.chance(2, of: 3) ? charge + dirty : charge
    let spent = remaining(keeping: kept &+ between &+ tables.charges[Int(SystemFunction.debugPrint.rawValue)])
    emitWord(0)
    emit(.local(spent), as: word)
    callSystem(.debugPrint)
    emitAccess(access, heap: 0, offset: drawAnchor() + 8, length: length)
    goOn()
    return true
  }

  /// By a bulk instruction, whose length is charged by metered code.
  private mutating func exhaustByFill() -> Bool {
    guard hasHeap else { return false }
    let length = remaining(keeping: drawKept())
    emitWord(0)
    emitI32(0x55)
    emit(.local(length), as: word)
    emit(.memoryFill, .memory(MemoryIndex(0)))
    goOn()
    return true
  }

  /// Runs the same code three times: twice to see what a round costs, then with so many instructions left that they run
  /// out at its last check, to the instruction. What follows has no check of its own, so a check that comes to another
  /// answer shows.
  private mutating func exhaustByRehearsal() -> Bool {
    guard hasHeap, current.multiplicity == 1, current.locals.count < 50 else { return false }
    features.insert(.rehearsal)
    let length = addLocal(.i64, isAssignable: false)
    let before = addLocal(.i64, isAssignable: false)
    let now = addLocal(.i64, isAssignable: false)
    // The last check may be deeper inside, with metered blocks behind it.
    let surplus = choices.draw(below: choices.chance(2, of: 3) ? 2 : 14)
    let isLoop = choices.chance(1, of: 2)
    let callee = isLoop ? nil : drawRehearsable()
    var (middle, start) = (0, 0)
    open(.block, isTarget: false)
    repeated(3) { generator, round in
      generator.emitWord(0)
      generator.emitI32(0x66)
      generator.emit(.local(length), as: generator.word)
      generator.emit(.memoryFill, .memory(MemoryIndex(0)))
      generator.plainly { generator in
        if isLoop {
          generator.shortLoop()
        } else if let callee {
          generator.callHelper(rank: callee.rank, depth: 0)
          generator.keepResults(generator.plans[callee.rank].shape.results)
        } else {
          generator.rehearsed()
        }
      }
      middle = generator.current.instructions.count
      generator.emit(.localGet, .local(round))
      generator.emitI32(1)
      generator.emit(.i32Eq)
      generator.emit(.brIf, .label(1))
      // The next round begins at `now` and takes `now - before`, so that much less may be filled.
      start = generator.current.instructions.count
      generator.emitI64(0)
      generator.emit(.localGet, .local(before))
      generator.emit(.i64Add)
      generator.emitI32(0)
      generator.callSystem(.performanceCounter)
      generator.emit(.localTee, .local(now))
      generator.emitI64(1)
      generator.emit(.i64Shl)
      generator.emit(.i64Sub)
      generator.emitI64(0)
      generator.emit(.localGet, .local(round))
      generator.emitI32(2)
      generator.emit(.i32Eq)
      generator.emit(.select)
      generator.emit(.localSet, .local(length))
      generator.emit(.localGet, .local(now))
      generator.emit(.localSet, .local(before))
    }
    close()
    // What has been charged between the last check and the look at the counter: its own charge, the block it is in, and
    // the two blocks from the end of a loop on.
    var charged = tables.charges[Int(SystemFunction.performanceCounter.rawValue)] + (callee?.behind ?? 0)
    for position in isLoop ? [middle - 1, middle, start] : [start] {
      charged += blockCost(of: current.instructions, from: position, is64BitHeap: isWideHeap)
    }
    let limit = UInt64(clamping: shape.parameters.instructionLimit) &+ charged &+ surplus
    current.instructions[start].immediate = .i64(Int64(bitPattern: limit))
    if choices.chance(1, of: 3) { goOn() }
    current.isPlain = current.isPlain || choices.chance(3, of: 4)
    return true
  }

  private mutating func rehearsed() {
    switch choices.draw(below: 4) {
    case 0: if !boundedLoop() { statements(upTo: 2) }
    case 1: if !callThroughTable() { statements(upTo: 2) }
    case 2: if !callAnyHelper() { statements(upTo: 2) }
    default: statements(upTo: 2)
    }
  }

  /// A helper that may be called here and of which it is known what is charged behind its last check, mostly.
  private mutating func drawRehearsable() -> (rank: Int, behind: UInt64)? {
    let callable = callableHelpers
    let known = (0..<helperCount).compactMap { rank -> (rank: Int, behind: UInt64)? in
      if callable >> UInt64(rank) & 1 == 0 { return nil }
      return costBehindLastCheck(of: bodies[rank].instructions, is64BitHeap: isWideHeap).map { (rank, $0) }
    }
    return known.isEmpty || choices.chance(1, of: 4) ? nil : choices.element(of: known)
  }

  /// A loop that is one metered block.
  private mutating func shortLoop() {
    repeated(1 + choices.draw(below: 4)) { generator, _ in
      for _ in 0..<generator.choices.draw(below: 3) {
        generator.emit(constant: .i64)
        generator.keep(.i64)
      }
    }
  }

  /// Emits code whose only checks are those of metering.
  private mutating func plainly(_ emit: (inout ModuleGenerator) -> Void) {
    let wasPlain = current.isPlain
    current.isPlain = true
    emit(&self)
    current.isPlain = wasPlain
  }

  /// What comes after: nothing, or code whose only checks are those of metering.
  private mutating func goOn() {
    plainly { generator in
      switch generator.choices.draw(below: 5) {
      case 0: break
      case 1: _ = generator.boundedLoop()
      case 4: generator.chargeAgain()
      case 2: _ = generator.callAnyHelper()
      default: generator.statements(upTo: 2)
      }
    }
    current.isPlain = current.isPlain || choices.chance(1, of: 2)
  }

  /// A call whose charge is negative for whoever takes it for signed, with few instructions left or none.
  private mutating func chargeAgain() {
    guard isImported(.stable64Read), hasHeap else { return }
    // Inside of an `if`, its own charge may have overdrawn the counter: nobody looks at it before the call does.
    let isInside = choices.chance(1, of: 2)
    if isInside {
      emitI32(1)
      open(.if, isTarget: false)
      for _ in 0..<choices.draw(below: 12) {
        expression(.i64, depth: 1)
        keep(.i64)
      }
    }
    defer { if isInside { close() } }
    emitI64(0)
    emitI64(choices.draw(below: 2))
    emitI64(choices.element(of: [1 << 63, .max - 19, .max - 20, 1 << 63 - 20]))
    callStable(.stable64Read)
  }
}

/// What the instructions of a metered block cost, from the one given to the one after which the next block begins.
/// Source: ic-semantics section 6. Only to come close to a limit: nothing depends on its being right.
func blockCost(of instructions: [Instruction], from start: Int, is64BitHeap: Bool) -> UInt64 {
  var cost: UInt64 = 0
  for instruction in instructions[start...] {
    cost += UInt64(instruction.opcode.cost(is64BitHeap: is64BitHeap))
    if instruction.opcode.endsBlock { break }
  }
  return cost
}

/// What a function charges behind its last check, which is that of its entry or of a loop's head; nil where that depends
/// on where it branches to.
private func costBehindLastCheck(of instructions: [Instruction], is64BitHeap: Bool) -> UInt64? {
  var isLoop = false
  var behind: UInt64 = 0
  for (position, instruction) in instructions.enumerated() where instruction.opcode.endsBlock {
    switch instruction.opcode {
    case .end: break
    case .brIf where isLoop: break
    case .loop where !isLoop:
      isLoop = true
      continue
    default: return nil
    }
    if position + 1 < instructions.count {
      behind += blockCost(of: instructions, from: position + 1, is64BitHeap: is64BitHeap)
    }
  }
  return behind
}

extension Opcode {
  /// Whether the next metered block begins behind the instruction.
  fileprivate var endsBlock: Bool {
    switch self {
    case .loop, .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable, .returnCall, .returnCallIndirect: true
    default: false
    }
  }
}
