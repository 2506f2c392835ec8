// The two functions that libFuzzer calls by name: once before everything, then once per input.

/// The subject of this process; set once, before the first input.
nonisolated(unsafe) private var subject = FuzzSubject.decoder

/// Reads `--subject=NAME`; libFuzzer leaves arguments with two dashes to the target.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzing(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
  let prefix = "--subject="
  for position in 0..<Int(count.pointee) {
    guard let text = arguments.pointee?[position].map({ String(cString: $0) }), text.hasPrefix(prefix) else { continue }
    guard let chosen = FuzzSubject(rawValue: String(text.dropFirst(prefix.count))) else {
      let names = FuzzSubject.allCases.map(\.rawValue).joined(separator: ", ")
      fatalError("\(text): there are \(names)")
    }
    subject = chosen
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  subject.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
  return 0
}
