// The decisions that all modules and messages of a case share: how large stable memory is, who grows it, limits, heap
// width, whether anything traps on purpose. Drawn first of all; `ModuleGenerator` builds modules that fit it.

import Canister
import Entropy

/// The common frame of a case.
struct CaseShape {
  enum Heap { case none, narrow, wide }

  /// Which of the two families of stable functions the modules import.
  enum Families { case both, onlyNarrow, onlyWide }

  /// Where stable memory is grown to its guaranteed size.
  enum Setup {
    /// No size is guaranteed.
    case none
    case initialize, start
    /// In every entry point, if it has not happened yet.
    case lazy
  }

  /// What it takes to call the 32-bit functions without a trap, besides good operands.
  enum NarrowAccess {
    case free
    /// The size may have passed 4 GiB, so calls look first.
    case guarded
    /// The size is past 4 GiB: nearly all calls trap.
    case traps
  }

  /// How a page limit relates to what the case needs.
  enum PageLimitKind { case production, exact, exceeded, small }

  enum InstructionLimitKind {
    case standard, production
    /// Some messages run out, though not the installation.
    case small
    /// A few hundred instructions; nothing is set up.
    case tiny
  }

  let profile: GeneratorProfile
  let strategy: Strategy
  /// Whether some messages end in a trap on purpose; otherwise none does.
  let traps: Bool
  private(set) var heap: Heap
  private(set) var families: Families
  /// Guaranteed size of stable memory in Wasm pages, once set up.
  let stablePages: UInt64
  let stableClass: Feature
  let setup: Setup
  private(set) var narrowAccess: NarrowAccess
  /// Whether growth may take any size; otherwise it stays small, because nobody looks whether 4 GiB are passed.
  private(set) var isGrowthFree: Bool
  let dirtyLimit: PageLimitKind
  let accessedLimit: PageLimitKind
  let instructionLimit: InstructionLimitKind
  /// Page-aligned addresses, each with 4 pages of guaranteed stable memory behind it and at least one before.
  let anchors: [UInt64]
  /// Data structures that all modules of the case work on.
  let structures: [Structure]
  /// Kinds of statement that the case is about: with all kinds alike in every case, two that need each other seldom meet
  /// (swarm testing: Groce et al., ISSTA 2012).
  let focus: [StatementKind]
  /// Bytes that modules save before an upgrade and read back afterwards.
  let handoverLength: UInt64
  /// Whether the case is about single accesses of more OS pages than 16 bits count.
  let isVast: Bool
  /// Initial size of the heap in Wasm pages, the same in both modules if their heaps have the same width.
  private(set) var heapPages: UInt64
  /// Everything but the limits that depend on what is generated.
  var parameters = Parameters()

  /// Guaranteed bytes of stable memory, once set up.
  var stableBytes: UInt64 { stablePages * Sizes.wasmPage }

  /// Whether modules access stable memory themselves.
  var isDirect: Bool { profile.isDirect }

  /// Whether messages may run into limits that are smaller than what they need.
  var hitsLimits: Bool {
    dirtyLimit == .exceeded || dirtyLimit == .small || accessedLimit == .exceeded || accessedLimit == .small
      || instructionLimit == .small || instructionLimit == .tiny
  }

  /// Whether page limits are to be hit exactly, for which the pages touched must be known beforehand.
  var wantsKnownPages: Bool { dirtyLimit == .exact || dirtyLimit == .exceeded || accessedLimit == .exact }

