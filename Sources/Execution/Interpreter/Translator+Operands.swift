// The translator's operand stack: what stands where, and bringing operands to the place where they are needed.

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
  /// The operand's own register.
  let slot: Int32
  /// Constant bits, or the local's number.
  var bits: UInt64
}

extension Translator {
  var height: Int { operands.count }

  private var nextSlot: Int32 { Int32(localCount + operands.count) }

  private mutating func push(_ operand: Operand) {
    operands.append(operand)
    if operands.count > maximumHeight { maximumHeight = operands.count }
  }

  /// Pushes an operand that is in its own register, and returns that register.
  @discardableResult mutating func pushTemporary() -> Int {
    let slot = nextSlot
    push(Operand(kind: .temporary, slot: slot, bits: 0))
    return Int(slot)
  }

  mutating func pushTemporaries(_ count: Int) {
    for _ in 0..<count { pushTemporary() }
  }

  mutating func pushConstant(_ bits: UInt64) { push(Operand(kind: .constant, slot: nextSlot, bits: bits)) }

  mutating func pushLocal(_ local: Int) {
    localUses[local] += 1
    localOperands += 1
    push(Operand(kind: .local, slot: nextSlot, bits: UInt64(local)))
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
    case .local: return Int(operand.bits)
    case .constant:
      emitConstant(operand.bits, to: Int(operand.slot))
      return Int(operand.slot)
    }
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
      code.emit(UInt64(.copy, a: Int(operand.slot), b: Int(operand.bits)))
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
        if Int(operand.slot) != register { code.emit(UInt64(.copy, a: register, b: Int(operand.slot))) }
      case .local: code.emit(UInt64(.copy, a: register, b: Int(operand.bits)))
      case .constant: emitConstant(operand.bits, to: register)
      }
      code.forgetLastOperation()
      return
    }
    settleTop(count)
    let source = localCount + operands.count - count
    if source != register { code.emit(UInt64(.copyBlock, a: register, b: source, c: count)) }
  }
}
