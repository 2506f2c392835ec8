// What the generator covers: every feature, every stable function and every operand class comes up within 1,000 cases.

import Canister
import Generation
import Testing
import Wasm

/// The union over the first cases of a run.
private struct Coverage {
  var features = FeatureSet()
  var coverage = OperandCoverage()
  var stableImports: Set<String> = []
  var strategies: Set<Strategy> = []
  var deliberateTraps = 0
  var opcodes: Set<UInt16> = []
  let count: UInt64

  init(_ profile: GeneratorProfile, seed: UInt64, count: UInt64) {
    self.count = count
    for index in 0..<count {
      let generated = Generator(profile: profile).generate(seed: seed, index: index)
      features = features.union(generated.features)
      coverage = coverage.union(generated.coverage)
      strategies.insert(generated.case.strategy)
      if generated.mayTrap { deliberateTraps += 1 }
      for entry in generated.module.imports { stableImports.insert(entry.name) }
      for function in generated.module.functions {
        for instruction in function.body.instructions { opcodes.insert(instruction.opcode.rawValue) }
      }
    }
  }
}

/// Features that only the multi-memory profile has.
private let furtherFeatures: Set<Feature> = [
  .furtherMemory, .wideFurtherMemory, .furtherMemoryAccess, .furtherTable, .referenceCall, .tailCall,
]

/// Features that only the profiles with direct access have.
private let directFeatures: Set<Feature> = [
  .directAccess, .directLoadOrStore, .directBulk, .sessionMemory, .scratchMemory,
]

/// Features of modules that are hardly good for more than being installed.
private let rareFeatures: Set<Feature> = [.noImport, .emptyModule, .noExport, .importedStart]

@Suite struct DistributionTests {
  private static let native = Coverage(.native, seed: 23, count: 1_000)
  /// Every class in every function takes longer.
  private static let more = Coverage(.native, seed: 29, count: 4_000)
  private static let named = Coverage(.named, seed: 23, count: 500)
  private static let further = Coverage(.multiMemory, seed: 23, count: 1_000)

  @Test(arguments: Feature.allCases)
  func everyFeatureComesUp(_ feature: Feature) {
    if directFeatures.contains(feature) {
      #expect(Self.named.features.contains(feature))
      #expect(!Self.native.features.contains(feature))
      return
    }
    if rareFeatures.contains(feature) {
      #expect(Self.more.features.contains(feature))
      return
    }
    #expect(Self.further.features.contains(feature))
    #expect(Self.native.features.contains(feature) != furtherFeatures.contains(feature))
  }

  @Test func everyStableFunctionIsImported() {
    for function in SystemFunction.allCases where function.isStable {
      #expect(Self.native.stableImports.contains(function.name))
    }
  }

  @Test func everyStrategyComesUp() { #expect(Self.native.strategies.count == Strategy.all.count) }

  @Test func aMinorityTrapsOnPurpose() {
    #expect((200...300).contains(Self.native.deliberateTraps))
  }

  @Test(arguments: RangeClass.allCases)
  func everyRangeClassComesUp(_ rangeClass: RangeClass) {
    let wanted = functions(of: rangeClass)
    #expect(wanted.contains { Self.native.coverage.contains(rangeClass, $0) })
    let isRare = [.large, .vast, .lengthOverHeapAddresses, .lengthBeyondHeap].contains(rangeClass)
    for function in wanted where !isRare {
      #expect(Self.more.coverage.contains(rangeClass, function), "\(function.name)")
    }
  }

  private func functions(of rangeClass: RangeClass) -> [SystemFunction] {
    switch rangeClass {
    case .at4GiB, .above4GiB, .sumIsZero, .sumWraps, .lengthOverHeapAddresses: [.stable64Read, .stable64Write]
    case .sumPasses32Bits: [.stableRead, .stableWrite]
    default: [.stableRead, .stableWrite, .stable64Read, .stable64Write]
    }
  }

  @Test(arguments: HeapClass.allCases)
  func everyHeapClassComesUp(_ heapClass: HeapClass) {
    let isWide = !heapClass.row.isFor(.narrowRead)
    for function in [SystemFunction.stable64Read, .stable64Write] + (isWide ? [] : [.stableRead, .stableWrite]) {
      #expect(Self.more.coverage.contains(heapClass, function), "\(function.name)")
    }
  }

  @Test(arguments: GrowthClass.allCases)
  func everyGrowthClassComesUp(_ growthClass: GrowthClass) {
    #expect(Self.native.coverage.contains(growthClass, .stable64Grow))
    #expect(Self.native.coverage.contains(growthClass, .stableGrow) != (growthClass == .bytesWrap))
  }

  @Test func everyScalarOpcodeComesUp() {
    for opcode in Opcode.allCases where opcode.row.weight > 0 && opcode.rawValue < 0xFD00 {
      #expect(Self.native.opcodes.contains(opcode.rawValue), "\(opcode.row.text)")
    }
  }

  @Test func namesOfClassesAreUnique() {
    #expect(Set(RangeClass.allCases.map { "\($0.row.name)" }).count == RangeClass.allCases.count)
    #expect(Set(HeapClass.allCases.map { "\($0.row.name)" }).count == HeapClass.allCases.count)
    #expect(Set(GrowthClass.allCases.map { "\($0.row.name)" }).count == GrowthClass.allCases.count)
    for rangeClass in RangeClass.allCases { #expect(rangeClass.row.rangeClass == rangeClass) }
    for heapClass in HeapClass.allCases { #expect(heapClass.row.heapClass == heapClass) }
    for growthClass in GrowthClass.allCases { #expect(growthClass.row.growthClass == growthClass) }
  }
}