  init(_ profile: GeneratorProfile, _ choices: inout ChoiceSource) {
    self.profile = profile
    strategy = Self.drawStrategy(profile, &choices)
    traps = choices.chance(25, of: 100)
    heap = Self.drawHeap(profile, &choices)
    families = profile.isDirect ? .onlyWide : Self.drawFamilies(heap, &choices)
    // Direct accesses cost other than the calls that stand for them, so no limit may be near.
    instructionLimit = profile.isDirect ? .standard : Self.drawInstructionLimit(traps, &choices)
    // Ranges of more bytes than memories have in other cases have to be paid for.
    let isPaid = traps && instructionLimit == .production
    isVast = isPaid && heap != .none && choices.chance(1, of: 8)
    let size =
      isVast && choices.chance(5, of: 6)
      ? Self.drawVastSize(heap, families, &choices) : Self.drawSize(families, traps: traps, instructionLimit, &choices)
    stableClass = size.stableClass
    stablePages = size.pages
    parameters.stableCapacity = size.capacity
    setup = Self.drawSetup(size.pages, &choices)
    let grows = Self.drawNarrowAccess(size.pages, size.capacity, families, &choices)
    narrowAccess = grows.access
    isGrowthFree = grows.isFree
    heapPages = isVast ? Self.drawVastHeapPages(heap, &choices) : Self.drawHeapPages(heap, &choices)
    let mayExceed = traps && !profile.isDirect
    // At the exact limit a vast access returns, with one page less it traps.
    dirtyLimit =
      isVast
      ? (choices.chance(1, of: 5) ? .exact : .exceeded)
      : Self.drawPageLimit(mayExceed: mayExceed, isPaid: isPaid, &choices)
    // Which of two exceeded limits is reported is part of the contract, so they often go together.
    let areLimitsAlike = dirtyLimit != .production && choices.chance(isVast ? 5 : isPaid ? 2 : 4, of: 8)
    accessedLimit =
      areLimitsAlike ? dirtyLimit : Self.drawPageLimit(mayExceed: mayExceed, isPaid: isPaid && !isVast, &choices)
    anchors = Self.drawAnchors(size.pages * Sizes.wasmPage, &choices)
    // Which pages an operation touches depends on what it reads, so a case that counts them exactly has none.
    let isCounted = [dirtyLimit, accessedLimit].contains(.exact) || dirtyLimit == .exceeded
    let count = heap == .none || anchors.isEmpty || isCounted ? 0 : choices.element(of: [0, 1, 1, 2])
    structures = (0..<count).map { [anchors] _ in Structure(anchors: anchors, &choices) }
    handoverLength = choices.element(of: [16, 64, 1_000, 4_080, 5_000])
    focus = choices.chance(1, of: 3) ? (0..<2).map { _ in choices.element(of: StatementKind.allCases) } : []

    // Lengths beyond 32 bits and their pages take more than an update's limit; installations have more than that.
    let isBeyond = isVast && heap == .wide && size.pages > Sizes.stable32Ceiling
    switch instructionLimit {
    case .standard: break
    case .production:
      parameters.instructionLimit = Parameters.productionInstructionLimit * (isBeyond ? 3 : 1)
    case .small:
      parameters.instructionLimit = Int64(
        clamping: 1_500 + choices.draw(below: choices.chance(1, of: 2) ? 40_000 : 4_000))
    case .tiny: parameters.instructionLimit = Int64(clamping: 1 + choices.draw(below: 400))
    }
    if choices.chance(1, of: 10) { parameters.metering = .old }
    if choices.chance(isVast ? 4 : 1, of: 10) {
      // With the largest, what a vast write is charged for its pages does not fit 32 bits, nor the usual limit.
      let overheads: [Int64] = isBeyond ? [0, 5_000, 65_600, 65_600] : [0, 1, 7, 100, 5_000]
      parameters.dirtyPageOverhead = choices.element(of: overheads)
    }
    if choices.chance(1, of: 4) {
      let limit = heapPages + choices.draw(below: 6)
      if heap == .wide { parameters.heapLimit64 = limit } else { parameters.heapLimit32 = min(limit, 65_536) }
    }
  }

  /// The frame of a systematic case: as its subject has it, all else as usual.
  init(_ subject: SingleSubject, _ choices: inout ChoiceSource) {
    profile = .single
    strategy = choices.element(of: Strategy.all)
    traps = true
    heap = subject.isWideHeap ? .wide : .narrow
    families = subject.isWideHeap ? .onlyWide : .both
    let size = subject.stableSize
    stablePages = size.pages
    stableClass = size.feature
    parameters.stableCapacity = size.capacity
    setup = size == .empty ? .none : .initialize
    narrowAccess = size.pages > Sizes.stable32Ceiling ? .traps : .free
    isGrowthFree = true
    heapPages = subject.heapPages
    instructionLimit = subject.needsProductionLimit ? .production : .standard
    if subject.needsProductionLimit { parameters.instructionLimit = Parameters.productionInstructionLimit }
    (dirtyLimit, accessedLimit) = (.production, .production)
    structures = []
    focus = []
    isVast = false
    handoverLength = 16
    anchors = size == .empty ? [] : Self.drawAnchors(size.pages * Sizes.wasmPage, &choices)
    subject.adjust(&parameters)
  }

