// Random valid canisters with a bit of everything, for the minimizer to cut down.
// Simpler than the project's generator on purpose: what the minimizer can do must not depend on one style of code.

import Canister
import TestSupport
import Wasm

/// Draws canisters of some hundred instructions: stable reads and writes, loops, branches, calls, tables, globals.
struct RandomCanister {
  private var random: SeededGenerator
  private var module = Module()
  private var depth = 0
  private var blocks: [UInt32] = []
  private var code: [Instruction] = []
  private var labels: [UInt32] = []
  /// Functions that may be called: those with higher indices, so that nothing recurses.
  private var current = 0

  private static let stableRead = FunctionIndex(0)
  private static let stableWrite = FunctionIndex(1)
  private static let stableGrow = FunctionIndex(2)
  private static let imports = 3
  private static let functions = 8

  private init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// The case of a seed.
  static func make(seed: UInt64) -> Case {
    var drawing = RandomCanister(seed: seed)
    drawing.draw()
    var messages: [Message] = [.install(argument: [1, 2, 3])]
    for number in 0..<8 {
      messages.append(.update(name: "m\(number % 4)", argument: Array(repeating: UInt8(number), count: number * 5)))
    }
    messages.insert(.upgrade(.first, argument: [9]), at: 5)
    messages.append(.query(name: "m0", argument: []))
    messages.append(.heartbeat)
    return Case(module: encode(drawing.module), plan: CallPlan(messages))
  }

