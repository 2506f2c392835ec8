// Float operations and conversions. NaN results are canonical, see `Numerics`.

extension Registers {
  /// Sets a register to a float, or to the canonical NaN. A branch that is never taken costs less than a conditional
  /// move, which would bring every result from a vector register to a general one.
  @inline(__always) private func setCanonical(_ register: Int, _ value: Float) {
    self[register] = UInt64(value.bitPattern)
    if _slowPath(value != value) { self[register] = canonicalBits(value) }
  }

  /// The same; returns the value for an arithmetic operation that follows, to which all NaNs are alike: it is not made
  /// canonical.
  @discardableResult
  @inline(__always) func setCanonical(_ register: Int, _ value: Double) -> Double {
    self[register] = value.bitPattern
    if _slowPath(value != value) { self[register] = canonicalBits(value) }
    return value
  }

  // MARK: F32 comparisons

  @inline(__always) func f32Eq(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 == self[word.c].f32) }
  @inline(__always) func f32Ne(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 != self[word.c].f32) }
  @inline(__always) func f32Lt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 < self[word.c].f32) }
  @inline(__always) func f32Gt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 > self[word.c].f32) }
  @inline(__always) func f32Le(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 <= self[word.c].f32) }
  @inline(__always) func f32Ge(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f32 >= self[word.c].f32) }

  // MARK: F64 comparisons

  @inline(__always) func f64Eq(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 == self[word.c].f64) }
  @inline(__always) func f64Ne(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 != self[word.c].f64) }
  @inline(__always) func f64Lt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 < self[word.c].f64) }
  @inline(__always) func f64Gt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 > self[word.c].f64) }
  @inline(__always) func f64Le(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 <= self[word.c].f64) }
  @inline(__always) func f64Ge(_ word: UInt64) { self[word.a] = UInt64(self[word.b].f64 >= self[word.c].f64) }

  // MARK: F32 arithmetic

  @inline(__always) func f32Abs(_ word: UInt64) { self[word.a] = self[word.b] & ~0x8000_0000 }
  @inline(__always) func f32Neg(_ word: UInt64) { self[word.a] = self[word.b] ^ 0x8000_0000 }
  @inline(__always) func f32Ceil(_ word: UInt64) { setCanonical(word.a, self[word.b].f32.rounded(.up)) }
  @inline(__always) func f32Floor(_ word: UInt64) { setCanonical(word.a, self[word.b].f32.rounded(.down)) }
  @inline(__always) func f32Trunc(_ word: UInt64) {
    setCanonical(word.a, self[word.b].f32.rounded(.towardZero))
  }
  @inline(__always) func f32Nearest(_ word: UInt64) {
    setCanonical(word.a, self[word.b].f32.rounded(.toNearestOrEven))
  }
  @inline(__always) func f32Sqrt(_ word: UInt64) { setCanonical(word.a, self[word.b].f32.squareRoot()) }
  @inline(__always) func f32Add(_ word: UInt64) { setCanonical(word.a, self[word.b].f32 + self[word.c].f32) }
  @inline(__always) func f32Sub(_ word: UInt64) { setCanonical(word.a, self[word.b].f32 - self[word.c].f32) }
  @inline(__always) func f32Mul(_ word: UInt64) { setCanonical(word.a, self[word.b].f32 * self[word.c].f32) }
  @inline(__always) func f32Div(_ word: UInt64) { setCanonical(word.a, self[word.b].f32 / self[word.c].f32) }
  @inline(__always) func f32Min(_ word: UInt64) {
    setCanonical(word.a, wasmMinimum(self[word.b].f32, self[word.c].f32))
  }
  @inline(__always) func f32Max(_ word: UInt64) {
    setCanonical(word.a, wasmMaximum(self[word.b].f32, self[word.c].f32))
  }
  @inline(__always) func f32Copysign(_ word: UInt64) {
    self[word.a] = self[word.b] & ~0x8000_0000 | self[word.c] & 0x8000_0000
  }

  // MARK: F64 arithmetic

  @inline(__always) func f64Abs(_ word: UInt64) { self[word.a] = self[word.b] & ~0x8000_0000_0000_0000 }
  @inline(__always) func f64Neg(_ word: UInt64) { self[word.a] = self[word.b] ^ 0x8000_0000_0000_0000 }
  @inline(__always) func f64Ceil(_ word: UInt64) { setCanonical(word.a, self[word.b].f64.rounded(.up)) }
  @inline(__always) func f64Floor(_ word: UInt64) { setCanonical(word.a, self[word.b].f64.rounded(.down)) }
  @inline(__always) func f64Trunc(_ word: UInt64) {
    setCanonical(word.a, self[word.b].f64.rounded(.towardZero))
  }
  @inline(__always) func f64Nearest(_ word: UInt64) {
    setCanonical(word.a, self[word.b].f64.rounded(.toNearestOrEven))
  }
  @inline(__always) func f64Sqrt(_ word: UInt64) { setCanonical(word.a, self[word.b].f64.squareRoot()) }
  @discardableResult
  @inline(__always) func f64Add(_ word: UInt64) -> Double { f64Add(word, self[word.b].f64) }
  @inline(__always) func f64Sub(_ word: UInt64) { f64Sub(word, self[word.c].f64) }
  @discardableResult
  @inline(__always) func f64Mul(_ word: UInt64) -> Double { f64Mul(word, self[word.b].f64) }
  @inline(__always) func f64Div(_ word: UInt64) { setCanonical(word.a, self[word.b].f64 / self[word.c].f64) }
  @inline(__always) func f64Min(_ word: UInt64) {
    setCanonical(word.a, wasmMinimum(self[word.b].f64, self[word.c].f64))
  }
  @inline(__always) func f64Max(_ word: UInt64) {
    setCanonical(word.a, wasmMaximum(self[word.b].f64, self[word.c].f64))
  }
  @inline(__always) func f64Copysign(_ word: UInt64) {
    self[word.a] = self[word.b] & ~0x8000_0000_0000_0000 | self[word.c] & 0x8000_0000_0000_0000
  }

  // MARK: Conversions

  @inline(__always) func i32WrapI64(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32) }
  @inline(__always) func i32TruncF32S(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f32, to: Int32.self))
  }
  @inline(__always) func i32TruncF32U(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f32, to: UInt32.self))
  }
  @inline(__always) func i32TruncF64S(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f64, to: Int32.self))
  }
  @inline(__always) func i32TruncF64U(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f64, to: UInt32.self))
  }
  @inline(__always) func i64ExtendI32S(_ word: UInt64) { self[word.a] = UInt64(Int64(self[word.b].s32)) }
  @inline(__always) func i64TruncF32S(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f32, to: Int64.self))
  }
  @inline(__always) func i64TruncF32U(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f32, to: UInt64.self))
  }
  @inline(__always) func i64TruncF64S(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f64, to: Int64.self))
  }
  @inline(__always) func i64TruncF64U(_ word: UInt64) throws(Trap) {
    self[word.a] = UInt64(try truncated(self[word.b].f64, to: UInt64.self))
  }
  @inline(__always) func f32ConvertI32S(_ word: UInt64) { self[word.a] = UInt64(Float(self[word.b].s32).bitPattern) }
  @inline(__always) func f32ConvertI32U(_ word: UInt64) { self[word.a] = UInt64(Float(self[word.b].u32).bitPattern) }
  @inline(__always) func f32ConvertI64S(_ word: UInt64) { self[word.a] = UInt64(Float(self[word.b].s64).bitPattern) }
  @inline(__always) func f32ConvertI64U(_ word: UInt64) { self[word.a] = UInt64(Float(self[word.b]).bitPattern) }
  @inline(__always) func f32DemoteF64(_ word: UInt64) { setCanonical(word.a, Float(self[word.b].f64)) }
  @inline(__always) func f64ConvertI32S(_ word: UInt64) { self[word.a] = Double(self[word.b].s32).bitPattern }
  @inline(__always) func f64ConvertI32U(_ word: UInt64) { self[word.a] = Double(self[word.b].u32).bitPattern }
  @inline(__always) func f64ConvertI64S(_ word: UInt64) { self[word.a] = Double(self[word.b].s64).bitPattern }
  @inline(__always) func f64ConvertI64U(_ word: UInt64) { self[word.a] = Double(self[word.b]).bitPattern }
  @inline(__always) func f64PromoteF32(_ word: UInt64) { setCanonical(word.a, Double(self[word.b].f32)) }
  @inline(__always) func i32Extend8S(_ word: UInt64) {
    self[word.a] = UInt64(Int32(Int8(truncatingIfNeeded: self[word.b])))
  }
  @inline(__always) func i32Extend16S(_ word: UInt64) {
    self[word.a] = UInt64(Int32(Int16(truncatingIfNeeded: self[word.b])))
  }
  @inline(__always) func i64Extend8S(_ word: UInt64) {
    self[word.a] = UInt64(Int64(Int8(truncatingIfNeeded: self[word.b])))
  }
  @inline(__always) func i64Extend16S(_ word: UInt64) {
    self[word.a] = UInt64(Int64(Int16(truncatingIfNeeded: self[word.b])))
  }
  @inline(__always) func i64Extend32S(_ word: UInt64) { self[word.a] = UInt64(Int64(self[word.b].s32)) }
  @inline(__always) func i32TruncSatF32S(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f32, to: Int32.self))
  }
  @inline(__always) func i32TruncSatF32U(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f32, to: UInt32.self))
  }
  @inline(__always) func i32TruncSatF64S(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f64, to: Int32.self))
  }
  @inline(__always) func i32TruncSatF64U(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f64, to: UInt32.self))
  }
  @inline(__always) func i64TruncSatF32S(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f32, to: Int64.self))
  }
  @inline(__always) func i64TruncSatF32U(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f32, to: UInt64.self))
  }
  @inline(__always) func i64TruncSatF64S(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f64, to: Int64.self))
  }
  @inline(__always) func i64TruncSatF64U(_ word: UInt64) {
    self[word.a] = UInt64(saturated(self[word.b].f64, to: UInt64.self))
  }
}
