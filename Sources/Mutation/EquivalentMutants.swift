// Mutants that no case can tell from the instrumented module itself, by name and with the reason. They are not graded;
// nothing else is left out.

/// A group of mutants that change nothing that anybody can observe.
public struct EquivalentMutants: Sendable {
  public let reason: String
  public let names: [String]

  /// All groups.
  public static let all: [EquivalentMutants] = []

  /// Reasons by mutant.
  public static let reasons: [String: String] = Dictionary(
    all.flatMap { group in group.names.map { ($0, group.reason) } }, uniquingKeysWith: { first, _ in first })
}
