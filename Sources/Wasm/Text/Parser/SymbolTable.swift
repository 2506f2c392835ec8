// The identifiers of a text, each once, with what they stand for in every index space and in the current function.

/// An index space that has identifiers.
enum NameSpace: Int {
  case type, function, table, memory, global, element, data

  /// The word for an item in messages.
  var word: StaticString {
    switch self {
    case .type: "type"
    case .function: "func"
    case .table: "table"
    case .memory: "memory"
    case .global: "global"
    case .element: "elem segment"
    case .data: "data segment"
    }
  }
}

/// An identifier.
struct Symbol {
  fileprivate let name: UnsafePointer<UInt8>
  fileprivate let count: Int
  fileprivate let hash: UInt64
  /// 1 + the index that it stands for in each `NameSpace`; 0: none.
  var indices = InlineArray<7, UInt32>(repeating: 0)
  /// The local that it stands for in the function number `epoch`.
  var local: UInt32 = 0
  var epoch: UInt32 = 0
  /// 1 + the number of labels around the innermost label of that name; 0: none.
  var label: UInt32 = 0
}

/// All identifiers of a text. Looking one up takes time for its length alone.
struct SymbolTable: ~Copyable {
  private var symbols = ScratchBuffer<Symbol>(capacity: 64)
  /// 1 + the number of the symbol; 0: free.
  private var slots: UnsafeMutablePointer<UInt32>
  private var slotCount = 128
  /// Names that do not stand in the text as they are.
  private var copies: [UnsafeMutablePointer<UInt8>] = []

  init() {
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: 0, count: slotCount)
  }

  deinit {
    slots.deallocate()
    for copy in copies { copy.deallocate() }
  }

  subscript(_ symbol: Int) -> Symbol {
    @inline(__always) _read { yield symbols.base[symbol] }
    @inline(__always) _modify { yield &symbols.base[symbol] }
  }

  func name(_ symbol: Int) -> String {
    String(decoding: UnsafeBufferPointer(start: symbols[symbol].name, count: symbols[symbol].count), as: UTF8.self)
  }

  /// The number of the identifier with this name.
  /// - Parameter isLasting: whether the bytes stay where they are as long as the table; else they are copied.
  ///   The eight bytes behind the name have to be readable.
  @inline(__always)
  mutating func number(_ name: UnsafePointer<UInt8>, _ count: Int, isLasting: Bool) -> Int {
    let hash = wordHash(name, count)
    var slot = Int(truncatingIfNeeded: hash) & (slotCount - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) &- 1
      let symbol = symbols.base + number
      if symbol.pointee.hash == hash && symbol.pointee.count == count
        && areEqual(symbol.pointee.name, name, count)
      {
        return number
      }
      slot = (slot &+ 1) & (slotCount - 1)
    }
    return add(name, count, hash, isLasting)
  }

  @inline(never)
  private mutating func add(_ name: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, _ isLasting: Bool) -> Int {
    var name = name
    if !isLasting {
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
      copy.initialize(from: name, count: count)
      copies.append(copy)
      name = UnsafePointer(copy)
    }
    if symbols.count * 2 >= slotCount { growSlots() }
    symbols.append(Symbol(name: name, count: count, hash: hash))
    place(hash, symbols.count)
    return symbols.count - 1
  }

  private func place(_ hash: UInt64, _ entry: Int) {
    var slot = Int(truncatingIfNeeded: hash) & (slotCount - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slotCount - 1) }
    slots[slot] = UInt32(truncatingIfNeeded: entry)
  }

  private mutating func growSlots() {
    slots.deallocate()
    slotCount *= 2
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: 0, count: slotCount)
    for number in 0..<symbols.count { place(symbols[number].hash, number + 1) }
  }
}
