// Arrays that the same bytes stand for, made once: modules repeat themselves, and hostile ones do so a million times.
// Used by `ModuleDecoder` for lists of types and for constant expressions.

/// The arrays made lately, by the bytes that they were decoded from.
struct SharedArrays<Element> {
  private static var slotCount: Int { 4_096 }
  /// Modules with fewer arrays are not worth the slots.
  private static var patience: Int { 256 }

  private var made = 0
  /// Where the bytes of each array stand in the input.
  private var slots: [(start: Int, count: Int, array: [Element])] = []

  /// The array for the bytes `start ..< end` of the input at `base`: one that equal bytes gave before, or that of `make`.
  mutating func array(
    _ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ make: () -> [Element]
  ) -> [Element] {
    let count = end - start
    made += 1
    guard made > Self.patience, count <= 64 else { return make() }
    if slots.isEmpty { slots = Array(repeating: (0, -1, []), count: Self.slotCount) }
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for position in start..<end { hash = (hash ^ UInt64(base[position])) &* 0x100_0000_01B3 }
    let slot = Int((hash ^ hash >> 32) % UInt64(Self.slotCount))
    let known = slots[slot]
    if known.count == count,
      UnsafeBufferPointer(start: base + known.start, count: count).elementsEqual(
        UnsafeBufferPointer(start: base + start, count: count))
    {
      return known.array
    }
    let array = make()
    slots[slot] = (start, count, array)
    return array
  }
}
