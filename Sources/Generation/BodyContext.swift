// The function body being emitted: instructions, locals, labels and what the body may rely on; and the smallest steps of
// emitting. Used by all parts of the generator that emit code.

import Canister
import Wasm

/// A function body under construction.
struct BodyContext {
  var rank = 0
  var shape = FunctionShape.entry
  /// Everything that may enter here, directly or through callers.
  var entryPoints = EntryPointSet.everywhere
  /// Whether stable memory has its guaranteed size when the next instruction runs.
  var isSetUp = false
  /// Whether the body has relied on that.
  var usesSetup = false
  /// Whether System API functions and bulk operations are left out; see `EntryPlan.isPlain`.
  var isPlain = false
  /// Bound on the cost of one execution.
  var costLimit: UInt64 = 0

  var instructions: [Instruction] = []
  /// The depths of all `br_table` instructions.
  var labels: [UInt32] = []
  /// Parameters, then declared locals.
  var locals: [NumberType] = []
  /// Locals by type, as bit sets; and those that any statement may assign.
  var localsOfType = SIMD8<UInt64>(repeating: 0)
  var assignableLocals: UInt64 = 0
  /// Enclosing labels, outermost first: whether a branch there takes no values and leads forward.
  var openLabels: [Bool] = []

  var footprint = Footprint()
  /// Whether it moves 256 MiB or more at once.
  var hasVastAccess = false
  /// How often the next instruction runs at most in one execution of the body.
  var multiplicity: UInt64 = 1
  /// Statements left.
  var fuel = 0
  var nesting = 0
  /// Whether the next instruction runs in every execution; pages are only known exactly where it does.
  var conditionalDepth = 0
  /// What was read from stable memory so far, mixed into one number that the answer contains.
  var observed: LocalIndex?
  /// Data segments dropped so far, as a bit set.
  var droppedSegments: UInt64 = 0
  /// Passive element segments dropped so far, by their number among the module's `elementShapes`.
  var droppedElements: UInt64 = 0
}

extension ModuleGenerator {
  mutating func beginBody(rank: Int, entryPoints: EntryPointSet, isSetUp: Bool, costLimit: UInt64) {
    current = BodyContext()
    current.rank = rank
    current.shape = plans[rank].shape
    current.entryPoints = entryPoints
    current.isSetUp = isSetUp
    current.costLimit = costLimit
    current.instructions.reserveCapacity(256)
    let parameters = current.shape.parameters
    for position in 0..<parameters.count { _ = addLocal(parameters[position], isAssignable: true) }
  }

  /// Ends the body and files it under its rank.
  mutating func endBody() {
    emit(.end)
    var groups: [LocalGroup] = []
    func add(_ added: LocalGroup) {
      if let last = groups.last, last.type == added.type {
        groups[groups.count - 1].count += added.count
      } else {
        groups.append(added)
      }
    }
    for type in current.locals[current.shape.parameters.count...] { add(LocalGroup(count: 1, type: type.valueType)) }
    if let crowd = crowdLocals() { add(crowd) }
    plans[current.rank].footprint = current.footprint
    plans[current.rank].needsSetup = current.usesSetup
    bodies[current.rank] = FunctionBody(locals: groups, instructions: current.instructions, labels: current.labels)
  }

  // MARK: Instructions

  @inline(__always)
  mutating func emit(_ opcode: Opcode, _ immediate: Immediate = .none) {
    current.instructions.append(Instruction(opcode, immediate))
    spend(2)
  }

  @inline(__always)
  mutating func emitI32(_ value: UInt32) { emit(.i32Const, .i32(Int32(bitPattern: value))) }

  @inline(__always)
  mutating func emitI64(_ value: UInt64) { emit(.i64Const, .i64(Int64(bitPattern: value))) }

  /// An integer constant of the given type.
  mutating func emitConstant(_ value: UInt64, _ type: NumberType) {
    if type == .i64 { emitI64(value) } else { emitI32(UInt32(truncatingIfNeeded: value)) }
  }

  /// A heap address or size.
  mutating func emitWord(_ value: UInt64) { emitConstant(value, word) }

  /// One of a pair of integer opcodes.
  mutating func emit(_ type: NumberType, narrow: Opcode, wide: Opcode) { emit(type == .i64 ? wide : narrow) }

  // MARK: Locals

  /// A new local. One that is not assignable is only assigned by whoever asked for it.
  mutating func addLocal(_ type: NumberType, isAssignable: Bool) -> LocalIndex {
    let index = current.locals.count
    current.locals.append(type)
    if index < 64 {
      current.localsOfType[type.position] |= 1 << UInt64(index)
      if isAssignable { current.assignableLocals |= 1 << UInt64(index) }
    }
    return LocalIndex(index)
  }

  /// Whether a body may have more locals; a bound on their number keeps the bit sets in one word.
  var mayAddLocal: Bool { current.locals.count < 60 }

  // MARK: Labels

  /// Opens a block, loop or if; `isTarget`: statements inside may leave it by a branch without values.
  mutating func open(_ opcode: Opcode, _ type: BlockType = .empty, isTarget: Bool) {
    emit(opcode, .block(type))
    current.openLabels.append(isTarget)
    current.nesting += 1
  }

  mutating func close() {
    emit(.end)
    current.openLabels.removeLast()
    current.nesting -= 1
  }

  // MARK: Accounting

  @inline(__always)
  mutating func spend(_ cost: UInt64) { current.footprint.cost &+= cost &* current.multiplicity }

  /// Whether the body may take that many more instructions here.
  func canSpend(_ cost: UInt64) -> Bool {
    let (product, overflow) = cost.multipliedReportingOverflow(by: current.multiplicity)
    return !overflow && product <= current.costLimit && current.footprint.cost <= current.costLimit - product
  }
}
