// Integer operations: comparisons and arithmetic, of registers and with an immediate on the right.

extension Registers {
  // MARK: I32 comparisons

  @inline(__always) func i32Eqz(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 == 0) }
  @inline(__always) func i32Eq(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 == self[word.c].u32) }
  @inline(__always) func i32Ne(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 != self[word.c].u32) }
  @inline(__always) func i32LtS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s32 < self[word.c].s32) }
  @inline(__always) func i32LtU(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 < self[word.c].u32) }
  @inline(__always) func i32GtS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s32 > self[word.c].s32) }
  @inline(__always) func i32GtU(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 > self[word.c].u32) }
  @inline(__always) func i32LeS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s32 <= self[word.c].s32) }
  @inline(__always) func i32LeU(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 <= self[word.c].u32) }
  @inline(__always) func i32GeS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s32 >= self[word.c].s32) }
  @inline(__always) func i32GeU(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 >= self[word.c].u32) }

  // MARK: I64 comparisons

  @inline(__always) func i64Eqz(_ word: UInt64) { self[word.a] = UInt64(self[word.b] == 0) }
  @inline(__always) func i64Eq(_ word: UInt64) { self[word.a] = UInt64(self[word.b] == self[word.c]) }
  @inline(__always) func i64Ne(_ word: UInt64) { self[word.a] = UInt64(self[word.b] != self[word.c]) }
  @inline(__always) func i64LtS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s64 < self[word.c].s64) }
  @inline(__always) func i64LtU(_ word: UInt64) { self[word.a] = UInt64(self[word.b] < self[word.c]) }
  @inline(__always) func i64GtS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s64 > self[word.c].s64) }
  @inline(__always) func i64GtU(_ word: UInt64) { self[word.a] = UInt64(self[word.b] > self[word.c]) }
  @inline(__always) func i64LeS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s64 <= self[word.c].s64) }
  @inline(__always) func i64LeU(_ word: UInt64) { self[word.a] = UInt64(self[word.b] <= self[word.c]) }
  @inline(__always) func i64GeS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s64 >= self[word.c].s64) }
  @inline(__always) func i64GeU(_ word: UInt64) { self[word.a] = UInt64(self[word.b] >= self[word.c]) }

  // MARK: I32 arithmetic

  @inline(__always) func i32Clz(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32.leadingZeroBitCount) }
  @inline(__always) func i32Ctz(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32.trailingZeroBitCount) }
  @inline(__always) func i32Popcnt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32.nonzeroBitCount) }
  @discardableResult
  @inline(__always) func i32Add(_ word: UInt64) -> UInt32 { i32Add(word, self[word.b].u32) }
  @inline(__always) func i32Sub(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 &- self[word.c].u32) }
  @inline(__always) func i32Mul(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 &* self[word.c].u32) }
  @inline(__always) func i32DivS(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].s32
    let dividend = self[word.b].s32
    if divisor == 0 { throw .integerDivisionByZero }
    if divisor == -1 && dividend == .min { throw .integerOverflow }
    self[word.a] = UInt64(dividend / divisor)
  }
  @inline(__always) func i32DivU(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].u32
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = UInt64(self[word.b].u32 / divisor)
  }
  @inline(__always) func i32RemS(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].s32
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = divisor == -1 ? 0 : UInt64(self[word.b].s32 % divisor)
  }
  @inline(__always) func i32RemU(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].u32
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = UInt64(self[word.b].u32 % divisor)
  }
  @discardableResult
  @inline(__always) func i32And(_ word: UInt64) -> UInt32 { i32And(word, self[word.b].u32) }
  @inline(__always) func i32Or(_ word: UInt64) { self[word.a] = self[word.b] | self[word.c] }
  @discardableResult
  @inline(__always) func i32Xor(_ word: UInt64) -> UInt32 { i32Xor(word, self[word.b].u32) }
  @inline(__always) func i32Shl(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 &<< self[word.c].u32) }
  @inline(__always) func i32ShrS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s32 &>> self[word.c].s32) }
  @inline(__always) func i32ShrU(_ word: UInt64) { self[word.a] = UInt64(self[word.b].u32 &>> self[word.c].u32) }
  @inline(__always) func i32Rotl(_ word: UInt64) {
    self[word.a] = UInt64(rotatedLeft(self[word.b].u32, self[word.c].u32))
  }
  @inline(__always) func i32Rotr(_ word: UInt64) {
    self[word.a] = UInt64(rotatedLeft(self[word.b].u32, 0 &- self[word.c].u32))
  }

  // MARK: I64 arithmetic

  @inline(__always) func i64Clz(_ word: UInt64) { self[word.a] = UInt64(self[word.b].leadingZeroBitCount) }
  @inline(__always) func i64Ctz(_ word: UInt64) { self[word.a] = UInt64(self[word.b].trailingZeroBitCount) }
  @inline(__always) func i64Popcnt(_ word: UInt64) { self[word.a] = UInt64(self[word.b].nonzeroBitCount) }
  @inline(__always) func i64Add(_ word: UInt64) { self[word.a] = self[word.b] &+ self[word.c] }
  @inline(__always) func i64Sub(_ word: UInt64) { self[word.a] = self[word.b] &- self[word.c] }
  @inline(__always) func i64Mul(_ word: UInt64) { self[word.a] = self[word.b] &* self[word.c] }
  @inline(__always) func i64DivS(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].s64
    let dividend = self[word.b].s64
    if divisor == 0 { throw .integerDivisionByZero }
    if divisor == -1 && dividend == .min { throw .integerOverflow }
    self[word.a] = UInt64(dividend / divisor)
  }
  @inline(__always) func i64DivU(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c]
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = self[word.b] / divisor
  }
  @inline(__always) func i64RemS(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c].s64
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = divisor == -1 ? 0 : UInt64(self[word.b].s64 % divisor)
  }
  @inline(__always) func i64RemU(_ word: UInt64) throws(Trap) {
    let divisor = self[word.c]
    if divisor == 0 { throw .integerDivisionByZero }
    self[word.a] = self[word.b] % divisor
  }
  @inline(__always) func i64And(_ word: UInt64) { self[word.a] = self[word.b] & self[word.c] }
  @inline(__always) func i64Or(_ word: UInt64) { self[word.a] = self[word.b] | self[word.c] }
  @inline(__always) func i64Xor(_ word: UInt64) { self[word.a] = self[word.b] ^ self[word.c] }
  @inline(__always) func i64Shl(_ word: UInt64) { self[word.a] = self[word.b] &<< self[word.c] }
  @inline(__always) func i64ShrS(_ word: UInt64) { self[word.a] = UInt64(self[word.b].s64 &>> self[word.c].s64) }
  @inline(__always) func i64ShrU(_ word: UInt64) { self[word.a] = self[word.b] &>> self[word.c] }
  @inline(__always) func i64Rotl(_ word: UInt64) { self[word.a] = rotatedLeft(self[word.b], self[word.c]) }
  @inline(__always) func i64Rotr(_ word: UInt64) { self[word.a] = rotatedLeft(self[word.b], 0 &- self[word.c]) }

  // MARK: With an immediate on the right

  @inline(__always) func i32AddImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &+ UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32SubImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &- UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32MulImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &* UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32AndImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 & UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32OrImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 | UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32XorImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 ^ UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32ShlImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &<< UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32ShrSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 &>> Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32ShrUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &>> UInt32(truncatingIfNeeded: word.signedC))
  }
  @discardableResult
  @inline(__always) func i32RotlImmediate(_ word: UInt64) -> UInt32 {
    set(word.a, rotatedLeft(self[word.b].u32, UInt32(truncatingIfNeeded: word.signedC)))
  }
  @inline(__always) func i32EqImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 == Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32NeImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 != Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32LtSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 < Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32LtUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 < UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32GtSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 > Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32GtUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 > UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32LeSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 <= Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32LeUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 <= UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32GeSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s32 >= Int32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i32GeUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 >= UInt32(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64AddImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] &+ UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64SubImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] &- UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64MulImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] &* UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64AndImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] & UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64OrImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] | UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64XorImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] ^ UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64ShlImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] &<< UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64ShrSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 &>> Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64ShrUImmediate(_ word: UInt64) {
    self[word.a] = self[word.b] &>> UInt64(truncatingIfNeeded: word.signedC)
  }
  @inline(__always) func i64RotlImmediate(_ word: UInt64) {
    self[word.a] = rotatedLeft(self[word.b], UInt64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64EqImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 == Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64NeImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 != Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64LtSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 < Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64LtUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b] < UInt64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64GtSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 > Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64GtUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b] > UInt64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64LeSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 <= Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64LeUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b] <= UInt64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64GeSImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b].s64 >= Int64(truncatingIfNeeded: word.signedC))
  }
  @inline(__always) func i64GeUImmediate(_ word: UInt64) {
    self[word.a] = UInt64(self[word.b] >= UInt64(truncatingIfNeeded: word.signedC))
  }

  // MARK: With the second operand shifted by an immediate

  @inline(__always) func i32AddShl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &+ (self[word.c].u32 &<< count.u32))
  }
  @inline(__always) func i32AddShrU(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &+ (self[word.c].u32 &>> count.u32))
  }
  @inline(__always) func i32AddRotl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &+ (rotatedLeft(self[word.c].u32, count.u32)))
  }
  @inline(__always) func i32SubShl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &- (self[word.c].u32 &<< count.u32))
  }
  @inline(__always) func i32SubShrU(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &- (self[word.c].u32 &>> count.u32))
  }
  @inline(__always) func i32SubRotl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 &- (rotatedLeft(self[word.c].u32, count.u32)))
  }
  @inline(__always) func i32AndShl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 & (self[word.c].u32 &<< count.u32))
  }
  @inline(__always) func i32AndShrU(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 & (self[word.c].u32 &>> count.u32))
  }
  @inline(__always) func i32AndRotl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 & (rotatedLeft(self[word.c].u32, count.u32)))
  }
  @inline(__always) func i32OrShl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 | (self[word.c].u32 &<< count.u32))
  }
  @inline(__always) func i32OrShrU(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 | (self[word.c].u32 &>> count.u32))
  }
  @inline(__always) func i32OrRotl(_ word: UInt64, _ count: UInt64) {
    self[word.a] = UInt64(self[word.b].u32 | (rotatedLeft(self[word.c].u32, count.u32)))
  }
  @discardableResult
  @inline(__always) func i32XorShl(_ word: UInt64, _ count: UInt64) -> UInt32 {
    set(word.a, self[word.b].u32 ^ self[word.c].u32 &<< count.u32)
  }
  @discardableResult
  @inline(__always) func i32XorShrU(_ word: UInt64, _ count: UInt64) -> UInt32 {
    set(word.a, self[word.b].u32 ^ self[word.c].u32 &>> count.u32)
  }
  @discardableResult
  @inline(__always) func i32XorRotl(_ word: UInt64, _ count: UInt64) -> UInt32 {
    i32XorRotl(word, count, self[word.b].u32)
  }
}
