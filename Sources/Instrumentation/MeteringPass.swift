// Rewrites the module's own functions: new indices, instruction counting by blocks, dynamic charges, checked growth of
// the heap. Called by `instrument` for every function; the rules are those of ic-semantics section 6.

import Wasm

/// Rewrites function bodies, one after the other.
///
/// A body is cut by a flat scan into blocks, whatever their nesting: each ends with an instruction after which control
/// may not go straight on, or where it may come in from elsewhere. A block's cost is taken from the counter where it
/// begins. Entry and loop heads are re-entrant: there the counter is also checked.
struct MeteringPass {
  let layout: InstrumentedLayout
  /// The original's function types, to number a body's fresh locals.
  private let types: [FunctionType]
  private let memoryIs64Bit: [Bool]
  private let tableIs64Bit: [Bool]
  private let roles = MeteringRole.byOrdinal
  /// One past the highest data segment that the code seen so far names.
  private(set) var referencedData = 0

  init(layout: InstrumentedLayout, types: [FunctionType], spaces: IndexSpaces) {
    self.layout = layout
    self.types = types
    memoryIs64Bit = spaces.memories.map(\.is64Bit)
    tableIs64Bit = spaces.tables.map(\.is64Bit)
  }

  /// The rewritten form of a function of the original module.
  mutating func rewrite(_ function: Function) -> Function {
    var pages = GrownPages(declared: function.body.locals, parameters: parameterCount(of: function))
    let instructions = function.body.instructions.withUnsafeBufferPointer { source in
      [Instruction](unsafeUninitializedCapacity: rewrittenSize(of: source)) { buffer, count in
        var output = Output(buffer)
        rewrite(source, pages: &pages, to: &output)
        count = output.count
      }
    }
    return Function(
      type: layout.map.types[function.type],
      body: FunctionBody(locals: pages.locals, instructions: instructions, labels: function.body.labels))
  }

  private func parameterCount(of function: Function) -> Int {
    types.indices.contains(function.type.position) ? types[function.type.position].parameters.count : 0
  }

  /// The size of the rewritten body if every point has a charge; the others are a few.
  private func rewrittenSize(of source: UnsafeBufferPointer<Instruction>) -> Int {
    var size = source.count + Output.reentrantPointSize
    for instruction in source { size += Int(roles[instruction.opcode.ordinal].added) }
    return size
  }

  private mutating func rewrite(
    _ source: UnsafeBufferPointer<Instruction>, pages: inout GrownPages, to output: inout Output
  ) {
    var start = 0
    var isReentrant = true
    while start < source.count {
      let (cost, end) = block(from: start, in: source)
      for position in start..<end {
        let original = source[position]
        let role = roles[original.opcode.ordinal]
        var instruction = original
        layout.map.remap(&instruction)
        // A dynamic charge comes before the block's own where both stand at the same place.
        if role.isBulk, let size = chargedSize(of: original) { emitCharge(of: size, to: &output) }
        if position == start {
          emitPoint(cost: start == 0 ? cost + 1 : cost, isReentrant: isReentrant, to: &output)
        }
        if role.isGrowth, let pages = pages.local(for: growthType(of: original)) {
          output.append(.tee(pages))
          output.append(instruction)
          output.append(.get(pages))
          output.append(.call(layout.tryGrowWasmMemory))
        } else {
          output.append(instruction)
        }
      }
      isReentrant = source[end - 1].opcode == .loop
      start = end
    }
  }

  // MARK: Blocks

  /// The end of the block that starts at `start`, and the cost of its instructions.
  private func block(from start: Int, in source: UnsafeBufferPointer<Instruction>) -> (cost: Int64, end: Int) {
    var cost: Int64 = 0
    var position = start
    while position < source.count {
      let role = roles[source[position].opcode.ordinal]
      cost += Int64(layout.is64BitHeap ? role.cost64 : role.cost32)
      position += 1
      if role.endsBlock { break }
    }
    return (cost, position)
  }

  /// Takes a block's cost from the counter. At entry and loop heads this happens also for nothing, for the check.
  private func emitPoint(cost: Int64, isReentrant: Bool, to output: inout Output) {
    guard isReentrant || cost > 0 else { return }
    let counter = layout.instructionCounter
    output.append(.get(counter))
    output.append(.i64(cost))
    output.append(Instruction(.i64Sub))
    output.append(.set(counter))
    guard isReentrant else { return }
    output.append(.get(counter))
    output.append(.i64(0))
    output.append(Instruction(.i64LtS))
    output.append(Instruction(.if, .block(.empty)))
    output.append(.call(layout.outOfInstructions))
    output.append(Instruction(.end))
  }

  // MARK: Dynamic charges

  /// Charges the size operand on top of the stack, and leaves it there.
  private func emitCharge(of size: ValueType, to output: inout Output) {
    if size == .i64 {
      output.append(.call(layout.decrement))
    } else {
      output.append(Instruction(.i64ExtendI32U))
      output.append(.call(layout.decrement))
      output.append(Instruction(.i32WrapI64))
    }
  }

