// The translator's operand stack: what stands where, and bringing operands to the place where they are needed.

import Wasm

/// An operand that the code so far has pushed.
struct Operand {
  enum Kind: UInt8 {
    /// In its own register.
    case temporary
    /// The present value of a local.
    case local
    /// A constant that no register holds yet.
    case constant
  }

  var kind: Kind
  /// The operand's own register, the first of two for a vector.
  let slot: Int32
  /// Constant bits, or the local's number.
  var bits: UInt64
  var isVector = false

  /// The register behind the operand's own.
  var end: Int32 { slot + (isVector ? 2 : 1) }
}

extension Translator {
  var height: Int { operands.count }

  /// The first register above the operands.
  var nextSlot: Int32 { operands.last?.end ?? Int32(localCount) }

  private mutating func push(_ operand: Operand) {
    operands.append(operand)
    let height = Int(operand.end) - localCount
    if height > maximumHeight { maximumHeight = height }
  }

  /// Pushes an operand that is in its own register, and returns that register.
  @discardableResult mutating func pushTemporary(isVector: Bool = false) -> Int {
    let slot = nextSlot
    push(Operand(kind: .temporary, slot: slot, bits: 0, isVector: isVector))
    return Int(slot)
  }

  mutating func pushTemporaries(_ types: some Sequence<ValueType>) {
    for type in types { pushTemporary(isVector: type == .v128) }
  }

  mutating func pushConstant(_ bits: UInt64) { push(Operand(kind: .constant, slot: nextSlot, bits: bits)) }

  mutating func pushLocal(_ local: Int) {
    localUses[local] += 1
    localOperands += 1
    push(Operand(kind: .local, slot: nextSlot, bits: UInt64(local), isVector: isVector(local)))
  }

  mutating func pop() -> Operand {
    let operand = operands.removeLast()
    if operand.kind == .local { forgetUse(of: operand) }
    return operand
  }

  private mutating func forgetUse(of operand: Operand) {
    localUses[Int(operand.bits)] -= 1
    localOperands -= 1
  }

  mutating func drop(_ count: Int) {
    for _ in 0..<count { _ = pop() }
  }

  /// A register that holds the operand's value; a constant is put into the operand's own register for that.
  mutating func register(of operand: Operand) -> Int {
    switch operand.kind {
    case .temporary: return Int(operand.slot)
    case .local: return localRegister(Int(operand.bits))
    case .constant:
      emitConstant(operand.bits, to: Int(operand.slot))
      return Int(operand.slot)
    }
  }

  /// The first register of a local.
  func localRegister(_ local: Int) -> Int { localRegisters.isEmpty ? local : Int(localRegisters[local]) }

  private func isVector(_ local: Int) -> Bool {
    !localRegisters.isEmpty && localRegisters[local + 1] - localRegisters[local] == 2
  }

  /// Emits a copy of a scalar or a vector.
  mutating func emitCopy(of operand: Operand, to register: Int) {
    code.emit(UInt64(operand.isVector ? .vectorCopy : .copy, a: register, b: self.register(of: operand)))
  }

  mutating func popRegister() -> Int { register(of: pop()) }

  mutating func emitConstant(_ bits: UInt64, to register: Int) {
    if bits >> 32 == 0 {
      code.emitResult(.const32, to: register, bc: Int(bits))
    } else {
      code.emitResult(.const64, to: register)
      code.emitOperand(bits)
    }
  }

  /// Puts the operand at a position of the stack into its own register.
  mutating func settle(_ position: Int) {
    let operand = operands[position]
    switch operand.kind {
    case .temporary: return
    case .local:
      emitCopy(of: operand, to: Int(operand.slot))
      forgetUse(of: operand)
    case .constant: emitConstant(operand.bits, to: Int(operand.slot))
    }
    operands[position].kind = .temporary
    // What was just emitted is the value of an operand below the top: the next write must not be redirected to it.
    code.forgetLastOperation()
  }

  /// Puts the top operands into their own registers.
  mutating func settleTop(_ count: Int) {
    for position in operands.count - count..<operands.count { settle(position) }
  }

  /// Puts operands that stand for locals into their own registers: needed where control flow joins or repeats, since a
  /// local may be written on one way and not on the other.
  mutating func settleLocals() {
    guard localOperands > 0 else { return }
    for position in operands.indices where operands[position].kind == .local { settle(position) }
  }

  /// Before a local is written: operands that stand for its present value get it into their own registers.
  mutating func preserve(_ local: Int) {
    var position = operands.count - 1
    while localUses[local] > 0, position >= 0 {
      if operands[position].kind == .local, operands[position].bits == UInt64(local) { settle(position) }
      position -= 1
    }
  }

  /// Moves the top operands to consecutive registers, where the end of a block or the caller expects them. They stay on
  /// the operand stack.
  mutating func moveTop(_ count: Int, to register: Int) {
    guard count > 0 else { return }
    if count == 1, let operand = operands.last {
      switch operand.kind {
      case .temporary:
        if Int(operand.slot) != register { emitCopy(of: operand, to: register) }
      case .local: emitCopy(of: operand, to: register)
      case .constant: emitConstant(operand.bits, to: register)
      }
      code.forgetLastOperation()
      return
    }
    settleTop(count)
    let source = Int(operands[operands.count - count].slot)
    if source != register { code.emit(UInt64(.copyBlock, a: register, b: source, c: Int(nextSlot) - source)) }
  }
}
