// The specification's test suite, as far as it is about the format: which modules are valid, invalid, malformed.
// The assertions that execute something are run by the tests of the interpreter.

import TestSupport
import Testing
import Wasm

/// What became of the modules of some scripts.
struct SpecOutcome {
  /// Modules that are valid as the suite says, and survived encoding.
  var valid = 0
  var invalid = 0
  var malformed = 0
  /// Refused with a message that begins as the suite's does.
  var sameWords = 0
  /// Assertions about text, which this project does not read.
  var text = 0
  /// Modules, valid and invalid ones, refused for a construct beyond the features: by what the decoder says.
  var beyond: [String: Int] = [:]
  var failures: [String] = []

  init() {}

  /// Runs one script.
  init(_ file: SpecFile) throws {
    var unsupported: [String] = []
    for command in try file.commands() {
      let place = "\(file.name):\(command.line)"
      guard let bytes = try file.module(command) else {
        if command.filename != nil { text += 1 }
        continue
      }
      switch command.kind {
      case .module, .moduleDefinition, .assertUnlinkable, .assertUninstantiable:
        do {
          let module = try decodeAndValidate(bytes)
          valid += 1
          if try decode(encode(module)) != module { failures.append("\(place): comes back different") }
          if encode(try decode(encode(module))) != encode(module) { failures.append("\(place): encoded in two ways") }
        } catch {
          unsupported.append("\(place): refused: \(error)")
          skip(error, place)
        }
      case .assertInvalid: refuse(bytes, .invalid, command.text ?? "", place)
      case .assertMalformed: refuse(bytes, .malformed, command.text ?? "", place)
      default: break
      }
    }
    // The summary counts a few modules as beyond that the current rules allow without further features: constant
    // expressions that read earlier globals, and tables with an initial value.
    if unsupported.count > file.beyond.values.reduce(0, +) { failures += unsupported }
  }

  private mutating func refuse(_ bytes: [UInt8], _ kind: WasmError.Kind, _ text: String, _ place: String) {
    do {
      _ = try decodeAndValidate(bytes)
      failures.append("\(place): accepted, should be: \(text)")
    } catch {
      if error.offset == nil { failures.append("\(place): no offset: \(error)") }
      if error.kind != kind {
        skip(error, place)
      } else if kind == .invalid {
        invalid += 1
      } else {
        malformed += 1
      }
      if error.reason.hasPrefix(text) { sameWords += 1 }
    }
  }

  /// Counts a module as beyond the features, which the reason has to show.
  private mutating func skip(_ error: WasmError, _ place: String) {
    let constructs = [
      "malformed value type", "malformed reference type", "malformed definition type", "malformed section id",
      "malformed import kind", "illegal opcode",
    ]
    if let construct = constructs.first(where: { error.reason.hasPrefix($0) }) {
      beyond[construct, default: 0] += 1
    } else {
      failures.append("\(place): neither judged as the suite says nor beyond the features: \(error)")
    }
  }

  mutating func add(_ other: SpecOutcome) {
    valid += other.valid
    invalid += other.invalid
    malformed += other.malformed
    sameWords += other.sameWords
    text += other.text
    beyond.merge(other.beyond, uniquingKeysWith: +)
    failures += other.failures
  }
}

@Suite struct SpecSuiteTests {
  @Test(arguments: SpecSuite.core)
  func scriptsAreJudgedAsTheSuiteSays(_ file: SpecFile) throws {
    let outcome = try SpecOutcome(file)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.joined(separator: "\n"))")
  }

  @Test func counts() throws {
    if Inputs.input("spec-suite.tar.xz") == nil {
      Inputs.reportSkip("specification suite (format)", "no inputs beside the package")
      return
    }
    var total = SpecOutcome()
    for file in SpecSuite.core { total.add(try SpecOutcome(file)) }
    let others = SpecSuite.files.count - SpecSuite.core.count
    print(
      """
      specification suite (format): \(SpecSuite.core.count) scripts; \(total.valid) modules valid and unchanged by \
      encoding, \(total.invalid) refused as invalid, \(total.malformed) as malformed (\(total.sameWords) in the suite's \
      words), \(total.failures.count) failures
        skipped: \(total.text) assertions about text; \(others) scripts of proposals
      """)
    for (reason, count) in total.beyond.sorted(by: { $0.key < $1.key }) {
      print("  skipped as beyond the features, \(reason): \(count) modules")
    }
    #expect(total.failures.isEmpty)
    #expect(total.valid > 1_000 && total.invalid > 2_000 && total.malformed > 600)
  }
}
