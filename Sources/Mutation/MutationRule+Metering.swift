// Mutants of the metering of the module's own code: charges of blocks by what the block follows, checks, the costs of
// single opcodes, charges by size, and what is done around memory.grow.

import Canister
import Instrumentation
import Wasm

/// A place in an own function at which a block's cost is taken from the counter.
private struct MeteringPoint {
  let function: Int
  /// Of its first instruction.
  let position: Int
  /// The instruction that ended the block before; nil at the function's entry.
  let follows: Opcode?
  let isChecked: Bool

  /// Instructions of the charge, and of the check behind it.
  static let chargeLength = 4
  static let checkLength = 6
}

extension MutationTarget {
  /// The metering points of an own function, in order.
  fileprivate func points(of function: Int) -> [MeteringPoint] {
    let body = instrumented.functions[function].body.instructions
    let (get, set) = (Instruction.get(layout.instructionCounter), Instruction.set(layout.instructionCounter))
    var points: [MeteringPoint] = []
    for position in body.indices.dropLast(3) where body[position] == get && body[position + 3] == set {
      guard body[position + 1].opcode == .i64Const, body[position + 2].opcode == .i64Sub else { continue }
      let check = position + MeteringPoint.chargeLength
      let isChecked = check + 2 < body.count && body[check] == get && body[check + 2].opcode == .i64LtS
      points.append(
        MeteringPoint(
          function: function, position: position, follows: endBefore(position, in: body), isChecked: isChecked))
    }
    return points
  }

  /// The instruction before a point, apart from a charge by size that may stand in between.
  private func endBefore(_ position: Int, in body: [Instruction]) -> Opcode? {
    var last = position - 1
    if last >= 0, body[last].opcode == .i32WrapI64, last > 0, body[last - 1] == .call(layout.decrement) { last -= 1 }
    if last >= 0, body[last] == .call(layout.decrement) {
      last -= 1
      if last >= 0, body[last].opcode == .i64ExtendI32U { last -= 1 }
    }
    return last < 0 ? nil : body[last].opcode
  }

  /// The module with changed own functions; `changes` are made from the last to the first.
  fileprivate func editingCode(
    _ places: [(function: Int, position: Int)], _ change: (inout [Instruction], Int) -> Void
  ) -> Module? {
    if places.isEmpty { return nil }
    var result = instrumented
    for place in places.sorted(by: { ($0.function, $0.position) > ($1.function, $1.position) }) {
      change(&result.functions[place.function].body.instructions, place.position)
    }
    return result == instrumented ? nil : result
  }
}

extension MutationRule {
  /// Changes of a block's charge or check.
  private enum PointEdit: String, CaseIterable {
    case more = "plus-1"
    case less = "minus-1"
    case doubled
    case free
    case unchecked
    case lateCheck = "check-late"
    case earlyCheck = "check-early"

    var words: String {
      switch self {
      case .more: "costs one instruction too much"
      case .less: "costs one instruction too little"
      case .doubled: "costs twice as much"
      case .free: "costs nothing"
      case .unchecked: "is not checked for having run out"
      case .lateCheck: "is checked one instruction too late"
      case .earlyCheck: "is checked one instruction too early"
      }
    }

    var concernsCheck: Bool { self == .unchecked || self == .lateCheck || self == .earlyCheck }

    func apply(_ body: inout [Instruction], _ position: Int) {
      guard case .i64(let cost) = body[position + 1].immediate else { return }
      let check = position + MeteringPoint.chargeLength
      switch self {
      case .more: body[position + 1] = .i64(cost + 1)
      case .less: body[position + 1] = .i64(cost - 1)
      case .doubled: body[position + 1] = .i64(cost * 2)
      case .free: body[position + 1] = .i64(0)
      case .unchecked: body.removeSubrange(check..<check + MeteringPoint.checkLength)
      case .lateCheck: body[check + 1] = .i64(-1)
      case .earlyCheck: body[check + 2] = Instruction(.i64LeS)
      }
    }
  }

