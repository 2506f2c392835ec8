// Faults to plant in instrumented modules, one broken rule each, to see whether the harness finds them. Whoever grades
// the harness instruments a module, applies a fault, and runs the result as a native lane; no lane links this.

import Canister
import Instrumentation
import Wasm

/// A mistake that an instrumenter could make.
public struct PlantedFault: Sendable, Identifiable, CustomStringConvertible {
  /// In kebab case, beginning with the function or part that it concerns.
  public let name: String
  /// The broken rule, as one sentence that says what is wrong.
  public let rule: String
  /// The generator profiles, by name, whose modules may have a place for the fault.
  public let profiles: [String]
  private let edit: @Sendable (inout Mutant) throws -> Void

  public var id: String { name }
  public var description: String { name }

  init(
    _ name: String, _ rule: String, profiles: [String] = ["native"],
    edit: @escaping @Sendable (inout Mutant) throws -> Void
  ) {
    self.name = name
    self.rule = rule
    self.profiles = profiles
    self.edit = edit
  }

  /// A fault in one of the injected functions.
  init(
    _ name: String, in function: InjectedFunction, _ rule: String,
    edit: @escaping @Sendable (inout BodyEdit) throws -> Void
  ) {
    self.init(name, rule) { mutant in try mutant.edit(function, edit) }
  }

  /// The instrumented module with the fault in it.
  /// - Parameters:
  ///   - instrumented: what `instrument` made of `original` with this strategy and these parameters.
  /// - Returns: a valid module; nil where the module has no place for this fault.
  public func apply(
    to instrumented: Module, original: Module, strategy: Strategy, parameters: Parameters
  ) -> Module? {
    guard let layout = try? InstrumentedLayout(of: original, strategy: strategy) else { return nil }
    var mutant = Mutant(module: instrumented, original: original, layout: layout, parameters: parameters)
    do {
      try edit(&mutant)
      try validate(mutant.module)
    } catch {
      return nil
    }
    return mutant.module == instrumented ? nil : mutant.module
  }

  /// All faults, in a fixed order.
  public static let all: [PlantedFault] =
    bounds + emptyRanges + pageRanges + pageMarks + counting + limits + copies + growth + metering + indices + items

  /// The fault of that name.
  public init?(name: String) {
    guard let fault = Self.all.first(where: { $0.name == name }) else { return nil }
    self = fault
  }
}
