// A growable run of plain values that is reused from function to function without reference counting.
// Storage of the decoder's instructions, the encoder's output and the validator's stacks.

/// A growable buffer of trivial values; `Element` must not need destruction.
struct ScratchBuffer<Element>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  var count = 0

  init(capacity: Int) {
    self.capacity = max(capacity, 1)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// Makes room for `additional` more elements.
  @inline(__always)
  mutating func reserve(_ additional: Int) {
    if capacity &- count < additional { grow(additional) }
  }

  @inline(never)
  private mutating func grow(_ additional: Int) {
    let wanted = max(count + additional, capacity * 2)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    reserve(1)
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// Appends a run of elements that lies outside this buffer.
  @inline(__always)
  mutating func append(from source: UnsafePointer<Element>, count added: Int) {
    reserve(added)
    (base + count).initialize(from: source, count: added)
    count &+= added
  }

  /// The elements as an array of their own, exactly as large as needed.
  func array() -> [Element] {
    guard count > 0 else { return [] }
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let target = buffer.baseAddress { target.initialize(from: base, count: count) }
      initialized = count
    }
  }

  /// The elements from `start` on as an array.
  func array(from start: Int) -> [Element] {
    guard count > start else { return [] }
    return [Element](UnsafeBufferPointer(start: base + start, count: count - start))
  }

  /// Element `index`, which must be below `count`.
  @inline(__always)
  subscript(_ index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }
}
