// The operators on single instructions of the injected functions: what may stand in the place of one instruction, with
// the same effect on the stack. Used by `MutationRule+Injected.swift`.

import Canister
import Instrumentation
import Wasm

/// Another piece of code for one instruction.
struct InstructionEdit: Sendable {
  let family: MutationFamily
  /// Short, for the mutant's name.
  let name: String
  /// What has become of the instruction, for sentences: 'becomes i64.ge_u'.
  let words: String
  /// Gets the instruction, the types of the body's locals, and the module.
  let make: @Sendable (Instruction, [ValueType], MutationTarget) -> [Instruction]?

  private init(
    _ family: MutationFamily, _ name: String, _ words: String,
    make: @escaping @Sendable (Instruction, [ValueType], MutationTarget) -> [Instruction]?
  ) {
    self.family = family
    self.name = name
    self.words = words
    self.make = make
  }

  /// Another opcode with the same immediate.
  private static func opcode(_ family: MutationFamily, _ opcode: Opcode) -> InstructionEdit {
    InstructionEdit(family, "\(opcode.row.text)", "becomes \(opcode.row.text)") { old, _, _ in
      [Instruction(opcode, old.immediate)]
    }
  }

  private static func code(
    _ family: MutationFamily, _ name: String, _ words: String, _ code: [Instruction]
  ) -> InstructionEdit {
    InstructionEdit(family, name, words) { _, _, _ in code }
  }

  /// All edits for an instruction.
  static func all(for instruction: Instruction, in body: InjectedBody, _ target: MutationTarget) -> [InstructionEdit] {
    comparisons(instruction.opcode) + arithmetic(instruction.opcode) + widths(instruction.opcode)
      + constants(instruction) + variables(instruction, body) + control(instruction.opcode)
      + memories(instruction) + calls(instruction, body, target)
  }

  // MARK: Comparisons

  /// Comparisons by meaning, for both widths.
  private struct Comparisons: Sendable {
    let equal, notEqual: Opcode
    /// Less, less or equal, greater, greater or equal.
    let signed, unsigned: [Opcode]

    var all: [Opcode] { [equal, notEqual] + signed + unsigned }

    static let both = [
      Comparisons(
        equal: .i32Eq, notEqual: .i32Ne, signed: [.i32LtS, .i32LeS, .i32GtS, .i32GeS],
        unsigned: [.i32LtU, .i32LeU, .i32GtU, .i32GeU]),
      Comparisons(
        equal: .i64Eq, notEqual: .i64Ne, signed: [.i64LtS, .i64LeS, .i64GtS, .i64GeS],
        unsigned: [.i64LtU, .i64LeU, .i64GtU, .i64GeU]),
    ]
  }

  /// Every other comparison of the width, and two that are always the same.
  private static func comparisons(_ opcode: Opcode) -> [InstructionEdit] {
    if opcode == .i32Eqz || opcode == .i64Eqz {
      return [
        code(.comparison, "negated", "is negated", [Instruction(opcode), Instruction(.i32Eqz)]),
        code(.comparison, "true", "is always true", [Instruction(.drop), .i32(1)]),
        code(.comparison, "false", "is always false", [Instruction(.drop), .i32(0)]),
      ]
    }
    guard let family = Comparisons.both.first(where: { $0.all.contains(opcode) }) else { return [] }
    let drops = [Instruction(.drop), Instruction(.drop)]
    return family.all.filter { $0 != opcode }.map { self.opcode(.comparison, $0) } + [
      code(.comparison, "true", "is always true", drops + [.i32(1)]),
      code(.comparison, "false", "is always false", drops + [.i32(0)]),
    ]
  }

  // MARK: Arithmetic

  private static let operations: [[Opcode]] = [
    [.i32Add, .i32Sub, .i32Or, .i32Xor], [.i64Add, .i64Sub, .i64Or, .i64Xor],
    [.i32Mul, .i32Add, .i32Shl], [.i64Mul, .i64Add, .i64Shl],
    [.i32ShrU, .i32ShrS, .i32Shl, .i32Rotr], [.i64ShrU, .i64ShrS, .i64Shl, .i64Rotr],
    [.i32And, .i32Or, .i32Xor], [.i64And, .i64Or, .i64Xor],
  ]

  private static func arithmetic(_ opcode: Opcode) -> [InstructionEdit] {
    var edits: [InstructionEdit] = []
    let isNarrow = opcode.row.signature.result == .i32
    switch opcode {
    case .i32Sub, .i64Sub:
      let negate: [Instruction] =
        isNarrow ? [.i32(-1), Instruction(.i32Mul)] : [.i64(-1), Instruction(.i64Mul)]
      edits.append(code(.arithmetic, "swapped", "has its operands swapped", [Instruction(opcode)] + negate))
    case .i32Add, .i64Add, .i32Mul, .i64Mul, .i32ShrU, .i64ShrU, .i32And, .i64And, .i32Or, .i64Or: break
    default: return []
    }
    // The family is the one that begins with the opcode, or has it.
    let family = operations.first { $0[0] == opcode } ?? operations.first { $0.contains(opcode) } ?? []
    edits += family.filter { $0 != opcode }.map { self.opcode(.arithmetic, $0) }
    edits.append(code(.arithmetic, "left", "gives its left operand", [Instruction(.drop)]))
    let zero: Instruction = isNarrow ? .i32(0) : .i64(0)
    edits.append(code(.arithmetic, "zero", "gives 0", [Instruction(.drop), Instruction(.drop), zero]))
    return edits
  }

