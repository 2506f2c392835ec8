// The machine's loop: one switch over all operations.
//
// What keeps it fast, measured on this code: the `switch` is over an enum whose cases are dense, the two tail-duplication
// flags of the package manifest copy the indirect jump into each handler, and everything that the loop touches is raw
// memory or a local variable: no reference counting, no exclusivity or bounds checks. Look at the assembly (one indirect
// jump per handler) whenever it changes.

import Wasm

/// Memory 0 as the loop sees it between two calls.
private struct MemoryView {
  var base: UnsafeMutableRawPointer
  var byteCount: UInt64
  var savedFlags: UnsafeMutablePointer<UInt8>
  var state: UnsafeMutablePointer<MemoryState>

  @inline(__always) init(_ state: UnsafeMutablePointer<MemoryState>) {
    self.state = state
    base = state.pointee.base
    byteCount = state.pointee.byteCount
    savedFlags = state.pointee.savedFlags
  }

  @inline(__always) func load<T: BitwiseCopyable>(_ type: T.Type, _ address: UInt64) throws(Trap) -> T {
    // Address and offset have at most 33 bits together: no overflow.
    guard address &+ UInt64(MemoryLayout<T>.size) <= byteCount else { throw .memoryOutOfBounds }
    return (base + Int(truncatingIfNeeded: address)).loadUnaligned(as: type)
  }

  @inline(__always) func store<T: BitwiseCopyable>(_ value: T, _ address: UInt64) throws(Trap) {
    let size = UInt64(MemoryLayout<T>.size)
    guard address &+ size <= byteCount else { throw .memoryOutOfBounds }
    let first = Int(truncatingIfNeeded: address >> 12)
    let last = Int(truncatingIfNeeded: (address &+ size &- 1) >> 12)
    if savedFlags[first] & savedFlags[last] == 0 { save(first, last) }
    (base + Int(truncatingIfNeeded: address)).storeBytes(of: value, as: T.self)
  }

  @inline(never) private func save(_ first: Int, _ last: Int) {
    guard let memory = state.pointee.owner?.takeUnretainedValue() else { return }
    if savedFlags[first] == 0 { memory.save(UInt64(first)) }
    if savedFlags[last] == 0 { memory.save(UInt64(last)) }
  }
}

extension UInt64 {
  // A register's value as the types that operations work on.
  @inline(__always) fileprivate var u32: UInt32 { UInt32(truncatingIfNeeded: self) }
  @inline(__always) fileprivate var s32: Int32 { Int32(truncatingIfNeeded: self) }
  @inline(__always) fileprivate var s64: Int64 { Int64(bitPattern: self) }
  @inline(__always) fileprivate var f32: Float { Float(bitPattern: UInt32(truncatingIfNeeded: self)) }
  @inline(__always) fileprivate var f64: Double { Double(bitPattern: self) }

  // Results as register values: narrower ones zero-extended.
  @inline(__always) fileprivate init(_ value: Int32) { self = UInt64(UInt32(bitPattern: value)) }
  @inline(__always) fileprivate init(_ value: Int64) { self = UInt64(bitPattern: value) }
  @inline(__always) fileprivate init(_ value: Bool) { self = value ? 1 : 0 }
}

