// The generator's spine: choices → case. Called by campaigns, replay and the fuzzing entry; all of them
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
  /// The same for each message of the plan.
  public var trappingMessages: [Bool]
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
  /// What the profile `real-world` makes cases of.
  private let sources: [SourceModule]

  /// - Parameter sources: for the profile `real-world`, which without any makes cases as `native`; part of what a seed
  ///   means, in this order.
  public init(profile: GeneratorProfile = .native, sources: [SourceModule] = []) {
    self.profile = profile
    self.sources = sources
  }

  /// The case of that index in the run of that seed; independent of all other cases.
  public func generate(seed: UInt64, index: UInt64) -> GeneratedCase {
    // The systematic cases come first; choice 0 stands for the random ones, which are the simplest when cut.
    let leading: [UInt64] =
      profile == .single ? [index < UInt64(SingleSubject.all.count) ? index + 1 : 0] : []
    return build(ChoiceSource(seed: seed, index: index, leading: leading))
  }

  /// Number of systematic cases with which a run of the profile `single` begins.
  public static var singleCount: Int { SingleSubject.all.count }

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
    if profile == .single {
      let subject = choices.drawIndex(below: SingleSubject.all.count + 1)
      if subject > 0 { return Self.single(SingleSubject.all[subject - 1], &choices) }
    }
    if profile == .realWorld && !sources.isEmpty {
      var generator = RealWorldGenerator(choices, sources)
      return generator.build()
    }
    let shape = CaseShape(profile, &choices)
    var parts = ChoiceParts(frame: choices.count)
    let first = Self.module(shape, &choices)
    let second = Self.secondModule(first, shape, &choices)
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
      if second.module != first.module && second.isNearCopy { features.insert(.nearCopy) }
      if second.shape.heap != shape.heap { features.insert(.otherHeapWidth) }
    }
    var generated = GeneratedCase(
      case: Case(
        module: encode(first.module), secondModule: second.map { encode($0.module) }, plan: messages,
        parameters: parameters, strategy: shape.strategy),
      choices: plan.choices.sequence, module: first.module, secondModule: second?.module, mayTrap: shape.traps,
      trappingMessages: plan.trappingMessages,
      features: features, coverage: coverage)
    generated.parts = parts
    return generated
  }

  private static func single(_ subject: SingleSubject, _ choices: inout ChoiceSource) -> GeneratedCase {
    let shape = CaseShape(subject, &choices)
    var generator = ModuleGenerator(shape, choices)
    generator.buildSingle(subject)
    let plan = generator.singlePlan(subject)
    return GeneratedCase(
      case: Case(
        module: encode(generator.module), plan: plan, parameters: shape.parameters, strategy: shape.strategy),
      choices: generator.choices.sequence, module: generator.module, mayTrap: subject.mayTrap,
      trappingMessages: plan.messages.map { _ in subject.mayTrap },
      features: generator.features, coverage: generator.coverage)
  }

  /// The module that an upgrade may switch to, if any: one of its own, or the first with a small change, as most upgrades
  /// are.
  private static func secondModule(
    _ first: ModuleGenerator, _ shape: CaseShape, _ choices: inout ChoiceSource
  ) -> ModuleGenerator? {
    if !choices.chance(1, of: 6) { return nil }
    // Only in a large module, a small change may lie far behind its beginning.
    let isLarge = first.features.contains(.crowd)
    if !choices.chance(isLarge ? 3 : 1, of: 4) { return module(shape.successor(&choices), &choices) }
    var generator = first
    swap(&generator.choices, &choices)
    generator.changeLittle()
    swap(&generator.choices, &choices)
    return generator
  }

  /// Builds one module; the choices are lent to it meanwhile.
  private static func module(_ shape: CaseShape, _ choices: inout ChoiceSource) -> ModuleGenerator {
    var generator = ModuleGenerator(shape, choices)
    generator.planModule()
    generator.emitBodies()
    generator.assemble()
    // Direct access needs the memory that is accessed.
    if !shape.isDirect && generator.choices.chance(1, of: 800) { generator.strip() }
    choices = generator.choices
    return generator
  }
}
