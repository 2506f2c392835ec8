// One instruction: an opcode and its immediate. Plain bits without heap storage, so bodies copy as memory.

/// The static part of a memory access.
public struct MemoryAccess: Hashable, Sendable {
  /// log2 of the promised alignment.
  public var alignment: UInt8
  public var memory: MemoryIndex
  /// Added to the address operand; beyond 32 bits only with a 64-bit memory.
  public var offset: UInt64

  public init(alignment: UInt8, offset: UInt64, memory: MemoryIndex = MemoryIndex(0 as UInt32)) {
    self.alignment = alignment
    self.memory = memory
    self.offset = offset
  }
}

/// The targets of a `br_table`: a run of depths in the body's `labels`, the last being the default.
public struct LabelRange: Hashable, Sendable {
  public var start: UInt32
  /// Number of depths including the default; at least 1.
  public var count: UInt32

  public init(start: UInt32, count: UInt32) {
    self.start = start
    self.count = count
  }

  public var indices: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// What follows an opcode. The case fits the opcode's `ImmediateShape`.
public enum Immediate: Hashable, Sendable {
  case none
  case block(BlockType)
  /// Relative depth of a branch target.
  case label(UInt32)
  case labels(LabelRange)
  case function(FunctionIndex)
  case indirectCall(TypeIndex, TableIndex)
  /// The annotation of a typed `select`; nil where it does not name exactly one type, which does not validate.
  case resultType(ValueType?)
  case referenceType(ValueType)
  case local(LocalIndex)
  case global(GlobalIndex)
  case table(TableIndex)
  case tableInit(TableIndex, ElementIndex)
  case tableCopy(destination: TableIndex, source: TableIndex)
  case element(ElementIndex)
  case memory(MemoryIndex)
  case memoryInit(MemoryIndex, DataIndex)
  case memoryCopy(destination: MemoryIndex, source: MemoryIndex)
  case memoryAccess(MemoryAccess)
  case memoryLane(MemoryAccess, lane: UInt8)
  case data(DataIndex)
  case i32(Int32)
  case i64(Int64)
  /// Bits of the constant, so that NaN payloads survive.
  case f32(UInt32)
  case f64(UInt64)
  case v128(V128)
  /// The 16 lane numbers of `i8x16.shuffle`.
  case shuffle(V128)
  case lane(UInt8)
}

/// An instruction of a function body or a constant expression.
public struct Instruction: Hashable, Sendable {
  // In this order the two take 24 bytes together, in the other one 32.
  public var immediate: Immediate
  public var opcode: Opcode

  @inlinable public init(_ opcode: Opcode, _ immediate: Immediate = .none) {
    self.opcode = opcode
    self.immediate = immediate
  }
}

// Short forms for code that builds bodies by hand.
extension Instruction {
  @inlinable public static func i32(_ value: Int32) -> Self { .init(.i32Const, .i32(value)) }
  @inlinable public static func i64(_ value: Int64) -> Self { .init(.i64Const, .i64(value)) }
  @inlinable public static func get(_ local: LocalIndex) -> Self { .init(.localGet, .local(local)) }
  @inlinable public static func set(_ local: LocalIndex) -> Self { .init(.localSet, .local(local)) }
  @inlinable public static func tee(_ local: LocalIndex) -> Self { .init(.localTee, .local(local)) }
  @inlinable public static func get(_ global: GlobalIndex) -> Self { .init(.globalGet, .global(global)) }
  @inlinable public static func set(_ global: GlobalIndex) -> Self { .init(.globalSet, .global(global)) }
  @inlinable public static func call(_ function: FunctionIndex) -> Self { .init(.call, .function(function)) }
}

extension Immediate {
  /// The shape of opcode that this immediate belongs to.
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
