// The numeric rules of vector instructions that are more than one operator: canonical NaNs, saturation, narrowing,
// replacing a lane. Written so that the optimiser makes a handful of vector instructions of each.

// MARK: Lanes

// The lane number is only known at run time; a comparison with the lanes' positions keeps the value in one register,
// where writing to the vector's place in memory would stall the next operation that reads it.

@inline(__always) func replacing(_ lane: Int, of lanes: U8x16, with value: UInt8) -> U8x16 {
  let positions = U8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return lanes.replacing(
    with: U8x16(repeating: value), where: positions .== U8x16(repeating: UInt8(truncatingIfNeeded: lane)))
}

@inline(__always) func replacing(_ lane: Int, of lanes: U16x8, with value: UInt16) -> U16x8 {
  let positions = U16x8(0, 1, 2, 3, 4, 5, 6, 7)
  return lanes.replacing(
    with: U16x8(repeating: value), where: positions .== U16x8(repeating: UInt16(truncatingIfNeeded: lane)))
}

@inline(__always) func replacing(_ lane: Int, of lanes: U32x4, with value: UInt32) -> U32x4 {
  let positions = U32x4(0, 1, 2, 3)
  return lanes.replacing(
    with: U32x4(repeating: value), where: positions .== U32x4(repeating: UInt32(truncatingIfNeeded: lane)))
}

@inline(__always) func replacing(_ lane: Int, of lanes: U64x2, with value: UInt64) -> U64x2 {
  let positions = U64x2(0, 1)
  return lanes.replacing(
    with: U64x2(repeating: value), where: positions .== U64x2(repeating: UInt64(truncatingIfNeeded: lane)))
}

/// `i8x16.swizzle`: an index of 16 and more gives 0.
@inline(__always) func swizzled(_ table: U8x16, _ indices: U8x16) -> U8x16 {
  lookUp(table, addSaturated(indices, U8x16(repeating: 0x70)))
}

// MARK: Integers

// One function a type: generic ones would use the operators that work lane by lane.

@inline(__always) func smaller(_ left: I8x16, _ right: I8x16) -> I8x16 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func smaller(_ left: U8x16, _ right: U8x16) -> U8x16 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func smaller(_ left: I16x8, _ right: I16x8) -> I16x8 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func smaller(_ left: U16x8, _ right: U16x8) -> U16x8 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func smaller(_ left: I32x4, _ right: I32x4) -> I32x4 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func smaller(_ left: U32x4, _ right: U32x4) -> U32x4 {
  left.replacing(with: right, where: right .< left)
}
@inline(__always) func larger(_ left: I8x16, _ right: I8x16) -> I8x16 {
  left.replacing(with: right, where: left .< right)
}
@inline(__always) func larger(_ left: U8x16, _ right: U8x16) -> U8x16 {
  left.replacing(with: right, where: left .< right)
}
@inline(__always) func larger(_ left: I16x8, _ right: I16x8) -> I16x8 {
  left.replacing(with: right, where: left .< right)
}
@inline(__always) func larger(_ left: U16x8, _ right: U16x8) -> U16x8 {
  left.replacing(with: right, where: left .< right)
}
@inline(__always) func larger(_ left: I32x4, _ right: I32x4) -> I32x4 {
  left.replacing(with: right, where: left .< right)
}
@inline(__always) func larger(_ left: U32x4, _ right: U32x4) -> U32x4 {
  left.replacing(with: right, where: left .< right)
}

@inline(__always) func absolute(_ lanes: I8x16) -> I8x16 { larger(lanes, 0 &- lanes) }
@inline(__always) func absolute(_ lanes: I16x8) -> I16x8 { larger(lanes, 0 &- lanes) }
@inline(__always) func absolute(_ lanes: I32x4) -> I32x4 { larger(lanes, 0 &- lanes) }
@inline(__always) func absolute(_ lanes: I64x2) -> I64x2 { lanes.replacing(with: 0 &- lanes, where: lanes .< 0) }

