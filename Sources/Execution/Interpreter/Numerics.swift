// The numeric rules of the specification that Swift's operators do not already follow: canonical NaNs, minimum and
// maximum, conversions that trap or saturate.

/// Bits of a float result, every NaN replaced by the canonical one, so that results are the same on all machines.
@inline(__always) func canonicalBits(_ value: Float) -> UInt64 {
  value == value ? UInt64(value.bitPattern) : 0x7FC0_0000
}

@inline(__always) func canonicalBits(_ value: Double) -> UInt64 {
  value == value ? value.bitPattern : 0x7FF8_0000_0000_0000
}

/// The smaller value; -0 is smaller than +0, and a NaN operand gives a NaN.
@inline(__always) func wasmMinimum<T: BinaryFloatingPoint>(_ left: T, _ right: T) -> T {
  if left != left || right != right { return .nan }
  if left == right { return left.sign == .minus ? left : right }
  return left < right ? left : right
}

/// The larger value; +0 is larger than -0, and a NaN operand gives a NaN.
@inline(__always) func wasmMaximum<T: BinaryFloatingPoint>(_ left: T, _ right: T) -> T {
  if left != left || right != right { return .nan }
  if left == right { return left.sign == .plus ? left : right }
  return left > right ? left : right
}

/// Truncates towards zero.
///
/// - Throws: `Trap.invalidConversion` for a NaN, `Trap.integerOverflow` where the result does not fit.
@inline(__always) func truncated<F: BinaryFloatingPoint, I: FixedWidthInteger>(
  _ value: F, to type: I.Type
) throws(Trap) -> I {
  if value != value { throw .invalidConversion }
  let whole = value.rounded(.towardZero)
  guard isInRange(whole, type) else { throw .integerOverflow }
  return I(whole)
}

/// Truncates towards zero; NaN gives 0, and what does not fit gives the nearest bound.
@inline(__always) func saturated<F: BinaryFloatingPoint, I: FixedWidthInteger>(_ value: F, to type: I.Type) -> I {
  if value != value { return 0 }
  let whole = value.rounded(.towardZero)
  if isInRange(whole, type) { return I(whole) }
  return whole < 0 ? .min : .max
}

/// Whether an integral float lies within the integer type. The upper bound, a power of two, is exact in every float type
/// where the type's own maximum is not.
@inline(__always) private func isInRange<F: BinaryFloatingPoint, I: FixedWidthInteger>(
  _ whole: F, _ type: I.Type
) -> Bool {
  let bits = I.isSigned ? I.bitWidth - 1 : I.bitWidth
  let limit = F(sign: .plus, exponent: F.Exponent(bits), significand: 1)
  return whole < limit && whole >= (I.isSigned ? -limit : 0)
}

/// Rotates left; the count is taken modulo the width.
@inline(__always) func rotatedLeft<T: FixedWidthInteger & UnsignedInteger>(_ value: T, _ count: T) -> T {
  value &<< count | value &>> (0 &- count)
}
