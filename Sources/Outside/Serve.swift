// The other side of the co-process form: reads modules from standard input, writes what became of them to standard
// output, until the input ends. Used by `stablefuzz instrument --serve`.

import Glibc

/// Answers frames until the input ends.
///
/// - Parameter answer: the instrumented module; nil where there is none.
/// - Returns: false where the input ended inside a frame or the output could not be written.
public func serve(_ answer: ([UInt8]) -> [UInt8]?) -> Bool {
  while true {
    guard let header = readExactly(4) else { return false }
    if header.isEmpty { return true }
    let length = header.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard let module = readExactly(length), module.count == length else { return false }
    guard writeAll(frame(answer(module) ?? []), to: STDOUT_FILENO) else { return false }
  }
}

/// - Returns: nothing at all where the input has ended; nil where it ends in between.
private func readExactly(_ count: Int) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: count)
  var position = 0
  while position < count {
    let read = bytes.withUnsafeMutableBytes {
      Glibc.read(STDIN_FILENO, $0.baseAddress.map { $0 + position }, count - position)
    }
    if read < 0, errno == EINTR { continue }
    if read <= 0 { return position == 0 ? [] : nil }
    position += read
  }
  return bytes
}

/// - Returns: false where that fails; `errno` says why.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var position = 0
  while position < bytes.count {
    let written = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress.map { $0 + position }, bytes.count - position)
    }
    if written < 0, errno == EINTR { continue }
    if written <= 0 { return false }
    position += written
  }
  return true
}
