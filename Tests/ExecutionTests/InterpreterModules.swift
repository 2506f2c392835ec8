// Small modules for the tests of the interpreter, put together by hand, and short forms of instructions.
// Used by all `Interpreter…Tests`.

import Execution
import Wasm

/// A module under construction.
struct SmallModule {
  var module = Module()

  /// The index of a function type, which is added where it is new. Add all imports before the first function.
  mutating func type(_ parameters: [ValueType] = [], _ results: [ValueType] = []) -> TypeIndex {
    let type = FunctionType(parameters, results)
    if let position = module.types.firstIndex(of: type) { return TypeIndex(position) }
    module.types.append(type)
    return TypeIndex(module.types.count - 1)
  }

  /// The type of a block.
  mutating func blockType(_ parameters: [ValueType] = [], _ results: [ValueType] = []) -> BlockType {
    .type(type(parameters, results))
  }

  @discardableResult mutating func importFunction(
    _ parameters: [ValueType] = [], _ results: [ValueType] = []
  ) -> FunctionIndex {
    let kind = ImportKind.function(type(parameters, results))
    module.imports.append(Import(module: "test", name: "\(module.imports.count)", kind: kind))
    return FunctionIndex(module.imports.count - 1)
  }

  /// Adds a function; its body is given without the final `end`.
  @discardableResult mutating func add(
    _ parameters: [ValueType] = [], _ results: [ValueType] = [], locals: [LocalGroup] = [], labels: [UInt32] = [],
    _ instructions: [Instruction]
  ) -> FunctionIndex {
    let body = FunctionBody(locals: locals, instructions: instructions + [Instruction(.end)], labels: labels)
    module.functions.append(Function(type: type(parameters, results), body: body))
    return FunctionIndex(module.imports.count + module.functions.count - 1)
  }

  /// Adds a function without parameters and results.
  @discardableResult mutating func add(_ instructions: [Instruction]) -> FunctionIndex { add([], [], instructions) }

  /// Adds a table of functions that holds all functions so far, in order, after `nulls` null references.
  mutating func addTable(nulls: Int = 0) {
    let functions = (0..<module.imports.count + module.functions.count).map { FunctionIndex($0) }
    let table = TableIndex(module.tables.count)
    let limits = Limits(minimum: UInt64(nulls + functions.count))
    module.tables.append(Table(TableType(.funcref, limits)))
    let offset = [Instruction.i32(Int32(nulls))]
    module.elements.append(ElementSegment(mode: .active(table, offset: offset), items: .functions(functions)))
  }

  /// A new instance, segments applied.
  func instance(
    _ imports: ImportedObjects = ImportedObjects(), _ options: TranslationOptions = TranslationOptions()
  ) throws -> Instance {
    try validate(module)
    let instance = try Instance(CompiledModule(module, options: options), imports: imports, memories: MemoryPool())
    try instance.applyActiveElements()
    try instance.applyActiveData()
    return instance
  }

  /// Calls a function of a new instance.
  func run(_ function: FunctionIndex, _ arguments: UInt64...) throws -> [UInt64] {
    try Machine().invoke(function, of: try instance(), arguments: arguments)
  }

  /// The trap that ends a call of a function of a new instance; nil where it returns.
  func trap(_ function: FunctionIndex, _ arguments: UInt64...) throws -> Trap? {
    let instance = try instance()
    do {
      try Machine().invoke(function, of: instance, arguments: arguments)
      return nil
    } catch {
      return error
    }
  }
}

/// Serves imported functions with a closure.
final class ClosureImports: ImportHandler {
  typealias Body = (_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) -> Void

  private let body: Body

  init(_ body: @escaping Body) { self.body = body }

  func call(_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap) {
    try body(function, slots, machine)
  }

  /// Imports that this handler serves, numbered from 0.
  func objects(_ count: Int = 1) -> ImportedObjects {
    var objects = ImportedObjects()
    objects.functions = (0..<count).map { .host(self, $0) }
    return objects
  }
}

extension Instruction {
  static let end = Instruction(.end)
  static let otherwise = Instruction(.else)
  static let drop = Instruction(.drop)
  static let nop = Instruction(.nop)
  static let leave = Instruction(.return)
  static let unreachable = Instruction(.unreachable)
  static let add = Instruction(.i32Add)
  static let sub = Instruction(.i32Sub)
  static let mul = Instruction(.i32Mul)

  static func get(_ local: Int) -> Instruction { .get(LocalIndex(local)) }
  static func set(_ local: Int) -> Instruction { .set(LocalIndex(local)) }
  static func tee(_ local: Int) -> Instruction { .tee(LocalIndex(local)) }
  static func block(_ type: BlockType = .empty) -> Instruction { Instruction(.block, .block(type)) }
  static func loop(_ type: BlockType = .empty) -> Instruction { Instruction(.loop, .block(type)) }
  static func when(_ type: BlockType = .empty) -> Instruction { Instruction(.if, .block(type)) }
  static func br(_ depth: UInt32) -> Instruction { Instruction(.br, .label(depth)) }
  static func brIf(_ depth: UInt32) -> Instruction { Instruction(.brIf, .label(depth)) }
  /// A `br_table` over the body's labels from `start` on, the last of them the default.
  static func brTable(_ start: UInt32, _ count: UInt32) -> Instruction {
    Instruction(.brTable, .labels(LabelRange(start: start, count: count)))
  }
  static func returnCall(_ function: FunctionIndex) -> Instruction { Instruction(.returnCall, .function(function)) }

  /// A load or store.
  static func access(_ opcode: Opcode, offset: UInt64 = 0, memory: Int = 0) -> Instruction {
    Instruction(opcode, .memoryAccess(MemoryAccess(alignment: 0, offset: offset, memory: MemoryIndex(memory))))
  }
}