  /// The frame of the second module: mostly the same, at times with a heap of the other width, as when a canister is
  /// rebuilt for it.
  func successor(_ choices: inout ChoiceSource) -> CaseShape {
    guard heap != .none, !isDirect, !isVast, choices.chance(1, of: 3) else { return self }
    var successor = self
    successor.heapPages = 1 + choices.draw(below: 5)
    if heap == .narrow {
      successor.heap = .wide
      // The 32-bit functions of the first module cannot be asked whether 4 GiB are passed.
      if families == .onlyNarrow { successor.isGrowthFree = false }
      successor.families = .onlyWide
      successor.narrowAccess = .free
    } else {
      successor.heap = .narrow
      if choices.chance(2, of: 3) {
        successor.families = .both
        // The first module grows stable memory as it likes.
        successor.narrowAccess = stablePages > Sizes.stable32Ceiling ? .traps : .guarded
      }
    }
    return successor
  }

  private static func drawStrategy(_ profile: GeneratorProfile, _ choices: inout ChoiceSource) -> Strategy {
    let strategy = choices.element(of: Strategy.all)
    switch profile {
    case .direct: return Strategy(memory: .direct, imports: strategy.imports)
    case .named: return Strategy(memory: .named, imports: strategy.imports)
    case .native, .multiMemory, .single, .realWorld: return strategy
    }
  }

  private static func drawHeap(_ profile: GeneratorProfile, _ choices: inout ChoiceSource) -> Heap {
    switch choices.draw(below: 100) {
    case 0..<73: return .narrow
    case 73..<99: return .wide
    // What is accessed directly moves through a heap in the host lane.
    default: return profile.isDirect ? .narrow : .none
    }
  }

  private static func drawFamilies(_ heap: Heap, _ choices: inout ChoiceSource) -> Families {
    if heap == .wide { return .onlyWide }
    switch choices.draw(below: 20) {
    case 0..<13: return .both
    case 13..<17: return .onlyWide
    default: return .onlyNarrow
    }
  }

  private struct Size {
    var stableClass: Feature
    var pages: UInt64
    var capacity: UInt64
  }

  private static func drawSize(
    _ families: Families, traps: Bool, _ instructionLimit: InstructionLimitKind, _ choices: inout ChoiceSource
  ) -> Size {
    let standard = Parameters().stableCapacity
    let ceiling = Sizes.stable32Ceiling
    var size: Size
    if instructionLimit == .tiny { return Size(stableClass: .stableEmpty, pages: 0, capacity: standard) }
    // Only a large limit pays for lengths of 4 GiB, which need as much memory.
    let pays = traps && instructionLimit == .production
    switch choices.draw(below: 100) {
    case 0..<5: size = Size(stableClass: .stableEmpty, pages: 0, capacity: standard)
    case 5..<(pays ? 10 : 62):
      size = Size(stableClass: .stableSmall, pages: 1 + choices.draw(below: 6), capacity: standard)
    case 10..<69 where !pays: size = Size(stableClass: .stableBelow4GiB, pages: ceiling - 1, capacity: standard)
    case 10..<(pays ? 40 : 80): size = Size(stableClass: .stableAt4GiB, pages: ceiling, capacity: standard)
    case 10..<(traps ? 94 : 90) where families != .onlyNarrow:
      let beyond = choices.chance(1, of: 3) ? choices.element(of: [ceiling, 1 + choices.draw(below: 130_000)]) : 1
      size = Size(stableClass: .stableAbove4GiB, pages: ceiling + beyond, capacity: standard)
    default:
      let small: [UInt64] = [4_096, 8_192, ceiling]
      let capacity = choices.element(of: families == .onlyNarrow ? small : small + [ceiling + 4_096, standard])
      size = Size(stableClass: .stableAtCapacity, pages: capacity, capacity: capacity)
      if choices.chance(1, of: 4) { size.pages -= 1 + choices.draw(below: 4) }
      return size
    }
    if choices.chance(1, of: 5) {
      let step = Parameters.stableCapacityStep
      let least = (size.pages + step - 1) / step * step
      size.capacity = max(step, least + step * choices.draw(below: 2))
    }
    return size
  }

