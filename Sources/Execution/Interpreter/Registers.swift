// The registers of a running function, and how their 8 bytes are read and written as values of the Wasm types.

/// The registers of one frame. The operations of the bytecode are its methods, in `Operations+….swift`; each takes the
/// word that names its registers.
struct Registers {
  var base: UnsafeMutablePointer<UInt64>

  @inline(__always) init(_ base: UnsafeMutablePointer<UInt64>) { self.base = base }

  @inline(__always) subscript(register: Int) -> UInt64 {
    get { base[register] }
    nonmutating set { base[register] = newValue }
  }

  // MARK: Moves

  @inline(__always) func copy(_ word: UInt64) { self[word.a] = self[word.b] }
  @inline(__always) func const32(_ word: UInt64) { self[word.a] = word >> 32 }
  @inline(__always) func select(_ word: UInt64, _ condition: UInt64) {
    self[word.a] = self[Int(truncatingIfNeeded: condition)].u32 != 0 ? self[word.b] : self[word.c]
  }
}

extension UInt64 {
  // A register's value as the types that operations work on.
  @inline(__always) var u32: UInt32 { UInt32(truncatingIfNeeded: self) }
  @inline(__always) var s32: Int32 { Int32(truncatingIfNeeded: self) }
  @inline(__always) var s64: Int64 { Int64(bitPattern: self) }
  @inline(__always) var f32: Float { Float(bitPattern: UInt32(truncatingIfNeeded: self)) }
  @inline(__always) var f64: Double { Double(bitPattern: self) }

  // Results as register values: narrower ones zero-extended.
  @inline(__always) init(_ value: Int32) { self = UInt64(UInt32(bitPattern: value)) }
  @inline(__always) init(_ value: Int64) { self = UInt64(bitPattern: value) }
  @inline(__always) init(_ value: Bool) { self = value ? 1 : 0 }
}
