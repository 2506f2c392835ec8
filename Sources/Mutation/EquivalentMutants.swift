// Mutants that no case can tell from the instrumented module itself, by name and with the reason. They are not graded;
// nothing else is left out. A group names its mutants one by one, or by what all their names begin with.

/// A group of mutants that change nothing that anybody can observe.
public struct EquivalentMutants: Sendable {
  /// Why nothing shows, as a sentence.
  public let reason: String
  /// The only profile in which nothing shows; nil: all.
  private let profile: String?
  /// Place by place, the operators that are equivalent there.
  private let places: [(place: String, operators: [String])]

  private init(_ reason: String, only profile: String? = nil, _ places: [(String, [String])]) {
    self.reason = reason
    self.profile = profile
    self.places = places.map { (place: $0.0, operators: $0.1) }
  }

  /// Names of the mutants; of a place without operators, all that begin with it.
  var names: [String] {
    places.flatMap { place, operators in
      operators.isEmpty
        ? MutationRule.all.map(\.name).filter { $0.hasPrefix(place) } : operators.map { "\(place)/\($0)" }
    }
  }

  /// Reasons by mutant.
  ///
  /// - Parameter profile: the name of the generator's profile that makes the cases.
  public static func reasons(profile: String) -> [String: String] {
    let profile = MutationRule.profile(gradedAs: profile)
    return Dictionary(
      all.filter { $0.profile == nil || $0.profile == profile }.flatMap { group in
        group.names.map { ($0, group.reason) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// All groups.
  static let all: [EquivalentMutants] = [
    EquivalentMutants(
      "the counter is negative all the same, and running out reports the limit",
      [("decrement/i64.const#1", ["plus-1"])]),
    EquivalentMutants(
      "the functions hand over at least one page, so the guard for none is never taken",
      [
        ("count_clean_pages/local.get#1", ["local-2", "local-3", "local-4", "local-5", "zero"]),
        ("count_clean_pages/i32.ge_u#1", ["i32.eq", "i32.gt_s", "i32.ge_s", "i32.gt_u", "false"]),
        ("count_clean_pages/if#1", ["never"]), ("count_clean_pages/i32.const#1", ["plus-1", "minus-1"]),
        ("count_clean_pages/i32.const#2", ["plus-1", "minus-1"]),
        ("count_clean_pages/statement#1", ["dropped"]), ("count_clean_pages/statement#2", ["dropped"]),
      ]),
    EquivalentMutants(
      "a byte of the bytemap is 0 to 3, and only its two low bits are ever read",
      [
        ("count_clean_pages/i32.load8_u#1", ["i32.load8_s"]),
        ("count_clean_pages/i32.shr_u#1", ["i32.shr_s", "i32.rotr"]),
        ("count_clean_pages/i32.const#5", ["negated"]), ("count_clean_pages/i32.and#2", ["left"]),
        ("stable_read/i32.load8_u#1", ["i32.load8_s"]), ("stable_read/i32.const#4", ["negated"]),
        ("stable64_read/i32.load8_u#1", ["i32.load8_s"]), ("stable64_read/i32.const#6", ["negated"]),
      ]),
    EquivalentMutants(
      "page numbers are below 2³¹, and a loop over them goes up one by one",
      [
        ("count_clean_pages/i32.lt_u#1", ["i32.ne", "i32.lt_s"]), ("count_clean_pages/local.get#10", ["local-2"]),
        ("stable_read/i32.lt_u#1", ["i32.ne", "i32.lt_s"]), ("stable64_read/i32.lt_u#1", ["i32.ne", "i32.lt_s"]),
      ]),
    EquivalentMutants(
      "numbers of pages are below 2³¹, and the counters they are compared with are not negative",
      [
        ("stable_read/i64.extend_i32_u#7", ["i64.extend_i32_s"]),
        ("stable_read/i64.extend_i32_u#12", ["i64.extend_i32_s"]),
        ("stable_read/i64.gt_u#3", ["i64.gt_s"]), ("stable64_read/i64.extend_i32_u#1", ["i64.extend_i32_s"]),
        ("stable64_read/i64.extend_i32_u#2", ["i64.extend_i32_s"]), ("stable64_read/i64.gt_u#4", ["i64.gt_s"]),
        ("stable_write/i64.extend_i32_u#7", ["i64.extend_i32_s"]),
        ("stable_write/i64.extend_i32_u#8", ["i64.extend_i32_s"]),
        ("stable_write/i64.extend_i32_u#9", ["i64.extend_i32_s"]),
        ("stable_write/i64.extend_i32_u#11", ["i64.extend_i32_s"]),
        ("stable_write/i64.extend_i32_u#12", ["i64.extend_i32_s"]), ("stable_write/i64.gt_u#3", ["i64.gt_s"]),
        ("stable_write/i64.gt_u#4", ["i64.gt_s"]), ("stable64_write/i64.extend_i32_u#1", ["i64.extend_i32_s"]),
        ("stable64_write/i64.extend_i32_u#2", ["i64.extend_i32_s"]),
        ("stable64_write/i64.extend_i32_u#3", ["i64.extend_i32_s"]),
        ("stable64_write/i64.extend_i32_u#4", ["i64.extend_i32_s"]),
        ("stable64_write/i64.extend_i32_u#5", ["i64.extend_i32_s"]),
        ("stable64_write/i64.gt_u#4", ["i64.gt_s"]), ("stable64_write/i64.gt_u#5", ["i64.gt_s"]),
      ]),
    EquivalentMutants(
      "sizes, and sums of 32-bit numbers, are below 2⁶³, and so is what is left in bounds of stable memory",
      [
        ("stable_size/i64.gt_u#1", ["i64.gt_s"]), ("stable_read/i64.gt_u#1", ["i64.gt_s"]),
        ("stable_read/i64.gt_u#2", ["i64.gt_s"]), ("stable_write/i64.gt_u#1", ["i64.gt_s"]),
        ("stable_write/i64.gt_u#2", ["i64.gt_s"]), ("stable64_read/i64.gt_u#3", ["i64.gt_s"]),
        ("stable64_write/i64.gt_u#3", ["i64.gt_s"]), ("stable_read/i64.shr_u#1", ["i64.shr_s", "i64.rotr"]),
        ("stable_read/i64.shr_u#2", ["i64.shr_s"]), ("stable64_read/i64.shr_u#1", ["i64.shr_s", "i64.rotr"]),
        ("stable64_read/i64.shr_u#2", ["i64.shr_s"]), ("stable_write/i64.shr_u#1", ["i64.shr_s", "i64.rotr"]),
        ("stable_write/i64.shr_u#2", ["i64.shr_s"]), ("stable64_write/i64.shr_u#1", ["i64.shr_s", "i64.rotr"]),
        ("stable64_write/i64.shr_u#2", ["i64.shr_s"]),
      ]),
    EquivalentMutants(
      "rotating moves the low 12 bits to where the cut to 32 bits drops them, apart from a carry that cannot reach",
      [
        ("stable_read/i64.shr_u#2", ["i64.rotr"]), ("stable64_read/i64.shr_u#2", ["i64.rotr"]),
        ("stable_write/i64.shr_u#2", ["i64.rotr"]), ("stable64_write/i64.shr_u#2", ["i64.rotr"]),
      ]),
    EquivalentMutants(
      "more than 65,536 pages are refused whichever way the number is extended, and fewer have no sign",
      [
        ("stable_grow/i64.extend_i32_u#1", ["i64.extend_i32_s"]),
        ("stable_grow/i64.extend_i32_u#2", ["i64.extend_i32_s"]),
      ]),
    EquivalentMutants(
      "the host's answer is a size or −1, and all halves of −1 are −1",
      [
        ("stable_grow/i64.eq#1", ["i64.le_s", "i64.ge_u"]), ("stable64_grow/i64.eq#1", ["i64.le_s", "i64.ge_u"]),
        ("stable_grow/i32.wrap_i64#1", ["high"]),
      ]),
    EquivalentMutants(
      "the host grants only growth that the memory can do, so that failure never comes",
      ["stable_grow", "stable64_grow"].flatMap { function in
        [
          ("\(function)/i64.const#3", ["minus-1", "doubled"]),
          ("\(function)/i64.eq#2", ["i64.lt_s", "i64.le_s", "i64.gt_u", "i64.ge_u", "false"]),
          ("\(function)/if#2", ["never"]),
          ("\(function)/i32.const#2", ["plus-1", "minus-1", "doubled", "negated", "zero"]),
          ("\(function)/call#2", ["dropped"]), ("\(function)/statement#4", ["dropped"]),
        ]
      } + [("item/limits/stable-maximum-plus-1", [])]),
    EquivalentMutants("nothing looks at the bytemap beyond the capacity", [("item/limits/bytemap-plus-1", [])]),
    EquivalentMutants(
      "a read has no use for the number of unwritten pages",
      [("stable_read/local.set#4", ["local-7", "dropped"]), ("stable64_read/local.set#4", ["local-7", "dropped"])]),
    EquivalentMutants(
      "marking accessed pages that are marked already changes nothing, and unmarked ones are among the unwritten",
      [
        ("stable_read/local.get#11", ["local-2", "local-4", "local-5"]), ("stable_read/if#5", ["always"]),
        ("stable64_read/local.get#16", ["local-4", "local-5"]), ("stable64_read/if#7", ["always"]),
      ]),
    EquivalentMutants(
      "where no page of the range was written, copying gives the bytes that the first access gives; the mutant uses the "
        + "first access only there",
      [
        ("stable_read/local.get#17", ["local-5", "zero"]), ("stable64_read/local.get#22", ["local-5", "zero"]),
        ("stable_read/local.get#19", ["local-7", "zero"]), ("stable64_read/local.get#24", ["local-7", "zero"]),
        ("stable_read/i32.sub#1", ["swapped", "i32.add", "i32.or", "i32.xor", "left"]),
        ("stable64_read/i32.sub#1", ["swapped", "i32.add", "i32.or", "i32.xor", "left"]),
        ("stable_read/i32.eq#1", ["i32.gt_s", "i32.ge_s", "i32.gt_u", "i32.ge_u", "false"]),
        ("stable64_read/i32.eq#1", ["i32.gt_s", "i32.ge_s", "i32.gt_u", "i32.ge_u", "false"]),
        ("stable_read/if#6", ["never"]), ("stable64_read/if#8", ["never"]),
      ]),
    EquivalentMutants(
      "the sum is the offset only for length 0, which has returned",
      [("stable64_read/i64.le_u#1", ["i64.lt_u"]), ("stable64_write/i64.le_u#1", ["i64.lt_u"])]),
    EquivalentMutants(
      "the two checks end in the same error",
      [
        ("stable64_read/statement#4", ["swapped"]), ("stable64_read/statement#8", ["swapped"]),
        ("stable64_write/statement#4", ["swapped"]), ("stable64_write/statement#8", ["swapped"]),
      ]),
    EquivalentMutants(
      "the code behind an unconditional branch is never executed",
      ["br", "br_table", "return", "unreachable", "return_call", "return_call_indirect"].map { ("metering/\($0)/", []) }
    ),
    EquivalentMutants(
      "a canister has no global of a reference type: canister validation refuses it (ic-semantics section 10), so there "
        + "is no place for the mistake",
      [("index/global/", [])]),
    EquivalentMutants(
      "canister validation refuses every instruction that puts a reference into a table, so all that code can ask of one "
        + "is whether it is null, and no reference to a function is",
      only: "native", [("index/ref.func/", [])]),
  ]
}
