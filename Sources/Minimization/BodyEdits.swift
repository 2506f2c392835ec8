// Changes to a function body, collected and then carried out in one walk that keeps branch depths right.
// Made by passes from a `BodyOutline` of the same body.

import Wasm

/// What becomes of a block that is not kept as it is.
enum BlockEdit {
  /// The contents stay, the block goes; what branched to it branches to the block around it.
  case unwrap
  /// An `if` becomes its first part, as a block.
  case first
  /// An `if` becomes the part after `else`, as a block.
  case second
  /// An `if` without `else` part of its own.
  case withoutElse
}

/// One change to a body.
enum BodyEdit {
  case replace(Range<Int>, [Instruction])
  /// The block that the instruction at this position opens.
  case block(Int, BlockEdit)

  static func drop(_ range: Range<Int>) -> BodyEdit { .replace(range, []) }
}

/// Changes to one body.
struct BodyEdits {
  private var replacements: [(range: Range<Int>, instructions: [Instruction])] = []
  private var blocks: [Int: BlockEdit] = [:]

  mutating func add(_ edit: BodyEdit) {
    switch edit {
    case .replace(let range, let instructions): replacements.append((range, instructions))
    case .block(let opening, let edit): blocks[opening] = edit
    }
  }

  /// The changed body. Of replacements that overlap the outermost counts.
  func apply(to body: FunctionBody) -> FunctionBody {
    let ordered = replacements.sorted {
      ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound)
    }
    var writer = BodyWriter(body)
    var next = 0
    var position = 0
    while position < body.instructions.count {
      while next < ordered.count && ordered[next].range.lowerBound < position { next += 1 }
      if next < ordered.count && ordered[next].range.lowerBound == position && !ordered[next].range.isEmpty {
        writer.write(plain: ordered[next].instructions)
        position = ordered[next].range.upperBound
        continue
      }
      writer.write(body.instructions[position], edit: blocks[position])
      position += 1
    }
    return writer.body
  }
}

/// Writes the instructions of a body one after the other, leaving out what edits drop.
private struct BodyWriter {
  private struct Frame {
    /// Whether the block itself is gone, so that it does not count in branch depths.
    var isGone: Bool
    var edit: BlockEdit?
  }

  private(set) var body: FunctionBody
  private let labels: [UInt32]
  private var frames: [Frame] = [Frame(isGone: false)]
  /// Number of frames whose instructions are being dropped, for the part of an `if` that goes.
  private var dropping = 0

  init(_ original: FunctionBody) {
    labels = original.labels
    body = FunctionBody(locals: original.locals, instructions: [])
    body.instructions.reserveCapacity(original.instructions.count)
  }

  /// Writes instructions that neither branch nor open blocks.
  mutating func write(plain instructions: [Instruction]) {
    if dropping == 0 { body.instructions += instructions }
  }

  mutating func write(_ instruction: Instruction, edit: BlockEdit?) {
    switch instruction.opcode {
    case .block, .loop, .if:
      if dropping > 0 {
        dropping += 1
        return
      }
      open(instruction, edit)
    case .else:
      if dropping > 1 { return }
      alternate(instruction)
    case .end:
      if dropping > 1 {
        dropping -= 1
        return
      }
      dropping = 0
      let frame = frames.popLast()
      if frame?.isGone != true { body.instructions.append(instruction) }
    default:
      if dropping == 0 { body.instructions.append(retargeted(instruction)) }
    }
  }

  private mutating func open(_ instruction: Instruction, _ edit: BlockEdit?) {
    frames.append(Frame(isGone: edit == .unwrap, edit: edit))
    switch edit {
    case nil, .withoutElse: body.instructions.append(instruction)
    case .unwrap: break
    case .first, .second:
      body.instructions.append(Instruction(.drop))
      body.instructions.append(Instruction(.block, instruction.immediate))
      if edit == .second { dropping = 1 }
    }
  }

  private mutating func alternate(_ instruction: Instruction) {
    switch frames.last?.edit {
    case .first, .withoutElse: dropping = 1
    case .second: dropping = 0
    case nil, .unwrap: body.instructions.append(instruction)
    }
  }

  /// The instruction with its branch targets counted without the blocks that are gone, and its labels, if it has any,
  /// among those of the new body.
  private mutating func retargeted(_ instruction: Instruction) -> Instruction {
    switch instruction.immediate {
    case .label(let depth): return Instruction(instruction.opcode, .label(remaining(depth)))
    case .labels(let range):
      guard range.indices.upperBound <= labels.count else { return instruction }
      let start = UInt32(truncatingIfNeeded: body.labels.count)
      for depth in labels[range.indices] { body.labels.append(remaining(depth)) }
      return Instruction(instruction.opcode, .labels(LabelRange(start: start, count: range.count)))
    default: return instruction
    }
  }

  /// Number of blocks between a branch and its target that are still there. For a target that is not, that is the depth
  /// of the next one around it.
  private func remaining(_ depth: UInt32) -> UInt32 {
    guard Int(depth) < frames.count else { return depth }
    return UInt32(frames.suffix(Int(depth)).count { !$0.isGone })
  }
}
