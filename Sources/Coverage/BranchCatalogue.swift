// All branches of the functions that our instrumenter injects, with words, for reports. Made by instrumenting a module
// that imports every stable function.

import Canister
import Instrumentation
import Wasm

/// The branches that there are.
public struct BranchCatalogue: Sendable {
  /// Branches by function, in the order of `InjectedBranch.functions`.
  private let branches: [[String]]

  /// The branches of our own instrumenter; empty if it cannot instrument the sample, which its tests rule out.
  public static let shared = BranchCatalogue()

  private init() {
    var sample = Module()
    for function in InstrumentedLayout.replacementOrder {
      guard let type = function.row.type(is64BitHeap: false) else { continue }
      sample.types.append(type)
      sample.imports.append(
        Import(module: "ic0", name: function.name, kind: .function(TypeIndex(sample.types.count - 1))))
    }
    sample.memories = [MemoryType(Limits(minimum: 1))]
    let strategy = Strategy(memory: .end, imports: .front)
    if let instrumented = try? instrument(sample, strategy: strategy, parameters: Parameters()) {
      branches = ProbedModule(instrumented, original: sample).branches
    } else {
      branches = []
    }
  }

  /// All branches as items.
  public var items: [CoverageItem] {
    branches.enumerated().flatMap { function, branches in
      branches.indices.map { CoverageItem(InjectedBranch(function: function, number: $0)) }
    }
  }

  /// A branch in words: "`stable_write`: if 3 does not hold".
  public func words(_ branch: InjectedBranch) -> String {
    let name = "`\(InjectedBranch.functions[branch.function])`"
    guard branch.function < branches.count, branch.number < branches[branch.function].count else {
      return "\(name): branch \(branch.number) of another instrumenter"
    }
    return "\(name): \(branches[branch.function][branch.number])"
  }
}
