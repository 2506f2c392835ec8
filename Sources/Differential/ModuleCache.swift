// Large modules of earlier cases: real canisters come in many cases, and to decode, validate, instrument and translate one
// takes far longer than to run it. Used by `CaseModules`.

import Canister
import ContentHash
import Execution
import Wasm

/// A decoded and validated module of a case, and what was made of it so far.
final class LoadedModule {
  let form: CanisterForm
  var host: HostModule?
  var instrumented: [LaneName: InstrumentedModule] = [:]

  init(_ form: CanisterForm) { self.form = form }
}

/// An instrumented module, and what the native lane made of it.
final class InstrumentedModule {
  let module: Module
  /// Without tracing and probes.
  var native: NativeModule?

  /// - Parameter module: valid.
  init(_ module: Module) { self.module = module }
}

/// Keeps the modules that were used last. Used by one thread at a time.
final class ModuleCache {
  /// All that a module's forms depend on.
  private struct Key: Hashable {
    let bytes: Digest
    let directPlacement: MemoryPlacement?
    let parameters: Parameters
  }

  private struct Entry {
    let module: LoadedModule
    let byteCount: Int
    var lastUse = 0

    /// Bytes of all forms, roughly: a function takes some hundred besides its code.
    var weight: Int {
      (byteCount + 300 * module.form.module.functions.count) * (1 + module.instrumented.count)
    }
  }

  /// Smaller modules, as generated ones are, are made again sooner than found.
  private static let leastBytes = 32_768
  /// Decoded, code takes about ten times its bytes.
  private static let mostBytes = 16 << 20

  private var entries: [Key: Entry] = [:]
  private var clock = 0

  /// The module, loaded unless it was kept.
  func module(
    _ bytes: [UInt8], _ placement: MemoryPlacement, _ parameters: Parameters, load: () throws(Fault) -> LoadedModule
  ) throws(Fault) -> LoadedModule {
    guard bytes.count >= Self.leastBytes else { return try load() }
    let key = Key(
      bytes: Digest(of: bytes), directPlacement: placement.isDirect ? placement : nil,
      parameters: parameters.withoutMessageLimits)
    clock += 1
    if let module = entries[key]?.module {
      entries[key]?.lastUse = clock
      return module
    }
    makeRoom()
    let module = try load()
    entries[key] = Entry(module: module, byteCount: bytes.count, lastUse: clock)
    return module
  }

  private func makeRoom() {
    var weight = entries.values.reduce(0) { $0 + $1.weight }
    while weight > Self.mostBytes, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      weight -= oldest.value.weight
      entries[oldest.key] = nil
    }
  }
}

extension Parameters {
  /// What instrumented modules depend on: the limits of messages are the lanes' business.
  fileprivate var withoutMessageLimits: Parameters {
    var result = self
    let standard = Parameters()
    result.instructionLimit = standard.instructionLimit
    result.dirtyPageLimits = standard.dirtyPageLimits
    result.accessedPageLimits = standard.accessedPageLimits
    return result
  }
}
