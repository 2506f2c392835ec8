// Emits statements that use up the instructions of a message to the last one, or one more, or one less: the limit as an
// operand class. The code asks the performance counter what is left. Used by trap statements;
// `Rehearsal.swift` is the way that needs to know what code costs.

import Canister
import Wasm

extension ModuleGenerator {
  /// Uses up all but a few instructions and goes on; false if the module cannot.
  mutating func exhaustion() -> Bool {
    guard mayCall(.performanceCounter), mayAddLocal, shape.instructionLimit != .production else { return false }
    features.insert(.exhaustion)
    burn()
    switch choices.draw(below: 16) {
    case 0: return exhaustByAccess() || exhaustByPrint()
    case 1..<3: return exhaustBeforeWrite() || exhaustByPrint()
    case 3..<6: return exhaustByBulk() || exhaustByPrint()
    case 6..<15: return exhaustByRehearsal() || exhaustByPrint()
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

  /// By a bulk instruction, whose length is charged by metered code: in the midst of a block, or where one begins, so
  /// that the charge by length and the block's own meet and it shows which comes first.
  private mutating func exhaustByBulk() -> Bool {
    guard hasHeap else { return false }
    let opcodes: [Opcode] = [.memoryFill, .memoryCopy] + (module.hasDataCount ? [.memoryInit] : [])
    let opcode = choices.element(of: opcodes)
    let (second, size): (NumberType, NumberType) =
      switch opcode {
      case .memoryFill: (.i32, word)
      case .memoryInit: (.i32, .i32)
      default: (word, word)
      }
    let length = remaining(keeping: drawKept())
    emitWord(0)
    emitConstant(0x55, second)
    emit(.local(length), as: size)
    let begins = choices.chance(2, of: 3)
    if begins {
      emitI32(1)
      let operands = FunctionShape(parameters: TypeList(word, second, size))
      open(.if, .type(typeIndex(operands)), isTarget: false)
    }
    switch opcode {
    case .memoryFill: emit(opcode, .memory(MemoryIndex(0)))
    case .memoryInit: emit(opcode, .memoryInit(MemoryIndex(0), DataIndex(choices.drawIndex(below: segments.count))))
    default: emit(opcode, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0)))
    }
    if begins {
      emit(.else)
      for _ in 0..<3 { emit(.drop) }
      close()
    }
    goOn()
    return true
  }

  /// Emits code whose only checks are those of metering.
  mutating func plainly(_ emit: (inout ModuleGenerator) -> Void) {
    let wasPlain = current.isPlain
    current.isPlain = true
    emit(&self)
    current.isPlain = wasPlain
  }

  /// What comes after: nothing, or code whose only checks are those of metering.
  mutating func goOn() {
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
