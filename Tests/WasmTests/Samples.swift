// Modules made by hand for the tests: one with every kind of section, one around a given body, one per opcode.
// Used where a test must not depend on inputs beside the package.

import Wasm

/// A module of one exported function, with two memories (32- and 64-bit), a table of each width and two globals.
func module(
  _ instructions: [Instruction], type: FunctionType = FunctionType(), labels: [UInt32] = []
) -> Module {
  var module = Module()
  module.types = [type, FunctionType()]
  module.functions = [
    Function(
      type: TypeIndex(0),
      body: FunctionBody(instructions: instructions + [Instruction(.end)], labels: labels))
  ]
  module.tables = [
    Table(TableType(.funcref, Limits(minimum: 1))),
    Table(TableType(.externref, Limits(minimum: 0, maximum: 5), is64Bit: true)),
  ]
  module.memories = [
    MemoryType(Limits(minimum: 1, maximum: 2)), MemoryType(Limits(minimum: 0), is64Bit: true),
  ]
  module.globals = [
    Global(GlobalType(.i32), [.i32(-7)]), Global(GlobalType(.i64, isMutable: true), [.i64(.min)]),
  ]
  module.exports = [Export(name: "f", kind: .function(FunctionIndex(0)))]
  module.elements = [ElementSegment(mode: .passive, items: .functions([FunctionIndex(0)]))]
  module.hasDataCount = true
  module.data = [DataSegment(mode: .passive, bytes: [1, 2, 3])]
  return module
}

/// A valid module that uses every section, every form of segment and import, names and custom sections.
func everything() -> Module {
  var module = Module()
  let function = FunctionIndex(1)
  module.types = [
    FunctionType(), FunctionType([.i32, .i64, .f32, .f64, .v128, .funcref, .externref], [.i32]),
    FunctionType([.i32], [.i32, .i64]),
  ]
  module.imports = [
    Import(module: "env", name: "function", kind: .function(TypeIndex(1))),
    Import(module: "env", name: "table", kind: .table(TableType(.funcref, Limits(minimum: 1)))),
    Import(module: "env", name: "memory", kind: .memory(MemoryType(Limits(minimum: 1, maximum: 65536)))),
    Import(module: "", name: "\u{e9}\u{0}\"\\", kind: .global(GlobalType(.i32))),
  ]
  module.tables = [
    Table(TableType(.externref, Limits(minimum: 2, maximum: 3), is64Bit: true)),
    Table(TableType(.funcref, Limits(minimum: 2)), initializer: [Instruction(.refFunc, .function(function))]),
  ]
  module.memories = [MemoryType(Limits(minimum: 0, maximum: 1 << 48), is64Bit: true)]
  module.globals = [
    Global(GlobalType(.i32, isMutable: true), [.get(GlobalIndex(0)), .i32(3), Instruction(.i32Mul)]),
    Global(GlobalType(.f32), [Instruction(.f32Const, .f32(0xFFA0_0001))]),
    Global(GlobalType(.f64), [Instruction(.f64Const, .f64(1))]),
    Global(GlobalType(.v128), [Instruction(.v128Const, .v128(V128(low: 1, high: .max)))]),
    Global(GlobalType(.externref), [Instruction(.refNull, .referenceType(.externref))]),
  ]
  module.exports = [
    Export(name: "", kind: .function(function)), Export(name: "t", kind: .table(TableIndex(2))),
    Export(name: "m", kind: .memory(MemoryIndex(1))), Export(name: "g", kind: .global(GlobalIndex(1))),
  ]
  module.start = FunctionIndex(2)
  let reference = Instruction(.refFunc, .function(function))
  let null = Instruction(.refNull, .referenceType(.funcref))
  module.elements = [
    ElementSegment(mode: .active(TableIndex(0), offset: [.i32(0)]), items: .functions([function])),
    ElementSegment(mode: .active(TableIndex(2), offset: [.get(GlobalIndex(0))]), items: .functions([])),
    ElementSegment(mode: .active(TableIndex(0), offset: [.i32(0)]), items: .expressions(.funcref, [[reference]])),
    ElementSegment(mode: .active(TableIndex(2), offset: [.i32(0)]), items: .expressions(.funcref, [[null]])),
    ElementSegment(
      mode: .active(TableIndex(1), offset: [.i64(0)]),
      items: .expressions(.externref, [[Instruction(.refNull, .referenceType(.externref))]])),
    ElementSegment(mode: .passive, items: .functions([function, FunctionIndex(0)])),
    ElementSegment(mode: .passive, items: .expressions(.funcref, [[reference], [null]])),
    ElementSegment(mode: .declarative, items: .functions([FunctionIndex(2)])),
    ElementSegment(mode: .declarative, items: .expressions(.externref, [])),
  ]
  module.functions = [
    Function(
      type: TypeIndex(2),
      body: FunctionBody(
        locals: [LocalGroup(count: 2, type: .i64), LocalGroup(count: 1, type: .v128)],
        instructions: [
          Instruction(.block, .block(.type(TypeIndex(0)))),
          Instruction(.loop, .block(.value(.i32))), .get(LocalIndex(0)), Instruction(.end),
          Instruction(.brTable, .labels(LabelRange(start: 0, count: 3))), Instruction(.end),
          .get(LocalIndex(0)), Instruction(.if, .block(.empty)), Instruction(.nop), Instruction(.else),
          Instruction(.unreachable), Instruction(.end),
          .get(LocalIndex(0)), .get(LocalIndex(1)), Instruction(.end),
        ], labels: [0, 0, 0])),
    Function(
      type: TypeIndex(0),
      body: FunctionBody(instructions: [
        .i64(0), .i32(0), .i32(1), Instruction(.memoryInit, .memoryInit(MemoryIndex(1), DataIndex(1))),
        Instruction(.end),
      ])),
  ]
  module.hasDataCount = true
  module.data = [
    DataSegment(mode: .active(MemoryIndex(0), offset: [.i32(-1)]), bytes: [0, 255]),
    DataSegment(mode: .passive, bytes: Array("text \"\\ \n".utf8)),
    DataSegment(mode: .active(MemoryIndex(1), offset: [.i64(1 << 40)]), bytes: []),
  ]
  module.customSections = [
    CustomSection(name: "first", bytes: [], follows: .start),
    CustomSection(name: "middle", bytes: [1, 2], follows: .element),
    CustomSection(name: NameSection.sectionName, bytes: sampleNames().encoded()),
    CustomSection(name: "last", bytes: [0]),
  ]
  return module
}

