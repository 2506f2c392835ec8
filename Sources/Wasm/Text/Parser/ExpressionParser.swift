// Instructions, flat and folded in any mixture, with a stack of open forms and blocks: nesting costs memory, never stack.
// Called for function bodies and constant expressions.

/// The state of parsing one expression, in storage that is reused from one to the next.
struct ExpressionParser: ~Copyable {
  /// The bodies of all functions so far, each at its size, as they stand in a code section.
  var bodies = ByteSink(capacity: 1 << 12)
  /// Whether instructions are written to `bodies`, else to `instructions`.
  var writesBody = false
  /// The constant expression parsed last, without its final `end`.
  var instructions = ScratchBuffer<Instruction>(capacity: 16)
  /// Targets of the `br_table` instructions that are not written yet; of all in a constant expression.
  var branchTargets = ScratchBuffer<UInt32>(capacity: 16)
  /// Names of the labels of the expression.
  var labelNames: [IndexedName<LabelSpace>] = []
  let mnemonics = MnemonicDirectory()
  /// Where each instruction stands in the text; kept only for the function that `locate` looks into.
  var offsets: [Int] = []
  var keepsOffsets = false
  var frames = ScratchBuffer<Frame>(capacity: 64)
  /// Immediates of the folded instructions whose operands are being read, as far as they have one.
  var immediates = ScratchBuffer<Immediate>(capacity: 64)
  /// Labels of the folded `if`s in front of their `(then`, and the open ones; -1: without identifier.
  var conditions = ScratchBuffer<Int32>(capacity: 16)
  var openLabels = ScratchBuffer<OpenLabel>(capacity: 64)
  /// Names from annotations of the former, with the number of conditions up to theirs.
  fileprivate var annotatedConditions: [(count: Int, name: String)] = []
  /// Number of labels so far.
  fileprivate var labelCount = 0

  /// Number of open labels.
  var labelDepth: UInt32 { UInt32(truncatingIfNeeded: openLabels.count) }

  /// Something open. Small, since hostile texts open many.
  struct Frame {
    enum Kind: UInt8 {
      /// A folded instruction whose operands are being read.
      case plain
      /// A folded `block` or `loop`.
      case block
      /// A folded `if`: in front of `(then`, within it, behind it; within `(else`, behind it.
      case condition, then, afterThen, otherwise, afterOtherwise
      /// A flat `block` or `loop`, a flat `if` in front of its `else` and behind it.
      case flat, flatIf, flatElse
    }

    var kind: Kind
    /// Of `.plain` and `.condition`: whether the immediate of what to write after the operands is in `immediates`.
    var hasImmediate = false
    var opcode = Opcode.nop
    /// Where that instruction stands in the text.
    var offset: UInt32 = 0

    /// Whether flat instructions may stand here.
    var takesFlat: Bool {
      switch kind {
      case .block, .then, .otherwise, .flat, .flatIf, .flatElse: true
      case .plain, .condition, .afterThen, .afterOtherwise: false
      }
    }

    var takesFolded: Bool { kind != .afterThen && kind != .afterOtherwise }
  }

  /// The label of an open block.
  struct OpenLabel {
    /// The number of its identifier; -1: it has none.
    var symbol: Int32
    /// What the identifier stood for outside.
    var shadowed: UInt32
  }

  fileprivate mutating func reset() {
    instructions.count = 0
    branchTargets.count = 0
    labelNames.removeAll(keepingCapacity: true)
    frames.count = 0
    immediates.count = 0
    conditions.count = 0
    openLabels.count = 0
    annotatedConditions.removeAll(keepingCapacity: true)
    offsets.removeAll()
    labelCount = 0
  }

  /// Writes an instruction that stands at `offset` in the text.
  @inline(__always)
  fileprivate mutating func emit(_ instruction: Instruction, at offset: Int) {
    if writesBody {
      bodies.instruction(
        instruction, labels: UnsafeBufferPointer(start: branchTargets.base, count: branchTargets.count))
      // Tables are written in the opposite order to that in which they are read: this is the last one.
      if case .labels(let range) = instruction.immediate { branchTargets.count = Int(range.start) }
    } else {
      instructions.append(instruction)
    }
    if keepsOffsets { offsets.append(offset) }
  }

  /// Puts an instruction aside until its operands are written.
  fileprivate mutating func push(_ kind: Frame.Kind, _ instruction: Instruction, at offset: Int) {
    var frame = Frame(kind: kind, opcode: instruction.opcode, offset: UInt32(truncatingIfNeeded: offset))
    if case .none = instruction.immediate {
    } else {
      frame.hasImmediate = true
      immediates.append(instruction.immediate)
    }
    frames.append(frame)
  }