  /// Large, but not too large for the 32-bit functions; or large enough for lengths that do not fit 32 bits.
  private static func drawVastSize(_ heap: Heap, _ families: Families, _ choices: inout ChoiceSource) -> Size {
    if heap == .wide && families != .onlyNarrow && choices.chance(1, of: 2) {
      return Size(
        stableClass: .stableAbove4GiB, pages: Sizes.stable32Ceiling + 1, capacity: Parameters().stableCapacity)
    }
    let pages = Sizes.stable32Ceiling - choices.draw(below: 2)
    let isFull = pages == Sizes.stable32Ceiling
    return Size(
      stableClass: isFull ? .stableAt4GiB : .stableBelow4GiB, pages: pages, capacity: Parameters().stableCapacity)
  }

  private static func drawSetup(_ pages: UInt64, _ choices: inout ChoiceSource) -> Setup {
    if pages == 0 { return .none }
    switch choices.draw(below: 10) {
    case 0..<6: return .initialize
    case 6..<8: return .lazy
    default: return .start
    }
  }

  private static func drawNarrowAccess(
    _ pages: UInt64, _ capacity: UInt64, _ families: Families, _ choices: inout ChoiceSource
  ) -> (access: NarrowAccess, isFree: Bool) {
    if families == .onlyWide || families == .onlyNarrow { return (.free, true) }
    if pages > Sizes.stable32Ceiling { return (.traps, true) }
    if capacity <= Sizes.stable32Ceiling { return (.free, true) }
    return choices.chance(pages > 60_000 ? 8 : 2, of: 20) ? (.guarded, true) : (.free, false)
  }

  private static func drawHeapPages(_ heap: Heap, _ choices: inout ChoiceSource) -> UInt64 {
    if heap == .none { return 0 }
    switch choices.draw(below: 200) {
    case 0..<120: return 1
    case 120..<186: return 2 + choices.draw(below: 4)
    case 186..<196: return 16 + choices.draw(below: 4)
    default: return hugeHeapPages(heap)
    }
  }

  /// So many that most addresses have the highest bit of their width set, or one more.
  private static func hugeHeapPages(_ heap: Heap) -> UInt64 { heap == .wide ? 65_537 : 40_000 }

  /// The heap of a vast case.
  private static func drawVastHeapPages(_ heap: Heap, _ choices: inout ChoiceSource) -> UInt64 {
    choices.chance(3, of: 4) ? hugeHeapPages(heap) : 4_097 + choices.draw(below: 300)
  }

  private static func drawInstructionLimit(_ traps: Bool, _ choices: inout ChoiceSource) -> InstructionLimitKind {
    switch choices.draw(below: 100) {
    case 0..<(traps ? 49 : 96): .standard
    case (traps ? 95 : 100)...: .tiny
    case (traps ? 85 : 100)...: .small
    default: .production
    }
  }

  /// - Parameter isPaid: whether the instructions pay for ranges of more pages than any limit but a production one.
  private static func drawPageLimit(
    mayExceed: Bool, isPaid: Bool, _ choices: inout ChoiceSource
  ) -> PageLimitKind {
    let number = choices.draw(below: 100)
    if isPaid && number >= 40 { return .small }
    switch number {
    case 0..<(mayExceed ? 66 : 80): return .production
    case (mayExceed ? 66 : 80)..<(mayExceed ? 78 : 92): return .exact
    default: return mayExceed ? (choices.chance(1, of: 3) ? .small : .exceeded) : .exact
    }
  }

  private static func drawAnchors(_ bytes: UInt64, _ choices: inout ChoiceSource) -> [UInt64] {
    if bytes == 0 { return [] }
    let last = bytes - 4 * Sizes.osPage
    return (0..<2 + choices.draw(below: 2)).map { _ in
      let anchor: UInt64 =
        switch choices.draw(below: 10) {
        case 0..<4: Sizes.osPage * (1 + choices.draw(below: 11))
        case 4..<6: Sizes.wasmPage * (1 + choices.draw(below: 4))
        case 6..<8: last - Sizes.osPage * choices.draw(below: 4)
        case 8: 1 << (31 + choices.draw(below: 2))
        default: last &* (1 + choices.draw(below: 255)) / 256 & ~(Sizes.osPage - 1)
        }
      return min(max(anchor, Sizes.osPage), last)
    }
  }
}
