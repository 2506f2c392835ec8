// Variations of a recorded choice sequence: what guided search tries next to a case that reached something new. Any
// sequence is a legal recording, so nothing has to be repaired. Called by the campaign, before the generator.

/// A sequence like another one, to be replayed and then continued with fresh choices.
public struct ChoiceMutation: Sendable {
  /// The choices to replay.
  public private(set) var sequence: [UInt64]
  /// What follows them.
  public private(set) var stream: Stream

  /// - Parameters:
  ///   - parent: a recording.
  ///   - stream: decides what is varied; the same stream gives the same variation.
  public init(of parent: [UInt64], stream: Stream) {
    sequence = parent
    self.stream = stream
  }

  private mutating func position(below bound: Int) -> Int { Int(stream.next(below: UInt64(max(bound, 1)))) }

  /// Everything from a position on is drawn anew.
  public mutating func cut(at position: Int) { sequence.removeSubrange(min(position, sequence.count)...) }

  /// Everything from some position on is drawn anew.
  public mutating func cut() { cut(at: position(below: sequence.count)) }

  /// Some choices, near each other or not, get other values.
  public mutating func edit() {
    if sequence.isEmpty { return }
    let count = 1 << position(below: 4)
    let isLocal = stream.next(below: 2) == 0
    let start = position(below: sequence.count)
    for _ in 0..<count {
      let place = isLocal ? min(start + position(below: 16), sequence.count - 1) : position(below: sequence.count)
      sequence[place] =
        switch stream.next(below: 5) {
        case 0: 0
        case 1: sequence[place] &+ 1
        case 2: sequence[place] &- 1
        default: stream.next()
        }
    }
  }

  /// Some choices are taken out, or fresh ones put in, so that those behind mean something else.
  public mutating func shift() {
    let place = position(below: sequence.count)
    let count = 1 + position(below: 8)
    if stream.next(below: 2) == 0 {
      sequence.removeSubrange(place..<min(place + count, sequence.count))
    } else {
      sequence.insert(contentsOf: (0..<count).map { _ in stream.next() }, at: place)
    }
  }

  /// A stretch, or all from some position on, is taken from another recording, at the same distance from the beginning
  /// so that it often means the same.
  public mutating func splice(_ donor: [UInt64]) {
    let place = position(below: min(sequence.count, donor.count))
    let isOpen = stream.next(below: 2) == 0
    let count = isOpen ? donor.count - place : min(donor.count - place, 1 + position(below: 256))
    sequence.replaceSubrange(
      place..<(isOpen ? sequence.count : min(place + count, sequence.count)), with: donor[place..<place + count])
  }
}
