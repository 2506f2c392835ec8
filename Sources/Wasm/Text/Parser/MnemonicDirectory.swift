// From the name of an instruction to its opcode: a hash table derived from the opcode table.
// Counterpart of `OpcodeDirectory`, which does the same for the binary format.

/// A slot of the table. `select` stands for both of its opcodes; the parser looks at what follows.
private struct Mnemonic {
  var name: UnsafePointer<UInt8>
  /// 0: the slot is free.
  var count: Int
  var opcode: Opcode
}

private let slotCount = 2048

nonisolated(unsafe) private let mnemonics: UnsafePointer<Mnemonic> = {
  let slots = UnsafeMutablePointer<Mnemonic>.allocate(capacity: slotCount)
  // Names as raw storage of their own, with room behind each for the loads of the hash.
  let names = Opcode.allCases.map { Array("\($0.row.text)".utf8) }
  let storage = UnsafeMutablePointer<UInt8>.allocate(capacity: names.reduce(8) { $0 + $1.count + 8 })
  slots.initialize(repeating: Mnemonic(name: UnsafePointer(storage), count: 0, opcode: .nop), count: slotCount)
  var next = storage
  for (opcode, name) in zip(Opcode.allCases, names) where opcode != .selectTyped {
    for byte in name + [UInt8](repeating: 0, count: 8) {
      next.initialize(to: byte)
      next += 1
    }
    let start = UnsafePointer(next - name.count - 8)
    var slot = Int(truncatingIfNeeded: wordHash(start, name.count)) & (slotCount - 1)
    while slots[slot].count > 0 { slot = (slot + 1) & (slotCount - 1) }
    slots[slot] = Mnemonic(name: start, count: name.count, opcode: opcode)
  }
  return UnsafePointer(slots)
}()

/// Finds opcodes by name.
struct MnemonicDirectory {
  private let slots = mnemonics

  /// The opcode whose name these bytes are; nil: there is none. The eight bytes behind them have to be readable.
  @inline(__always)
  func opcode(_ name: UnsafePointer<UInt8>, _ count: Int) -> Opcode? {
    var slot = Int(truncatingIfNeeded: wordHash(name, count)) & (slotCount - 1)
    while slots[slot].count > 0 {
      if slots[slot].count == count && areEqual(slots[slot].name, name, count) { return slots[slot].opcode }
      slot = (slot &+ 1) & (slotCount - 1)
    }
    return nil
  }
}
