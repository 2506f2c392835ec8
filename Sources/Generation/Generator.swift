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
  /// Where the parts of the choices end.
  public var parts = ChoiceParts()
}

/// The parts of a case's choices, each of which builds on the ones before it.
public struct ChoiceParts: Hashable, Sendable {
  /// How many choices are about the frame of the case: heap, sizes, limits.
  public var frame = 0
  /// How many are about frame and modules; the others are about the plan.
  public var modules = 0
}

/// Makes cases: a valid canister module or two, a call plan, and parameters.
public struct Generator: Sendable {
  public let profile: GeneratorProfile

  public init(profile: GeneratorProfile = .native) { self.profile = profile }

  /// The case of that index in the run of that seed; independent of all other cases.
  public func generate(seed: UInt64, index: UInt64) -> GeneratedCase {
    build(ChoiceSource(seed: seed, index: index))
  }

  /// The case that follows from recorded choices. Any sequence gives a valid case.
  public func replay(choices: [UInt64]) -> GeneratedCase {
    build(ChoiceSource(replaying: choices))
  }

  /// The case that follows from recorded choices with fresh ones behind them.
  public func replay(choices: [UInt64], then stream: Stream) -> GeneratedCase {
    build(ChoiceSource(replaying: choices, then: stream))
  }

  private func build(_ source: ChoiceSource) -> GeneratedCase {
    var choices = source
    let shape = CaseShape(profile, &choices)
    var parts = ChoiceParts(frame: choices.count)
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
    var generated = GeneratedCase(
      case: Case(
        module: encode(first.module), secondModule: second.map { encode($0.module) }, plan: messages,
        parameters: parameters, strategy: shape.strategy),
      choices: plan.choices.sequence, module: first.module, secondModule: second?.module, mayTrap: shape.traps,
      features: features, coverage: coverage)
    generated.parts = parts
    return generated
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
