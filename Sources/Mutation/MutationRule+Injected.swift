// Mutants of the injected functions: every operator at every instruction and statement of their bodies. The places are
// found once, in a sample module that has all of them.

import Canister
import Instrumentation
import Wasm

extension MutationRule {
  /// Mutants of single instructions and of statements.
  static let injected: [MutationRule] = {
    let samples = InjectedSamples()
    return InjectedFunction.all.flatMap { function in
      instructionRules(function, samples) + statementRules(function, samples)
    }
  }()

  private static func instructionRules(_ function: InjectedFunction, _ samples: InjectedSamples) -> [MutationRule] {
    guard let body = samples.body(of: function) else { return [] }
    var numbers: [Opcode: Int] = [:]
    var rules: [MutationRule] = []
    for instruction in body.instructions {
      numbers[instruction.opcode, default: 0] += 1
      let place = Occurrence(opcode: instruction.opcode, number: numbers[instruction.opcode] ?? 1)
      let text = "\(instruction.opcode.row.text)"
      for edit in InstructionEdit.all(for: instruction, in: body, samples.target) {
        let rule = MutationRule(
          "\(function.name)/\(text)#\(place.number)/\(edit.name)", edit.family,
          "\(function.name): \(text) number \(place.number) \(edit.words).", functions: function.callers
        ) { target in
          target.editing(function) { instructions, locals in
            guard let position = place.position(in: instructions),
              let new = edit.make(instructions[position], locals, target)
            else { return nil }
            var result = instructions
            result.replaceSubrange(position...position, with: new)
            return result
          }
        }
        if let rule = samples.checked(rule, in: function, at: { place.position(in: $0.instructions) }) {
          rules.append(rule)
        }
      }
    }
    return rules
  }

  private static func statementRules(_ function: InjectedFunction, _ samples: InjectedSamples) -> [MutationRule] {
    guard let body = samples.body(of: function) else { return [] }
    let statements = body.statements
    var rules: [MutationRule] = []
    for (number, statement) in statements.enumerated() {
      let code = body.instructions[statement.range]
      var edits: [(name: String, words: String, make: StatementEdit)] = [("dropped", "is missing", .dropped)]
      if accumulates(code, samples.target) {
        edits.append(("doubled", "is done twice", .doubled))
      }
      if let next = statement.next, hasOrder(code, samples.target),
        hasOrder(body.instructions[statements[next].range], samples.target)
      {
        edits.append(("swapped", "comes after the one behind it", .swapped))
      }
      let excerpt = code.prefix(8).map { "\($0.opcode.row.text)" }.joined(separator: " ") + (code.count > 8 ? " …" : "")
      for edit in edits {
        let rule = MutationRule(
          "\(function.name)/statement#\(number + 1)/\(edit.name)", .statement,
          "\(function.name): statement \(number + 1) (\(excerpt)) \(edit.words).", functions: function.callers
        ) { target in
          guard let position = target.position(of: function) else { return nil }
          let body = InjectedBody(position, of: target.instrumented)
          let statements = body.statements
          guard number < statements.count else { return nil }
          return target.editing(function) { instructions, _ in
            edit.make.apply(to: instructions, statements, number)
          }
        }
        let checked = samples.checked(rule, in: function) { body in
          let statements = body.statements
          return number < statements.count ? statements[number].range.lowerBound : nil
        }
        if let checked { rules.append(checked) }
      }
    }
    return rules
  }

  /// Whether doing a statement twice is something else than doing it once.
  private static func accumulates(_ code: ArraySlice<Instruction>, _ target: MutationTarget) -> Bool {
    let isUpdate = code.contains { instruction in
      guard instruction.opcode == .globalSet else { return false }
      return code.contains { $0.opcode == .globalGet && $0.immediate == instruction.immediate }
    }
    return isUpdate || code.contains { $0.opcode == .memoryGrow || isCharge($0, target) }
  }

  private static func isCharge(_ instruction: Instruction, _ target: MutationTarget) -> Bool {
    instruction == .call(target.layout.decrement) || instruction == .call(target.layout.tryGrowStableMemory)
  }

