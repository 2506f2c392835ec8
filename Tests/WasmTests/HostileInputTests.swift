// Inputs made to break a decoder: truncations, flipped bytes, deep nesting, claims of billions of entries.
// None may trap, hang or take memory out of proportion; whatever is accepted must survive encoding and printing.

import Foundation
import TestSupport
import Testing
import Wasm

private let preamble: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
private let maximum: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]

/// Takes bytes through everything that bytes can reach.
private func exercise(_ bytes: [UInt8], _ what: @autoclosure () -> String) -> WasmError? {
  do {
    let module = try decode(bytes)
    _ = printText(module)
    _ = encode(module)
    do {
      try validate(module)
    } catch {
      _ = locate(error, in: bytes)
      return error
    }
    expectRoundTrip(module, what())
    return nil
  } catch {
    return error
  }
}

/// Some small real modules where the inputs are there, and the hand-made one always.
private func seeds() throws -> [[UInt8]] {
  var seeds = [encode(everything())]
  for name in ["icwasm-wat", "icwasm-wat-instrument", "examples-stable-memory-setter"] {
    if let url = Inputs.input("canisters/\(name).wasm") { seeds.append(try Inputs.bytes(url)) }
  }
  for file in SpecSuite.files
  where ["simd_lane.wast", "memory64.wast", "br_table.wast", "elem.wast"].contains(file.name) {
    for command in try file.commands().prefix(20) {
      if let bytes = try file.module(command), bytes.count < 20_000 { seeds.append(bytes) }
    }
  }
  return seeds
}

private func unsigned(_ value: Int) -> [UInt8] {
  value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + unsigned(value >> 7)
}

