// Guided search: which cases are worth varying, and how. Asked by the workers for every case of a generation, while it
// does not change; learns from the results between generations, in the order of cases.

import Corpus
import Coverage
import Entropy

/// What a case of a guided campaign is made from.
enum GuidedOrigin: Sendable {
  case fresh
  case variation(Variation, parent: Int, limit: Int64?)
}

/// What trying something has cost, and how much new came of it: items of coverage, and combinations of three dimensions.
struct Yield: Hashable, Sendable {
  /// In steps of native lanes, see `caseCost`.
  var cost: UInt64 = 0
  var news: UInt64 = 0

  /// What cost and news stay below, so that rates can be computed and added up.
  static let bound: UInt64 = 1 << 49
  /// About what a case costs.
  private static let typicalCost: UInt64 = 1 << 19

  /// News for what a thousand cases cost; a little more than seen, so that what is new gets its chance.
  var rate: UInt64 {
    let perCost = (news &+ 2).multipliedFullWidth(by: Self.typicalCost << 10)
    return (cost &+ Self.typicalCost).dividingFullWidth(perCost).quotient
  }

  mutating func add(_ count: UInt64, cost: UInt64) {
    self.cost += cost
    news += count
  }

  /// Halves what lies back, so that rates follow the present.
  mutating func fade() {
    if cost < 512 * Self.typicalCost { return }
    cost /= 2
    news /= 2
  }
}

/// What running a case costs, in steps of its native lanes: those it makes, and what making, checking and instrumenting
/// its modules takes, which goes by their size.
func caseCost(steps: UInt64, moduleBytes: Int) -> UInt64 { (1 << 17) + 64 * UInt64(moduleBytes) + steps }

/// The state of a guided campaign.
struct Guidance: Sendable {
  /// A case that reached something new.
  private struct Entry: Sendable {
    var genotype: Genotype
    /// Instructions that its messages had used at some of its calls and at their ends.
    var marks: [Int64]
    /// What came of varying it; begins with what it reached itself.
    var yield: Yield
  }

  private var entries: [Entry] = []
  /// Where the next entry goes once the pool is full: in place of the oldest.
  private var next = 0
  private var freshYield = Yield()
  private var yields = [Yield](repeating: Yield(), count: Variation.allCases.count)
  private var combinations = CombinationSet()

  /// Entries kept: some 16 KB each.
  private static let capacity = 4_096
  /// Variations of variations end here: making such a case again takes as many steps.
  private static let longestLineage = 64
  /// Entries from among which the most rewarding is taken.
  private static let candidates = 16

  init() {}

  // MARK: Choosing

  /// What the case of an index is made from.
  func origin(of index: UInt64, seed: UInt64) -> GuidedOrigin {
    if entries.isEmpty { return .fresh }
    var stream = Stream(seed: seed ^ 0x6775_6964_616E_6365, index: index)
    // All ways in proportion to what they yield, none below a sixteenth of the best; then a fresh case weighs as much as
    // all variations together that yield the same.
    let rates = [freshYield.rate] + yields.map(\.rate)
    let least = (rates.max() ?? 0) / 16
    var weights = rates.map { max($0, least) }
    weights[0] *= UInt64(yields.count)
    var rest = stream.next(below: weights.reduce(0, +))
    for (position, weight) in weights.enumerated() {
      if rest < weight {
        guard position > 0 else { return .fresh }
        let variation = Variation.allCases[position - 1]
        let parent = parent(&stream)
        guard variation == .limit else { return .variation(variation, parent: parent, limit: nil) }
        guard let limit = limit(entries[parent].marks, &stream) else { return .fresh }
        return .variation(variation, parent: parent, limit: limit)
      }
      rest -= weight
    }
    return .fresh
  }

