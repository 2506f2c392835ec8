// A case in the form in which passes change it: modules decoded, everything else as it is.
// Made from a case, changed by a pass, turned back into a case by `Search` for the predicate.

import Canister
import Wasm

/// One of the modules of a candidate.
struct ModulePart {
  /// Reading it after decoding failed gives an empty module; see `isOpaque`.
  var module: Module {
    // What was encoded before is out of date.
    didSet { bytes = nil }
  }
  /// The module as bytes, if it has not changed since they were made.
  private(set) var bytes: [UInt8]?
  /// Whether the bytes do not decode, so that they can only be kept as they are.
  let isOpaque: Bool
  /// What every later form of the module has to pass, because the first one did.
  private let isValid: Bool
  private let isCanister: Bool

  init(_ bytes: [UInt8], _ placement: MemoryPlacement, _ parameters: Parameters) {
    self.bytes = bytes
    guard let decoded = try? decode(bytes) else {
      (module, isOpaque, isValid, isCanister) = (Module(), true, false, false)
      return
    }
    module = decoded
    isOpaque = false
    isValid = (try? validate(decoded)) != nil
    isCanister =
      isValid && (try? validateCanister(decoded, placement: placement, parameters: parameters)) != nil
  }

  /// Encodes the module if it changed; false if it is less valid than it was at first.
  mutating func settle(_ placement: MemoryPlacement, _ parameters: Parameters) -> Bool {
    if bytes != nil { return true }
    if isValid && (try? validate(module)) == nil { return false }
    if isCanister && (try? validateCanister(module, placement: placement, parameters: parameters)) == nil {
      return false
    }
    bytes = encode(module)
    return true
  }
}

/// A case whose parts can be changed.
struct Candidate {
  /// The first module, and the second if there is one.
  var parts: [ModulePart]
  var plan: CallPlan
  var parameters: Parameters
  var strategy: Strategy

  init(_ original: Case) {
    parts = ([original.module] + (original.secondModule.map { [$0] } ?? [])).map {
      ModulePart($0, original.strategy.memory, original.parameters)
    }
    plan = original.plan
    parameters = original.parameters
    strategy = original.strategy
  }

  /// The case; nil if a module is not valid any more.
  mutating func settled() -> Case? {
    for position in parts.indices where !parts[position].settle(strategy.memory, parameters) { return nil }
    guard let module = parts.first?.bytes else { return nil }
    return Case(
      module: module, secondModule: parts.count > 1 ? parts[1].bytes : nil, plan: plan, parameters: parameters,
      strategy: strategy)
  }

  /// Positions of the modules that can be changed.
  var editable: [Int] { parts.indices.filter { !parts[$0].isOpaque } }

  /// All functions of modules that can be changed.
  var functions: [FunctionPlace] {
    editable.flatMap { part in
      parts[part].module.functions.indices.map { FunctionPlace(part: part, position: $0) }
    }
  }

  subscript(_ place: FunctionPlace) -> FunctionBody {
    get { parts[place.part].module.functions[place.position].body }
    // In place: a body is changed at thousands of positions.
    _modify { yield &parts[place.part].module.functions[place.position].body }
  }
}

/// A defined function of a candidate: which module, and which of its definitions.
struct FunctionPlace: Hashable {
  var part: Int
  var position: Int
}
