// `--canary`: which mutant a run has to find.

import ArgumentParser
import Campaign
import Differential
import Generation
import Mutation

/// The text of `--canary`.
enum CanaryChoice: ExpressibleByArgument, Equatable {
  case off, random
  case named(String)

  init?(argument: String) {
    switch argument {
    case "off": self = .off
    case "random": self = .random
    default: self = .named(argument)
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .off: "off"
    case .random: "random"
    case .named(let name): name
    }
  }

  /// The canary for a run; nil where there shall be none.
  ///
  /// - Parameters:
  ///   - seed: decides which one 'random' is.
  ///   - profile: has to be able to find it, if it is random.
  func canary(seed: UInt64, profile: GeneratorProfile) throws -> Canary? {
    let rule: MutationRule
    switch self {
    case .off: return nil
    case .random:
      guard let chosen = Canaries.choose(seed: seed, profile: profile.rawValue) else { return nil }
      rule = chosen
    case .named(let name):
      guard let named = MutationRule(name: name) ?? MutationRule(name: "planted/\(name)") else {
        throw ValidationError(
          name.hasPrefix("lane/")
            ? "'\(name)' is a mistake of a lane; a canary is one of the instrumented module"
            : "no mutant is called '\(name)'; see stablefuzz mutants --list")
      }
      rule = named
    }
    return Canary(name: rule.name) { module, strategy, parameters throws(Fault) in
      let instrumented = try standardInstrumenter(module, strategy, parameters)
      return MutationTarget(instrumented, original: module, strategy: strategy, parameters: parameters)
        .flatMap(rule.apply) ?? instrumented
    }
  }
}
