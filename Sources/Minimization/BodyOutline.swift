// What belongs together in a function body: for every instruction the operands that it uses, which runs of instructions
// are statements, which compute one value, where blocks begin and end. Most changes that passes derive from it validate.
// Made by passes for each body they look at; `BodyEdits` carries out what they decide.

import Wasm

/// The structure of a body.
struct BodyOutline {
  /// An instruction with all that computes its operands; for a block, everything up to its `end`.
  struct Node {
    var range: Range<Int>
    /// Position among the nodes.
    var index: Int
    /// Position of the instruction itself; for a block, of the one that opens it.
    var position: Int
    /// The node that uses the value, or the block that contains the statement; nil at the top.
    var parent: Int?
    /// Number of nodes above.
    var depth = 0
    /// Number of blocks around.
    var nesting: Int
    /// Nodes of the operands, deepest first, where they are known.
    var operands: [Int]
    /// Whether the range leaves the stack as it found it, or never comes to its end.
    var isStatement = false
    /// The type of the one value that the range computes.
    var value: ValueType?
    /// Height of the stack before the range.
    fileprivate var base: Int
  }

  /// A `block`, `loop` or `if`.
  struct Block {
    var opening: Int
    /// Position of `else`.
    var alternative: Int?
    /// Position of `end`.
    var end: Int
    var isTargeted: Bool
  }

  private(set) var nodes: [Node] = []
  private(set) var blocks: [Block] = []
  /// Instructions that control cannot reach, up to the `end` or `else` that follows.
  private(set) var deadRanges: [Range<Int>] = []

  private struct Entry {
    /// The node that made the value; nil for a parameter of the block, which comes from outside.
    var node: Int?
    var type: ValueType?
  }

  private struct Frame {
    var opening: Int
    var isLoop: Bool
    var parameters: [ValueType]
    var results: [ValueType]
    var height: Int
    /// Nodes from here on lie inside.
    var firstNode: Int
    var range: Range<Int>
    var operands: [Int]
    var base: Int
    var hasOutsideOperands: Bool
    var alternative: Int?
    var isTargeted = false
    /// Where the part begins that cannot be reached.
    var deadStart: Int?
  }

  private var stack: [Entry] = []
  private var frames: [Frame] = []

  /// - Returns: nil for a body that does not validate; not every body that does not is noticed.
  init?(_ body: FunctionBody, type: FunctionType, in types: ModuleTypes) {
    guard let locals = LocalTypes(type, body.locals) else { return nil }
    let effects = StackEffects(types: types, locals: locals)
    frames = [
      Frame(
        opening: -1, isLoop: false, parameters: [], results: type.results, height: 0, firstNode: 0, range: 0..<0,
        operands: [], base: 0, hasOutsideOperands: false)
    ]
    nodes.reserveCapacity(body.instructions.count)
    for position in body.instructions.indices {
      guard !frames.isEmpty, step(body.instructions[position], position, body.labels, effects) else { return nil }
    }
    guard frames.isEmpty else { return nil }
    // Parents come after their children.
    for index in nodes.indices.reversed() {
      if let parent = nodes[index].parent { nodes[index].depth = nodes[parent].depth + 1 }
    }
  }

  // MARK: Steps

  private mutating func step(
    _ instruction: Instruction, _ position: Int, _ labels: [UInt32], _ effects: StackEffects
  ) -> Bool {
    switch instruction.opcode {
    case .block, .loop, .if: return open(instruction, position, effects)
    case .else: return alternate(position)
    case .end: return close(position)
    case .br:
      guard let label = target(instruction.immediate) else { return false }
      return terminate(position, pops: label.count)
    case .brIf:
      guard let label = target(instruction.immediate) else { return false }
      return plain(position, pops: label.count + 1, pushes: label)
    case .brTable:
      guard case .labels(let range) = instruction.immediate, range.count > 0, range.indices.upperBound <= labels.count
      else { return false }
      var arity = 0
      for depth in labels[range.indices] {
        guard let label = target(.label(depth)) else { return false }
        arity = label.count
      }
      return terminate(position, pops: arity + 1)
    case .return: return terminate(position, pops: frames[0].results.count)
    case .unreachable: return terminate(position, pops: 0)
    case .returnCall, .returnCallIndirect:
      guard let effect = effects.effect(of: instruction) else { return false }
      return terminate(position, pops: effect.pops)
    case .select:
      guard let popped = pop(3) else { return false }
      finish(position, popped, pushes: [popped.types[1] ?? popped.types[2]])
      return true
    default:
      guard let effect = effects.effect(of: instruction) else { return false }
      return plain(position, pops: effect.pops, pushes: effect.pushes)
    }
  }

  private mutating func plain(_ position: Int, pops: Int, pushes: [ValueType]) -> Bool {
    guard let popped = pop(pops) else { return false }
    finish(position, popped, pushes: pushes)
    return true
  }

