// Words for a difference between two observations. Used by `runCase` once digests differ.

import Canister
import ContentHash
import Execution

extension Divergence {
  /// The first observable that differs, with its two values.
  init(lane: LaneName, message: Message, at index: Int, host: Observation, native: Observation) {
    let observable = Observable.allCases.first { $0.differs(host, native) } ?? .outcome
    let values = Self.values(of: observable, host, native)
    self.init(
      lane: lane, messageIndex: index, message: message, observable: observable, call: nil, hostValue: values.host,
      nativeValue: values.native)
  }

  private static func values(
    of observable: Observable, _ host: Observation, _ native: Observation
  ) -> (host: String, native: String) {
    func both(_ value: (Observation) -> String) -> (String, String) { (value(host), value(native)) }
    switch observable {
    case .names: return both { _ in "" }
    case .outcome: return texts(host.outcome, native.outcome)
    case .stableSize: return both { "\($0.stableSize) pages" }
    case .stableContents: return both { "\($0.stableContents)" }
    case .dirtyPages:
      let start = firstDifference(host.dirtyPages, native.dirtyPages)
      return both { "\($0.dirtyPages.count) pages \(list($0.dirtyPages, from: start))" }
    case .bytemap:
      let start = firstDifference(host.mismarkedPages, native.mismarkedPages)
      return both {
        $0.mismarkedPages.isEmpty ? "all marks right" : "wrong at \(list($0.mismarkedPages, from: start))"
      }
    case .accessedPages: return both { "\($0.accessedPages)" }
    case .heapGrowth:
      return both {
        $0.misreportedHeapGrowth == 0 ? "reported as it was" : "\($0.misreportedHeapGrowth) pages misreported"
      }
    case .heapSize: return both { "\($0.heapSize) pages" }
    case .heapContents: return both { "\($0.heapContents)" }
    case .globals:
      let position = zip(host.globals, native.globals).enumerated().first { $1.0 != $1.1 }?.offset
      guard let position else { return both { "\($0.globals.count) values" } }
      return both { "mutable global \(position) = 0x\(String($0.globals[position], radix: 16))" }
    case .debugOutput:
      let start = firstDifference(host.debugOutput, native.debugOutput)
      return both { "\($0.debugOutput.count) bytes '\(excerpt($0.debugOutput, from: start))'" }
    case .performanceCounters: return both { "\($0.performanceCounters)" }
    case .instructions: return both { "\($0.instructions)" }
    }
  }

  private static func texts(_ host: Outcome, _ native: Outcome) -> (host: String, native: String) {
    let start =
      switch (host, native) {
      case (.reply(let left), .reply(let right)), (.reject(let left), .reject(let right)): firstDifference(left, right)
      default: 0
      }
    return (text(host, from: start), text(native, from: start))
  }

  /// - Parameter start: position of the first byte that differs.
  private static func text(_ outcome: Outcome, from start: Int) -> String {
    switch outcome {
    case .reply(let bytes): "reply of \(bytes.count) bytes \(hex(bytes, from: start))"
    case .reject(let bytes): "reject '\(excerpt(bytes, from: start))'"
    case .noReply: "no reply"
    case .accepted: "accepted"
    case .trap(let error): "'\(error)'"
    case .refused(let reason): "refused: \(reason)"
    case .hostMemoryExhausted: "host memory exhausted"
    case .runaway: "code that does not come to an end"
    }
  }

  // MARK: Parts of long values

  /// Where two values begin to differ; the length of the shorter one where it is the beginning of the other.
  private static func firstDifference<Element: Equatable>(_ left: [Element], _ right: [Element]) -> Int {
    zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset ?? min(left.count, right.count)
  }

  /// What is shown of a long value: its beginning, or, where that is the same for both, what is around the difference.
  private static func part<Element>(_ values: [Element], _ length: Int, from start: Int) -> (ArraySlice<Element>, Int) {
    let first = start < length ? 0 : start - 4
    return (values.dropFirst(first).prefix(length), first)
  }

  private static func excerpt(_ bytes: [UInt8], from start: Int) -> String {
    let (shown, first) = part(bytes, 40, from: start)
    return (first == 0 ? "" : "…") + String(decoding: shown, as: UTF8.self)
  }

  private static func hex(_ bytes: [UInt8], from start: Int) -> String {
    let (shown, first) = part(bytes, 32, from: start)
    let digits = shown.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return (first == 0 ? "" : "from byte \(first) ") + "0x" + digits + (first + shown.count < bytes.count ? "…" : "")
  }

  private static func list(_ pages: [UInt64], from start: Int) -> String {
    let (shown, first) = part(pages, 6, from: start)
    let isCut = first + shown.count < pages.count
    return "[\(first == 0 ? "" : "…, ")\(shown.map(String.init).joined(separator: ", "))\(isCut ? ", …" : "")]"
  }

  // MARK: What recording shows

  /// The divergence with its first differing call and, for contents, the first differing byte.
  func explained(
    _ hostCalls: [StableCall], _ nativeCalls: [StableCall], _ host: HostLane, _ native: NativeLane
  ) -> Divergence {
    var (hostValue, nativeValue) = (hostValue, nativeValue)
    let difference: (address: UInt64, host: UInt8, native: UInt8)?
    switch observable {
    case .stableContents:
      difference = firstDifference(host.stableMemory.committedPages, native.stableMemory?.nonZeroPages ?? [])
    case .heapContents:
      difference =
        zip(host.heaps, native.ownMemories).lazy
        .compactMap { firstDifference($0.nonZeroPages, $1.nonZeroPages) }.first
    default: difference = nil
    }
    if let difference {
      hostValue = "byte \(difference.address) = 0x\(String(difference.host, radix: 16))"
      nativeValue = "0x\(String(difference.native, radix: 16))"
    }
    return Divergence(
      lane: lane, messageIndex: messageIndex, message: message, observable: observable,
      call: Self.firstDifference(hostCalls, nativeCalls), hostValue: hostValue, nativeValue: nativeValue)
  }

  private typealias Pages = [(page: UInt64, bytes: UnsafeRawBufferPointer)]

  private func firstDifference(_ left: Pages, _ right: Pages) -> (address: UInt64, host: UInt8, native: UInt8)? {
    let rightPages = Dictionary(right.map { ($0.page, $0.bytes) }, uniquingKeysWith: { first, _ in first })
    let leftPages = Dictionary(left.map { ($0.page, $0.bytes) }, uniquingKeysWith: { first, _ in first })
    for page in Set(leftPages.keys).union(rightPages.keys).sorted() {
      let (left, right) = (leftPages[page], rightPages[page])
      if let left, let right, left.elementsEqual(right) { continue }
      for position in 0..<Int(Sizes.osPage) {
        let (l, r) = (left?[position] ?? 0, right?[position] ?? 0)
        if l != r { return (page * Sizes.osPage + UInt64(position), l, r) }
      }
    }
    return nil
  }

  private static func firstDifference(_ host: [StableCall], _ native: [StableCall]) -> DivergingCall? {
    for index in 0..<max(host.count, native.count) {
      let left = index < host.count ? host[index] : nil
      let right = index < native.count ? native[index] : nil
      if left != right { return DivergingCall(index: index, host: left, native: right) }
    }
    return nil
  }
}
