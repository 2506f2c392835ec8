// The translator's rules for blocks, branches and calls.

import Wasm

/// A block whose end has not been reached yet.
struct Control {
  enum Kind { case function, block, loop, ifThen, ifElse }

  var kind: Kind
  /// The first register of the block's parameters, and of its results.
  let base: Int
  /// Operands below the block's parameters.
  let height: Int
  let type: BlockType
  let parameters: Int
  let results: Int
  /// Where a loop's code begins.
  var start = 0
  /// Jumps to the end of the block.
  var jumps: Int32 = -1
  /// The jump of an `if` whose condition is false.
  var elseJumps: Int32 = -1

  init(kind: Kind, base: Int, height: Int, type: BlockType, parameters: Int, results: Int) {
    self.kind = kind
    self.base = base
    self.height = height
    self.type = type
    self.parameters = parameters
    self.results = results
  }

  /// Operands that a branch to the block takes along.
  var branchArity: Int { kind == .loop ? parameters : results }
}

/// A condition taken off the operand stack, ready to be emitted as a branch.
enum Condition {
  case registers(Comparison, is64Bit: Bool, Int, Int)
  case immediate(Comparison, is64Bit: Bool, Int, Int)
  case nonZero(Int)
  case zero(Int)

  var inverted: Condition {
    switch self {
    case .registers(let comparison, let is64Bit, let left, let right):
      .registers(comparison.inverted, is64Bit: is64Bit, left, right)
    case .immediate(let comparison, let is64Bit, let left, let right):
      .immediate(comparison.inverted, is64Bit: is64Bit, left, right)
    case .nonZero(let register): .zero(register)
    case .zero(let register): .nonZero(register)
    }
  }

  /// The branch operation with an empty distance, and how the distance is stored.
  var branch: (UInt64, JumpForm) {
    switch self {
    case .registers(let comparison, let is64Bit, let left, let right):
      if let position = comparison.registerBranch {
        (UInt64(Op(branchOn: position, is64Bit: is64Bit), a: left, b: right), .narrow)
      } else {
        // Of each pair of exchanged comparisons one has a register form.
        (
          UInt64(Op(branchOn: comparison.swapped.registerBranch ?? 0, is64Bit: is64Bit), a: right, b: left),
          .narrow
        )
      }
    case .immediate(let comparison, let is64Bit, let left, let right):
      (UInt64(Op(branchOnImmediate: comparison, is64Bit: is64Bit), a: left, b: right), .narrow)
    case .nonZero(let register): (UInt64(.branchIfNonZero, a: register), .wide)
    case .zero(let register): (UInt64(.branchIfZero, a: register), .wide)
    }
  }
}

extension Translator {
  // MARK: Blocks

  /// Numbers of parameters and results.
  private func arity(_ type: BlockType) -> (parameters: Int, results: Int) {
    switch type {
    case .empty: return (0, 0)
    case .value: return (0, 1)
    case .type(let index):
      let type = module.types[index.position]
      return (type.parameters.count, type.results.count)
    }
  }

  /// Begins a block whose parameters are the top operands.
  private func control(_ kind: Control.Kind, _ type: BlockType, _ parameters: Int, _ results: Int) -> Control {
    let height = height - parameters
    return Control(
      kind: kind, base: height < operands.count ? Int(operands[height].slot) : Int(nextSlot), height: height,
      type: type, parameters: parameters, results: results)
  }

  private mutating func pushParameters(of type: BlockType) {
    if case .type(let index) = type { pushTemporaries(module.types[index.position].parameters) }
  }

  private mutating func pushResults(of type: BlockType) {
    switch type {
    case .empty: break
    case .value(let type): pushTemporary(isVector: type == .v128)
    case .type(let index): pushTemporaries(module.types[index.position].results)
    }
  }

  mutating func translateBlock(_ type: BlockType, loop: Bool) {
    let (parameters, results) = arity(type)
    settleLocals()
    if parameters > 0 { settleTop(parameters) }
    var control = control(loop ? .loop : .block, type, parameters, results)
    code.forgetLastOperation()
    control.start = code.position
    controls.append(control)
  }

