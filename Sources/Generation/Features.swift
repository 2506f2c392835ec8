// What a generated case contains, as bit sets that are filled while it is generated. Read by the statistics
// and by the tests of the generator's distribution.

import Canister

/// A part of the language or of a canister's life that a case makes use of.
public enum Feature: UInt8, CaseIterable, Sendable {
  // Modules
  case wideHeap, heapless, furtherMemory, wideFurtherMemory, declaredHeapMaximum, duplicateImport, unusedImport
  case exportedImport, startFunction, table, nullElement, expressionElements, passiveElements, declarativeElements
  case activeData, passiveData, severalMemoryExports, severalTableExports, exportedGlobal, floatGlobal, nameSection
  case metadataSection, duplicateType, furtherTable, referenceCall, tailCall, multiValueFunction, shuffledFunctions,
    sharedEntryFunction, memoryExport
  case tableExport, secondModule, crowd, noStableImport, exportedStart, overlappingElements
  case noImport, importedMethod, emptyModule, noExport, importedStart, nearCopy, computedGlobal, otherHeapWidth
  // Code
  case loop, nestedLoop, ifElse, branchTable, branchOut, blockValue, multiValueBlock, loopParameters, deadCode
  case helperCall, indirectCall, stableCallThroughTable, systemCallThroughTable, typedSelect, referenceTest,
    tableGet, tableSize, elementDrop
  case earlyReturn, vectorChain, heapGrow, heapGrowPastLimit, heapFill, heapCopy, heapInit, dataDrop, heapEnd,
    furtherMemoryAccess
  case performanceCounter, debugPrint, argument, systemValue, systemCopy, reject
  // Stable memory
  case pageStates, readBack, copyWithin, appendLog, arrayLoop, chase, growAndUse, narrowGuard, preparedSource, probe
  case log, vector, tree, freeList, bitmap, structureCall, handover, observed
  case directAccess, directLoadOrStore, directBulk, sessionMemory, scratchMemory
  // Plan and parameters
  case preUpgrade, postUpgrade, heartbeat, globalTimer, inspect, lowWasmMemory, compositeQuery, upgrade, reinstall
  case exactPageLimit, exceededPageLimit, smallPageLimit, smallInstructionLimit, productionInstructionLimit
  case smallCapacity, stableAtCapacity, smallHeapLimit, oldMetering, changedOverhead, stableEmpty, stableSmall
  case stableBelow4GiB, stableAt4GiB, stableAbove4GiB, lazySetup, startSetup
  // Traps
  case trapStatement, explicitTrap, stableTrap, contractViolation, exhaustion, rehearsal
}

/// A set of features.
public struct FeatureSet: Hashable, Sendable {
  private var words = SIMD4<UInt64>(repeating: 0)

  public init() {}

  public mutating func insert(_ feature: Feature) {
    words[Int(feature.rawValue >> 6)] |= 1 << UInt64(feature.rawValue & 63)
  }

  /// The features of either set.
  public func union(_ other: FeatureSet) -> FeatureSet {
    var union = self
    union.words |= other.words
    return union
  }

  public func contains(_ feature: Feature) -> Bool {
    words[Int(feature.rawValue >> 6)] >> UInt64(feature.rawValue & 63) & 1 == 1
  }
}

/// Which operand classes each of the eight stable functions is called with in a case.
public struct OperandCoverage: Hashable, Sendable {
  private var ranges = SIMD8<UInt64>(repeating: 0)
  private var heaps = SIMD8<UInt64>(repeating: 0)
  private var growths = SIMD8<UInt64>(repeating: 0)

  public init() {}

  /// The classes of either set.
  public func union(_ other: OperandCoverage) -> OperandCoverage {
    var union = self
    union.ranges |= other.ranges
    union.heaps |= other.heaps
    union.growths |= other.growths
    return union
  }

  private static func lane(_ function: SystemFunction) -> Int {
    Int(function.rawValue &- SystemFunction.stableSize.rawValue) & 7
  }

  public mutating func insert(_ rangeClass: RangeClass, _ function: SystemFunction) {
    ranges[Self.lane(function)] |= 1 << UInt64(rangeClass.rawValue)
  }

  public mutating func insert(_ heapClass: HeapClass, _ function: SystemFunction) {
    heaps[Self.lane(function)] |= 1 << UInt64(heapClass.rawValue)
  }

  public mutating func insert(_ growthClass: GrowthClass, _ function: SystemFunction) {
    growths[Self.lane(function)] |= 1 << UInt64(growthClass.rawValue)
  }

  public func contains(_ rangeClass: RangeClass, _ function: SystemFunction) -> Bool {
    ranges[Self.lane(function)] >> UInt64(rangeClass.rawValue) & 1 == 1
  }

  public func contains(_ heapClass: HeapClass, _ function: SystemFunction) -> Bool {
    heaps[Self.lane(function)] >> UInt64(heapClass.rawValue) & 1 == 1
  }

  public func contains(_ growthClass: GrowthClass, _ function: SystemFunction) -> Bool {
    growths[Self.lane(function)] >> UInt64(growthClass.rawValue) & 1 == 1
  }
}
