// A fast hash of short runs of bytes, for the tables of mnemonics and identifiers. Fixed: no result depends on it.

/// Hashes `count` bytes, eight at a time; the eight bytes behind them have to be readable.
@inline(__always)
func wordHash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
  var position = 0
  while count &- position >= 8 {
    hash = mixed(hash ^ load(bytes + position))
    position &+= 8
  }
  let rest = count &- position
  if rest > 0 {
    let mask = UInt64.max >> UInt64(truncatingIfNeeded: 64 &- 8 &* rest)
    hash = mixed(hash ^ (load(bytes + position) & mask))
  }
  return hash
}

@inline(__always)
private func load(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
  UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
}

/// Both halves of a product, folded together: every bit of `value` reaches the low bits.
@inline(__always)
private func mixed(_ value: UInt64) -> UInt64 {
  let product = (value ^ 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
  return product.high ^ product.low
}

@inline(__always)
func areEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  for position in 0..<count where left[position] != right[position] { return false }
  return true
}
