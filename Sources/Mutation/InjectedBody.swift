// An injected function's body as the operators see it: its statements, and instructions numbered by opcode, which is
// the same for both heap widths and all placements. Used by `MutationRule+Injected.swift`.

import Canister
import Instrumentation
import Wasm

extension InjectedFunction {
  /// All of them, in the order of their bodies.
  static let all: [InjectedFunction] =
    [.decrement, .countCleanPages] + InstrumentedLayout.replacementOrder.map(InjectedFunction.stable)

  var name: String {
    switch self {
    case .decrement: "decrement"
    case .countCleanPages: "count_clean_pages"
    case .stable(let function): function.name
    }
  }

  /// The stable functions whose calls may run this one; empty: other code runs it too.
  var callers: [SystemFunction] {
    switch self {
    case .decrement: []
    case .countCleanPages: [.stableRead, .stable64Read, .stableWrite, .stable64Write]
    case .stable(let function): [function]
    }
  }
}

/// The n-th instruction with an opcode, counted from 1.
struct Occurrence: Hashable, Sendable {
  let opcode: Opcode
  let number: Int

  func position(in instructions: [Instruction]) -> Int? {
    var remaining = number
    for (position, instruction) in instructions.enumerated() where instruction.opcode == opcode {
      remaining -= 1
      if remaining == 0 { return position }
    }
    return nil
  }
}

/// A body with its types.
struct InjectedBody {
  let instructions: [Instruction]
  /// Types of parameters and locals.
  let locals: [ValueType]
  private let functionTypes: [FunctionType]

  init(_ position: Int, of module: Module) {
    let function = module.functions[position]
    instructions = function.body.instructions
    let type = module.types[function.type.position]
    locals = function.body.locals.reduce(into: type.parameters) { types, group in
      types += [ValueType](repeating: group.type, count: Int(group.count))
    }
    functionTypes = IndexSpaces(module).functions.map { module.types[$0.position] }
  }

  func type(of function: FunctionIndex) -> FunctionType { functionTypes[function.position] }

  /// A statement: code between two points at which its block has nothing on the stack.
  struct Statement {
    let range: Range<Int>
    /// The statement right behind it in the same block, by number.
    var next: Int?
  }

  /// All statements, those inside of others too, in the order in which they begin; blocks of the injected functions
  /// neither take nor leave values.
  var statements: [Statement] {
    var found: [Statement] = []
    var position = 0
    collect(&position, &found)
    found.sort { ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound) }
    for number in found.indices {
      found[number].next = found.indices.first { found[$0].range.lowerBound == found[number].range.upperBound }
    }
    return found
  }

  /// Collects the statements of a block, up to its `end` or `else`.
  private func collect(_ position: inout Int, _ found: inout [Statement]) {
    var height = 0
    var start = position
    while position < instructions.count {
      let instruction = instructions[position]
      position += 1
      switch instruction.opcode {
      case .end, .else: return
      case .if, .loop:
        if instruction.opcode == .if { height -= 1 }
        repeat { collect(&position, &found) } while instructions[position - 1].opcode == .else
      default: height += change(by: instruction)
      }
      if height == 0 || instruction.opcode == .return {
        found.append(Statement(range: start..<position))
        start = position
        height = 0
      }
    }
  }

  private func change(by instruction: Instruction) -> Int {
    switch (instruction.opcode, instruction.immediate) {
    case (_, .function(let function)):
      let type = type(of: function)
      return type.results.count - type.parameters.count
    case (.localGet, _), (.globalGet, _), (.memorySize, _), (.i32Const, _), (.i64Const, _): return 1
    case (.localSet, _), (.globalSet, _), (.drop, _), (.brIf, _): return -1
    case (.localTee, _), (.memoryGrow, _): return 0
    case (.memoryFill, _), (.memoryCopy, _): return -3
    default:
      let signature = instruction.opcode.row.signature
      return (signature.result == nil ? 0 : 1) - signature.operandCount
    }
  }
}
