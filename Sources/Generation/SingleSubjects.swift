// What the `single` profile goes through one by one before it makes random cases: every opcode, every System API function,
// every boundary class of every stable function, every limit. Read by `Generator`; `SingleCases` builds the cases.

import Canister
import Wasm

/// A size of stable memory in a systematic case.
enum StableSize: CaseIterable {
  case empty, small, below4GiB, at4GiB, above4GiB, atCapacity

  /// Wasm pages after the installation.
  var pages: UInt64 {
    switch self {
    case .empty: 0
    case .small: 5
    case .below4GiB: Sizes.stable32Ceiling - 1
    case .at4GiB: Sizes.stable32Ceiling
    case .above4GiB: Sizes.stable32Ceiling + 1
    case .atCapacity: 4_096
    }
  }

  var capacity: UInt64 { self == .atCapacity ? 4_096 : Parameters().stableCapacity }

  var feature: Feature {
    switch self {
    case .empty: .stableEmpty
    case .small: .stableSmall
    case .below4GiB: .stableBelow4GiB
    case .at4GiB: .stableAt4GiB
    case .above4GiB: .stableAbove4GiB
    case .atCapacity: .stableAtCapacity
    }
  }
}

/// What a systematic case is about.
enum SingleSubject {
  case opcode(Opcode, isWide: Bool)
  case function(SystemFunction, isWide: Bool)
  case range(RangeClass, StableAccess, StableSize)
  case heap(HeapClass, StableAccess, isWide: Bool)
  case growth(GrowthClass, isWideFunction: Bool, StableSize)
  /// An access that needs as many pages as the limit allows, or `surplus` more; `isQuery`: in a query.
  case pageLimit(StableAccess, isDirty: Bool, surplus: UInt64, isQuery: Bool)
  /// An access to more OS pages than 16 bits count, and a small one that passes the limit behind it.
  case vastAccess(StableAccess, isDirty: Bool)
  /// An access after whose charge that many instructions are left, wrapping.
  case instructionLimit(StableAccess, left: UInt64)

  /// All of them, in the order in which the profile makes them.
  static let all: [SingleSubject] = opcodes + functions + ranges + heaps + growths + limits

  private static let widths = [false, true]

  private static var opcodes: [SingleSubject] {
    Opcode.allCases.filter { GenerationTables.makesVectors || $0.rawValue < 0xFD00 }
      .flatMap { opcode in widths.map { .opcode(opcode, isWide: $0) } }
  }

  private static var functions: [SingleSubject] {
    SystemFunction.allCases.flatMap { function in
      widths.filter { function.row.type(is64BitHeap: $0) != nil }.map { .function(function, isWide: $0) }
    }
  }

  private static var ranges: [SingleSubject] {
    RangeClass.allCases.flatMap { rangeClass in
      StableAccess.all.flatMap { access in
        StableSize.allCases.filter { isPossible(rangeClass, access, $0) }.map { .range(rangeClass, access, $0) }
      }
    }
  }

  private static func isPossible(_ rangeClass: RangeClass, _ access: StableAccess, _ size: StableSize) -> Bool {
    let row = rangeClass.row
    let wanted = AccessSet(isWide: access.isWide, isWrite: access.isWrite)
    // Has subjects of its own.
    if rangeClass == .vast { return false }
    // Lengths beyond all heap addresses have to fit stable memory to be refused for the heap.
    if rangeClass == .lengthOverHeapAddresses && size != .above4GiB { return false }
    if rangeClass == .lengthBeyondHeap && (size == .at4GiB || size == .below4GiB) { return false }
    return row.returns.union(row.traps).contains(wanted) && row.pages <= size.pages
  }

  private static var heaps: [SingleSubject] {
    HeapClass.allCases.flatMap { heapClass in
      StableAccess.all.flatMap { access in
        widths.filter { isWide in
          heapClass.row.functions.contains(AccessSet(isWide: access.isWide, isWrite: access.isWrite))
            && !(isWide && (!access.isWide || heapClass == .above32Bits))
        }.map { .heap(heapClass, access, isWide: $0) }
      }
    }
  }

  private static var growths: [SingleSubject] {
    GrowthClass.allCases.flatMap { growthClass in
      widths.filter { $0 || !growthClass.row.isOnlyWide }.flatMap { isWide in
        StableSize.allCases.map { .growth(growthClass, isWideFunction: isWide, $0) }
      }
    }
  }

  private static var limits: [SingleSubject] {
    StableAccess.all.flatMap { access -> [SingleSubject] in
      widths.filter { access.isWrite || !$0 }.flatMap { isDirty in
        widths.flatMap { isQuery in
          [0, 1, 2].map { .pageLimit(access, isDirty: isDirty, surplus: $0, isQuery: isQuery) }
        }
      } + widths.filter { access.isWrite || !$0 }.map { .vastAccess(access, isDirty: $0) }
        + [.max, 0, 1].map { .instructionLimit(access, left: $0) }
    }
  }

  // MARK: The frame

  var isWideHeap: Bool {
    switch self {
    case .opcode(_, let isWide), .function(_, let isWide), .heap(_, _, let isWide): isWide
    case .range, .growth, .pageLimit, .vastAccess, .instructionLimit: false
    }
  }

  var stableSize: StableSize {
    switch self {
    case .opcode, .function, .heap, .pageLimit, .instructionLimit: .small
    case .range(_, _, let size), .growth(_, _, let size): size
    case .vastAccess: .below4GiB
    }
  }

  /// Wasm pages.
  var heapPages: UInt64 {
    switch self {
    case .range(let rangeClass, _, _): max(1, rangeClass.row.heapPages)
    case .vastAccess: Self.vastPages * Sizes.osPage / Sizes.wasmPage + 1
    default: 1
    }
  }

  var needsProductionLimit: Bool {
    switch self {
    case .range(.lengthOverHeapAddresses, _, _), .range(.lengthBeyondHeap, _, _), .vastAccess: true
    default: false
    }
  }

  /// Pages that an access in a case about page limits touches.
  static let limitedPages: UInt64 = 5

  /// Pages that a vast access touches; their number has another value in 16 bits.
  static let vastPages: UInt64 = 65_537

  /// Sets the limit that the case is about.
  func adjust(_ parameters: inout Parameters) {
    let (pages, isDirty): (UInt64, Bool)
    switch self {
    case .pageLimit(_, let limitsDirty, let surplus, _): (pages, isDirty) = (Self.limitedPages - surplus, limitsDirty)
    case .vastAccess(_, let limitsDirty): (pages, isDirty) = (Self.vastPages + 1, limitsDirty)
    default: return
    }
    let limits = PageLimits(message: pages, upgrade: PageLimits().upgrade, query: pages)
    if isDirty { parameters.dirtyPageLimits = limits } else { parameters.accessedPageLimits = limits }
  }

  /// Whether some message may end in a trap.
  var mayTrap: Bool {
    switch self {
    case .opcode(let opcode, _): !opcode.row.traps.isEmpty
    case .function, .growth: true
    case .range(let rangeClass, let access, let size):
      !rangeClass.row.returns.contains(AccessSet(isWide: access.isWide, isWrite: access.isWrite))
        || (!access.isWide && size.pages > Sizes.stable32Ceiling)
    case .heap(let heapClass, _, _): heapClass.row.traps
    case .pageLimit(_, _, let surplus, _): surplus > 0
    case .vastAccess: true
    case .instructionLimit: true
    }
  }
}
