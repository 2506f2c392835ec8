// The text format, feature by feature: that abbreviations mean what they abbreviate, that literals have the bits that they
// should, and that what is wrong is told by line, column and a caret.

import TestSupport
import Testing
import Wasm

/// Checks that two texts are the same module.
private func expectSame(_ left: String, _ right: String) {
  do {
    #expect(printText(try parseText(left)) == printText(try parseText(right)), "\(left)\n\(right)")
  } catch {
    Issue.record("\(error.marked)\n\(left)")
  }
}

/// The error of a text.
private func refusal(_ text: String) -> TextError? {
  do throws(TextError) {
    _ = try parseText(text)
    Issue.record("accepted: \(text)")
    return nil
  } catch {
    return error
  }
}

@Suite struct TextParserTests {
  @Test func abbreviationsMeanWhatTheyAbbreviate() {
    let pairs = [
      ("(func)", "(module (type (func)) (func (type 0)))"),
      (
        "(func $f (export \"a\") (export \"b\") (param $x i32) (result i32) (local.get $x))",
        """
        (module $"" (type (func (param i32) (result i32))) (func $f (type 0) (param $x i32) (result i32) local.get 0)
          (export "a" (func 0)) (export "b" (func 0)))
        """.replacing(" $\"\"", with: "")
      ),
      (
        "(func (import \"m\" \"f\") (param i64)) (table (import \"m\" \"t\") 1 2 funcref)"
          + "(memory (export \"e\") (import \"m\" \"m\") i64 3) (global (import \"m\" \"g\") (mut f32))",
        """
        (type (func (param i64))) (import "m" "f" (func (type 0))) (import "m" "t" (table 1 2 funcref))
        (import "m" "m" (memory i64 3)) (import "m" "g" (global (mut f32))) (export "e" (memory 0))
        """
      ),
      (
        "(memory (data \"ab\" \"c\\00\")) (memory i64 (data)) (table funcref (elem $f 0)) (func $f)",
        """
        (type (func)) (memory 1 1) (memory i64 0 0) (table 2 2 funcref) (func $f (type 0))
        (elem (table 0) (offset i32.const 0) func 0 0) (data (memory 0) (offset (i32.const 0)) "abc\\00")
        (data (memory 1) (offset i64.const 0) "")
        """
      ),
      (
        "(table i64 externref (elem (ref.null extern) (item (ref.null extern))))",
        "(table i64 2 2 externref) (elem (table 0) (offset (i64.const 0)) externref (ref.null extern) (ref.null extern))"
      ),
      (
        "(table 1 (ref null func)) (elem (i32.const 0) 0) (elem func 0) (elem declare funcref (ref.func 0)) (func)",
        """
        (table 1 funcref) (func) (elem (table 0) (offset i32.const 0) func 0) (elem func 0)
        (elem declare (ref null func) (item ref.func 0))
        """
      ),
      (
        "(global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))",
        "(global i32 i32.const 1 i32.const 2 i32.const 3 i32.mul i32.add)"
      ),
      (
        "(func (param i32) (if (local.get 0) (then (nop)) (else (unreachable))))",
        "(func (param i32) local.get 0 if nop else unreachable end)"
      ),
      (
        """
        (func (param i32) (result i32) (if $l (result i32) (local.get 0) (then (br $l (i32.const 1))) (else i32.const 2)))
        """,
        "(func (param i32) (result i32) local.get 0 if $l (result i32) i32.const 1 br 0 else $l i32.const 2 end $l)"
      ),
      (
        "(func (block $a (loop $b (br $a) (br $b) (br_table $b $a 2 (i32.const 0)))))",
        "(func block $a loop $b br 1 br 0 i32.const 0 br_table 0 1 2 end end)"
      ),
      // The innermost label of a name counts, and the outer one again behind it.
      ("(func (block $l (block $l (br $l)) (br $l)))", "(func block $l block (@name \"l\") br 0 end br 0 end)"),
      (
        "(func (block (param) (result i32) (i32.const 1)) (drop) (block (result i32 i32) (unreachable)) (drop) (drop))",
        "(type (func)) (type (func (result i32 i32))) (func block (result i32) i32.const 1 end drop "
          + "block (type 1) unreachable end drop drop)"
      ),
      (
        "(memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)) (drop (i32.load offset=0x10 (i32.const 1))))",
        "(memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.copy 0 0 i32.const 1 i32.load 0 offset=16 align=4 drop)"
      ),
      (
        "(memory 1) (data $d \"\") (func (v128.store8_lane 3 (i32.const 0) (v128.const i64x2 1 -1)) (data.drop $d))",
        "(memory 1) (data \"\") (func i32.const 0 v128.const i32x4 1 0 0xffff_ffff -1 v128.store8_lane 0 3 data.drop 0)"
          .replacing("(data \"\")", with: "(data $d \"\")")
      ),
      // Implicit types come behind all that are written, the first that fits is taken.
      (
        "(func (param i32)) (type (func)) (type $t (func (param i32))) (type $u (func (param i32))) (func (param i64))",
        """
        (type (func)) (type $t (func (param i32))) (type $u (func (param i32))) (type (func (param i64)))
        (func (type 1) (param i32)) (func (type 3) (param i64))
        """
      ),
      ("(func $\"a b\") (start $\"a\\20b\")", "(func $\"a\\u{20}b\") (start 0)"),
      ("(func $a) (start $\"a\")", "(func $\"\\61\") (start 0)"),
      ("(func (; (; nested ;) ;) nop ;; line\n nop)", "(func nop nop)"),
      ("((@x (\")\" (;;)) ;)\n func (@y))", "(func)"),
      (
        "(func (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)) drop)",
        "(func i32.const 1 i32.const 2 i32.const 3 select (result i32) drop)"
      ),
      ("(module quote \"(mod\" \"ule (func))\")", "(func)"),
      ("(module binary \"\\00asm\" \"\\01\\00\\00\\00\")", ""),
    ]
    for (left, right) in pairs { expectSame(left, right) }
  }

