// The specification's test suite, as far as it is about text: malformed texts are refused, the others are the modules
// that another tool made from them. The scripts themselves (`.wast`) are read where a checkout of the suite is named.

import Foundation
import TestSupport
import Testing
import Wasm

/// What became of the texts of some scripts.
struct SpecTextOutcome {
  /// Malformed texts refused, and those of them with a message that begins as the suite's does.
  var refused = 0
  var sameWords = 0
  /// Texts that are the same module as their binary.
  var same = 0
  /// About annotations that the features do not include.
  var skipped: [SpecSkip] = []
  var failures: [String] = []

  init() {}

  /// Checks the texts of one script that were converted to files of their own.
  init(_ file: SpecFile) throws {
    for command in try file.commands() {
      guard command.moduleType == "text", let name = command.filename else { continue }
      let text = try Inputs.bytes(file.folder.appendingPathComponent(name))
      check(text, try file.module(command), command.text ?? "", file.name, command.line)
    }
  }

  mutating func add(_ other: SpecTextOutcome) {
    refused += other.refused
    sameWords += other.sameWords
    same += other.same
    skipped += other.skipped
    failures += other.failures
  }

  /// - Parameters:
  ///   - binary: what another tool made from the text; nil: it should be refused.
  ///   - expected: the message of the refusal.
  private mutating func check(_ text: [UInt8], _ binary: [UInt8]?, _ expected: String, _ script: String, _ line: Int) {
    let place = "\(script):\(line)"
    do {
      let module = try parseText(text)
      if let binary {
        // Where the data count is needless, tools differ.
        var wanted = try decode(binary)
        wanted.hasDataCount = module.hasDataCount
        if module == wanted { same += 1 } else { failures.append("\(place): means something else") }
      } else if expected.hasPrefix("@metadata.code.branch_hint") {
        skipped.append(SpecSkip(script: script, line: line, feature: "branch hints"))
      } else {
        failures.append("\(place): accepted, should be: \(expected)")
      }
    } catch let error as TextError {
      if binary != nil {
        failures.append("\(place): refused: \(error)")
      } else {
        refused += 1
        if error.reason.hasPrefix(expected) { sameWords += 1 }
      }
    } catch {
      failures.append("\(place): \(error)")
    }
  }
}

@Suite struct SpecTextTests {
  @Test func textsAreJudgedAsTheSuiteSays() throws {
    if SpecSuite.core.isEmpty {
      return Inputs.reportSkip("specification suite (text)", "no inputs beside the package")
    }
    for scope in [SpecFile.Scope.inScope, .beyond, .custom] {
      var outcome = SpecTextOutcome()
      for file in SpecSuite.core where file.scope == scope { outcome.add(try SpecTextOutcome(file)) }
      print(
        """
        specification suite (text), \(scope.rawValue): \(outcome.refused) malformed texts refused \
        (\(outcome.sameWords) in the suite's words), \(outcome.same) the same module as their binary, \
        \(outcome.failures.count) failures, \(outcome.skipped.count) skipped
        """)
      for failure in outcome.failures { Issue.record("\(failure)") }
      if scope == .inScope { #expect(outcome.refused >= 1_204 && outcome.skipped.isEmpty) }
    }
  }

  @Test(arguments: SpecSuite.scripts)
  func scriptsAreTheirConvertedForm(_ url: URL) throws {
    let script = try SpecFile(script: url)
    guard let converted = SpecSuite.core.first(where: { $0.name == script.name }) else { return }
    let (commands, wanted) = (try script.commands(), try converted.commands())
    #expect(commands.map(\.kind) == wanted.map(\.kind))
    for (command, other) in zip(commands, wanted) {
      #expect(
        command.text == other.text && command.action?.field == other.action?.field, "\(script.name):\(command.line)")
      guard let binary = try converted.module(other), var module = try? decode(binary) else { continue }
      var parsed: Module
      do {
        guard let bytes = try script.module(command) else { continue }
        parsed = try decode(bytes)
      } catch {
        #expect(!script.beyond.isEmpty, "\(script.name):\(command.line): \(error)")
        continue
      }
      // Names that only other tools keep, branch hints, and the needless data count.
      let others = ["name", "metadata.code.branch_hint"]
      module.customSections.removeAll { others.contains($0.name) }
      parsed.customSections.removeAll { others.contains($0.name) }
      module.hasDataCount = parsed.hasDataCount
      #expect(
        try decode(encode(parsed)) == decode(encode(module)), "\(script.name):\(command.line) means something else")
    }
  }

  @Test func scriptsAreRead() throws {
    let script = try parseScript(
      Array(
        """
        (module $m (func (export "f") (param i32 f32) (result i64 f64 v128) (unreachable)) (memory 0))
        (register "M" $m)
        (assert_return (invoke $m "f" (i32.const -1) (f32.const 0x1p1)) (i64.const 2) (f64.const nan:canonical)
          (v128.const f32x4 nan:arithmetic 1 0 -0))
        (assert_return (get "g") (either (ref.null func) (ref.func) (ref.extern 3)))
        (assert_trap (invoke "f") "unreachable") (assert_trap (module (func)) "x") (invoke "f" (ref.null extern))
        (assert_malformed (module quote "(func" ")" ")") "unexpected token")
        (assert_invalid (module (func (result i32))) "type mismatch")
        (module (rec (type (func)))) (module definition $d binary "\\00asm" "\\01\\00\\00\\00") (module instance $i $d)
        """.utf8))
    #expect(script.commands.count == 12 && script.commands.map(\.line) == [1, 2, 3, 5, 6, 6, 6, 7, 8, 9, 9, 9])
    guard case .assertReturn(let action, let patterns) = script.commands[2].kind,
      case .invoke(let arguments) = action.kind
    else {
      Issue.record("no assertion")
      return
    }
    #expect(action.instance == "m" && action.export == "f" && arguments == [.i32(.max), .f32(0x4000_0000)])
    #expect(
      patterns == [
        .value(.i64(2)), .nan(.f64, .canonical),
        .lanes(.f32, [.nan(.arithmetic), .bits(0x3F80_0000), .bits(0), .bits(0x8000_0000)]),
      ])
    guard case .assertMalformed(let malformed, "unexpected token") = script.commands[7].kind,
      case .module(let beyond) = script.commands[9].kind, case .definition(let definition) = script.commands[10].kind
    else {
      Issue.record("other commands")
      return
    }
    #expect(throws: WastRefusal.self) { try malformed.module() }
    #expect(throws: WastRefusal.self) { try beyond.module() }
    #expect(try definition.validModule() == Module())
    #expect(try parseScript(Array("(func) (memory 1)".utf8)).commands.count == 1)
    #expect(throws: TextError.self) { try parseScript(Array("(module) (assert_what)".utf8)) }
  }
}
