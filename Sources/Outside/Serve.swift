// The other side of the co-process form: reads modules from standard input, writes what became of them to standard
// output, until the input ends. Used by `stablefuzz instrument --serve`.

import Glibc

/// Answers frames until the input ends.
///
/// - Parameter answer: the instrumented module; nil where there is none.
/// - Returns: why it ended before the input did; nil at the end of the input.
public func serve(_ answer: ([UInt8]) -> [UInt8]?) -> String? {
  while true {
    guard let header = readExactly(4) else { return "the input ends inside a frame's length" }
    if header.isEmpty { return nil }
    let length = header.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard let module = readExactly(length), module.count == length else {
      return "the input ends inside a module of \(length) bytes"
    }
    guard writeAll(frame(answer(module) ?? []), to: STDOUT_FILENO) else {
      return "cannot write to standard output: \(String(cString: strerror(errno)))"
    }
  }
}

/// - Returns: nothing at all where the input has ended; nil where it ends in between.
private func readExactly(_ count: Int) -> [UInt8]? {
  var bytes: [UInt8] = []
  // Memory is taken for what has come, not for what was announced.
  var part = [UInt8](repeating: 0, count: min(count, 1 << 20))
  while bytes.count < count {
    let read = Glibc.read(STDIN_FILENO, &part, min(part.count, count - bytes.count))
    if read < 0, errno == EINTR { continue }
    if read <= 0 { return bytes.isEmpty ? [] : nil }
    bytes += part[..<read]
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
