// The register bytecode: what the translator emits and the machine executes.

/// An operation of the register bytecode.
///
/// A word holds the operation in bits 0–15 and three fields `a`, `b`, `c` of 16 bits above it. Fields are register
/// numbers (slots of 8 bytes in the running function's frame), immediates or jump distances as told below; `bc` is the
/// signed 32-bit field made of `b` and `c`. Distances count words from the word behind the operation.
///
/// The numeric operations stand in the order of the Wasm opcodes and carry their names; `Translator` relies on both.
enum Op: UInt16, CaseIterable {
  // a = op b  or  a = b op c
  case i32Eqz, i32Eq, i32Ne, i32LtS, i32LtU, i32GtS, i32GtU, i32LeS, i32LeU, i32GeS, i32GeU, i64Eqz, i64Eq, i64Ne
  case i64LtS, i64LtU, i64GtS, i64GtU, i64LeS, i64LeU, i64GeS, i64GeU, f32Eq, f32Ne, f32Lt, f32Gt, f32Le, f32Ge
  case f64Eq, f64Ne, f64Lt, f64Gt, f64Le, f64Ge, i32Clz, i32Ctz, i32Popcnt, i32Add, i32Sub, i32Mul, i32DivS
  case i32DivU, i32RemS, i32RemU, i32And, i32Or, i32Xor, i32Shl, i32ShrS, i32ShrU, i32Rotl, i32Rotr, i64Clz
  case i64Ctz, i64Popcnt, i64Add, i64Sub, i64Mul, i64DivS, i64DivU, i64RemS, i64RemU, i64And, i64Or, i64Xor
  case i64Shl, i64ShrS, i64ShrU, i64Rotl, i64Rotr, f32Abs, f32Neg, f32Ceil, f32Floor, f32Trunc, f32Nearest
  case f32Sqrt, f32Add, f32Sub, f32Mul, f32Div, f32Min, f32Max, f32Copysign, f64Abs, f64Neg, f64Ceil, f64Floor
  case f64Trunc, f64Nearest, f64Sqrt, f64Add, f64Sub, f64Mul, f64Div, f64Min, f64Max, f64Copysign, i32WrapI64
  case i32TruncF32S, i32TruncF32U, i32TruncF64S, i32TruncF64U, i64ExtendI32S, i64ExtendI32U, i64TruncF32S
  case i64TruncF32U, i64TruncF64S, i64TruncF64U, f32ConvertI32S, f32ConvertI32U, f32ConvertI64S, f32ConvertI64U
  case f32DemoteF64, f64ConvertI32S, f64ConvertI32U, f64ConvertI64S, f64ConvertI64U, f64PromoteF32
  case i32ReinterpretF32, i64ReinterpretF64, f32ReinterpretI32, f64ReinterpretI64, i32Extend8S, i32Extend16S
  case i64Extend8S, i64Extend16S, i64Extend32S, i32TruncSatF32S, i32TruncSatF32U, i32TruncSatF64S, i32TruncSatF64U
  case i64TruncSatF32S, i64TruncSatF32U, i64TruncSatF64S, i64TruncSatF64U

  // a = b op c, where c is a signed 16-bit immediate
  case i32AddImmediate, i32SubImmediate, i32MulImmediate, i32AndImmediate, i32OrImmediate, i32XorImmediate
  case i32ShlImmediate, i32ShrSImmediate, i32ShrUImmediate, i32RotlImmediate
  case i64AddImmediate, i64SubImmediate, i64MulImmediate, i64AndImmediate, i64OrImmediate, i64XorImmediate
  case i64ShlImmediate, i64ShrSImmediate, i64ShrUImmediate, i64RotlImmediate
  case i32EqImmediate, i32NeImmediate, i32LtSImmediate, i32LtUImmediate, i32GtSImmediate, i32GtUImmediate
  case i32LeSImmediate, i32LeUImmediate, i32GeSImmediate, i32GeUImmediate
  case i64EqImmediate, i64NeImmediate, i64LtSImmediate, i64LtUImmediate, i64GtSImmediate, i64GtUImmediate
  case i64LeSImmediate, i64LeUImmediate, i64GeSImmediate, i64GeUImmediate

  // a = b op (c shifted by the immediate in the next word), one block an operation, in the order of `ShiftForm`
  case i32AddShl, i32AddShrU, i32AddRotl
  case i32SubShl, i32SubShrU, i32SubRotl
  case i32AndShl, i32AndShrU, i32AndRotl
  case i32OrShl, i32OrShrU, i32OrRotl
  case i32XorShl, i32XorShrU, i32XorRotl

  // if a op b then jump by c (signed 16 bits)
  case branchI32Eq, branchI32Ne, branchI32LtS, branchI32LtU, branchI32LeS, branchI32LeU
  case branchI64Eq, branchI64Ne, branchI64LtS, branchI64LtU, branchI64LeS, branchI64LeU
  // if a op b then jump by c, where b is a signed 16-bit immediate
  case branchI32EqImmediate, branchI32NeImmediate, branchI32LtSImmediate, branchI32LtUImmediate
  case branchI32GtSImmediate, branchI32GtUImmediate, branchI32LeSImmediate, branchI32LeUImmediate
  case branchI32GeSImmediate, branchI32GeUImmediate
  case branchI64EqImmediate, branchI64NeImmediate, branchI64LtSImmediate, branchI64LtUImmediate
  case branchI64GtSImmediate, branchI64GtUImmediate, branchI64LeSImmediate, branchI64LeUImmediate
  case branchI64GeSImmediate, branchI64GeUImmediate
  // jump by bc, for the two in the middle if the i32 in a is (non-)zero
  case branch, branchIfNonZero, branchIfZero
  // jump by the a-th of the bc words behind it; the last is the default
  case branchTable

