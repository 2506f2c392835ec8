// The language in which faults are written: find instructions in a body by a pattern, and replace them.

import Canister
import Instrumentation
import Wasm

/// One instruction of a pattern.
enum Pattern {
  /// Any instruction with this opcode.
  case any(Opcode)
  /// Exactly this instruction.
  case exactly(Instruction)

  static func i32(_ value: Int32) -> Pattern { .exactly(.i32(value)) }
  static func i64(_ value: Int64) -> Pattern { .exactly(.i64(value)) }
  static func get(_ local: LocalIndex) -> Pattern { .exactly(.get(local)) }
  static func get(_ global: GlobalIndex) -> Pattern { .exactly(.get(global)) }
  static func set(_ global: GlobalIndex) -> Pattern { .exactly(.set(global)) }
  static func call(_ function: FunctionIndex) -> Pattern { .exactly(.call(function)) }

  func matches(_ instruction: Instruction) -> Bool {
    switch self {
    case .any(let opcode): instruction.opcode == opcode
    case .exactly(let expected): instruction == expected
    }
  }
}

/// Locals of the injected functions, as `InjectedFunctions` numbers them.
extension LocalIndex {
  static let amount = LocalIndex(0)
  static let length = LocalIndex(2)
  static let firstPage = LocalIndex(3)
  static let endPage = LocalIndex(4)
  static let unwritten = LocalIndex(5)
  static let unaccessed = LocalIndex(6)
}

extension Instruction {
  static func op(_ opcode: Opcode) -> Instruction { Instruction(opcode) }
}

/// A body while it is edited.
struct BodyEdit {
  private(set) var instructions: [Instruction]
  /// Types of parameters and locals.
  let locals: [ValueType]
  let layout: InstrumentedLayout
  let parameters: Parameters

  init(
    _ instructions: [Instruction], locals: [ValueType], layout: InstrumentedLayout, parameters: Parameters
  ) {
    self.instructions = instructions
    self.locals = locals
    self.layout = layout
    self.parameters = parameters
  }

  // MARK: Find

  /// Where the `nth` match of the pattern is, counted from 1.
  func find(_ pattern: [Pattern], nth: Int = 1, from start: Int = 0) throws -> Range<Int> {
    var remaining = nth
    var position = start
    while position + pattern.count <= instructions.count {
      if zip(pattern, instructions[position...]).allSatisfy({ $0.matches($1) }) {
        remaining -= 1
        if remaining == 0 { return position..<position + pattern.count }
      }
      position += 1
    }
    throw NoSite()
  }

  /// The `if` of the `nth` check that ends the execution with `error`.
  func check(_ error: InternalErrorCode, nth: Int = 1) throws -> Range<Int> {
    try find([.any(.if), .i32(error.rawValue), .call(layout.internalTrap), .any(.end)], nth: nth)
  }

  // MARK: Change

  /// Replaces the `nth` match of the pattern.
  mutating func replace(_ pattern: [Pattern], nth: Int = 1, with new: [Instruction]) throws {
    replace(try find(pattern, nth: nth), with: new)
  }

  mutating func replace(_ range: Range<Int>, with new: [Instruction]) {
    instructions.replaceSubrange(range, with: new)
  }

  /// Inserts instructions after the `nth` match of the pattern.
  mutating func insert(_ new: [Instruction], after pattern: [Pattern], nth: Int = 1) throws {
    let end = try find(pattern, nth: nth).upperBound
    instructions.insert(contentsOf: new, at: end)
  }

  /// Moves a range of instructions to the place before `position`, which is behind the range.
  mutating func move(_ range: Range<Int>, before position: Int) {
    let moved = Array(instructions[range])
    instructions.insert(contentsOf: moved, at: position)
    instructions.removeSubrange(range)
  }

  /// Exchanges two ranges, the first of which comes before the second.
  mutating func exchange(_ first: Range<Int>, _ second: Range<Int>) {
    let (earlier, later) = (Array(instructions[first]), Array(instructions[second]))
    instructions.replaceSubrange(second, with: earlier)
    instructions.replaceSubrange(first, with: later)
  }

  /// Makes the comparison of a check another one.
  mutating func compare(_ error: InternalErrorCode, nth: Int = 1, with opcode: Opcode) throws {
    let comparison = try check(error, nth: nth).lowerBound - 1
    guard instructions.indices.contains(comparison) else { throw NoSite() }
    instructions[comparison] = Instruction(opcode)
  }

  /// Takes the consequence out of a check.
  mutating func removeCheck(_ error: InternalErrorCode, nth: Int = 1) throws {
    let check = try check(error, nth: nth)
    instructions.removeSubrange(check.lowerBound + 1..<check.upperBound - 1)
  }

  // MARK: Shapes of the injected bodies

  /// The early return for an empty range, with its condition.
  func emptyReturn() throws -> Range<Int> {
    let body = try find([.any(.if), .any(.return), .any(.end)])
    return body.lowerBound - 2..<body.upperBound
  }

  /// The charge of 20 + length, from the first instruction on.
  func lengthCharge() throws -> Range<Int> {
    0..<(try find([.call(layout.decrement), .any(.drop)]).upperBound)
  }

  /// `counter -= pages`.
  func subtraction(from counter: GlobalIndex) throws -> Range<Int> {
    try find([
      .get(counter), .any(.localGet), .any(.i64ExtendI32U), .any(.i64Sub), .set(counter),
    ])
  }

  /// The points at which a block's cost is taken from the counter.
  var point: [Pattern] {
    [.get(layout.instructionCounter), .any(.i64Const), .any(.i64Sub), .set(layout.instructionCounter)]
  }

  /// The check that follows a re-entrant point.
  var pointCheck: [Pattern] {
    [
      .get(layout.instructionCounter), .i64(0), .any(.i64LtS), .any(.if), .call(layout.outOfInstructions),
      .any(.end),
    ]
  }

  /// Adds to the cost that the point at this place charges.
  mutating func addCost(_ cost: Int64, at point: Range<Int>) throws {
    guard case .i64(let old) = instructions[point.lowerBound + 1].immediate else { throw NoSite() }
    instructions[point.lowerBound + 1] = .i64(old &+ cost)
  }

  /// Charges the blocks that begin after `opcode` together with the blocks before them.
  mutating func joinBlocks(after opcode: Opcode) throws {
    var start = 0
    var joined = false
    while let site = try? find([.any(opcode)] + point, from: start) {
      guard case .i64(let cost) = instructions[site.lowerBound + 2].immediate else { throw NoSite() }
      var previous = 0..<0
      while let next = try? find(point, from: previous.upperBound), next.lowerBound < site.lowerBound {
        previous = next
      }
      guard !previous.isEmpty else { throw NoSite() }
      try addCost(cost, at: previous)
      instructions.removeSubrange(site.lowerBound + 1..<site.upperBound)
      start = site.lowerBound + 1
      joined = true
    }
    if !joined { throw NoSite() }
  }
}
