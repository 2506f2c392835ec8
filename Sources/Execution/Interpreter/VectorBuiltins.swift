// The few vector operations that the standard library either lacks or does lane by lane. LLVM's own, by way of the
// compiler's `Builtin` module, so that each is an instruction or a short fixed sequence on every architecture.

import Builtin

typealias I8x16 = SIMD16<Int8>
typealias U8x16 = SIMD16<UInt8>
typealias I16x8 = SIMD8<Int16>
typealias U16x8 = SIMD8<UInt16>
typealias I32x4 = SIMD4<Int32>
typealias U32x4 = SIMD4<UInt32>
typealias I64x2 = SIMD2<Int64>
typealias U64x2 = SIMD2<UInt64>
typealias F32x4 = SIMD4<Float>
typealias F64x2 = SIMD2<Double>

// MARK: Bytes by position

/// For each of the indices the byte of `table` at that position, or 0 for an index of 128 and more; 16 ..< 128 must not
/// occur.
@inline(__always) func lookUp(_ table: U8x16, _ indices: U8x16) -> U8x16 {
  #if arch(x86_64)
    unsafeBitCast(
      Builtin.int_x86_ssse3_pshuf_b_128(table._storage._value, indices._storage._value), to: U8x16.self)
  #elseif arch(arm64)
    unsafeBitCast(
      Builtin.int_aarch64_neon_tbl1_Vec16xInt8(table._storage._value, indices._storage._value), to: U8x16.self)
  #else
    var bytes = U8x16()
    for position in bytes.indices where indices[position] < 16 { bytes[position] = table[Int(indices[position])] }
    return bytes
  #endif
}

// MARK: Widening and narrowing

// The standard library's `init(truncatingIfNeeded:)` of these types is a call of a function that it specializes.

@inline(__always) func widened(_ lanes: SIMD8<Int8>) -> I16x8 {
  unsafeBitCast(Builtin.sext_Vec8xInt8_Vec8xInt16(lanes._storage._value), to: I16x8.self)
}

@inline(__always) func widened(_ lanes: SIMD8<UInt8>) -> U16x8 {
  unsafeBitCast(Builtin.zext_Vec8xInt8_Vec8xInt16(lanes._storage._value), to: U16x8.self)
}

@inline(__always) func widened(_ lanes: SIMD4<Int16>) -> I32x4 {
  unsafeBitCast(Builtin.sext_Vec4xInt16_Vec4xInt32(lanes._storage._value), to: I32x4.self)
}

@inline(__always) func widened(_ lanes: SIMD4<UInt16>) -> U32x4 {
  unsafeBitCast(Builtin.zext_Vec4xInt16_Vec4xInt32(lanes._storage._value), to: U32x4.self)
}

@inline(__always) func widened(_ lanes: SIMD2<Int32>) -> I64x2 {
  unsafeBitCast(Builtin.sext_Vec2xInt32_Vec2xInt64(lanes._storage._value), to: I64x2.self)
}

@inline(__always) func widened(_ lanes: SIMD2<UInt32>) -> U64x2 {
  unsafeBitCast(Builtin.zext_Vec2xInt32_Vec2xInt64(lanes._storage._value), to: U64x2.self)
}

/// The lower halves of 16-bit lanes.
@inline(__always) func lowerHalves(_ low: I16x8, _ high: I16x8) -> I8x16 {
  let lanes = SIMD16<Int16>(lowHalf: low, highHalf: high)
  return unsafeBitCast(Builtin.trunc_Vec16xInt16_Vec16xInt8(lanes._storage._value), to: I8x16.self)
}

/// The lower halves of 32-bit lanes.
@inline(__always) func lowerHalves(_ low: I32x4, _ high: I32x4) -> I16x8 {
  let lanes = SIMD8<Int32>(lowHalf: low, highHalf: high)
  return unsafeBitCast(Builtin.trunc_Vec8xInt32_Vec8xInt16(lanes._storage._value), to: I16x8.self)
}

// MARK: Saturating arithmetic

