// What the tests skip of the specification's test suite, and why: modules that need a feature beyond ours, and scripts of
// proposals. The list is `SpecSkips.txt`; the tests hold it to be exactly what they skip.

import Foundation

/// A module that is skipped.
public struct SpecSkip: Hashable, Sendable {
  public let script: String
  public let line: Int
  /// The feature that it needs.
  public let feature: String

  public init(script: String, line: Int, feature: String) {
    self.script = script
    self.line = line
    self.feature = feature
  }

  /// The feature beyond ours that a refused byte belongs to; nil: none, so that refusing it is a mistake.
  /// - Parameters:
  ///   - reason: what the decoder says.
  ///   - offset: where it says so.
  public static func feature(of reason: String, at offset: Int?, in bytes: [UInt8]) -> String? {
    guard let offset, bytes.indices.contains(offset) else { return nil }
    switch (String(reason.prefix { !$0.isNumber }), bytes[offset]) {
    case ("malformed value type", 0x63), ("malformed value type", 0x64), ("malformed reference type", 0x63),
      ("malformed reference type", 0x64):
      return "typed function references"
    case ("malformed value type", 0x65...0x77), ("malformed reference type", 0x65...0x77): return "garbage collection"
    case ("malformed definition type", 0x4E...0x5F): return "garbage collection"
    case ("malformed section id", 13), ("malformed import kind", 4): return "exceptions"
    default: break
    }
    guard reason.hasPrefix("illegal opcode") else { return nil }
    switch bytes[offset] {
    case 0x06...0x0A, 0x18, 0x19, 0x1F: return "exceptions"
    case 0x14, 0x15, 0xD3...0xD6: return "typed function references"
    case 0xFB: return "garbage collection"
    case 0xFC: return "wide arithmetic"
    case 0xFD: return "relaxed SIMD"
    case 0xFE: return "threads"
    default: return nil
    }
  }

  private static let list = Inputs.packageRoot.appendingPathComponent("Tests/TestSupport/SpecSkips.txt")

  /// Whether the list names exactly these modules. With `STABLEFUZZ_REWRITE=1` in the environment it is written first.
  public static func areListed(_ skips: [SpecSkip]) throws -> Bool {
    let groups = Dictionary(grouping: Set(skips)) { [$0.script, $0.feature] }
    let lines = groups.map { key, skips in
      "\(key[0]): \(key[1]): " + skips.map(\.line).sorted().map(String.init).joined(separator: " ")
    }
    let outside = SpecSuite.files.filter { !SpecSuite.core.map(\.name).contains($0.name) }
    let scripts = outside.map { file in
      switch file.scope {
      case .legacy: "\(file.name): whole script: rules of an earlier version, which the current ones replace"
      default: "\(file.name): whole script: a proposal that is not part of the feature set"
      }
    }
    let text = """
      # What is skipped of the specification's test suite: script, needed feature, lines of the script; whole scripts last.
      # Rewritten by the tests with STABLEFUZZ_REWRITE=1.

      """ + (lines.sorted() + scripts.sorted()).joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["STABLEFUZZ_REWRITE"] == "1" {
      try Data(text.utf8).write(to: list)
    }
    return text == String(decoding: try Data(contentsOf: list), as: UTF8.self)
  }
}
