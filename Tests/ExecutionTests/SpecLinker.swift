// Links the modules of a specification script: what instances export, whether it fits what a module imports, and the
// host module `spectest`. Used by `SpecScriptRunner`.

import Execution
import Wasm

/// A name as its bytes. `String` takes canonically equivalent names for equal; the specification does not.
struct ExactName: Hashable {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }
}

/// Something that an export provides and an import takes.
enum Extern {
  case function(FunctionImport, FunctionType)
  case table(Execution.Table)
  case memory(LinearMemory)
  case global(GlobalCell)
}

/// Why a module cannot be linked.
enum LinkError: Error {
  case unknownImport
  case incompatibleType
  /// The import comes from a module that was skipped.
  case skipped(String)

  /// The wording of the specification's test suite.
  var message: String {
    switch self {
    case .unknownImport: "unknown import"
    case .incompatibleType: "incompatible import type"
    case .skipped(let reason): "from a skipped module: \(reason)"
    }
  }
}

/// Modules by the names under which others import from them.
struct SpecLinker {
  private enum Offer {
    case exports([ExactName: Extern])
    case skipped(String)
  }

  private var offers: [ExactName: Offer] = [:]

  /// Offers `exports` under a module name, in place of what it offered before.
  mutating func register(_ name: String, _ exports: [ExactName: Extern]) { offers[ExactName(name)] = .exports(exports) }

  /// Notes that a module name stands for a module that was skipped.
  mutating func registerSkipped(_ name: String, _ reason: String) { offers[ExactName(name)] = .skipped(reason) }

  /// What an instance exports.
  static func exports(of instance: Instance) -> [ExactName: Extern] {
    var exports: [ExactName: Extern] = [:]
    for export in instance.compiled.module.exports {
      exports[ExactName(export.name)] =
        switch export.kind {
        case .function(let index): .function(.wasm(instance, index), instance.type(of: index))
        case .table(let index): .table(instance.tables[index.position])
        case .memory(let index): .memory(instance.memories[index.position])
        case .global(let index): .global(instance.globals[index.position])
        }
    }
    return exports
  }

  /// Finds and checks everything that a module imports.
  func objects(for module: Module) throws(LinkError) -> ImportedObjects {
    var objects = ImportedObjects()
    for entry in module.imports {
      let found: Extern
      switch offers[ExactName(entry.module)] {
      case .skipped(let reason): throw .skipped(reason)
      case .exports(let exports):
        guard let export = exports[ExactName(entry.name)] else { throw .unknownImport }
        found = export
      case nil: throw .unknownImport
      }
      switch (found, entry.kind) {
      case (.function(let function, let type), .function(let expected)) where type == module.types[expected.position]:
        objects.functions.append(function)
      case (.table(let table), .table(let expected)) where Self.fits(table, expected): objects.tables.append(table)
      case (.memory(let memory), .memory(let expected)) where Self.fits(memory, expected):
        objects.memories.append(memory)
      case (.global(let cell), .global(let expected)) where cell.type == expected: objects.globals.append(cell)
      default: throw .incompatibleType
      }
    }
    return objects
  }

  // A table or memory has, for an importer, its present size as its minimum.

  private static func fits(_ table: Execution.Table, _ expected: TableType) -> Bool {
    table.type.element == expected.element && table.type.is64Bit == expected.is64Bit
      && fits(table.count, table.type.limits.maximum, expected.limits)
  }

  private static func fits(_ memory: LinearMemory, _ expected: MemoryType) -> Bool {
    memory.type.is64Bit == expected.is64Bit && fits(memory.pageCount, memory.type.limits.maximum, expected.limits)
  }

  private static func fits(_ size: UInt64, _ maximum: UInt64?, _ expected: Limits) -> Bool {
    guard size >= expected.minimum else { return false }
    guard let limit = expected.maximum else { return true }
    return maximum.map { $0 <= limit } ?? false
  }
}

// MARK: The host module

/// Takes the values that scripts print, and forgets them.
final class SpecPrinter: ImportHandler {
  func call(_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) {}
}

/// The host module `spectest` of the reference interpreter, made anew for every script.
struct SpecHost {
  let exports: [ExactName: Extern]

  init() throws {
    let printer = SpecPrinter()
    var exports: [ExactName: Extern] = [:]
    let functions: [(String, [ValueType])] = [
      ("print", []), ("print_i32", [.i32]), ("print_i64", [.i64]), ("print_f32", [.f32]), ("print_f64", [.f64]),
      ("print_i32_f32", [.i32, .f32]), ("print_f64_f64", [.f64, .f64]),
    ]
    for (number, (name, parameters)) in functions.enumerated() {
      exports[ExactName(name)] = .function(.host(printer, number), FunctionType(parameters))
    }
    let globals: [(String, ValueType, UInt64)] = [
      ("global_i32", .i32, 666), ("global_i64", .i64, 666), ("global_f32", .f32, UInt64(Float(666.6).bitPattern)),
      ("global_f64", .f64, Double(666.6).bitPattern),
    ]
    for (name, type, bits) in globals { exports[ExactName(name)] = .global(GlobalCell(GlobalType(type), bits: bits)) }
    let limits = Limits(minimum: 10, maximum: 20)
    exports[ExactName("table")] = .table(try Execution.Table(TableType(.funcref, limits)))
    exports[ExactName("table64")] = .table(try Execution.Table(TableType(.funcref, limits, is64Bit: true)))
    exports[ExactName("memory")] = .memory(try LinearMemory(MemoryType(Limits(minimum: 1, maximum: 2))))
    self.exports = exports
  }
}
