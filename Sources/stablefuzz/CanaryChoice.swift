// `--canary`: which mutant a run has to find.

import ArgumentParser
import Campaign
import Differential
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
  /// - Parameter seed: decides which one 'random' is.
  func canary(seed: UInt64) throws -> Canary? {
    let rule: MutationRule
    switch self {
    case .off: return nil
    case .random:
      guard let chosen = Canaries.choose(seed: seed) else { return nil }
      rule = chosen
    case .named(let name):
      guard let named = MutationRule(name: name) ?? MutationRule(name: "planted/\(name)") else {
        throw ValidationError("no mutant is called '\(name)'; see stablefuzz mutants --list")
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
