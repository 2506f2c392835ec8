// Emits vectors: expressions of type v128, and numbers and stores that come out of them. Used by expressions and
// statements wherever `GenerationTables.makesVectors` allows it, and by the systematic cases.

import Canister
import Wasm

extension ModuleGenerator {
  /// Emits code that leaves a vector.
  mutating func vector(_ depth: Int) {
    switch choices.draw(below: depth > 0 ? 32 as UInt64 : 8) {
    case 0..<3: emit(constant: .v128)
    case 3..<6: if !localVector() { emit(constant: .v128) }
    case 6..<8: globalVector()
    case 8..<18: operation(.v128, depth)
    case 18..<22: load(.v128, depth)
    case 22..<25: lane(.v128, depth)
    case 25: shuffle(depth)
    case 26: selection(.v128, depth)
    case 27: conditionalValue(.v128, depth)
    case 28: blockValue(.v128, depth)
    default: splat(depth)
    }
  }

  mutating func drawV128() -> V128 {
    switch choices.draw(below: 4) {
    case 0: return V128(low: choices.draw(below: 256), high: 0)
    case 1:
      // The same number in all lanes.
      let byte = choices.draw(below: 256) &* 0x0101_0101_0101_0101
      return V128(low: byte, high: byte)
    case 2: return V128(low: drawConstantBits(.f64), high: drawConstantBits(.f64))
    default: return V128(low: choices.drawBits(), high: choices.drawBits())
    }
  }

  private mutating func drawConstantBits(_ type: NumberType) -> UInt64 {
    if case .f64(let bits) = drawConstant(type).immediate { bits } else { 0 }
  }

  /// A statement: instructions on vectors one after the other, each of which takes what the one before has left. There
  /// are as many of them as of all other instructions together, so one at a time they would be seen too seldom.
  mutating func vectorChain() -> Bool {
    guard GenerationTables.makesVectors, mayAddLocal else { return false }
    let local = addLocal(.v128, isAssignable: true)
    vector(1)
    for _ in 0..<4 + choices.draw(below: 12) {
      let (operation, result) = choices.element(of: tables.vectorOperations)
      // Whether a vector is the first operand or the second matters to some.
      let isSecond = operation.operands.count == 2 && operation.operands[1] == .v128 && choices.chance(1, of: 2)
      if isSecond {
        emit(.localSet, .local(local))
        vector(0)
        emit(.localGet, .local(local))
      } else {
        for position in 1..<operation.operands.count { expression(operation.operands[position], depth: 0) }
      }
      emit(operation.opcode)
      if result == .i32 { emit(.i32x4Splat) }
    }
    keep(.v128)
    features.insert(.vectorChain)
    return true
  }

  private mutating func localVector() -> Bool {
    if current.localsOfType[NumberType.v128.position] == 0 { return false }
    localValue(.v128)
    return true
  }

  private mutating func globalVector() {
    let set = globalsOfType[NumberType.v128.position]
    if set == 0 { return splat(0) }
    emit(.globalGet, .global(GlobalIndex(position(ofBit: choices.drawIndex(below: set.nonzeroBitCount), in: set))))
  }

  private mutating func splat(_ depth: Int) {
    let splats: [(Opcode, NumberType)] = [
      (.i8x16Splat, .i32), (.i16x8Splat, .i32), (.i32x4Splat, .i32), (.i64x2Splat, .i64), (.f32x4Splat, .f32),
      (.f64x2Splat, .f64),
    ]
    let (opcode, type) = choices.element(of: splats)
    expression(type, depth: max(depth - 1, 0))
    emit(opcode)
  }

  private mutating func shuffle(_ depth: Int) {
    vector(depth - 1)
    vector(depth - 1)
    emit(.i8x16Shuffle, .shuffle(drawShuffle()))
  }

  /// 16 lane numbers below 32.
  mutating func drawShuffle() -> V128 {
    let mask: UInt64 = 0x1F1F_1F1F_1F1F_1F1F
    return V128(low: choices.drawBits() & mask, high: choices.drawBits() & mask)
  }

  /// An instruction with a lane number whose result has the type.
  private mutating func lane(_ type: NumberType, _ depth: Int) {
    let operation = choices.element(of: tables.lanes[type.position])
    let lane = UInt8(truncatingIfNeeded: choices.draw(below: operation.lanes))
    if let width = operation.width {
      if !hasHeap { return emit(constant: type) }
      let access = address(width: width, memory: drawMemory(), depth: depth - 1)
      vector(depth - 1)
      emit(operation.opcode, .memoryLane(access, lane: lane))
    } else {
      for position in 0..<operation.operands.count { expression(operation.operands[position], depth: depth - 1) }
      emit(operation.opcode, .lane(lane))
    }
  }

  /// A number of one of the other types that comes out of a vector.
  mutating func fromVector(_ type: NumberType) { lane(type, 1) }

  /// Stores one lane of a vector.
  mutating func storeLane() -> Bool {
    if !hasHeap { return false }
    let operation = choices.element(of: tables.laneStores)
    let access = address(width: operation.width ?? 0, memory: drawMemory(), depth: 1)
    vector(1)
    emit(
      operation.opcode, .memoryLane(access, lane: UInt8(truncatingIfNeeded: choices.draw(below: operation.lanes))))
    return true
  }
}
