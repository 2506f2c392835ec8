// What kinds of canister a generator makes. Chosen by whoever starts a run; read wherever kinds differ.

/// A kind of generated canister.
public enum GeneratorProfile: String, CaseIterable, Codable, Sendable {
  /// What the IC accepts today.
  case native
  /// The same, and further memories of the canister's own, so that the position of injected memories matters.
  case multiMemory = "multi-memory"
  /// One case per opcode, System API function, boundary class and limit; after them as `native`.
  case single
  /// Modules whose second memory is their stable memory, which they access by loads, stores and bulk operations.
  case direct
  /// The same with memories that are imported by name: stable, session, scratch.
  case named
  /// Call plans over modules that were not generated, and calls of functions inside them.
  case realWorld = "real-world"

  /// Whether modules access stable memory themselves.
  var isDirect: Bool { self == .direct || self == .named }
}

/// Identifies what a seed means: changes whenever the same seed and index would give another case.
public let generatorVersion = "9"
