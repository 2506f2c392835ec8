// Small canister modules for the tests of lanes, put together by hand.

import Canister
import Wasm

/// A canister module: imports of `ic0`, entry points of type () → (), a heap of one Wasm page, mutable i64 globals.
struct TestCanister {
  var imports: [SystemFunction]
  /// Exports and their bodies, without the final `end`.
  var entryPoints: [(name: String, body: [Instruction])] = []
  var start: [Instruction]?
  var memories = [MemoryType(Limits(minimum: 1))]
  var globals: [Int64] = []
  var data: [(offset: Int32, bytes: [UInt8])] = []

  init(_ imports: SystemFunction...) { self.imports = imports }

  /// Adds an exported entry point.
  mutating func add(_ name: String, _ body: [Instruction]) { entryPoints.append((name, body)) }

  /// A call of an imported function with constant operands.
  func call(_ function: SystemFunction, _ operands: Int64...) -> [Instruction] { call(function, operands) }

  /// As `call`, for a function whose result is not wanted.
  func drop(_ function: SystemFunction, _ operands: Int64...) -> [Instruction] {
    call(function, operands) + [Instruction(.drop)]
  }

  private func call(_ function: SystemFunction, _ operands: [Int64]) -> [Instruction] {
    let is64Bit = memories.first?.is64Bit ?? false
    let types = function.row.type(is64BitHeap: is64Bit)?.parameters ?? []
    let constants = zip(operands, types).map { operand, type in
      type == .i64 ? Instruction.i64(operand) : .i32(Int32(truncatingIfNeeded: operand))
    }
    return constants + [.call(FunctionIndex(imports.firstIndex(of: function) ?? 0))]
  }

  /// Stores a byte in the heap.
  func store(_ byte: Int32, at address: Int32) -> [Instruction] {
    [
      .i32(address), .i32(byte),
      Instruction(.i32Store8, .memoryAccess(MemoryAccess(alignment: 0, offset: 0))),
    ]
  }

  /// Stores an i64 that a body leaves on the stack.
  func store(at address: Int32, _ value: [Instruction]) -> [Instruction] {
    [.i32(address)] + value + [Instruction(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))]
  }

  /// Sets a global.
  func set(_ global: Int, _ value: Int64) -> [Instruction] { [.i64(value), .set(GlobalIndex(global))] }

  /// Replies with a range of the heap.
  func reply(_ address: Int64, _ count: Int64) -> [Instruction] {
    call(.msgReplyDataAppend, address, count) + call(.msgReply)
  }

  var module: Module {
    var module = Module()
    let is64Bit = memories.first?.is64Bit ?? false
    module.types = [FunctionType()]
    for function in imports {
      module.types.append(function.row.type(is64BitHeap: is64Bit) ?? FunctionType())
      module.imports.append(
        Import(module: "ic0", name: function.name, kind: .function(TypeIndex(module.types.count - 1))))
    }
    func define(_ body: [Instruction]) -> FunctionIndex {
      module.functions.append(
        Function(type: TypeIndex(0 as UInt32), body: FunctionBody(instructions: body + [Instruction(.end)])))
      return FunctionIndex(imports.count + module.functions.count - 1)
    }
    for (name, body) in entryPoints {
      let function = define(body)
      module.exports.append(Export(name: name, kind: .function(function)))
    }
    module.start = start.map(define)
    module.memories = memories
    module.globals = globals.map { Global(GlobalType(.i64, isMutable: true), [.i64($0)]) }
    module.data = data.map {
      DataSegment(mode: .active(MemoryIndex(0 as UInt32), offset: [.i32($0.offset)]), bytes: $0.bytes)
    }
    return module
  }
}
