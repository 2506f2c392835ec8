// Pairs of calls, maps of many cases, holes in words, and the probes in injected code.

import Canister
import Coverage
import Execution
import Instrumentation
import Testing
import Wasm

@Suite struct CallPairTests {
  private func pairs(_ body: (CanisterFixture) -> Void) throws -> [CallPair] {
    let canister = try CanisterFixture(stable: 4)
    body(canister)
    return canister.collector.take().compactMap(\.pair)
  }

  @Test(
    arguments: [
      (0, RangeOverlap.same), (4_096, .adjacent), (8_192, .apart),
    ] as [(UInt64, RangeOverlap)]) func rangesLieToEachOther(offset: UInt64, overlap: RangeOverlap) throws
  {
    let pairs = try pairs { canister in
      canister.message {
        canister.call(.stableRead, 0, 0, 1)
        canister.call(.stableWrite, offset, 0, 1)
      }
    }
    #expect(pairs.count == 1 && pairs[0].overlap == overlap && pairs[0].gap == .nothing)
    #expect(pairs[0].first.function == .read && pairs[0].second.function == .write)
  }

  @Test func overlappingRangesShare() throws {
    let pairs = try pairs { canister in
      canister.message {
        canister.call(.stableRead, 0, 4_000, 200)
        canister.call(.stableRead, 0, 0, 1)
        canister.call(.stable64Size)
      }
    }
    #expect(Set(pairs.map(\.overlap)) == [.shared, .none])
  }

  @Test func gapsAreTold() throws {
    let pairs = try pairs { canister in
      canister.begin(.upgrade(.first, argument: []))
      canister.enter(.preUpgrade)
      canister.call(.stable64Size)
      canister.enter(.postUpgrade)
      canister.call(.stable64Size)
      canister.end()
      // A message without calls in between does not count.
      canister.message(.heartbeat, .heartbeat, keepsChanges: false) {}
      canister.message(.heartbeat, .heartbeat, keepsChanges: false) { canister.call(.stable64Size) }
      canister.message(.heartbeat, .heartbeat) { canister.call(.stable64Size) }
      canister.message(.reinstall(.first, argument: []), .initialize) { canister.call(.stable64Size) }
    }
    #expect(Set(pairs.map(\.gap)) == [.execution, .message, .rollback, .reinstall])
    #expect(pairs.allSatisfy { FeasiblePairs.shared.contains(CoverageItem($0)) })
  }

