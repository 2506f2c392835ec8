// Fills the index spaces of some modules with items that nothing uses, so that the indices of all others take one or two
// bytes more: what cuts an index to 7, 8 or 14 bits, or counts its bytes wrongly, then shows.

import Canister
import Wasm

extension ModuleGenerator {
  /// How many items stand in the way, if any: enough that an index no longer fits the bits, just so or by far.
  private mutating func drawCrowd(largest: UInt64) -> Int {
    let edges: [UInt64] = [120, 250, 16_376]
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
    (0..<crowd).map { number in
      let shape = plans[number % plans.count].shape
      var instructions: [Instruction] = []
      for position in 0..<shape.results.count { instructions.append(drawConstant(shape.results[position])) }
      instructions.append(Instruction(.end))
      return Function(type: typeIndex(shape), body: FunctionBody(instructions: instructions))
    }
  }

  /// Locals behind those of a body that are never used; mostly none.
  mutating func crowdLocals() -> LocalGroup? {
    features.contains(.crowd) && choices.chance(1, of: 4)
      ? LocalGroup(count: UInt32(drawCrowd(largest: 1_000)), type: .i64) : nil
  }
}
