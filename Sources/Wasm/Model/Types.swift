// The types of the format: values, functions, limits, tables, memories, globals.

/// A value type; the raw value is its binary encoding.
public enum ValueType: UInt8, CaseIterable, Sendable {
  case i32 = 0x7F
  case i64 = 0x7E
  case f32 = 0x7D
  case f64 = 0x7C
  case v128 = 0x7B
  case funcref = 0x70
  case externref = 0x6F

  /// Whether values of the type are references.
  @inlinable public var isReference: Bool { self == .funcref || self == .externref }
}

/// A function's parameters and results.
public struct FunctionType: Hashable, Sendable {
  public var parameters: [ValueType]
  public var results: [ValueType]

  public init(_ parameters: [ValueType] = [], _ results: [ValueType] = []) {
    self.parameters = parameters
    self.results = results
  }
}

/// Size bounds of a table (elements) or memory (64 KiB pages).
public struct Limits: Hashable, Sendable {
  public var minimum: UInt64
  /// nil: no declared maximum.
  public var maximum: UInt64?

  public init(minimum: UInt64, maximum: UInt64? = nil) {
    self.minimum = minimum
    self.maximum = maximum
  }
}

/// The type of a memory; sizes in Wasm pages of 65,536 bytes.
public struct MemoryType: Hashable, Sendable {
  public var limits: Limits
  /// Whether addresses are i64 (memory64) instead of i32.
  public var is64Bit: Bool

  public init(_ limits: Limits, is64Bit: Bool = false) {
    self.limits = limits
    self.is64Bit = is64Bit
  }

  /// The type of addresses and sizes.
  @inlinable public var indexType: ValueType { is64Bit ? .i64 : .i32 }
}

/// The type of a table; sizes in elements.
public struct TableType: Hashable, Sendable {
  /// `.funcref` or `.externref`.
  public var element: ValueType
  public var limits: Limits
  /// Whether element indices are i64 (part of memory64) instead of i32.
  public var is64Bit: Bool

  public init(_ element: ValueType, _ limits: Limits, is64Bit: Bool = false) {
    self.element = element
    self.limits = limits
    self.is64Bit = is64Bit
  }

  /// The type of element indices and sizes.
  @inlinable public var indexType: ValueType { is64Bit ? .i64 : .i32 }
}

/// The type of a global variable.
public struct GlobalType: Hashable, Sendable {
  public var value: ValueType
  public var isMutable: Bool

  public init(_ value: ValueType, isMutable: Bool = false) {
    self.value = value
    self.isMutable = isMutable
  }
}

/// The type of a block: no operands and at most one result, or a function type of the module.
public enum BlockType: Hashable, Sendable {
  case empty
  case value(ValueType)
  case type(TypeIndex)
}

/// The bits of a 128-bit vector, little-endian.
public struct V128: Hashable, Sendable {
  public var low: UInt64
  public var high: UInt64

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// Byte `index` (0 ..< 16), counted from the least significant.
  public func byte(_ index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: (index < 8 ? low : high) >> UInt64((index & 7) * 8))
  }
}
