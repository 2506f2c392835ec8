// The mutants that may be a run's canary: of each injected function some that the grade shows to be found within a few
// dozen cases under every seed, so that not finding one means that little was tested. Chosen from by `--canary random`.

/// Mutants that every run finds.
public enum Canaries {
  static let names = [
    "count_clean_pages/i32.and#1/i32.or", "count_clean_pages/i32.const#3/plus-1", "count_clean_pages/if#1/negated",
    "count_clean_pages/i32.load8_u#1/zero", "count_clean_pages/statement#4/dropped",
    "decrement/i64.sub#1/swapped", "decrement/i64.lt_s#1/i64.gt_s", "decrement/if#2/negated",
    "decrement/statement#1/doubled", "decrement/statement#3/dropped",
    "stable64_grow/call#1/dropped", "stable64_grow/i64.eq#1/i64.ne", "stable64_grow/memory.grow#1/dropped",
    "stable64_grow/memory.size#1/minus-1",
    "stable64_read/call#1/doubled", "stable64_read/i64.const#1/plus-1", "stable64_read/i64.eqz#1/negated",
    "stable64_read/if#3/always", "stable64_read/statement#20/dropped", "stable64_read/statement#12/dropped",
    "stable64_write/call#1/dropped", "stable64_write/i64.const#1/plus-1", "stable64_write/memory.fill#1/dropped",
    "stable64_write/statement#3/dropped", "stable64_write/statement#19/doubled", "stable64_write/local.set#2/dropped",
    "stable_grow/call#1/dropped", "stable_grow/memory.grow#1/dropped", "stable_grow/if#1/negated",
    "stable_read/call#1/doubled", "stable_read/i64.const#1/plus-1", "stable_read/i32.eqz#1/negated",
    "stable_read/statement#9/dropped", "stable_read/if#2/always",
    "stable_write/call#1/dropped", "stable_write/i64.const#1/plus-1", "stable_write/statement#15/doubled",
    "stable_write/local.set#2/local-7", "stable_write/i64.gt_u#2/i64.le_s",
    "metering/entry/plus-1/first", "metering/end/plus-1/first", "index/call-import/unshifted/first",
    "index/call-own/next/every", "index/call-own/previous/every", "index/export/next/every",
  ]

  /// One of them that cases of the profile can find.
  ///
  /// - Parameters:
  ///   - seed: of the run; the same seed gives the same one.
  ///   - profile: the generator's.
  public static func choose(seed: UInt64, profile: String) -> MutationRule? {
    // Modules with direct access import no stable functions, and their counts are not compared; which stable functions
    // modules from outside import is not known.
    let families: [String]? =
      switch profile {
      case "direct", "named": ["index/"]
      case "real-world": ["index/", "metering/", "decrement/"]
      default: nil
      }
    let fitting = names.filter { name in families?.contains { name.hasPrefix($0) } ?? true }
    // Neighbouring seeds give unlike canaries.
    let mixed = (seed &+ 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9
    return MutationRule(name: fitting[Int((mixed >> 33) % UInt64(fitting.count))])
  }
}