  /// What a block can follow, by name.
  private static let blockStarts: [(name: String, opcode: Opcode?, profiles: [String])] =
    [
      ("entry", nil, ["native"])
    ]
    + [Opcode.loop, .if, .else, .end, .br, .brIf, .brTable, .return, .unreachable].map {
      ("\($0.row.text)", $0, ["native"])
    } + [Opcode.returnCall, .returnCallIndirect].map { ("\($0.row.text)", $0, ["multi-memory"]) }

  static let metering: [MutationRule] = blockRules + sizeRules + growthRules

  private static var blockRules: [MutationRule] {
    blockStarts.flatMap { start in
      PointEdit.allCases.flatMap { edit in
        Choice.allCases.compactMap { choice -> MutationRule? in
          if edit.concernsCheck && start.opcode != nil && start.opcode != .loop { return nil }
          let noun = start.opcode == nil ? "function entry" : "block after \(start.name)"
          return MutationRule(
            "metering/\(start.name)/\(edit.rawValue)/\(choice.rawValue)", .metering,
            "Metering: \(choice.words(noun)) \(edit.words).", profiles: start.profiles, isValidByDesign: true
          ) { target in
            let points = target.ownFunctions.flatMap { target.points(of: $0) }.filter {
              $0.follows == start.opcode && (!edit.concernsCheck || $0.isChecked)
            }
            return target.editingCode(choice.of(points).map { ($0.function, $0.position) }, edit.apply)
          }
        }
      }
    }
  }

  // MARK: Costs of opcodes

  /// One wrong entry in the table of costs, for every opcode that costs something.
  static let costs: [MutationRule] = Opcode.allCases.filter { $0.row.cost > 0 }.map {
    opcode in
    MutationRule(
      "cost/\(opcode.row.text)\(opcode.row.shape == .resultType ? "-typed" : "")", .cost,
      "Metering: \(opcode.row.text) costs one instruction too much.",
      profiles: isRefused(opcode) ? ["multi-memory"] : ["native"], isValidByDesign: true
    ) { target in
      var result = target.instrumented
      var found = false
      for function in target.ownFunctions {
        let source = target.original.functions[function].body.instructions
        guard source.contains(where: { $0.opcode == opcode }) else { continue }
        let counts = blockCounts(of: opcode, in: source, is64BitHeap: target.layout.is64BitHeap)
        for (point, count) in zip(target.points(of: function), counts) where count > 0 {
          let position = point.position + 1
          guard case .i64(let cost) = result.functions[function].body.instructions[position].immediate else { continue }
          result.functions[function].body.instructions[position] = .i64(cost + count)
          found = true
        }
      }
      return found ? result : nil
    }
  }

  /// Instructions that only canisters beyond the IC's rules have.
  private static func isRefused(_ opcode: Opcode) -> Bool {
    switch opcode {
    case .tableGrow, .tableSet, .tableFill, .tableCopy, .tableInit, .returnCall, .returnCallIndirect: true
    // Without table.init there is nothing to drop.
    case .elemDrop: true
    default: false
    }
  }

  /// How often an opcode occurs in each block that has a metering point, in order.
  private static func blockCounts(of opcode: Opcode, in source: [Instruction], is64BitHeap: Bool) -> [Int64] {
    var counts: [Int64] = []
    var (count, cost, isReentrant): (Int64, Int, Bool) = (0, 1, true)
    for instruction in source {
      if instruction.opcode == opcode { count += 1 }
      cost += Int(instruction.opcode.cost(is64BitHeap: is64BitHeap))
      guard instruction.opcode.endsMeteredBlock else { continue }
      if isReentrant || cost > 0 { counts.append(count) }
      (count, cost, isReentrant) = (0, 0, instruction.opcode == .loop)
    }
    return counts
  }

  // MARK: Charges by size