  /// The instruction that the innermost frame has put aside.
  fileprivate mutating func takeInstruction() -> Instruction {
    let frame = frames[frames.count - 1]
    guard frame.hasImmediate else { return Instruction(frame.opcode) }
    immediates.count -= 1
    return Instruction(frame.opcode, immediates[immediates.count])
  }
}

/// What stands behind `block`, `loop` or `if`.
private struct BlockHead {
  var label: Int32 = -1
  /// The name of a `@name` annotation.
  var annotation: String?
  var type = BlockType.empty
}

extension ModuleParser {
  /// Reads instructions into `code`, up to a closing parenthesis that does not belong to them, or just one folded one.
  mutating func expression(_ lexer: inout Lexer, isSingle: Bool = false) throws(TextError) {
    code.reset()
    if isSingle && lexer.kind != .open { throw lexer.unexpected("an instruction in parentheses") }
    repeat {
      switch lexer.kind {
      case .keyword: try flat(&lexer)
      case .open: try folded(&lexer)
      case .close:
        if code.frames.count == 0 { return }
        try closeForm(&lexer)
      default: throw lexer.unexpected("an instruction")
      }
    } while !isSingle || code.frames.count > 0
  }

  // MARK: Flat

  @inline(__always)
  private mutating func flat(_ lexer: inout Lexer) throws(TextError) {
    if code.frames.count > 0 && !code.frames[code.frames.count - 1].takesFlat { throw lexer.unexpected() }
    let opcode = try self.opcode(lexer)
    let offset = lexer.start
    switch opcode {
    case .block, .loop, .if:
      try lexer.advance()
      let head = try blockHead(&lexer)
      code.frames.append(ExpressionParser.Frame(kind: opcode == .if ? .flatIf : .flat))
      open(Instruction(opcode, .block(head.type)), head, at: offset)
    case .else:
      guard code.frames.count > 0, code.frames[code.frames.count - 1].kind == .flatIf else { throw lexer.unexpected() }
      try lexer.advance()
      try matchLabel(&lexer)
      code.frames[code.frames.count - 1].kind = .flatElse
      code.emit(Instruction(.else), at: offset)
    case .end:
      guard code.frames.count > 0 else { throw lexer.unexpected() }
      switch code.frames[code.frames.count - 1].kind {
      case .flat, .flatIf, .flatElse: break
      default: throw lexer.unexpected()
      }
      try lexer.advance()
      try matchLabel(&lexer)
      closeBlock(at: offset)
    default:
      try lexer.advance()
      code.emit(try instruction(opcode, &lexer), at: offset)
    }
  }

  /// Checks the identifier behind `else` and `end`, which is that of the block if there is one.
  private mutating func matchLabel(_ lexer: inout Lexer) throws(TextError) {
    guard lexer.kind == .identifier else { return }
    let offset = lexer.start
    let symbol = try symbol(&lexer)
    guard symbol == Int(code.openLabels[code.openLabels.count - 1].symbol) else {
      throw lexer.failure("mismatching label $\(symbols.name(symbol))", at: offset)
    }
  }

  // MARK: Folded

  @inline(__always)
  private mutating func folded(_ lexer: inout Lexer) throws(TextError) {
    if code.frames.count > 0 {
      if lexer.isWord("then") || lexer.isWord("else") { return try branch(&lexer) }
      if !code.frames[code.frames.count - 1].takesFolded { throw lexer.unexpected() }
    }
    if lexer.start == lexer.stop { throw lexer.unexpected("an instruction") }
    let opcode = try self.opcode(lexer)
    let offset = lexer.start
    switch opcode {
    case .block, .loop:
      try lexer.advance()
      let head = try blockHead(&lexer)
      code.frames.append(ExpressionParser.Frame(kind: .block))
      open(Instruction(opcode, .block(head.type)), head, at: offset)
    case .if:
      try lexer.advance()
      let head = try blockHead(&lexer)
      code.push(.condition, Instruction(opcode, .block(head.type)), at: offset)
      code.conditions.append(head.label)
      if let name = head.annotation { code.annotatedConditions.append((code.conditions.count, name)) }
    case .else, .end: throw lexer.unexpected()
    default:
      try lexer.advance()
      let instruction = try instruction(opcode, &lexer)
      if lexer.kind == .close {
        code.emit(instruction, at: offset)
        try lexer.advance()
      } else {
        code.push(.plain, instruction, at: offset)
      }
    }
  }

