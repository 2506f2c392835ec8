// Guided search: cases that reached something new are kept, and further cases are made by varying them. Asked by the
// campaign for every case of a generation; learns from results between generations, in the order of cases.

import Canister
import Corpus
import Coverage
import Entropy
import Generation

/// How a guided case came about: the index of a fresh case, then those of the cases that vary it, one after the other.
///
/// With the seed it is all that is needed to make the case again. A lineage of one index is a fresh case.
public struct Lineage: Hashable, Sendable, CustomStringConvertible {
  public private(set) var indices: [UInt64]

  public init(_ index: UInt64) { indices = [index] }

  /// - Returns: nil for an empty list.
  public init?(_ indices: [UInt64]) {
    if indices.isEmpty { return nil }
    self.indices = indices
  }

  /// `17.305.1022`
  public init?(_ text: String) {
    var indices: [UInt64] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      guard let index = UInt64(part) else { return nil }
      indices.append(index)
    }
    self.init(indices)
  }

  public var description: String { indices.map(String.init).joined(separator: ".") }
  var isFresh: Bool { indices.count == 1 }

  func varied(by index: UInt64) -> Lineage {
    var result = self
    result.indices.append(index)
    return result
  }
}

/// What a guided case is made from.
struct Genotype: Sendable {
  var lineage: Lineage
  /// The generator's choices.
  var choices: [UInt64]
  /// How many of the choices concern the modules.
  var moduleChoices: Int
  /// Indices whose streams vary the plan, in order, after the choices have made one.
  var planMutations: [UInt64]

  /// The choices to be stored with the case: none where they alone do not make it.
  var storableChoices: [UInt64]? { planMutations.isEmpty ? choices : nil }
}

/// Makes cases from their lineage.
struct GuidedGenerator: Sendable {
  let generator: Generator
  let seed: UInt64

  /// Keeps the decisions of variations apart from those of fresh cases of the same index.
  private func stream(_ index: UInt64) -> Stream { Stream(seed: seed ^ 0x6775_6964_6564_2121, index: index) }

  /// The fresh case of an index.
  func fresh(_ index: UInt64) -> (case: Case, genotype: Genotype) {
    let generated = generator.generate(seed: seed, index: index)
    return (
      generated.case,
      Genotype(
        lineage: Lineage(index), choices: generated.choices, moduleChoices: generated.moduleChoices, planMutations: [])
    )
  }

  /// A variation; the index alone decides which.
  func vary(_ parent: Genotype, by index: UInt64) -> (case: Case, genotype: Genotype) {
    var stream = stream(index)
    var child = parent
    child.lineage = parent.lineage.varied(by: index)
    let source: ChoiceSource
    if stream.next(below: 4) == 0 {
      child.planMutations.append(index)
      source = ChoiceSource(replaying: parent.choices)
    } else {
      let donor = generator.generate(seed: seed, index: index).choices
      let mutation = ChoiceMutation(of: parent.choices, tail: parent.moduleChoices, donor: donor, stream: stream)
      source = ChoiceSource(replaying: mutation.sequence, then: mutation.stream)
    }
    let generated = generator.generate(from: source)
    child.choices = generated.choices
    child.moduleChoices = generated.moduleChoices
    var result = generated.case
    for mutation in child.planMutations {
      var stream = self.stream(mutation)
      _ = stream.next()
      result.plan.mutate(hasSecondModule: result.secondModule != nil, stream: &stream)
    }
    return (result, child)
  }

  /// The case of a lineage.
  func generate(_ lineage: Lineage) -> (case: Case, genotype: Genotype) {
    var result = fresh(lineage.indices[0])
    for index in lineage.indices.dropFirst() { result = vary(result.genotype, by: index) }
    return result
  }
}

/// The cases that are worth varying. Read by all workers during a generation, changed only between generations.
struct GuidancePool: Sendable {
  private(set) var entries: [Genotype] = []
  /// Where the next entry goes once the pool is full: in place of the oldest.
  private var next = 0

  /// Entries kept: some 16 KB each.
  private static let capacity = 2_048
  /// Variations of variations end here: making such a case again takes as many steps.
  private static let longestLineage = 48

  init() {}

  /// The pool of a checkpoint.
  init(_ record: GuidanceRecord, _ generator: GuidedGenerator) {
    entries = record.lineages.compactMap { Lineage($0).map { generator.generate($0).genotype } }
    next = entries.isEmpty ? 0 : Int(record.next % UInt64(entries.count))
  }

  /// The pool for a checkpoint.
  var record: GuidanceRecord { GuidanceRecord(lineages: entries.map(\.lineage.indices), next: UInt64(next)) }

  /// The parent of the case of an index; nil for a fresh case.
  func parent(of index: UInt64, seed: UInt64) -> Genotype? {
    var stream = Stream(seed: seed ^ 0x706F_6F6C_2121_2121, index: index)
    if entries.isEmpty || stream.next(below: 2) == 0 { return nil }
    return entries[Int(stream.next(below: UInt64(entries.count)))]
  }

  /// Keeps a case.
  mutating func insert(_ genotype: Genotype) {
    guard genotype.lineage.indices.count < Self.longestLineage else { return }
    if entries.count < Self.capacity {
      entries.append(genotype)
    } else {
      entries[next] = genotype
      next = (next + 1) % Self.capacity
    }
  }
}