@inline(__always) func addSaturated(_ left: U8x16, _ right: U8x16) -> U8x16 { smaller(left, ~right) &+ right }
@inline(__always) func addSaturated(_ left: U16x8, _ right: U16x8) -> U16x8 { smaller(left, ~right) &+ right }
@inline(__always) func subtractSaturated(_ left: U8x16, _ right: U8x16) -> U8x16 { larger(left, right) &- right }
@inline(__always) func subtractSaturated(_ left: U16x8, _ right: U16x8) -> U16x8 { larger(left, right) &- right }

/// The mean, rounded up.
@inline(__always) func average(_ left: U8x16, _ right: U8x16) -> U8x16 {
  (left | right) &- ((left ^ right) &>> U8x16(repeating: 1))
}

@inline(__always) func average(_ left: U16x8, _ right: U16x8) -> U16x8 {
  (left | right) &- ((left ^ right) &>> U16x8(repeating: 1))
}

@inline(__always) func bitCounts(_ lanes: U8x16) -> U8x16 {
  let table = U8x16(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4)
  let low = U8x16(repeating: 0x0F)
  return lookUp(table, lanes & low) &+ lookUp(table, (lanes &>> U8x16(repeating: 4)) & low)
}

/// `i16x8.q15mulr_sat_s`: the product of numbers with 15 binary places, rounded.
@inline(__always) func q15Product(_ left: I16x8, _ right: I16x8) -> I16x8 {
  let half = I32x4(repeating: 0x4000)
  let places = I32x4(repeating: 15)
  let low = (widened(left.lowHalf) &* widened(right.lowHalf) &+ half) &>> places
  let high = (widened(left.highHalf) &* widened(right.highHalf) &+ half) &>> places
  return narrowed(low, high, least: .min, most: 32_767)
}

@_transparent func narrowed(_ low: I16x8, _ high: I16x8, least: Int16, most: Int16) -> I8x16 {
  let (least, most) = (I16x8(repeating: least), I16x8(repeating: most))
  return lowerHalves(smaller(larger(low, least), most), smaller(larger(high, least), most))
}

@_transparent func narrowed(_ low: I32x4, _ high: I32x4, least: Int32, most: Int32) -> I16x8 {
  let (least, most) = (I32x4(repeating: least), I32x4(repeating: most))
  return lowerHalves(smaller(larger(low, least), most), smaller(larger(high, least), most))
}

/// `i32x4.dot_i16x8_s`.
@inline(__always) func dotProduct(_ left: I16x8, _ right: I16x8) -> I32x4 {
  widened(left.evenHalf) &* widened(right.evenHalf) &+ widened(left.oddHalf) &* widened(right.oddHalf)
}

/// Whether no lane is 0, given which lanes are.
@inline(__always) func isAllFalse<Lanes>(_ mask: SIMDMask<Lanes>) -> Bool {
  let bits = unsafeBitCast(mask, to: U64x2.self)
  return bits.x | bits.y == 0
}

// MARK: Floats

@inline(__always) func canonical(_ lanes: F32x4) -> F32x4 {
  lanes.replacing(with: F32x4(repeating: .nan), where: lanes .!= lanes)
}

@inline(__always) func canonical(_ lanes: F64x2) -> F64x2 {
  lanes.replacing(with: F64x2(repeating: .nan), where: lanes .!= lanes)
}

// Minimum and maximum by comparing both ways round: where the operands are zeros of different sign, or one is a NaN, the
// two answers differ. Or-ing them gives -0 and a NaN, and-ing gives +0 and anything in place of a NaN.

@inline(__always) func minimum(_ left: F32x4, _ right: F32x4) -> F32x4 {
  let one = unsafeBitCast(pseudoMinimum(left, right), to: U32x4.self)
  let other = unsafeBitCast(pseudoMinimum(right, left), to: U32x4.self)
  return canonical(unsafeBitCast(one | other, to: F32x4.self))
}