  @Test func integersAreReadInBothRanges() throws {
    let values: [(String, Int64)] = [
      ("0", 0), ("-0", 0), ("+7", 7), ("1_000", 1000), ("0xFf_fF", 65535), ("4294967295", 4_294_967_295),
      ("-9223372036854775808", .min), ("18446744073709551615", -1), ("0xffff_ffff_ffff_ffff", -1), ("-0x1", -1),
    ]
    for (text, value) in values {
      #expect(try parseText("(global i64 i64.const \(text))").globals[0].initializer == [.i64(value)], "\(text)")
    }
    #expect(try parseText("(global i32 i32.const 0x80000000)").globals[0].initializer == [.i32(.min)])
    for text in [
      "18446744073709551616", "-9223372036854775809", "0x1_0000_0000_0000_0000", "1__0", "_1", "1_", "0x", "0x_1",
      "--1",
      "1a", "0X1", "", "$1", "1.0",
    ] { #expect(refusal("(global i64 (i64.const \(text)))") != nil) }
  }

  @Test func floatsAreRoundedToTheNearest() throws {
    let doubles: [(String, UInt64)] = [
      ("0", 0), ("-0", 0x8000_0000_0000_0000), ("1", 0x3FF0_0000_0000_0000), ("1.", 0x3FF0_0000_0000_0000),
      ("0x1", 0x3FF0_0000_0000_0000), ("0x1.8p1", 0x4008_0000_0000_0000), ("0x1_0.8P-0_1", 0x4020_8000_0000_0000),
      ("1_0.2_5e0_1", 0x4059_A000_0000_0000),
      ("inf", 0x7FF0_0000_0000_0000), ("-inf", 0xFFF0_0000_0000_0000), ("nan", 0x7FF8_0000_0000_0000),
      ("-nan:0x1", 0xFFF0_0000_0000_0001), ("nan:0xf_ffff_ffff_ffff", 0x7FFF_FFFF_FFFF_FFFF),
      // The smallest subnormal, half of it to even, a little more than half of it.
      ("0x1p-1074", 1), ("0x1p-1075", 0), ("0x1.0000000000000000000000000001p-1075", 1), ("0x0.8p-1074", 0),
      ("4.9406564584124654e-324", 1), ("2.4703282292062327e-324", 0), ("2.4703282292062329e-324", 1),
      // Ties to even, and what breaks them far behind.
      ("9007199254740993", 0x4340_0000_0000_0000), ("0x20000000000001", 0x4340_0000_0000_0000),
      ("0x20000000000003", 0x4340_0000_0000_0002),
      ("9007199254740993.\(String(repeating: "0", count: 900))1", 0x4340_0000_0000_0001),
      ("0x20000000000001.\(String(repeating: "0", count: 900))1", 0x4340_0000_0000_0001),
      ("0x1.fffffffffffffp1023", 0x7FEF_FFFF_FFFF_FFFF), ("0x1.fffffffffffff7p1023", 0x7FEF_FFFF_FFFF_FFFF),
      ("0x0.\(String(repeating: "0", count: 300))1p1204", 0x3FF0_0000_0000_0000),
      ("1\(String(repeating: "0", count: 2000))e-2000", 0x3FF0_0000_0000_0000), ("0e99999999999999999999", 0),
      ("1e-99999999999999999999", 0), ("0x0p99999999999999999999", 0), ("0x1p-99999999999999999999", 0),
    ]
    for (text, bits) in doubles {
      let found = try parseText("(global f64 f64.const \(text))").globals[0].initializer
      #expect(found == [Instruction(.f64Const, .f64(bits))], "\(text.prefix(60))")
    }
    let floats: [(String, UInt32)] = [
      ("16777217", 0x4B80_0000), ("16777219", 0x4B80_0002), ("16777217.0000000000000000000000000000001", 0x4B80_0001),
      // Rounding to a double first would go the wrong way.
      ("1.000000178813934326171875000001", 0x3F80_0002), ("0x1.00000300000000001p0", 0x3F80_0002),
      ("0x1p-149", 1), ("0x1p-150", 0), ("0x1.8p-150", 1), ("nan:0x1", 0x7F80_0001), ("3.4028235e38", 0x7F7F_FFFF),
      ("0x1.ffffffp127", 0),
    ]
    for (text, bits) in floats where text != "0x1.ffffffp127" {
      let found = try parseText("(global f32 f32.const \(text))").globals[0].initializer
      #expect(found == [Instruction(.f32Const, .f32(bits))], "\(text)")
    }
    for text in [
      "0x1.ffffffp127", "3.4028236e38", "1e39", "nan:0x0", "nan:0x800000", "1e", "1e+", ".5", "0x.5", "1._5", "1_.5",
      "0x1p",
      "nan:1", "infinity", "0x1.8q1", "e1", "1e1.0", "nan:canonical", "1e99999999999999999999",
    ] { #expect(refusal("(global f32 (f32.const \(text)))") != nil) }
  }

  /// Every float comes back from its printed form, and from a decimal form with enough digits.
  @Test func randomFloatsSurvive() throws {
    var random = SeededGenerator(seed: 7)
    var singles: [UInt32] = [], doubles: [UInt64] = []
    var text = ""
    for _ in 0..<3_000 {
      let (single, double) = (
        UInt32.random(in: 0...(.max), using: &random), UInt64.random(in: 0...(.max), using: &random)
      )
      let (float, wide) = (Float(bitPattern: single), Double(bitPattern: double))
      if !float.isFinite || !wide.isFinite { continue }
      singles.append(single)
      doubles.append(double)
      text += "(global f32 f32.const \(float)) (global f64 (f64.const \(wide)))\n"
    }
    let module = try parseText(text)
    for (index, (single, double)) in zip(singles, doubles).enumerated() {
      #expect(module.globals[2 * index].initializer == [Instruction(.f32Const, .f32(single))])
      #expect(module.globals[2 * index + 1].initializer == [Instruction(.f64Const, .f64(double))])
    }
    #expect(try parseText(printText(module)) == module)
  }

  @Test func errorsNameLineAndColumn() {
    let samples = [
      ("(module\n  (func\n    i32.foo))", "3:5: unknown operator i32.foo"),
      ("(func (i32.const 4294967296))", "1:18: i32 constant out of range"),
      ("(func\r\n\tcall $\u{e9}\r\n)", "2:7: empty identifier"),
      ("(func\r\tcall $f)", "2:7: unknown func $f"),
      ("(; \u{e9} ;) (func $f) (func $f)", "1:25: duplicate func $f"),
      ("(func (local.get $x))", "1:18: unknown local $x"),
      ("(func (param $x i32) (local $x i32))", "1:29: duplicate local $x"),
      ("(func) (import \"m\" \"f\" (func))", "1:8: import after function"),
      ("(func block $a end $b)", "1:20: mismatching label $b"),
      ("(func (nop", "1:7: unclosed parenthesis"),
      ("(func", "1:1: unclosed parenthesis"),
      ("(func))", "1:7: unexpected token ), expected a module field"),
      ("(module) (module)", "1:10: unexpected token (module, expected nothing behind the module"),
      ("(func (if (i32.const 0)))", "1:24: unexpected token ), expected (then"),
      ("(func block)", "1:12: unexpected token ), expected end"),
      ("(data \"abc)", "1:7: unclosed string"), ("(data \"\\q\")", "1:8: illegal escape"),
      ("(export \"\\ff\" (func 0))", "1:9: malformed UTF-8 encoding"), ("(; (; ;)", "1:1: unclosed comment"),
      ("(module binary \"\\00asm\")", "1:1: in the binary: unknown binary version at offset 0x4"),
      ("(module quote \"(func\\n bad)\")", "1:1: in the quoted text: 2:2: unknown operator bad"),
      ("(type (func)) (func (type 0) (param i32))", "1:21: inline function type does not match type 0"),
      ("(start 0) (start 1)", "1:11: multiple start sections"),
      ("(func (br $l))", "1:11: unknown label $l"),
      ("(func (result i32) (param i32))", "1:20: unexpected token (param, expected an instruction"),
      ("(func (i32.load align=3 (i32.const 0)))", "1:17: alignment must be a power of two"),
      ("(func $)", "1:7: empty identifier"), ("(@)", "1:1: empty annotation id"),
      ("(func (@custom \"x\"))", "1:9: misplaced @custom annotation"),
      ("(memory 1) (data (i32.const 0)\"a\"\"b\")", "1:31: unknown operator \"a\"\"b\""),
      ("(ref 1)", "1:1: unexpected token (ref, expected a module field"),
    ]
    for (text, expected) in samples {
      if let error = refusal(text) { #expect("\(error)".hasPrefix(expected), "\(error)\n\(text)") }
    }
  }

  @Test func caretsStandUnderTheSpot() {
    #expect(
      refusal("(module\n\t(func $\u{1F600}a)\n(func\ti32.foo) ;; \u{e9}\n)")?.marked
        == "2:8: empty identifier\n   (func $\u{1F600}a)\n         ^")
    let long =
      "(func " + String(repeating: "nop ", count: 5_000) + "bad " + String(repeating: "nop ", count: 5_000) + ")"
    let error = refusal(long)
    #expect(error?.column == 20_007 && error?.caret == 72)
    #expect(error?.marked.split(separator: "\n").allSatisfy { $0.utf8.count <= 120 } == true)
  }

  /// A name of one function's local means nothing in another, nor does a label.
  @Test func namesEndWithTheirFunction() {
    #expect(refusal("(func (param $x i32)) (func (drop (local.get $x)))")?.reason == "unknown local $x")
    #expect(refusal("(func (block $l)) (func (br $l))")?.reason == "unknown label $l")
    #expect(refusal("(func (block $l) (br $l))")?.reason == "unknown label $l")
    #expect(refusal("(func (if $l (br $l (i32.const 0)) (then)))")?.reason == "unknown label $l")
  }

  @Test func namesGoToTheNameSection() throws {
    let module = try parseText(
      """
      (module $m (type $t (func (param $ignored i32)))
        (import "a" "b" (func $f (param $p i32) (param i64)))
        (func (@name "odd name") (type $t) (local i32) (local $l i64) (block $x (loop (block (@name "y")))))
        (func $h (@name "other"))
        (table $t 0 funcref) (memory $m 0) (global $g i32 (i32.const 0)) (elem $e func) (data $d ""))
      """)
    var names = NameSection()
    names.module = "m"
    names.functions = [
      IndexedName(FunctionIndex(0), "f"), IndexedName(FunctionIndex(1), "odd name"),
      IndexedName(FunctionIndex(2), "other"),
    ]
    names.locals = [
      FunctionNames(FunctionIndex(0), [IndexedName(LocalIndex(0), "p")]),
      FunctionNames(FunctionIndex(1), [IndexedName(LocalIndex(2), "l")]),
    ]
    names.labels = [
      FunctionNames(FunctionIndex(1), [IndexedName(LabelIndex(0), "x"), IndexedName(LabelIndex(2), "y")])
    ]
    names.types = [IndexedName(TypeIndex(0), "t")]
    names.tables = [IndexedName(TableIndex(0), "t")]
    names.memories = [IndexedName(MemoryIndex(0), "m")]
    names.globals = [IndexedName(GlobalIndex(0), "g")]
    names.elements = [IndexedName(ElementIndex(0), "e")]
    names.data = [IndexedName(DataIndex(0), "d")]
    #expect(module.names == names)
    #expect(try parseText("(func)").customSections.isEmpty)
  }

  @Test func customSectionsStandWhereTheySay() throws {
    let module = try parseText(
      """
      (@custom "last" "a" "\\ff") (@custom "behind types" (after type) "b") (type (func)) (@custom "first" (before first))
      (func $f (type 0)) (@custom "before code" (before code) "c")
      """)
    let sections = try decode(encode(module)).customSections
    #expect(sections.map(\.name) == ["first", "behind types", "before code", "last", "name"])
    #expect(sections.map(\.follows) == [.start, .import, .dataCount, .data, .data])
    #expect(sections[3].bytes == [0x61, 0xFF])
    #expect(try decode(encode(module)) == module)
  }
}

@Suite struct TextLocationTests {
  /// What the validator finds has a place in the text too.
  @Test func validationErrorsHavePlaces() throws {
    let samples = [
      ("(func\n  (drop\n    (i32.add (i32.const 1)\n      (i64.const 2))))", "3:6: type mismatch"),
      ("(func\n  i32.const 1\n  if nop else\n drop end)", "4:2: type mismatch"),
      ("(func)\n(func (result i32)\n)", "3:1: type mismatch"),
      ("(memory 1)\n (memory 70000)", "2:2: memory size"), ("(export \"a\" (func 0))", "1:1: unknown function"),
      ("(func)\n(global i32 (i64.const 0))", "2:1: type mismatch"), ("(start 3)", "1:1: unknown function"),
      ("(memory 0) (data (i64.const 0) \"\")", "1:12: type mismatch"), ("(func (type 7))", "1:1: unknown type"),
      ("(func) (elem (i32.const 0) 0)", "1:8: unknown table"),
      ("(import \"a\" \"b\" (func (type 3)))", "1:1: unknown type"),
    ]
    for (text, expected) in samples {
      do {
        try validate(try parseText(text))
        Issue.record("valid: \(text)")
      } catch let error as WasmError {
        let located = locate(error.reason, at: error.location, inText: Array(text.utf8))
        #expect("\(located)".hasPrefix(expected), "\(located)\n\(text)")
      }
    }
  }
}
