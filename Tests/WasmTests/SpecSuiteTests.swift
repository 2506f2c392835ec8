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
  /// Assertions about text.
  var text = 0
  /// Modules, valid and invalid ones, that need a feature beyond ours.
  var beyond: [SpecSkip] = []
  /// How many of these are assertions that the module is refused, which it is, if not for its mistake.
  var refusedForFeature = 0
  var failures: [String] = []

  init() {}

  /// Runs one script.
  init(_ file: SpecFile) throws {
    for command in try file.commands() {
      let place = "\(file.name):\(command.line)"
      guard let bytes = try file.module(command) else {
        if command.filename != nil { text += 1 }
        continue
      }
      switch command.kind {
      case .module, .moduleDefinition, .assertUnlinkable, .assertUninstantiable:
        do throws(WasmError) {
          let module = try decodeAndValidate(bytes)
          valid += 1
          let encoded = encode(module)
          let again = try decode(encoded)
          if again != module { failures.append("\(place): comes back different") }
          if encode(again) != encoded { failures.append("\(place): encoded in two ways") }
          if let difference = sectionDifference(bytes, encoded) { failures.append("\(place): \(difference)") }
        } catch {
          skip(error, bytes, file, command, "valid")
        }
      case .assertInvalid: refuse(bytes, .invalid, file, command)
      case .assertMalformed: refuse(bytes, .malformed, file, command)
      default: break
      }
    }
  }

  private mutating func refuse(_ bytes: [UInt8], _ kind: WasmError.Kind, _ file: SpecFile, _ command: SpecCommand) {
    let text = command.text ?? ""
    do throws(WasmError) {
      _ = try decodeAndValidate(bytes)
      failures.append("\(file.name):\(command.line): accepted, should be: \(text)")
    } catch {
      if error.offset == nil { failures.append("\(file.name):\(command.line): no offset: \(error)") }
      if error.kind != kind {
        let skipped = beyond.count
        skip(error, bytes, file, command, text)
        refusedForFeature += beyond.count - skipped
      } else if kind == .invalid {
        invalid += 1
      } else {
        malformed += 1
      }
      if error.reason.hasPrefix(text) { sameWords += 1 }
    }
  }

  /// Counts a module as beyond the features, which the byte that was refused has to show.
  private mutating func skip(
    _ error: WasmError, _ bytes: [UInt8], _ file: SpecFile, _ command: SpecCommand, _ expected: String
  ) {
    if let feature = SpecSkip.feature(of: error.reason, at: error.offset, in: bytes) {
      beyond.append(SpecSkip(script: file.name, line: command.line, feature: feature))
    } else {
      failures.append("\(file.name):\(command.line): should be \(expected): \(error)")
    }
  }

  var summary: String {
    """
    \(valid) modules valid and unchanged by encoding, \(invalid) refused as invalid, \(malformed) as malformed \
    (\(sameWords) in the suite's words), \(beyond.count) skipped of which \(refusedForFeature) are refused for a \
    feature and not for their mistake, \(failures.count) failures
    """
  }

  mutating func add(_ other: SpecOutcome) {
    valid += other.valid
    invalid += other.invalid
    malformed += other.malformed
    sameWords += other.sameWords
    text += other.text
    beyond += other.beyond
    refusedForFeature += other.refusedForFeature
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
    for scope in [SpecFile.Scope.inScope, .beyond, .custom] {
      let files = SpecSuite.core.filter { $0.scope == scope }
      var part = SpecOutcome()
      for file in files { part.add(try SpecOutcome(file)) }
      print("specification suite (format), \(scope.rawValue): \(files.count) scripts; \(part.summary)")
      if scope == .inScope { #expect(part.beyond.count == part.refusedForFeature) }
      total.add(part)
    }
    print("  \(total.text) assertions about text are judged by `SpecTextTests`")
    for file in SpecSuite.core { total.beyond += try SpecTextOutcome(file).skipped }
    let features = Dictionary(grouping: total.beyond, by: \.feature)
    for (feature, skips) in features.sorted(by: { $0.key < $1.key }) {
      print("  skipped, needs \(feature): \(skips.count) modules")
    }
    #expect(
      try SpecSkip.areListed(total.beyond),
      "not the modules of Tests/TestSupport/SpecSkips.txt; STABLEFUZZ_REWRITE=1 writes the list anew")
    #expect(total.failures.isEmpty)
    #expect(total.valid > 1_000 && total.invalid > 2_000 && total.malformed > 600)
  }
}
