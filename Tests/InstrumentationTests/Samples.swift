// Canister modules made by hand: one that has something of everything that instrumentation changes, and small ones
// around a given body. Used by all tests of this target.

import Canister
import Instrumentation
import Wasm

extension Instruction {
  static func op(_ opcode: Opcode) -> Instruction { Instruction(opcode) }
  static func block(_ opcode: Opcode) -> Instruction { Instruction(opcode, .block(.empty)) }
  static func branch(_ opcode: Opcode, _ depth: UInt32) -> Instruction { Instruction(opcode, .label(depth)) }
  static func memory(_ opcode: Opcode, _ memory: Int = 0) -> Instruction {
    Instruction(opcode, .memory(MemoryIndex(memory)))
  }
  static func table(_ opcode: Opcode, _ table: Int = 0) -> Instruction {
    Instruction(opcode, .table(TableIndex(table)))
  }
  static func local(_ opcode: Opcode, _ local: Int) -> Instruction { Instruction(opcode, .local(LocalIndex(local))) }
  static func global(_ opcode: Opcode, _ global: Int) -> Instruction {
    Instruction(opcode, .global(GlobalIndex(global)))
  }
  static func function(_ opcode: Opcode, _ function: Int) -> Instruction {
    Instruction(opcode, .function(FunctionIndex(function)))
  }
  static func access(_ opcode: Opcode, memory: Int = 0, offset: UInt64 = 0) -> Instruction {
    Instruction(opcode, .memoryAccess(MemoryAccess(alignment: 0, offset: offset, memory: MemoryIndex(memory))))
  }
}

extension Module {
  /// The index of a function type, added where it is missing.
  mutating func type(_ parameters: [ValueType] = [], _ results: [ValueType] = []) -> TypeIndex {
    let type = FunctionType(parameters, results)
    if let index = types.firstIndex(of: type) { return TypeIndex(index) }
    types.append(type)
    return TypeIndex(types.count - 1)
  }

  mutating func importSystem(_ function: SystemFunction, is64BitHeap: Bool = false) {
    guard let signature = function.row.type(is64BitHeap: is64BitHeap) else { return }
    let index = type(signature.parameters, signature.results)
    imports.append(Import(module: "ic0", name: function.name, kind: .function(index)))
  }

  mutating func add(
    _ parameters: [ValueType] = [], _ results: [ValueType] = [], locals: [LocalGroup] = [], body: [Instruction],
    labels: [UInt32] = []
  ) {
    let index = type(parameters, results)
    functions.append(
      Function(type: index, body: FunctionBody(locals: locals, instructions: body + [.op(.end)], labels: labels)))
  }
}

/// What `everything` can be made of.
struct SampleShape: CustomStringConvertible, Sendable {
  var is64BitHeap = false
  /// Types of memories behind the heap.
  var further: [MemoryType] = []

  var description: String { "heap \(is64BitHeap ? 64 : 32), further memories \(further.map(\.is64Bit))" }

  static let all: [SampleShape] = [
    SampleShape(), SampleShape(is64BitHeap: true),
    SampleShape(further: [MemoryType(Limits(minimum: 1)), MemoryType(Limits(minimum: 2), is64Bit: true)]),
    SampleShape(is64BitHeap: true, further: [MemoryType(Limits(minimum: 1)), MemoryType(Limits(minimum: 1))]),
  ]
}

/// Positions in `everything`.
enum Sample {
  /// Functions, counted within the module's own.
  static let update = 0
  static let query = 1
  static let start = 2
  static let helper = 3
  static let otherHelper = 4
}