  private static var sizeRules: [MutationRule] {
    let narrow: [Opcode] = [.memoryFill, .memoryCopy, .memoryInit]
    let further: [Opcode] = [.tableFill, .tableCopy, .tableInit]
    return narrow.map(lateSizeRule)
      + (narrow + further).flatMap { opcode in
        ["missing", "doubled", "signed", "plus-1"].map { edit in
          MutationRule(
            "metering/\(opcode.row.text)/size-\(edit)", .metering,
            "Metering: the charge by size of every \(opcode.row.text) is \(edit == "plus-1" ? "one too much" : edit).",
            profiles: narrow.contains(opcode) ? ["native"] : ["multi-memory"]
          ) { target in
            let sites = target.ownFunctions.flatMap { function in
              target.sizeCharges(before: opcode, in: function).map { (function: function, position: $0) }
            }
            return target.editingCode(sites) { body, position in
              let call = Instruction.call(target.layout.decrement)
              switch edit {
              case "missing": body.remove(at: position)
              case "doubled": body.insert(call, at: position)
              case "plus-1":
                body.insert(
                  contentsOf: [.i64(1), Instruction(.i64Add), call, .i64(1), Instruction(.i64Sub)], at: position)
                body.remove(at: position + 5)
              default:
                if position > 0, body[position - 1].opcode == .i64ExtendI32U {
                  body[position - 1] = Instruction(.i64ExtendI32S)
                }
              }
            }
          }
        }
      }
  }

  /// Where an instruction begins a block, its charge by size comes first: seen by who runs out in between, and then ends
  /// without another check.
  private static func lateSizeRule(_ opcode: Opcode) -> MutationRule {
    MutationRule(
      "metering/\(opcode.row.text)/size-late", .metering,
      "Metering: the charge by size of every \(opcode.row.text) that begins a block comes after the block's own."
    ) { target in
      let sites = target.ownFunctions.flatMap { function in
        let points = target.points(of: function).filter { !$0.isChecked }.map(\.position)
        return target.sizeCharges(before: opcode, in: function)
          .filter { points.contains(chargeEnd($0, in: target.instrumented.functions[function].body.instructions)) }
          .map { (function: function, position: $0) }
      }
      return target.editingCode(sites) { body, position in
        let end = chargeEnd(position, in: body)
        let start = end - position > 1 ? position - 1 : position
        let point = end..<end + MeteringPoint.chargeLength
        body.replaceSubrange(start..<point.upperBound, with: Array(body[point] + body[start..<end]))
      }
    }
  }

  /// Where the charge by size ends whose call stands at `position`: a 32-bit size is made one again.
  fileprivate static func chargeEnd(_ position: Int, in body: [Instruction]) -> Int {
    body[position + 1].opcode == .i32WrapI64 ? position + 2 : position + 1
  }

  // MARK: Growth of the heap

  private static var growthRules: [MutationRule] {
    let edits: [(name: String, words: String, code: @Sendable (Instruction, FunctionIndex) -> [Instruction])] = [
      ("unasked", "is not shown to the host", { _, _ in [] }),
      ("asked-twice", "is shown to the host twice", { pages, ask in [pages, .call(ask), pages, .call(ask)] }),
      ("pages", "returns the pages asked for", { pages, ask in [Instruction(.drop), pages, pages, .call(ask)] }),
    ]
    return edits.flatMap { edit in
      Choice.allCases.map { choice in
        MutationRule(
          "metering/memory.grow/\(edit.name)/\(choice.rawValue)", .metering,
          "Growth of the heap: \(choice.words("memory.grow")) \(edit.words)."
        ) { target in
          let ask = target.layout.tryGrowWasmMemory
          let sites = target.ownFunctions.flatMap { function in
            target.instrumented.functions[function].body.instructions.indices.dropFirst().filter {
              target.instrumented.functions[function].body.instructions[$0] == .call(ask)
            }.map { (function: function, position: $0) }
          }
          return target.editingCode(choice.of(sites)) { body, position in
            let pages = body[position - 1]
            body.replaceSubrange(position - 1...position, with: edit.code(pages, ask))
          }
        }
      }
    }
  }
}

extension MutationTarget {
  /// Where an own function charges the size of an instruction with this opcode: positions of the calls.
  fileprivate func sizeCharges(before opcode: Opcode, in function: Int) -> [Int] {
    let body = instrumented.functions[function].body.instructions
    return body.indices.filter { position in
      guard body[position] == .call(layout.decrement) else { return false }
      var next = MutationRule.chargeEnd(position, in: body)
      if next + 3 < body.count, body[next] == .get(layout.instructionCounter) {
        next += MeteringPoint.chargeLength
        if next < body.count, body[next] == .get(layout.instructionCounter) { next += MeteringPoint.checkLength }
      }
      return next < body.count && body[next].opcode == opcode
    }
  }
}
