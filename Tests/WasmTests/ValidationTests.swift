// The validator on modules made by hand: every plain opcode against its row, modules that no binary can express,
// and where errors say they are. The bulk of the rules is checked by the outside suites.

import TestSupport
import Testing
import Wasm

/// The reason why `module` is refused; nil if it is valid.
private func refusal(_ module: Module) -> WasmError? {
  do {
    try validate(module)
    return nil
  } catch {
    return error
  }
}

@Suite struct ValidationTests {
  /// Every opcode with a signature accepts operands of its types and refuses any other type in each place.
  @Test(arguments: Opcode.allCases.filter { !$0.row.signature.isSpecial })
  func plainOpcodesFollowTheirRows(_ opcode: Opcode) {
    let signature = opcode.row.signature
    let all = [signature.operands.0, signature.operands.1, signature.operands.2]
    var operands = all.prefix(signature.operandCount).compactMap { $0 }
    var immediate = sampleImmediate(opcode)
    switch immediate {
    case .memoryAccess: operands[0] = .i64
    case .memoryLane(let access, _):
      operands[0] = .i64
      immediate = .memoryLane(access, lane: 0)
    case .lane: immediate = .lane(0)
    default: break
    }
    func body(_ parameters: [ValueType], _ results: [ValueType]) -> Module {
      let values = parameters.indices.map { Instruction.get(LocalIndex($0)) }
      return module(values + [Instruction(opcode, immediate)], type: FunctionType(parameters, results))
    }
    let results = signature.result.map { [$0] } ?? []
    #expect(refusal(body(operands, results)) == nil)
    for place in operands.indices {
      for type in ValueType.allCases where type != operands[place] {
        var wrong = operands
        wrong[place] = type
        #expect(refusal(body(wrong, results))?.reason == "type mismatch: expected \(operands[place]), found \(type)")
      }
    }
    if !operands.isEmpty { #expect(refusal(body(Array(operands.dropFirst()), results)) != nil) }
    #expect(refusal(body(operands, results + [.i32])) != nil)
  }

  @Test func immediatesHaveToFitTheirOpcodes() {
    for opcode in Opcode.allCases where opcode.row.shape != .none && opcode.row.shape != .block {
      #expect(refusal(module([Instruction(opcode)])) != nil, "\(opcode.row.text)")
    }
    for opcode in Opcode.allCases where opcode.row.shape != .label {
      #expect(refusal(module([Instruction(opcode, .label(0))])) != nil, "\(opcode.row.text)")
    }
  }

  @Test func brokenBodiesAreRefused() {
    func refused(_ body: FunctionBody) -> Bool {
      var broken = module([])
      broken.functions[0].body = body
      _ = encode(broken)
      _ = printText(broken)
      return refusal(broken) != nil
    }
    #expect(refused(FunctionBody(instructions: [])))
    #expect(refused(FunctionBody(instructions: [Instruction(.nop)])))
    #expect(refused(FunctionBody(instructions: [Instruction(.end), Instruction(.end)])))
    #expect(refused(FunctionBody(instructions: [Instruction(.end), Instruction(.nop)])))
    #expect(refused(FunctionBody(instructions: [Instruction(.else), Instruction(.end)])))
    #expect(refused(FunctionBody(instructions: [Instruction(.block, .block(.empty)), Instruction(.end)])))
    #expect(
      refused(
        FunctionBody(locals: [LocalGroup(count: .max, type: .i32)], instructions: [Instruction(.end)])))
    let table = Instruction(.brTable, .labels(LabelRange(start: 7, count: .max)))
    #expect(refused(FunctionBody(instructions: [.i32(0), table, Instruction(.end)])))
    let empty = Instruction(.brTable, .labels(LabelRange(start: 0, count: 0)))
    #expect(refused(FunctionBody(instructions: [.i32(0), empty, Instruction(.end)])))
  }

