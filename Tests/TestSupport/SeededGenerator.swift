// Repeatable random numbers for tests (SplitMix64); a failing test names its seed.
// Used wherever a test draws inputs.

/// A random number generator whose sequence is fixed by its seed.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number in `0 ..< bound`; `bound` must be positive.
  public mutating func number(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
