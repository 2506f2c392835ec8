// What encoding must keep besides the module's meaning: the order of sections and every byte of the custom ones.
// Reads section headers by itself, so that it does not believe the decoder.

import Wasm

/// A section as its header shows it.
private struct RawSection: Equatable {
  let id: UInt8
  /// Contents of a custom section, name included; empty for others, whose integers encoding may shorten.
  let contents: [UInt8]
}

/// Sections that hold something, in order.
private func sections(_ bytes: [UInt8]) -> [RawSection] {
  var sections: [RawSection] = []
  var position = 8
  while position < bytes.count {
    let id = bytes[position]
    let (size, start) = length(bytes, position + 1)
    let contents = Array(bytes[start..<start + size])
    position = start + size
    // The start and data count sections hold no vector.
    let isEmpty = id != 0 && id != 8 && id != 12 && length(contents, 0).0 == 0
    if !isEmpty { sections.append(RawSection(id: id, contents: id == 0 ? shortened(contents) : [])) }
  }
  return sections
}

/// A custom section with the length of its name in the shortest form.
private func shortened(_ contents: [UInt8]) -> [UInt8] {
  let (size, start) = length(contents, 0)
  var prefix: [UInt8] = []
  var rest = size
  while rest >= 0x80 {
    prefix.append(UInt8(rest & 0x7F) | 0x80)
    rest >>= 7
  }
  return prefix + [UInt8(rest)] + contents[start...]
}

private func length(_ bytes: [UInt8], _ start: Int) -> (value: Int, end: Int) {
  var (value, shift, position) = (0, 0, start)
  while true {
    value |= Int(bytes[position] & 0x7F) << shift
    shift += 7
    position += 1
    if bytes[position - 1] < 0x80 { return (value, position) }
  }
}

/// How the sections of two encodings of one module differ; nil if they do not.
func sectionDifference(_ original: [UInt8], _ encoded: [UInt8]) -> String? {
  let (before, after) = (sections(original), sections(encoded))
  if before == after { return nil }
  return "sections \(before.map(\.id)) become \(after.map(\.id)), or a custom section changes"
}