  /// `(then` or `(else` of the innermost folded `if`.
  private mutating func branch(_ lexer: inout Lexer) throws(TextError) {
    let frame = code.frames[code.frames.count - 1]
    switch (frame.kind, lexer.isWord("then")) {
    case (.condition, true):
      var head = BlockHead(label: code.conditions[code.conditions.count - 1])
      if let (count, name) = code.annotatedConditions.last, count == code.conditions.count {
        head.annotation = name
        code.annotatedConditions.removeLast()
      }
      code.conditions.count -= 1
      let instruction = code.takeInstruction()
      code.frames[code.frames.count - 1].kind = .then
      open(instruction, head, at: Int(frame.offset))
    case (.afterThen, false):
      code.frames[code.frames.count - 1].kind = .otherwise
      code.emit(Instruction(.else), at: lexer.start)
    default: throw lexer.unexpected()
    }
    try lexer.advance()
  }

  /// The closing parenthesis of the innermost form.
  private mutating func closeForm(_ lexer: inout Lexer) throws(TextError) {
    let position = code.frames.count - 1
    switch code.frames[position].kind {
    case .plain:
      code.emit(code.takeInstruction(), at: Int(code.frames[position].offset))
      code.frames.count = position
    case .block, .afterThen, .afterOtherwise: closeBlock(at: lexer.start)
    case .then: code.frames[position].kind = .afterThen
    case .otherwise: code.frames[position].kind = .afterOtherwise
    case .condition: throw lexer.unexpected("(then")
    case .flat, .flatIf, .flatElse: throw lexer.unexpected("end")
    }
    try lexer.advance()
  }

  // MARK: Blocks

  @inline(__always)
  private func opcode(_ lexer: borrowing Lexer) throws(TextError) -> Opcode {
    guard let opcode = code.mnemonics.opcode(lexer.base + lexer.start, lexer.stop &- lexer.start) else {
      throw noInstruction(lexer)
    }
    return opcode
  }

  /// What is wrong with a keyword that names no instruction: that it stands in the wrong place, or that it is none.
  @inline(never)
  private func noInstruction(_ lexer: borrowing Lexer) -> TextError {
    let others: [StaticString] = [
      "type", "param", "result", "local", "import", "export", "func", "table", "memory", "global", "start", "elem",
      "data", "offset", "item", "mut", "then", "module",
    ]
    for word in others where lexer.isOpen(word) { return lexer.unexpected("an instruction") }
    return lexer.failure("unknown operator \(lexer.text(64))")
  }

  private mutating func blockHead(_ lexer: inout Lexer) throws(TextError) -> BlockHead {
    var head = BlockHead()
    if lexer.kind == .identifier { head.label = Int32(truncatingIfNeeded: try symbol(&lexer)) }
    if !lexer.annotations.isEmpty { head.annotation = try annotatedName(&lexer) }
    guard lexer.isOpen("type") || lexer.isOpen("param") || lexer.isOpen("result") else { return head }
    if let type = try explicitType(&lexer, names: .forbidden) {
      head.type = .type(type)
    } else if signature.parameters.isEmpty && signature.results.count <= 1 {
      head.type = signature.results.first.map(BlockType.value) ?? .empty
    } else {
      head.type = .type(typeOfSignature())
    }
    return head
  }

  /// Writes the instruction that opens a block, whose label then is the innermost.
  private mutating func open(_ instruction: Instruction, _ head: BlockHead, at offset: Int) {
    code.emit(instruction, at: offset)
    if let name = head.annotation ?? (head.label >= 0 ? symbols.name(Int(head.label)) : nil) {
      code.labelNames.append(IndexedName(LabelIndex(code.labelCount), name))
    }
    code.labelCount += 1
    let shadowed = head.label >= 0 ? symbols[Int(head.label)].label : 0
    code.openLabels.append(ExpressionParser.OpenLabel(symbol: head.label, shadowed: shadowed))
    if head.label >= 0 { symbols[Int(head.label)].label = code.labelDepth }
  }

  /// Writes the `end` of the innermost block, and leaves it.
  private mutating func closeBlock(at offset: Int) {
    code.emit(Instruction(.end), at: offset)
    code.frames.count -= 1
    code.openLabels.count -= 1
    let label = code.openLabels[code.openLabels.count]
    if label.symbol >= 0 { symbols[Int(label.symbol)].label = label.shadowed }
  }
}
