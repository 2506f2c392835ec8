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

  // memory 0: a = load or store a; one block a mode, in the order of `AddressingMode`
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

  // counter −= bc; the same, then check; counter −= the value of a >> b, clamped, then check
  case charge, chargeAndCheck, chargeDynamic

  // a, b, c: operand registers; next word: one index in the lower, another in the upper half
  case memorySize, memoryGrow, memoryInit, memoryCopy, memoryFill, dataDrop
  case tableGet, tableSet, tableSize, tableGrow, tableInit, tableCopy, tableFill, elementDrop

  case unreachable
  // reports entry to and return from traced function bc
  case traceEntry, traceReturn

  // Vectors: each stands in two slots, low half first. The operations stand in the order of the Wasm opcodes and carry
  // their names. Operands as for scalars; `bitselect` has its third register, lane writes their lane, shuffles two
  // tables of byte positions and constants their bits in the words behind; lane loads the vector in the lower and the
  // lane in the upper half of the next word.
  case v128Load, v128Load8x8S, v128Load8x8U, v128Load16x4S, v128Load16x4U, v128Load32x2S, v128Load32x2U
  case v128Load8Splat, v128Load16Splat, v128Load32Splat, v128Load64Splat, v128Store, v128Const, i8x16Shuffle
  case i8x16Swizzle, i8x16Splat, i16x8Splat, i32x4Splat, i64x2Splat, f32x4Splat, f64x2Splat, i8x16ExtractLaneS
  case i8x16ExtractLaneU, i8x16ReplaceLane, i16x8ExtractLaneS, i16x8ExtractLaneU, i16x8ReplaceLane, i32x4ExtractLane
  case i32x4ReplaceLane, i64x2ExtractLane, i64x2ReplaceLane, f32x4ExtractLane, f32x4ReplaceLane, f64x2ExtractLane
  case f64x2ReplaceLane, i8x16Eq, i8x16Ne, i8x16LtS, i8x16LtU, i8x16GtS, i8x16GtU, i8x16LeS, i8x16LeU, i8x16GeS
  case i8x16GeU, i16x8Eq, i16x8Ne, i16x8LtS, i16x8LtU, i16x8GtS, i16x8GtU, i16x8LeS, i16x8LeU, i16x8GeS, i16x8GeU
  case i32x4Eq, i32x4Ne, i32x4LtS, i32x4LtU, i32x4GtS, i32x4GtU, i32x4LeS, i32x4LeU, i32x4GeS, i32x4GeU, f32x4Eq
  case f32x4Ne, f32x4Lt, f32x4Gt, f32x4Le, f32x4Ge, f64x2Eq, f64x2Ne, f64x2Lt, f64x2Gt, f64x2Le, f64x2Ge, v128Not
  case v128And, v128Andnot, v128Or, v128Xor, v128Bitselect, v128AnyTrue, v128Load8Lane, v128Load16Lane
  case v128Load32Lane, v128Load64Lane, v128Store8Lane, v128Store16Lane, v128Store32Lane, v128Store64Lane
  case v128Load32Zero, v128Load64Zero, f32x4DemoteF64x2Zero, f64x2PromoteLowF32x4, i8x16Abs, i8x16Neg, i8x16Popcnt
  case i8x16AllTrue, i8x16Bitmask, i8x16NarrowI16x8S, i8x16NarrowI16x8U, f32x4Ceil, f32x4Floor, f32x4Trunc
  case f32x4Nearest, i8x16Shl, i8x16ShrS, i8x16ShrU, i8x16Add, i8x16AddSatS, i8x16AddSatU, i8x16Sub, i8x16SubSatS
  case i8x16SubSatU, f64x2Ceil, f64x2Floor, i8x16MinS, i8x16MinU, i8x16MaxS, i8x16MaxU, f64x2Trunc, i8x16AvgrU
  case i16x8ExtaddPairwiseI8x16S, i16x8ExtaddPairwiseI8x16U, i32x4ExtaddPairwiseI16x8S, i32x4ExtaddPairwiseI16x8U
  case i16x8Abs, i16x8Neg, i16x8Q15mulrSatS, i16x8AllTrue, i16x8Bitmask, i16x8NarrowI32x4S, i16x8NarrowI32x4U
  case i16x8ExtendLowI8x16S, i16x8ExtendHighI8x16S, i16x8ExtendLowI8x16U, i16x8ExtendHighI8x16U, i16x8Shl, i16x8ShrS
  case i16x8ShrU, i16x8Add, i16x8AddSatS, i16x8AddSatU, i16x8Sub, i16x8SubSatS, i16x8SubSatU, f64x2Nearest, i16x8Mul
  case i16x8MinS, i16x8MinU, i16x8MaxS, i16x8MaxU, i16x8AvgrU, i16x8ExtmulLowI8x16S, i16x8ExtmulHighI8x16S
  case i16x8ExtmulLowI8x16U, i16x8ExtmulHighI8x16U, i32x4Abs, i32x4Neg, i32x4AllTrue, i32x4Bitmask
  case i32x4ExtendLowI16x8S, i32x4ExtendHighI16x8S, i32x4ExtendLowI16x8U, i32x4ExtendHighI16x8U, i32x4Shl, i32x4ShrS
  case i32x4ShrU, i32x4Add, i32x4Sub, i32x4Mul, i32x4MinS, i32x4MinU, i32x4MaxS, i32x4MaxU, i32x4DotI16x8S
  case i32x4ExtmulLowI16x8S, i32x4ExtmulHighI16x8S, i32x4ExtmulLowI16x8U, i32x4ExtmulHighI16x8U, i64x2Abs, i64x2Neg
  case i64x2AllTrue, i64x2Bitmask, i64x2ExtendLowI32x4S, i64x2ExtendHighI32x4S, i64x2ExtendLowI32x4U
  case i64x2ExtendHighI32x4U, i64x2Shl, i64x2ShrS, i64x2ShrU, i64x2Add, i64x2Sub, i64x2Mul, i64x2Eq, i64x2Ne
  case i64x2LtS, i64x2GtS, i64x2LeS, i64x2GeS, i64x2ExtmulLowI32x4S, i64x2ExtmulHighI32x4S, i64x2ExtmulLowI32x4U
  case i64x2ExtmulHighI32x4U, f32x4Abs, f32x4Neg, f32x4Sqrt, f32x4Add, f32x4Sub, f32x4Mul, f32x4Div, f32x4Min
  case f32x4Max, f32x4Pmin, f32x4Pmax, f64x2Abs, f64x2Neg, f64x2Sqrt, f64x2Add, f64x2Sub, f64x2Mul, f64x2Div
  case f64x2Min, f64x2Max, f64x2Pmin, f64x2Pmax, i32x4TruncSatF32x4S, i32x4TruncSatF32x4U, f32x4ConvertI32x4S
  case f32x4ConvertI32x4U, i32x4TruncSatF64x2SZero, i32x4TruncSatF64x2UZero, f64x2ConvertLowI32x4S
  case f64x2ConvertLowI32x4U
  // vector accesses to any memory at any address: as `loadWide` and `storeWide`, c is the operation that does the same
  // with memory 0; the word with the memory has the lane in its upper half, and a third word has the register of the
  // vector that a lane load changes
  case vectorLoadWide, vectorStoreWide
  // `v128.load` and `v128.store` in the other addressing modes
  case v128LoadSum, v128LoadIndexed, v128LoadFar, v128LoadConstant
  case v128StoreSum, v128StoreIndexed, v128StoreFar, v128StoreConstant
  // as `copy`, `select`, `globalGet` and `globalSet`
  case vectorCopy, vectorSelect, vectorGlobalGet, vectorGlobalSet

  // Sequences: operations that often follow on one another, run by one dispatch. The word is that of the first operation,
  // but for the number; the others stand behind it, so that jumps may lead to them, and are what they were but for
  // operands exchanged where that makes no difference. A case's name says what it runs, and that is all that `Sequences`
  // goes by: `Then` where the second reads its registers as ever, `Into` where it has the first one's result from a
  // machine register. Of three, the first two have to be a case as well.
  case const32ThenBranchI32LtUImmediate, copyThenBranch, copyThenCopy, copyThenCopyThenCopy
  case copyThenCopyThenCopyThenCopy, copyThenI32Load, f64AddIntoF64Add, f64AddIntoF64AddIntoF64Add
  case f64AddIntoF64AddIntoF64AddIntoF64Add, f64LoadThenF64Add, f64LoadThenF64Mul, f64LoadSumThenF64LoadSum
  case f64MulThenF64LoadSum, f64MulThenF64LoadSumThenF64LoadSum, f64MulThenF64Mul, f64MulIntoF64Add, f64MulIntoF64Mul
  case f64MulIntoF64MulIntoF64Sub, f64MulIntoF64Sub, f64StoreThenI32AddImmediate, i32AddThenBranchI32LtU
  case i32AddThenCopy, i32AddThenI32AddImmediate, i32AddThenI32LoadSum, i32AddThenI32Store, i32AddThenReturnOne
  case i32AddIntoI32Add, i32AddImmediateThenBranchI32LtSImmediate, i32AddImmediateThenBranchI32LtU
  case i32AddImmediateThenBranchI32NeImmediate, i32AddImmediateThenBranchIfNonZero, i32AddImmediateThenCall
  case i32AddImmediateThenCopy, i32AddImmediateThenCopyThenBranchI32LtU, i32AddImmediateThenI32AddImmediate
  case i32AddImmediateThenI32Load, i32AddImmediateThenI32LoadThenBranchI32LtU, i32AddImmediateThenI32Load8S
  case i32AddShlThenI32Load, i32AndIntoI32Xor, i32AndImmediateThenSelect, i32AndImmediateThenSelectThenBranch
  case i32EqzThenI32Add, i32LoadThenBranchIfNonZero, i32Load8UThenBranchTable, i32Load8UThenI32Load8U
  case i32RotlImmediateIntoI32XorRotl, i32RotlImmediateIntoI32XorRotlIntoI32XorRotl, i32ShlImmediateThenI32Load
  case i32ShrUImmediateThenI32AndImmediate, i32StoreThenBranch, i32StoreThenCopy, i32StoreThenI32Load
  case i32Store8SumThenI32Add, i32Store8SumThenI32AddThenBranchI32LtU, i32XorThenI32AndImmediate, i32XorIntoI32Add
  case i32XorIntoI32And, i32XorRotlIntoI32Add, i32XorShlThenI32Store8, i32XorShlIntoI32XorShrU
  case i32XorShlIntoI32XorShrUIntoI32XorShl, selectThenBranch
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
