// Text that an outside assembler turns back into the same module, and text that people can rely on.
// Needs `wasm-tools`; without it only the fixed texts are checked.

import Foundation
import TestSupport
import Testing
import Wasm

@Suite struct PrinterTests {
  @Test func instructionsReadAsInTheSpecification() {
    let access = MemoryAccess(alignment: 0, offset: 8, memory: MemoryIndex(1))
    let samples: [(Instruction, String)] = [
      (.i32(-5), "i32.const -5"), (.i64(.min), "i64.const -9223372036854775808"),
      (Instruction(.f32Const, .f32(0x3FC0_0000)), "f32.const 0x1.8p+0"),
      (Instruction(.f32Const, .f32(0x8000_0001)), "f32.const -0x0.000002p-126"),
      (Instruction(.f32Const, .f32(0xFFA0_0000)), "f32.const -nan:0x200000"),
      (Instruction(.f64Const, .f64(0x7FF0_0000_0000_0000)), "f64.const inf"),
      (Instruction(.f64Const, .f64(0)), "f64.const 0x0p+0"),
      (Instruction(.f64Const, .f64(0x7FEF_FFFF_FFFF_FFFF)), "f64.const 0x1.fffffffffffffp+1023"),
      (Instruction(.i64Load, .memoryAccess(access)), "i64.load 1 offset=8 align=1"),
      (Instruction(.callIndirect, .indirectCall(TypeIndex(3), TableIndex(1))), "call_indirect 1 (type 3)"),
      (Instruction(.brTable, .labels(LabelRange(start: 1, count: 2))), "br_table 4 0"),
      (Instruction(.selectTyped, .resultType(.externref)), "select (result externref)"),
      (Instruction(.refNull, .referenceType(.funcref)), "ref.null func"),
      (Instruction(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0))), "memory.copy"),
      (
        Instruction(.v128Const, .v128(V128(low: 1, high: 0xABCD << 48))),
        "v128.const i32x4 0x00000001 0x00000000 0x00000000 0xabcd0000"
      ),
      (Instruction(.block, .block(.value(.f64))), "block (result f64)"),
    ]
    for (instruction, text) in samples { #expect(printInstruction(instruction, labels: [9, 4, 0]) == text) }
  }

  @Test func namesBecomeIdentifiersWhereTheyCan() {
    let text = printText(everything())
    for part in [
      "(module $sample", "(type $nothing (;0;) (func))", "(func $imported (;0;) (type 1))",
      "(func $\"two words;)\" (;1;) (type 2) (param $parameter i32) (result i32 i64)",
      "(local i64) (local $local i64) (local v128)", "block $outer (type $nothing)  ;; @1",
      "br_table $outer (;@1;) $outer (;@1;) $outer (;@1;)", "(start $start<u8>)",
      "(table $same (;1;) i64 2 3 externref)", "(table (@name \"same\") (;2;) 2 funcref ref.func $\"two words;)\")",
      "local.get $parameter", "memory.init $big $text", "(@custom \"middle\" (after elem) \"\\01\\02\")",
      "(@name_section (after data))",
    ] {
      #expect(text.contains(part), "\(part) is not in \(text)")
    }
  }

  @Test func textMeansTheSameModule() throws {
    guard Inputs.tool("wasm-tools") != nil else {
      Inputs.reportSkip("text read back by wasm-tools", "not on PATH nor in STABLEFUZZ_TOOLS")
      return
    }
    var modules = [("the sample", everything())]
    for file in SpecSuite.core {
      for command in try file.commands() where command.kind == .module {
        guard let bytes = try file.module(command), let module = try? decodeAndValidate(bytes) else { continue }
        modules.append(("\(file.name):\(command.line)", module))
      }
    }
    // Every seventh keeps the run short and takes from every script in turn.
    let spec = modules.count
    modules = modules.enumerated().filter { $0.offset % 7 == 0 }.map(\.element)
    for url in canisterModules() { modules.append((url.lastPathComponent, try decode(try Inputs.bytes(url)))) }
    print("printer: \(modules.count) modules (of \(spec) of the suite every seventh, and canisters) read back")
    for (name, module) in modules { try expectSameMeaning(module, name) }
  }

  private func expectSameMeaning(_ module: Module, _ name: String) throws {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("stablefuzz-\(UUID().uuidString).wat")
    defer { try? FileManager.default.removeItem(at: scratch) }
    try Data(printText(module).utf8).write(to: scratch)
    let result = try Inputs.run("wasm-tools", ["parse", scratch.path])
    guard result.status == 0 else {
      Issue.record("\(name) cannot be parsed: \(result.errors)")
      return
    }
    let parsed = try decode(result.output)
    #expect(canonical(parsed) == canonical(module), "\(name) means something else")
  }

  /// The module without what other tools do not read from our text: grouping of locals, presence of the data count,
  /// where the name section stands.
  private func canonical(_ module: Module) -> Module {
    var module = module
    module.hasDataCount = false
    module.uniteLocals()
    module.customSections = module.customSections.filter { $0.name != NameSection.sectionName }
    // Settles the places of custom sections anew; not possible where code needs the data count, which is then there.
    return (try? decode(encode(module))) ?? module
  }

  @Test func aLargeModuleIsPrintedQuickly() throws {
    guard let url = Inputs.input("canisters/sdk-icrc1-ledger.wasm") else {
      Inputs.reportSkip("printing a large canister", "no inputs beside the package")
      return
    }
    let module = try decode(try Inputs.bytes(url))
    let duration = ContinuousClock().measure { #expect(printText(module).utf8.count > 1_000_000) }
    print("printing \(url.lastPathComponent): \(duration)")
    #expect(duration < .seconds(2))
  }
}
