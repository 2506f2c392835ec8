// Imports and definitions of a module laid end to end, as indices see them. Built once per module by each stage that
// looks up what an index means.

/// The index spaces of a module: imports first, then definitions.
public struct IndexSpaces: Sendable {
  /// Type of every function; may name a type that does not exist while the module is not validated.
  public private(set) var functions: [TypeIndex] = []
  public private(set) var tables: [TableType] = []
  public private(set) var memories: [MemoryType] = []
  public private(set) var globals: [GlobalType] = []
  public private(set) var importedFunctions = 0
  public private(set) var importedTables = 0
  public private(set) var importedMemories = 0
  public private(set) var importedGlobals = 0

  public init(_ module: Module) {
    for entry in module.imports {
      switch entry.kind {
      case .function(let type): functions.append(type)
      case .table(let type): tables.append(type)
      case .memory(let type): memories.append(type)
      case .global(let type): globals.append(type)
      }
    }
    importedFunctions = functions.count
    importedTables = tables.count
    importedMemories = memories.count
    importedGlobals = globals.count
    functions.append(contentsOf: module.functions.lazy.map(\.type))
    tables.append(contentsOf: module.tables.lazy.map(\.type))
    memories.append(contentsOf: module.memories)
    globals.append(contentsOf: module.globals.lazy.map(\.type))
  }
}
