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

  /// Takes one input through the subject.
  public func run(_ bytes: [UInt8]) {
    switch self {
    case .decoder: fuzzDecoder(bytes)
    case .validator: fuzzValidator(bytes)
    case .instrumenter: fuzzInstrumenter(bytes)
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
