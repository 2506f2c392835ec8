// How many operands an instruction takes and what it leaves. Everything but control, which `BodyOutline` does itself.
// Read by `BodyOutline`; the types of indices that it needs are here as well.

import Wasm

/// What the indices of a module mean.
struct ModuleTypes {
  let types: [FunctionType]
  let spaces: IndexSpaces

  init(_ module: Module) {
    types = module.types
    spaces = IndexSpaces(module)
  }

  func type(_ index: TypeIndex) -> FunctionType? {
    types.indices.contains(index.position) ? types[index.position] : nil
  }

  func type(of function: FunctionIndex) -> FunctionType? {
    spaces.functions.indices.contains(function.position) ? type(spaces.functions[function.position]) : nil
  }

  func signature(of block: BlockType) -> FunctionType? {
    switch block {
    case .empty: FunctionType()
    case .value(let type): FunctionType([], [type])
    case .type(let index): type(index)
    }
  }

  func memory(_ index: MemoryIndex) -> MemoryType? {
    spaces.memories.indices.contains(index.position) ? spaces.memories[index.position] : nil
  }

  func table(_ index: TableIndex) -> TableType? {
    spaces.tables.indices.contains(index.position) ? spaces.tables[index.position] : nil
  }

  func global(_ index: GlobalIndex) -> GlobalType? {
    spaces.globals.indices.contains(index.position) ? spaces.globals[index.position] : nil
  }
}

/// Types of parameters and locals.
struct LocalTypes {
  let types: [ValueType]

  /// - Returns: nil for more locals than a valid function has.
  init?(_ type: FunctionType, _ groups: [LocalGroup]) {
    var types = type.parameters
    for group in groups {
      guard types.count + Int(group.count) <= 51_000 else { return nil }
      types.append(contentsOf: repeatElement(group.type, count: Int(group.count)))
    }
    self.types = types
  }

  subscript(_ index: LocalIndex) -> ValueType? {
    types.indices.contains(index.position) ? types[index.position] : nil
  }
}

struct StackEffects {
  let types: ModuleTypes
  let locals: LocalTypes

  typealias Effect = (pops: Int, pushes: [ValueType])

  /// The effect of an instruction; nil where an index names nothing, and for control.
  func effect(of instruction: Instruction) -> Effect? {
    let signature = instruction.opcode.row.signature
    if !signature.isSpecial { return (signature.operandCount, signature.result.map { [$0] } ?? []) }
    switch instruction.immediate {
    case .none:
      switch instruction.opcode {
      case .drop: return (1, [])
      case .refIsNull: return (1, [.i32])
      default: return nil
      }
    case .function(let index):
      if instruction.opcode == .refFunc { return (0, [.funcref]) }
      return types.type(of: index).map { ($0.parameters.count, $0.results) }
    case .indirectCall(let type, _): return types.type(type).map { ($0.parameters.count + 1, $0.results) }
    case .resultType(let type): return type.map { (3, [$0]) }
    case .referenceType(let type): return (0, [type])
    case .local(let index):
      guard let type = locals[index] else { return nil }
      switch instruction.opcode {
      case .localGet: return (0, [type])
      case .localSet: return (1, [])
      default: return (1, [type])
      }
    case .global(let index):
      guard let type = types.global(index)?.value else { return nil }
      return instruction.opcode == .globalGet ? (0, [type]) : (1, [])
    case .table(let index):
      guard let type = types.table(index) else { return nil }
      switch instruction.opcode {
      case .tableGet: return (1, [type.element])
      case .tableSet: return (2, [])
      case .tableSize: return (0, [type.indexType])
      case .tableGrow: return (2, [type.indexType])
      default: return (3, [])
      }
    case .memory(let index):
      guard let type = types.memory(index)?.indexType else { return nil }
      switch instruction.opcode {
      case .memorySize: return (0, [type])
      case .memoryGrow: return (1, [type])
      default: return (3, [])
      }
    case .tableInit, .tableCopy, .memoryInit, .memoryCopy: return (3, [])
    case .element, .data: return (0, [])
    case .block, .label, .labels, .memoryAccess, .memoryLane, .i32, .i64, .f32, .f64, .v128, .shuffle, .lane:
      return nil
    }
  }
}
