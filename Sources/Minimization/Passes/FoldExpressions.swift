// Pass over arithmetic: computes what has only constants for operands, and puts constants where variables hold them.
// So a number that was put together from many becomes one, which the passes over constants can then make smaller.

import Wasm

func foldExpressions(_ search: inout Search) {
  propagateLocals(&search)
  // Each time around reaches one operator further up.
  for _ in 0..<16 {
    let before = search.accepted
    foldOperators(&search)
    if search.accepted == before { return }
  }
}

private func foldOperators(_ search: inout Search) {
  var edits: [PlacedEdit] = []
  search.best.forEachOutline { place, body, outline in
    for node in outline.nodes where node.value != nil {
      let operands = body.instructions[node.range.lowerBound..<max(node.range.lowerBound, node.position)]
      guard operands.count == node.operands.count, operands.count == 1 || operands.count == 2 else { continue }
      if let result = fold(body.instructions[node.position].opcode, Array(operands)) {
        edits.append(PlacedEdit(place, .replace(node.range, [result])))
      }
    }
  }
  search.reduce(edits)
}

/// Replaces reads of a local by the constant that was assigned to it last, as the text goes. Where control goes another
/// way that is another program; the predicate says whether it does.
private func propagateLocals(_ search: inout Search) {
  var edits: [PlacedEdit] = []
  search.best.forEachOutline { place, body, _ in
    var known: [LocalIndex: Instruction] = [:]
    for (position, instruction) in body.instructions.enumerated() {
      guard case .local(let local) = instruction.immediate else { continue }
      if instruction.opcode == .localGet {
        if let constant = known[local] {
          edits.append(PlacedEdit(place, .replace(position..<position + 1, [constant])))
        }
      } else if position > 0, isConstant(body.instructions[position - 1]) {
        known[local] = body.instructions[position - 1]
      } else {
        known[local] = nil
      }
    }
  }
  search.reduce(edits)
}

// MARK: Arithmetic

/// The result of an integer operator on constants; nil for operators that are not folded and where it would trap.
private func fold(_ opcode: Opcode, _ operands: [Instruction]) -> Instruction? {
  switch (operands.first?.immediate, operands.count > 1 ? operands[1].immediate : .none) {
  case (.i32(let left), .i32(let right)):
    guard let family = family(of: opcode), !family.is64Bit else { return nil }
    return binary(family.opcode, UInt32(bitPattern: left), UInt32(bitPattern: right)).map(instruction)
  case (.i64(let left), .i64(let right)):
    guard let family = family(of: opcode), family.is64Bit else { return nil }
    return binary(family.opcode, UInt64(bitPattern: left), UInt64(bitPattern: right)).map(instruction)
  case (.i32(let value), .none):
    switch opcode {
    case .i32Eqz: return .i32(value == 0 ? 1 : 0)
    case .i64ExtendI32S: return .i64(Int64(value))
    case .i64ExtendI32U: return .i64(Int64(UInt32(bitPattern: value)))
    case .i32Extend8S: return .i32(Int32(Int8(truncatingIfNeeded: value)))
    case .i32Extend16S: return .i32(Int32(Int16(truncatingIfNeeded: value)))
    default: return nil
    }
  case (.i64(let value), .none):
    switch opcode {
    case .i64Eqz: return .i32(value == 0 ? 1 : 0)
    case .i32WrapI64: return .i32(Int32(truncatingIfNeeded: value))
    case .i64Extend8S: return .i64(Int64(Int8(truncatingIfNeeded: value)))
    case .i64Extend16S: return .i64(Int64(Int16(truncatingIfNeeded: value)))
    case .i64Extend32S: return .i64(Int64(Int32(truncatingIfNeeded: value)))
    default: return nil
    }
  default: return nil
  }
}

/// The 32-bit operator that does the same, as the two families stand in the same order in the opcode space.
private func family(of opcode: Opcode) -> (opcode: Opcode, is64Bit: Bool)? {
  let code = opcode.rawValue
  switch code {
  case Opcode.i32Eq.rawValue...Opcode.i32GeU.rawValue, Opcode.i32Add.rawValue...Opcode.i32Rotr.rawValue:
    return (opcode, false)
  case Opcode.i64Eq.rawValue...Opcode.i64GeU.rawValue:
    return Opcode(rawValue: code - Opcode.i64Eq.rawValue + Opcode.i32Eq.rawValue).map { ($0, true) }
  case Opcode.i64Add.rawValue...Opcode.i64Rotr.rawValue:
    return Opcode(rawValue: code - Opcode.i64Add.rawValue + Opcode.i32Add.rawValue).map { ($0, true) }
  default: return nil
  }
}

private enum Folded {
  case flag(Bool)
  case number(UInt64, is64Bit: Bool)
}

private func instruction(_ folded: Folded) -> Instruction {
  switch folded {
  case .flag(let flag): .i32(flag ? 1 : 0)
  case .number(let bits, true): .i64(Int64(bitPattern: bits))
  case .number(let bits, false): .i32(Int32(truncatingIfNeeded: bits))
  }
}

/// An operator of the 32-bit family on operands of either width.
private func binary<Word: FixedWidthInteger & UnsignedInteger>(
  _ opcode: Opcode, _ left: Word, _ right: Word
) -> Folded? {
  func number(_ value: Word) -> Folded {
    .number(UInt64(truncatingIfNeeded: value), is64Bit: Word.bitWidth == 64)
  }
  let signedLeft = Int64(truncatingIfNeeded: left) << (64 - Word.bitWidth)
  let signedRight = Int64(truncatingIfNeeded: right) << (64 - Word.bitWidth)
  // Shifts count modulo the width, which is what the masking operators do.
  switch opcode {
  case .i32Eq: return .flag(left == right)
  case .i32Ne: return .flag(left != right)
  case .i32LtU: return .flag(left < right)
  case .i32GtU: return .flag(left > right)
  case .i32LeU: return .flag(left <= right)
  case .i32GeU: return .flag(left >= right)
  case .i32LtS: return .flag(signedLeft < signedRight)
  case .i32GtS: return .flag(signedLeft > signedRight)
  case .i32LeS: return .flag(signedLeft <= signedRight)
  case .i32GeS: return .flag(signedLeft >= signedRight)
  case .i32Add: return number(left &+ right)
  case .i32Sub: return number(left &- right)
  case .i32Mul: return number(left &* right)
  case .i32DivU: return right == 0 ? nil : number(left / right)
  case .i32RemU: return right == 0 ? nil : number(left % right)
  case .i32And: return number(left & right)
  case .i32Or: return number(left | right)
  case .i32Xor: return number(left ^ right)
  case .i32Shl: return number(left &<< right)
  case .i32ShrU: return number(left &>> right)
  case .i32ShrS:
    let distance = Int64(truncatingIfNeeded: right) & Int64(Word.bitWidth - 1)
    return number(Word(truncatingIfNeeded: (signedLeft >> Int64(64 - Word.bitWidth)) >> distance))
  default: return nil
  }
}
