// The part of canister validation that judges names: reserved ones, entry points, methods.
// Called by `validateCanister`.

import Wasm

func validateExports(of module: Module) throws(CanisterValidationError) {
  var methods = MethodNames()
  for position in module.exports.indices {
    let entry = module.exports[position]
    if let reason = reservation(of: entry, in: module) { throw exportError(reason, entry, position) }
    guard case .function(let function) = entry.kind, startsWith(entry.name, "canister_") else { continue }

    if let prefix = methodPrefix(of: entry.name) {
      guard methods.insert(entry.name, prefix: prefix) else {
        throw exportError("another method has the same name", entry, position)
      }
    } else if !isSystemEntryPoint(entry.name) {
      throw exportError("names beginning with 'canister_' are reserved", entry, position)
    }
    guard let type = module.type(of: function), type.parameters.isEmpty, type.results.isEmpty else {
      throw exportError("entry points take no parameters and return nothing", entry, position)
    }
  }
  guard methods.count <= CanisterLimits.methods else {
    throw CanisterValidationError(
      "\(methods.count) methods, allowed are \(CanisterLimits.methods)", at: .section(.export))
  }
  guard methods.length <= CanisterLimits.methodNames else {
    throw CanisterValidationError(
      "method names of \(methods.length) bytes, allowed are \(CanisterLimits.methodNames)", at: .section(.export))
  }
}

@inline(never)
private func exportError(_ reason: String, _ entry: Export, _ position: Int) -> CanisterValidationError {
  CanisterValidationError("'\(entry.name)': \(reason)", at: .export(position))
}

/// Why a canister may not use this export name; nil if it may.
private func reservation(of entry: Export, in module: Module) -> String? {
  let name = entry.name
  switch name.utf8.first {
  case UInt8(ascii: "c"):
    if name == InstrumentationExport.instructionCounter || name == InstrumentationExport.start
      || name == InstrumentationExport.dirtyPageCounter || name == InstrumentationExport.accessedPageCounter
    {
      return "reserved name"
    }
  case UInt8(ascii: "s"):
    if name == InstrumentationExport.stableMemory || name == InstrumentationExport.bytemap { return "reserved name" }
  case UInt8(ascii: "_"):
    if startsWith(name, "__persistent_mutable_global_") { return "reserved name" }
  // The instrumenter exports heap and table under these names: another item of that name could not be kept.
  case UInt8(ascii: "m"):
    if name == "memory" && !module.memories.isEmpty && entry.kind != .memory(MemoryIndex(0)) {
      return "reserved for the heap"
    }
  case UInt8(ascii: "t"):
    if name == "table" && !module.tables.isEmpty && entry.kind != .table(TableIndex(0)) {
      return "reserved for the table"
    }
  default: break
  }
  return nil
}

/// Length of the prefix that makes the name that of a method; nil for other names.
private func methodPrefix(of name: String) -> Int? {
  if startsWith(name, "canister_update ") { return 16 }
  if startsWith(name, "canister_query ") { return 15 }
  if startsWith(name, "canister_composite_query ") { return 25 }
  return nil
}

private func isSystemEntryPoint(_ name: String) -> Bool {
  for entryPoint in EntryPoint.allCases where !entryPoint.isMethod && entryPoint != .start {
    if name == entryPoint.exportName { return true }
  }
  return false
}

extension Module {
  /// The type of a function; nil where an index names nothing. All imports are functions once they have been checked.
  fileprivate func type(of function: FunctionIndex) -> FunctionType? {
    var index: TypeIndex?
    if function.position < imports.count {
      if case .function(let type) = imports[function.position].kind { index = type }
    } else if functions.indices.contains(function.position - imports.count) {
      index = functions[function.position - imports.count].type
    }
    guard let index, types.indices.contains(index.position) else { return nil }
    return types[index.position]
  }
}

/// The names of methods seen so far. Compared by bytes: two names that Unicode holds for equivalent are two methods.
private struct MethodNames {
  private var few: [Substring.UTF8View] = []
  private var many: Set<[UInt8]> = []
  private(set) var count = 0
  /// Bytes of all names.
  private(set) var length = 0

  /// Adds the name without its prefix; false if it is there already.
  mutating func insert(_ export: String, prefix: Int) -> Bool {
    let name = export[...].utf8.dropFirst(prefix)
    count += 1
    length += name.count
    // A scan beats hashing for the dozen methods that modules have; a thousand would make it quadratic.
    if count <= 16 {
      if few.contains(where: { $0.elementsEqual(name) }) { return false }
      few.append(name)
      return true
    }
    if many.isEmpty { for name in few { many.insert([UInt8](name)) } }
    return many.insert([UInt8](name)).inserted
  }
}

/// Whether the bytes of `name` begin with those of `prefix`; `hasPrefix` would first ask Unicode.
@inline(__always)
func startsWith(_ name: String, _ prefix: StaticString) -> Bool {
  let length = prefix.utf8CodeUnitCount
  guard name.utf8.count >= length else { return false }
  let start = prefix.utf8Start
  let answer = name.utf8.withContiguousStorageIfAvailable { bytes in
    for position in 0..<length where bytes[position] != start[position] { return false }
    return true
  }
  return answer ?? name.utf8.starts(with: UnsafeBufferPointer(start: start, count: length))
}
