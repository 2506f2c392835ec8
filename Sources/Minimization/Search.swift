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
  private let isInteresting: (Case) -> Bool
  private var seen: Set<Fingerprint>

  /// - Parameter original: a case known to be interesting.
  init(_ original: Case, budget: MinimizationBudget, isInteresting: @escaping (Case) -> Bool) {
    best = Candidate(original)
    smallest = original
    self.budget = budget
    self.isInteresting = isInteresting
    seen = [Fingerprint(original)]
  }

  var accepted: Int { counts.accepted }
  var isExhausted: Bool { counts.tried >= budget.predicateCalls || counts.candidates >= budget.candidates }

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

  /// Finds a small number that still does: 0 or 1, or else steps down, as large ones as hold. A number at the edge of a
  /// page stays at an edge; from the middle of a page it first tries to get to the edge below.
  ///
  /// - Parameters:
  ///   - value: the number now.
  ///   - replace: the current best candidate with another number.
  /// - Returns: the number in the end.
  @discardableResult
  mutating func lower(_ value: UInt64, replace: (UInt64) -> Candidate?) -> UInt64 {
    var value = value
    for _ in 0..<32 {
      var next: UInt64?
      for trial in Self.smaller(than: value) {
        if isExhausted { return value }
        if let candidate = replace(trial), attempt(candidate) {
          next = trial
          break
        }
      }
      guard let next else { break }
      value = next
    }
    return value
  }

  private static func smaller(than value: UInt64) -> [UInt64] {
    var trials: [UInt64] = []
    func add(_ trial: UInt64) {
      if trial < value && !trials.contains(trial) { trials.append(trial) }
    }
    add(0)
    add(1)
    let (page, osPage) = (Sizes.wasmPage, Sizes.osPage)
    if value > osPage && !value.isMultiple(of: osPage) {
      add(value / page * page)
      add(value / osPage * osPage)
      // Where the distance from the edge matters, the same one from an edge further down may do, or a shorter one.
      add(value / page / 2 * page + value % page)
      if value > page { add(value - page) }
      add(value - value % osPage + value % osPage / 2)
      add(value - 1)
      return trials
    }
    // Only what is at the first edge of its kind leaves it.
    let unit = value > page && value.isMultiple(of: page) ? page : value > osPage ? osPage : 1
    let units = value / unit
    for part: UInt64 in [2, 4, 16, 256] where units >= part { add((units - units / part) * unit) }
    if units > 0 { add((units - 1) * unit) }
    return trials
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