  /// The type of the size operand of a bulk instruction; nil for all others.
  ///
  /// This is the operand's real type. The replica goes by the width of the heap instead, which makes invalid modules of
  /// table operations beside a 64-bit heap (H24): `table.fill` and `table.copy` of a 32-bit table have an i32 there
  /// too. A copy between a 32-bit and a 64-bit memory or table has an i32 size; `memory.init` and `table.init` always
  /// have one.
  private mutating func chargedSize(of instruction: Instruction) -> ValueType? {
    switch (instruction.opcode, instruction.immediate) {
    case (.memoryFill, .memory(let memory)):
      return isWide(memory) ? .i64 : .i32
    case (.memoryCopy, .memoryCopy(let destination, let source)):
      return isWide(destination) && isWide(source) ? .i64 : .i32
    case (.memoryInit, .memoryInit(_, let segment)):
      referencedData = max(referencedData, segment.position + 1)
      return .i32
    case (.dataDrop, .data(let segment)):
      referencedData = max(referencedData, segment.position + 1)
      return nil
    case (.tableFill, .table(let table)):
      return isWide(table) ? .i64 : .i32
    case (.tableCopy, .tableCopy(let destination, let source)):
      return isWide(destination) && isWide(source) ? .i64 : .i32
    case (.tableInit, _):
      return .i32
    default:
      return nil
    }
  }

  private func isWide(_ memory: MemoryIndex) -> Bool {
    memory.position < memoryIs64Bit.count && memoryIs64Bit[memory.position]
  }

  private func isWide(_ table: TableIndex) -> Bool {
    table.position < tableIs64Bit.count && tableIs64Bit[table.position]
  }

  // MARK: Heap growth

  /// The operand type of a `memory.grow` whose result passes through `try_grow_wasm_memory`; nil where that function,
  /// which has the heap's width, does not fit: for a further memory of the other width.
  private func growthType(of instruction: Instruction) -> ValueType? {
    guard case .memory(let memory) = instruction.immediate, isWide(memory) == layout.is64BitHeap else { return nil }
    return layout.is64BitHeap ? .i64 : .i32
  }
}

// MARK: -

/// What an opcode means to metering; a small copy of the opcode table that the scan reads once per instruction.
private struct MeteringRole {
  let cost32: UInt16
  let cost64: UInt16
  /// Instructions that it adds to the body at most.
  let added: UInt8
  /// Whether a metered block ends with this instruction.
  let endsBlock: Bool
  /// Whether it may have a dynamic charge or name a data segment.
  let isBulk: Bool
  let isGrowth: Bool

  /// Entry i belongs to the opcode with the ordinal i.
  static let byOrdinal = Opcode.allCases.map(MeteringRole.init)

  private init(_ opcode: Opcode) {
    cost32 = opcode.cost(is64BitHeap: false)
    cost64 = opcode.cost(is64BitHeap: true)
    endsBlock = opcode.endsMeteredBlock
    switch opcode {
    case .memoryFill, .memoryCopy, .memoryInit, .dataDrop, .tableFill, .tableCopy, .tableInit: isBulk = true
    default: isBulk = false
    }
    isGrowth = opcode == .memoryGrow
    added =
      opcode == .loop
      ? UInt8(Output.reentrantPointSize) : endsBlock ? UInt8(Output.pointSize) : isBulk || isGrowth ? 3 : 0
  }
}

extension Opcode {
  /// Whether a metered block ends with this instruction. `block` and the calls do not end one.
  package var endsMeteredBlock: Bool {
    switch self {
    case .loop, .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable, .returnCall, .returnCallIndirect: true
    default: false
    }
  }
}

/// Writes instructions one after the other. The buffer has room for all of them: see `rewrittenSize`.
private struct Output {
  static let pointSize = 4
  static let reentrantPointSize = 10

  private let buffer: UnsafeMutableBufferPointer<Instruction>
  private(set) var count = 0

  init(_ buffer: UnsafeMutableBufferPointer<Instruction>) { self.buffer = buffer }

  mutating func append(_ instruction: Instruction) {
    buffer.initializeElement(at: count, to: instruction)
    count += 1
  }
}

/// The locals of a body, and the fresh one that keeps the operand of `memory.grow`, added when it is first needed.
private struct GrownPages {
  private(set) var locals: [LocalGroup]
  private let parameters: Int
  private var fresh: LocalIndex?

  init(declared locals: [LocalGroup], parameters: Int) {
    self.locals = locals
    self.parameters = parameters
  }

  /// The fresh local of this type; nil where there is no type.
  mutating func local(for type: ValueType?) -> LocalIndex? {
    guard let type else { return nil }
    if let fresh { return fresh }
    let declared = locals.reduce(UInt32(truncatingIfNeeded: parameters)) { $0 &+ $1.count }
    let local = LocalIndex(declared)
    locals.append(LocalGroup(count: 1, type: type))
    fresh = local
    return local
  }
}