/// Names of every kind; some cannot be identifiers of the text format.
func sampleNames() -> NameSection {
  var names = NameSection()
  names.module = "sample"
  names.functions = [
    IndexedName(FunctionIndex(0), "imported"), IndexedName(FunctionIndex(1), "two words;)"),
    IndexedName(FunctionIndex(2), "start<u8>"),
  ]
  names.locals = [
    FunctionNames(
      FunctionIndex(1), [IndexedName(LocalIndex(0), "parameter"), IndexedName(LocalIndex(2), "local")])
  ]
  names.labels = [FunctionNames(FunctionIndex(1), [IndexedName(LabelIndex(0), "outer")])]
  names.types = [IndexedName(TypeIndex(0), "nothing")]
  names.tables = [IndexedName(TableIndex(1), "same"), IndexedName(TableIndex(2), "same")]
  names.memories = [IndexedName(MemoryIndex(1), "big")]
  names.globals = [IndexedName(GlobalIndex(1), "product")]
  names.elements = [IndexedName(ElementIndex(0), "segment")]
  names.data = [IndexedName(DataIndex(1), "text")]
  return names
}

/// An immediate of the shape that `opcode` takes; not necessarily a valid one.
func sampleImmediate(_ opcode: Opcode) -> Immediate {
  let access = MemoryAccess(alignment: opcode.row.alignment, offset: 1 << 33, memory: MemoryIndex(1))
  switch opcode.row.shape {
  case .none: return .none
  case .block: return .block(.type(TypeIndex(64)))
  case .label: return .label(300)
  case .labels: return .labels(LabelRange(start: 0, count: 2))
  case .function: return .function(FunctionIndex(UInt32.max))
  case .indirectCall: return .indirectCall(TypeIndex(1), TableIndex(200))
  case .resultType: return .resultType(.externref)
  case .referenceType: return .referenceType(.externref)
  case .local: return .local(LocalIndex(128))
  case .global: return .global(GlobalIndex(127))
  case .table: return .table(TableIndex(1))
  case .tableInit: return .tableInit(TableIndex(1), ElementIndex(2))
  case .tableCopy: return .tableCopy(destination: TableIndex(1), source: TableIndex(2))
  case .element: return .element(ElementIndex(3))
  case .memory: return .memory(MemoryIndex(1))
  case .memoryInit: return .memoryInit(MemoryIndex(1), DataIndex(2))
  case .memoryCopy: return .memoryCopy(destination: MemoryIndex(1), source: MemoryIndex(2))
  case .memoryAccess: return .memoryAccess(access)
  case .memoryLane: return .memoryLane(access, lane: 255)
  case .data: return .data(DataIndex(9))
  case .i32: return .i32(.min)
  case .i64: return .i64(.min)
  case .f32: return .f32(0x7FA0_0001)
  case .f64: return .f64(0xFFF0_0000_0000_0001)
  case .v128: return .v128(V128(low: 0x0102_0304_0506_0708, high: 0x090A_0B0C_0D0E_0F10))
  case .shuffle: return .shuffle(V128(low: 0x1F1E_1D1C_1B1A_1918, high: 0x0706_0504_0302_0100))
  case .lane: return .lane(7)
  }
}
