// Mutants for grading the harness: every small mistake that operators can make at every place of what instrumentation
// adds or rewrites. A mutant is a rule that can be applied to the instrumented form of any case's module, so that random
// cases can be run against it. The operators are in the `MutationRule+…` files; hand-written faults in `PlantedFault`.

import Canister
import Instrumentation
import Wasm

/// The kind of mistake.
public enum MutationFamily: String, Codable, CaseIterable, Sendable {
  case comparison, constant, arithmetic, width, variable, statement, control, memory, call
  /// Charges of the module's own code.
  case metering
  /// The cost of one opcode.
  case cost
  /// References to functions, globals, memories, segments.
  case index
  /// Exports, segments, limits, initial values.
  case item
  /// The hand-written faults.
  case planted
  /// What the lanes do around an execution: commit, rollback, upgrade.
  case lane
}

/// An instrumented module, and what a rule has to know about it. Made once per module, for any number of rules.
public struct MutationTarget: Sendable {
  /// What the rule changes.
  public let instrumented: Module
  /// What it was made of.
  public let original: Module
  public let strategy: Strategy
  public let parameters: Parameters
  let layout: InstrumentedLayout

  /// - Parameter instrumented: what `instrument` made of `original`.
  public init?(_ instrumented: Module, original: Module, strategy: Strategy, parameters: Parameters) {
    guard let layout = try? InstrumentedLayout(of: original, strategy: strategy) else { return nil }
    self.instrumented = instrumented
    self.original = original
    self.strategy = strategy
    self.parameters = parameters
    self.layout = layout
  }

  /// Where an injected function stands among the defined functions; nil where the module does not have it.
  func position(of function: InjectedFunction) -> Int? {
    let index: FunctionIndex? =
      switch function {
      case .decrement: layout.decrement
      case .countCleanPages: layout.countCleanPages
      case .stable(let function): layout.replacement(of: function)
      }
    return index.map { $0.position - layout.importedFunctions }
  }

  /// The module's own functions among the defined ones.
  var ownFunctions: Range<Int> { 0..<original.functions.count }
}

/// A mutant.
public struct MutationRule: Sendable, Identifiable, CustomStringConvertible {
  /// Operator and place: `stable64_write/i64.gt_u#2/i64.ge_u`.
  public let name: String
  /// The kind of mistake, as the report groups them.
  public let family: MutationFamily
  /// The mistake as a sentence.
  public let sentence: String
  /// The generator profiles, by name, whose modules can have a place for it.
  public let profiles: [String]
  /// Stable functions of which a case has to call one before the mistake can show; empty: any code may show it.
  public let functions: [SystemFunction]
  /// Whether every result is valid, so that nobody has to look.
  let isValidByDesign: Bool
  /// The block of the injected functions that it is about, by heap width; nil for other mistakes.
  let blocks: (narrow: Int?, wide: Int?)?
  let edit: @Sendable (MutationTarget) -> Module?

  public var id: String { name }
  public var description: String { name }

  init(
    _ name: String, _ family: MutationFamily, _ sentence: String, profiles: [String] = ["native"],
    functions: [SystemFunction] = [], isValidByDesign: Bool = false,
    blocks: (narrow: Int?, wide: Int?)? = nil, edit: @escaping @Sendable (MutationTarget) -> Module?
  ) {
    self.name = name
    self.family = family
    self.sentence = sentence
    self.profiles = profiles
    self.functions = functions
    self.isValidByDesign = isValidByDesign
    self.blocks = blocks
    self.edit = edit
  }

  /// The module with the mistake in it.
  /// - Returns: a valid module; nil where this one has no place for the mistake.
  public func apply(to target: MutationTarget) -> Module? {
    guard let mutant = edit(target) else { return nil }
    if isValidByDesign { return mutant }
    guard mutant != target.instrumented, (try? validate(mutant)) != nil else { return nil }
    return mutant
  }

  /// The profile whose mutants the modules of a profile can have: systematic cases are of the default profile's kind.
  public static func profile(gradedAs profile: String) -> String { profile == "single" ? "native" : profile }

  /// All mutants, in a fixed order.
  public static let all: [MutationRule] =
    injected + metering + costs + indices + items + PlantedFault.all.map(MutationRule.init)

  /// The mutant of that name.
  public init?(name: String) {
    guard let rule = Self.all.first(where: { $0.name == name }) else { return nil }
    self = rule
  }

  private init(_ fault: PlantedFault) {
    self.init("planted/\(fault.name)", .planted, fault.rule, profiles: fault.profiles) { target in
      fault.apply(
        to: target.instrumented, original: target.original, strategy: target.strategy, parameters: target.parameters)
    }
  }
}

// MARK: - Whether a place is reached

/// The instrumented module with a trap where the mutant begins to differ from it: a case in which it behaves differently
/// has reached the place.
///
/// - Returns: nil where the two differ in no code.
public func reachProbe(_ instrumented: Module, mutant: Module) -> Module? {
  guard instrumented.functions.count == mutant.functions.count else { return nil }
  var probe = instrumented
  var found = false
  for position in instrumented.functions.indices {
    let (left, right) = (
      instrumented.functions[position].body.instructions, mutant.functions[position].body.instructions
    )
    guard left != right else { continue }
    let same = zip(left, right).prefix { $0 == $1 }.count
    guard same < left.count else { continue }
    probe.functions[position].body.instructions.insert(Instruction(.unreachable), at: same)
    found = true
  }
  return found ? probe : nil
}