  private mutating func draw() {
    module.types = [
      FunctionType(), FunctionType([.i64, .i64, .i64]), FunctionType([.i64], [.i64]),
      FunctionType([.i32, .i64], [.i32]),
    ]
    for (name, type) in [("stable64_read", 1), ("stable64_write", 1), ("stable64_grow", 2)] {
      module.imports.append(Import(module: "ic0", name: name, kind: .function(TypeIndex(type))))
    }
    module.memories = [MemoryType(Limits(minimum: 2, maximum: 10))]
    module.tables = [Table(TableType(.funcref, Limits(minimum: 4)))]
    for number in 0..<4 {
      module.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(Int64(number * 1_000))]))
      module.data.append(
        DataSegment(
          mode: .active(MemoryIndex(0), offset: [.i32(Int32(number * 100))]),
          bytes: (0..<20).map { _ in UInt8(truncatingIfNeeded: random.next()) }))
    }
    for number in 0..<Self.functions {
      current = number
      // Entry points first, then helpers that take and return something.
      let type = number < 4 ? 0 : 3
      code = []
      labels = []
      blocks = []
      for _ in 0..<6 + random.number(below: 6) { statement() }
      if type == 3 { i32() }
      code.append(Instruction(.end))
      let locals = [LocalGroup(count: 2, type: .i32), LocalGroup(count: 2, type: .i64)]
      module.functions.append(
        Function(type: TypeIndex(type), body: FunctionBody(locals: locals, instructions: code, labels: labels)))
    }
    for number in 0..<4 {
      module.exports.append(
        Export(name: "canister_update m\(number)", kind: .function(FunctionIndex(Self.imports + number))))
    }
    module.exports.append(Export(name: "canister_heartbeat", kind: .function(FunctionIndex(Self.imports))))
    module.exports.append(Export(name: "memory", kind: .memory(MemoryIndex(0))))
    module.elements = [
      ElementSegment(
        mode: .active(TableIndex(0), offset: [.i32(0)]),
        items: .functions((4..<8).map { FunctionIndex(Self.imports + $0) }))
    ]
    module.customSections = [CustomSection(name: "producers", bytes: Array(repeating: 1, count: 40))]
  }

  // MARK: Code

  private var isHelper: Bool { current >= 4 }
  private mutating func emit(_ opcode: Opcode, _ immediate: Immediate = .none) {
    code.append(Instruction(opcode, immediate))
  }

  private mutating func local(_ type: ValueType) -> LocalIndex {
    let first = (isHelper ? 2 : 0) + (type == .i32 ? 0 : 2)
    return LocalIndex(first + random.number(below: 2))
  }

  private mutating func statement() {
    depth += 1
    defer { depth -= 1 }
    switch random.number(below: depth > 3 ? 6 : 11) {
    case 0:
      let target = local(.i32)
      i32()
      code.append(.set(target))
    case 1:
      let target = local(.i64)
      i64()
      code.append(.set(target))
    case 2:
      i32()
      i64()
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 2, offset: UInt64(random.number(below: 500)))))
    case 3:
      i64()
      i64()
      i64()
      code.append(.call(random.number(below: 2) == 0 ? Self.stableRead : Self.stableWrite))
    case 4:
      i64()
      emit(.globalSet, .global(GlobalIndex(random.number(below: 4))))
    case 5:
      i64()
      code.append(.call(Self.stableGrow))
      emit(.drop)
    case 6:
      i32()
      i32()
      i32()
      emit(random.number(below: 2) == 0 ? .memoryCopy : .memoryFill, .none)
      fixBulk()
    case 7: block(.block)
    case 8: block(.loop)
    case 9:
      i32()
      block(.if)
    default:
      guard !blocks.isEmpty else { return emit(.nop) }
      i32()
      if random.number(below: 3) == 0 {
        let start = UInt32(labels.count)
        for _ in 0..<3 { labels.append(UInt32(random.number(below: blocks.count))) }
        emit(.brTable, .labels(LabelRange(start: start, count: 3)))
      } else {
        emit(.brIf, .label(UInt32(random.number(below: blocks.count))))
      }
    }
  }

  private mutating func fixBulk() {
    let opcode = code[code.count - 1].opcode
    let memory = MemoryIndex(0)
    code[code.count - 1].immediate =
      opcode == .memoryCopy ? .memoryCopy(destination: memory, source: memory) : .memory(memory)
  }

  private mutating func block(_ opcode: Opcode) {
    emit(opcode, .block(.empty))
    blocks.append(0)
    for _ in 0..<1 + random.number(below: 3) { statement() }
    if opcode == .if && random.number(below: 2) == 0 {
      emit(.else)
      statement()
    }
    blocks.removeLast()
    emit(.end)
  }

  private mutating func i32() {
    depth += 1
    defer { depth -= 1 }
    switch random.number(below: depth > 5 ? 3 : 7) {
    case 0: code.append(.i32(Int32(truncatingIfNeeded: random.next() >> 44)))
    case 1, 2: code.append(.get(local(.i32)))
    case 3:
      i32()
      i32()
      emit([Opcode.i32Add, .i32And, .i32Mul, .i32LtU][random.number(below: 4)])
    case 4:
      i64()
      emit(.i32WrapI64)
    case 5:
      i32()
      emit(.i32Load, .memoryAccess(MemoryAccess(alignment: 2, offset: 4)))
    default:
      guard current + 1 < Self.functions else { return code.append(.i32(1)) }
      i32()
      i64()
      let callee = max(4, current + 1) + random.number(below: Self.functions - max(4, current + 1))
      if random.number(below: 3) == 0 {
        code.append(.i32(Int32(callee - 4)))
        emit(.callIndirect, .indirectCall(TypeIndex(3), TableIndex(0)))
      } else {
        code.append(.call(FunctionIndex(Self.imports + callee)))
      }
    }
  }

  private mutating func i64() {
    depth += 1
    defer { depth -= 1 }
    switch random.number(below: depth > 5 ? 3 : 6) {
    case 0: code.append(.i64(Int64(truncatingIfNeeded: random.next() >> 30)))
    case 1: code.append(.get(local(.i64)))
    case 2: emit(.globalGet, .global(GlobalIndex(random.number(below: 4))))
    case 3:
      i64()
      i64()
      emit([Opcode.i64Add, .i64Or, .i64ShrU, .i64Sub][random.number(below: 4)])
    case 4:
      i32()
      emit(.i64ExtendI32U)
    default:
      i64()
      i64()
      i32()
      emit(.select)
    }
  }
}
