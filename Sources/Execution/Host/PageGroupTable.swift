// The page table of the host lane's stable memory: groups of 64 OS pages, found by number. Used by `PagedStableMemory`
// only.

import ContentHash

/// 64 neighbouring OS pages; bit n of a mask stands for page n of the group.
struct PageGroup {
  /// First page / 64.
  var number: UInt64
  /// Pages marked as written or accessed in the current execution.
  var written: UInt64 = 0
  var accessed: UInt64 = 0
  /// Pages marked as written in earlier executions of the current message.
  var writtenBefore: UInt64 = 0
  /// Pages written in the running transaction: with contents of their own, or zeros over zeros.
  var buffered: UInt64 = 0
  /// Pages that hold something, and pages whose latest write was rolled back: for coverage only.
  var holding: UInt64 = 0
  var rolledBack: UInt64 = 0
  /// Whether the group is in the list of those that the transaction has to settle.
  var isTouched = false
  /// 64 entries each: contents as reads see them, contents as committed (nil: all zeros), and the digests of the latter.
  let current: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let committed: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let digests: UnsafeMutablePointer<Digest>

  static let pages = 64

  /// Fresh group without contents.
  init(number: UInt64) {
    self.number = number
    current = .allocate(capacity: 2 * Self.pages)
    committed = current + Self.pages
    digests = .allocate(capacity: Self.pages)
    clear()
  }

  private func clear() {
    current.initialize(repeating: nil, count: 2 * Self.pages)
    digests.initialize(repeating: .zero, count: Self.pages)
  }

  /// Makes the group as good as new under another number.
  mutating func reuse(as number: UInt64) {
    self.number = number
    written = 0
    accessed = 0
    writtenBefore = 0
    buffered = 0
    holding = 0
    rolledBack = 0
    isTouched = false
    clear()
  }

  func deallocate() {
    current.deallocate()
    digests.deallocate()
  }
}

/// Groups by number: open addressing, and a one-entry cache in front, because calls come in runs.
final class PageGroupTable {
  typealias Group = UnsafeMutablePointer<PageGroup>

  /// Groups kept when the table is recycled.
  private static let keptGroups = 4_096
  private static let smallestCapacity = 64

  /// All groups in use, in order of creation.
  private(set) var groups: [Group] = []
  private var spare: [Group] = []
  /// Power of two, more than twice the number of groups. An empty place is nil.
  private var places: UnsafeMutablePointer<Group?>
  private var capacity = PageGroupTable.smallestCapacity
  private var latest: Group?

  init() {
    places = .allocate(capacity: capacity)
    places.initialize(repeating: nil, count: capacity)
  }

  deinit {
    for group in groups + spare {
      group.pointee.deallocate()
      group.deallocate()
    }
    places.deallocate()
  }

  /// The group of that number, if there is one.
  @inline(__always) func find(_ number: UInt64) -> Group? {
    if let latest, latest.pointee.number == number { return latest }
    return lookUp(number)
  }

  /// The group of that number, made where there was none.
  @inline(__always) func group(_ number: UInt64) -> Group { find(number) ?? make(number) }

  private func lookUp(_ number: UInt64) -> Group? {
    var place = home(of: number)
    while let group = places[place] {
      if group.pointee.number == number {
        latest = group
        return group
      }
      place = (place + 1) & (capacity - 1)
    }
    return nil
  }

  /// The upper half of the product depends on all bits of the number.
  private func home(of number: UInt64) -> Int {
    Int(truncatingIfNeeded: (number &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
  }

  private func make(_ number: UInt64) -> Group {
    let group: Group
    if let former = spare.popLast() {
      group = former
      group.pointee.reuse(as: number)
    } else {
      group = .allocate(capacity: 1)
      group.initialize(to: PageGroup(number: number))
    }
    groups.append(group)
    if groups.count * 2 > capacity { resize(to: capacity * 2) } else { insert(group) }
    latest = group
    return group
  }

  private func insert(_ group: Group) {
    var place = home(of: group.pointee.number)
    while places[place] != nil { place = (place + 1) & (capacity - 1) }
    places[place] = group
  }

  private func resize(to capacity: Int) {
    places.deallocate()
    self.capacity = capacity
    places = .allocate(capacity: capacity)
    places.initialize(repeating: nil, count: capacity)
    for group in groups { insert(group) }
  }

  /// Forgets all groups.
  func recycle() {
    guard !groups.isEmpty else { return }
    for group in groups {
      if spare.count < Self.keptGroups {
        spare.append(group)
      } else {
        group.pointee.deallocate()
        group.deallocate()
      }
    }
    groups.removeAll(keepingCapacity: true)
    latest = nil
    if capacity > 4 * Self.keptGroups {
      resize(to: Self.smallestCapacity)
    } else {
      places.update(repeating: nil, count: capacity)
    }
  }
}