  private mutating func terminate(_ position: Int, pops: Int) -> Bool {
    guard let popped = pop(pops) else { return false }
    finish(position, popped, pushes: [])
    if !popped.isOutside { nodes[nodes.count - 1].isStatement = true }
    let frame = frames.count - 1
    stack.removeLast(stack.count - frames[frame].height)
    if frames[frame].deadStart == nil { frames[frame].deadStart = position + 1 }
    return true
  }

  /// The types that a branch takes; notes that its target is one.
  private mutating func target(_ immediate: Immediate) -> [ValueType]? {
    guard case .label(let depth) = immediate, Int(depth) < frames.count else { return nil }
    let frame = frames.count - 1 - Int(depth)
    frames[frame].isTargeted = true
    return frames[frame].isLoop ? frames[frame].parameters : frames[frame].results
  }

  private mutating func open(_ instruction: Instruction, _ position: Int, _ effects: StackEffects) -> Bool {
    guard case .block(let type) = instruction.immediate, let signature = effects.types.signature(of: type),
      let popped = pop(signature.parameters.count + (instruction.opcode == .if ? 1 : 0))
    else { return false }
    frames.append(
      Frame(
        opening: position, isLoop: instruction.opcode == .loop, parameters: signature.parameters,
        results: signature.results, height: stack.count, firstNode: nodes.count,
        range: (popped.start ?? position)..<position, operands: popped.nodes, base: popped.base ?? stack.count,
        hasOutsideOperands: popped.isOutside))
    pushParameters(signature.parameters)
    return true
  }

  private mutating func alternate(_ position: Int) -> Bool {
    let frame = frames.count - 1
    guard frame > 0, frames[frame].alternative == nil else { return false }
    noteDead(frame, until: position)
    frames[frame].alternative = position
    frames[frame].deadStart = nil
    stack.removeLast(stack.count - frames[frame].height)
    pushParameters(frames[frame].parameters)
    return true
  }

  private mutating func close(_ position: Int) -> Bool {
    noteDead(frames.count - 1, until: position)
    let frame = frames.removeLast()
    guard stack.count >= frame.height else { return false }
    stack.removeLast(stack.count - frame.height)
    if frames.isEmpty { return true }
    let block = nodes.count
    for index in frame.firstNode..<block where nodes[index].parent == nil { nodes[index].parent = block }
    blocks.append(
      Block(opening: frame.opening, alternative: frame.alternative, end: position, isTargeted: frame.isTargeted))
    let popped = Popped(
      nodes: frame.operands, types: [], start: frame.range.lowerBound, base: frame.base,
      isOutside: frame.hasOutsideOperands)
    finish(frame.opening, popped, pushes: frame.results, end: position + 1)
    return true
  }

  private mutating func pushParameters(_ types: [ValueType]) {
    for type in types { stack.append(Entry(node: nil, type: type)) }
  }

  private mutating func noteDead(_ frame: Int, until position: Int) {
    guard let start = frames[frame].deadStart, start < position else { return }
    // Inside a range that is dead as a whole there is nothing to add.
    if frames[..<frame].contains(where: { $0.deadStart != nil }) { return }
    deadRanges.append(start..<position)
  }

  // MARK: Stack

  private struct Popped {
    var nodes: [Int]
    /// Types of the operands, topmost first.
    var types: [ValueType?]
    var start: Int?
    /// Height of the stack before the deepest operand.
    var base: Int?
    /// Whether an operand comes from outside the block, so that the range of the node does not compute it.
    var isOutside: Bool
  }

  private mutating func pop(_ count: Int) -> Popped? {
    var popped = Popped(nodes: [], types: [], start: nil, base: nil, isOutside: false)
    let frame = frames[frames.count - 1]
    for _ in 0..<count {
      guard stack.count > frame.height else {
        if frame.deadStart == nil { return nil }
        popped.types.append(nil)
        continue
      }
      let entry = stack.removeLast()
      popped.types.append(entry.type)
      guard let node = entry.node else {
        popped.isOutside = true
        continue
      }
      popped.start = min(popped.start ?? .max, nodes[node].range.lowerBound)
      popped.base = min(popped.base ?? .max, nodes[node].base)
      if popped.nodes.last != node { popped.nodes.append(node) }
    }
    popped.nodes.reverse()
    return popped
  }

  private mutating func finish(_ position: Int, _ popped: Popped, pushes: [ValueType?], end: Int? = nil) {
    let index = nodes.count
    let base = popped.base ?? stack.count
    for operand in popped.nodes where nodes[operand].parent == nil { nodes[operand].parent = index }
    var node = Node(
      range: min(popped.start ?? position, position)..<(end ?? position + 1), index: index, position: position,
      nesting: frames.count - 1, operands: popped.nodes, base: base)
    for type in pushes { stack.append(Entry(node: index, type: type)) }
    if !popped.isOutside {
      node.isStatement = pushes.isEmpty && stack.count == base
      if pushes.count == 1 && stack.count == base + 1 { node.value = pushes[0] }
    }
    nodes.append(node)
  }
}