@Suite struct HostileInputTests {
  @Test func everyTruncationIsRefusedOrStillAModule() throws {
    for bytes in try seeds().filter({ $0.count < 2_000 }) {
      for length in 0..<bytes.count {
        let error = exercise(Array(bytes[..<length]), "\(length) of \(bytes.count) bytes")
        #expect(error != nil || length >= preamble.count)
        if let offset = error?.offset { #expect(offset <= length) }
      }
    }
  }

  @Test func flippedBytesNeverTrap() throws {
    var random = SeededGenerator(seed: 1)
    let seeds = try seeds()
    var accepted = 0
    for round in 0..<20_000 {
      var bytes = seeds[random.number(below: seeds.count)]
      for _ in 0...random.number(below: 4) {
        bytes[random.number(below: bytes.count)] =
          random.number(below: 2) == 0
          ? UInt8(truncatingIfNeeded: random.next()) : [0, 1, 0x0B, 0x40, 0x7F, 0x80, 0xFF][random.number(below: 7)]
      }
      if exercise(bytes, "round \(round) of seed 1") == nil { accepted += 1 }
    }
    print("20,000 modules with flipped bytes: \(accepted) still valid")
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededGenerator(seed: 2)
    for round in 0..<20_000 {
      var bytes = preamble
      for _ in 0..<random.number(below: 6) {
        let length = random.number(below: 30)
        bytes.append(UInt8(random.number(below: 14)))
        bytes.append(UInt8(length))
        for _ in 0..<length { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
      }
      _ = exercise(bytes, "round \(round) of seed 2")
    }
  }

  /// Every section, and every vector inside of one, claims 4 billion entries.
  @Test func claimsOfBillionsOfEntriesAreRefusedAtOnce() {
    for id: UInt8 in 0...12 {
      #expect(exercise(preamble + [id] + maximum, "section size") != nil)
      #expect(exercise(preamble + [id, 5] + maximum, "count in section \(id)") != nil)
      #expect(exercise(preamble + [id, 8] + maximum + [0, 0, 0], "count in section \(id)") != nil)
    }
    let starts: [[UInt8]] = [
      [1, 7, 1, 0x60], [1, 8, 1, 0x60, 0], [2, 6, 1], [2, 7, 1, 0], [7, 6, 1], [9, 10, 1, 0, 0x41, 0, 0x0B],
      [9, 7, 1, 1, 0], [9, 8, 1, 5, 0x70], [11, 10, 1, 0, 0x41, 0, 0x0B], [11, 7, 1, 1], [0, 5],
    ]
    for start in starts { #expect(exercise(preamble + start + maximum, "\(start)") != nil) }
    let function: [UInt8] = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]
    #expect(exercise(preamble + function + [10, 8, 1, 6] + maximum, "locals") != nil)
    #expect(exercise(preamble + function + [10, 10, 1, 8, 1] + maximum + [0x7F, 0x0B], "locals of one group") != nil)
    #expect(exercise(preamble + function + [10, 9, 1, 7, 0, 0x0E] + maximum, "br_table") != nil)
    #expect(exercise(preamble + function + [10, 9, 1, 7, 0, 0x1C] + maximum, "select") != nil)
    #expect(NameSection(decoding: [1, 5] + maximum) == nil)
    #expect(NameSection(decoding: [2, 7, 1, 0] + maximum) == nil)
  }

  @Test func integersThatNeverEndAreRefused() {
    for length in [5, 10, 11, 100, 100_000] {
      let endless = [UInt8](repeating: 0x80, count: length)
      for id: UInt8 in 0...12 { #expect(exercise(preamble + [id] + endless, "LEB128 of \(length) bytes") != nil) }
      for opcode: UInt8 in [0x20, 0x41, 0x42, 0x10, 0x02, 0xFC, 0xFD, 0x28, 0x0E] {
        #expect(exercise(binary([opcode] + endless + [0, 0x0B]), "opcode \(opcode)") != nil)
      }
    }
  }

  @Test func deepNestingTakesNoStack() throws {
    for depth in [1_000, 100_000, 1_000_000] {
      let blocks = (0..<depth).map { Instruction([.block, .loop, .if][$0 % 3], .block(.empty)) }
      var body: [Instruction] = []
      for block in blocks {
        if block.opcode == .if { body.append(.i32(0)) }
        body.append(block)
      }
      body += [Instruction](repeating: Instruction(.end), count: depth)
      let sample = module(body)
      try validate(sample)
      expectRoundTrip(sample, "\(depth) nested blocks")
      #expect(exercise(Array(encode(sample).dropLast(depth)), "unclosed blocks") != nil)
      if depth <= 1_000 { #expect(!printText(sample).isEmpty) }
    }
  }

  /// Bodies of as many bytes as are accepted, and of one more; code of zeros is `unreachable` over and over.
  @Test func bodiesAreBounded() {
    let limit = 7_654_321
    // The declaration of no locals, and the final `end`, are part of the body.
    #expect(exercise(binary([UInt8](repeating: 0, count: limit - 2) + [0x0B]), "the largest body") == nil)
    let error = exercise(binary([UInt8](repeating: 0, count: limit - 1) + [0x0B]), "a larger body")
    #expect(error?.reason == "function body too large")
  }

  @Test func numbersOfTypesAndFunctionsAreBounded() throws {
    func section(_ id: UInt8, _ count: Int, _ entry: [UInt8]) -> [UInt8] {
      let contents = unsigned(count) + [UInt8]([[UInt8]](repeating: entry, count: count).joined())
      return [id] + unsigned(contents.count) + contents
    }
    let type = section(1, 1, [0x60, 0, 0])
    for (count, isAccepted) in [(1_000_000, true), (1_000_001, false)] {
      let functions = type + section(3, count, [0]) + section(10, count, [2, 0, 0x0B])
      #expect(((try? decodeAndValidate(preamble + functions)) != nil) == isAccepted)
      #expect(((try? decodeAndValidate(preamble + section(1, count, [0x60, 0, 0]))) != nil) == isAccepted)
    }
  }

  /// Locals beyond those that are looked up in one step.
  @Test func manyLocalsAreFound() {
    func code(_ local: Int, _ opcode: UInt8) -> [UInt8] {
      // 4,000 i32, 40,000 i64, 6,000 f32; the local is read and dropped by an operator of the type it should have.
      let locals: [UInt8] = [3] + unsigned(4_000) + [0x7F] + unsigned(40_000) + [0x7E] + unsigned(6_000) + [0x7D]
      let body = locals + [0x20] + unsigned(local) + [opcode, 0x1A, 0x0B]
      let entry = unsigned(body.count) + body
      return preamble + [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10] + unsigned(entry.count + 1) + [1] + entry
    }
    for local in [0, 3_999, 4_000, 4_095, 4_096, 10_000, 43_999, 44_000, 49_999, 50_000] {
      let opcode: UInt8? = local < 4_000 ? 0x45 : local < 44_000 ? 0x50 : local < 50_000 ? 0x8B : nil
      for candidate: UInt8 in [0x45, 0x50, 0x8B] {
        #expect((exercise(code(local, candidate), "local \(local)") == nil) == (candidate == opcode))
      }
    }
  }

  /// Calls of functions with 1,000 results pile up operands; the stack of the validator is bounded.
  @Test func operandsAreBounded() {
    let many = [ValueType](repeating: .i32, count: 1_000)
    var sample = module([Instruction](repeating: .call(FunctionIndex(1)), count: 100_000))
    sample.types.append(FunctionType([], many))
    sample.functions.append(
      Function(
        type: TypeIndex(2), body: FunctionBody(instructions: [Instruction(.unreachable), Instruction(.end)])))
    #expect(exercise(encode(sample), "100,000 calls")?.reason == "too many operands")
  }

  /// Export names that differ only at their ends: uniqueness must not be checked in quadratic time.
  @Test(.timeLimit(.minutes(1))) func manyExportsAreCheckedQuickly() throws {
    var sample = module([])
    let prefix = String(repeating: "a", count: 50)
    sample.exports = (0..<50_000).map { Export(name: prefix + "\($0)", kind: .function(FunctionIndex(0))) }
    try validate(sample)
    expectRoundTrip(sample, "50,000 exports")
  }

  /// A module with one function of these bytes.
  private func binary(_ code: [UInt8]) -> [UInt8] {
    let body = [0] + code
    let entry = unsigned(body.count) + body
    return preamble + [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10] + unsigned(entry.count + 1) + [1] + entry
  }
}
