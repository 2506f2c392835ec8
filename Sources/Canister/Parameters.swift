// Limits and choices that are part of a case's identity. Defaults are production's, but for the instruction limit.

/// How stable functions are charged; contract section 2.
public enum Metering: String, Codable, CaseIterable, Sendable {
  case new, old

  /// Charge of `stable_grow` and `stable64_grow`.
  public var growCharge: Int64 { self == .new ? 100 : 0 }
  /// Fixed part of the charge of stable reads and writes; the length is added to it.
  public var accessCharge: Int64 { 20 }
}

/// A limit of OS pages per execution, by class of entry point.
public struct PageLimits: Hashable, Codable, Sendable {
  public var message: UInt64
  public var upgrade: UInt64
  public var query: UInt64

  public init(message: UInt64 = 524_288, upgrade: UInt64 = 2_097_152, query: UInt64 = 262_144) {
    self.message = message
    self.upgrade = upgrade
    self.query = query
  }

  public subscript(_ limitClass: PageLimitClass) -> UInt64 {
    switch limitClass {
    case .message: message
    case .upgrade: upgrade
    case .query: query
    }
  }
}

/// The parameters of a profile (contract section 2).
public struct Parameters: Hashable, Codable, Sendable {
  /// Instructions per message.
  public var instructionLimit: Int64 = 2_000_000
  /// OS pages newly written per execution.
  public var dirtyPageLimits = PageLimits()
  /// OS pages newly accessed per execution.
  public var accessedPageLimits = PageLimits()
  /// Stable memory capacity in Wasm pages; a multiple of `stableCapacityStep` below `stableCapacityBound`.
  public var stableCapacity: UInt64 = 8_192_000
  /// Heap limit in Wasm pages of a module with a 32-bit heap.
  public var heapLimit32: UInt64 = 65_536
  /// Heap limit in Wasm pages of a module with a 64-bit heap.
  public var heapLimit64: UInt64 = 98_304
  /// Instructions per newly dirtied OS page of stable memory.
  public var dirtyPageOverhead: Int64 = 1_000
  public var metering = Metering.new

  public init() {}

  /// Wasm pages of which capacities are multiples: 256 MiB, whose OS pages fill a Wasm page of the bytemap, a byte each.
  public static let stableCapacityStep: UInt64 = Sizes.wasmPage / (Sizes.wasmPage / Sizes.osPage)

  /// Wasm pages of stable memory that a capacity is below: their OS pages are counted in 32 bits, one past the last one
  /// included.
  public static let stableCapacityBound: UInt64 = (1 << 32) / (Sizes.wasmPage / Sizes.osPage)

  /// The limits of production for messages.
  public static let productionInstructionLimit: Int64 = 5_000_000_000

  /// Heap limit in Wasm pages for a heap of the given width.
  public func heapLimit(is64Bit: Bool) -> UInt64 { is64Bit ? heapLimit64 : heapLimit32 }
}

/// Sizes that never vary (contract section 7).
public enum Sizes {
  /// Bytes of a Wasm page.
  public static let wasmPage: UInt64 = 65_536
  /// Bytes of an OS page, the unit of dirty and access tracking.
  public static let osPage: UInt64 = 4_096
  /// Largest stable memory, in Wasm pages, that the 32-bit functions work on.
  public static let stable32Ceiling: UInt64 = 65_536
}
