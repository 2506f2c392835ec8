// The state of a minimization: the smallest case so far, what was tried, what is left to spend.
// Passes hand their candidates to `attempt` or let `reduce` choose among removals; nothing else asks the predicate.

import Canister
import ContentHash

struct Search: ~Copyable {
  struct Counts {
    var tried = 0
    var accepted = 0
    var invalid = 0
    var candidates = 0
  }

  /// The smallest interesting candidate; passes start from it.
  private(set) var best: Candidate
  private(set) var smallest: Case
  private(set) var counts = Counts(tried: 1)

  private let budget: MinimizationBudget
  private let isStopped: () -> Bool
  private let isInteresting: (Case) -> Bool
  private var seen: Set<Fingerprint>

  /// - Parameters:
  ///   - original: a case known to be interesting.
  ///   - isStopped: whether nothing more is to be tried.
  init(
    _ original: Case, budget: MinimizationBudget, isStopped: @escaping () -> Bool,
    isInteresting: @escaping (Case) -> Bool
  ) {
    best = Candidate(original)
    smallest = original
    self.budget = budget
    self.isStopped = isStopped
    self.isInteresting = isInteresting
    seen = [Fingerprint(original)]
  }

  var accepted: Int { counts.accepted }
  var isExhausted: Bool {
    counts.tried >= budget.predicateCalls || counts.candidates >= budget.candidates || isStopped()
  }

  /// How much there is left, whatever numbers it contains.
  var size: Int {
    best.functions.reduce(best.plan.messages.count) { $0 + best[$1].instructions.count }
      + best.editable.reduce(0) { $0 + best.parts[$1].module.partCount }
  }

  /// Asks the predicate about a candidate, and goes on from there if it holds.
  ///
  /// Candidates that are not valid, and cases that were asked about before, cost no call. The latter also makes sure
  /// that passes cannot undo each other's work in turns.
  @discardableResult
  mutating func attempt(_ candidate: Candidate) -> Bool {
    guard !isExhausted else { return false }
    counts.candidates += 1
    var candidate = candidate
    guard let attempted = candidate.settled() else {
      counts.invalid += 1
      return false
    }
    guard seen.insert(Fingerprint(attempted)).inserted else { return false }
    counts.tried += 1
    guard isInteresting(attempted) else { return false }
    counts.accepted += 1
    best = candidate
    smallest = attempted
    return true
  }

  /// Removes as many of `count` things as it can: all, then halves, quarters, … then one by one, from the last to the
  /// first, because later things use what earlier ones make. One sweep for each size.
  ///
  /// - Parameters:
  ///   - remove: the current best candidate without the things marked with true; nil if it cannot be made.
  ///   - smallestChunk: where to stop halving.
  mutating func reduce(_ count: Int, smallestChunk: Int = 1, remove: ([Bool]) -> Candidate?) {
    var removed = [Bool](repeating: false, count: count)
    var kept = Array(0..<count)
    var chunk = count
    while chunk >= max(smallestChunk, 1) {
      var end = kept.count
      while end > 0 {
        if isExhausted { return }
        let range = max(0, end - chunk)..<end
        for position in kept[range] { removed[position] = true }
        if let candidate = remove(removed), attempt(candidate) {
          kept.removeSubrange(range)
        } else {
          for position in kept[range] { removed[position] = false }
        }
        end = range.lowerBound
      }
      if chunk == 1 { return }
      chunk = min((chunk + 1) / 2, kept.count)
    }
  }

