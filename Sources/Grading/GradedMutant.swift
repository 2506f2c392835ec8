// What is graded: mutants of instrumented modules and mutants of the lanes.

import Mutation

/// A mutant of either kind.
public enum GradedMutant: Sendable {
  case module(MutationRule)
  case lane(LaneMutant)

  /// All mutants that the modules of a generator profile can have, equivalent ones included.
  public static func all(profile: String) -> [GradedMutant] {
    let profile = MutationRule.profile(gradedAs: profile)
    return MutationRule.all.filter { $0.profiles.contains(profile) }.map(GradedMutant.module)
      + (profile == "native" ? LaneMutant.all.map(GradedMutant.lane) : [])
  }

  public var name: String {
    switch self {
    case .module(let rule): rule.name
    case .lane(let mutant): mutant.name
    }
  }

  public var family: MutationFamily {
    switch self {
    case .module(let rule): rule.family
    case .lane: .lane
    }
  }

  public var sentence: String {
    switch self {
    case .module(let rule): rule.sentence
    case .lane(let mutant): mutant.sentence
    }
  }
}