  /// Each breaks the rule whose sentence begins so.
  @Test(
    arguments: [
      (Situation(.size64), .nothing, Situation(.size64, entryPoint: .query), "an execution has one entry point"),
      (Situation(.size64, entryPoint: .initialize), .execution, Situation(.size64, entryPoint: .start), "further"),
      (Situation(.size64, entryPoint: .query), .message, Situation(.size64), "queries"),
      (Situation(.size64), .message, Situation(.size64, entryPoint: .initialize), "an install begins"),
      (Situation(.size64), .rollback, Situation(.size64, entryPoint: .start), "an install begins"),
      (Situation(.size64, entryPoint: .initialize), .rollback, Situation(.size64), "an install that fails"),
      (Situation(.size64), .rollback, Situation(.size64, codeAge: .reinstalled), "a message that is dropped"),
      (Situation(.size64), .rollback, Situation(.size64, heap: .wide), "a message that is dropped"),
      (Situation(.size64, codeAge: .upgraded), .message, Situation(.size64), "what a message brings"),
      (Situation(.size64, entryPoint: .preUpgrade), .message, Situation(.size64), "what a message brings"),
      (Situation(.size64), .message, Situation(.size64, heap: .wide), "what a message brings"),
      (Situation(.size64), .reinstall, Situation(.size64), "only what failed"),
      (
        Situation(.read, length: .one, .startsAtEnd, outcome: .stableOutOfBounds), .nothing, Situation(.size64),
        "a trap ends"
      ),
      (
        Situation(.grow64, length: .one, .growsWithin, limit: .takesLastInstruction, entryPoint: .start), .execution,
        Situation(.size64, size: .below4GiB, entryPoint: .initialize), "without an instruction"
      ),
      (
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .untouched, limit: .takesLastAccessed),
        .nothing,
        Situation(.write, length: .one, .inside, size: .below4GiB, pages: .untouched, limit: .takesLastBoth),
        "what is used up"
      ),
      (
        Situation(.grow64, length: .zero, .growsNothing, size: .below4GiB, limit: .takesLastInstruction), .nothing,
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .untouched), "what is used up"
      ),
      (
        Situation(.grow64, length: .one, .growsWithin), .nothing,
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .untouched), "a memory that was empty"
      ),
      (
        Situation(.grow64, length: .one, .growsWithin), .message,
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .committed), "nothing is written"
      ),
      (Situation(.grow64, length: .one, .growsWithin), .nothing, Situation(.size64), "what a call leaves"),
      (
        Situation(.grow, length: .wasmPages, .growsToCapacity), .nothing, Situation(.size64, size: .capacityAbove4GiB),
        "what a call leaves"
      ),
      (Situation(.size64), .rollback, Situation(.size64, size: .below4GiB), "what is dropped"),
      (
        Situation(.size64, size: .capacityAbove4GiB), .rollback, Situation(.size64, size: .capacityBelow4GiB),
        "what is dropped"
      ),
      (
        Situation(.size64), .reinstall, Situation(.size64, size: .below4GiB, codeAge: .reinstalled),
        "memory begun anew"
      ),
      (
        Situation(.size64, size: .below4GiB), .message,
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .accessed), "an execution begins"
      ),
      (
        Situation(.size64, size: .below4GiB), .message,
        Situation(.read, length: .one, .inside, size: .below4GiB, pages: .grown), "a message begins"
      ),
    ] as [(Situation, CallGap, Situation, String)]) func impossiblePairsAreRuledOut(
      first: Situation, gap: CallGap, second: Situation, sentence: String
    )
  {
    #expect(FeasibleSituations.brokenRule(first) == nil && FeasibleSituations.brokenRule(second) == nil)
    #expect(FeasiblePairs.brokenRule(first, gap, second)?.hasPrefix(sentence) == true)
  }

  @Test func pairsOfValuesAreThoseOfTheirCalls() throws {
    let canister = try CanisterFixture(stable: 4)
    canister.message { canister.call(.stableRead, 0, 0, 1) }
    canister.message(.query(name: "q", argument: []), .query, keepsChanges: false) { canister.call(.stable64Size) }
    canister.message { canister.call(.stable64Size) }
    let items = canister.collector.take()
    #expect(items == items.sorted())
    let pairs = Set(items.compactMap(\.valuePair))
    let count = Dimension.allCases.count
    #expect(pairs.count == 2 * count * count)
    #expect(Set(pairs.map(\.gap)) == [.message, .rollback])
    let update = DimensionValue(.entryPoint, Int(EntryPoint.update.rawValue))
    let query = DimensionValue(.entryPoint, Int(EntryPoint.query.rawValue))
    #expect(pairs.contains(ValuePair(update, .message, query)) && pairs.contains(ValuePair(query, .rollback, update)))
    #expect(pairs.allSatisfy { FeasiblePairs.shared.contains(CoverageItem($0)) })
    #expect(items.allSatisfy { $0.kind != .valuePair || $0.valuePair.map { CoverageItem($0) } == $0 })
    // Values are named with what lies between their calls.
    #expect(
      ValuePair(query, .rollback, update).words
        == "a call in a query, then, after its message's changes were dropped, a call in an update")
    #expect(CoverageItem(bits: .max).valuePair == nil && CoverageItem(bits: .max).words == "")
  }

  @Test func everyFeasiblePairOfValuesKeepsTheRulesOfGaps() {
    let pairs = FeasiblePairs.shared.values.compactMap(\.valuePair)
    #expect(pairs.count == FeasiblePairs.shared.values.count && pairs.count > 30_000)
    let empty = DimensionValue(.size, Int(SizeClass.empty.rawValue))
    #expect(pairs.allSatisfy { $0.gap != .reinstall || $0.second.dimension != .size || $0.second == empty })
    #expect(
      pairs.allSatisfy {
        $0.gap != .nothing || $0.first.dimension != .heap || $0.second.dimension != .heap || $0.first == $0.second
      })
  }

  @Test func whatTrapsIsNotFollowedInItsMessage() {
    let impossible = FeasiblePairs.shared.calls.compactMap(\.pair).filter {
      $0.first.outcome != .returned && $0.first.outcome != .refused && $0.gap != .rollback && $0.gap != .reinstall
    }
    #expect(impossible.isEmpty && FeasiblePairs.shared.calls.count > 10_000)
  }
}

@Suite struct CoverageMapTests {
  private static let items = Array(FeasibleSituations.shared.items.prefix(9))

  @Test func mapsMergeInAnyOrder() throws {
    var (left, right, whole) = (CoverageMap(), CoverageMap(), CoverageMap())
    for position in 0..<8 {
      let coverage = Array(Self.items[position...position + 1])
      if position < 3 { left.add(coverage) } else { right.add(coverage) }
      #expect(whole.add(coverage) == (position == 0 ? coverage : [coverage[1]]))
    }
    var (forward, backward) = (left, right)
    forward.merge(right)
    backward.merge(left)
    #expect(forward == whole && backward == whole)
    #expect(whole.cases == 8 && whole.count(of: .situation) == 9 && whole.cases(reaching: Self.items[1]) == 2)
    #expect(CoverageMap(encoded: whole.encoded) == whole)
    #expect(forward.encoded == backward.encoded)
  }

