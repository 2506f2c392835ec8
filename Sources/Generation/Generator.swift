// The generator's spine: choices → case. Called by campaigns, replay, the minimizer and the fuzzing entry; all of them
// get the same case for the same choices.

import Canister
import Entropy
import Wasm

/// A generated case, and how it came about.
public struct GeneratedCase: Sendable {
  /// What the lanes run.
  public var `case`: Case
  /// The recorded choices; replaying them gives this case again.
  public var choices: [UInt64]
  /// Where the parts of the choices end.
  public var parts: ChoiceParts
  /// The first module, whose encoding is `case.module`.
  public var module: Module
  /// The second module, if the plan may switch to another one.
  public var secondModule: Module?
  /// Whether some message may end in a trap on purpose. Messages of other cases should not.
  public var mayTrap: Bool
  /// What the case makes use of.
  public var features: FeatureSet
  /// Operand classes of its stable memory calls.
  public var coverage: OperandCoverage
}

/// The parts of a case's choices, each of which builds on the ones before it.
public struct ChoiceParts: Hashable, Sendable {
  /// How many choices are about the frame of the case: heap, sizes, limits.
  public var frame: Int
  /// How many are about frame and modules; the others are about the plan.
  public var modules: Int
}

/// Makes cases: a valid canister module or two, a call plan, and parameters.
public struct Generator: Sendable {
  public let profile: GeneratorProfile

  public init(profile: GeneratorProfile = .native) { self.profile = profile }

  /// The case of that index in the run of that seed; independent of all other cases.
  public func generate(seed: UInt64, index: UInt64) -> GeneratedCase {
    generate(from: ChoiceSource(seed: seed, index: index))
  }

  /// The case that follows from recorded choices. Any sequence gives a valid case.
  public func replay(choices: [UInt64]) -> GeneratedCase {
    generate(from: ChoiceSource(replaying: choices))
  }

  /// The case that follows from a source of choices, whatever they are.
  public func generate(from source: ChoiceSource) -> GeneratedCase {
    var choices = source
    let shape = CaseShape(profile, &choices)
    var parts = ChoiceParts(frame: choices.count, modules: 0)
    let first = Self.module(shape, &choices)
    let second = choices.chance(1, of: 8) ? Self.module(shape, &choices) : nil
    parts.modules = choices.count
    var plan = PlanGenerator(shape, choices, first: first, second: second)
    let messages = plan.drawPlan()
    let parameters = plan.drawParameters()

    var features = first.features.union(plan.features)
    var coverage = plan.first.coverage
    if let second = plan.second {
      features = features.union(second.features)
      coverage = coverage.union(second.coverage)
      features.insert(.secondModule)
    }
    return GeneratedCase(
      case: Case(
        module: encode(first.module), secondModule: second.map { encode($0.module) }, plan: messages,
        parameters: parameters, strategy: shape.strategy),
      choices: plan.choices.sequence, parts: parts, module: first.module, secondModule: second?.module,
      mayTrap: shape.traps,
      features: features, coverage: coverage)
  }

  /// Builds one module; the choices are lent to it meanwhile.
  private static func module(_ shape: CaseShape, _ choices: inout ChoiceSource) -> ModuleGenerator {
    var generator = ModuleGenerator(shape, choices)
    generator.planModule()
    generator.emitBodies()
    generator.assemble()
    choices = generator.choices
    return generator
  }
}
