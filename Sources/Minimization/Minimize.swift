// Makes a case smaller while a predicate holds: the passes in their order, again and again until none gets anywhere.
// Called with what the campaign found; what comes out is stored.

import Canister

/// What a minimization may spend. Counted in calls, not in time, so that the result is the same on every machine.
public struct MinimizationBudget: Hashable, Sendable {
  /// Calls of the predicate.
  public var predicateCalls: Int
  /// Candidates made, also those that were not valid or had been seen before.
  public var candidates: Int

  public init(predicateCalls: Int = 2_000, candidates: Int? = nil) {
    self.predicateCalls = predicateCalls
    let (product, overflow) = predicateCalls.multipliedReportingOverflow(by: 20)
    self.candidates = candidates ?? (overflow ? .max : product)
  }
}

/// What one run of a pass did.
public struct PassLog: Hashable, Sendable {
  public var name: String
  /// Round of all passes, from 1.
  public var round: Int
  /// Calls of the predicate.
  public var tried: Int
  /// Calls that the predicate answered with yes.
  public var accepted: Int
  /// Candidates that no predicate saw, because they were not valid.
  public var invalid: Int
  /// Bytes of the modules and number of messages afterwards.
  public var moduleBytes: Int
  public var messages: Int
}

/// The smaller case, and how it came about.
public struct MinimizationResult: Sendable {
  /// The smallest case found for which the predicate held; the original if that was not interesting.
  public var `case`: Case
  /// Whether the predicate held for the original. Where it did not, nothing was tried.
  public var wasInteresting: Bool
  /// Whether all passes came to their end within the budget and without being stopped.
  public var isComplete: Bool
  /// Calls of the predicate.
  public var tried: Int
  /// Calls that made the case smaller.
  public var accepted: Int
  public var passes: [PassLog]
}

/// Makes a case smaller.
///
/// Deterministic: the result depends on the case, the budget and the predicate alone.
///
/// - Parameters:
///   - original: any case. Modules that do not decode are left as they are, only their call plan is minimized.
///   - budget: what may be spent.
///   - isStopped: asked between candidates; ends the search with what it has.
///   - isInteresting: whether a case still shows what is to be shown. It is asked for the original first, then for
///     candidates that are all different; they are valid canister modules if the original's are.
public func minimize(
  _ original: Case, budget: MinimizationBudget = MinimizationBudget(), isStopped: @escaping () -> Bool = { false },
  isInteresting: (Case) -> Bool
) -> MinimizationResult {
  withoutActuallyEscaping(isInteresting) { isInteresting in
    guard budget.predicateCalls > 0, isInteresting(original) else {
      return MinimizationResult(
        case: original, wasInteresting: false, isComplete: budget.predicateCalls > 0,
        tried: min(max(budget.predicateCalls, 0), 1), accepted: 0, passes: [])
    }
    var search = Search(original, budget: budget, isStopped: isStopped, isInteresting: isInteresting)
    var logs: [PassLog] = []
    var round = 0
    // Numbers may go down a little in every round, each making room for another; that is not worth many rounds.
    var roundsOfNumbers = 0
    var before: Int
    repeat {
      round += 1
      before = search.accepted
      let size = search.size
      for pass in Pass.all where !search.isExhausted {
        let start = search.counts
        pass.run(&search)
        logs.append(search.log(of: pass, since: start, round: round))
      }
      roundsOfNumbers = search.size < size ? 0 : roundsOfNumbers + 1
    } while search.accepted > before && roundsOfNumbers < 4 && !search.isExhausted
    return MinimizationResult(
      case: search.smallest, wasInteresting: true, isComplete: !search.isExhausted, tried: search.counts.tried,
      accepted: search.accepted, passes: logs)
  }
}

/// A way of making cases smaller. A run goes once through everything it could change; coming back is the business of
/// the round, because what other passes remove often opens the way.
struct Pass: Sendable {
  let name: String
  let run: @Sendable (inout Search) -> Void

  /// From what removes most for one call of the predicate, and makes all later calls cheaper, to what only makes the
  /// rest easier to read.
  static let all: [Pass] = [
    // Before the first candidate that could run away.
    Pass(name: "instruction limit", run: lowerInstructionLimit),
    // Every message is an execution in every lane: fewer of them make everything below faster.
    Pass(name: "messages", run: dropMessages),
    Pass(name: "second module", run: dropSecondModule),
    // Before any index moves, because names and debug data do not move along.
    Pass(name: "custom sections", run: dropCustomSections),
    // Whole functions at once; most of a real canister is not needed.
    Pass(name: "bodies", run: emptyBodies),
    Pass(name: "exports", run: dropExports),
    // After exports and bodies, which are what keeps functions, globals and segments in use.
    Pass(name: "unused", run: dropUnused),
    // Statements before blocks: an empty block goes as a statement, and branches out of the way let the others unwrap.
    Pass(name: "statements", run: dropStatements),
    Pass(name: "blocks", run: unwrapBlocks),
    // Statements that are left mean something; their operands are next, outermost first.
    Pass(name: "expressions", run: replaceExpressions),
    Pass(name: "folding", run: foldExpressions),
    Pass(name: "segments", run: shortenSegments),
    // One call of a helper is as good as its body, and the body can be cut to what this call needs.
    Pass(name: "calls", run: inlineCalls),
    // Numbers late: each takes several calls of the predicate, so only those that matter should be left.
    Pass(name: "constants", run: simplifyConstants),
    Pass(name: "limits", run: simplifyLimits),
    Pass(name: "arguments", run: shortenArguments),
  ]
}
