// Operations that run together: which there are, told by their names, and their use in finished code.

/// The sequences that have an operation of their own.
enum Sequences {
  /// What may follow on an operation, and the operation that then runs both.
  private struct Continuation {
    let next: Op
    /// Whether the next one takes the result before it from a machine register.
    let forwards: Bool
    let both: Op
  }

  /// For each operation what may follow, those that forward first; nil where it begins no sequence.
  private static let continuations: [[Continuation]?] = {
    var continuations: [[Continuation]?] = Op.allCases.map { _ in nil }
    for op in Op.allCases {
      guard let parts = op.parts else { continue }
      let continuation = Continuation(next: parts.last, forwards: parts.forwards, both: op)
      let others = continuations[Int(parts.beginning.rawValue)] ?? []
      continuations[Int(parts.beginning.rawValue)] = parts.forwards ? [continuation] + others : others + [continuation]
    }
    return continuations
  }()

  /// Lets every operation run the longest sequence that begins with it.
  ///
  /// An operation within a sequence stays what it is (operands of a commutative one may be exchanged), or begins another:
  /// it runs on its own where a jump leads to it, and as part of the sequence it is known without its number.
  static func apply(to words: inout [UInt64]) {
    let all = continuations
    var position = 0
    while position < words.count {
      let length = words[position].wordCount
      var (op, last, end) = (words[position].op, position, position + length)
      extending: while end < words.count, let continuations = all[Int(op.rawValue)] {
        for continuation in continuations where continuation.next == words[end].op {
          if continuation.forwards {
            guard let word = words[end].taking(resultIn: words[last].a) else { continue }
            words[end] = word
          }
          op = continuation.both
          last = end
          end += words[end].wordCount
          continue extending
        }
        break
      }
      words[position] = words[position] & ~0xFFFF | UInt64(op.rawValue)
      position += length
    }
  }
}

extension Op {
  /// A sequence `<beginning>Then<last>` or, where the last takes the result before it, `<beginning>Into<last>`.
  fileprivate struct Parts {
    let beginning: Op
    let last: Op
    let forwards: Bool
  }

  /// nil for an operation that stands for itself.
  fileprivate var parts: Parts? { Self.allParts[Int(rawValue)] }

  /// The operation itself, or the first of a sequence.
  var first: Op { Self.firsts[Int(rawValue)] }

  /// How many operations it runs besides its first.
  var companions: Int { parts.map { $0.beginning.companions + 1 } ?? 0 }

  private static let firsts: [Op] = allCases.map { op in
    var first = op
    while let parts = first.parts { first = parts.beginning }
    return first
  }

  private static let allParts: [Parts?] = {
    let named = Dictionary(uniqueKeysWithValues: allCases.map { ("\($0)", $0) })
    return allCases.map { op in
      let name = "\(op)"
      guard let link = (name.ranges(of: "Then") + name.ranges(of: "Into")).max(by: { $0.lowerBound < $1.lowerBound })
      else { return nil }
      let last = name[link.upperBound...]
      guard let beginning = named[String(name[..<link.lowerBound])],
        let end = named[last.prefix(1).lowercased() + last.dropFirst()]
      else { preconditionFailure("\(name) is no sequence of operations") }
      return Parts(beginning: beginning, last: end, forwards: name[link] == "Into")
    }
  }()
}