@inline(__always) func minimum(_ left: F64x2, _ right: F64x2) -> F64x2 {
  let one = unsafeBitCast(pseudoMinimum(left, right), to: U64x2.self)
  let other = unsafeBitCast(pseudoMinimum(right, left), to: U64x2.self)
  return canonical(unsafeBitCast(one | other, to: F64x2.self))
}

@inline(__always) func maximum(_ left: F32x4, _ right: F32x4) -> F32x4 {
  let one = unsafeBitCast(pseudoMaximum(left, right), to: U32x4.self)
  let other = unsafeBitCast(pseudoMaximum(right, left), to: U32x4.self)
  return unsafeBitCast(one & other, to: F32x4.self)
    .replacing(with: F32x4(repeating: .nan), where: (left .!= left) .| (right .!= right))
}

@inline(__always) func maximum(_ left: F64x2, _ right: F64x2) -> F64x2 {
  let one = unsafeBitCast(pseudoMaximum(left, right), to: U64x2.self)
  let other = unsafeBitCast(pseudoMaximum(right, left), to: U64x2.self)
  return unsafeBitCast(one & other, to: F64x2.self)
    .replacing(with: F64x2(repeating: .nan), where: (left .!= left) .| (right .!= right))
}

// `pmin` and `pmax` give one of their operands as it is, NaNs included.

@inline(__always) func pseudoMinimum(_ left: F32x4, _ right: F32x4) -> F32x4 {
  left.replacing(with: right, where: right .< left)
}

@inline(__always) func pseudoMinimum(_ left: F64x2, _ right: F64x2) -> F64x2 {
  left.replacing(with: right, where: right .< left)
}

@inline(__always) func pseudoMaximum(_ left: F32x4, _ right: F32x4) -> F32x4 {
  left.replacing(with: right, where: left .< right)
}

@inline(__always) func pseudoMaximum(_ left: F64x2, _ right: F64x2) -> F64x2 {
  left.replacing(with: right, where: left .< right)
}

// MARK: Floats to integers

/// Truncates; NaN gives 0, and what does not fit the nearest bound.
@inline(__always) func saturated(_ lanes: F32x4) -> I32x4 {
  // 2^31 is exact in this format where Int32.max is not.
  let limit = F32x4(repeating: 2_147_483_648)
  let isTooLarge = lanes .>= limit
  let inRange = atLeast(-limit, lanes).replacing(with: 0, where: isTooLarge)
  return (truncatedUnchecked(inRange) as I32x4).replacing(with: .max, where: isTooLarge)
}

@inline(__always) func saturated(_ lanes: F32x4) -> U32x4 {
  let isTooLarge = lanes .>= F32x4(repeating: 4_294_967_296)
  let inRange = atLeast(F32x4(), lanes).replacing(with: 0, where: isTooLarge)
  return (truncatedUnchecked(inRange) as U32x4).replacing(with: .max, where: isTooLarge)
}

// Both bounds are exact in 64-bit floats.

@inline(__always) func saturated(_ lanes: F64x2) -> SIMD2<Int32> {
  truncatedUnchecked(clamped(lanes, -2_147_483_648, 2_147_483_647))
}

@inline(__always) func saturated(_ lanes: F64x2) -> SIMD2<UInt32> {
  truncatedUnchecked(clamped(lanes, 0, 4_294_967_295))
}

/// The lanes within two bounds; a NaN gives 0.
@inline(__always) private func clamped(_ lanes: F64x2, _ least: Double, _ most: Double) -> F64x2 {
  let numbers = lanes.replacing(with: 0, where: lanes .!= lanes)
  return pseudoMinimum(pseudoMaximum(numbers, F64x2(repeating: least)), F64x2(repeating: most))
}

/// The lanes, or the bound (at most 0) where they are below it; a NaN gives 0.
@inline(__always) private func atLeast(_ bound: F32x4, _ lanes: F32x4) -> F32x4 {
  pseudoMaximum(lanes.replacing(with: 0, where: lanes .!= lanes), bound)
}