@inline(__always) func addSaturated(_ left: I8x16, _ right: I8x16) -> I8x16 {
  unsafeBitCast(Builtin.int_sadd_sat_Vec16xInt8(left._storage._value, right._storage._value), to: I8x16.self)
}

@inline(__always) func addSaturated(_ left: I16x8, _ right: I16x8) -> I16x8 {
  unsafeBitCast(Builtin.int_sadd_sat_Vec8xInt16(left._storage._value, right._storage._value), to: I16x8.self)
}

@inline(__always) func subtractSaturated(_ left: I8x16, _ right: I8x16) -> I8x16 {
  unsafeBitCast(Builtin.int_ssub_sat_Vec16xInt8(left._storage._value, right._storage._value), to: I8x16.self)
}

@inline(__always) func subtractSaturated(_ left: I16x8, _ right: I16x8) -> I16x8 {
  unsafeBitCast(Builtin.int_ssub_sat_Vec8xInt16(left._storage._value, right._storage._value), to: I16x8.self)
}

// MARK: Sign bits

/// The sign bits of the lanes, lane 0 in the lowest place.
@inline(__always) func signBits(_ lanes: I8x16) -> UInt64 {
  let isNegative = Builtin.cmp_slt_Vec16xInt8(lanes._storage._value, I8x16()._storage._value)
  return UInt64(UInt16(Builtin.bitcast_Vec16xInt1_Int16(isNegative)))
}

@inline(__always) func signBits(_ lanes: I16x8) -> UInt64 {
  let isNegative = Builtin.cmp_slt_Vec8xInt16(lanes._storage._value, I16x8()._storage._value)
  return UInt64(UInt8(Builtin.bitcast_Vec8xInt1_Int8(isNegative)))
}

@inline(__always) func signBits(_ lanes: I32x4) -> UInt64 {
  let isNegative = Builtin.cmp_slt_Vec4xInt32(lanes._storage._value, I32x4()._storage._value)
  return UInt64(Builtin.zext_Int4_Int64(Builtin.bitcast_Vec4xInt1_Int4(isNegative)))
}

@inline(__always) func signBits(_ lanes: I64x2) -> UInt64 {
  let isNegative = Builtin.cmp_slt_Vec2xInt64(lanes._storage._value, I64x2()._storage._value)
  return UInt64(Builtin.zext_Int2_Int64(Builtin.bitcast_Vec2xInt1_Int2(isNegative)))
}

// MARK: Floats

@inline(__always) func squareRoots(_ lanes: F32x4) -> F32x4 {
  unsafeBitCast(Builtin.int_sqrt_Vec4xFPIEEE32(lanes._storage._value), to: F32x4.self)
}

@inline(__always) func squareRoots(_ lanes: F64x2) -> F64x2 {
  unsafeBitCast(Builtin.int_sqrt_Vec2xFPIEEE64(lanes._storage._value), to: F64x2.self)
}

// The conversions give whatever for what does not fit: see the saturating ones in `VectorNumerics`.

@inline(__always) func truncatedUnchecked(_ lanes: F32x4) -> I32x4 {
  unsafeBitCast(Builtin.fptosi_Vec4xFPIEEE32_Vec4xInt32(lanes._storage._value), to: I32x4.self)
}

@inline(__always) func truncatedUnchecked(_ lanes: F32x4) -> U32x4 {
  unsafeBitCast(Builtin.fptoui_Vec4xFPIEEE32_Vec4xInt32(lanes._storage._value), to: U32x4.self)
}

@inline(__always) func truncatedUnchecked(_ lanes: F64x2) -> SIMD2<Int32> {
  unsafeBitCast(Builtin.fptosi_Vec2xFPIEEE64_Vec2xInt32(lanes._storage._value), to: SIMD2<Int32>.self)
}

@inline(__always) func truncatedUnchecked(_ lanes: F64x2) -> SIMD2<UInt32> {
  unsafeBitCast(Builtin.fptoui_Vec2xFPIEEE64_Vec2xInt32(lanes._storage._value), to: SIMD2<UInt32>.self)
}
