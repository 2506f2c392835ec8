// Pseudo-random numbers that are the same on every machine: one independent stream for each (seed, index).
// Comes first of all; `ChoiceSource` draws from it.

/// The numbers of one case.
///
/// The generator is xoshiro256** by Blackman and Vigna. Its four state words are outputs of SplitMix64, started from a
/// mix of seed and index, so that case i of a seed can be made without the cases before it.
public struct Stream: Sendable {
  @usableFromInline var a: UInt64
  @usableFromInline var b: UInt64
  @usableFromInline var c: UInt64
  @usableFromInline var d: UInt64

  /// - Parameters:
  ///   - seed: names a run.
  ///   - index: names a case of the run.
  public init(seed: UInt64, index: UInt64) {
    // Mixing the seed before the index is added keeps (s, i + 1) and (s + 1, i) apart.
    var state = mixed(mixed(seed &+ Self.increment) ^ (index &* 0xD1B5_4A32_D192_ED03 &+ Self.increment))
    func next() -> UInt64 {
      state &+= Self.increment
      return mixed(state)
    }
    a = next()
    b = next()
    c = next()
    d = next()
  }

  /// The increment of SplitMix64: 2⁶⁴ divided by the golden ratio, odd.
  private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The next 64 bits.
  @inlinable public mutating func next() -> UInt64 {
    let product = b &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = b << 17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = d << 45 | d >> 19
    return result
  }

  /// A number below `bound`, for bounds from 1; the bias is below `bound` / 2⁶⁴, which no case notices.
  @inlinable public mutating func next(below bound: UInt64) -> UInt64 {
    bound.multipliedFullWidth(by: next()).high
  }
}

/// The output function of SplitMix64: a bijection that spreads every input bit over all output bits.
@inlinable
public func mixed(_ value: UInt64) -> UInt64 {
  var bits = value
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}
