// The disassembler: its text for a known function, and that it always finds where operations begin.

import Execution
import Foundation
import TestSupport
import Testing
import Wasm

@Suite struct DisassemblerTests {
  @Test func tellsWhatAFunctionBecame() throws {
    let text = """
      (module
        (memory 1)
        (func (param i32 i32) (result i32)
          (local i32)
          (loop $again
            (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2)))
            (local.set 2 (i32.add (i32.load offset=8) (local.get 2)))
            (local.tee 1 (i32.add (local.get 1) (i32.const -1)))
            (br_if $again (i32.ne (i32.const 100000))))
          (local.get 2)))
      """
    let module = try parseText(Array(text.utf8))
    try validate(module)
    let disassembly = try CompiledModule(module).disassemble(0)
    #expect(
      disassembly.lines.map(\.text) == [
        "r3 = 100000", "r19 = i32LoadIndexed [r0 ⊕ r1 << 2 + 8]", "r2 = i32Add r19, r2 ↓",
        "r1 = i32AddImmediate r1, -1", "branchI32Ne r1, r3 → 1", "returnOne r2",
      ])
    #expect(disassembly.origins.count == module.functions[0].body.instructions.count)
  }

  /// Were the number of words of an operation wrong, what follows would be taken apart in the wrong places.
  @Test func jumpsEndWhereOperationsBegin() throws {
    guard let folder = Inputs.input("canisters") else {
      Inputs.reportSkip("disassembly of canisters", "the inputs are absent")
      return
    }
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "wasm" }
    var jumps = 0
    for file in files {
      let module = try decode(try Inputs.bytes(file))
      for counts in [false, true] {
        var options = TranslationOptions()
        options.countsInstructions = counts
        let compiled = try CompiledModule(module, options: options)
        for position in module.functions.indices {
          let lines = try compiled.disassemble(position).lines
          let starts = Set(lines.map(\.position))
          for line in lines {
            for target in line.text.split(separator: "→").dropFirst() {
              let number = try #require(Int(target.trimmingPrefix(" ").prefix { $0.isNumber }))
              #expect(starts.contains(number), "\(file.lastPathComponent), function \(position): \(line.text)")
              jumps += 1
            }
          }
        }
      }
    }
    #expect(jumps > 10_000)
  }
}
