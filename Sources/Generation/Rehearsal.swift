// Emits code that runs out of instructions at a check of metering itself, a function's entry or a loop's head: how many
// instructions have to be left for that is found out by running the code before, or is the limit of a case with so quiet
// code that its cost is known. A part of exhaustion.

import Canister
import Wasm

extension ModuleGenerator {
  /// Uses up the instructions at a check of metering. Where the code can ask for the argument's size, that decides: bit 1
  /// at which of two checks, bit 0 whether one instruction is missing.
  mutating func exhaustByRehearsal() -> Bool {
    guard hasHeap, current.multiplicity == 1, current.locals.count < 50 else { return false }
    features.insert(.rehearsal)
    if current.rank >= helperCount && mayCall(.msgArgDataSize) && choices.chance(4, of: 5) {
      entries[current.rank - helperCount].heedsArgumentSize = true
      callSystem(.msgArgDataSize)
      emitWord(2)
      emit(word, narrow: .i32And, wide: .i64And)
      emitWord(0)
      emit(word, narrow: .i32Ne, wide: .i64Ne)
      open(.if, isTarget: false)
      current.conditionalDepth += 1
      rehearse(heedsArgument: true)
      emit(.else)
      rehearse(heedsArgument: true)
      current.conditionalDepth -= 1
      close()
    } else {
      rehearse(heedsArgument: false)
    }
    if choices.chance(1, of: 3) { goOn() }
    current.isPlain = current.isPlain || choices.chance(3, of: 4)
    return true
  }

  /// Runs the same code three times: twice to see what a round costs, then with so many instructions left that they run
  /// out at its last check, to the instruction. What follows has no check of its own, so a check that comes to another
  /// answer shows.
  ///
  /// - Parameter heedsArgument: whether there is one instruction less where the argument's size is odd.
  private mutating func rehearse(heedsArgument: Bool) {
    let length = addLocal(.i64, isAssignable: false)
    let before = addLocal(.i64, isAssignable: false)
    let now = addLocal(.i64, isAssignable: false)
    // The last check may be deeper inside, with metered blocks behind it. The parity of the argument's size counts too.
    let surplus = choices.draw(below: choices.chance(2, of: 3) ? (heedsArgument ? 1 : 2) : 14)
    let isLoop = choices.chance(1, of: 3)
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
          generator.emitRehearsedCode()
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
      if heedsArgument { generator.addParityOfArgument() }
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
  }

  /// Adds 1 to the number on the stack where the argument's size is odd.
  private mutating func addParityOfArgument() {
    callSystem(.msgArgDataSize)
    if word == .i32 { emit(.i64ExtendI32U) }
    emitI64(1)
    emit(.i64And)
    emit(.i64Add)
  }

  private mutating func emitRehearsedCode() {
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
    return known.isEmpty || choices.chance(1, of: 8) ? nil : choices.element(of: known)
  }

  /// Code with no check of metering but that of its entry and those of a loop: when a check comes to another answer, no
  /// later one brings both sides to the same end.
  mutating func emitQuietly() {
    uncheckedStatements()
    if choices.chance(2, of: 3) { shortLoop() }
    uncheckedStatements()
    if choices.chance(1, of: 3) {
      emitI32(UInt32(choices.draw(below: 2)))
      open(.if, isTarget: false)
      uncheckedStatements()
      close()
    }
  }

  private mutating func uncheckedStatements() {
    for _ in 0..<choices.draw(below: 3) {
      let type: NumberType = choices.chance(1, of: 2) ? .i32 : .i64
      emit(constant: type)
      keep(type)
    }
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
  var endsBlock: Bool {
    switch self {
    case .loop, .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable, .returnCall, .returnCallIndirect: true
    default: false
    }
  }
}
