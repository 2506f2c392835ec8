// Which blocks of the injected functions a case executes: a probe module that notes it in further globals, so that mutants
// whose place is not executed need not be run. Read back through `NativeLane.probe`.

import Canister
import Instrumentation
import Wasm

/// Blocks of the injected functions by number: every function has room for 32.
public enum InjectedCoverage {
  /// Globals that the probe adds at the end, 64 blocks each.
  public static let words = (InjectedFunction.all.count * blocksPerFunction + 63) / 64
  private static let blocksPerFunction = 32

  /// Where the blocks of a body begin: wherever control may come in or go away.
  static func starts(_ body: [Instruction]) -> [Int] {
    [0]
      + body.indices.dropLast().filter { position in
        switch body[position].opcode {
        case .if, .else, .end, .loop, .brIf: true
        default: false
        }
      }.map { $0 + 1 }
  }

  /// The number of the block that an instruction of an injected function stands in.
  static func block(_ function: InjectedFunction, _ position: Int, in body: [Instruction]) -> Int? {
    guard let number = InjectedFunction.all.firstIndex(where: { $0.name == function.name }),
      let block = starts(body).lastIndex(where: { $0 <= position }), block < blocksPerFunction
    else { return nil }
    return number * blocksPerFunction + block
  }
}

extension MutationTarget {
  /// The instrumented module with code that sets a bit in the last globals for every block that is executed.
  public var coverageProbe: Module {
    var probe = instrumented
    let first = IndexSpaces(instrumented).globals.count
    for _ in 0..<InjectedCoverage.words { probe.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(0)])) }
    for function in InjectedFunction.all {
      guard let position = position(of: function), position < instrumented.functions.count else { continue }
      let body = instrumented.functions[position].body.instructions
      var result: [Instruction] = []
      let starts = Set(InjectedCoverage.starts(body))
      for (number, instruction) in body.enumerated() {
        if starts.contains(number), let bit = InjectedCoverage.block(function, number, in: body) {
          let global = GlobalIndex(first + bit / 64)
          result += [
            .get(global), .i64(Int64(bitPattern: 1 << UInt64(bit % 64))), Instruction(.i64Or), .set(global),
          ]
        }
        result.append(instruction)
      }
      probe.functions[position].body.instructions = result
    }
    return probe
  }
}

extension MutationRule {
  /// Whether the rule's place in an injected function is among the executed blocks.
  ///
  /// - Parameter words: of the probe, see `InjectedCoverage`.
  /// - Returns: nil for a rule about other things, of which this cannot be known.
  public func isReached(_ words: [UInt64], is64BitHeap: Bool) -> Bool? {
    guard let blocks else { return nil }
    guard let block = is64BitHeap ? blocks.wide : blocks.narrow, block / 64 < words.count else { return false }
    return words[block / 64] >> UInt64(block % 64) & 1 != 0
  }
}