  /// Whether it matters when a statement is done: it may end the execution, charge, or copy.
  private static func hasOrder(_ code: ArraySlice<Instruction>, _ target: MutationTarget) -> Bool {
    code.contains {
      isCharge($0, target) || $0 == .call(target.layout.internalTrap) || $0.opcode == .return
        || $0.opcode == .memoryCopy || $0.opcode == .memoryFill || $0.opcode == .memoryGrow
    }
  }
}

/// What can happen to a statement.
private enum StatementEdit {
  case dropped, doubled, swapped

  func apply(to instructions: [Instruction], _ statements: [InjectedBody.Statement], _ number: Int) -> [Instruction]? {
    var result = instructions
    let range = statements[number].range
    switch self {
    case .dropped: result.removeSubrange(range)
    case .doubled: result.insert(contentsOf: instructions[range], at: range.upperBound)
    case .swapped:
      guard let next = statements[number].next else { return nil }
      let both = range.lowerBound..<statements[next].range.upperBound
      result.replaceSubrange(both, with: instructions[statements[next].range] + instructions[range])
    }
    return result
  }
}

extension MutationTarget {
  /// The module with another body for an injected function; nil where `change` has none or the module not the function.
  func editing(
    _ function: InjectedFunction, _ change: ([Instruction], _ locals: [ValueType]) -> [Instruction]?
  ) -> Module? {
    guard let position = position(of: function), position < instrumented.functions.count else { return nil }
    let old = instrumented.functions[position]
    let parameters = instrumented.types[old.type.position].parameters
    let locals = old.body.locals.reduce(into: parameters) { types, group in
      types += [ValueType](repeating: group.type, count: Int(group.count))
    }
    guard let new = change(old.body.instructions, locals), new != old.body.instructions else { return nil }
    var result = instrumented
    result.functions[position].body.instructions = new
    return result
  }
}

/// Modules in which all injected functions occur: one with each heap width.
struct InjectedSamples {
  let target: MutationTarget
  private let wide: MutationTarget?

  init() {
    // The samples are constants of this file: they can be instrumented.
    guard let narrow = Self.make(is64BitHeap: false) else { preconditionFailure("the sample cannot be instrumented") }
    target = narrow
    wide = Self.make(is64BitHeap: true)
  }

  private static func make(is64BitHeap: Bool) -> MutationTarget? {
    var module = Module()
    module.memories = [MemoryType(Limits(minimum: 1), is64Bit: is64BitHeap)]
    for function in InstrumentedLayout.replacementOrder {
      guard let type = function.row.type(is64BitHeap: is64BitHeap) else { continue }
      module.types.append(type)
      module.imports.append(
        Import(module: "ic0", name: function.name, kind: .function(TypeIndex(module.types.count - 1))))
    }
    let strategy = Strategy(memory: .end, imports: .front)
    guard let instrumented = try? instrument(module, strategy: strategy, parameters: Parameters()) else { return nil }
    return MutationTarget(instrumented, original: module, strategy: strategy, parameters: Parameters())
  }

  func body(of function: InjectedFunction) -> InjectedBody? {
    target.position(of: function).map { InjectedBody($0, of: target.instrumented) }
  }

  /// The rule, so that it need not be validated any more: the bodies are the same in all modules of a heap width. nil
  /// where it makes no valid module of either width.
  ///
  /// - Parameter position: where in a body the rule makes its change.
  func checked(
    _ rule: MutationRule, in function: InjectedFunction, at position: (InjectedBody) -> Int?
  ) -> MutationRule? {
    let isValidNarrow = rule.apply(to: target) != nil
    let isValidWide = wide.map { rule.apply(to: $0) != nil } ?? false
    guard isValidNarrow || isValidWide else { return nil }
    let edit = rule.edit
    func block(_ target: MutationTarget?) -> Int? {
      guard let target, let number = target.position(of: function) else { return nil }
      let body = InjectedBody(number, of: target.instrumented)
      return position(body).flatMap { InjectedCoverage.block(function, $0, in: body.instructions) }
    }
    return MutationRule(
      rule.name, rule.family, rule.sentence, profiles: rule.profiles, functions: rule.functions, isValidByDesign: true,
      blocks: (narrow: block(target), wide: block(wide))
    ) { target in
      (target.layout.is64BitHeap ? isValidWide : isValidNarrow) ? edit(target) : nil
    }
  }
}