/// A canister with two entry points, a start function, helpers of equal type, all stable functions of its width (one of
/// them imported twice), a table with segments, globals, data, bulk instructions, loops and growth.
func everything(_ shape: SampleShape = SampleShape()) -> Module {
  let wide = shape.is64BitHeap
  let word: ValueType = wide ? .i64 : .i32
  func constant(_ value: Int64) -> Instruction { wide ? .i64(value) : .i32(Int32(value)) }
  var module = Module()
  let stable = InstrumentedLayout.replacementOrder.filter { $0.row.type(is64BitHeap: wide) != nil }
  for function in stable + [.msgReply, .stable64Write] { module.importSystem(function, is64BitHeap: wide) }
  let imports = module.imports.count
  module.memories = [MemoryType(Limits(minimum: 1), is64Bit: wide)] + shape.further
  module.tables = [Table(TableType(.funcref, Limits(minimum: 8)))]
  module.globals = [
    Global(GlobalType(.i32, isMutable: true), [.i32(1)]), Global(GlobalType(.i32, isMutable: true), [.i32(2)]),
    Global(GlobalType(.i64, isMutable: true), [.i64(3)]),
    Global(GlobalType(.funcref), [.function(.refFunc, imports + Sample.helper)]),
  ]
  let unary = module.type([.i32], [.i32])

  // update: a local of each width
  var update: [Instruction] = [
    .block(.loop), .local(.localGet, 0), .i32(1), .op(.i32Add), .local(.localTee, 0), .i32(3), .op(.i32LtU),
    .branch(.brIf, 0), .op(.nop), .op(.end),
    .global(.globalGet, 0), .block(.if), .i32(5), .function(.call, imports + Sample.helper), .global(.globalSet, 1),
    .op(.else), .op(.nop), .op(.end),
    .i32(1), .i32(2), Instruction(.callIndirect, .indirectCall(unary, TableIndex(0))), .op(.drop),
    .function(.refFunc, imports + Sample.otherHelper), .op(.drop),
    constant(0), .i32(7), constant(16), .memory(.memoryFill),
    constant(8), constant(0), constant(16),
    Instruction(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0))),
    constant(0), .i32(0), .i32(2), Instruction(.memoryInit, .memoryInit(MemoryIndex(0), DataIndex(1))),
    .i32(0), .i32(0), .i32(1), Instruction(.tableInit, .tableInit(TableIndex(0), ElementIndex(1))),
    constant(1), .memory(.memoryGrow), .local(.localSet, 1), .local(.localGet, 2), .op(.drop),
  ]
  for (number, memory) in shape.further.enumerated() {
    update += [memory.is64Bit ? .i64(4) : .i32(4), .access(.i32Load, memory: number + 1), .op(.drop)]
  }
  // A call of every import, the second stable64_write included.
  for (number, entry) in module.imports.enumerated() {
    guard let function = SystemFunction(name: entry.name),
      let signature = function.row.type(is64BitHeap: wide)
    else { continue }
    update += signature.parameters.map { $0 == .i64 ? .i64(0) : .i32(0) }
    update.append(.function(.call, number))
    if !signature.results.isEmpty { update.append(.op(.drop)) }
  }
  module.add(locals: [LocalGroup(count: 1, type: .i32), LocalGroup(count: 2, type: word)], body: update)
  module.add(body: [.function(.call, imports + Sample.start)])
  module.add(body: [.i32(9), .global(.globalSet, 0)])
  module.add([.i32], [.i32], body: [.local(.localGet, 0), .i32(1), .op(.i32Add)])
  module.add([.i32], [.i32], body: [.local(.localGet, 0), .function(.returnCall, imports + Sample.helper)])

  module.start = FunctionIndex(imports + Sample.start)
  module.exports = [
    Export(name: "canister_update run", kind: .function(FunctionIndex(imports + Sample.update))),
    Export(name: "canister_query ask", kind: .function(FunctionIndex(imports + Sample.query))),
    Export(name: "heap", kind: .memory(MemoryIndex(0))), Export(name: "counter", kind: .global(GlobalIndex(2))),
  ]
  let helpers = [imports + Sample.helper, imports + Sample.otherHelper].map { FunctionIndex($0) }
  module.elements = [
    ElementSegment(mode: .active(TableIndex(0), offset: [.i32(1)]), items: .functions(helpers)),
    ElementSegment(
      mode: .passive, items: .expressions(.funcref, [[.function(.refFunc, imports + Sample.otherHelper)]])),
  ]
  module.hasDataCount = true
  module.data = [
    DataSegment(mode: .active(MemoryIndex(0), offset: [constant(0)]), bytes: [1, 2, 3]),
    DataSegment(mode: .passive, bytes: [4, 5]),
    DataSegment(mode: .passive, bytes: [6, 7, 8]),
    DataSegment(mode: .active(MemoryIndex(0), offset: [constant(64)]), bytes: [9]),
  ]
  return module
}

/// A module with one function of the given body, two memories of different widths and two tables.
func around(
  _ body: [Instruction], locals: [LocalGroup] = [], is64BitHeap: Bool = false
) -> Module {
  var module = Module()
  module.memories = [
    MemoryType(Limits(minimum: 1), is64Bit: is64BitHeap), MemoryType(Limits(minimum: 1), is64Bit: !is64BitHeap),
  ]
  module.tables = [
    Table(TableType(.funcref, Limits(minimum: 1))), Table(TableType(.funcref, Limits(minimum: 1), is64Bit: true)),
  ]
  module.elements = [ElementSegment(mode: .passive, items: .functions([FunctionIndex(0)]))]
  module.hasDataCount = true
  module.data = [DataSegment(mode: .passive, bytes: [1])]
  module.add(locals: locals, body: body)
  return module
}
