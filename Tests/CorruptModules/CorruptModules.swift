// Corrupts valid modules byte by byte and takes each through decoder, validator and encoder; nothing may crash.
// `scripts/corrupt-modules` runs it and compares the verdicts of a sample with an outside validator.

import Entropy
import Foundation
import Wasm

/// What became of the corrupted modules.
private struct Tally {
  var valid = 0
  var invalid = 0
  var malformed = 0
}

@main
private struct CorruptModules {
  static let usage = "usage: corrupt-modules SEED COUNT SAMPLE FOLDER MODULE ..."

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count >= 5, let seed = UInt64(arguments[1]), let count = Int(arguments[2]),
      let sample = Int(arguments[3]), count > 0, sample >= 0
    else {
      print(usage)
      exit(64)
    }
    let folder = URL(fileURLWithPath: arguments[4])
    var modules: [[UInt8]] = []
    for path in arguments[5...] {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      if (try? decodeAndValidate(bytes)) != nil { modules.append(bytes) }
    }
    guard !modules.isEmpty else {
      print("corrupt-modules: none of the modules is valid")
      exit(65)
    }
    print("\(count) corruptions of \(modules.count) valid modules, seed \(seed)")

    var tally = Tally()
    var verdicts = ""
    let stride = sample == 0 ? Int.max : max(count / sample, 1)
    for index in 0..<count {
      // Should the process crash, this line and the seed lead back to the input.
      if index % 100_000 == 0 { FileHandle.standardError.write(Data("from \(index)\n".utf8)) }
      let bytes = corrupted(modules, seed: seed, index: index)
      let verdict = judge(bytes, index, &tally)
      if index % stride == 0, index / stride < sample {
        try Data(bytes).write(to: folder.appendingPathComponent("\(index).wasm"))
        verdicts += "\(index).wasm\t\(verdict)\n"
      }
    }
    try Data(verdicts.utf8).write(to: folder.appendingPathComponent("verdicts.tsv"))
    print("\(tally.valid) valid, \(tally.invalid) invalid, \(tally.malformed) malformed, 0 crashes")
  }

  /// Decodes, validates, encodes; ends the process where a promise is broken.
  private static func judge(_ bytes: [UInt8], _ index: Int, _ tally: inout Tally) -> String {
    do throws(WasmError) {
      let module = try decodeAndValidate(bytes)
      tally.valid += 1
      let encoded = encode(module)
      guard let again = try? decode(encoded), again == module, encode(again) == encoded else {
        fatalError("corruption \(index) does not survive encoding")
      }
      return "valid\t"
    } catch {
      guard let offset = error.offset, offset <= bytes.count else { fatalError("corruption \(index) has no offset") }
      if error.kind == .invalid { tally.invalid += 1 } else { tally.malformed += 1 }
      return "invalid\t\(error)"
    }
  }

  /// Module number `index`: one of `modules` with one to four changes behind its preamble.
  private static func corrupted(_ modules: [[UInt8]], seed: UInt64, index: Int) -> [UInt8] {
    var random = Entropy.Stream(seed: seed, index: UInt64(index))
    var bytes = modules[random.number(below: modules.count)]
    // Half of the modules change in one place only: most of what changes more is refused for the first of them.
    for _ in 0..<(random.number(below: 2) == 0 ? 1 : 2 + random.number(below: 3)) where bytes.count > 8 {
      let place = 8 + random.number(below: bytes.count - 8)
      switch random.number(below: 8) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] ^= 1 << UInt8(random.number(below: 8))
      case 2: bytes[place] = bytes[place] &+ (random.number(below: 2) == 0 ? 1 : 255)
      case 3: bytes[place] = [0, 1, 0x0B, 0x40, 0x70, 0x7F, 0x80, 0xFC, 0xFD, 0xFF][random.number(below: 10)]
      case 4: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      case 5: bytes.remove(at: place)
      case 6: bytes.swapAt(place, 8 + random.number(below: bytes.count - 8))
      default:
        if random.number(below: 8) == 0 {
          bytes.removeLast(bytes.count - place)
        } else {
          bytes[place] = bytes[8 + random.number(below: bytes.count - 8)]
        }
      }
    }
    return bytes
  }
}

extension Entropy.Stream {
  fileprivate mutating func number(below bound: Int) -> Int { Int(next(below: UInt64(bound))) }
}