  // memory 0, 32-bit addresses: a = load or store a; one block a mode, in the order of `AddressingMode`
  case i32Load, i64Load, f32Load, f64Load, i32Load8S, i32Load8U, i32Load16S, i32Load16U, i64Load8S, i64Load8U
  case i64Load16S, i64Load16U, i64Load32S, i64Load32U
  case i32LoadSum, i64LoadSum, f32LoadSum, f64LoadSum, i32Load8SSum, i32Load8USum, i32Load16SSum, i32Load16USum
  case i64Load8SSum, i64Load8USum, i64Load16SSum, i64Load16USum, i64Load32SSum, i64Load32USum
  case i32LoadIndexed, i64LoadIndexed, f32LoadIndexed, f64LoadIndexed, i32Load8SIndexed, i32Load8UIndexed
  case i32Load16SIndexed, i32Load16UIndexed, i64Load8SIndexed, i64Load8UIndexed, i64Load16SIndexed
  case i64Load16UIndexed, i64Load32SIndexed, i64Load32UIndexed
  case i32LoadFar, i64LoadFar, f32LoadFar, f64LoadFar, i32Load8SFar, i32Load8UFar, i32Load16SFar, i32Load16UFar
  case i64Load8SFar, i64Load8UFar, i64Load16SFar, i64Load16UFar, i64Load32SFar, i64Load32UFar
  case i32LoadConstant, i64LoadConstant, f32LoadConstant, f64LoadConstant, i32Load8SConstant, i32Load8UConstant
  case i32Load16SConstant, i32Load16UConstant, i64Load8SConstant, i64Load8UConstant, i64Load16SConstant
  case i64Load16UConstant, i64Load32SConstant, i64Load32UConstant
  case i32Store, i64Store, f32Store, f64Store, i32Store8, i32Store16, i64Store8, i64Store16, i64Store32
  case i32StoreSum, i64StoreSum, f32StoreSum, f64StoreSum, i32Store8Sum, i32Store16Sum, i64Store8Sum
  case i64Store16Sum, i64Store32Sum
  case i32StoreIndexed, i64StoreIndexed, f32StoreIndexed, f64StoreIndexed, i32Store8Indexed, i32Store16Indexed
  case i64Store8Indexed, i64Store16Indexed, i64Store32Indexed
  case i32StoreFar, i64StoreFar, f32StoreFar, f64StoreFar, i32Store8Far, i32Store16Far, i64Store8Far
  case i64Store16Far, i64Store32Far
  case i32StoreConstant, i64StoreConstant, f32StoreConstant, f64StoreConstant, i32Store8Constant
  case i32Store16Constant, i64Store8Constant, i64Store16Constant, i64Store32Constant
  // any memory, any address: a and b as above, c the access kind, then a word with the offset and one with the memory
  case loadWide, storeWide

  // a = b; a = zero-extended bc; a = next word
  case copy, const32, const64
  // copies the c slots from b on to a and following; the ranges may overlap
  case copyBlock
  // a = (i32 in the register of the next word) ≠ 0 ? b : c
  case select
  // a = global bc; global bc = a
  case globalGet, globalSet
  // a = reference to function bc
  case refFunc

  // Calls: arguments from slot a on, results to the same place; bc is the function in its own index space (defined
  // functions or imports)
  case call, callImport
  // b: register of the element index; next word: type in the lower, table in the upper half
  case callIndirect
  case returnCall, returnCallImport, returnCallIndirect
  // `returnNone`: results, if any, are in place; `returnOne`: slot a is the only result
  case returnNone, returnOne

  // counter −= bc; the same, then check; counter −= the value of a, clamped, then check
  case charge, chargeAndCheck, chargeDynamic

  // a, b, c: operand registers; next word: one index in the lower, another in the upper half
  case memorySize, memoryGrow, memoryInit, memoryCopy, memoryFill, dataDrop
  case tableGet, tableSet, tableSize, tableGrow, tableInit, tableCopy, tableFill, elementDrop

  case unreachable
  // reports entry to and return from traced function bc
  case traceEntry, traceReturn
}

/// The width and extension of a wide access: the position of the Wasm opcode among loads, or among stores.
typealias AccessKind = UInt16

extension UInt64 {
  /// The fields of a word of bytecode.
  @inline(__always) var a: Int { Int(truncatingIfNeeded: (self >> 16) & 0xFFFF) }
  @inline(__always) var b: Int { Int(truncatingIfNeeded: (self >> 32) & 0xFFFF) }
  @inline(__always) var c: Int { Int(truncatingIfNeeded: self >> 48) }
  @inline(__always) var signedB: Int { Int(Int16(truncatingIfNeeded: self >> 32)) }
  @inline(__always) var signedC: Int { Int(Int64(bitPattern: self) >> 48) }
  @inline(__always) var bc: Int { Int(Int64(bitPattern: self) >> 32) }
  @inline(__always) var op: Op { unsafeBitCast(UInt16(truncatingIfNeeded: self), to: Op.self) }

  init(_ op: Op, a: Int = 0, b: Int = 0, c: Int = 0) {
    self =
      UInt64(op.rawValue) | UInt64(UInt16(truncatingIfNeeded: a)) << 16 | UInt64(UInt16(truncatingIfNeeded: b)) << 32
      | UInt64(UInt16(truncatingIfNeeded: c)) << 48
  }

  init(_ op: Op, a: Int = 0, bc: Int) {
    self =
      UInt64(op.rawValue) | UInt64(UInt16(truncatingIfNeeded: a)) << 16 | UInt64(UInt32(truncatingIfNeeded: bc)) << 32
  }
}