  @Test func damagedMapsAreRefused() throws {
    var map = CoverageMap()
    map.add(Self.items)
    let bytes = map.encoded
    #expect(CoverageMap(encoded: []) == nil)
    #expect(CoverageMap(encoded: Array(bytes.dropLast())) == nil)
    // A count above the number of cases, and a number that is no situation.
    #expect(CoverageMap(encoded: [1, 0, 2]) == nil)
    // As many cases as can be counted, twice.
    var most = try #require(CoverageMap(encoded: [UInt8](repeating: 0xFF, count: 9) + [1]))
    most.merge(most)
    #expect(most.cases == .max)
    #expect(CoverageMap(encoded: [1, 31, 1]) == nil)
  }

  @Test func aHoleIsNamedOnce() throws {
    let hole = Situation(.write64, length: .zero, .emptyAtEnd, size: .at4GiB, codeAge: .upgraded)
    var map = CoverageMap()
    map.add(
      FeasibleSituations.shared.items.filter { item in
        [Dimension.function, .relation, .size, .codeAge].contains { item[$0] != hole[$0] }
      }.sorted())
    let analysis = CoverageAnalysis(map)
    let words = analysis.combinations.flatMap { $0.holes.map(\.words) }
    #expect(words.contains("zero-length `stable64_write` at the end of a 4 GiB memory after an upgrade"))
    // Said in another way: canister_post_upgrade runs in upgrades only.
    #expect(words.allSatisfy { $0.contains("`stable64_write` at the end of a 4 GiB memory") })
    #expect(words.allSatisfy { $0.contains("after an upgrade") || $0.contains("canister_post_upgrade") })
    #expect(analysis.contradictions.isEmpty)
    #expect(analysis.combinations[0].covered == analysis.combinations[0].feasible)
  }

  @Test func contradictionsAreShown() {
    var map = CoverageMap()
    map.add([CoverageItem(Situation(.size, heap: .wide))])
    let analysis = CoverageAnalysis(map, dimensions: 1)
    #expect(analysis.contradictions.count == 1 && analysis.situations.isEmpty)
  }
}

@Suite struct BranchProbeTests {
  private var canister: Module {
    var module = Module()
    module.types = [FunctionType()]
    for function in InstrumentedLayout.replacementOrder {
      guard let type = function.row.type(is64BitHeap: false) else { continue }
      module.types.append(type)
      module.imports.append(
        Import(module: "ic0", name: function.name, kind: .function(TypeIndex(module.types.count - 1))))
    }
    let write = FunctionIndex(InstrumentedLayout.replacementOrder.firstIndex(of: .stableWrite) ?? 0)
    module.functions = [
      Function(
        type: TypeIndex(0 as UInt32),
        body: FunctionBody(instructions: [.i32(0), .i32(0), .i32(1), .call(write), Instruction(.end)]))
    ]
    module.exports = [Export(name: "canister_init", kind: .function(FunctionIndex(module.imports.count)))]
    module.memories = [MemoryType(Limits(minimum: 1))]
    return module
  }

  @Test(arguments: Strategy.all) func probesTellTheBranches(strategy: Strategy) throws {
    let original = canister
    let instrumented = try instrument(original, strategy: strategy, parameters: Parameters())
    let probed = ProbedModule(instrumented, original: original)
    try validate(probed.module)
    let form = try CanisterForm(original, placement: strategy.memory)
    let plain = NativeLane(
      first: try NativeModule(form: form, instrumented: instrumented), parameters: Parameters())
    let lane = NativeLane(
      first: try NativeModule(form: form, instrumented: probed.module, probeCount: probed.probeCount),
      parameters: Parameters())
    let message = Message.install(argument: [])
    #expect(lane.execute(message).digest == plain.execute(message).digest)
    let words = probed.taken(lane.probeBits.first).compactMap(\.branch).map(BranchCatalogue.shared.words)
    // Charged, memory small enough, but the range passes the end of an empty memory.
    #expect(
      words.sorted() == [
        "`decrement`: if 1 does not hold", "`decrement`: if 2 does not hold", "`stable_write`: if 1 does not hold",
        "`stable_write`: if 2 holds",
      ])
  }

  @Test func bothWaysOfEveryConditionAreListed() {
    let branches = BranchCatalogue.shared.items.compactMap(\.branch)
    let excluded = BranchCatalogue.shared.excluded
    #expect(branches.count > 60 && (branches.count + excluded.count).isMultiple(of: 2))
    #expect(excluded.count == 3)
    let words = branches.map(BranchCatalogue.shared.words)
    #expect(Set(words).count == words.count)
    #expect(words.contains("`count_clean_pages`: branch 2 is taken"))
  }
}
