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

  /// All branches that can run, as items.
  public var items: [CoverageItem] { all.filter { reason($0) == nil }.map { CoverageItem($0) } }

  /// The branches that cannot run, in words with the reason.
  public var excluded: [String] { all.compactMap { branch in reason(branch).map { "\(words(branch)): \($0)" } } }

  private var all: [InjectedBranch] {
    branches.enumerated().flatMap { function, branches in
      branches.indices.map { InjectedBranch(function: function, number: $0) }
    }
  }

  /// Why a branch cannot run; nil where it can.
  private func reason(_ branch: InjectedBranch) -> String? { Self.impossible[words(branch)] }

  private static let impossible = [
    "`count_clean_pages`: if 1 holds": "pages are counted of ranges that are not empty",
    "`stable_grow`: if 2 holds": "the memory grows to the capacity, past which the host does not let it",
    "`stable64_grow`: if 2 holds": "the memory grows to the capacity, past which the host does not let it",
  ]

  /// A branch in words: "`stable_write`: if 3 does not hold".
  public func words(_ branch: InjectedBranch) -> String {
    let name = "`\(InjectedBranch.functions[branch.function])`"
    guard branch.function < branches.count, branch.number < branches[branch.function].count else {
      return "\(name): branch \(branch.number) of another instrumenter"
    }
    return "\(name): \(branches[branch.function][branch.number])"
  }
}
