// The state of generating one module: what is decided about it, what is emitted so far. `ModulePlanning` decides the
// frame, `EntryPoints` emits the bodies, `ModuleAssembly` puts the result together.

import Canister
import Entropy
import Wasm

/// A memory of the module under construction.
struct MemoryShape {
  /// Initial size in Wasm pages; memories never shrink.
  var pages: UInt64
  var isWide: Bool
  var role = MemoryRole.heap

  var bytes: UInt64 { pages * Sizes.wasmPage }
  var indexType: NumberType { isWide ? .i64 : .i32 }
}

/// A function of the module under construction. Its rank is its place in the order of generation: a function calls only
/// functions of lower rank, so nothing recurses.
struct FunctionPlan {
  var shape: FunctionShape
  /// Place among the defined functions.
  var position = 0
  var footprint = Footprint()
  /// Whether the body relies on the guaranteed size of stable memory.
  var needsSetup = false
}

/// A function by which the canister is entered.
struct EntryPlan {
  /// All ways in which it is entered.
  var entryPoints: EntryPointSet
  /// The first of them.
  var kind: EntryPoint
  var exports: [(entryPoint: EntryPoint, method: String)]
  /// Whether it may end in a trap on purpose.
  var traps = false
  /// Whether it calls nothing that counts instructions by itself: only metered code notices that they run out.
  var isPlain = false
  var isProbe = false
  /// Whether the two low bits of the argument's size decide at which check its instructions run out.
  var heedsArgumentSize = false
}

/// What a table slot holds.
enum TableSlot {
  case null
  case helper(rank: Int)
  case system(SystemFunction)
  case entry(rank: Int)
}

/// A data segment as far as code has to know it.
struct SegmentShape {
  var length: UInt64
  var isPassive: Bool
  /// Dropped after its use in a message; then only one place of an entry function initialises from it.
  var isDropped: Bool
}

/// Builds one module from choices.
struct ModuleGenerator {
  var choices: ChoiceSource
  let shape: CaseShape
  let tables = GenerationTables.shared
  var features = FeatureSet()
  var coverage = OperandCoverage()

  // The module's frame.
  var module = Module()
  /// The shapes of `module.types`.
  var typeShapes: [FunctionShape] = []
  var memories: [MemoryShape] = []
  /// Function index by raw value of the System API function; -1: not imported.
  var systemIndices = [Int16](repeating: -1, count: SystemFunction.allCases.count)
  /// The same for a second import of the same function.
  var duplicateIndices = [Int16](repeating: -1, count: SystemFunction.allCases.count)
  var imported: [SystemFunction] = []
  var plans: [FunctionPlan] = []
  var bodies: [FunctionBody] = []
  var entries: [EntryPlan] = []
  /// The update method that is an imported function, if any.
  var importedMethod: String?
  var helperCount = 0
  /// The helpers of the lowest ranks, which work on the case's structures.
  var operations: [(operation: StructureOperation, structure: Structure)] = []
  /// Helpers by the type of their only result, as bit sets of ranks.
  var helpersByResult = SIMD8<UInt64>(repeating: 0)
  var globalTypes: [NumberType] = []
  /// Functions that stand before all others and that nothing uses.
  var crowd = 0
  /// Globals by type, as bit sets of indices; and those that may be assigned.
  var globalsOfType = SIMD8<UInt64>(repeating: 0)
  var mutableGlobals: UInt64 = 0
  var slots: [TableSlot] = []
  var furtherTable: FurtherTable?
  /// Whose reference stands behind the filled slots of the first table.
  var spareHelper: Int?
  var elementShapes: [ElementShape] = []
  var segments: [SegmentShape] = []
  /// Functions that `ref.func` may name because an element segment or export does.
  var referenced: [FunctionIndex] = []
  /// Largest number of pages that the probe method touches in a message of the plan.
  var probePages: UInt64 = 0
  /// Whether the module is a copy of another one with a small change.
  var isNearCopy = false
  /// Bodies and messages for the probe method that move 256 MiB or more at once.
  var vastBodies = 0

  /// The body being emitted.
  var current = BodyContext()

  init(_ shape: CaseShape, _ choices: ChoiceSource) {
    self.shape = shape
    self.choices = choices
  }

  // MARK: Heap

  var hasHeap: Bool { !memories.isEmpty }
  var isWideHeap: Bool { shape.heap == .wide }
  /// The type of heap addresses.
  var word: NumberType { isWideHeap ? .i64 : .i32 }
  var heapBytes: UInt64 { memories.first?.bytes ?? 0 }
  /// The largest heap address that `stable64_read` and `stable64_write` let pass; contract section 7.
  var largestHeapAddress: UInt64 {
    isWideHeap ? shape.parameters.heapLimit64 * Sizes.wasmPage : 0xFFFF_FFFF
  }

  // MARK: Types

  /// The index of a function type, added if it is new.
  mutating func typeIndex(_ wanted: FunctionShape) -> TypeIndex {
    for position in typeShapes.indices where typeShapes[position] == wanted { return TypeIndex(position) }
    return addType(wanted)
  }

  mutating func addType(_ added: FunctionShape) -> TypeIndex {
    typeShapes.append(added)
    module.types.append(added.type)
    return TypeIndex(typeShapes.count - 1)
  }

  // MARK: Functions

  func signature(_ function: SystemFunction) -> SystemSignature {
    (isWideHeap ? tables.wideSignatures : tables.narrowSignatures)[Int(function.rawValue)]
  }

  /// Whether the function can be called; with direct access, instructions stand for the 64-bit stable functions.
  func isImported(_ function: SystemFunction) -> Bool {
    shape.isDirect && function.isStable ? function.isWide : systemIndices[Int(function.rawValue)] >= 0
  }

  /// Whether the function is imported and may be called from wherever the current body runs.
  func mayCall(_ function: SystemFunction) -> Bool {
    !current.isPlain && isImported(function)
      && tables.entryPoints[Int(function.rawValue)].isSuperset(of: current.entryPoints)
  }

  func functionIndex(rank: Int) -> FunctionIndex { FunctionIndex(module.imports.count + plans[rank].position) }

  /// The bit set of helpers that the current body may call.
  var callableHelpers: UInt64 {
    var set: UInt64 = 0
    for rank in 0..<min(current.rank, helperCount) {
      if plans[rank].needsSetup && !current.isSetUp && shape.stablePages > 0 { continue }
      if canSpend(plans[rank].footprint.cost) { set |= 1 << UInt64(rank) }
    }
    return set
  }
}

/// Position of the set bit of the given ordinal.
@inline(__always)
func position(ofBit ordinal: Int, in set: UInt64) -> Int {
  var rest = set
  for _ in 0..<ordinal { rest &= rest &- 1 }
  return rest.trailingZeroBitCount & 63
}
