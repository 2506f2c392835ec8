// What libFuzzer drives, one subject a run: bytes go in, and a broken promise stops the process.
// Linked with libFuzzer's own `main` by `scripts/fuzz-sanitized`; a find becomes a file of the folder
// `Tests/LibFuzzerTargetTests/Regressions`.

import Canister
import Instrumentation
import Wasm

/// A part of the project that bytes from outside reach.
public enum FuzzSubject: String, CaseIterable, Sendable {
  /// Decoding, encoding and the name section.
  case decoder
  /// Both ways to validate, and the search for an error's offset.
  case validator
  /// The rules for canisters, and the instrumenter in all its strategies on what they accept.
  case instrumenter
  /// The parser of modules as text and of scripts, and the printer.
  case text

  /// Takes one input through the subject.
  public func run(_ bytes: [UInt8]) {
    switch self {
    case .decoder: fuzzDecoder(bytes)
    case .validator: fuzzValidator(bytes)
    case .instrumenter: fuzzInstrumenter(bytes)
    case .text: fuzzText(bytes)
    }
  }
}

/// Ends the process where a promise does not hold, so that libFuzzer keeps the input.
private func require(_ holds: Bool, _ promise: @autoclosure () -> String) {
  if !holds { fatalError("broken promise: \(promise())") }
}

/// What is decoded comes back from its encoding, and is encoded in one way only.
private func fuzzDecoder(_ bytes: [UInt8]) {
  let module: Module
  do throws(WasmError) {
    module = try decode(bytes)
  } catch {
    require(error.offset.map { $0 <= bytes.count } ?? false, "an error of the decoder has an offset: \(error)")
    return
  }
  let encoded = encode(module)
  do throws(WasmError) {
    let again = try decode(encoded)
    require(again == module, "decode(encode(m)) = m")
    require(encode(again) == encoded, "a module has one encoding")
  } catch {
    fatalError("broken promise: an encoded module can be decoded: \(error)")
  }
  for section in module.customSections where section.name == NameSection.sectionName {
    guard let names = NameSection(decoding: section.bytes) else { continue }
    require(NameSection(decoding: names.encoded()) == names, "names come back from their encoding")
  }
}

/// The verdict does not depend on the way to it, and every error has its place.
private func fuzzValidator(_ bytes: [UInt8]) {
  let separate: WasmError?
  do throws(WasmError) {
    try validate(try decode(bytes))
    separate = nil
  } catch {
    separate = locate(error, in: bytes)
  }
  let together: WasmError?
  do throws(WasmError) {
    _ = try decodeAndValidate(bytes)
    together = nil
  } catch {
    together = error
  }
  require(separate == together, "\(separate.map { "\($0)" } ?? "valid") = \(together.map { "\($0)" } ?? "valid")")
  if let separate { require(separate.offset != nil, "an error has an offset: \(separate)") }
}

/// Whatever the rules accept has valid instrumented forms, or the instrumenter says why not.
private func fuzzInstrumenter(_ bytes: [UInt8]) {
  guard let module = try? decodeAndValidate(bytes) else { return }
  let parameters = Parameters()
  guard (try? validateCanister(module, parameters: parameters)) != nil else { return }
  for strategy in Strategy.all {
    guard let instrumented = try? instrument(module, strategy: strategy, parameters: parameters) else { continue }
    do throws(WasmError) {
      _ = try decodeAndValidate(encode(instrumented))
    } catch {
      fatalError("broken promise: the form \(strategy) is valid: \(error)")
    }
  }
}

/// What is parsed comes back from its printed form, and every error lies within the text.
private func fuzzText(_ bytes: [UInt8]) {
  _ = try? parseScript(bytes)
  let module: Module
  do throws(TextError) {
    module = try parseText(bytes)
  } catch {
    require(error.offset <= bytes.count, "an error of the parser lies within the text: \(error)")
    return
  }
  do throws(TextError) {
    // A section called "name" may be given as bytes, which then are encoded anew.
    let again = try parseText(printText(module))
    require(again.withoutNames == module.withoutNames, "parse(print(m)) = m")
    require(encode(try parseText(printText(again))) == encode(again), "printing and parsing twice changes nothing")
  } catch {
    fatalError("broken promise: a printed module can be parsed: \(error)")
  }
  guard let error = validationError(module) else { return }
  let located = locate(error.reason, at: error.location, inText: bytes)
  require(located.offset <= bytes.count, "an error of the validator lies within the text: \(located)")
}

private func validationError(_ module: Module) -> WasmError? {
  do throws(WasmError) {
    try validate(module)
    return nil
  } catch {
    return error
  }
}

extension Module {
  fileprivate var withoutNames: Module {
    var module = self
    module.customSections.removeAll { $0.name == NameSection.sectionName }
    return module
  }
}
