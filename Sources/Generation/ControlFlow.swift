// Emits control flow: conditions, bounded loops, blocks and branches, calls of helpers, code that never runs. A part of
// the statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// A condition that holds in some executions and not in others.
  mutating func condition() { expression(.i32) }

  private mutating func conditional(_ count: Int) {
    current.conditionalDepth += 1
    statements(upTo: count)
    current.conditionalDepth -= 1
  }

  mutating func ifElse() -> Bool {
    if current.nesting > 4 { return false }
    features.insert(.ifElse)
    condition()
    open(.if, isTarget: true)
    conditional(2)
    if choices.chance(1, of: 2) {
      emit(.else)
      conditional(2)
    }
    close()
    return true
  }

  mutating func boundedLoop() -> Bool {
    let trips = 1 + choices.draw(below: 6)
    if current.nesting > 4 || current.multiplicity * trips > 40 || !mayAddLocal || !canSpend(3_000 * trips) {
      return false
    }
    features.insert(.loop)
    if current.multiplicity > 1 { features.insert(.nestedLoop) }
    if choices.chance(1, of: 4) {
      repeatedWithValue(trips)
    } else {
      repeated(trips) { generator, _ in generator.statements(upTo: 3) }
    }
    return true
  }

  /// A loop that leaves a value, which it is given or not.
  private mutating func repeatedWithValue(_ trips: UInt64) {
    let type: NumberType = choices.chance(1, of: 2) ? .i32 : .i64
    let isGiven = choices.chance(1, of: 2)
    var loop = BlockType.value(type.valueType)
    if isGiven {
      features.insert(.loopParameters)
      emit(constant: type)
      loop = .type(typeIndex(FunctionShape(parameters: TypeList(type), results: TypeList(type))))
    }
    repeated(trips, loop) { generator, _ in
      generator.statements(upTo: 3)
    } leaving: { generator in
      if !isGiven { generator.emit(constant: type) }
    }
    keep(type)
  }

  /// Emits a loop that runs its body `trips` times; the body is given the local that counts down to 1.
  ///
  /// - Parameters:
  ///   - type: what the loop takes and leaves; what it takes is on the stack.
  ///   - leaving: emits what the loop leaves and does not take.
  mutating func repeated(
    _ trips: UInt64, _ type: BlockType = .empty, _ body: (inout ModuleGenerator, LocalIndex) -> Void,
    leaving: (inout ModuleGenerator) -> Void = { _ in }
  ) {
    let counter = addLocal(.i32, isAssignable: false)
    emitI32(UInt32(truncatingIfNeeded: trips))
    emit(.localSet, .local(counter))
    open(.loop, type, isTarget: false)
    current.multiplicity *= trips
    body(&self, counter)
    emit(.localGet, .local(counter))
    emitI32(1)
    emit(.i32Sub)
    emit(.localTee, .local(counter))
    emit(.brIf, .label(0))
    current.multiplicity /= trips
    leaving(&self)
    close()
  }

  mutating func leavableBlock() -> Bool {
    if current.nesting > 4 { return false }
    open(.block, isTarget: true)
    statements(upTo: 2)
    if choices.chance(2, of: 3) {
      condition()
      emit(.brIf, .label(0))
      conditional(2)
    }
    close()
    return true
  }

  mutating func branchOut() -> Bool {
    let targets = current.openLabels.indices.filter { current.openLabels[$0] }
    if targets.isEmpty { return false }
    let depth = current.openLabels.count - 1 - choices.element(of: targets)
    condition()
    emit(.brIf, .label(UInt32(depth)))
    features.insert(.branchOut)
    return true
  }

  mutating func branchTable() -> Bool {
    let arms = 2 + choices.drawIndex(below: 3)
    if current.nesting + arms > 7 { return false }
    features.insert(.branchTable)
    for _ in 0..<arms { open(.block, isTarget: true) }
    condition()
    let start = current.labels.count
    // At times so many that their number takes two bytes.
    let many = choices.chance(1, of: 40) ? 120 + choices.draw(below: 160) : 0
    for _ in 0..<1 + many + choices.draw(below: 5) { current.labels.append(UInt32(choices.drawIndex(below: arms))) }
    let count = current.labels.count - start
    emit(.brTable, .labels(LabelRange(start: UInt32(start), count: UInt32(count))))
    deadCodeAtTimes()
    for _ in 0..<arms {
      close()
      conditional(1)
    }
    return true
  }

  mutating func earlyReturn() -> Bool {
    // Entry points always come to their end, where they reply.
    if current.rank >= helperCount { return false }
    features.insert(.earlyReturn)
    condition()
    open(.if, isTarget: true)
    let results = current.shape.results
    for position in 0..<results.count { expression(results[position], depth: 1) }
    emit(.return)
    deadCodeAtTimes()
    close()
    return true
  }

  mutating func deadCode() -> Bool {
    features.insert(.deadCode)
    open(.block, isTarget: true)
    emit(.br, .label(0))
    unreachedStatement()
    close()
    return true
  }

  /// Code behind an instruction that never goes on, which no execution may be charged for.
  mutating func deadCodeAtTimes() {
    if !choices.chance(1, of: 4) { return }
    features.insert(.deadCode)
    unreachedStatement()
  }

  private mutating func unreachedStatement() {
    if choices.chance(1, of: 2) {
      // After a branch the stack holds whatever is asked for.
      emit(.i64Add)
      emit(.i64Eqz)
      emit(.drop)
    } else {
      expression(drawType())
      emit(.drop)
    }
  }

  // MARK: Several values

  /// A block, loop or if with parameters and several results.
  mutating func multiValueBlock() -> Bool {
    if current.nesting > 4 || !mayAddLocal { return false }
    if hasHeap && !current.isPlain && choices.chance(1, of: 3) { return bulkBlock() }
    var shape = FunctionShape()
    for _ in 0..<choices.draw(below: 3) { shape.parameters.append(drawType()) }
    for _ in 0..<choices.draw(below: 4) { shape.results.append(drawType()) }
    let kind = choices.draw(below: 3)
    features.insert(.multiValueBlock)
    for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: 1) }
    if kind == 2 {
      condition()
      open(.if, .type(typeIndex(shape)), isTarget: false)
      exchange(shape)
      emit(.else)
      exchange(shape)
    } else if kind == 1 {
      // The back edge is never taken: a loop's label takes its parameters.
      features.insert(.loopParameters)
      open(.loop, .type(typeIndex(shape)), isTarget: false)
      exchange(shape)
    } else {
      open(.block, .type(typeIndex(shape)), isTarget: false)
      exchange(shape)
      if choices.chance(1, of: 2) {
        expression(.i32, depth: 1)
        emit(.brIf, .label(0))
      }
    }
    close()
    for position in stride(from: shape.results.count - 1, through: 0, by: -1) { keep(shape.results[position]) }
    return true
  }

  /// Takes the parameters off the stack and leaves the results.
  private mutating func exchange(_ shape: FunctionShape) {
    for position in stride(from: shape.parameters.count - 1, through: 0, by: -1) {
      if choices.chance(1, of: 4) { emit(.nop) }
      keep(shape.parameters[position])
    }
    for position in 0..<shape.results.count { expression(shape.results[position], depth: 1) }
  }

  /// A block that begins with a bulk operation whose operands come from outside: its charge by length and the charge of
  /// the metered block meet in one place.
  private mutating func bulkBlock() -> Bool {
    features.insert(.multiValueBlock)
    let length = 1 + choices.draw(below: 100)
    emitWord(place(for: length))
    expression(.i32, depth: 1)
    emitWord(length)
    let kind: Opcode = choices.chance(1, of: 2) ? .loop : .block
    let operands = FunctionShape(parameters: TypeList(word, .i32, word))
    open(kind, .type(typeIndex(operands)), isTarget: false)
    emit(.memoryFill, .memory(MemoryIndex(0)))
    spend(100 + length)
    close()
    return true
  }

  // MARK: Calls

  mutating func callAnyHelper() -> Bool {
    let set = callableHelpers
    if set == 0 { return false }
    let rank = position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set)
    callHelper(rank: rank, depth: 2)
    keepResults(plans[rank].shape.results)
    return true
  }

  /// Emits arguments and call; the results stay on the stack.
  mutating func callHelper(rank: Int, depth: Int) {
    let shape = plans[rank].shape
    for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: depth) }
    emit(.call, .function(functionIndex(rank: rank)))
    noteCall(rank: rank)
    features.insert(.helperCall)
  }

  /// Enters a call in the footprint.
  mutating func noteCall(rank: Int) {
    spend(5)
    current.footprint.add(plans[rank].footprint, times: current.multiplicity)
    if plans[rank].needsSetup { current.usesSetup = true }
  }

  mutating func keepResults(_ results: TypeList) {
    for position in stride(from: results.count - 1, through: 0, by: -1) { keep(results[position]) }
  }

  /// Calls a helper through the table. Stable functions are called through it by `callStable`.
  mutating func callThroughTable() -> Bool {
    let helpers = callableHelpers
    if let rank = spareHelper, helpers >> UInt64(rank) & 1 == 1, choices.chance(1, of: 3) {
      call(rank: rank, through: TableIndex(0), at: UInt64(slots.count), .i32)
      return true
    }
    let start = choices.drawIndex(below: slots.count)
    for step in slots.indices {
      let slot = (start + step) % slots.count
      guard case .helper(let rank) = slots[slot], helpers >> UInt64(rank) & 1 == 1 else { continue }
      let shape = plans[rank].shape
      for position in 0..<shape.parameters.count { expression(shape.parameters[position], depth: 1) }
      let next = slot + 1
      if next < slots.count, case .helper(let other) = slots[next], helpers >> UInt64(other) & 1 == 1,
        plans[other].shape == shape, choices.chance(2, of: 3)
      {
        // Which of the two runs is decided when the function runs; both count as called.
        expression(.i32, depth: 1)
        emitI32(1)
        emit(.i32And)
        emitI32(UInt32(slot))
        emit(.i32Add)
        noteCall(rank: other)
      } else {
        emitI32(UInt32(slot))
      }
      emit(.callIndirect, .indirectCall(typeIndex(shape), TableIndex(0)))
      noteCall(rank: rank)
      features.insert(.indirectCall)
      keepResults(shape.results)
      return true
    }
    return false
  }
}
