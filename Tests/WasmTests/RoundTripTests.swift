// decode(encode(m)) == m: for every opcode, every section and the integers at the edges of their encodings.
// The sets of outside modules are checked in `SpecSuiteTests`, `ValidityTests` and `CanisterModuleTests`.

import TestSupport
import Testing
import Wasm

/// Checks that `module` survives the binary format and that its encoding is stable.
func expectRoundTrip(_ module: Module, _ what: @autoclosure () -> String) {
  let bytes = encode(module)
  do {
    let decoded = try decode(bytes)
    #expect(decoded == module, "\(what()) comes back different")
    #expect(encode(decoded) == bytes, "\(what()) is encoded in two ways")
  } catch {
    Issue.record("\(what()) cannot be decoded again: \(error)")
  }
}

@Suite struct RoundTripTests {
  @Test func everySectionSurvives() throws {
    let module = everything()
    try validate(module)
    expectRoundTrip(module, "the sample")
  }

  @Test func anEmptyModuleIsItsPreamble() throws {
    #expect(encode(Module()) == [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
    #expect(try decode([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]) == Module())
  }

  @Test(arguments: Opcode.allCases)
  func everyOpcodeSurvives(_ opcode: Opcode) {
    var body = [Instruction(opcode, sampleImmediate(opcode))]
    if opcode == .else { body.insert(Instruction(.if, .block(.empty)), at: 0) }
    if case .block = body[0].immediate { body.append(Instruction(.end)) }
    if opcode == .end { body = [] }
    expectRoundTrip(module(body, labels: opcode == .brTable ? [5, 1000] : []), "\(opcode.row.text)")
  }

  @Test func integersSurviveAtTheEdgesOfTheirEncodings() {
    var body: [Instruction] = []
    for shift in 0..<64 {
      for delta: Int64 in -1...1 {
        let value = (1 << Int64(shift)) &+ delta
        body += [.i64(value), .i64(~value), .i32(Int32(truncatingIfNeeded: value))]
        body.append(
          Instruction(
            .i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: UInt64(bitPattern: value)))))
        body.append(.get(LocalIndex(UInt32(truncatingIfNeeded: value))))
        body.append(Instruction(.block, .block(.type(TypeIndex(UInt32(truncatingIfNeeded: value))))))
        body.append(Instruction(.end))
      }
    }
    expectRoundTrip(module(body), "a body of integers")
  }

  /// Sizes around the points where the size in front of a body or section takes one byte more.
  @Test func regionsOfEverySizeSurvive() {
    for count in [0, 1, 60, 61, 62, 63, 64, 120, 124, 125, 126, 127, 128, 8185, 8190, 16380, 16384, 100_000] {
      expectRoundTrip(module([Instruction](repeating: Instruction(.nop), count: count)), "\(count) × nop")
      expectRoundTrip(
        module([Instruction](repeating: .i64(.max), count: count / 4)), "\(count / 4) × i64.const")
    }
  }

  @Test func emptySectionsAndLongIntegersAreReadAndWrittenShort() throws {
    // An empty type section of a size in five bytes, and a custom section behind it.
    let bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 0x81, 0x80, 0x80, 0x80, 0, 0, 0, 2, 1, 0x61]
    let module = try decode(bytes)
    #expect(encode(module) == [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 0, 2, 1, 0x61])
    expectRoundTrip(module, "a custom section behind an empty section")
  }

  @Test func namesSurvive() throws {
    let names = sampleNames()
    #expect(NameSection(decoding: names.encoded()) == names)
    var unknown = NameSection()
    unknown.unknown = [RawNameSubsection(id: 11, bytes: [0])]
    #expect(NameSection(decoding: unknown.encoded()) == unknown)
    #expect(NameSection(decoding: [1, 5, 1, 0]) == nil)
    #expect(NameSection(decoding: []) == NameSection())
    #expect(everything().names == names)
  }
}
