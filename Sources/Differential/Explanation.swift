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
    case .outcome: return both { text($0.outcome) }
    case .stableSize: return both { "\($0.stableSize) pages" }
    case .stableContents: return both { "\($0.stableContents)" }
    case .dirtyPages: return both { "\($0.dirtyPages.count) pages \(list($0.dirtyPages))" }
    case .bytemap: return both { $0.mismarkedPages.isEmpty ? "all marks right" : "wrong at \(list($0.mismarkedPages))" }
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
    case .debugOutput: return both { "\($0.debugOutput.count) bytes '\(excerpt($0.debugOutput))'" }
    case .performanceCounters: return both { "\($0.performanceCounters)" }
    case .instructions: return both { "\($0.instructions)" }
    }
  }

  private static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .reply(let bytes): "reply of \(bytes.count) bytes 0x\(hex(bytes))"
    case .reject(let bytes): "reject '\(excerpt(bytes))'"
    case .noReply: "no reply"
    case .accepted: "accepted"
    case .trap(let error): "'\(error)'"
    case .refused(let reason): "refused: \(reason)"
    case .hostMemoryExhausted: "host memory exhausted"
    case .runaway: "code that does not come to an end"
    }
  }

  private static func excerpt(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(40), as: UTF8.self) }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = bytes.prefix(32).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return bytes.count > 32 ? digits + "…" : digits
  }

  private static func list(_ pages: [UInt64]) -> String {
    let shown = pages.prefix(6).map(String.init).joined(separator: ", ")
    return "[\(shown)\(pages.count > 6 ? ", …" : "")]"
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
      for position in 0..<Int(Sizes.osPage) {
        let (l, r) = (leftPages[page]?[position] ?? 0, rightPages[page]?[position] ?? 0)
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
