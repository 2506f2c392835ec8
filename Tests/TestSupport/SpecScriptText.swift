// Scripts of the specification's test suite read from their text, in the form that the converted ones have: so that what
// runs the one runs the other. They come from a checkout of the suite, named by the environment.

import Foundation
import Wasm

extension SpecSuite {
  /// The scripts (`.wast`) of the checkout that `STABLEFUZZ_TESTSUITE` names which the feature set covers, wholly or in
  /// part; empty where none is named.
  public static let scripts: [URL] = {
    guard let path = ProcessInfo.processInfo.environment["STABLEFUZZ_TESTSUITE"] else { return [] }
    let folder = URL(fileURLWithPath: path)
    return core.map { folder.appendingPathComponent($0.name) }.filter { Inputs.existing($0) != nil }
  }()
}

extension SpecFile {
  /// A script given as text.
  public init(script: URL) throws {
    let known = SpecSuite.core.first { script.path.hasSuffix("/\($0.name)") }
    self.init(
      name: known?.name ?? script.lastPathComponent, folder: script.deletingLastPathComponent(),
      scope: known?.scope ?? .inScope, beyond: known?.beyond ?? [:], validModules: known?.validModules ?? 0,
      script: script)
  }

  /// The commands of a script given as text.
  static func commands(of script: URL) throws -> [SpecCommand] {
    try parseScript(try Inputs.bytes(script)).commands.map(SpecCommand.init)
  }
}

extension SpecCommand {
  init(_ command: WastCommand) {
    self.init(kind: .action, line: command.line)
    switch command.kind {
    case .module(let module): set(.module, module)
    case .definition(let module): set(.moduleDefinition, module)
    case .instance(let name, let definition):
      kind = .moduleInstance
      instance = name.map { "$\($0)" }
      self.definition = definition.map { "$\($0)" }
    case .register(let name, let instance):
      kind = .register
      registeredName = name
      self.name = instance.map { "$\($0)" }
    case .action(let action): self.action = SpecAction(action)
    case .assertReturn(let action, let patterns):
      set(.assertReturn, action)
      expected = patterns.map(SpecValue.init)
    case .assertTrap(let action, let message): set(.assertTrap, action, message)
    case .assertExhaustion(let action, let message): set(.assertExhaustion, action, message)
    case .assertException(let action): set(.assertException, action)
    case .assertMalformed(let module, let message): set(.assertMalformed, module, message)
    case .assertInvalid(let module, let message): set(.assertInvalid, module, message)
    case .assertUnlinkable(let module, let message): set(.assertUnlinkable, module, message)
    case .assertUninstantiable(let module, let message): set(.assertUninstantiable, module, message)
    case .assertMalformedCustom(let module, let message): set(.assertMalformedCustom, module, message)
    case .assertInvalidCustom(let module, let message): set(.assertInvalidCustom, module, message)
    }
  }

  private mutating func set(_ kind: Kind, _ action: WastAction, _ message: String? = nil) {
    self.kind = kind
    self.action = SpecAction(action)
    text = message
  }

  private mutating func set(_ kind: Kind, _ module: WastModule, _ message: String? = nil) {
    self.kind = kind
    text = message
    name = module.name.map { "$\($0)" }
    switch module.source {
    // Malformed binaries have to stay what they are.
    case .binary(let bytes): contents = .success(bytes)
    case .parsed, .refused, .quoted:
      do throws(WastRefusal) {
        contents = .success(encode(try module.module()))
      } catch {
        contents = .failure(WasmError(error.kind, error.reason))
      }
    }
  }
}

extension SpecAction {
  fileprivate init(_ action: WastAction) {
    var arguments: [SpecValue]?
    if case .invoke(let values) = action.kind { arguments = values.map(SpecValue.init) }
    self.init(
      kind: arguments == nil ? .get : .invoke, module: action.instance.map { "$\($0)" }, field: action.export,
      arguments: arguments)
  }
}

extension SpecValue {
  fileprivate init(_ value: WastValue) {
    switch value {
    case .i32(let bits): self.init(type: "i32", texts: ["\(bits)"])
    case .i64(let bits): self.init(type: "i64", texts: ["\(bits)"])
    case .f32(let bits): self.init(type: "f32", texts: ["\(bits)"])
    case .f64(let bits): self.init(type: "f64", texts: ["\(bits)"])
    case .v128(let bits): self.init(type: "v128", laneType: "i64", texts: ["\(bits.low)", "\(bits.high)"])
    case .null(let type): self.init(type: "\(type)", texts: ["null"])
    case .externref(let number): self.init(type: "externref", texts: ["\(number)"])
    case .unsupported(let text): self.init(type: text)
    }
  }

  fileprivate init(_ pattern: WastPattern) {
    switch pattern {
    case .value(let value): self.init(value)
    case .nan(let type, let nan): self.init(type: "\(type)", texts: [nan.text])
    case .lanes(let type, let lanes):
      let texts = lanes.map { lane in
        switch lane {
        case .bits(let bits): "\(bits)"
        case .nan(let nan): nan.text
        }
      }
      self.init(type: "v128", laneType: "\(type)", texts: texts)
    case .null: self.init(type: "refnull")
    case .reference(let type): self.init(type: "\(type)")
    case .either(let patterns): self.init(type: "either", alternatives: patterns.map(SpecValue.init))
    }
  }
}

extension WastNaN {
  fileprivate var text: String { self == .canonical ? "nan:canonical" : "nan:arithmetic" }
}
