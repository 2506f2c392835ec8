// The one table of opcodes: what each looks like in text and binary, does to the stack, costs and may trap with.
// Decoder, encoder, printer, validator, metering and generator are derived from it.

/// The kind of immediate that follows an opcode.
public enum ImmediateShape: UInt8, Sendable {
  case none, block, label, labels, function, indirectCall, resultType, referenceType
  case local, global, table, tableInit, tableCopy, element
  case memory, memoryInit, memoryCopy, memoryAccess, memoryLane, data
  case i32, i64, f32, f64, v128, shuffle, lane
}

/// The traps that an instruction may raise by itself.
public struct TrapSet: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let unreachable = TrapSet(rawValue: 1)
  public static let memoryBounds = TrapSet(rawValue: 2)
  public static let tableBounds = TrapSet(rawValue: 4)
  /// Null element or wrong function type.
  public static let indirectCall = TrapSet(rawValue: 8)
  public static let divisionByZero = TrapSet(rawValue: 16)
  public static let integerOverflow = TrapSet(rawValue: 32)
  public static let invalidConversion = TrapSet(rawValue: 64)
}

/// One row of the opcode table.
public struct OpcodeRow: Sendable {
  public let opcode: Opcode
  /// Name in the text format.
  public let text: StaticString
  public let shape: ImmediateShape
  public let signature: Signature
  /// Instructions charged by the replica in a module with a 32-bit (or no) heap.
  /// Source: dfinity/ic `instruction_to_cost`, commit 002d5530.
  public let cost: UInt16
  public let traps: TrapSet
  /// Relative frequency in generated code; 0 where the generator places the opcode by a rule of its own.
  public let weight: UInt8
  /// log2 of the natural alignment of a memory access; 0 for all others.
  public let alignment: UInt8

  init(
    _ opcode: Opcode, _ text: StaticString, _ shape: ImmediateShape, _ signature: Signature, cost: UInt16,
    traps: TrapSet = [], weight: UInt8 = 0
  ) {
    self.opcode = opcode
    self.text = text
    self.shape = shape
    self.signature = signature
    self.cost = cost
    self.traps = traps
    self.weight = weight
    self.alignment =
      shape == .memoryAccess || shape == .memoryLane ? Self.naturalAlignment("\(text)", signature) : 0
  }

  /// All rows in the order of `Opcode.allCases`.
  static let all: [OpcodeRow] = control + memory + numeric + vector

  /// Reads the access width off the name, which is where the specification puts it: `i32.load16_u` is 2 bytes wide,
  /// `v128.load8x8_s` 8 bytes, `v128.load` 16.
  private static func naturalAlignment(_ text: String, _ signature: Signature) -> UInt8 {
    let access = text.drop { $0 != "." }.drop { !$0.isNumber }
    let digits = access.prefix { $0.isNumber }
    var bits = Int(digits) ?? 0
    if access.dropFirst(digits.count).first == "x" { bits = 64 }
    if bits == 0 {
      switch signature.result ?? signature.operands.1 {
      case .i32, .f32: bits = 32
      case .i64, .f64: bits = 64
      default: bits = 128
      }
    }
    return UInt8((bits / 8).trailingZeroBitCount)
  }
}

/// The rows as raw storage, so that a look-up on a hot path is one load: no reference counting, no bounds check.
nonisolated(unsafe) private let rowStorage: UnsafePointer<OpcodeRow> = {
  let storage = UnsafeMutablePointer<OpcodeRow>.allocate(capacity: OpcodeRow.all.count)
  storage.initialize(from: OpcodeRow.all, count: OpcodeRow.all.count)
  return UnsafePointer(storage)
}()

extension Opcode {
  /// The position of the case in `allCases`, and of its row in the table.
  @inlinable public var ordinal: Int { Int(unsafeBitCast(self, to: UInt16.self)) }

  /// The table row of this opcode.
  public var row: OpcodeRow { rowStorage[ordinal] }

  /// Cost in a module whose memory 0 is 64-bit: only scalar and vector loads and stores differ, they cost 2.
  public func cost(is64BitHeap: Bool) -> UInt16 {
    let row = row
    return is64BitHeap && (row.shape == .memoryAccess || row.shape == .memoryLane) ? 2 : row.cost
  }
}
