// Operations of sequences that take their first operand from the operation before, not from its register. What is written
// to memory can be read again only some cycles later, which is most of what a chain of operations takes.

extension Registers {
  /// Writes a result; returns it for the operation that follows.
  @inline(__always) func set(_ register: Int, _ value: UInt32) -> UInt32 {
    self[register] = UInt64(value)
    return value
  }

  @discardableResult
  @inline(__always) func i32Add(_ word: UInt64, _ b: UInt32) -> UInt32 { set(word.a, b &+ self[word.c].u32) }
  @discardableResult
  @inline(__always) func i32And(_ word: UInt64, _ b: UInt32) -> UInt32 { set(word.a, b & self[word.c].u32) }
  @discardableResult
  @inline(__always) func i32Xor(_ word: UInt64, _ b: UInt32) -> UInt32 { set(word.a, b ^ self[word.c].u32) }
  @discardableResult
  @inline(__always) func i32XorRotl(_ word: UInt64, _ count: UInt64, _ b: UInt32) -> UInt32 {
    set(word.a, b ^ rotatedLeft(self[word.c].u32, count.u32))
  }
  // Of these two, both operands.
  @discardableResult
  @inline(__always) func i32XorShl(_ word: UInt64, _ count: UInt64, _ bc: UInt32) -> UInt32 {
    set(word.a, bc ^ bc &<< count.u32)
  }
  @discardableResult
  @inline(__always) func i32XorShrU(_ word: UInt64, _ count: UInt64, _ bc: UInt32) -> UInt32 {
    set(word.a, bc ^ bc &>> count.u32)
  }
  @discardableResult
  @inline(__always) func f64Add(_ word: UInt64, _ b: Double) -> Double { setCanonical(word.a, b + self[word.c].f64) }
  @discardableResult
  @inline(__always) func f64Mul(_ word: UInt64, _ b: Double) -> Double { setCanonical(word.a, b * self[word.c].f64) }
  /// Of this one, the second operand.
  @inline(__always) func f64Sub(_ word: UInt64, _ c: Double) { setCanonical(word.a, self[word.b].f64 - c) }
}

extension UInt64 {
  /// The word, if its operation can take the result in `register` from the operation before; operands are exchanged
  /// where that makes no difference.
  func taking(resultIn register: Int) -> UInt64? {
    switch op.first {
    case .i32Add, .i32And, .i32Xor, .f64Add, .f64Mul:
      if b == register { return self }
      return c == register ? UInt64(op, a: a, b: c, c: b) : nil
    case .i32XorRotl: return b == register ? self : nil
    case .i32XorShl, .i32XorShrU: return b == register && c == register ? self : nil
    case .f64Sub: return c == register ? self : nil
    default: return nil
    }
  }
}