  private func parent(_ stream: inout Stream) -> Int {
    var best = Int(stream.next(below: UInt64(entries.count)))
    for _ in 1..<Self.candidates {
      let other = Int(stream.next(below: UInt64(entries.count)))
      if entries[other].yield.rate > entries[best].yield.rate { best = other }
    }
    return best
  }

  /// A limit at which one of the marks is just reached or just missed, or any below the largest.
  private func limit(_ marks: [Int64], _ stream: inout Stream) -> Int64? {
    guard let most = marks.max(), most > 0 else { return nil }
    if stream.next(below: 4) == 0 { return 1 + Int64(stream.next(below: UInt64(most))) }
    let mark = marks[Int(stream.next(below: UInt64(marks.count)))]
    return max(1, mark - 1 + Int64(stream.next(below: 3)))
  }

  func genotype(of parent: Int) -> Genotype { entries[parent].genotype }

  // MARK: Learning

  /// Learns from a case.
  ///
  /// - Parameters:
  ///   - cost: see `caseCost`.
  ///   - marks: instructions that its messages had used where it matters.
  ///   - items: what no case before had reached.
  mutating func learn(
    _ genotype: Genotype, from origin: GuidedOrigin, cost: UInt64, marks: [Int64], _ items: [CoverageItem]
  ) {
    var news: UInt64 = 0
    for item in items { news += 1 + (item.kind == .situation ? UInt64(combinations.insert(item)) : 0) }
    switch origin {
    case .fresh: freshYield.add(news, cost: cost)
    case .variation(let variation, let parent, _):
      yields[Int(variation.rawValue)].add(news, cost: cost)
      entries[parent].yield.add(news, cost: cost)
    }
    if news > 0 && genotype.lineage.steps.count < Self.longestLineage {
      pending.append(Entry(genotype: genotype, marks: marks, yield: Yield(cost: cost, news: news)))
    }
  }

  /// Entries of the current generation; the pool stays as it is until its end, because origins name places in it.
  private var pending: [Entry] = []

  /// Ends a generation.
  mutating func endGeneration() {
    for entry in pending {
      if entries.count < Self.capacity {
        entries.append(entry)
      } else {
        entries[next] = entry
        next = (next + 1) % Self.capacity
      }
    }
    pending.removeAll(keepingCapacity: true)
    freshYield.fade()
    for position in yields.indices { yields[position].fade() }
  }

  // MARK: Checkpoint

  /// The state as it is stored: cases by their lineage, from which they are made again.
  var record: GuidanceRecord {
    GuidanceRecord(
      entries: entries.map {
        GuidanceEntry(
          lineage: $0.genotype.lineage.description, marks: $0.marks, cost: $0.yield.cost, news: $0.yield.news)
      }, next: next, costs: [freshYield.cost] + yields.map(\.cost), news: [freshYield.news] + yields.map(\.news))
  }

  /// The state of a checkpoint; nil if it is damaged.
  ///
  /// - Parameter reached: what the campaign had reached.
  init?(_ record: GuidanceRecord, reached: CoverageMap, _ generator: GuidedGenerator) {
    let count = Variation.allCases.count + 1
    guard record.costs.count == count, record.news.count == count,
      record.next >= 0 && record.next < max(record.entries.count, 1),
      (record.costs + record.news + record.entries.flatMap { [$0.cost, $0.news] }).allSatisfy({ $0 < Yield.bound }),
      record.entries.allSatisfy({ $0.marks.allSatisfy { $0 > 0 && $0 < .max } })
    else { return nil }
    for entry in record.entries {
      guard let lineage = Lineage(entry.lineage) else { return nil }
      entries.append(
        Entry(
          genotype: generator.generate(lineage).genotype, marks: entry.marks,
          yield: Yield(cost: entry.cost, news: entry.news)))
    }
    next = record.next
    let all = zip(record.costs, record.news).map { Yield(cost: $0, news: $1) }
    freshYield = all[0]
    yields = Array(all[1...])
    for item in reached.items where item.kind == .situation { _ = combinations.insert(item) }
  }
}
