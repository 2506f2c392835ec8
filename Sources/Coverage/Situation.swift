// The coverage model: its dimensions and the situation of one call, a value of each. Made by `Classification.swift`,
// collected by `CoverageMap`.

import Canister

/// A dimension of the model.
public enum Dimension: Int, CaseIterable, Sendable {
  case function, length, relation, size, pages, outcome, limit, entryPoint, heap, codeAge, heapRelation

  /// Name in tables and JSON.
  public var name: String { Self.rows[rawValue].name }
  /// Number of values.
  public var count: Int { Self.rows[rawValue].words.count }
  /// The words for each value, as they stand in a sentence.
  public var words: [String] { Self.rows[rawValue].words }

  /// One row for each dimension, in order.
  private static let rows: [(name: String, words: [String])] = [
    ("function", StableFunction.allCases.map(\.words)),
    ("length", LengthClass.allCases.map(\.words)),
    ("page relation", Relation.allCases.map(\.words)),
    ("memory size", SizeClass.allCases.map(\.words)),
    ("prior page state", PageStateClass.allCases.map(\.words)),
    ("outcome", CallOutcome.allCases.map(\.words)),
    ("limit state", LimitState.allCases.map(\.words)),
    ("entry point", EntryPoint.allCases.map(\.words)),
    ("heap", HeapWidth.allCases.map(\.words)),
    ("code", CodeAge.allCases.map(\.words)),
    ("heap relation", HeapRelation.allCases.map(\.words)),
  ]
}

/// One value of one dimension.
public struct DimensionValue: Hashable, Sendable {
  public let dimension: Dimension
  /// Position in the dimension's words.
  public let value: Int

  public init(_ dimension: Dimension, _ value: Int) {
    self.dimension = dimension
    self.value = value
  }
}

/// A call of a stable function as the model sees it.
public struct Situation: Hashable, Sendable {
  public var function: StableFunction
  public var length: LengthClass
  public var relation: Relation
  public var size: SizeClass
  public var pages: PageStateClass
  public var outcome: CallOutcome
  public var limit: LimitState
  public var entryPoint: EntryPoint
  public var heap: HeapWidth
  public var codeAge: CodeAge
  public var heapRelation: HeapRelation

  /// - Parameter heapRelation: left out: inside where a range in bounds is moved, else none.
  public init(
    _ function: StableFunction, length: LengthClass = .none, _ relation: Relation = .none, size: SizeClass = .empty,
    pages: PageStateClass = .none, outcome: CallOutcome = .returned, limit: LimitState = .free,
    entryPoint: EntryPoint = .update, heap: HeapWidth = .narrow, codeAge: CodeAge = .installed,
    heapRelation: HeapRelation? = nil
  ) {
    self.function = function
    self.length = length
    self.relation = relation
    self.size = size
    self.pages = pages
    self.outcome = outcome
    self.limit = limit
    self.entryPoint = entryPoint
    self.heap = heap
    self.codeAge = codeAge
    self.heapRelation = heapRelation ?? (outcome == .returned && relation.isInBounds ? .inside : .none)
  }

  /// The value of a dimension, as a position in its `words`.
  public subscript(_ dimension: Dimension) -> Int {
    get {
      switch dimension {
      case .function: Int(function.rawValue)
      case .length: Int(length.rawValue)
      case .relation: Int(relation.rawValue)
      case .size: Int(size.rawValue)
      case .pages: Int(pages.rawValue)
      case .outcome: Int(outcome.rawValue)
      case .limit: Int(limit.rawValue)
      case .entryPoint: Int(entryPoint.rawValue)
      case .heap: Int(heap.rawValue)
      case .codeAge: Int(codeAge.rawValue)
      case .heapRelation: Int(heapRelation.rawValue)
      }
    }
    set {
      let value = UInt8(truncatingIfNeeded: newValue)
      switch dimension {
      case .function: function = StableFunction(rawValue: value) ?? function
      case .length: length = LengthClass(rawValue: value) ?? length
      case .relation: relation = Relation(rawValue: value) ?? relation
      case .size: size = SizeClass(rawValue: value) ?? size
      case .pages: pages = PageStateClass(rawValue: value) ?? pages
      case .outcome: outcome = CallOutcome(rawValue: value) ?? outcome
      case .limit: limit = LimitState(rawValue: value) ?? limit
      case .entryPoint: entryPoint = EntryPoint(rawValue: value) ?? entryPoint
      case .heap: heap = HeapWidth(rawValue: value) ?? heap
      case .codeAge: codeAge = CodeAge(rawValue: value) ?? codeAge
      case .heapRelation: heapRelation = HeapRelation(rawValue: value) ?? heapRelation
      }
    }
  }
}