  mutating func translateIf(_ type: BlockType) {
    let (parameters, results) = arity(type)
    let condition = popCondition()
    settleLocals()
    if parameters > 0 { settleTop(parameters) }
    var control = control(.ifThen, type, parameters, results)
    let (word, form) = condition.inverted.branch
    control.elseJumps = code.emitJump(word, form, list: -1)
    controls.append(control)
  }

  mutating func translateElse() {
    let position = controls.count - 1
    if !isDead {
      moveTop(controls[position].results, to: controls[position].base)
      controls[position].jumps = code.emitJump(UInt64(.branch), .wide, list: controls[position].jumps)
    }
    code.bind(controls[position].elseJumps)
    controls[position].elseJumps = -1
    controls[position].kind = .ifElse
    drop(height - controls[position].height)
    pushParameters(of: controls[position].type)
    isDead = false
  }

  mutating func translateEnd() {
    guard let control = controls.popLast() else { return }
    if control.kind == .function {
      // Branches to the function's own block have been translated as returns.
      if !isDead { emitReturn() }
      return
    }
    if !isDead { moveTop(control.results, to: control.base) }
    let isReached = !isDead || control.jumps >= 0 || control.elseJumps >= 0
    code.bind(control.jumps)
    // An `if` without `else` passes its parameters on, and they already are where the results belong.
    code.bind(control.elseJumps)
    drop(height - control.height)
    pushResults(of: control.type)
    isDead = !isReached
  }

  // MARK: Branches

  /// Takes the condition of a branch off the stack; a comparison just emitted becomes part of the branch.
  mutating func popCondition() -> Condition {
    let operand = pop()
    guard operand.kind == .temporary, code.lastResult == Int(operand.slot) else {
      return .nonZero(register(of: operand))
    }
    let word = code.words[code.lastOperation]
    if word.op == .i32Eqz {
      code.takeLastOperation()
      return .zero(word.b)
    }
    guard usesNarrowJumps else { return .nonZero(Int(operand.slot)) }
    if let (comparison, is64Bit) = word.op.comparison {
      code.takeLastOperation()
      return .registers(comparison, is64Bit: is64Bit, word.b, word.c)
    }
    if let (comparison, is64Bit) = word.op.immediateComparison {
      code.takeLastOperation()
      return .immediate(comparison, is64Bit: is64Bit, word.b, word.signedC)
    }
    if word.op == .i64Eqz {
      code.takeLastOperation()
      return .immediate(.equal, is64Bit: true, word.b, 0)
    }
    return .nonZero(Int(operand.slot))
  }

  /// Emits a jump to the block `depth` levels out, whose values are in place.
  private mutating func jump(_ word: UInt64, _ form: JumpForm, to depth: Int, origin: Int? = nil) {
    let position = controls.count - 1 - depth
    if controls[position].kind == .loop {
      code.emitJump(word, form, to: controls[position].start, origin: origin)
    } else {
      controls[position].jumps = code.emitJump(word, form, list: controls[position].jumps, origin: origin)
    }
  }

  /// Emits an unconditional branch, moving its values.
  private mutating func emitBranch(to depth: Int) {
    let control = controls[controls.count - 1 - depth]
    if control.kind == .function {
      emitReturn()
    } else {
      moveTop(control.branchArity, to: control.base)
      jump(UInt64(.branch), .wide, to: depth)
    }
  }

  mutating func translateBranch(_ depth: Int) {
    emitBranch(to: depth)
    isDead = true
  }

  mutating func translateReturn() {
    emitReturn()
    isDead = true
  }

  /// Whether the values of a branch stand where its target expects them, once they are in their own registers.
  private func isInPlace(_ control: Control) -> Bool {
    control.kind != .function && (control.branchArity == 0 || height - control.branchArity == control.height)
  }

