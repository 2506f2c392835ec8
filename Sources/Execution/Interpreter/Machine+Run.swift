// The machine's loop: one switch over all operations.
//
// What keeps it fast, measured on this code: the `switch` is over an enum whose cases are dense; the flags of the package
// manifest copy the indirect jump into each handler and keep handlers apart; operations that often follow on one another
// run by one dispatch; code, word and registers are all that stays in machine registers from one operation to the next,
// and the rest is in `LoopState`, raw memory without reference counting, exclusivity or bounds checks; and nothing is
// called out of line inside a handler that runs often. Look at the assembly (an indirect jump per handler, two per
// conditional branch, no code pointer on the stack) whenever it changes.

import Wasm

extension Machine {
  /// Runs a function whose arguments stand at the start of the stack; its results go to the same place.
  func run(_ function: UnsafeMutablePointer<FunctionEntry>) throws(Trap) {
    /// The operation that runs, and its word.
    var code = UnsafePointer(stack)
    var next: UInt64 = 0
    var registers = Registers(stack)
    let loop = loop
    loop.initialize(to: LoopState(function, frame: frames, counter: counter))
    defer { counter = loop.pointee.counter }

    // In memory, so that code, word and registers stay in machine registers whatever the handlers need.
    var context: UnsafeMutablePointer<InstanceContext> {
      @inline(__always) get { loop.pointee.context }
    }
    var memory: MemoryView {
      @inline(__always) get { loop.pointee.memory }
    }

    /// Makes a caller's frame and starts the callee whose arguments stand at `base`.
    @inline(__always) func enter(_ base: Int) throws(Trap) {
      if loop.pointee.entry.pointee.isHost {
        counter = loop.pointee.counter
        defer {
          loop.pointee.counter = counter
          loop.pointee.refreshMemory()
        }
        try callHost(loop.pointee.entry, registers.base + base)
        return
      }
      try pushFrame()
      try start(registers.base + base)
    }

    /// Makes the caller's frame.
    @inline(__always) func pushFrame() throws(Trap) {
      // There are more frames than calls may nest: only injected functions, which do not count, get here.
      let frame = loop.pointee.frame
      guard frame < framesEnd else { throw .outOfInstructions }
      frame.initialize(
        to: Frame(code: code, registers: registers.base, context: context, depth: loop.pointee.depth))
      loop.pointee.frame = frame + 1
    }

    /// Whether the callee has to be translated first: out of the operation itself, as pages are saved, for the same
    /// reason.
    @inline(__always) func isUntranslated() -> Bool {
      loop.pointee.entry.pointee.code == nil && !loop.pointee.entry.pointee.isHost
    }

    /// Starts the callee, translated and perhaps of another instance, whose arguments stand at the beginning of its
    /// frame.
    @inline(__always) func start(_ base: UnsafeMutablePointer<UInt64>) throws(Trap) {
      try startHere(base)
      loop.pointee.enter(loop.pointee.entry.pointee.context)
    }

    /// The same for a callee of the running instance.
    @inline(__always) func startHere(_ base: UnsafeMutablePointer<UInt64>) throws(Trap) {
      let entry = loop.pointee.entry
      code = entry.pointee.code.unsafelyUnwrapped - 1
      registers = Registers(base)
      loop.pointee.depth &+= Int(entry.pointee.depth)
      guard loop.pointee.depth <= Machine.maximumCallDepth, base + Int(entry.pointee.frameSize) <= stackEnd else {
        throw .callStackExhausted
      }
      var local = Int(entry.pointee.parameterCount)
      while local < Int(entry.pointee.localCount) {
        registers[local] = 0
        local &+= 1
      }
    }

    /// The depth of the running function's caller.
    @inline(__always) func callerDepth() -> Int {
      loop.pointee.frame > frames ? loop.pointee.frame[-1].depth : 0
    }

    /// Returns to the caller; false where there is none.
    @inline(__always) func leave() -> Bool {
      guard loop.pointee.frame > frames else { return false }
      let frame = loop.pointee.frame - 1
      loop.pointee.frame = frame
      code = frame.pointee.code
      registers = Registers(frame.pointee.registers)
      loop.pointee.depth = frame.pointee.depth
      loop.pointee.enter(frame.pointee.context)
      return true
    }

    /// Moves on by a word and returns it: an operand of the operation, or the next one of a sequence.
    @inline(__always) func following() -> UInt64 {
      code += 1
      return code.pointee
    }

    /// The lane that a vector store writes.
    @inline(__always) func lane<T: BitwiseCopyable>(_ word: UInt64, _ type: T.Type) -> T {
      let offset = Int(truncatingIfNeeded: code[1]) &* MemoryLayout<T>.size
      return (UnsafeRawPointer(registers.base + word.a) + offset).loadUnaligned(as: type)
    }

    /// Goes on at a distance from the next operation, or there. Both ways load their next word here: each then gets an
    /// indirect jump of its own. Of a condition that is said to be predictable, the compiler makes no conditional move.
    @inline(__always) func jump(_ distance: Int, if condition: Bool) {
      if _fastPath(condition) {
        code += distance &+ 1
        next = code.pointee
      } else {
        code += 1
        next = code.pointee
      }
    }

    /// Goes on at the distance that an entry of the table behind the operation has; the last is for all other numbers.
    @inline(__always) func jumpByTable(_ word: UInt64) {
      let last = word.bc &- 1
      let index = Int(registers[word.a].u32)
      code += Int(truncatingIfNeeded: code[1 &+ (index < last ? index : last)])
    }

    if loop.pointee.entry.pointee.isHost {
      try enter(0)
      return
    }
    if isUntranslated() { try prepare(loop.pointee.entry) }
    try start(stack)
    code += 1
    // What an operation needs before it can run, and then the operation again.
    preparing: while true {
      loop.pointee.savePages()
      if isUntranslated() { try prepare(loop.pointee.entry) }
      next = code.pointee
      while true {
        let word = next
        switch word.op {
        // i32 comparisons
        case .i32Eqz: registers.i32Eqz(word)
        case .i32Eq: registers.i32Eq(word)
        case .i32Ne: registers.i32Ne(word)
        case .i32LtS: registers.i32LtS(word)
        case .i32LtU: registers.i32LtU(word)
        case .i32GtS: registers.i32GtS(word)
        case .i32GtU: registers.i32GtU(word)
        case .i32LeS: registers.i32LeS(word)
        case .i32LeU: registers.i32LeU(word)
        case .i32GeS: registers.i32GeS(word)
        case .i32GeU: registers.i32GeU(word)
        // i64 comparisons
        case .i64Eqz: registers.i64Eqz(word)
        case .i64Eq: registers.i64Eq(word)
        case .i64Ne: registers.i64Ne(word)
        case .i64LtS: registers.i64LtS(word)
        case .i64LtU: registers.i64LtU(word)
        case .i64GtS: registers.i64GtS(word)
        case .i64GtU: registers.i64GtU(word)
        case .i64LeS: registers.i64LeS(word)
        case .i64LeU: registers.i64LeU(word)
        case .i64GeS: registers.i64GeS(word)
        case .i64GeU: registers.i64GeU(word)
        // f32 comparisons
        case .f32Eq: registers.f32Eq(word)
        case .f32Ne: registers.f32Ne(word)
        case .f32Lt: registers.f32Lt(word)
        case .f32Gt: registers.f32Gt(word)
        case .f32Le: registers.f32Le(word)
        case .f32Ge: registers.f32Ge(word)
        // f64 comparisons
        case .f64Eq: registers.f64Eq(word)
        case .f64Ne: registers.f64Ne(word)
        case .f64Lt: registers.f64Lt(word)
        case .f64Gt: registers.f64Gt(word)
        case .f64Le: registers.f64Le(word)
        case .f64Ge: registers.f64Ge(word)
        // i32 arithmetic
        case .i32Clz: registers.i32Clz(word)
        case .i32Ctz: registers.i32Ctz(word)
        case .i32Popcnt: registers.i32Popcnt(word)
        case .i32Add: registers.i32Add(word)
        case .i32Sub: registers.i32Sub(word)
        case .i32Mul: registers.i32Mul(word)
        case .i32DivS: try registers.i32DivS(word)
        case .i32DivU: try registers.i32DivU(word)
        case .i32RemS: try registers.i32RemS(word)
        case .i32RemU: try registers.i32RemU(word)
        case .i32And: registers.i32And(word)
        case .i32Or: registers.i32Or(word)
        case .i32Xor: registers.i32Xor(word)
        case .i32Shl: registers.i32Shl(word)
        case .i32ShrS: registers.i32ShrS(word)
        case .i32ShrU: registers.i32ShrU(word)
        case .i32Rotl: registers.i32Rotl(word)
        case .i32Rotr: registers.i32Rotr(word)
        // i64 arithmetic
        case .i64Clz: registers.i64Clz(word)
        case .i64Ctz: registers.i64Ctz(word)
        case .i64Popcnt: registers.i64Popcnt(word)
        case .i64Add: registers.i64Add(word)
        case .i64Sub: registers.i64Sub(word)
        case .i64Mul: registers.i64Mul(word)
        case .i64DivS: try registers.i64DivS(word)
        case .i64DivU: try registers.i64DivU(word)
        case .i64RemS: try registers.i64RemS(word)
        case .i64RemU: try registers.i64RemU(word)
        case .i64And: registers.i64And(word)
        case .i64Or: registers.i64Or(word)
        case .i64Xor: registers.i64Xor(word)
        case .i64Shl: registers.i64Shl(word)
        case .i64ShrS: registers.i64ShrS(word)
        case .i64ShrU: registers.i64ShrU(word)
        case .i64Rotl: registers.i64Rotl(word)
        case .i64Rotr: registers.i64Rotr(word)
        // f32 arithmetic
        case .f32Abs: registers.f32Abs(word)
        case .f32Neg: registers.f32Neg(word)
        case .f32Ceil: registers.f32Ceil(word)
        case .f32Floor: registers.f32Floor(word)
        case .f32Trunc: registers.f32Trunc(word)
        case .f32Nearest: registers.f32Nearest(word)
        case .f32Sqrt: registers.f32Sqrt(word)
        case .f32Add: registers.f32Add(word)
        case .f32Sub: registers.f32Sub(word)
        case .f32Mul: registers.f32Mul(word)
        case .f32Div: registers.f32Div(word)
        case .f32Min: registers.f32Min(word)
        case .f32Max: registers.f32Max(word)
        case .f32Copysign: registers.f32Copysign(word)
        // f64 arithmetic
        case .f64Abs: registers.f64Abs(word)
        case .f64Neg: registers.f64Neg(word)
        case .f64Ceil: registers.f64Ceil(word)
        case .f64Floor: registers.f64Floor(word)
        case .f64Trunc: registers.f64Trunc(word)
        case .f64Nearest: registers.f64Nearest(word)
        case .f64Sqrt: registers.f64Sqrt(word)
        case .f64Add: registers.f64Add(word)
        case .f64Sub: registers.f64Sub(word)
        case .f64Mul: registers.f64Mul(word)
        case .f64Div: registers.f64Div(word)
        case .f64Min: registers.f64Min(word)
        case .f64Max: registers.f64Max(word)
        case .f64Copysign: registers.f64Copysign(word)
        // conversions
        case .i32WrapI64: registers.i32WrapI64(word)
        case .i32TruncF32S: try registers.i32TruncF32S(word)
        case .i32TruncF32U: try registers.i32TruncF32U(word)
        case .i32TruncF64S: try registers.i32TruncF64S(word)
        case .i32TruncF64U: try registers.i32TruncF64U(word)
        case .i64ExtendI32S: registers.i64ExtendI32S(word)
        case .i64TruncF32S: try registers.i64TruncF32S(word)
        case .i64TruncF32U: try registers.i64TruncF32U(word)
        case .i64TruncF64S: try registers.i64TruncF64S(word)
        case .i64TruncF64U: try registers.i64TruncF64U(word)
        case .f32ConvertI32S: registers.f32ConvertI32S(word)
        case .f32ConvertI32U: registers.f32ConvertI32U(word)
        case .f32ConvertI64S: registers.f32ConvertI64S(word)
        case .f32ConvertI64U: registers.f32ConvertI64U(word)
        case .f32DemoteF64: registers.f32DemoteF64(word)
        case .f64ConvertI32S: registers.f64ConvertI32S(word)
        case .f64ConvertI32U: registers.f64ConvertI32U(word)
        case .f64ConvertI64S: registers.f64ConvertI64S(word)
        case .f64ConvertI64U: registers.f64ConvertI64U(word)
        case .f64PromoteF32: registers.f64PromoteF32(word)
        // The translator emits nothing for these: registers hold bits, zero-extended.
        case .i64ExtendI32U, .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64:
          registers.copy(word)
        case .i32Extend8S: registers.i32Extend8S(word)
        case .i32Extend16S: registers.i32Extend16S(word)
        case .i64Extend8S: registers.i64Extend8S(word)
        case .i64Extend16S: registers.i64Extend16S(word)
        case .i64Extend32S: registers.i64Extend32S(word)
        case .i32TruncSatF32S: registers.i32TruncSatF32S(word)
        case .i32TruncSatF32U: registers.i32TruncSatF32U(word)
        case .i32TruncSatF64S: registers.i32TruncSatF64S(word)
        case .i32TruncSatF64U: registers.i32TruncSatF64U(word)
        case .i64TruncSatF32S: registers.i64TruncSatF32S(word)
        case .i64TruncSatF32U: registers.i64TruncSatF32U(word)
        case .i64TruncSatF64S: registers.i64TruncSatF64S(word)
        case .i64TruncSatF64U: registers.i64TruncSatF64U(word)
        // with an immediate on the right
        case .i32AddImmediate: registers.i32AddImmediate(word)
        case .i32SubImmediate: registers.i32SubImmediate(word)
        case .i32MulImmediate: registers.i32MulImmediate(word)
        case .i32AndImmediate: registers.i32AndImmediate(word)
        case .i32OrImmediate: registers.i32OrImmediate(word)
        case .i32XorImmediate: registers.i32XorImmediate(word)
        case .i32ShlImmediate: registers.i32ShlImmediate(word)
        case .i32ShrSImmediate: registers.i32ShrSImmediate(word)
        case .i32ShrUImmediate: registers.i32ShrUImmediate(word)
        case .i32RotlImmediate: registers.i32RotlImmediate(word)
        case .i32EqImmediate: registers.i32EqImmediate(word)
        case .i32NeImmediate: registers.i32NeImmediate(word)
        case .i32LtSImmediate: registers.i32LtSImmediate(word)
        case .i32LtUImmediate: registers.i32LtUImmediate(word)
        case .i32GtSImmediate: registers.i32GtSImmediate(word)
        case .i32GtUImmediate: registers.i32GtUImmediate(word)
        case .i32LeSImmediate: registers.i32LeSImmediate(word)
        case .i32LeUImmediate: registers.i32LeUImmediate(word)
        case .i32GeSImmediate: registers.i32GeSImmediate(word)
        case .i32GeUImmediate: registers.i32GeUImmediate(word)
        case .i64AddImmediate: registers.i64AddImmediate(word)
        case .i64SubImmediate: registers.i64SubImmediate(word)
        case .i64MulImmediate: registers.i64MulImmediate(word)
        case .i64AndImmediate: registers.i64AndImmediate(word)
        case .i64OrImmediate: registers.i64OrImmediate(word)
        case .i64XorImmediate: registers.i64XorImmediate(word)
        case .i64ShlImmediate: registers.i64ShlImmediate(word)
        case .i64ShrSImmediate: registers.i64ShrSImmediate(word)
        case .i64ShrUImmediate: registers.i64ShrUImmediate(word)
        case .i64RotlImmediate: registers.i64RotlImmediate(word)
        case .i64EqImmediate: registers.i64EqImmediate(word)
        case .i64NeImmediate: registers.i64NeImmediate(word)
        case .i64LtSImmediate: registers.i64LtSImmediate(word)
        case .i64LtUImmediate: registers.i64LtUImmediate(word)
        case .i64GtSImmediate: registers.i64GtSImmediate(word)
        case .i64GtUImmediate: registers.i64GtUImmediate(word)
        case .i64LeSImmediate: registers.i64LeSImmediate(word)
        case .i64LeUImmediate: registers.i64LeUImmediate(word)
        case .i64GeSImmediate: registers.i64GeSImmediate(word)
        case .i64GeUImmediate: registers.i64GeUImmediate(word)

        // with the second operand shifted by an immediate
        case .i32AddShl: registers.i32AddShl(word, following())
        case .i32AddShrU: registers.i32AddShrU(word, following())
        case .i32AddRotl: registers.i32AddRotl(word, following())
        case .i32SubShl: registers.i32SubShl(word, following())
        case .i32SubShrU: registers.i32SubShrU(word, following())
        case .i32SubRotl: registers.i32SubRotl(word, following())
        case .i32AndShl: registers.i32AndShl(word, following())
        case .i32AndShrU: registers.i32AndShrU(word, following())
        case .i32AndRotl: registers.i32AndRotl(word, following())
        case .i32OrShl: registers.i32OrShl(word, following())
        case .i32OrShrU: registers.i32OrShrU(word, following())
        case .i32OrRotl: registers.i32OrRotl(word, following())
        case .i32XorShl: registers.i32XorShl(word, following())
        case .i32XorShrU: registers.i32XorShrU(word, following())
        case .i32XorRotl: registers.i32XorRotl(word, following())

        // branches
        case .branchI32Eq:
          jump(word.signedC, if: registers[word.a].u32 == registers[word.b].u32)
          continue
        case .branchI32Ne:
          jump(word.signedC, if: registers[word.a].u32 != registers[word.b].u32)
          continue
        case .branchI32LtS:
          jump(word.signedC, if: registers[word.a].s32 < registers[word.b].s32)
          continue
        case .branchI32LtU:
          jump(word.signedC, if: registers[word.a].u32 < registers[word.b].u32)
          continue
        case .branchI32LeS:
          jump(word.signedC, if: registers[word.a].s32 <= registers[word.b].s32)
          continue
        case .branchI32LeU:
          jump(word.signedC, if: registers[word.a].u32 <= registers[word.b].u32)
          continue
        case .branchI64Eq:
          jump(word.signedC, if: registers[word.a] == registers[word.b])
          continue
        case .branchI64Ne:
          jump(word.signedC, if: registers[word.a] != registers[word.b])
          continue
        case .branchI64LtS:
          jump(word.signedC, if: registers[word.a].s64 < registers[word.b].s64)
          continue
        case .branchI64LtU:
          jump(word.signedC, if: registers[word.a] < registers[word.b])
          continue
        case .branchI64LeS:
          jump(word.signedC, if: registers[word.a].s64 <= registers[word.b].s64)
          continue
        case .branchI64LeU:
          jump(word.signedC, if: registers[word.a] <= registers[word.b])
          continue
        case .branchI32EqImmediate:
          jump(word.signedC, if: registers[word.a].s32 == Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32NeImmediate:
          jump(word.signedC, if: registers[word.a].s32 != Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32LtSImmediate:
          jump(word.signedC, if: registers[word.a].s32 < Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32LtUImmediate:
          jump(word.signedC, if: registers[word.a].u32 < UInt32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32GtSImmediate:
          jump(word.signedC, if: registers[word.a].s32 > Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32GtUImmediate:
          jump(word.signedC, if: registers[word.a].u32 > UInt32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32LeSImmediate:
          jump(word.signedC, if: registers[word.a].s32 <= Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32LeUImmediate:
          jump(word.signedC, if: registers[word.a].u32 <= UInt32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32GeSImmediate:
          jump(word.signedC, if: registers[word.a].s32 >= Int32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI32GeUImmediate:
          jump(word.signedC, if: registers[word.a].u32 >= UInt32(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64EqImmediate:
          jump(word.signedC, if: registers[word.a].s64 == Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64NeImmediate:
          jump(word.signedC, if: registers[word.a].s64 != Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64LtSImmediate:
          jump(word.signedC, if: registers[word.a].s64 < Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64LtUImmediate:
          jump(word.signedC, if: registers[word.a] < UInt64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64GtSImmediate:
          jump(word.signedC, if: registers[word.a].s64 > Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64GtUImmediate:
          jump(word.signedC, if: registers[word.a] > UInt64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64LeSImmediate:
          jump(word.signedC, if: registers[word.a].s64 <= Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64LeUImmediate:
          jump(word.signedC, if: registers[word.a] <= UInt64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64GeSImmediate:
          jump(word.signedC, if: registers[word.a].s64 >= Int64(truncatingIfNeeded: word.signedB))
          continue
        case .branchI64GeUImmediate:
          jump(word.signedC, if: registers[word.a] >= UInt64(truncatingIfNeeded: word.signedB))
          continue
        case .branch: code += word.bc
        case .branchIfNonZero:
          jump(word.bc, if: registers[word.a].u32 != 0)
          continue
        case .branchIfZero:
          jump(word.bc, if: registers[word.a].u32 == 0)
          continue
        case .branchTable: jumpByTable(word)

        // memory 0
        case .i32Load: try registers.i32Load(word, memory, registers.near(word))
        case .i64Load: try registers.i64Load(word, memory, registers.near(word))
        case .f32Load: try registers.f32Load(word, memory, registers.near(word))
        case .f64Load: try registers.f64Load(word, memory, registers.near(word))
        case .i32Load8S: try registers.i32Load8S(word, memory, registers.near(word))
        case .i32Load8U: try registers.i32Load8U(word, memory, registers.near(word))
        case .i32Load16S: try registers.i32Load16S(word, memory, registers.near(word))
        case .i32Load16U: try registers.i32Load16U(word, memory, registers.near(word))
        case .i64Load8S: try registers.i64Load8S(word, memory, registers.near(word))
        case .i64Load8U: try registers.i64Load8U(word, memory, registers.near(word))
        case .i64Load16S: try registers.i64Load16S(word, memory, registers.near(word))
        case .i64Load16U: try registers.i64Load16U(word, memory, registers.near(word))
        case .i64Load32S: try registers.i64Load32S(word, memory, registers.near(word))
        case .i64Load32U: try registers.i64Load32U(word, memory, registers.near(word))
        case .i32LoadSum: try registers.i32Load(word, memory, registers.sum(word))
        case .i64LoadSum: try registers.i64Load(word, memory, registers.sum(word))
        case .f32LoadSum: try registers.f32Load(word, memory, registers.sum(word))
        case .f64LoadSum: try registers.f64Load(word, memory, registers.sum(word))
        case .i32Load8SSum: try registers.i32Load8S(word, memory, registers.sum(word))
        case .i32Load8USum: try registers.i32Load8U(word, memory, registers.sum(word))
        case .i32Load16SSum: try registers.i32Load16S(word, memory, registers.sum(word))
        case .i32Load16USum: try registers.i32Load16U(word, memory, registers.sum(word))
        case .i64Load8SSum: try registers.i64Load8S(word, memory, registers.sum(word))
        case .i64Load8USum: try registers.i64Load8U(word, memory, registers.sum(word))
        case .i64Load16SSum: try registers.i64Load16S(word, memory, registers.sum(word))
        case .i64Load16USum: try registers.i64Load16U(word, memory, registers.sum(word))
        case .i64Load32SSum: try registers.i64Load32S(word, memory, registers.sum(word))
        case .i64Load32USum: try registers.i64Load32U(word, memory, registers.sum(word))
        case .i32LoadIndexed: try registers.i32Load(word, memory, registers.indexed(word, following()))
        case .i64LoadIndexed: try registers.i64Load(word, memory, registers.indexed(word, following()))
        case .f32LoadIndexed: try registers.f32Load(word, memory, registers.indexed(word, following()))
        case .f64LoadIndexed: try registers.f64Load(word, memory, registers.indexed(word, following()))
        case .i32Load8SIndexed: try registers.i32Load8S(word, memory, registers.indexed(word, following()))
        case .i32Load8UIndexed: try registers.i32Load8U(word, memory, registers.indexed(word, following()))
        case .i32Load16SIndexed: try registers.i32Load16S(word, memory, registers.indexed(word, following()))
        case .i32Load16UIndexed: try registers.i32Load16U(word, memory, registers.indexed(word, following()))
        case .i64Load8SIndexed: try registers.i64Load8S(word, memory, registers.indexed(word, following()))
        case .i64Load8UIndexed: try registers.i64Load8U(word, memory, registers.indexed(word, following()))
        case .i64Load16SIndexed: try registers.i64Load16S(word, memory, registers.indexed(word, following()))
        case .i64Load16UIndexed: try registers.i64Load16U(word, memory, registers.indexed(word, following()))
        case .i64Load32SIndexed: try registers.i64Load32S(word, memory, registers.indexed(word, following()))
        case .i64Load32UIndexed: try registers.i64Load32U(word, memory, registers.indexed(word, following()))
        case .i32LoadFar: try registers.i32Load(word, memory, registers.far(word, following()))
        case .i64LoadFar: try registers.i64Load(word, memory, registers.far(word, following()))
        case .f32LoadFar: try registers.f32Load(word, memory, registers.far(word, following()))
        case .f64LoadFar: try registers.f64Load(word, memory, registers.far(word, following()))
        case .i32Load8SFar: try registers.i32Load8S(word, memory, registers.far(word, following()))
        case .i32Load8UFar: try registers.i32Load8U(word, memory, registers.far(word, following()))
        case .i32Load16SFar: try registers.i32Load16S(word, memory, registers.far(word, following()))
        case .i32Load16UFar: try registers.i32Load16U(word, memory, registers.far(word, following()))
        case .i64Load8SFar: try registers.i64Load8S(word, memory, registers.far(word, following()))
        case .i64Load8UFar: try registers.i64Load8U(word, memory, registers.far(word, following()))
        case .i64Load16SFar: try registers.i64Load16S(word, memory, registers.far(word, following()))
        case .i64Load16UFar: try registers.i64Load16U(word, memory, registers.far(word, following()))
        case .i64Load32SFar: try registers.i64Load32S(word, memory, registers.far(word, following()))
        case .i64Load32UFar: try registers.i64Load32U(word, memory, registers.far(word, following()))
        case .i32LoadConstant: try registers.i32Load(word, memory, registers.constant(word))
        case .i64LoadConstant: try registers.i64Load(word, memory, registers.constant(word))
        case .f32LoadConstant: try registers.f32Load(word, memory, registers.constant(word))
        case .f64LoadConstant: try registers.f64Load(word, memory, registers.constant(word))
        case .i32Load8SConstant: try registers.i32Load8S(word, memory, registers.constant(word))
        case .i32Load8UConstant: try registers.i32Load8U(word, memory, registers.constant(word))
        case .i32Load16SConstant: try registers.i32Load16S(word, memory, registers.constant(word))
        case .i32Load16UConstant: try registers.i32Load16U(word, memory, registers.constant(word))
        case .i64Load8SConstant: try registers.i64Load8S(word, memory, registers.constant(word))
        case .i64Load8UConstant: try registers.i64Load8U(word, memory, registers.constant(word))
        case .i64Load16SConstant: try registers.i64Load16S(word, memory, registers.constant(word))
        case .i64Load16UConstant: try registers.i64Load16U(word, memory, registers.constant(word))
        case .i64Load32SConstant: try registers.i64Load32S(word, memory, registers.constant(word))
        case .i64Load32UConstant: try registers.i64Load32U(word, memory, registers.constant(word))
        case .i32Store: if try !registers.i32Store(word, memory, loop, registers.near(word)) { continue preparing }
        case .i64Store: if try !registers.i64Store(word, memory, loop, registers.near(word)) { continue preparing }
        case .f32Store: if try !registers.f32Store(word, memory, loop, registers.near(word)) { continue preparing }
        case .f64Store: if try !registers.f64Store(word, memory, loop, registers.near(word)) { continue preparing }
        case .i32Store8: if try !registers.i32Store8(word, memory, loop, registers.near(word)) { continue preparing }
        case .i32Store16: if try !registers.i32Store16(word, memory, loop, registers.near(word)) { continue preparing }
        case .i64Store8: if try !registers.i64Store8(word, memory, loop, registers.near(word)) { continue preparing }
        case .i64Store16: if try !registers.i64Store16(word, memory, loop, registers.near(word)) { continue preparing }
        case .i64Store32: if try !registers.i64Store32(word, memory, loop, registers.near(word)) { continue preparing }
        case .i32StoreSum: if try !registers.i32Store(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i64StoreSum: if try !registers.i64Store(word, memory, loop, registers.sum(word)) { continue preparing }
        case .f32StoreSum: if try !registers.f32Store(word, memory, loop, registers.sum(word)) { continue preparing }
        case .f64StoreSum: if try !registers.f64Store(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i32Store8Sum: if try !registers.i32Store8(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i32Store16Sum:
          if try !registers.i32Store16(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i64Store8Sum: if try !registers.i64Store8(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i64Store16Sum:
          if try !registers.i64Store16(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i64Store32Sum:
          if try !registers.i64Store32(word, memory, loop, registers.sum(word)) { continue preparing }
        case .i32StoreIndexed:
          if try !registers.i32Store(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i64StoreIndexed:
          if try !registers.i64Store(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .f32StoreIndexed:
          if try !registers.f32Store(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .f64StoreIndexed:
          if try !registers.f64Store(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i32Store8Indexed:
          if try !registers.i32Store8(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i32Store16Indexed:
          if try !registers.i32Store16(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i64Store8Indexed:
          if try !registers.i64Store8(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i64Store16Indexed:
          if try !registers.i64Store16(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i64Store32Indexed:
          if try !registers.i64Store32(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .i32StoreFar:
          if try !registers.i32Store(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i64StoreFar:
          if try !registers.i64Store(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .f32StoreFar:
          if try !registers.f32Store(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .f64StoreFar:
          if try !registers.f64Store(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i32Store8Far:
          if try !registers.i32Store8(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i32Store16Far:
          if try !registers.i32Store16(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i64Store8Far:
          if try !registers.i64Store8(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i64Store16Far:
          if try !registers.i64Store16(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i64Store32Far:
          if try !registers.i64Store32(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .i32StoreConstant:
          if try !registers.i32Store(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i64StoreConstant:
          if try !registers.i64Store(word, memory, loop, registers.constant(word)) { continue preparing }
        case .f32StoreConstant:
          if try !registers.f32Store(word, memory, loop, registers.constant(word)) { continue preparing }
        case .f64StoreConstant:
          if try !registers.f64Store(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i32Store8Constant:
          if try !registers.i32Store8(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i32Store16Constant:
          if try !registers.i32Store16(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i64Store8Constant:
          if try !registers.i64Store8(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i64Store16Constant:
          if try !registers.i64Store16(word, memory, loop, registers.constant(word)) { continue preparing }
        case .i64Store32Constant:
          if try !registers.i64Store32(word, memory, loop, registers.constant(word)) { continue preparing }
        case .loadWide:
          registers[word.a] = try context.pointee.memories[Int(truncatingIfNeeded: code[2])].pointee.load(
            word.c, registers[word.b], code[1])
          code += 2
        case .storeWide:
          try context.pointee.memories[Int(truncatingIfNeeded: code[2])].pointee.store(
            word.c, registers[word.b], code[1], registers[word.a])
          code += 2

        // moves
        case .copy: registers.copy(word)
        case .const32: registers.const32(word)
        case .const64: registers[word.a] = following()
        case .copyBlock: (registers.base + word.a).update(from: registers.base + word.b, count: word.c)
        case .select: registers.select(word, following())
        case .globalGet: registers[word.a] = context.pointee.globals[word.bc].pointee
        case .globalSet: context.pointee.globals[word.bc].pointee = registers[word.a]
        case .refFunc:
          registers[word.a] = context.pointee.instance.takeUnretainedValue().reference(to: FunctionIndex(word.bc))

        // calls
        case .call:
          loop.pointee.entry = context.pointee.functions + word.bc
          if loop.pointee.entry.pointee.code == nil { continue preparing }
          try pushFrame()
          try startHere(registers.base + word.a)
        case .callImport:
          loop.pointee.entry = context.pointee.instance.takeUnretainedValue().entry(FunctionIndex(word.bc))
          if isUntranslated() { continue preparing }
          try enter(word.a)
        case .callIndirect:
          loop.pointee.entry = try callee(context, registers[word.b], code[1])
          if isUntranslated() { continue preparing }
          code += 1
          try enter(word.a)
        case .returnCall:
          loop.pointee.entry = context.pointee.functions + word.bc
          if loop.pointee.entry.pointee.code == nil { continue preparing }
          loop.pointee.depth = callerDepth()
          try startHere(registers.base)
        case .returnCallImport, .returnCallIndirect:
          loop.pointee.entry =
            word.op == .returnCallImport
            ? context.pointee.instance.takeUnretainedValue().entry(FunctionIndex(word.bc))
            : try callee(context, registers[word.b], code[1])
          if isUntranslated() { continue preparing }
          if loop.pointee.entry.pointee.isHost {
            try enter(0)
            if !leave() { return }
          } else {
            loop.pointee.depth = callerDepth()
            try start(registers.base)
          }
        case .returnOne:
          registers[0] = registers[word.a]
          if !leave() { return }
        case .returnNone: if !leave() { return }

        // counting
        case .charge: loop.pointee.counter &-= Int64(truncatingIfNeeded: word.bc)
        case .chargeAndCheck:
          loop.pointee.counter &-= Int64(truncatingIfNeeded: word.bc)
          if loop.pointee.counter < 0 { loop.pointee.counter = try refilled(loop.pointee.counter) }
        case .chargeDynamic:
          let rest = loop.pointee.counter &- Int64(bitPattern: registers[word.a] >> UInt64(word.b))
          loop.pointee.counter = rest > loop.pointee.counter ? .min : rest
          if loop.pointee.counter < 0 { loop.pointee.counter = try refilled(loop.pointee.counter) }

        // memories and tables as a whole
        case .memorySize:
          registers[word.a] = context.pointee.instance.takeUnretainedValue().memorySize(Int(code[1]))
          code += 1
        case .memoryGrow:
          registers[word.a] = context.pointee.instance.takeUnretainedValue().memoryGrow(
            Int(code[1]), by: registers[word.b])
          loop.pointee.refreshMemory()
          code += 1
        case .memoryFill:
          if code[1] == 0, memory.fill(at: registers[word.a], registers[word.b], registers[word.c]) {
            code += 2
            next = code.pointee
            continue
          }
          try context.pointee.instance.takeUnretainedValue().memoryFill(
            Int(code[1] & 0xFFFF_FFFF), registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .memoryCopy:
          if code[1] == 0, memory.copy(to: registers[word.a], from: registers[word.b], registers[word.c]) {
            code += 2
            next = code.pointee
            continue
          }
          try context.pointee.instance.takeUnretainedValue().memoryCopy(
            code[1], registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .memoryInit:
          try context.pointee.instance.takeUnretainedValue().memoryInit(
            code[1], registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .dataDrop:
          context.pointee.instance.takeUnretainedValue().dropData(Int(code[1]))
          code += 1
        case .tableGet:
          registers[word.a] = try context.pointee.instance.takeUnretainedValue().tableGet(
            Int(code[1]), registers[word.b])
          code += 1
        case .tableSet:
          try context.pointee.instance.takeUnretainedValue().tableSet(
            Int(code[1]), registers[word.a], registers[word.b])
          code += 1
        case .tableSize:
          registers[word.a] = context.pointee.instance.takeUnretainedValue().tableSize(Int(code[1]))
          code += 1
        case .tableGrow:
          registers[word.a] = context.pointee.instance.takeUnretainedValue().tableGrow(
            Int(code[1]), registers[word.b], by: registers[word.c])
          code += 1
        case .tableFill:
          try context.pointee.instance.takeUnretainedValue().tableFill(
            Int(code[1] & 0xFFFF_FFFF), registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .tableCopy:
          try context.pointee.instance.takeUnretainedValue().tableCopy(
            code[1], registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .tableInit:
          try context.pointee.instance.takeUnretainedValue().tableInit(
            code[1], registers[word.a], registers[word.b], registers[word.c])
          code += 1
        case .elementDrop:
          context.pointee.instance.takeUnretainedValue().dropElements(Int(code[1]))
          code += 1

        // vectors
        case .v128Store: if try !registers.v128Store(word, memory, loop, registers.near(word)) { continue preparing }
        case .v128StoreSum: if try !registers.v128Store(word, memory, loop, registers.sum(word)) { continue preparing }
        case .v128StoreIndexed:
          if try !registers.v128Store(word, memory, loop, registers.indexed(word, code[1])) { continue preparing }
          code += 1
        case .v128StoreFar:
          if try !registers.v128Store(word, memory, loop, registers.far(word, code[1])) { continue preparing }
          code += 1
        case .v128StoreConstant:
          if try !registers.v128Store(word, memory, loop, registers.constant(word)) { continue preparing }
        case .v128Store8Lane:
          if try !memory.store(lane(word, UInt8.self), registers.near(word), loop) { continue preparing }
          code += 1
        case .v128Store16Lane:
          if try !memory.store(lane(word, UInt16.self), registers.near(word), loop) { continue preparing }
          code += 1
        case .v128Store32Lane:
          if try !memory.store(lane(word, UInt32.self), registers.near(word), loop) { continue preparing }
          code += 1
        case .v128Store64Lane:
          if try !memory.store(lane(word, UInt64.self), registers.near(word), loop) { continue preparing }
          code += 1
        case .v128Load, .v128Load8x8S, .v128Load8x8U, .v128Load16x4S, .v128Load16x4U, .v128Load32x2S, .v128Load32x2U,
          .v128Load8Splat, .v128Load16Splat, .v128Load32Splat, .v128Load64Splat, .v128Const, .i8x16Shuffle,
          .i8x16Swizzle, .i8x16Splat, .i16x8Splat, .i32x4Splat, .i64x2Splat, .f32x4Splat, .f64x2Splat,
          .i8x16ExtractLaneS, .i8x16ExtractLaneU, .i8x16ReplaceLane, .i16x8ExtractLaneS, .i16x8ExtractLaneU,
          .i16x8ReplaceLane, .i32x4ExtractLane, .i32x4ReplaceLane, .i64x2ExtractLane, .i64x2ReplaceLane,
          .f32x4ExtractLane, .f32x4ReplaceLane, .f64x2ExtractLane, .f64x2ReplaceLane, .i8x16Eq, .i8x16Ne, .i8x16LtS,
          .i8x16LtU, .i8x16GtS, .i8x16GtU, .i8x16LeS, .i8x16LeU, .i8x16GeS, .i8x16GeU, .i16x8Eq, .i16x8Ne, .i16x8LtS,
          .i16x8LtU, .i16x8GtS, .i16x8GtU, .i16x8LeS, .i16x8LeU, .i16x8GeS, .i16x8GeU, .i32x4Eq, .i32x4Ne, .i32x4LtS,
          .i32x4LtU, .i32x4GtS, .i32x4GtU, .i32x4LeS, .i32x4LeU, .i32x4GeS, .i32x4GeU, .f32x4Eq, .f32x4Ne, .f32x4Lt,
          .f32x4Gt, .f32x4Le, .f32x4Ge, .f64x2Eq, .f64x2Ne, .f64x2Lt, .f64x2Gt, .f64x2Le, .f64x2Ge, .v128Not, .v128And,
          .v128Andnot, .v128Or, .v128Xor, .v128Bitselect, .v128AnyTrue, .v128Load8Lane, .v128Load16Lane,
          .v128Load32Lane, .v128Load64Lane, .v128Load32Zero, .v128Load64Zero, .f32x4DemoteF64x2Zero,
          .f64x2PromoteLowF32x4, .i8x16Abs, .i8x16Neg, .i8x16Popcnt, .i8x16AllTrue, .i8x16Bitmask, .i8x16NarrowI16x8S,
          .i8x16NarrowI16x8U, .f32x4Ceil, .f32x4Floor, .f32x4Trunc, .f32x4Nearest, .i8x16Shl, .i8x16ShrS, .i8x16ShrU,
          .i8x16Add, .i8x16AddSatS, .i8x16AddSatU, .i8x16Sub, .i8x16SubSatS, .i8x16SubSatU, .f64x2Ceil, .f64x2Floor,
          .i8x16MinS, .i8x16MinU, .i8x16MaxS, .i8x16MaxU, .f64x2Trunc, .i8x16AvgrU, .i16x8ExtaddPairwiseI8x16S,
          .i16x8ExtaddPairwiseI8x16U, .i32x4ExtaddPairwiseI16x8S, .i32x4ExtaddPairwiseI16x8U, .i16x8Abs, .i16x8Neg,
          .i16x8Q15mulrSatS, .i16x8AllTrue, .i16x8Bitmask, .i16x8NarrowI32x4S, .i16x8NarrowI32x4U,
          .i16x8ExtendLowI8x16S, .i16x8ExtendHighI8x16S, .i16x8ExtendLowI8x16U, .i16x8ExtendHighI8x16U, .i16x8Shl,
          .i16x8ShrS, .i16x8ShrU, .i16x8Add, .i16x8AddSatS, .i16x8AddSatU, .i16x8Sub, .i16x8SubSatS, .i16x8SubSatU,
          .f64x2Nearest, .i16x8Mul, .i16x8MinS, .i16x8MinU, .i16x8MaxS, .i16x8MaxU, .i16x8AvgrU, .i16x8ExtmulLowI8x16S,
          .i16x8ExtmulHighI8x16S, .i16x8ExtmulLowI8x16U, .i16x8ExtmulHighI8x16U, .i32x4Abs, .i32x4Neg, .i32x4AllTrue,
          .i32x4Bitmask, .i32x4ExtendLowI16x8S, .i32x4ExtendHighI16x8S, .i32x4ExtendLowI16x8U, .i32x4ExtendHighI16x8U,
          .i32x4Shl, .i32x4ShrS, .i32x4ShrU, .i32x4Add, .i32x4Sub, .i32x4Mul, .i32x4MinS, .i32x4MinU, .i32x4MaxS,
          .i32x4MaxU, .i32x4DotI16x8S, .i32x4ExtmulLowI16x8S, .i32x4ExtmulHighI16x8S, .i32x4ExtmulLowI16x8U,
          .i32x4ExtmulHighI16x8U, .i64x2Abs, .i64x2Neg, .i64x2AllTrue, .i64x2Bitmask, .i64x2ExtendLowI32x4S,
          .i64x2ExtendHighI32x4S, .i64x2ExtendLowI32x4U, .i64x2ExtendHighI32x4U, .i64x2Shl, .i64x2ShrS, .i64x2ShrU,
          .i64x2Add, .i64x2Sub, .i64x2Mul, .i64x2Eq, .i64x2Ne, .i64x2LtS, .i64x2GtS, .i64x2LeS, .i64x2GeS,
          .i64x2ExtmulLowI32x4S, .i64x2ExtmulHighI32x4S, .i64x2ExtmulLowI32x4U, .i64x2ExtmulHighI32x4U, .f32x4Abs,
          .f32x4Neg, .f32x4Sqrt, .f32x4Add, .f32x4Sub, .f32x4Mul, .f32x4Div, .f32x4Min, .f32x4Max, .f32x4Pmin,
          .f32x4Pmax, .f64x2Abs, .f64x2Neg, .f64x2Sqrt, .f64x2Add, .f64x2Sub, .f64x2Mul, .f64x2Div, .f64x2Min,
          .f64x2Max, .f64x2Pmin, .f64x2Pmax, .i32x4TruncSatF32x4S, .i32x4TruncSatF32x4U, .f32x4ConvertI32x4S,
          .f32x4ConvertI32x4U, .i32x4TruncSatF64x2SZero, .i32x4TruncSatF64x2UZero, .f64x2ConvertLowI32x4S,
          .f64x2ConvertLowI32x4U,
          .vectorLoadWide, .vectorStoreWide, .vectorCopy, .vectorSelect, .vectorGlobalGet, .vectorGlobalSet,
          .v128LoadSum, .v128LoadIndexed, .v128LoadFar, .v128LoadConstant:
          try executeVector(word, &code, registers.base, loop)

        // sequences: each operation as on its own, and `code` at its own word where it may have to be tried again
        case .const32ThenBranchI32LtUImmediate:
          registers.const32(word)
          let second = following()
          jump(second.signedC, if: registers[second.a].u32 < UInt32(truncatingIfNeeded: second.signedB))
          continue
        case .copyThenBranch:
          registers.copy(word)
          let second = following()
          code += second.bc
        case .copyThenCopy:
          registers.copy(word)
          registers.copy(following())
        case .copyThenCopyThenCopy:
          registers.copy(word)
          registers.copy(following())
          registers.copy(following())
        case .copyThenCopyThenCopyThenCopy:
          registers.copy(word)
          registers.copy(following())
          registers.copy(following())
          registers.copy(following())
        case .copyThenI32Load:
          registers.copy(word)
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
        case .f64AddIntoF64Add: registers.f64Add(following(), registers.f64Add(word))
        case .f64AddIntoF64AddIntoF64Add:
          var result = registers.f64Add(word)
          result = registers.f64Add(following(), result)
          registers.f64Add(following(), result)
        case .f64AddIntoF64AddIntoF64AddIntoF64Add:
          var result = registers.f64Add(word)
          result = registers.f64Add(following(), result)
          result = registers.f64Add(following(), result)
          registers.f64Add(following(), result)
        case .f64LoadThenF64Add:
          try registers.f64Load(word, memory, registers.near(word))
          registers.f64Add(following())
        case .f64LoadThenF64Mul:
          try registers.f64Load(word, memory, registers.near(word))
          registers.f64Mul(following())
        case .f64LoadSumThenF64LoadSum:
          try registers.f64Load(word, memory, registers.sum(word))
          let second = following()
          try registers.f64Load(second, memory, registers.sum(second))
        case .f64MulThenF64LoadSum:
          registers.f64Mul(word)
          let second = following()
          try registers.f64Load(second, memory, registers.sum(second))
        case .f64MulThenF64LoadSumThenF64LoadSum:
          registers.f64Mul(word)
          let second = following()
          try registers.f64Load(second, memory, registers.sum(second))
          let third = following()
          try registers.f64Load(third, memory, registers.sum(third))
        case .f64MulThenF64Mul:
          registers.f64Mul(word)
          registers.f64Mul(following())
        case .f64MulIntoF64Add: registers.f64Add(following(), registers.f64Mul(word))
        case .f64MulIntoF64Mul: registers.f64Mul(following(), registers.f64Mul(word))
        case .f64MulIntoF64MulIntoF64Sub:
          var result = registers.f64Mul(word)
          result = registers.f64Mul(following(), result)
          registers.f64Sub(following(), result)
        case .f64MulIntoF64Sub: registers.f64Sub(following(), registers.f64Mul(word))
        case .f64StoreThenI32AddImmediate:
          if try !registers.f64Store(word, memory, loop, registers.near(word)) { continue preparing }
          registers.i32AddImmediate(following())
        case .i32AddThenBranchI32LtU:
          registers.i32Add(word)
          let second = following()
          jump(second.signedC, if: registers[second.a].u32 < registers[second.b].u32)
          continue
        case .i32AddThenCopy:
          registers.i32Add(word)
          registers.copy(following())
        case .i32AddThenI32AddImmediate:
          registers.i32Add(word)
          registers.i32AddImmediate(following())
        case .i32AddThenI32LoadSum:
          registers.i32Add(word)
          let second = following()
          try registers.i32Load(second, memory, registers.sum(second))
        case .i32AddThenI32Store:
          registers.i32Add(word)
          let second = following()
          if try !registers.i32Store(second, memory, loop, registers.near(second)) { continue preparing }
        case .i32AddThenReturnOne:
          registers.i32Add(word)
          let second = following()
          registers[0] = registers[second.a]
          if !leave() { return }
        case .i32AddIntoI32Add: registers.i32Add(following(), registers.i32Add(word))
        case .i32AddImmediateThenBranchI32LtSImmediate:
          registers.i32AddImmediate(word)
          let second = following()
          jump(second.signedC, if: registers[second.a].s32 < Int32(truncatingIfNeeded: second.signedB))
          continue
        case .i32AddImmediateThenBranchI32LtU:
          registers.i32AddImmediate(word)
          let second = following()
          jump(second.signedC, if: registers[second.a].u32 < registers[second.b].u32)
          continue
        case .i32AddImmediateThenBranchI32NeImmediate:
          registers.i32AddImmediate(word)
          let second = following()
          jump(second.signedC, if: registers[second.a].s32 != Int32(truncatingIfNeeded: second.signedB))
          continue
        case .i32AddImmediateThenBranchIfNonZero:
          registers.i32AddImmediate(word)
          let second = following()
          jump(second.bc, if: registers[second.a].u32 != 0)
          continue
        case .i32AddImmediateThenCall:
          registers.i32AddImmediate(word)
          let second = following()
          loop.pointee.entry = context.pointee.functions + second.bc
          if loop.pointee.entry.pointee.code == nil { continue preparing }
          try pushFrame()
          try startHere(registers.base + second.a)
        case .i32AddImmediateThenCopy:
          registers.i32AddImmediate(word)
          registers.copy(following())
        case .i32AddImmediateThenCopyThenBranchI32LtU:
          registers.i32AddImmediate(word)
          registers.copy(following())
          let third = following()
          jump(third.signedC, if: registers[third.a].u32 < registers[third.b].u32)
          continue
        case .i32AddImmediateThenI32AddImmediate:
          registers.i32AddImmediate(word)
          registers.i32AddImmediate(following())
        case .i32AddImmediateThenI32Load:
          registers.i32AddImmediate(word)
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
        case .i32AddImmediateThenI32LoadThenBranchI32LtU:
          registers.i32AddImmediate(word)
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
          let third = following()
          jump(third.signedC, if: registers[third.a].u32 < registers[third.b].u32)
          continue
        case .i32AddImmediateThenI32Load8S:
          registers.i32AddImmediate(word)
          let second = following()
          try registers.i32Load8S(second, memory, registers.near(second))
        case .i32AddShlThenI32Load:
          registers.i32AddShl(word, following())
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
        case .i32AndIntoI32Xor: registers.i32Xor(following(), registers.i32And(word))
        case .i32AndImmediateThenSelect:
          registers.i32AndImmediate(word)
          registers.select(following(), following())
        case .i32AndImmediateThenSelectThenBranch:
          registers.i32AndImmediate(word)
          registers.select(following(), following())
          let third = following()
          code += third.bc
        case .i32EqzThenI32Add:
          registers.i32Eqz(word)
          registers.i32Add(following())
        case .i32LoadThenBranchIfNonZero:
          try registers.i32Load(word, memory, registers.near(word))
          let second = following()
          jump(second.bc, if: registers[second.a].u32 != 0)
          continue
        case .i32Load8UThenBranchTable:
          try registers.i32Load8U(word, memory, registers.near(word))
          let second = following()
          jumpByTable(second)
        case .i32Load8UThenI32Load8U:
          try registers.i32Load8U(word, memory, registers.near(word))
          let second = following()
          try registers.i32Load8U(second, memory, registers.near(second))
        case .i32RotlImmediateIntoI32XorRotl:
          registers.i32XorRotl(following(), following(), registers.i32RotlImmediate(word))
        case .i32RotlImmediateIntoI32XorRotlIntoI32XorRotl:
          var result = registers.i32RotlImmediate(word)
          result = registers.i32XorRotl(following(), following(), result)
          registers.i32XorRotl(following(), following(), result)
        case .i32ShlImmediateThenI32Load:
          registers.i32ShlImmediate(word)
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
        case .i32ShrUImmediateThenI32AndImmediate:
          registers.i32ShrUImmediate(word)
          registers.i32AndImmediate(following())
        case .i32StoreThenBranch:
          if try !registers.i32Store(word, memory, loop, registers.near(word)) { continue preparing }
          let second = following()
          code += second.bc
        case .i32StoreThenCopy:
          if try !registers.i32Store(word, memory, loop, registers.near(word)) { continue preparing }
          registers.copy(following())
        case .i32StoreThenI32Load:
          if try !registers.i32Store(word, memory, loop, registers.near(word)) { continue preparing }
          let second = following()
          try registers.i32Load(second, memory, registers.near(second))
        case .i32Store8SumThenI32Add:
          if try !registers.i32Store8(word, memory, loop, registers.sum(word)) { continue preparing }
          registers.i32Add(following())
        case .i32Store8SumThenI32AddThenBranchI32LtU:
          if try !registers.i32Store8(word, memory, loop, registers.sum(word)) { continue preparing }
          registers.i32Add(following())
          let third = following()
          jump(third.signedC, if: registers[third.a].u32 < registers[third.b].u32)
          continue
        case .i32XorThenI32AndImmediate:
          registers.i32Xor(word)
          registers.i32AndImmediate(following())
        case .i32XorIntoI32Add: registers.i32Add(following(), registers.i32Xor(word))
        case .i32XorIntoI32And: registers.i32And(following(), registers.i32Xor(word))
        case .i32XorRotlIntoI32Add:
          let result = registers.i32XorRotl(word, following())
          registers.i32Add(following(), result)
        case .i32XorShlThenI32Store8:
          registers.i32XorShl(word, following())
          let second = following()
          if try !registers.i32Store8(second, memory, loop, registers.near(second)) { continue preparing }
        case .i32XorShlIntoI32XorShrU:
          let result = registers.i32XorShl(word, following())
          registers.i32XorShrU(following(), following(), result)
        case .i32XorShlIntoI32XorShrUIntoI32XorShl:
          var result = registers.i32XorShl(word, following())
          result = registers.i32XorShrU(following(), following(), result)
          registers.i32XorShl(following(), following(), result)
        case .selectThenBranch:
          registers.select(word, following())
          let second = following()
          code += second.bc

        case .unreachable: throw .unreachable
        case .traceEntry: tracer?.enter(FunctionIndex(word.bc), registers.base)
        case .traceReturn: tracer?.leave(FunctionIndex(word.bc), registers.base)
        }
        code += 1
        next = code.pointee
      }
    }

  }
}
