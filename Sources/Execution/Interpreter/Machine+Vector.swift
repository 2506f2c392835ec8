// The machine's vector operations, part of the loop in `Machine+Run`: the function is inlined there, and the optimiser
// makes one jump table of both switches. Look for one indirect jump per handler in the assembly whenever it changes.

import Wasm

extension UnsafeMutablePointer<UInt64> {
  /// The vector in two slots.
  @inline(__always) func vector<V: BitwiseCopyable>(_ slot: Int, _ type: V.Type = V.self) -> V {
    UnsafeRawPointer(self + slot).loadUnaligned(as: type)
  }

  @inline(__always) func setVector<V: BitwiseCopyable>(_ slot: Int, _ value: V) {
    UnsafeMutableRawPointer(self + slot).storeBytes(of: value, as: V.self)
  }
}

extension Registers {
  /// Stores a vector; false where a page has to be saved first.
  @inline(__always) func v128Store(
    _ word: UInt64, _ memory: MemoryView, _ loop: UnsafeMutablePointer<LoopState>, _ address: UInt64
  ) throws(Trap) -> Bool {
    try memory.store(base.vector(word.a, U8x16.self), address, loop)
  }
}

extension Machine {
  /// Executes a vector operation that does not write memory 0.
  ///
  /// Transparent, because that is what makes the compiler inline a function of this size.
  ///
  /// - Parameter code: the operation; is moved over the words behind it that belong to it.
  @_transparent func executeVector(
    _ word: UInt64, _ code: inout UnsafePointer<UInt64>, _ registers: UnsafeMutablePointer<UInt64>,
    _ loop: UnsafeMutablePointer<LoopState>
  ) throws(Trap) {
    // The registers of fields b and c as vectors, and the halves of those. Halves are loads of their own: a register is
    // in memory anyway, and the wide operations take them from there.
    @inline(__always) func x<V: BitwiseCopyable>(_ type: V.Type = V.self) -> V { registers.vector(word.b, type) }
    @inline(__always) func y<V: BitwiseCopyable>(_ type: V.Type = V.self) -> V { registers.vector(word.c, type) }
    @inline(__always) func xHigh<V: BitwiseCopyable>(_ type: V.Type = V.self) -> V {
      registers.vector(word.b &+ 1, type)
    }
    @inline(__always) func yHigh<V: BitwiseCopyable>(_ type: V.Type = V.self) -> V {
      registers.vector(word.c &+ 1, type)
    }
    /// The scalar in the register of field b or c.
    @inline(__always) func b<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
      T(truncatingIfNeeded: registers[word.b])
    }
    @inline(__always) func c<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
      T(truncatingIfNeeded: registers[word.c])
    }
    @inline(__always) func set<V: BitwiseCopyable>(_ value: V) { registers.setVector(word.a, value) }
    @inline(__always) func set<Lanes>(_ mask: SIMDMask<Lanes>) {
      registers.setVector(word.a, unsafeBitCast(mask, to: U8x16.self))
    }
    @inline(__always) func load<T: BitwiseCopyable>(_ type: T.Type) throws(Trap) -> T {
      try loop.pointee.memory.load(type, registers[word.b] &+ UInt64(truncatingIfNeeded: word.c))
    }
    /// A lane of the vector in field b; c is its number.
    @inline(__always) func lane<T: BitwiseCopyable>(_ type: T.Type) -> T {
      (UnsafeRawPointer(registers + word.b) + word.c &* MemoryLayout<T>.size).loadUnaligned(as: type)
    }
    /// The lane number in a word behind the operation.
    @inline(__always) func laneNumber() -> Int { Int(truncatingIfNeeded: code[1]) }
    // Of a lane load, the vector whose lane is replaced, and the lane.
    @inline(__always) func old<V: BitwiseCopyable>(_ type: V.Type = V.self) -> V {
      registers.vector(Int(truncatingIfNeeded: code[1] & 0xFFFF_FFFF), type)
    }
    @inline(__always) func oldLane() -> Int { Int(truncatingIfNeeded: code[1] >> 32) }

    switch word.op {
    // memory 0
    case .v128Load: set(try load(U8x16.self))
    case .v128LoadSum: set(try loop.pointee.memory.load(U8x16.self, Registers(registers).sum(word)))
    case .v128LoadIndexed:
      set(try loop.pointee.memory.load(U8x16.self, Registers(registers).indexed(word, code[1])))
      code += 1
    case .v128LoadFar:
      set(try loop.pointee.memory.load(U8x16.self, Registers(registers).far(word, code[1])))
      code += 1
    case .v128LoadConstant: set(try loop.pointee.memory.load(U8x16.self, Registers(registers).constant(word)))
    case .v128Load8x8S: set(widened(try load(SIMD8<Int8>.self)))
    case .v128Load8x8U: set(widened(try load(SIMD8<UInt8>.self)))
    case .v128Load16x4S: set(widened(try load(SIMD4<Int16>.self)))
    case .v128Load16x4U: set(widened(try load(SIMD4<UInt16>.self)))
    case .v128Load32x2S: set(widened(try load(SIMD2<Int32>.self)))
    case .v128Load32x2U: set(widened(try load(SIMD2<UInt32>.self)))
    case .v128Load8Splat: set(U8x16(repeating: try load(UInt8.self)))
    case .v128Load16Splat: set(U16x8(repeating: try load(UInt16.self)))
    case .v128Load32Splat: set(U32x4(repeating: try load(UInt32.self)))
    case .v128Load64Splat: set(U64x2(repeating: try load(UInt64.self)))
    case .v128Load32Zero: set(U32x4(try load(UInt32.self), 0, 0, 0))
    case .v128Load64Zero: set(U64x2(try load(UInt64.self), 0))
    case .v128Load8Lane:
      set(replacing(oldLane(), of: old(), with: try load(UInt8.self)))
      code += 1
    case .v128Load16Lane:
      set(replacing(oldLane(), of: old(), with: try load(UInt16.self)))
      code += 1
    case .v128Load32Lane:
      set(replacing(oldLane(), of: old(), with: try load(UInt32.self)))
      code += 1
    case .v128Load64Lane:
      set(replacing(oldLane(), of: old(), with: try load(UInt64.self)))
      code += 1
    // moves
    case .v128Const:
      set(UnsafeRawPointer(code + 1).loadUnaligned(as: U8x16.self))
      code += 2
    case .vectorCopy: set(x(U8x16.self))
    case .vectorSelect:
      set(UInt32(truncatingIfNeeded: registers[laneNumber()]) != 0 ? x(U8x16.self) : y(U8x16.self))
      code += 1
    case .vectorGlobalGet: set(loop.pointee.context.pointee.globals[word.bc].vector(0, U8x16.self))
    case .vectorGlobalSet:
      loop.pointee.context.pointee.globals[word.bc].setVector(0, registers.vector(word.a, U8x16.self))
    // lanes
    case .i8x16Shuffle:
      let tables = UnsafeRawPointer(code + 1)
      set(
        lookUp(x(), tables.loadUnaligned(as: U8x16.self))
          | lookUp(y(), (tables + 16).loadUnaligned(as: U8x16.self)))
      code += 4
    case .i8x16Swizzle: set(swizzled(x(), y()))
    case .i8x16Splat: set(U8x16(repeating: b()))
    case .i16x8Splat: set(U16x8(repeating: b()))
    case .i32x4Splat, .f32x4Splat: set(U32x4(repeating: b()))
    case .i64x2Splat, .f64x2Splat: set(U64x2(repeating: b()))
    case .i8x16ExtractLaneS: registers[word.a] = UInt64(UInt32(truncatingIfNeeded: lane(Int8.self)))
    case .i8x16ExtractLaneU: registers[word.a] = UInt64(lane(UInt8.self))
    case .i16x8ExtractLaneS: registers[word.a] = UInt64(UInt32(truncatingIfNeeded: lane(Int16.self)))
    case .i16x8ExtractLaneU: registers[word.a] = UInt64(lane(UInt16.self))
    case .i32x4ExtractLane, .f32x4ExtractLane: registers[word.a] = UInt64(lane(UInt32.self))
    case .i64x2ExtractLane, .f64x2ExtractLane: registers[word.a] = lane(UInt64.self)
    case .i8x16ReplaceLane:
      set(replacing(laneNumber(), of: x(), with: c(UInt8.self)))
      code += 1
    case .i16x8ReplaceLane:
      set(replacing(laneNumber(), of: x(), with: c(UInt16.self)))
      code += 1
    case .i32x4ReplaceLane, .f32x4ReplaceLane:
      set(replacing(laneNumber(), of: x(), with: c(UInt32.self)))
      code += 1
    case .i64x2ReplaceLane, .f64x2ReplaceLane:
      set(replacing(laneNumber(), of: x(), with: c(UInt64.self)))
      code += 1
    // bits
    case .v128Not: set(~x(U64x2.self))
    case .v128And: set(x(U64x2.self) & y(U64x2.self))
    case .v128Andnot: set(x(U64x2.self) & ~y(U64x2.self))
    case .v128Or: set(x(U64x2.self) | y(U64x2.self))
    case .v128Xor: set(x(U64x2.self) ^ y(U64x2.self))
    case .v128Bitselect:
      let mask = registers.vector(laneNumber(), U64x2.self)
      set(x(U64x2.self) & mask | y(U64x2.self) & ~mask)
      code += 1
    case .v128AnyTrue: registers[word.a] = registers[word.b] | registers[word.b &+ 1] != 0 ? 1 : 0
    // 8-bit lanes
    case .i8x16Eq: set(x(I8x16.self) .== y(I8x16.self))
    case .i8x16Ne: set(x(I8x16.self) .!= y(I8x16.self))
    case .i8x16LtS: set(x(I8x16.self) .< y(I8x16.self))
    case .i8x16LtU: set(x(U8x16.self) .< y(U8x16.self))
    case .i8x16GtS: set(x(I8x16.self) .> y(I8x16.self))
    case .i8x16GtU: set(x(U8x16.self) .> y(U8x16.self))
    case .i8x16LeS: set(x(I8x16.self) .<= y(I8x16.self))
    case .i8x16LeU: set(x(U8x16.self) .<= y(U8x16.self))
    case .i8x16GeS: set(x(I8x16.self) .>= y(I8x16.self))
    case .i8x16GeU: set(x(U8x16.self) .>= y(U8x16.self))
    case .i8x16Abs: set(absolute(x(I8x16.self)))
    case .i8x16Neg: set(U8x16() &- x(U8x16.self))
    case .i8x16Popcnt: set(bitCounts(x()))
    case .i8x16AllTrue: registers[word.a] = isAllFalse(x(U8x16.self) .== U8x16()) ? 1 : 0
    case .i8x16Bitmask: registers[word.a] = signBits(x(I8x16.self))
    case .i8x16NarrowI16x8S: set(narrowed(x(I16x8.self), y(), least: -128, most: 127))
    case .i8x16NarrowI16x8U: set(narrowed(x(I16x8.self), y(), least: 0, most: 255))
    case .i8x16Shl: set(x(U8x16.self) &<< U8x16(repeating: c()))
    case .i8x16ShrS: set(x(I8x16.self) &>> I8x16(repeating: c()))
    case .i8x16ShrU: set(x(U8x16.self) &>> U8x16(repeating: c()))
    case .i8x16Add: set(x(U8x16.self) &+ y(U8x16.self))
    case .i8x16AddSatS: set(addSaturated(x(I8x16.self), y()))
    case .i8x16AddSatU: set(addSaturated(x(U8x16.self), y()))
    case .i8x16Sub: set(x(U8x16.self) &- y(U8x16.self))
    case .i8x16SubSatS: set(subtractSaturated(x(I8x16.self), y()))
    case .i8x16SubSatU: set(subtractSaturated(x(U8x16.self), y()))
    case .i8x16MinS: set(smaller(x(I8x16.self), y()))
    case .i8x16MinU: set(smaller(x(U8x16.self), y()))
    case .i8x16MaxS: set(larger(x(I8x16.self), y()))
    case .i8x16MaxU: set(larger(x(U8x16.self), y()))
    case .i8x16AvgrU: set(average(x(U8x16.self), y()))
    // 16-bit lanes
    case .i16x8Eq: set(x(I16x8.self) .== y(I16x8.self))
    case .i16x8Ne: set(x(I16x8.self) .!= y(I16x8.self))
    case .i16x8LtS: set(x(I16x8.self) .< y(I16x8.self))
    case .i16x8LtU: set(x(U16x8.self) .< y(U16x8.self))
    case .i16x8GtS: set(x(I16x8.self) .> y(I16x8.self))
    case .i16x8GtU: set(x(U16x8.self) .> y(U16x8.self))
    case .i16x8LeS: set(x(I16x8.self) .<= y(I16x8.self))
    case .i16x8LeU: set(x(U16x8.self) .<= y(U16x8.self))
    case .i16x8GeS: set(x(I16x8.self) .>= y(I16x8.self))
    case .i16x8GeU: set(x(U16x8.self) .>= y(U16x8.self))
    case .i16x8ExtaddPairwiseI8x16S:
      let (wide, width) = (x(I16x8.self), I16x8(repeating: 8))
      set(((wide &<< width) &>> width) &+ (wide &>> width))
    case .i16x8ExtaddPairwiseI8x16U:
      let wide = x(U16x8.self)
      set((wide & U16x8(repeating: 0xFF)) &+ (wide &>> U16x8(repeating: 8)))
    case .i16x8Abs: set(absolute(x(I16x8.self)))
    case .i16x8Neg: set(U16x8() &- x(U16x8.self))
    case .i16x8Q15mulrSatS: set(q15Product(x(), y()))
    case .i16x8AllTrue: registers[word.a] = isAllFalse(x(U16x8.self) .== U16x8()) ? 1 : 0
    case .i16x8Bitmask: registers[word.a] = signBits(x(I16x8.self))
    case .i16x8NarrowI32x4S: set(narrowed(x(I32x4.self), y(), least: -32_768, most: 32_767))
    case .i16x8NarrowI32x4U: set(narrowed(x(I32x4.self), y(), least: 0, most: 65_535))
    case .i16x8ExtendLowI8x16S: set(widened(x(SIMD8<Int8>.self)))
    case .i16x8ExtendHighI8x16S: set(widened(xHigh(SIMD8<Int8>.self)))
    case .i16x8ExtendLowI8x16U: set(widened(x(SIMD8<UInt8>.self)))
    case .i16x8ExtendHighI8x16U: set(widened(xHigh(SIMD8<UInt8>.self)))
    case .i16x8Shl: set(x(U16x8.self) &<< U16x8(repeating: c()))
    case .i16x8ShrS: set(x(I16x8.self) &>> I16x8(repeating: c()))
    case .i16x8ShrU: set(x(U16x8.self) &>> U16x8(repeating: c()))
    case .i16x8Add: set(x(U16x8.self) &+ y(U16x8.self))
    case .i16x8AddSatS: set(addSaturated(x(I16x8.self), y()))
    case .i16x8AddSatU: set(addSaturated(x(U16x8.self), y()))
    case .i16x8Sub: set(x(U16x8.self) &- y(U16x8.self))
    case .i16x8SubSatS: set(subtractSaturated(x(I16x8.self), y()))
    case .i16x8SubSatU: set(subtractSaturated(x(U16x8.self), y()))
    case .i16x8Mul: set(x(U16x8.self) &* y(U16x8.self))
    case .i16x8MinS: set(smaller(x(I16x8.self), y()))
    case .i16x8MinU: set(smaller(x(U16x8.self), y()))
    case .i16x8MaxS: set(larger(x(I16x8.self), y()))
    case .i16x8MaxU: set(larger(x(U16x8.self), y()))
    case .i16x8AvgrU: set(average(x(U16x8.self), y()))
    case .i16x8ExtmulLowI8x16S:
      set(widened(x(SIMD8<Int8>.self)) &* widened(y(SIMD8<Int8>.self)))
    case .i16x8ExtmulHighI8x16S:
      set(widened(xHigh(SIMD8<Int8>.self)) &* widened(yHigh(SIMD8<Int8>.self)))
    case .i16x8ExtmulLowI8x16U:
      set(widened(x(SIMD8<UInt8>.self)) &* widened(y(SIMD8<UInt8>.self)))
    case .i16x8ExtmulHighI8x16U:
      set(widened(xHigh(SIMD8<UInt8>.self)) &* widened(yHigh(SIMD8<UInt8>.self)))
    // 32-bit lanes
    case .i32x4Eq: set(x(I32x4.self) .== y(I32x4.self))
    case .i32x4Ne: set(x(I32x4.self) .!= y(I32x4.self))
    case .i32x4LtS: set(x(I32x4.self) .< y(I32x4.self))
    case .i32x4LtU: set(x(U32x4.self) .< y(U32x4.self))
    case .i32x4GtS: set(x(I32x4.self) .> y(I32x4.self))
    case .i32x4GtU: set(x(U32x4.self) .> y(U32x4.self))
    case .i32x4LeS: set(x(I32x4.self) .<= y(I32x4.self))
    case .i32x4LeU: set(x(U32x4.self) .<= y(U32x4.self))
    case .i32x4GeS: set(x(I32x4.self) .>= y(I32x4.self))
    case .i32x4GeU: set(x(U32x4.self) .>= y(U32x4.self))
    case .i32x4ExtaddPairwiseI16x8S:
      let (wide, width) = (x(I32x4.self), I32x4(repeating: 16))
      set(((wide &<< width) &>> width) &+ (wide &>> width))
    case .i32x4ExtaddPairwiseI16x8U:
      let wide = x(U32x4.self)
      set((wide & U32x4(repeating: 0xFFFF)) &+ (wide &>> U32x4(repeating: 16)))
    case .i32x4Abs: set(absolute(x(I32x4.self)))
    case .i32x4Neg: set(U32x4() &- x(U32x4.self))
    case .i32x4AllTrue: registers[word.a] = isAllFalse(x(U32x4.self) .== U32x4()) ? 1 : 0
    case .i32x4Bitmask: registers[word.a] = signBits(x(I32x4.self))
    case .i32x4ExtendLowI16x8S: set(widened(x(SIMD4<Int16>.self)))
    case .i32x4ExtendHighI16x8S: set(widened(xHigh(SIMD4<Int16>.self)))
    case .i32x4ExtendLowI16x8U: set(widened(x(SIMD4<UInt16>.self)))
    case .i32x4ExtendHighI16x8U: set(widened(xHigh(SIMD4<UInt16>.self)))
    case .i32x4Shl: set(x(U32x4.self) &<< U32x4(repeating: c()))
    case .i32x4ShrS: set(x(I32x4.self) &>> I32x4(repeating: c()))
    case .i32x4ShrU: set(x(U32x4.self) &>> U32x4(repeating: c()))
    case .i32x4Add: set(x(U32x4.self) &+ y(U32x4.self))
    case .i32x4Sub: set(x(U32x4.self) &- y(U32x4.self))
    case .i32x4Mul: set(x(U32x4.self) &* y(U32x4.self))
    case .i32x4MinS: set(smaller(x(I32x4.self), y()))
    case .i32x4MinU: set(smaller(x(U32x4.self), y()))
    case .i32x4MaxS: set(larger(x(I32x4.self), y()))
    case .i32x4MaxU: set(larger(x(U32x4.self), y()))
    case .i32x4DotI16x8S: set(dotProduct(x(), y()))
    case .i32x4ExtmulLowI16x8S:
      set(widened(x(SIMD4<Int16>.self)) &* widened(y(SIMD4<Int16>.self)))
    case .i32x4ExtmulHighI16x8S:
      set(widened(xHigh(SIMD4<Int16>.self)) &* widened(yHigh(SIMD4<Int16>.self)))
    case .i32x4ExtmulLowI16x8U:
      set(widened(x(SIMD4<UInt16>.self)) &* widened(y(SIMD4<UInt16>.self)))
    case .i32x4ExtmulHighI16x8U:
      set(widened(xHigh(SIMD4<UInt16>.self)) &* widened(yHigh(SIMD4<UInt16>.self)))
    // 64-bit lanes
    case .i64x2Eq: set(x(I64x2.self) .== y(I64x2.self))
    case .i64x2Ne: set(x(I64x2.self) .!= y(I64x2.self))
    case .i64x2LtS: set(x(I64x2.self) .< y(I64x2.self))
    case .i64x2GtS: set(x(I64x2.self) .> y(I64x2.self))
    case .i64x2LeS: set(x(I64x2.self) .<= y(I64x2.self))
    case .i64x2GeS: set(x(I64x2.self) .>= y(I64x2.self))
    case .i64x2Abs: set(absolute(x(I64x2.self)))
    case .i64x2Neg: set(U64x2() &- x(U64x2.self))
    case .i64x2AllTrue: registers[word.a] = isAllFalse(x(U64x2.self) .== U64x2()) ? 1 : 0
    case .i64x2Bitmask: registers[word.a] = signBits(x(I64x2.self))
    case .i64x2ExtendLowI32x4S: set(widened(x(SIMD2<Int32>.self)))
    case .i64x2ExtendHighI32x4S: set(widened(xHigh(SIMD2<Int32>.self)))
    case .i64x2ExtendLowI32x4U: set(widened(x(SIMD2<UInt32>.self)))
    case .i64x2ExtendHighI32x4U: set(widened(xHigh(SIMD2<UInt32>.self)))
    case .i64x2Shl: set(x(U64x2.self) &<< U64x2(repeating: c()))
    case .i64x2ShrS: set(x(I64x2.self) &>> I64x2(repeating: c()))
    case .i64x2ShrU: set(x(U64x2.self) &>> U64x2(repeating: c()))
    case .i64x2Add: set(x(U64x2.self) &+ y(U64x2.self))
    case .i64x2Sub: set(x(U64x2.self) &- y(U64x2.self))
    case .i64x2Mul: set(x(U64x2.self) &* y(U64x2.self))
    case .i64x2ExtmulLowI32x4S:
      set(widened(x(SIMD2<Int32>.self)) &* widened(y(SIMD2<Int32>.self)))
    case .i64x2ExtmulHighI32x4S:
      set(widened(xHigh(SIMD2<Int32>.self)) &* widened(yHigh(SIMD2<Int32>.self)))
    case .i64x2ExtmulLowI32x4U:
      set(widened(x(SIMD2<UInt32>.self)) &* widened(y(SIMD2<UInt32>.self)))
    case .i64x2ExtmulHighI32x4U:
      set(widened(xHigh(SIMD2<UInt32>.self)) &* widened(yHigh(SIMD2<UInt32>.self)))
    // 32-bit floats
    case .f32x4Eq: set(x(F32x4.self) .== y(F32x4.self))
    case .f32x4Ne: set(x(F32x4.self) .!= y(F32x4.self))
    case .f32x4Lt: set(x(F32x4.self) .< y(F32x4.self))
    case .f32x4Gt: set(x(F32x4.self) .> y(F32x4.self))
    case .f32x4Le: set(x(F32x4.self) .<= y(F32x4.self))
    case .f32x4Ge: set(x(F32x4.self) .>= y(F32x4.self))
    case .f32x4Ceil: set(canonical(x(F32x4.self).rounded(.up)))
    case .f32x4Floor: set(canonical(x(F32x4.self).rounded(.down)))
    case .f32x4Trunc: set(canonical(x(F32x4.self).rounded(.towardZero)))
    case .f32x4Nearest: set(canonical(x(F32x4.self).rounded(.toNearestOrEven)))
    case .f32x4Abs: set(x(U32x4.self) & U32x4(repeating: 0x7FFF_FFFF))
    case .f32x4Neg: set(x(U32x4.self) ^ U32x4(repeating: 0x8000_0000))
    case .f32x4Sqrt: set(canonical(squareRoots(x(F32x4.self))))
    case .f32x4Add: set(canonical(x(F32x4.self) + y(F32x4.self)))
    case .f32x4Sub: set(canonical(x(F32x4.self) - y(F32x4.self)))
    case .f32x4Mul: set(canonical(x(F32x4.self) * y(F32x4.self)))
    case .f32x4Div: set(canonical(x(F32x4.self) / y(F32x4.self)))
    case .f32x4Min: set(minimum(x(F32x4.self), y()))
    case .f32x4Max: set(maximum(x(F32x4.self), y()))
    case .f32x4Pmin: set(pseudoMinimum(x(F32x4.self), y()))
    case .f32x4Pmax: set(pseudoMaximum(x(F32x4.self), y()))
    case .f32x4DemoteF64x2Zero: set(canonical(F32x4(lowHalf: SIMD2<Float>(x(F64x2.self)), highHalf: SIMD2<Float>())))
    case .f32x4ConvertI32x4S: set(F32x4(x(I32x4.self)))
    case .f32x4ConvertI32x4U: set(F32x4(x(U32x4.self)))
    case .i32x4TruncSatF32x4S: set(saturated(x(F32x4.self)) as I32x4)
    case .i32x4TruncSatF32x4U: set(saturated(x(F32x4.self)) as U32x4)
    // 64-bit floats
    case .f64x2Eq: set(x(F64x2.self) .== y(F64x2.self))
    case .f64x2Ne: set(x(F64x2.self) .!= y(F64x2.self))
    case .f64x2Lt: set(x(F64x2.self) .< y(F64x2.self))
    case .f64x2Gt: set(x(F64x2.self) .> y(F64x2.self))
    case .f64x2Le: set(x(F64x2.self) .<= y(F64x2.self))
    case .f64x2Ge: set(x(F64x2.self) .>= y(F64x2.self))
    case .f64x2Ceil: set(canonical(x(F64x2.self).rounded(.up)))
    case .f64x2Floor: set(canonical(x(F64x2.self).rounded(.down)))
    case .f64x2Trunc: set(canonical(x(F64x2.self).rounded(.towardZero)))
    case .f64x2Nearest: set(canonical(x(F64x2.self).rounded(.toNearestOrEven)))
    case .f64x2Abs: set(x(U64x2.self) & U64x2(repeating: 0x7FFF_FFFF_FFFF_FFFF))
    case .f64x2Neg: set(x(U64x2.self) ^ U64x2(repeating: 0x8000_0000_0000_0000))
    case .f64x2Sqrt: set(canonical(squareRoots(x(F64x2.self))))
    case .f64x2Add: set(canonical(x(F64x2.self) + y(F64x2.self)))
    case .f64x2Sub: set(canonical(x(F64x2.self) - y(F64x2.self)))
    case .f64x2Mul: set(canonical(x(F64x2.self) * y(F64x2.self)))
    case .f64x2Div: set(canonical(x(F64x2.self) / y(F64x2.self)))
    case .f64x2Min: set(minimum(x(F64x2.self), y()))
    case .f64x2Max: set(maximum(x(F64x2.self), y()))
    case .f64x2Pmin: set(pseudoMinimum(x(F64x2.self), y()))
    case .f64x2Pmax: set(pseudoMaximum(x(F64x2.self), y()))
    case .f64x2PromoteLowF32x4: set(canonical(F64x2(x(SIMD2<Float>.self))))
    case .f64x2ConvertLowI32x4S: set(F64x2(x(SIMD2<Int32>.self)))
    case .f64x2ConvertLowI32x4U: set(F64x2(x(SIMD2<UInt32>.self)))
    case .i32x4TruncSatF64x2SZero:
      set(I32x4(lowHalf: saturated(x(F64x2.self)) as SIMD2<Int32>, highHalf: SIMD2<Int32>()))
    case .i32x4TruncSatF64x2UZero:
      set(U32x4(lowHalf: saturated(x(F64x2.self)) as SIMD2<UInt32>, highHalf: SIMD2<UInt32>()))
    // other memories, other addresses
    case .vectorLoadWide:
      try loop.pointee.context.pointee.instance.takeUnretainedValue().vectorLoad(word, code + 1, registers)
      code += 3
    case .vectorStoreWide:
      try loop.pointee.context.pointee.instance.takeUnretainedValue().vectorStore(word, code + 1, registers)
      code += 3
    default: break  // The operations of scalars, which `Machine.run` executes.
    }
  }
}
