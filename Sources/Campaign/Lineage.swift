// How a guided case came about, and how it is made from that. Used by the campaign for the cases of a generation, and by
// everything that makes a case again.

import Canister
import Entropy
import Generation

/// What is done to a case to get another one.
enum Variation: UInt8, CaseIterable, Sendable {
  /// Other modules and another plan in the same frame: heap, sizes, limits.
  case frame
  /// Another plan for the same modules.
  case plan
  /// Messages repeated, left out, exchanged, upgrades put in.
  case messages
  /// Another instruction limit: one at which the case runs out of instructions, or just not, at an interesting place.
  case limit
  /// Choices changed, taken out or put in, drawn anew from somewhere on, or taken from a fresh case.
  case edit, shift, cut, splice

  /// The letter that stands for it in a lineage.
  var letter: Character {
    switch self {
    case .frame: "f"
    case .plan: "p"
    case .messages: "m"
    case .limit: "l"
    case .edit: "e"
    case .shift: "i"
    case .cut: "c"
    case .splice: "s"
    }
  }

  init?(letter: Character) {
    guard let variation = Variation.allCases.first(where: { $0.letter == letter }) else { return nil }
    self = variation
  }
}

/// How a case came about: the index of a fresh case, then the variations made of it, each with the index of its case.
///
/// With the seed this is all that is needed to make the case again. Written `17.f305.m1022.l1711=20480`: a case in the
/// frame of case 17, its messages varied, and then run with a limit of 20,480 instructions.
public struct Lineage: Hashable, Sendable, CustomStringConvertible {
  struct Step: Hashable, Sendable {
    let variation: Variation
    let index: UInt64
    /// Of the variation of the limit: instructions per message.
    let limit: Int64?
  }

  let fresh: UInt64
  private(set) var steps: [Step] = []

  /// A fresh case.
  public init(_ index: UInt64) { fresh = index }

  /// - Returns: nil for anything that `description` does not give.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let first = parts.first, let fresh = UInt64(first) else { return nil }
    self.fresh = fresh
    for part in parts.dropFirst() {
      let (number, limit) = Self.split(part.dropFirst())
      guard let letter = part.first, let variation = Variation(letter: letter), let number, let index = UInt64(number),
        (variation == .limit) == (limit != nil), (limit ?? 1) > 0
      else { return nil }
      steps.append(Step(variation: variation, index: index, limit: limit))
    }
  }

  /// `INDEX` or `INDEX=LIMIT`; no index where the limit is no number.
  private static func split(_ text: Substring) -> (index: Substring?, limit: Int64?) {
    guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
    guard let limit = Int64(text[text.index(after: equals)...]) else { return (nil, nil) }
    return (text[..<equals], limit)
  }

  public var description: String {
    ([String(fresh)]
      + steps.map { step in "\(step.variation.letter)\(step.index)" + (step.limit.map { "=\($0)" } ?? "") })
      .joined(separator: ".")
  }

  /// The index of the case itself.
  var index: UInt64 { steps.last?.index ?? fresh }

  func varied(_ variation: Variation, by index: UInt64, limit: Int64?) -> Lineage {
    var result = self
    result.steps.append(Step(variation: variation, index: index, limit: limit))
    return result
  }
}

/// What a guided case is made from.
struct Genotype: Sendable {
  var lineage: Lineage
  /// The generator's choices.
  var choices: [UInt64]
  var parts: ChoiceParts
  /// Indices whose streams vary the messages, in order, after the choices have made a plan.
  var messageVariations: [UInt64] = []
  /// Instructions per message in place of what the choices say.
  var instructionLimit: Int64?

  /// The choices to be stored with the case: none where they alone do not make it.
  var storableChoices: [UInt64]? { messageVariations.isEmpty && instructionLimit == nil ? choices : nil }
}

/// Makes cases from their lineage.
struct GuidedGenerator: Sendable {
  let generator: Generator
  let seed: UInt64

  /// The decisions of a variation, apart from those of the fresh case of the same index.
  private func stream(_ index: UInt64) -> Stream { Stream(seed: seed ^ 0x7661_7269_6174_696F, index: index) }

  /// The fresh case of an index.
  func fresh(_ index: UInt64) -> (case: Case, genotype: Genotype) {
    let generated = generator.generate(seed: seed, index: index)
    return (
      generated.case,
      Genotype(lineage: Lineage(index), choices: generated.choices, parts: generated.parts)
    )
  }

  /// A variation of a case; the index decides how, but for the limit.
  func vary(
    _ parent: Genotype, _ variation: Variation, by index: UInt64, limit: Int64?
  ) -> (case: Case, genotype: Genotype) {
    var child = parent
    child.lineage = parent.lineage.varied(variation, by: index, limit: limit)
    var mutation = ChoiceMutation(of: parent.choices, stream: stream(index))
    switch variation {
    case .frame: mutation.cut(at: parent.parts.frame)
    case .plan: mutation.cut(at: parent.parts.modules)
    case .messages: child.messageVariations.append(index)
    case .limit: child.instructionLimit = limit
    case .edit: mutation.edit()
    case .shift: mutation.shift()
    case .cut: mutation.cut()
    case .splice: mutation.splice(generator.generate(seed: seed, index: index).choices)
    }
    let generated =
      variation == .messages || variation == .limit
      ? generator.replay(choices: parent.choices)
      : generator.replay(choices: mutation.sequence, then: mutation.stream)
    child.choices = generated.choices
    child.parts = generated.parts
    var result = generated.case
    for index in child.messageVariations {
      var stream = stream(index)
      result.plan.mutate(hasSecondModule: result.secondModule != nil, stream: &stream)
    }
    if let limit = child.instructionLimit { result.parameters.instructionLimit = limit }
    return (result, child)
  }

  /// The case of a lineage.
  func generate(_ lineage: Lineage) -> (case: Case, genotype: Genotype) {
    var result = fresh(lineage.fresh)
    for step in lineage.steps { result = vary(result.genotype, step.variation, by: step.index, limit: step.limit) }
    return result
  }
}
