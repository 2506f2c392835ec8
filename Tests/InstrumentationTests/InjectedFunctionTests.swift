// The injected functions: the order of their checks, and the text of some as a whole. What they do is compared with the
// host lane by every case that runs; these tests say what an intended change changes.

import Canister
import Instrumentation
import Testing
import Wasm

@Suite struct InjectedFunctionTests {
  /// The instructions of the functions of `everything` that were injected.
  private struct Injected {
    let module: Module
    let layout: InstrumentedLayout

    init(is64BitHeap: Bool = false, parameters: Parameters = Parameters()) throws {
      let strategy = Strategy(memory: .end, imports: .front)
      let original = everything(SampleShape(is64BitHeap: is64BitHeap))
      module = try instrument(original, strategy: strategy, parameters: parameters)
      layout = try InstrumentedLayout(of: original, strategy: strategy)
    }

    func body(_ function: FunctionIndex?) throws -> [Instruction] {
      let function = try #require(function)
      return module.functions[function.position - layout.importedFunctions].body.instructions
    }

    func body(_ function: SystemFunction) throws -> [Instruction] { try body(layout.replacement(of: function)) }

    func text(_ instructions: [Instruction]) -> [String] { instructions.map { printInstruction($0, labels: []) } }

    /// What a body can end with, in order: charges, returns, trap codes and what writes.
    func milestones(_ function: SystemFunction) throws -> [String] {
      let instructions = try body(function)
      return instructions.indices.compactMap { position in
        switch (instructions[position].opcode, instructions[position].immediate) {
        case (.call, .function(layout.decrement)): "charge"
        case (.call, .function(layout.countCleanPages)): "count"
        case (.call, .function(layout.stableReadFirstAccess)): "first access"
        case (.call, .function(layout.tryGrowStableMemory)): "ask"
        case (.call, .function(layout.internalTrap)):
          if case .i32(let code) = instructions[position - 1].immediate { "trap \(code)" } else { "trap" }
        case (.return, _): "return"
        case (.i32Store8, _), (.memoryFill, _): "mark"
        case (.memoryCopy, _): "copy"
        case (.memoryGrow, _): "grow"
        case (.globalSet, .global(layout.dirtyPageCounter)): "dirty"
        case (.globalSet, .global(layout.accessedPageCounter)): "accessed"
        default: nil
        }
      }
    }
  }

  @Test func checksAreOrdered() throws {
    let injected = try Injected()
    let orders: [(SystemFunction, [String])] = [
      (.stableSize, ["trap 3"]), (.stable64Size, []),
      (.stableGrow, ["ask", "return", "grow", "trap 6"]), (.stable64Grow, ["ask", "return", "grow", "trap 6"]),
      (
        .stableRead,
        [
          "charge", "return", "trap 3", "trap 2", "count", "trap 5", "mark", "first access", "copy", "accessed",
        ]
      ),
      (
        .stable64Read,
        [
          "charge", "return", "trap 2", "trap 2", "trap 1", "trap 1", "count", "trap 5", "mark", "first access",
          "copy", "accessed",
        ]
      ),
      (
        .stableWrite,
        [
          "charge", "trap 3", "trap 2", "return", "count", "trap 5", "trap 4", "charge", "mark", "copy", "dirty",
          "accessed",
        ]
      ),
      (
        .stable64Write,
        [
          "charge", "return", "trap 2", "trap 2", "trap 1", "trap 1", "count", "trap 5", "trap 4", "charge", "mark",
          "copy", "dirty", "accessed",
        ]
      ),
    ]
    for (function, order) in orders { #expect(try injected.milestones(function) == order, "\(function.name)") }
    let wide = try Injected(is64BitHeap: true)
    for (function, order) in orders where function.row.type(is64BitHeap: true) != nil {
      #expect(try wide.milestones(function) == order, "\(function.name), 64-bit heap")
    }
  }

  @Test func decrementAsText() throws {
    let injected = try Injected()
    #expect(
      injected.text(try injected.body(injected.layout.decrement)) == [
        "global.get 4", "local.get 0", "i64.sub", "local.tee 1", "global.get 4", "i64.gt_s", "if",
        "i64.const -9223372036854775808", "global.set 4", "else", "local.get 1", "global.set 4", "end",
        "global.get 4", "i64.const 0", "i64.lt_s", "if", "call 0", "end", "local.get 0", "end",
      ])
  }

  @Test func writeAsText() throws {
    let injected = try Injected()
    #expect(
      injected.text(try injected.body(.stable64Write)) == [
        // 20 + length
        "local.get 2", "i64.const 20", "i64.add", "call 20", "drop",
        "local.get 2", "i64.eqz", "if", "return", "end",
        "local.get 0", "local.get 2", "i64.add", "local.get 0", "i64.le_u", "if", "i32.const 2", "call 3", "end",
        "local.get 0", "local.get 2", "i64.add", "memory.size 1", "i64.const 65536", "i64.mul", "i64.gt_u", "if",
        "i32.const 2", "call 3", "end",
        "local.get 1", "i64.const 4294967295", "i64.gt_u", "if", "i32.const 1", "call 3", "end",
        "local.get 2", "i64.const 4294967295", "i64.gt_u", "if", "i32.const 1", "call 3", "end",
        // pages
        "local.get 0", "i64.const 12", "i64.shr_u", "i32.wrap_i64", "local.set 3",
        "local.get 0", "local.get 2", "i64.add", "i64.const 1", "i64.sub", "i64.const 12", "i64.shr_u",
        "i64.const 1", "i64.add", "i32.wrap_i64", "local.set 4",
        "local.get 3", "local.get 4", "call 21", "local.set 6", "local.set 5",
        // limits
        "local.get 6", "i64.extend_i32_u", "global.get 6", "i64.gt_u", "if", "i32.const 5", "call 3", "end",
        "local.get 5", "i64.extend_i32_u", "global.get 5", "i64.gt_u", "if", "i32.const 4", "call 3", "end",
        "local.get 5", "i64.extend_i32_u", "i64.const 1000", "i64.mul", "call 20", "drop",
        // marks and copy
        "local.get 3", "i32.const 3", "local.get 4", "local.get 3", "i32.sub", "memory.fill 2",
        "local.get 0", "local.get 1", "i32.wrap_i64", "local.get 2", "i32.wrap_i64", "memory.copy 1 0",
        "global.get 5", "local.get 5", "i64.extend_i32_u", "i64.sub", "global.set 5",
        "global.get 6", "local.get 6", "i64.extend_i32_u", "i64.sub", "global.set 6", "end",
      ])
  }

  @Test func parametersArePartOfTheBodies() throws {
    var parameters = Parameters()
    parameters.dirtyPageOverhead = 77
    parameters.heapLimit64 = 3
    let narrow = try Injected(parameters: parameters)
    #expect(try narrow.body(.stableWrite).contains(.i64(77)))
    let wide = try Injected(is64BitHeap: true, parameters: parameters)
    #expect(try wide.body(.stable64Read).filter { $0 == .i64(3 * 65_536) }.count == 2)
    parameters.heapLimit64 = .max
    let huge = try Injected(is64BitHeap: true, parameters: parameters)
    #expect(try huge.body(.stable64Read).filter { $0 == .i64(-1) }.count == 2)
  }
}
