// Instructions, flat and folded in any mixture, with a stack of open forms and blocks: nesting costs memory, never stack.
// Called for function bodies and constant expressions.

/// The state of parsing one expression, in storage that is reused from one to the next.
struct ExpressionParser: ~Copyable {
  /// The expression parsed last, without its final `end`.
  var instructions = ScratchBuffer<Instruction>(capacity: 256)
  /// Targets of the `br_table` instructions of the expression.
  var branchTargets = ScratchBuffer<UInt32>(capacity: 16)
  /// Names of the labels of the expression.
  var labelNames: [IndexedName<LabelSpace>] = []
  let mnemonics = MnemonicDirectory()
  /// Label names of folded `if`s in front of their `(then`, with the number of frames up to theirs.
  fileprivate var pendingNames: [(frames: Int, name: String)] = []
  var frames = ScratchBuffer<Frame>(capacity: 64)
  /// Where each instruction stands in the text; kept only for the function that `locate` looks into.
  var offsets: [Int] = []
  var keepsOffsets = false
  /// Number of open labels.
  fileprivate(set) var labelDepth: UInt32 = 0
  /// Number of labels so far.
  fileprivate var labelCount = 0

  /// Something open.
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
    /// The identifier of the label; -1: none.
    var label: Int32 = -1
    /// What the identifier stood for outside.
    var shadowed: UInt32 = 0
    /// Where the instruction stands in the text.
    var offset: UInt32 = 0
    /// Of `.plain` and `.condition`: what to write once the operands are.
    var instruction: Instruction

    /// Whether flat instructions may stand here.
    var takesFlat: Bool {
      switch kind {
      case .block, .then, .otherwise, .flat, .flatIf, .flatElse: true
      case .plain, .condition, .afterThen, .afterOtherwise: false
      }
    }

    var takesFolded: Bool { kind != .afterThen && kind != .afterOtherwise }
  }

  fileprivate mutating func reset() {
    instructions.count = 0
    branchTargets.count = 0
    labelNames.removeAll(keepingCapacity: true)
    pendingNames.removeAll(keepingCapacity: true)
    frames.count = 0
    offsets.removeAll()
    labelDepth = 0
    labelCount = 0
  }

  /// Writes an instruction that stands at `offset` in the text.
  @inline(__always)
  fileprivate mutating func emit(_ instruction: Instruction, at offset: Int) {
    instructions.append(instruction)
    if keepsOffsets { offsets.append(offset) }
  }
}

/// What stands behind `block`, `loop` or `if`.
private struct BlockHead {
  var label: Int32 = -1
  var name: String?
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
      code.frames.append(
        ExpressionParser.Frame(kind: opcode == .if ? .flatIf : .flat, instruction: Instruction(.nop)))
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
    guard symbol == Int(code.frames[code.frames.count - 1].label) else {
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
      code.frames.append(ExpressionParser.Frame(kind: .block, instruction: Instruction(.nop)))
      open(Instruction(opcode, .block(head.type)), head, at: offset)
    case .if:
      try lexer.advance()
      let head = try blockHead(&lexer)
      code.frames.append(
        ExpressionParser.Frame(
          kind: .condition, label: head.label, offset: UInt32(truncatingIfNeeded: offset),
          instruction: Instruction(opcode, .block(head.type)))
      )
      // The name is known here only, and the number of the label only behind the operands.
      if let name = head.name { code.pendingNames.append((code.frames.count, name)) }
    case .else, .end: throw lexer.unexpected()
    default:
      try lexer.advance()
      let instruction = try instruction(opcode, &lexer)
      if lexer.kind == .close {
        code.emit(instruction, at: offset)
        try lexer.advance()
      } else {
        code.frames.append(
          ExpressionParser.Frame(
            kind: .plain, offset: UInt32(truncatingIfNeeded: offset), instruction: instruction))
      }
    }
  }

  /// `(then` or `(else` of the innermost folded `if`.
  private mutating func branch(_ lexer: inout Lexer) throws(TextError) {
    let frame = code.frames[code.frames.count - 1]
    switch (frame.kind, lexer.isWord("then")) {
    case (.condition, true):
      var head = BlockHead(label: frame.label)
      if let (position, name) = code.pendingNames.last, position == code.frames.count {
        head.name = name
        code.pendingNames.removeLast()
      }
      code.frames[code.frames.count - 1].kind = .then
      open(frame.instruction, head, at: Int(frame.offset))
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
      code.emit(code.frames[position].instruction, at: Int(code.frames[position].offset))
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
      throw lexer.failure("unknown operator \(lexer.text(64))")
    }
    return opcode
  }

  private mutating func blockHead(_ lexer: inout Lexer) throws(TextError) -> BlockHead {
    var head = BlockHead()
    if lexer.kind == .identifier {
      let symbol = try symbol(&lexer)
      head.label = Int32(truncatingIfNeeded: symbol)
      head.name = symbols.name(symbol)
    }
    if !lexer.annotations.isEmpty, let name = try annotatedName(&lexer) { head.name = name }
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

  /// Writes the instruction that opens the block of the innermost frame.
  private mutating func open(_ instruction: Instruction, _ head: BlockHead, at offset: Int) {
    code.emit(instruction, at: offset)
    code.labelDepth += 1
    if let name = head.name { code.labelNames.append(IndexedName(LabelIndex(code.labelCount), name)) }
    code.labelCount += 1
    if head.label >= 0 {
      let position = code.frames.count - 1
      code.frames[position].label = head.label
      code.frames[position].shadowed = symbols[Int(head.label)].label
      symbols[Int(head.label)].label = code.labelDepth
    }
  }

  /// Writes the `end` of the block of the innermost frame, and leaves it.
  private mutating func closeBlock(at offset: Int) {
    let frame = code.frames[code.frames.count - 1]
    code.emit(Instruction(.end), at: offset)
    code.frames.count -= 1
    code.labelDepth -= 1
    if frame.label >= 0 { symbols[Int(frame.label)].label = frame.shadowed }
  }
}
