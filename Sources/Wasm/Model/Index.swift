// Typed indices: an index of one space cannot be used for another, and every change of numbering has to name its space.

/// An index into the index space named by `Space`.
public struct Index<Space>: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var value: UInt32

  @inlinable public init(_ value: UInt32) { self.value = value }
  /// - Precondition: `value` fits 32 bits; for positions in arrays of a module, which never hold more entries.
  @inlinable public init(_ value: Int) { self.value = UInt32(value) }

  /// The index as a position in an array.
  @inlinable public var position: Int { Int(value) }
  public var description: String { String(value) }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

public enum TypeSpace {}
public enum FunctionSpace {}
public enum TableSpace {}
public enum MemorySpace {}
public enum GlobalSpace {}
public enum ElementSpace {}
public enum DataSpace {}
public enum LocalSpace {}

public typealias TypeIndex = Index<TypeSpace>
public typealias FunctionIndex = Index<FunctionSpace>
public typealias TableIndex = Index<TableSpace>
public typealias MemoryIndex = Index<MemorySpace>
public typealias GlobalIndex = Index<GlobalSpace>
public typealias ElementIndex = Index<ElementSpace>
public typealias DataIndex = Index<DataSpace>
public typealias LocalIndex = Index<LocalSpace>
