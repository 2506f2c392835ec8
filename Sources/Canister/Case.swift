// A case: what both lanes run. Made by the generator or read from the corpus, consumed by `runCase`.

/// Which memory is the stable memory: one that the instrumenter adds, or one of the module's own (contract section 4).
public enum MemoryPlacement: String, Codable, CaseIterable, Sendable {
  /// After the module's own memories.
  case end
  /// At indices 1 and 2, the module's own further memories shifted up.
  case second
  /// The module's own second memory, which it accesses by loads, stores and bulk operations.
  case direct
  /// As `direct`, but the module imports its further memories, and the import name says what they survive.
  case named

  /// Whether the module accesses stable memory itself instead of calling the System API.
  public var isDirect: Bool { self == .direct || self == .named }
}

/// Where the instrumenter puts its five imports (contract section 4).
public enum ImportPlacement: String, Codable, CaseIterable, Sendable {
  /// Before the module's own imports: every function index shifts.
  case front
  /// After the module's own imports: only defined functions shift.
  case after
}

/// The choices of one native lane.
public struct Strategy: Hashable, Codable, Sendable, CustomStringConvertible {
  public var memory: MemoryPlacement
  public var imports: ImportPlacement

  public init(memory: MemoryPlacement, imports: ImportPlacement) {
    self.memory = memory
    self.imports = imports
  }

  /// All four combinations for modules that call the System API.
  public static let all: [Strategy] = [.end, .second].flatMap(strategies)

  private static func strategies(_ memory: MemoryPlacement) -> [Strategy] {
    ImportPlacement.allCases.map { Strategy(memory: memory, imports: $0) }
  }

  /// The name used on the command line and in records: `end-front`, `second-after`, …
  public var description: String { "\(memory.rawValue)-\(imports.rawValue)" }

  /// The strategy of that name.
  public init?(name: String) {
    let known = MemoryPlacement.allCases.flatMap(Self.strategies)
    guard let strategy = known.first(where: { $0.description == name }) else { return nil }
    self = strategy
  }
}

/// One valid canister module (or two, the second for upgrades), a call plan and the profile's parameters.
public struct Case: Hashable, Sendable {
  /// The first module, as bytes: what is stored is what runs.
  public var module: [UInt8]
  /// The module that `ModuleChoice.second` names; nil: the first one again.
  public var secondModule: [UInt8]?
  public var plan: CallPlan
  public var parameters: Parameters
  /// The native lane that the case asks for by its own choices.
  public var strategy: Strategy

  public init(
    module: [UInt8], secondModule: [UInt8]? = nil, plan: CallPlan, parameters: Parameters = Parameters(),
    strategy: Strategy = Strategy(memory: .end, imports: .front)
  ) {
    self.module = module
    self.secondModule = secondModule
    self.plan = plan
    self.parameters = parameters
    self.strategy = strategy
  }
}