  @Test func indicesBeyondTheModuleAreRefused() {
    for opcode in Opcode.allCases {
      switch opcode.row.shape {
      case .label, .labels, .function, .indirectCall, .local, .element, .data, .memoryInit, .tableInit:
        let labels: [UInt32] = [9, 9]
        #expect(
          refusal(module([Instruction(opcode, sampleImmediate(opcode))], labels: labels)) != nil,
          "\(opcode.row.text)")
      default: break
      }
    }
    var exported = module([])
    exported.exports.append(Export(name: "g", kind: .global(GlobalIndex(UInt32.max))))
    #expect(refusal(exported)?.reason == "unknown global 4294967295")
    var typed = module([])
    typed.functions[0].type = TypeIndex(99)
    #expect(refusal(typed)?.reason == "unknown type 99")
    _ = printText(typed)
  }

  @Test func referencesMustBeDeclaredOutsideOfCode() {
    let take = [Instruction(.refFunc, .function(FunctionIndex(0))), Instruction(.drop)]
    var sample = module(take)
    #expect(refusal(sample) == nil)
    sample.elements = []
    #expect(refusal(sample) == nil, "the export declares it too")
    sample.exports = []
    sample.start = FunctionIndex(0)
    #expect(refusal(sample)?.reason == "undeclared function reference 0", "neither code nor start declares it")
    sample.globals.append(Global(GlobalType(.funcref), [take[0]]))
    #expect(refusal(sample) == nil)
  }

  @Test func exportNamesAreComparedByBytes() {
    var sample = module([])
    sample.exports = ["\u{e9}", "e\u{301}"].map { Export(name: $0, kind: .function(FunctionIndex(0))) }
    #expect(refusal(sample) == nil)
    sample.exports.append(sample.exports[0])
    #expect(refusal(sample)?.location == .export(2))
  }

  @Test func copiesBetweenWidthsTakeTheShorterLength() {
    func copy(_ destination: UInt32, _ source: UInt32, _ operands: [Instruction]) -> WasmError? {
      refusal(
        module(
          operands + [
            Instruction(
              .memoryCopy, .memoryCopy(destination: MemoryIndex(destination), source: MemoryIndex(source)))
          ]))
    }
    #expect(copy(0, 0, [.i32(0), .i32(0), .i32(0)]) == nil)
    #expect(copy(0, 1, [.i32(0), .i64(0), .i32(0)]) == nil)
    #expect(copy(1, 0, [.i64(0), .i32(0), .i32(0)]) == nil)
    #expect(copy(1, 1, [.i64(0), .i64(0), .i64(0)]) == nil)
    #expect(copy(1, 0, [.i64(0), .i32(0), .i64(0)]) != nil)
    #expect(copy(1, 1, [.i64(0), .i64(0), .i32(0)]) != nil)
  }

  // MARK: Places

  @Test func errorsNameTheirInstructionAndItsOffset() throws {
    let sample = module([
      Instruction(.nop), .i32(1_000_000), Instruction(.nop), Instruction(.i64Eqz), Instruction(.drop),
    ])
    let bytes = encode(sample)
    let error = try #require(throws: WasmError.self) { _ = try decodeAndValidate(bytes) }
    #expect(error.kind == .invalid)
    #expect(error.location == .instruction(FunctionIndex(0), number: 3))
    let offset = try #require(error.offset)
    #expect(bytes[offset] == 0x50)
    #expect(
      error.description.hasPrefix("type mismatch: expected i64, found i32 (function 0, instruction 3) at offset 0x"))
  }

  @Test func everyKindOfItemIsLocated() throws {
    let bytes = encode(everything())
    let places: [WasmError.Location] = [
      .type(TypeIndex(1)), .import(3), .function(FunctionIndex(2)), .table(TableIndex(2)),
      .memory(MemoryIndex(1)), .global(GlobalIndex(3)), .export(2), .start, .element(ElementIndex(6)),
      .data(DataIndex(2)), .instruction(FunctionIndex(1), number: 0), .instruction(FunctionIndex(2), number: 4),
    ]
    var offsets: Set<Int> = []
    for place in places {
      let located = locate(WasmError(.invalid, "sample", location: place), in: bytes)
      let offset = try #require(located.offset, "\(place) is not found")
      #expect(offsets.insert(offset).inserted && offset < bytes.count)
    }
    #expect(locate(WasmError(.invalid, "sample", location: .export(9)), in: bytes).offset == nil)
    #expect(locate(WasmError(.invalid, "sample", location: .export(9)), in: []).offset == nil)
  }
}
