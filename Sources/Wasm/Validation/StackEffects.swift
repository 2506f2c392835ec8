// The opcode table boiled down to what the validator needs per instruction: eight bytes an opcode.
// Derived from the rows once; read by `FunctionValidator`.

/// A value type as the validator keeps it on its stack: the raw value of `ValueType`, or 0 for a value of unknown type
/// below an unconditional branch.
typealias TypeCode = UInt8

extension ValueType {
  @inline(__always) var code: TypeCode { rawValue }
}

/// What an opcode does to the operand stack.
struct StackEffect {
  enum Rule: UInt8 {
    /// Pops and pushes what the row says.
    case plain
    /// The same after checking the lane number.
    case lane
    /// The same after checking the memory access; the first operand is an address.
    case memory
    /// Has a hand-written rule.
    case special
  }

  var rule = Rule.special
  var shape = ImmediateShape.none
  var operandCount: UInt8 = 0
  /// Operands, deepest first, unused places 0.
  var operand0: TypeCode = 0
  var operand1: TypeCode = 0
  var operand2: TypeCode = 0
  /// The pushed type, or 0.
  var result: TypeCode = 0
  /// log2 of the natural alignment of a memory access, or the number of lanes that a lane number chooses from.
  var bound: UInt8 = 0

  init(_ row: OpcodeRow) {
    shape = row.shape
    if row.signature.isSpecial { return }
    let operands = row.signature.operands
    operandCount = UInt8(truncatingIfNeeded: row.signature.operandCount)
    operand0 = operands.0?.code ?? 0
    operand1 = operands.1?.code ?? 0
    operand2 = operands.2?.code ?? 0
    result = row.signature.result?.code ?? 0
    switch row.shape {
    case .memoryAccess, .memoryLane:
      rule = .memory
      bound = row.alignment
    case .lane:
      rule = .lane
      bound = Self.lanes("\(row.text)")
    case .shuffle:
      rule = .lane
      bound = 32
    default: rule = .plain
    }
  }

  /// The number of lanes, which is part of the name: `i16x8.replace_lane`.
  private static func lanes(_ text: String) -> UInt8 {
    UInt8(text.prefix { $0 != "." }.drop { $0 != "x" }.dropFirst()) ?? 0
  }
}

/// Effects by `Opcode.ordinal`, as raw storage.
nonisolated(unsafe) let stackEffects: UnsafePointer<StackEffect> = {
  let effects = UnsafeMutablePointer<StackEffect>.allocate(capacity: Opcode.allCases.count)
  for opcode in Opcode.allCases {
    (effects + opcode.ordinal).initialize(to: StackEffect(opcode.row))
  }
  return UnsafePointer(effects)
}()

extension Immediate {
  /// The shape of opcode that this immediate belongs to.
  @inline(__always)
  var shape: ImmediateShape {
    switch self {
    case .none: .none
    case .block: .block
    case .label: .label
    case .labels: .labels
    case .function: .function
    case .indirectCall: .indirectCall
    case .resultType: .resultType
    case .referenceType: .referenceType
    case .local: .local
    case .global: .global
    case .table: .table
    case .tableInit: .tableInit
    case .tableCopy: .tableCopy
    case .element: .element
    case .memory: .memory
    case .memoryInit: .memoryInit
    case .memoryCopy: .memoryCopy
    case .memoryAccess: .memoryAccess
    case .memoryLane: .memoryLane
    case .data: .data
    case .i32: .i32
    case .i64: .i64
    case .f32: .f32
    case .f64: .f64
    case .v128: .v128
    case .shuffle: .shuffle
    case .lane: .lane
    }
  }
}

/// The name of a type code in messages.
func typeName(_ code: TypeCode) -> String {
  guard let type = ValueType(rawValue: code) else { return "any" }
  return "\(type)"
}
