// The opcode table boiled down to what the validator needs per instruction: sixteen bytes an opcode.
// Derived from the rows once; read by the loop of `FunctionValidator`.

/// A value type as the validator keeps it on its stack: the raw value of `ValueType`, or 0 for a value of unknown type
/// below an unconditional branch.
typealias TypeCode = UInt8

extension ValueType {
  @inline(__always) var code: TypeCode { rawValue }
}

/// What an opcode has behind it and does to the operand stack.
struct StackEffect {
  enum Rule: UInt8 {
    /// Not an opcode.
    case illegal
    /// The subopcode decides.
    case prefix
    /// Pops and pushes what the row says; no immediate.
    case plain
    /// The same behind an integer constant.
    case integer32, integer64
    /// The same behind `bound` bytes of any value.
    case bytes
    /// The same after checking a lane number, or those of a shuffle.
    case lane, shuffle
    /// The same after checking the memory access, and a lane number; the first operand is an address.
    case memory, memoryLane
    case localGet, localSet, localTee
    /// Has a hand-written rule.
    case special
  }

  var rule = Rule.illegal
  var shape = ImmediateShape.none
  /// `Opcode.ordinal`.
  var ordinal: UInt16 = 0
  /// Number of operands.
  var count: UInt8 = 0
  /// The pushed type, or 0, and how many are pushed: 0 or 1.
  var result: TypeCode = 0
  var pushes: UInt8 = 0
  /// log2 of the natural alignment of a memory access, the number of lanes that a lane number chooses from, or the
  /// number of bytes of a constant.
  var bound: UInt8 = 0
  /// Operands as the last four bytes of the stack would show them, little-endian: the topmost in the highest byte.
  var operands: UInt32 = 0
  /// The bytes of `operands` that count.
  var mask: UInt32 = 0

  init() {}

  init(_ opcode: Opcode) {
    let row = opcode.row
    ordinal = UInt16(opcode.ordinal)
    shape = row.shape
    rule = Self.rule(opcode, row)
    if row.signature.isSpecial { return }
    let types = [row.signature.operands.0, row.signature.operands.1, row.signature.operands.2].compactMap(\.self)
    count = UInt8(types.count)
    for (position, type) in types.enumerated() {
      let shift = UInt32(8 * (4 - types.count + position))
      operands |= UInt32(type.code) << shift
      mask |= 0xFF << shift
    }
    result = row.signature.result?.code ?? 0
    pushes = row.signature.result == nil ? 0 : 1
    switch row.shape {
    case .memoryAccess, .memoryLane: bound = row.alignment
    case .lane: bound = Self.lanes("\(row.text)")
    case .f32: bound = 4
    case .f64: bound = 8
    case .v128: bound = 16
    default: break
    }
  }

  private static func rule(_ opcode: Opcode, _ row: OpcodeRow) -> Rule {
    switch opcode {
    case .localGet: return .localGet
    case .localSet: return .localSet
    case .localTee: return .localTee
    default: break
    }
    if row.signature.isSpecial { return .special }
    return switch row.shape {
    case .none: .plain
    case .i32: .integer32
    case .i64: .integer64
    case .f32, .f64, .v128: .bytes
    case .lane: .lane
    case .shuffle: .shuffle
    case .memoryAccess: .memory
    case .memoryLane: .memoryLane
    default: .special
    }
  }

  /// The number of lanes, which is part of the name: `i16x8.replace_lane`.
  private static func lanes(_ text: String) -> UInt8 {
    UInt8(text.prefix { $0 != "." }.drop { $0 != "x" }.dropFirst()) ?? 0
  }

  /// The operands with a 64-bit address as the first.
  var operandsWithAddress64: UInt32 {
    operands ^ UInt32(ValueType.i32.code ^ ValueType.i64.code) << UInt32(8 * (4 - Int(count)))
  }

  @inline(__always) var opcode: Opcode { unsafeBitCast(ordinal, to: Opcode.self) }
}

/// Effects by first byte, then by subopcode of prefix 0xFC, then of 0xFD, like `opcodeDirectory`.
nonisolated(unsafe) let stackEffects: UnsafePointer<StackEffect> = {
  let effects = UnsafeMutablePointer<StackEffect>.allocate(capacity: 3 * 256)
  effects.initialize(repeating: StackEffect(), count: 3 * 256)
  for place in 0..<3 * 256 {
    switch opcodeDirectory[place].role {
    case .illegal: break
    case .prefix: effects[place].rule = .prefix
    case .plain, .alternative, .end: effects[place] = StackEffect(opcodeDirectory[place].opcode)
    }
  }
  return UnsafePointer(effects)
}()

/// The name of a type code in messages.
func typeName(_ code: TypeCode) -> String {
  guard let type = ValueType(rawValue: code) else { return "any" }
  return "\(type)"
}