  // MARK: Widths

  private static func widths(_ opcode: Opcode) -> [InstructionEdit] {
    switch opcode {
    case .i64ExtendI32U:
      return [
        self.opcode(.width, .i64ExtendI32S),
        code(.width, "low-16", "keeps 16 bits", [Instruction(opcode), .i64(0xFFFF), Instruction(.i64And)]),
      ]
    case .i32WrapI64:
      return [
        code(.width, "low-16", "keeps 16 bits", [Instruction(opcode), .i32(0xFFFF), Instruction(.i32And)]),
        code(.width, "high", "takes the high half", [.i64(32), Instruction(.i64ShrU), Instruction(opcode)]),
      ]
    case .i32Load8U: return [.i32Load8S, .i32Load16U, .i32Load].map { self.opcode(.width, $0) }
    case .i32Store8: return [.i32Store16, .i32Store].map { self.opcode(.width, $0) }
    default: return []
    }
  }

  // MARK: Constants

  private static func constants(_ instruction: Instruction) -> [InstructionEdit] {
    switch instruction.immediate {
    case .i32, .i64: break
    default: return []
    }
    // Values are read off the module at hand: the heap limit, for one, is a parameter of the case.
    func edit(_ name: String, _ words: String, _ change: @escaping @Sendable (Int64) -> Int64) -> InstructionEdit {
      InstructionEdit(.constant, name, words) { old, _, _ in
        switch old.immediate {
        case .i32(let value): [.i32(Int32(truncatingIfNeeded: change(Int64(value))))]
        case .i64(let value): [.i64(change(value))]
        default: nil
        }
      }
    }
    return [
      edit("plus-1", "is one more") { $0 &+ 1 }, edit("minus-1", "is one less") { $0 &- 1 },
      edit("doubled", "is doubled") { $0 &* 2 }, edit("negated", "is negated") { 0 &- $0 },
      edit("zero", "is 0") { _ in 0 },
    ]
  }

  // MARK: Variables

  private static func variables(_ instruction: Instruction, _ body: InjectedBody) -> [InstructionEdit] {
    switch (instruction.opcode, instruction.immediate) {
    case (.localGet, .local(let local)):
      let type = body.locals[local.position]
      return locals(like: local, body).map { other in
        code(.variable, "local-\(other)", "reads local \(other) instead of \(local)", [.get(other)])
      } + [code(.variable, "zero", "reads 0 instead of local \(local)", [type == .i32 ? .i32(0) : .i64(0)])]
    case (.localSet, .local(let local)):
      return locals(like: local, body).map { other in
        code(.variable, "local-\(other)", "sets local \(other) instead of \(local)", [.set(other)])
      } + [code(.variable, "dropped", "does not happen", [Instruction(.drop)])]
    case (.localTee, .local(let local)):
      return locals(like: local, body).map { other in
        code(.variable, "local-\(other)", "sets local \(other) instead of \(local)", [.tee(other)])
      } + [code(.variable, "dropped", "does not happen", [])]
    case (.globalGet, .global), (.globalSet, .global):
      // The three counters stand side by side.
      return (1...2).map { distance in
        InstructionEdit(.variable, "counter+\(distance)", "takes another counter (+\(distance))") { old, _, target in
          guard case .global(let global) = old.immediate else { return nil }
          let first = target.layout.instructionCounter.position
          let other = first + (global.position - first + distance) % 3
          return [Instruction(old.opcode, .global(GlobalIndex(other)))]
        }
      } + [
        instruction.opcode == .globalSet
          ? code(.variable, "dropped", "does not happen", [Instruction(.drop)])
          : code(.variable, "zero", "reads 0", [.i64(0)])
      ]
    default: return []
    }
  }

  private static func locals(like local: LocalIndex, _ body: InjectedBody) -> [LocalIndex] {
    body.locals.indices.filter { $0 != local.position && body.locals[$0] == body.locals[local.position] }
      .map { LocalIndex($0) }
  }

  // MARK: Control

