// Gathers what one case reaches: told by the host lane of its stable calls, and by the native lane's probes of the
// branches taken. One per worker; `CaseRunner` takes the items after each case.

import Canister
import Execution

/// What a case has reached, ascending, each item once.
public typealias CaseCoverage = [CoverageItem]

/// Collects the coverage of one case after the other.
public final class CoverageCollector: StableCallObserver {
  private var items: [CoverageItem] = []
  /// The latest item in each place, so that what a loop repeats is not noted again and again.
  private var recent = [UInt64](repeating: .max, count: 256)

  private var message = Message.heartbeat
  private var codeAge = CodeAge.installed
  private var runningAge = CodeAge.installed
  private var entryPoint = EntryPoint.start
  private var heap = HeapWidth.none
  private var previous: (step: Step, pages: Range<UInt64>?, values: ValueSet)?
  private var valuePairs = ValuePairTable()
  private var gap = CallGap.nothing
  /// As it was before the message, which counts where a reinstall without calls fails.
  private var gapBefore = CallGap.nothing
  /// Whether the message has made a call.
  private var hasCalled = false

  public init() {}

  /// The instruction counters after the first calls of the case that was taken last, and of the one that runs.
  public private(set) var counters: [Int64] = []
  private var runningCounters: [Int64] = []
  private static let mostCounters = 48

  /// The items of the case that has been run, and a fresh start for the next.
  public func take() -> CaseCoverage {
    items.sort()
    var unique: [CoverageItem] = []
    unique.reserveCapacity(items.count)
    for item in items where item != unique.last { unique.append(item) }
    items.removeAll(keepingCapacity: true)
    // These come last, as the items of the last kind.
    unique += valuePairs.items
    valuePairs.removeAll()
    swap(&counters, &runningCounters)
    runningCounters.removeAll(keepingCapacity: true)
    for position in recent.indices { recent[position] = .max }
    codeAge = .installed
    previous = nil
    gap = .nothing
    gapBefore = .nothing
    return unique
  }

  /// Notes an item.
  func insert(_ item: CoverageItem) {
    let place = Int(truncatingIfNeeded: (item.bits &* 0x9E37_79B9_7F4A_7C15) >> 56)
    if recent[place] == item.bits { return }
    recent[place] = item.bits
    items.append(item)
  }

  // MARK: Told by the host lane

  public func beginMessage(_ message: Message) {
    self.message = message
    hasCalled = false
    gapBefore = gap
  }

  public func beginExecution(_ entryPoint: EntryPoint, is64BitHeap: Bool?) {
    self.entryPoint = entryPoint
    heap = HeapWidth(is64Bit: is64BitHeap)
    runningAge = entryPoint == .preUpgrade ? codeAge : newAge
    if beginsStableMemory && !hasCalled {
      gap = .reinstall
    } else if gap == .nothing {
      gap = .execution
    }
  }

  /// Whether the message's code starts with an empty stable memory.
  private var beginsStableMemory: Bool {
    switch message {
    case .install, .reinstall: true
    default: false
    }
  }

  /// The age of the code that the message leaves in the canister if it succeeds.
  private var newAge: CodeAge {
    switch message {
    case .install: .installed
    case .reinstall: .reinstalled
    case .upgrade: .upgraded
    default: codeAge
    }
  }

  public func endMessage(keepsChanges: Bool) {
    if keepsChanges { codeAge = newAge }
    if hasCalled {
      gap = keepsChanges ? .message : .rollback
    } else if beginsStableMemory {
      gap = keepsChanges ? .reinstall : gapBefore
    }
  }

  public func observe(_ call: ObservedCall) {
    // Where this machine's memory ran out, the call says nothing.
    if case .hostMemoryExhausted? = call.trap { return }
    guard let function = StableFunction(call.function) else { return }
    let situation = Situation(call, function, entryPoint: entryPoint, heap: heap, codeAge: runningAge)
    let item = CoverageItem(situation)
    insert(item)
    let values = item.values
    let step = Step(situation)
    var pages: Range<UInt64>?
    if situation.relation.isInBounds, let (offset, length) = call.range {
      pages = offset / Sizes.osPage..<(offset + (length - 1)) / Sizes.osPage + 1
    }
    if let previous {
      insert(CoverageItem(CallPair(previous.step, gap, RangeOverlap(previous.pages, pages), step)))
      valuePairs.insert(previous.values, gap, values)
    }
    if runningCounters.count < Self.mostCounters { runningCounters.append(call.counterAfter) }
    previous = (step, pages, values)
    gap = .nothing
    hasCalled = true
  }
}
