// Texts made to break the parser: deep nesting in every form, endless tokens, random damage. None may trap, overflow the
// stack or take time out of proportion; whatever is accepted must come back from its printed form.

import TestSupport
import Testing
import Wasm

@Suite struct HostileTextTests {
  @Test func nestingNeverOverflowsTheStack() throws {
    let depth = 100_000
    func nested(_ open: String, _ close: String, _ inside: String = "") -> String {
      String(repeating: open, count: depth) + inside + String(repeating: close, count: depth)
    }
    let accepted = [
      "(func \(nested("(block ", ")")))", "(func \(nested("block ", "end ")))", "(func \(nested("(drop", ")")))",
      "(func \(nested("(if (nop) (then ", "))")))", "(func \(nested("loop $l ", "end $l ", "br $l ")))",
      "(func \(nested("if ", "else end ")))", "(;\(nested("(;", ";)"));) (func)", "(@x \(nested("(", ")"))) (func)",
      "(func \(nested("(block $a (block $b (br $a)) ", ")")))",
      "(global i32 \(nested("(i32.eqz ", ")", "(i32.const 0)")))",
    ]
    for text in accepted {
      do throws(TextError) {
        let module = try parseText(text)
        #expect(try parseText(printText(module)) == module)
      } catch {
        Issue.record("\(error.reason): \(text.prefix(40))")
      }
    }
    let refused = [
      String(repeating: "(", count: depth), "(func " + String(repeating: "(block ", count: depth),
      "(func " + String(repeating: "block ", count: depth) + ")", String(repeating: "(;", count: depth),
      "(@x " + String(repeating: "(", count: depth), String(repeating: "(module ", count: depth),
      "(func " + String(repeating: "(if ", count: depth), "(type \(nested("(func ", ")")))",
    ]
    for text in refused { #expect(throws: TextError.self) { try parseText(text) } }
  }

  /// Ten times the text takes some ten times the time, not a hundred.
  @Test func timeIsLinear() throws {
    func names(_ count: Int) -> String { (0..<count).map { "(func $f\($0) call $f\(count - 1 - $0))" }.joined() }
    let makers: [(String, (Int) -> String)] = [
      ("identifiers", names),
      (
        "labels of one name",
        { "(func " + String(repeating: "block $l br $l ", count: $0) + String(repeating: "end ", count: $0) + ")" }
      ),
      ("exports", { (0..<$0).map { "(func (export \"e\($0)\"))" }.joined() }),
      ("digits", { "(global f64 (f64.const 1." + String(repeating: "7", count: 10 * $0) + "e3))" }),
      ("types", { (0..<$0).map { "(func (param \(String(repeating: "i32 ", count: $0 % 50)) i64))" }.joined() }),
      ("annotations", { "(func " + String(repeating: "(@x y) (; c ;) nop ", count: $0) + ")" }),
      ("strings", { "(data " + String(repeating: "\"\\00\\u{41}abc\" ", count: $0) + ")" }),
    ]
    for (name, make) in makers {
      let (short, long) = (Array(make(3_000).utf8), Array(make(30_000).utf8))
      let clock = ContinuousClock()
      let least = try (0..<3).map { _ in try clock.measure { _ = try parseText(short) } }.min() ?? .zero
      let most = try clock.measure { _ = try parseText(long) }
      // Generous, for machines that are busy with other things.
      #expect(most < least * 60 + .milliseconds(200), "\(name): \(least), then \(most)")
    }
  }

  @Test func damagedTextsNeverTrap() throws {
    var random = SeededGenerator(seed: 3)
    var seeds = [Array(printText(everything()).utf8)]
    for opcode in [Opcode.v128Const, .brTable, .v128Load8Lane, .callIndirect, .memoryInit] {
      let body = [Instruction(opcode, sampleImmediate(opcode))]
      seeds.append(Array(printText(module(body, labels: opcode == .brTable ? [5, 1000] : [])).utf8))
    }
    let pieces = [
      "(", ")", "\"", "$", "(;", ";)", ";;", "(@", "(@name \"x\")", "(@custom \"y\")", "\\", "\\u{", "-", "0x", "_",
      "nan:0x",
      "offset=", "(type 0)", "(param $x i32)", "end", "else", "(then", "(import \"\" \"\")", "(export \"\")",
      "99999999999",
      "\u{e9}", "\0", " ", "\n",
    ]
    var accepted = 0
    for round in 0..<8_000 {
      var text = seeds[round % seeds.count]
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let position = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[position] = UInt8.random(in: 0...255, using: &random)
        case 1: text.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: position)
        case 2: text.removeSubrange(position..<min(text.count, position + Int.random(in: 1..<20, using: &random)))
        default: text.append(contentsOf: text[position..<min(text.count, position + 30)])
        }
        if text.isEmpty { text = [0x28] }
      }
      do throws(TextError) {
        let module = try parseText(text)
        accepted += 1
        let printed = printText(module)
        let again = try parseText(printed)
        #expect(encode(again) == encode(try parseText(printText(again))), "\(printed)")
      } catch {
        #expect(error.offset <= text.count)
      }
      _ = try? parseScript(text)
    }
    print("damaged texts: \(accepted) of 8000 still modules")
    #expect(accepted > 100)
  }

  @Test func everyTruncationIsRefusedOrStillAModule() {
    let text = Array(printText(everything()).utf8)
    for length in 0..<text.count { _ = try? parseText(Array(text[..<length])) }
  }
}
