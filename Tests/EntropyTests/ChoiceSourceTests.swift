// Streams and choice sequences: the same on every machine, replayable, legal whatever stands in the recording.

import Entropy
import Testing

@Suite struct StreamTests {
  @Test func valuesAreFixed() {
    // From a second implementation, in another language. A change here changes the meaning of every seed.
    var stream = Stream(seed: 1, index: 0)
    let values = [stream.next(), stream.next(), stream.next()]
    #expect(values == goldenValues)
  }

  private let goldenValues: [UInt64] = [0x35F6_A4BF_D9BB_7040, 0x5EC3_E300_6749_38C8, 0x8ED4_E293_76E5_98B3]

  @Test func streamsOfNeighboursDiffer() {
    var seen: Set<UInt64> = []
    for seed in 0..<100 as Range<UInt64> {
      for index in 0..<100 as Range<UInt64> {
        var stream = Stream(seed: seed, index: index)
        seen.insert(stream.next())
      }
    }
    #expect(seen.count == 10_000)
  }

  @Test(arguments: [1, 2, 3, 7, 100, 1 << 40, .max] as [UInt64])
  func boundedNumbersStayBelowTheirBound(_ bound: UInt64) {
    var stream = Stream(seed: 5, index: bound)
    var largest: UInt64 = 0
    for _ in 0..<1_000 {
      let value = stream.next(below: bound)
      #expect(value < bound)
      largest = max(largest, value)
    }
    if bound > 1 { #expect(largest > bound / 2 - 1) }
  }

  @Test func everyValueOfASmallBoundComesUpAboutEquallyOften() {
    var stream = Stream(seed: 9, index: 9)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<100_000 { counts[Int(stream.next(below: 10))] += 1 }
    for count in counts { #expect((9_500...10_500).contains(count)) }
  }
}

@Suite struct ChoiceSourceTests {
  /// Draws of all kinds.
  private func draw(from choices: inout ChoiceSource) -> [UInt64] {
    var drawn: [UInt64] = []
    for bound in 1...60 as ClosedRange<UInt64> {
      drawn.append(choices.draw(below: bound))
      drawn.append(choices.drawBits())
      drawn.append(choices.chance(1, of: 3) ? 1 : 0)
      drawn.append(choices.integer(in: bound...bound * bound))
      drawn.append(UInt64(choices.drawIndex(below: 5)))
      drawn.append(UInt64(choices.element(of: [4, 5, 6])))
      drawn.append(UInt64(choices.pick(weights: [1, 0, 5])))
    }
    return drawn
  }

  @Test func replayRepeatsEveryDraw() {
    for index in 0..<50 as Range<UInt64> {
      var fresh = ChoiceSource(seed: 3, index: index)
      let drawn = draw(from: &fresh)
      var replay = ChoiceSource(replaying: fresh.sequence)
      let replayed = draw(from: &replay)
      #expect(replayed == drawn)
      #expect(replay.sequence == fresh.sequence)
    }
  }

  @Test func anExhaustedSourceChoosesTheSimplest() {
    var choices = ChoiceSource(replaying: [])
    let drawn = [
      choices.draw(below: 10), choices.drawBits(), choices.chance(9, of: 10) ? 1 : 0, choices.integer(in: 4...9),
      choices.integer(in: 0...UInt64.max), choices.element(of: [7, 8]), UInt64(choices.pick(weights: [0, 3, 1])),
    ]
    #expect(drawn == [0, 0, 0, 4, 0, 7, 1])
    #expect(choices.sequence == [])
  }

  @Test func valuesTooLargeAreReduced() {
    var choices = ChoiceSource(replaying: [17, .max, 5])
    let drawn = [choices.draw(below: 10), choices.draw(below: 256), choices.draw(below: 6)]
    #expect(drawn == [7, 255, 5])
    #expect(choices.sequence == [7, 255, 5])
  }

  @Test func whatLeavesNoChoiceIsNotRecorded() {
    var choices = ChoiceSource(replaying: [3])
    let drawn = [choices.draw(below: 1), choices.draw(below: 0), UInt64(choices.drawIndex(below: -4))]
    #expect(drawn == [0, 0, 0])
    let last = choices.draw(below: 4)
    #expect(last == 3)
    #expect(choices.sequence == [3])
  }

  @Test func certainChancesAreCertain() {
    var choices = ChoiceSource(seed: 1, index: 1)
    for _ in 0..<100 {
      let (certain, impossible) = (choices.chance(4, of: 4), choices.chance(0, of: 4))
      #expect(certain && !impossible)
    }
  }

  @Test func weightsDecideHowOften() {
    var choices = ChoiceSource(seed: 2, index: 2)
    var counts = [0, 0, 0]
    for _ in 0..<10_000 { counts[choices.pick(weights: [1, 0, 9])] += 1 }
    #expect(counts[1] == 0)
    #expect((850...1_150).contains(counts[0]))
  }
}

@Suite struct ChoiceMutationTests {
  private let parent = (0..<200).map { UInt64($0 * 7 % 50) }
  private let donor = (0..<90).map { UInt64($0) + 1_000 }

  private func variations(_ body: (inout ChoiceMutation) -> Void) -> [[UInt64]] {
    (0..<200 as Range<UInt64>).map { index in
      var mutation = ChoiceMutation(of: parent, stream: Stream(seed: 1, index: index))
      body(&mutation)
      return mutation.sequence
    }
  }

  @Test func variationsDoWhatTheySay() {
    #expect(variations { $0.cut(at: 150) }.allSatisfy { $0 == Array(parent[..<150]) })
    #expect(variations { $0.cut(at: 500) }.allSatisfy { $0 == parent })
    let cuts = variations { $0.cut() }
    #expect(cuts.allSatisfy { parent.starts(with: $0) } && Set(cuts.map(\.count)).count > 50)
    let edits = variations { $0.edit() }
    #expect(edits.allSatisfy { $0.count == 200 && zip($0, parent).count { $0 != $1 } <= 8 })
    #expect(edits.contains { zip($0, parent).count { $0 != $1 } == 1 })
    let shifts = variations { $0.shift() }
    #expect(shifts.contains { $0.count > 200 } && shifts.contains { $0.count < 200 })
    let splices = variations { $0.splice(donor) }
    #expect(splices.allSatisfy { $0.contains { $0 >= 1_000 && $0 < 1_090 } })
    #expect(splices.contains { $0.count == 200 } && splices.contains { $0.count == 90 })
  }

  @Test func theSameStreamGivesTheSameVariation() {
    #expect(variations { $0.edit() } == variations { $0.edit() })
    #expect(variations { $0.splice(donor) } == variations { $0.splice(donor) })
  }

  @Test(arguments: [[], [3]] as [[UInt64]]) func shortSequencesVaryToo(parent: [UInt64]) {
    for index in 0..<200 as Range<UInt64> {
      var mutation = ChoiceMutation(of: parent, stream: Stream(seed: 2, index: index))
      mutation.cut()
      mutation.edit()
      mutation.shift()
      mutation.splice(parent)
      #expect(mutation.sequence.count <= parent.count + 8)
    }
  }

  @Test func aRecordingGoesOnWithFreshChoices() {
    var source = ChoiceSource(replaying: [1, 2], then: Stream(seed: 3, index: 3))
    var fresh = Stream(seed: 3, index: 3)
    #expect(source.draw(below: 10) == 1 && source.draw(below: 10) == 2)
    #expect(source.draw(below: 10) == fresh.next(below: 10))
    #expect(source.drawBits() == fresh.next())
    #expect(source.count == 4)
    var replay = ChoiceSource(replaying: source.sequence)
    for value in source.sequence { #expect(replay.drawBits() == value) }
  }
}