  private static func control(_ opcode: Opcode) -> [InstructionEdit] {
    switch opcode {
    case .if:
      let block = Instruction(.if, .block(.empty))
      return [
        code(.control, "negated", "takes the wrong branch", [Instruction(.i32Eqz), block]),
        code(.control, "always", "is always taken", [Instruction(.drop), .i32(1), block]),
        code(.control, "never", "is never taken", [Instruction(.drop), .i32(0), block]),
      ]
    case .brIf:
      return [
        InstructionEdit(.control, "negated", "branches when it should not") { old, _, _ in [Instruction(.i32Eqz), old]
        },
        code(.control, "never", "never branches", [Instruction(.drop)]),
        InstructionEdit(.control, "always", "always branches") { old, _, _ in [Instruction(.drop), .i32(1), old] },
      ]
    case .return: return [code(.control, "missing", "is missing", [])]
    default: return []
    }
  }

  // MARK: Memories

  private static func memories(_ instruction: Instruction) -> [InstructionEdit] {
    var edits: [InstructionEdit] = []
    switch instruction.immediate {
    case .memory, .memoryAccess:
      for (name, choose) in others {
        edits.append(
          InstructionEdit(.memory, name, "works on the \(name)") { old, _, target in
            guard let memory = choose(target) else { return nil }
            switch old.immediate {
            case .memory: return [Instruction(old.opcode, .memory(memory))]
            case .memoryAccess(var access):
              access.memory = memory
              return [Instruction(old.opcode, .memoryAccess(access))]
            default: return nil
            }
          })
      }
    case .memoryCopy:
      edits.append(
        InstructionEdit(.memory, "swapped", "copies the other way") { old, _, _ in
          guard case .memoryCopy(let destination, let source) = old.immediate else { return nil }
          return [Instruction(.memoryCopy, .memoryCopy(destination: source, source: destination))]
        })
      for (name, choose) in others {
        for side in ["from", "to"] {
          edits.append(
            InstructionEdit(.memory, "\(side)-\(name)", "copies \(side) the \(name)") { old, _, target in
              guard case .memoryCopy(let destination, let source) = old.immediate, let memory = choose(target) else {
                return nil
              }
              return [
                Instruction(
                  .memoryCopy,
                  side == "from"
                    ? .memoryCopy(destination: destination, source: memory)
                    : .memoryCopy(destination: memory, source: source))
              ]
            })
        }
      }
    default: return []
    }
    let drops = [Instruction](repeating: Instruction(.drop), count: 3)
    switch instruction.opcode {
    case .memoryFill, .memoryCopy: edits.append(code(.memory, "dropped", "does not happen", drops))
    case .i32Store8: edits.append(code(.memory, "dropped", "does not happen", Array(drops.prefix(2))))
    case .i32Load8U: edits.append(code(.memory, "zero", "reads 0", [Instruction(.drop), .i32(0)]))
    case .memorySize:
      edits.append(
        InstructionEdit(.memory, "plus-1", "is one page more") { old, _, _ in [old, .i64(1), Instruction(.i64Add)] })
      edits.append(
        InstructionEdit(.memory, "minus-1", "is one page less") { old, _, _ in [old, .i64(1), Instruction(.i64Sub)] })
    case .memoryGrow:
      edits.append(
        InstructionEdit(.memory, "dropped", "does not happen") { old, _, _ in
          guard case .memory(let memory) = old.immediate else { return nil }
          return [Instruction(.drop), Instruction(.memorySize, .memory(memory))]
        })
    default: break
    }
    if case .memoryAccess = instruction.immediate {
      edits.append(
        InstructionEdit(.memory, "offset-1", "is one byte further") { old, _, _ in
          guard case .memoryAccess(var access) = old.immediate else { return nil }
          access.offset += 1
          return [Instruction(old.opcode, .memoryAccess(access))]
        })
    }
    return edits
  }

  /// The memories that an instruction may take instead.
  private static let others: [(String, @Sendable (MutationTarget) -> MemoryIndex?)] = [
    ("heap", { $0.layout.heap }), ("stable-memory", { $0.layout.stableMemory }), ("bytemap", { $0.layout.bytemap }),
  ]

  // MARK: Calls

  private static func calls(
    _ instruction: Instruction, _ body: InjectedBody, _ target: MutationTarget
  ) -> [InstructionEdit] {
    guard instruction.opcode == .call, case .function(let function) = instruction.immediate else { return [] }
    let type = body.type(of: function)
    let drops = [Instruction](repeating: Instruction(.drop), count: type.parameters.count)
    let zeros: [Instruction] = type.results.map { $0 == .i32 ? .i32(0) : .i64(0) }
    var edits = [code(.call, "dropped", "does not happen", drops + zeros)]
    if type.parameters == type.results, type.results.count == 1 {
      edits.append(InstructionEdit(.call, "doubled", "happens twice") { old, _, _ in [old, old] })
    }
    if function == target.layout.tryGrowStableMemory {
      edits.append(
        InstructionEdit(.call, "granted", "is taken for granted") { _, _, target in
          drops + [Instruction(.memorySize, .memory(target.layout.stableMemory))]
        })
    }
    return edits
  }
}
