// Which branches of injected code run: probes put into the functions that instrumentation adds, each of which sets a bit
// of a global that the native lane hands back. Applied by `CaseRunner` on request, after instrumentation and before the
// lane. What the module does and what it charges stay the same: injected code is not metered.

import Canister
import Execution
import Instrumentation
import Wasm

/// A branch of an injected function.
public struct InjectedBranch: Hashable, Sendable {
  /// Position among the injected functions of the ABI: decrement, count_clean_pages, then the stable functions.
  public let function: Int
  /// Number of the branch in the function, in the order of code.
  public let number: Int

  /// Names of the functions by position.
  static let functions =
    ["decrement", "count_clean_pages"] + InstrumentedLayout.replacementOrder.map(\.name)

  /// Branches of a function beyond this are not probed.
  static let most = 64
}

extension CoverageItem {
  /// The item of a branch.
  public init(_ branch: InjectedBranch) {
    self.init(.branch, UInt64(branch.function * InjectedBranch.most + branch.number))
  }

  /// The branch; nil for other items and for numbers that no branch has.
  public var branch: InjectedBranch? {
    guard kind == .branch, payload < UInt64(InjectedBranch.functions.count * InjectedBranch.most) else { return nil }
    let number = Int(payload)
    return InjectedBranch(function: number / InjectedBranch.most, number: number % InjectedBranch.most)
  }
}

/// An instrumented module with probes.
public struct ProbedModule: Sendable {
  public let module: Module
  /// The probed functions by the order of the added globals, which are the module's last.
  let functions: [Int]
  /// For each probed function what its branches are.
  let branches: [[String]]

  /// Globals that were added, one for each probed function.
  public var probeCount: Int { functions.count }

  /// - Parameters:
  ///   - instrumented: valid, with the replica's ABI.
  ///   - original: what was instrumented.
  public init(_ instrumented: Module, original: Module) {
    let imported = InstrumentedLayout.replacementOrder.enumerated().filter { _, function in
      original.imports.contains { $0.module == "ic0" && $0.name == function.name }
    }
    let spaces = IndexSpaces(instrumented)
    var module = instrumented
    var functions: [Int] = []
    var branches: [[String]] = []
    let numbers = [0, 1] + imported.map { $0.offset + 2 }
    for (position, number) in zip(original.functions.count..., numbers) where position < module.functions.count {
      var probing = Probing(
        module.functions[position].body, global: GlobalIndex(spaces.globals.count + functions.count))
      module.functions[position].body.instructions = probing.rewrite()
      functions.append(number)
      branches.append(probing.branches)
    }
    for _ in functions { module.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(0)])) }
    self.module = module
    self.functions = functions
    self.branches = branches
  }

  /// The branches behind the bits that a lane has gathered, one number for each probe.
  public func taken(_ bits: [UInt64]) -> [CoverageItem] {
    var items: [CoverageItem] = []
    for (function, bits) in zip(functions, bits) {
      var rest = bits
      while rest != 0 {
        items.append(CoverageItem(InjectedBranch(function: function, number: rest.trailingZeroBitCount)))
        rest &= rest - 1
      }
    }
    return items
  }
}

/// The modules of a case with probes.
public struct ProbedModules: Sendable {
  public let first: ProbedModule
  public let second: ProbedModule?

  public init(first: ProbedModule, second: ProbedModule?) {
    self.first = first
    self.second = second
  }
}

extension CoverageCollector {
  /// Notes the branches that a lane of probed modules has taken.
  public func insert(_ probed: ProbedModules, from lane: NativeLane) {
    for item in probed.first.taken(lane.probeBits.first) { insert(item) }
    for item in probed.second?.taken(lane.probeBits.second) ?? [] { insert(item) }
  }
}

/// Puts probes into one function.
private struct Probing {
  private let body: FunctionBody
  private let global: GlobalIndex
  private(set) var branches: [String] = []
  private var result: [Instruction] = []

  init(_ body: FunctionBody, global: GlobalIndex) {
    self.body = body
    self.global = global
  }

  /// A block that is open; `needsElse`: an `if` whose other branch has no code yet.
  private struct Block {
    var number: Int?
    var needsElse = false
  }

  mutating func rewrite() -> [Instruction] {
    var blocks: [Block] = []
    var conditions = 0
    for (position, instruction) in body.instructions.enumerated() {
      switch instruction.opcode {
      case .if:
        conditions += 1
        result.append(instruction)
        probe("if \(conditions) holds")
        blocks.append(Block(number: conditions, needsElse: hasNoResult(instruction)))
      case .else:
        result.append(instruction)
        if let number = blocks.last?.number { probe("if \(number) does not hold") }
        if let last = blocks.indices.last { blocks[last].needsElse = false }
      case .block, .loop:
        result.append(instruction)
        blocks.append(Block())
      case .end:
        if let block = blocks.popLast(), block.needsElse, let number = block.number {
          result.append(Instruction(.else))
          probe("if \(number) does not hold")
        }
        result.append(instruction)
      case .brIf:
        conditions += 1
        // The condition is on the stack: both ways are probed where the target takes no values.
        if case .label(let label) = instruction.immediate, takesNoValues(label, at: position) {
          result.append(Instruction(.if, .block(.empty)))
          probe("branch \(conditions) is taken")
          result.append(Instruction(.br, .label(label + 1)))
          result.append(Instruction(.end))
        } else {
          result.append(instruction)
        }
        probe("branch \(conditions) is not taken")
      default: result.append(instruction)
      }
    }
    return result
  }

  private mutating func probe(_ words: String) {
    let number = branches.count
    guard number < InjectedBranch.most else { return }
    branches.append(words)
    result += [.get(global), .i64(Int64(bitPattern: 1 << UInt64(number))), Instruction(.i64Or), .set(global)]
  }

  private func hasNoResult(_ instruction: Instruction) -> Bool {
    if case .block(.empty) = instruction.immediate { true } else { false }
  }

  /// Whether the block that is `label` levels out of an instruction has neither parameters nor results.
  private func takesNoValues(_ label: UInt32, at position: Int) -> Bool {
    var depth = Int(label)
    for instruction in body.instructions[..<position].reversed() {
      switch instruction.opcode {
      case .end: depth += 1
      case .block, .loop, .if:
        if depth == 0 { return hasNoResult(instruction) }
        depth -= 1
      default: break
      }
    }
    return false
  }
}