  /// Finds a small number that still does: 0 or 1, or else one with few digits in binary, or else the smallest of those
  /// around. A number at the edge of a page stays at an edge, unless it is the first one. Some 40 calls at the most, and
  /// few where the number is small enough already.
  ///
  /// - Parameters:
  ///   - value: the number now.
  ///   - replace: the current best candidate with another number.
  /// - Returns: the number in the end.
  @discardableResult
  mutating func lower(_ value: UInt64, replace: (UInt64) -> Candidate?) -> UInt64 {
    var number = value
    if move(&number, to: 0, replace) || move(&number, to: 1, replace) { return number }
    let (page, osPage) = (Sizes.wasmPage, Sizes.osPage)
    if number > osPage && !number.isMultiple(of: osPage) {
      if !move(&number, to: number / page * page, replace) { move(&number, to: number / osPage * osPage, replace) }
    }
    keepLeadingBits(&number, replace)
    shift(&number, replace)
    if number > osPage && !number.isMultiple(of: osPage) {
      // The distance from the edge matters: perhaps the same one from an edge further down, or a shorter one.
      move(&number, to: number / page / 2 * page + number % page, replace)
      if number > page { move(&number, to: number - page, replace) }
      move(&number, to: number - number % osPage + 1, replace)
    }
    descend(&number, replace)
    return number
  }

  /// Goes to a smaller number if that still does.
  @discardableResult
  private mutating func move(
    _ number: inout UInt64, to trial: UInt64, _ replace: (UInt64) -> Candidate?
  ) -> Bool {
    guard trial < number, !isExhausted, let candidate = replace(trial), attempt(candidate) else { return false }
    number = trial
    return true
  }

  /// Clears as many of the lower bits as it can.
  private mutating func keepLeadingBits(_ number: inout UInt64, _ replace: (UInt64) -> Candidate?) {
    let whole = number
    let width = UInt64.bitWidth - whole.leadingZeroBitCount
    var (tooFew, enough) = (0, width - whole.trailingZeroBitCount)
    while enough - tooFew > 1 {
      let kept = (tooFew + enough) / 2
      if move(&number, to: whole & (UInt64.max << UInt64(width - kept)), replace) {
        enough = kept
      } else {
        tooFew = kept
      }
    }
  }

  /// Shifts to the right as far as it can.
  private mutating func shift(_ number: inout UInt64, _ replace: (UInt64) -> Candidate?) {
    let whole = number
    var (enough, tooFar) = (0, UInt64.bitWidth - whole.leadingZeroBitCount)
    while tooFar - enough > 1 {
      let distance = (enough + tooFar) / 2
      if move(&number, to: whole >> UInt64(distance), replace) { enough = distance } else { tooFar = distance }
    }
  }

  /// Looks for the bound by bisection, but only if the next number down still does.
  private mutating func descend(_ number: inout UInt64, _ replace: (UInt64) -> Candidate?) {
    let (page, osPage) = (Sizes.wasmPage, Sizes.osPage)
    let unit =
      number > page && number.isMultiple(of: page)
      ? page : number > osPage && number.isMultiple(of: osPage) ? osPage : 1
    guard number > unit, move(&number, to: number - unit, replace) else { return }
    var tooSmall: UInt64 = 0
    for _ in 0..<24 where number - tooSmall > unit {
      let middle = tooSmall + max(1, (number - tooSmall) / unit / 2) * unit
      if !move(&number, to: middle, replace) { tooSmall = middle }
    }
  }

  /// The log of a pass that ran from `start` until now.
  func log(of pass: Pass, since start: Counts, round: Int) -> PassLog {
    PassLog(
      name: pass.name, round: round, tried: counts.tried - start.tried, accepted: counts.accepted - start.accepted,
      invalid: counts.invalid - start.invalid,
      moduleBytes: smallest.module.count + (smallest.secondModule?.count ?? 0), messages: smallest.plan.messages.count)
  }
}

/// What stands for a case among those that were tried: modules by their digests, the rest by itself.
private struct Fingerprint: Hashable {
  private let modules: [Digest?]
  private let plan: CallPlan
  private let parameters: Parameters
  private let strategy: Strategy

  init(_ value: Case) {
    modules = [Digest(of: value.module), value.secondModule.map { Digest(of: $0) }]
    plan = value.plan
    parameters = value.parameters
    strategy = value.strategy
  }
}