extension Machine {
  /// Runs a function whose arguments stand at the start of the stack; its results go to the same place.
  func run(_ function: UnsafeMutablePointer<FunctionEntry>) throws(Trap) {
    var entry = function
    var code = UnsafePointer(stack)
    var registers = stack
    var context = entry.pointee.context
    var memory = MemoryView(context.pointee.memory)
    var frame = frames
    var depth = 0
    var fuel = counter
    defer { counter = fuel }

    /// Makes a caller's frame and starts the callee whose arguments stand at `base`.
    @inline(__always) func enter(_ base: Int) throws(Trap) {
      if entry.pointee.isHost {
        counter = fuel
        defer {
          fuel = counter
          memory = MemoryView(context.pointee.memory)
        }
        try callHost(entry, registers + base)
        return
      }
      // There are more frames than calls may nest: only injected functions, which do not count, get here.
      guard frame < framesEnd else { throw .outOfInstructions }
      frame.initialize(to: Frame(code: code, registers: registers, context: context, depth: depth))
      frame += 1
      try start(registers + base)
    }

    /// Starts the callee whose arguments stand at the beginning of its frame.
    @inline(__always) func start(_ base: UnsafeMutablePointer<UInt64>) throws(Trap) {
      if let translated = entry.pointee.code { code = translated } else { code = try prepare(entry) }
      registers = base
      depth &+= Int(entry.pointee.depth)
      guard depth <= Machine.maximumCallDepth, registers + Int(entry.pointee.frameSize) <= stackEnd else {
        throw .callStackExhausted
      }
      var local = Int(entry.pointee.parameterCount)
      while local < Int(entry.pointee.localCount) {
        registers[local] = 0
        local &+= 1
      }
      if entry.pointee.context != context {
        context = entry.pointee.context
        memory = MemoryView(context.pointee.memory)
      }
    }

    /// Returns to the caller; false where there is none.
    @inline(__always) func leave() -> Bool {
      guard frame > frames else { return false }
      frame -= 1
      code = frame.pointee.code
      registers = frame.pointee.registers
      depth = frame.pointee.depth
      if frame.pointee.context != context {
        context = frame.pointee.context
        memory = MemoryView(context.pointee.memory)
      }
      return true
    }

    if entry.pointee.isHost {
      try enter(0)
      return
    }
    try start(stack)

    while true {
      let word = code.pointee
      code += 1
      switch word.op {
      // i32 comparisons
      case .i32Eqz: registers[word.a] = UInt64(registers[word.b].u32 == 0)
      case .i32Eq: registers[word.a] = UInt64(registers[word.b].u32 == registers[word.c].u32)
      case .i32Ne: registers[word.a] = UInt64(registers[word.b].u32 != registers[word.c].u32)
      case .i32LtS: registers[word.a] = UInt64(registers[word.b].s32 < registers[word.c].s32)
      case .i32LtU: registers[word.a] = UInt64(registers[word.b].u32 < registers[word.c].u32)
      case .i32GtS: registers[word.a] = UInt64(registers[word.b].s32 > registers[word.c].s32)
      case .i32GtU: registers[word.a] = UInt64(registers[word.b].u32 > registers[word.c].u32)
      case .i32LeS: registers[word.a] = UInt64(registers[word.b].s32 <= registers[word.c].s32)
      case .i32LeU: registers[word.a] = UInt64(registers[word.b].u32 <= registers[word.c].u32)
      case .i32GeS: registers[word.a] = UInt64(registers[word.b].s32 >= registers[word.c].s32)
      case .i32GeU: registers[word.a] = UInt64(registers[word.b].u32 >= registers[word.c].u32)
      // i64 comparisons
      case .i64Eqz: registers[word.a] = UInt64(registers[word.b] == 0)
      case .i64Eq: registers[word.a] = UInt64(registers[word.b] == registers[word.c])
      case .i64Ne: registers[word.a] = UInt64(registers[word.b] != registers[word.c])
      case .i64LtS: registers[word.a] = UInt64(registers[word.b].s64 < registers[word.c].s64)
      case .i64LtU: registers[word.a] = UInt64(registers[word.b] < registers[word.c])
      case .i64GtS: registers[word.a] = UInt64(registers[word.b].s64 > registers[word.c].s64)
      case .i64GtU: registers[word.a] = UInt64(registers[word.b] > registers[word.c])
      case .i64LeS: registers[word.a] = UInt64(registers[word.b].s64 <= registers[word.c].s64)
      case .i64LeU: registers[word.a] = UInt64(registers[word.b] <= registers[word.c])
      case .i64GeS: registers[word.a] = UInt64(registers[word.b].s64 >= registers[word.c].s64)
      case .i64GeU: registers[word.a] = UInt64(registers[word.b] >= registers[word.c])
      // f32 comparisons
      case .f32Eq: registers[word.a] = UInt64(registers[word.b].f32 == registers[word.c].f32)
      case .f32Ne: registers[word.a] = UInt64(registers[word.b].f32 != registers[word.c].f32)
      case .f32Lt: registers[word.a] = UInt64(registers[word.b].f32 < registers[word.c].f32)
      case .f32Gt: registers[word.a] = UInt64(registers[word.b].f32 > registers[word.c].f32)
      case .f32Le: registers[word.a] = UInt64(registers[word.b].f32 <= registers[word.c].f32)
      case .f32Ge: registers[word.a] = UInt64(registers[word.b].f32 >= registers[word.c].f32)
      // f64 comparisons
      case .f64Eq: registers[word.a] = UInt64(registers[word.b].f64 == registers[word.c].f64)
      case .f64Ne: registers[word.a] = UInt64(registers[word.b].f64 != registers[word.c].f64)
      case .f64Lt: registers[word.a] = UInt64(registers[word.b].f64 < registers[word.c].f64)
      case .f64Gt: registers[word.a] = UInt64(registers[word.b].f64 > registers[word.c].f64)
      case .f64Le: registers[word.a] = UInt64(registers[word.b].f64 <= registers[word.c].f64)
      case .f64Ge: registers[word.a] = UInt64(registers[word.b].f64 >= registers[word.c].f64)
      // i32 arithmetic
      case .i32Clz: registers[word.a] = UInt64(registers[word.b].u32.leadingZeroBitCount)
      case .i32Ctz: registers[word.a] = UInt64(registers[word.b].u32.trailingZeroBitCount)
      case .i32Popcnt: registers[word.a] = UInt64(registers[word.b].u32.nonzeroBitCount)
      case .i32Add: registers[word.a] = UInt64(registers[word.b].u32 &+ registers[word.c].u32)
      case .i32Sub: registers[word.a] = UInt64(registers[word.b].u32 &- registers[word.c].u32)
      case .i32Mul: registers[word.a] = UInt64(registers[word.b].u32 &* registers[word.c].u32)
      case .i32DivS:
        let divisor = registers[word.c].s32
        let dividend = registers[word.b].s32
        if divisor == 0 { throw .integerDivisionByZero }
        if divisor == -1 && dividend == .min { throw .integerOverflow }
        registers[word.a] = UInt64(dividend / divisor)
      case .i32DivU:
        let divisor = registers[word.c].u32
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = UInt64(registers[word.b].u32 / divisor)
      case .i32RemS:
        let divisor = registers[word.c].s32
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = divisor == -1 ? 0 : UInt64(registers[word.b].s32 % divisor)
      case .i32RemU:
        let divisor = registers[word.c].u32
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = UInt64(registers[word.b].u32 % divisor)
      case .i32And: registers[word.a] = registers[word.b] & registers[word.c]
      case .i32Or: registers[word.a] = registers[word.b] | registers[word.c]
      case .i32Xor: registers[word.a] = registers[word.b] ^ registers[word.c]
      case .i32Shl: registers[word.a] = UInt64(registers[word.b].u32 &<< registers[word.c].u32)
      case .i32ShrS: registers[word.a] = UInt64(registers[word.b].s32 &>> registers[word.c].s32)
      case .i32ShrU: registers[word.a] = UInt64(registers[word.b].u32 &>> registers[word.c].u32)
      case .i32Rotl: registers[word.a] = UInt64(rotatedLeft(registers[word.b].u32, registers[word.c].u32))
      case .i32Rotr: registers[word.a] = UInt64(rotatedLeft(registers[word.b].u32, 0 &- registers[word.c].u32))
      // i64 arithmetic
      case .i64Clz: registers[word.a] = UInt64(registers[word.b].leadingZeroBitCount)
      case .i64Ctz: registers[word.a] = UInt64(registers[word.b].trailingZeroBitCount)
      case .i64Popcnt: registers[word.a] = UInt64(registers[word.b].nonzeroBitCount)
      case .i64Add: registers[word.a] = registers[word.b] &+ registers[word.c]
      case .i64Sub: registers[word.a] = registers[word.b] &- registers[word.c]
      case .i64Mul: registers[word.a] = registers[word.b] &* registers[word.c]
      case .i64DivS:
        let divisor = registers[word.c].s64
        let dividend = registers[word.b].s64
        if divisor == 0 { throw .integerDivisionByZero }
        if divisor == -1 && dividend == .min { throw .integerOverflow }
        registers[word.a] = UInt64(dividend / divisor)
      case .i64DivU:
        let divisor = registers[word.c]
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = registers[word.b] / divisor
      case .i64RemS:
        let divisor = registers[word.c].s64
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = divisor == -1 ? 0 : UInt64(registers[word.b].s64 % divisor)
      case .i64RemU:
        let divisor = registers[word.c]
        if divisor == 0 { throw .integerDivisionByZero }
        registers[word.a] = registers[word.b] % divisor
      case .i64And: registers[word.a] = registers[word.b] & registers[word.c]
      case .i64Or: registers[word.a] = registers[word.b] | registers[word.c]
      case .i64Xor: registers[word.a] = registers[word.b] ^ registers[word.c]
      case .i64Shl: registers[word.a] = registers[word.b] &<< registers[word.c]
      case .i64ShrS: registers[word.a] = UInt64(registers[word.b].s64 &>> registers[word.c].s64)
      case .i64ShrU: registers[word.a] = registers[word.b] &>> registers[word.c]
      case .i64Rotl: registers[word.a] = rotatedLeft(registers[word.b], registers[word.c])
      case .i64Rotr: registers[word.a] = rotatedLeft(registers[word.b], 0 &- registers[word.c])
      // f32 arithmetic
      case .f32Abs: registers[word.a] = registers[word.b] & ~0x8000_0000
      case .f32Neg: registers[word.a] = registers[word.b] ^ 0x8000_0000
      case .f32Ceil: registers[word.a] = canonicalBits(registers[word.b].f32.rounded(.up))
      case .f32Floor: registers[word.a] = canonicalBits(registers[word.b].f32.rounded(.down))
      case .f32Trunc: registers[word.a] = canonicalBits(registers[word.b].f32.rounded(.towardZero))
      case .f32Nearest: registers[word.a] = canonicalBits(registers[word.b].f32.rounded(.toNearestOrEven))
      case .f32Sqrt: registers[word.a] = canonicalBits(registers[word.b].f32.squareRoot())
      case .f32Add: registers[word.a] = canonicalBits(registers[word.b].f32 + registers[word.c].f32)
      case .f32Sub: registers[word.a] = canonicalBits(registers[word.b].f32 - registers[word.c].f32)
      case .f32Mul: registers[word.a] = canonicalBits(registers[word.b].f32 * registers[word.c].f32)
      case .f32Div: registers[word.a] = canonicalBits(registers[word.b].f32 / registers[word.c].f32)
      case .f32Min: registers[word.a] = canonicalBits(wasmMinimum(registers[word.b].f32, registers[word.c].f32))
      case .f32Max: registers[word.a] = canonicalBits(wasmMaximum(registers[word.b].f32, registers[word.c].f32))
      case .f32Copysign: registers[word.a] = registers[word.b] & ~0x8000_0000 | registers[word.c] & 0x8000_0000
      // f64 arithmetic
      case .f64Abs: registers[word.a] = registers[word.b] & ~0x8000_0000_0000_0000
      case .f64Neg: registers[word.a] = registers[word.b] ^ 0x8000_0000_0000_0000
      case .f64Ceil: registers[word.a] = canonicalBits(registers[word.b].f64.rounded(.up))
      case .f64Floor: registers[word.a] = canonicalBits(registers[word.b].f64.rounded(.down))
      case .f64Trunc: registers[word.a] = canonicalBits(registers[word.b].f64.rounded(.towardZero))
      case .f64Nearest: registers[word.a] = canonicalBits(registers[word.b].f64.rounded(.toNearestOrEven))
      case .f64Sqrt: registers[word.a] = canonicalBits(registers[word.b].f64.squareRoot())
      case .f64Add: registers[word.a] = canonicalBits(registers[word.b].f64 + registers[word.c].f64)
      case .f64Sub: registers[word.a] = canonicalBits(registers[word.b].f64 - registers[word.c].f64)
      case .f64Mul: registers[word.a] = canonicalBits(registers[word.b].f64 * registers[word.c].f64)
      case .f64Div: registers[word.a] = canonicalBits(registers[word.b].f64 / registers[word.c].f64)
      case .f64Min: registers[word.a] = canonicalBits(wasmMinimum(registers[word.b].f64, registers[word.c].f64))
      case .f64Max: registers[word.a] = canonicalBits(wasmMaximum(registers[word.b].f64, registers[word.c].f64))
      case .f64Copysign:
        registers[word.a] = registers[word.b] & ~0x8000_0000_0000_0000 | registers[word.c] & 0x8000_0000_0000_0000
      // conversions
      case .i32WrapI64: registers[word.a] = UInt64(registers[word.b].u32)
      case .i32TruncF32S: registers[word.a] = UInt64(try truncated(registers[word.b].f32, to: Int32.self))
      case .i32TruncF32U: registers[word.a] = UInt64(try truncated(registers[word.b].f32, to: UInt32.self))
      case .i32TruncF64S: registers[word.a] = UInt64(try truncated(registers[word.b].f64, to: Int32.self))
      case .i32TruncF64U: registers[word.a] = UInt64(try truncated(registers[word.b].f64, to: UInt32.self))
      case .i64ExtendI32S: registers[word.a] = UInt64(Int64(registers[word.b].s32))
      case .i64ExtendI32U: registers[word.a] = registers[word.b]
      case .i64TruncF32S: registers[word.a] = UInt64(try truncated(registers[word.b].f32, to: Int64.self))
      case .i64TruncF32U: registers[word.a] = UInt64(try truncated(registers[word.b].f32, to: UInt64.self))
      case .i64TruncF64S: registers[word.a] = UInt64(try truncated(registers[word.b].f64, to: Int64.self))
      case .i64TruncF64U: registers[word.a] = UInt64(try truncated(registers[word.b].f64, to: UInt64.self))
      case .f32ConvertI32S: registers[word.a] = UInt64(Float(registers[word.b].s32).bitPattern)
      case .f32ConvertI32U: registers[word.a] = UInt64(Float(registers[word.b].u32).bitPattern)
      case .f32ConvertI64S: registers[word.a] = UInt64(Float(registers[word.b].s64).bitPattern)
      case .f32ConvertI64U: registers[word.a] = UInt64(Float(registers[word.b]).bitPattern)
      case .f32DemoteF64: registers[word.a] = canonicalBits(Float(registers[word.b].f64))
      case .f64ConvertI32S: registers[word.a] = Double(registers[word.b].s32).bitPattern
      case .f64ConvertI32U: registers[word.a] = Double(registers[word.b].u32).bitPattern
      case .f64ConvertI64S: registers[word.a] = Double(registers[word.b].s64).bitPattern
      case .f64ConvertI64U: registers[word.a] = Double(registers[word.b]).bitPattern
      case .f64PromoteF32: registers[word.a] = canonicalBits(Double(registers[word.b].f32))
      case .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64:
        registers[word.a] = registers[word.b]
      case .i32Extend8S: registers[word.a] = UInt64(Int32(Int8(truncatingIfNeeded: registers[word.b])))
      case .i32Extend16S: registers[word.a] = UInt64(Int32(Int16(truncatingIfNeeded: registers[word.b])))
      case .i64Extend8S: registers[word.a] = UInt64(Int64(Int8(truncatingIfNeeded: registers[word.b])))
      case .i64Extend16S: registers[word.a] = UInt64(Int64(Int16(truncatingIfNeeded: registers[word.b])))
      case .i64Extend32S: registers[word.a] = UInt64(Int64(registers[word.b].s32))
      case .i32TruncSatF32S: registers[word.a] = UInt64(saturated(registers[word.b].f32, to: Int32.self))
      case .i32TruncSatF32U: registers[word.a] = UInt64(saturated(registers[word.b].f32, to: UInt32.self))
      case .i32TruncSatF64S: registers[word.a] = UInt64(saturated(registers[word.b].f64, to: Int32.self))
      case .i32TruncSatF64U: registers[word.a] = UInt64(saturated(registers[word.b].f64, to: UInt32.self))
      case .i64TruncSatF32S: registers[word.a] = UInt64(saturated(registers[word.b].f32, to: Int64.self))
      case .i64TruncSatF32U: registers[word.a] = UInt64(saturated(registers[word.b].f32, to: UInt64.self))
      case .i64TruncSatF64S: registers[word.a] = UInt64(saturated(registers[word.b].f64, to: Int64.self))
      case .i64TruncSatF64U: registers[word.a] = UInt64(saturated(registers[word.b].f64, to: UInt64.self))

      // with an immediate on the right
      case .i32AddImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 &+ UInt32(truncatingIfNeeded: word.signedC))
      case .i32SubImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 &- UInt32(truncatingIfNeeded: word.signedC))
      case .i32MulImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 &* UInt32(truncatingIfNeeded: word.signedC))
      case .i32AndImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 & UInt32(truncatingIfNeeded: word.signedC))
      case .i32OrImmediate: registers[word.a] = UInt64(registers[word.b].u32 | UInt32(truncatingIfNeeded: word.signedC))
      case .i32XorImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 ^ UInt32(truncatingIfNeeded: word.signedC))
      case .i32ShlImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 &<< UInt32(truncatingIfNeeded: word.signedC))
      case .i32ShrSImmediate:
        registers[word.a] = UInt64(registers[word.b].s32 &>> Int32(truncatingIfNeeded: word.signedC))
      case .i32ShrUImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 &>> UInt32(truncatingIfNeeded: word.signedC))
      case .i32RotlImmediate:
        registers[word.a] = UInt64(rotatedLeft(registers[word.b].u32, UInt32(truncatingIfNeeded: word.signedC)))
      case .i32EqImmediate: registers[word.a] = UInt64(registers[word.b].s32 == Int32(truncatingIfNeeded: word.signedC))
      case .i32NeImmediate: registers[word.a] = UInt64(registers[word.b].s32 != Int32(truncatingIfNeeded: word.signedC))
      case .i32LtSImmediate: registers[word.a] = UInt64(registers[word.b].s32 < Int32(truncatingIfNeeded: word.signedC))
      case .i32LtUImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 < UInt32(truncatingIfNeeded: word.signedC))
      case .i32GtSImmediate: registers[word.a] = UInt64(registers[word.b].s32 > Int32(truncatingIfNeeded: word.signedC))
      case .i32GtUImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 > UInt32(truncatingIfNeeded: word.signedC))
      case .i32LeSImmediate:
        registers[word.a] = UInt64(registers[word.b].s32 <= Int32(truncatingIfNeeded: word.signedC))
      case .i32LeUImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 <= UInt32(truncatingIfNeeded: word.signedC))
      case .i32GeSImmediate:
        registers[word.a] = UInt64(registers[word.b].s32 >= Int32(truncatingIfNeeded: word.signedC))
      case .i32GeUImmediate:
        registers[word.a] = UInt64(registers[word.b].u32 >= UInt32(truncatingIfNeeded: word.signedC))
      case .i64AddImmediate: registers[word.a] = registers[word.b] &+ UInt64(truncatingIfNeeded: word.signedC)
      case .i64SubImmediate: registers[word.a] = registers[word.b] &- UInt64(truncatingIfNeeded: word.signedC)
      case .i64MulImmediate: registers[word.a] = registers[word.b] &* UInt64(truncatingIfNeeded: word.signedC)
      case .i64AndImmediate: registers[word.a] = registers[word.b] & UInt64(truncatingIfNeeded: word.signedC)
      case .i64OrImmediate: registers[word.a] = registers[word.b] | UInt64(truncatingIfNeeded: word.signedC)
      case .i64XorImmediate: registers[word.a] = registers[word.b] ^ UInt64(truncatingIfNeeded: word.signedC)
      case .i64ShlImmediate: registers[word.a] = registers[word.b] &<< UInt64(truncatingIfNeeded: word.signedC)
      case .i64ShrSImmediate:
        registers[word.a] = UInt64(registers[word.b].s64 &>> Int64(truncatingIfNeeded: word.signedC))
      case .i64ShrUImmediate: registers[word.a] = registers[word.b] &>> UInt64(truncatingIfNeeded: word.signedC)
      case .i64RotlImmediate:
        registers[word.a] = rotatedLeft(registers[word.b], UInt64(truncatingIfNeeded: word.signedC))
      case .i64EqImmediate: registers[word.a] = UInt64(registers[word.b].s64 == Int64(truncatingIfNeeded: word.signedC))
      case .i64NeImmediate: registers[word.a] = UInt64(registers[word.b].s64 != Int64(truncatingIfNeeded: word.signedC))
      case .i64LtSImmediate: registers[word.a] = UInt64(registers[word.b].s64 < Int64(truncatingIfNeeded: word.signedC))
      case .i64LtUImmediate: registers[word.a] = UInt64(registers[word.b] < UInt64(truncatingIfNeeded: word.signedC))
      case .i64GtSImmediate: registers[word.a] = UInt64(registers[word.b].s64 > Int64(truncatingIfNeeded: word.signedC))
      case .i64GtUImmediate: registers[word.a] = UInt64(registers[word.b] > UInt64(truncatingIfNeeded: word.signedC))
      case .i64LeSImmediate:
        registers[word.a] = UInt64(registers[word.b].s64 <= Int64(truncatingIfNeeded: word.signedC))
      case .i64LeUImmediate: registers[word.a] = UInt64(registers[word.b] <= UInt64(truncatingIfNeeded: word.signedC))
      case .i64GeSImmediate:
        registers[word.a] = UInt64(registers[word.b].s64 >= Int64(truncatingIfNeeded: word.signedC))
      case .i64GeUImmediate: registers[word.a] = UInt64(registers[word.b] >= UInt64(truncatingIfNeeded: word.signedC))

      // branches
      case .branchI32Eq: if registers[word.a].u32 == registers[word.b].u32 { code += word.signedC }
      case .branchI32Ne: if registers[word.a].u32 != registers[word.b].u32 { code += word.signedC }
      case .branchI32LtS: if registers[word.a].s32 < registers[word.b].s32 { code += word.signedC }
      case .branchI32LtU: if registers[word.a].u32 < registers[word.b].u32 { code += word.signedC }
      case .branchI32LeS: if registers[word.a].s32 <= registers[word.b].s32 { code += word.signedC }
      case .branchI32LeU: if registers[word.a].u32 <= registers[word.b].u32 { code += word.signedC }
      case .branchI64Eq: if registers[word.a] == registers[word.b] { code += word.signedC }
      case .branchI64Ne: if registers[word.a] != registers[word.b] { code += word.signedC }
      case .branchI64LtS: if registers[word.a].s64 < registers[word.b].s64 { code += word.signedC }
      case .branchI64LtU: if registers[word.a] < registers[word.b] { code += word.signedC }
      case .branchI64LeS: if registers[word.a].s64 <= registers[word.b].s64 { code += word.signedC }
      case .branchI64LeU: if registers[word.a] <= registers[word.b] { code += word.signedC }
      case .branchI32EqImmediate:
        if registers[word.a].s32 == Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32NeImmediate:
        if registers[word.a].s32 != Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32LtSImmediate:
        if registers[word.a].s32 < Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32LtUImmediate:
        if registers[word.a].u32 < UInt32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32GtSImmediate:
        if registers[word.a].s32 > Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32GtUImmediate:
        if registers[word.a].u32 > UInt32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32LeSImmediate:
        if registers[word.a].s32 <= Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32LeUImmediate:
        if registers[word.a].u32 <= UInt32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32GeSImmediate:
        if registers[word.a].s32 >= Int32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI32GeUImmediate:
        if registers[word.a].u32 >= UInt32(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64EqImmediate:
        if registers[word.a].s64 == Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64NeImmediate:
        if registers[word.a].s64 != Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64LtSImmediate:
        if registers[word.a].s64 < Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64LtUImmediate:
        if registers[word.a] < UInt64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64GtSImmediate:
        if registers[word.a].s64 > Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64GtUImmediate:
        if registers[word.a] > UInt64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64LeSImmediate:
        if registers[word.a].s64 <= Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64LeUImmediate:
        if registers[word.a] <= UInt64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64GeSImmediate:
        if registers[word.a].s64 >= Int64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branchI64GeUImmediate:
        if registers[word.a] >= UInt64(truncatingIfNeeded: word.signedB) { code += word.signedC }
      case .branch: code += word.bc
      case .branchIfNonZero: if registers[word.a].u32 != 0 { code += word.bc }
      case .branchIfZero: if registers[word.a].u32 == 0 { code += word.bc }
      case .branchTable:
        let position = min(Int(registers[word.a].u32), word.bc &- 1)
        code += Int(truncatingIfNeeded: code[position])

      // memory 0
      case .i32Load: registers[word.a] = UInt64(try memory.load(UInt32.self, address(word)))
      case .i64Load: registers[word.a] = try memory.load(UInt64.self, address(word))
      case .f32Load: registers[word.a] = UInt64(try memory.load(UInt32.self, address(word)))
      case .f64Load: registers[word.a] = try memory.load(UInt64.self, address(word))
      case .i32Load8S: registers[word.a] = UInt64(Int32(try memory.load(Int8.self, address(word))))
      case .i32Load8U: registers[word.a] = UInt64(try memory.load(UInt8.self, address(word)))
      case .i32Load16S: registers[word.a] = UInt64(Int32(try memory.load(Int16.self, address(word))))
      case .i32Load16U: registers[word.a] = UInt64(try memory.load(UInt16.self, address(word)))
      case .i64Load8S: registers[word.a] = UInt64(Int64(try memory.load(Int8.self, address(word))))
      case .i64Load8U: registers[word.a] = UInt64(try memory.load(UInt8.self, address(word)))
      case .i64Load16S: registers[word.a] = UInt64(Int64(try memory.load(Int16.self, address(word))))
      case .i64Load16U: registers[word.a] = UInt64(try memory.load(UInt16.self, address(word)))
      case .i64Load32S: registers[word.a] = UInt64(Int64(try memory.load(Int32.self, address(word))))
      case .i64Load32U: registers[word.a] = UInt64(try memory.load(UInt32.self, address(word)))
      case .i32Store: try memory.store(UInt32(truncatingIfNeeded: registers[word.a]), address(word))
      case .i64Store: try memory.store(registers[word.a], address(word))
      case .f32Store: try memory.store(UInt32(truncatingIfNeeded: registers[word.a]), address(word))
      case .f64Store: try memory.store(registers[word.a], address(word))
      case .i32Store8: try memory.store(UInt8(truncatingIfNeeded: registers[word.a]), address(word))
      case .i32Store16: try memory.store(UInt16(truncatingIfNeeded: registers[word.a]), address(word))
      case .i64Store8: try memory.store(UInt8(truncatingIfNeeded: registers[word.a]), address(word))
      case .i64Store16: try memory.store(UInt16(truncatingIfNeeded: registers[word.a]), address(word))
      case .i64Store32: try memory.store(UInt32(truncatingIfNeeded: registers[word.a]), address(word))
      case .loadWide:
        registers[word.a] = try context.pointee.instance.takeUnretainedValue().loadWide(
          word.c, memory: Int(truncatingIfNeeded: code[1]), registers[word.b], code[0])
        code += 2
      case .storeWide:
        try context.pointee.instance.takeUnretainedValue().storeWide(
          word.c, memory: Int(truncatingIfNeeded: code[1]), registers[word.b], code[0], registers[word.a])
        code += 2

      // moves
      case .copy: registers[word.a] = registers[word.b]
      case .const32: registers[word.a] = word >> 32
      case .const64:
        registers[word.a] = code.pointee
        code += 1
      case .copyBlock: (registers + word.a).update(from: registers + word.b, count: word.c)
      case .select:
        registers[word.a] =
          registers[Int(truncatingIfNeeded: code.pointee)].u32 != 0 ? registers[word.b] : registers[word.c]
        code += 1
      case .globalGet: registers[word.a] = context.pointee.globals[word.bc].pointee
      case .globalSet: context.pointee.globals[word.bc].pointee = registers[word.a]
      case .refFunc:
        registers[word.a] = context.pointee.instance.takeUnretainedValue().reference(to: FunctionIndex(word.bc))

      // calls
      case .call:
        entry = context.pointee.functions + word.bc
        try enter(word.a)
      case .callImport:
        entry = context.pointee.instance.takeUnretainedValue().entry(FunctionIndex(word.bc))
        try enter(word.a)
      case .callIndirect:
        entry = try callee(context, registers[word.b], code.pointee)
        code += 1
        try enter(word.a)
      case .returnCall:
        entry = context.pointee.functions + word.bc
        depth = frame > frames ? frame[-1].depth : 0
        try start(registers)
      case .returnCallImport, .returnCallIndirect:
        entry =
          word.op == .returnCallImport
          ? context.pointee.instance.takeUnretainedValue().entry(FunctionIndex(word.bc))
          : try callee(context, registers[word.b], code.pointee)
        if entry.pointee.isHost {
          try enter(0)
          if !leave() { return }
        } else {
          depth = frame > frames ? frame[-1].depth : 0
          try start(registers)
        }
      case .returnOne:
        registers[0] = registers[word.a]
        if !leave() { return }
      case .returnNone: if !leave() { return }

      // counting
      case .charge: fuel &-= Int64(truncatingIfNeeded: word.bc)
      case .chargeAndCheck:
        fuel &-= Int64(truncatingIfNeeded: word.bc)
        if fuel < 0 { throw .outOfInstructions }
      case .chargeDynamic:
        let rest = fuel &- registers[word.a].s64
        fuel = rest > fuel ? .min : rest
        if fuel < 0 { throw .outOfInstructions }

      // memories and tables as a whole
      case .memorySize:
        registers[word.a] = context.pointee.instance.takeUnretainedValue().memorySize(Int(code.pointee))
        code += 1
      case .memoryGrow:
        registers[word.a] = context.pointee.instance.takeUnretainedValue().memoryGrow(
          Int(code.pointee), by: registers[word.b])
        memory = MemoryView(context.pointee.memory)
        code += 1
      case .memoryFill:
        try context.pointee.instance.takeUnretainedValue().memoryFill(
          Int(code.pointee & 0xFFFF_FFFF), registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .memoryCopy:
        try context.pointee.instance.takeUnretainedValue().memoryCopy(
          code.pointee, registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .memoryInit:
        try context.pointee.instance.takeUnretainedValue().memoryInit(
          code.pointee, registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .dataDrop:
        context.pointee.instance.takeUnretainedValue().dropData(Int(code.pointee))
        code += 1
      case .tableGet:
        registers[word.a] = try context.pointee.instance.takeUnretainedValue().tableGet(
          Int(code.pointee), registers[word.b])
        code += 1
      case .tableSet:
        try context.pointee.instance.takeUnretainedValue().tableSet(
          Int(code.pointee), registers[word.a], registers[word.b])
        code += 1
      case .tableSize:
        registers[word.a] = context.pointee.instance.takeUnretainedValue().tableSize(Int(code.pointee))
        code += 1
      case .tableGrow:
        registers[word.a] = context.pointee.instance.takeUnretainedValue().tableGrow(
          Int(code.pointee), registers[word.b], by: registers[word.c])
        code += 1
      case .tableFill:
        try context.pointee.instance.takeUnretainedValue().tableFill(
          Int(code.pointee & 0xFFFF_FFFF), registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .tableCopy:
        try context.pointee.instance.takeUnretainedValue().tableCopy(
          code.pointee, registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .tableInit:
        try context.pointee.instance.takeUnretainedValue().tableInit(
          code.pointee, registers[word.a], registers[word.b], registers[word.c])
        code += 1
      case .elementDrop:
        context.pointee.instance.takeUnretainedValue().dropElements(Int(code.pointee))
        code += 1

      case .unreachable: throw .unreachable
      case .traceEntry: tracer?.enter(FunctionIndex(word.bc), registers)
      case .traceReturn: tracer?.leave(FunctionIndex(word.bc), registers)
      }
    }

    @inline(__always) func address(_ word: UInt64) -> UInt64 {
      registers[word.b] &+ UInt64(truncatingIfNeeded: word.c)
    }
  }
}

@inline(__always) private func rotatedLeft<T: FixedWidthInteger & UnsignedInteger>(_ value: T, _ count: T) -> T {
  value &<< count | value &>> (0 &- count)
}
