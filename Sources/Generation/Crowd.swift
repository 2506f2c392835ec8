// Fills the index spaces of some modules with items that nothing uses, so that the indices of all others take one or two
// bytes more: what cuts an index to 7, 8 or 14 bits, or counts its bytes wrongly, then shows.

import Canister
import Wasm

extension ModuleGenerator {
  /// How many items stand in the way, if any: enough that an index no longer fits the bits, just so or by far.
  mutating func drawCrowd(largest: UInt64) -> Int {
    let edges: [UInt64] = [120, 250, 250, 16_376]
    let edge = choices.element(of: edges.filter { $0 + 300 <= largest })
    return Int(edge + choices.draw(below: choices.chance(1, of: 2) ? 10 : 60))
  }

  /// Adds functions before all others, and globals and types behind those that are planned by now. Comes after the
  /// positions of functions and the globals are planned and before anything names a function.
  mutating func planCrowd() {
    if !choices.chance(1, of: 20) { return }
    features.insert(.crowd)
    if choices.chance(3, of: 4) {
      // The largest modules take as long as a hundred others.
      crowd = drawCrowd(largest: choices.chance(1, of: 80) ? UInt64(CanisterLimits.functions) : 1_000)
      for rank in plans.indices { plans[rank].position += crowd }
    }
    if choices.chance(1, of: 2) {
      for number in 0..<drawCrowd(largest: UInt64(CanisterLimits.globals)) {
        module.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(Int64(number))]))
      }
    }
    if choices.chance(1, of: 2) {
      for _ in 0..<drawCrowd(largest: 1_000) { _ = addType(FunctionShape()) }
    }
  }

  /// The functions before all others: of the types of those behind, so that a wrong index often leads to one that fits.
  mutating func crowdFunctions() -> [Function] {
    // The same code in functions of different types is instrumented differently: the operand is kept in a local.
    let grows = crowd > 0 && hasHeap && choices.chance(1, of: 2)
    let nothing = isWideHeap ? Instruction.i64(0) : .i32(0)
    let growth = [nothing, Instruction(.memoryGrow, .memory(MemoryIndex(0))), Instruction(.drop)]
    return (0..<crowd).map { number in
      let shape = plans[number % plans.count].shape
      var instructions = grows ? growth : []
      for position in 0..<shape.results.count { instructions.append(drawConstant(shape.results[position])) }
      instructions.append(Instruction(.end))
      return Function(type: typeIndex(shape), body: FunctionBody(instructions: instructions))
    }
  }

  /// Locals behind those of a body that are never used; mostly none.
  mutating func crowdLocals() -> LocalGroup? {
    features.contains(.crowd) && choices.chance(1, of: 4)
      ? LocalGroup(count: UInt32(drawCrowd(largest: choices.chance(1, of: 6) ? 20_000 : 1_000)), type: .i64) : nil
  }

  /// Slots of the table before all others; mostly none.
  mutating func crowdSlots() -> [TableSlot] {
    guard features.contains(.crowd), choices.chance(1, of: 3) else { return [] }
    let slot =
      choices.chance(1, of: 2) ? .null : TableSlot.entry(rank: helperCount + choices.drawIndex(below: entries.count))
    return Array(repeating: slot, count: drawCrowd(largest: 1_000))
  }

  /// Adds passive data segments before all others, in some modules.
  mutating func planCrowdData() {
    guard features.contains(.crowd), choices.chance(1, of: 3) else { return }
    for number in 0..<drawCrowd(largest: 1_000) {
      module.data.append(DataSegment(mode: .passive, bytes: [UInt8(truncatingIfNeeded: number)]))
      segments.append(SegmentShape(length: 1, isPassive: true, isDropped: false))
    }
  }

  /// Adds element segments that nothing uses, in some modules: a few or, where there are crowds, many.
  mutating func planCrowdElements() {
    guard choices.chance(1, of: 4) else { return }
    let count = features.contains(.crowd) ? drawCrowd(largest: 1_000) : choices.drawIndex(below: 12)
    for number in 0..<count {
      let function = functionIndex(rank: number % plans.count)
      let mode: ElementMode = number % 2 == 0 ? .passive : .declarative
      module.elements.append(ElementSegment(mode: mode, items: .functions([function])))
    }
  }

  /// Code that is large in one way or another, in some functions of some modules.
  mutating func crowdStatement() {
    guard features.contains(.crowd), choices.chance(1, of: 3) else { return }
    switch choices.draw(below: 4) {
    case 0: crowdBlocks()
    case 1: crowdCosts()
    case 2:
      // A metered block of more than a thousand instructions.
      for _ in 0..<1_000 + choices.drawIndex(below: 60) { emit(.nop) }
      assignGlobal()
    default: crowdGlobals()
    }
  }

  /// So many blocks around some branches that the labels of the outer ones at times take two bytes.
  private mutating func crowdBlocks() {
    guard canSpend(2_000) else { return }
    let (depth, nesting) = (60 + choices.drawIndex(below: 120), current.nesting)
    /// Any of the blocks, or one of the outermost.
    func drawLabel() -> UInt32 {
      UInt32(choices.chance(1, of: 2) ? depth - 1 - choices.drawIndex(below: 8) : choices.drawIndex(below: depth))
    }
    for _ in 0..<depth { open(.block, isTarget: false) }
    current.nesting = nesting
    current.conditionalDepth += 1
    for _ in 0..<2 {
      condition()
      emit(.brIf, .label(drawLabel()))
    }
    condition()
    let start = current.labels.count
    for _ in 0..<3 { current.labels.append(drawLabel()) }
    emit(.brTable, .labels(LabelRange(start: UInt32(start), count: 3)))
    current.conditionalDepth -= 1
    current.nesting += depth
    for level in 0..<depth {
      close()
      // Where a branch leads to shows in what is done behind it.
      if level & 7 == 0 {
        emit(constant: .i64)
        keep(.i64)
      }
    }
  }

  /// A metered block that costs more than 15 or 16 bits count.
  private mutating func crowdCosts() {
    let count = 110 + choices.draw(below: 130)
    guard hasHeap, canSpend(count * 302) else { return }
    for _ in 0..<count {
      emitWord(0)
      emit(.memoryGrow, .memory(MemoryIndex(0)))
      emit(.drop)
      spend(296)
    }
  }

  /// Changes some of the globals that nothing else uses.
  private mutating func crowdGlobals() {
    let first = globalTypes.count
    guard module.globals.count > first else { return }
    for _ in 0..<3 {
      let global = GlobalIndex(first + choices.drawIndex(below: module.globals.count - first))
      emit(.globalGet, .global(global))
      emit(constant: .i64)
      emit(.i64Xor)
      emit(.globalSet, .global(global))
    }
  }
}
