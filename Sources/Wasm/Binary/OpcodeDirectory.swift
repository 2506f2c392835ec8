// From the bytes of an opcode to its table row: three dense pages of 256 entries, derived from the opcode table.
// Used by the instruction decoder only.

/// What the decoder has to know about an opcode, in four bytes.
struct OpcodeEntry {
  enum Role: UInt8 {
    case illegal, plain, prefix, alternative, end
  }

  var ordinal: UInt16 = 0
  var shape = ImmediateShape.none
  var role = Role.illegal

  @inline(__always) var opcode: Opcode { unsafeBitCast(ordinal, to: Opcode.self) }
}

/// Entries by first byte, then by subopcode of prefix 0xFC, then of 0xFD. Raw storage: one load per look-up.
nonisolated(unsafe) let opcodeDirectory: UnsafePointer<OpcodeEntry> = {
  let pages = UnsafeMutablePointer<OpcodeEntry>.allocate(capacity: 3 * 256)
  pages.initialize(repeating: OpcodeEntry(), count: 3 * 256)
  for opcode in Opcode.allCases {
    let raw = Int(opcode.rawValue)
    let page = raw < 0x100 ? 0 : raw >> 8 == 0xFC ? 1 : 2
    let role: OpcodeEntry.Role = opcode == .else ? .alternative : opcode == .end ? .end : .plain
    pages[page * 256 + raw & 0xFF] = OpcodeEntry(
      ordinal: UInt16(opcode.ordinal), shape: opcode.row.shape, role: role)
  }
  pages[0xFC].role = .prefix
  pages[0xFD].role = .prefix
  return UnsafePointer(pages)
}()