  mutating func translateBranchIf(_ depth: Int) {
    let condition = popCondition()
    let control = controls[controls.count - 1 - depth]
    settleTop(control.branchArity)
    if isInPlace(control) {
      let (word, form) = condition.branch
      jump(word, form, to: depth)
    } else {
      let (word, form) = condition.inverted.branch
      let skip = code.emitJump(word, form, list: -1)
      emitBranch(to: depth)
      code.bind(skip)
    }
  }

  mutating func translateBranchTable(_ range: LabelRange) {
    let index = popRegister()
    let targets = targets(range)
    guard let last = targets.last else { return }
    settleTop(controls[controls.count - 1 - Int(last)].branchArity)
    code.emit(UInt64(.branchTable, a: index, bc: targets.count))
    let origin = code.position
    var stubs: [(depth: Int, list: Int32)] = []
    for depth in targets.lazy.map(Int.init) {
      if isInPlace(controls[controls.count - 1 - depth]) {
        jump(0, .table, to: depth, origin: origin)
      } else {
        stubs.append((depth, code.emitJump(0, .table, list: -1, origin: origin)))
      }
    }
    for stub in stubs {
      code.bind(stub.list)
      emitBranch(to: stub.depth)
    }
    isDead = true
  }

  // MARK: Calls

  /// Puts the arguments in place and takes them off the stack; returns their first register.
  private mutating func prepareArguments(_ type: FunctionType) -> Int {
    settleTop(type.parameters.count)
    drop(type.parameters.count)
    return Int(nextSlot)
  }

  mutating func translateCall(_ function: FunctionIndex) {
    let type = module.types[spaces.functions[function.position].position]
    let base = prepareArguments(type)
    emitCall(.call, .callImport, function, base)
    pushTemporaries(type.results)
  }

  private mutating func emitCall(_ defined: Op, _ imported: Op, _ function: FunctionIndex, _ base: Int) {
    let position = function.position - spaces.importedFunctions
    code.emit(
      position >= 0 ? UInt64(defined, a: base, bc: position) : UInt64(imported, a: base, bc: function.position))
  }

  mutating func translateCallIndirect(_ typeIndex: TypeIndex, _ table: TableIndex) {
    let type = module.types[typeIndex.position]
    let index = popRegister()
    let base = prepareArguments(type)
    code.emit(UInt64(.callIndirect, a: base, b: index))
    code.emitOperand(UInt64(typeIndex.value) | UInt64(table.value) << 32)
    pushTemporaries(type.results)
  }

  mutating func translateReturnCall(_ function: FunctionIndex) {
    let type = module.types[spaces.functions[function.position].position]
    let base = prepareArguments(type)
    code.emit(UInt64(.copyBlock, a: 0, b: base, c: type.parameters.slotCount))
    emitCall(.returnCall, .returnCallImport, function, 0)
    reserve(max(type.parameters.slotCount, type.results.slotCount))
    isDead = true
  }

  mutating func translateReturnCallIndirect(_ typeIndex: TypeIndex, _ table: TableIndex) {
    let type = module.types[typeIndex.position]
    // The arguments move to the start of the frame, where a local with the index may be: it gets a place above them.
    let index = pop()
    let indexRegister = Int(index.slot)
    switch index.kind {
    case .temporary: break
    case .local: emitCopy(of: index, to: indexRegister)
    case .constant: emitConstant(index.bits, to: indexRegister)
    }
    let base = prepareArguments(type)
    code.emit(UInt64(.copyBlock, a: 0, b: base, c: type.parameters.slotCount))
    code.emit(UInt64(.returnCallIndirect, a: 0, b: indexRegister))
    code.emitOperand(UInt64(typeIndex.value) | UInt64(table.value) << 32)
    reserve(max(type.parameters.slotCount, type.results.slotCount))
    isDead = true
  }

  /// Makes the frame at least so large that `count` registers from its start on exist.
  private mutating func reserve(_ count: Int) {
    maximumHeight = max(maximumHeight, count - localCount)
  }
}
