// The decisions of a generator, recorded one by one and replayable. Fed by a `Stream` or by a recorded sequence, drawn
// from by the generator; guided search edits the recorded sequence.

/// A source of bounded choices that remembers each.
///
/// In every draw 0 is the simplest alternative, and any sequence of numbers is a legal recording: values that are too
/// large are reduced, and after the end of the sequence all choices are 0.
public struct ChoiceSource: Sendable {
  @usableFromInline var stream: Stream
  @usableFromInline let given: [UInt64]
  @usableFromInline var position = 0
  @usableFromInline let isReplay: Bool
  @usableFromInline var recorded: [UInt64] = []

  /// Fresh choices: those of case `index` of a run.
  ///
  /// - Parameter leading: the first choices, if they are fixed beforehand.
  public init(seed: UInt64, index: UInt64, leading: [UInt64] = []) {
    stream = Stream(seed: seed, index: index)
    given = leading
    isReplay = false
    recorded.reserveCapacity(2048)
  }

  /// The choices of a recording.
  public init(replaying sequence: [UInt64]) {
    stream = Stream(seed: 0, index: 0)
    given = sequence
    isReplay = true
    recorded.reserveCapacity(sequence.count)
  }

  /// The choices of a recording, then those of a stream.
  public init(replaying sequence: [UInt64], then stream: Stream) {
    self.stream = stream
    given = sequence
    isReplay = false
    recorded.reserveCapacity(sequence.count + 256)
  }

  /// How many choices were recorded.
  public var count: Int { recorded.count }

  /// What was chosen so far, in order. Zeros at the end are left out, since a replay supplies them anyway.
  public var sequence: [UInt64] {
    var count = recorded.count
    while count > 0 && recorded[count - 1] == 0 { count -= 1 }
    return Array(recorded[..<count])
  }

  /// A number below `bound`. A bound of 0 or 1 leaves no choice: the result is 0 and nothing is recorded.
  @inlinable public mutating func draw(below bound: UInt64) -> UInt64 {
    if bound <= 1 { return 0 }
    let value: UInt64
    if position < given.count {
      let candidate = given[position]
      position &+= 1
      value = candidate < bound ? candidate : candidate % bound
    } else {
      value = isReplay ? 0 : stream.next(below: bound)
    }
    recorded.append(value)
    return value
  }

  /// A number below `bound`, for positions in lists.
  @inlinable public mutating func drawIndex(below bound: Int) -> Int {
    bound <= 1 ? 0 : Int(truncatingIfNeeded: draw(below: UInt64(bound)))
  }

  /// An element of a list that is not empty; the simplest choice is the first.
  @inlinable public mutating func element<Element>(of list: [Element]) -> Element { list[drawIndex(below: list.count)] }

  /// Any 64 bits.
  @inlinable public mutating func drawBits() -> UInt64 {
    let value: UInt64
    if position < given.count {
      value = given[position]
      position &+= 1
    } else {
      value = isReplay ? 0 : stream.next()
    }
    recorded.append(value)
    return value
  }

  /// True in `numerator` of `denominator` cases; the simplest choice is false.
  @inlinable public mutating func chance(_ numerator: UInt64, of denominator: UInt64) -> Bool {
    draw(below: denominator) &+ numerator >= denominator
  }

  /// A number of the range; the simplest choice is its lower bound.
  @inlinable public mutating func integer(in range: ClosedRange<UInt64>) -> UInt64 {
    let width = range.upperBound &- range.lowerBound
    return range.lowerBound &+ (width == .max ? drawBits() : draw(below: width &+ 1))
  }

  /// A position, chosen in proportion to the weights; the simplest choice is the first position of positive weight.
  @inlinable public mutating func pick(weights: [UInt8]) -> Int {
    var total: UInt64 = 0
    for weight in weights { total &+= UInt64(weight) }
    var rest = draw(below: total)
    for position in weights.indices {
      let weight = UInt64(weights[position])
      if rest < weight { return position }
      rest &-= weight
    }
    return 0
  }
}
