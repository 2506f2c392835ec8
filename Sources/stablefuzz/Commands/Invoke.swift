// `stablefuzz invoke`: calls an export of a module without imports.

import ArgumentParser
import Corpus
import Execution
import Wasm

struct Invoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Call an exported function of a module without imports and print its results.",
    discussion: "Arguments are numbers, decimal or 0x…; floats also as 'nan' and 'inf', or as bits: 'bits:0x…'.")

  @Argument(help: ArgumentHelp("A module.", valueName: "file")) var file: String
  @Argument(help: ArgumentHelp("Name of the exported function.", valueName: "export")) var export: String
  @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("Arguments.", valueName: "arg"))
  var arguments: [String] = []

  func run() throws {
    try reportingErrors {
      let module = try ModuleFile(reading: file).validModule()
      guard module.imports.isEmpty else { throw fail("\(file): the module has imports", .badData) }
      guard case .function(let function)? = module.exports.first(where: { $0.name == export })?.kind else {
        throw fail("\(file): exports no function '\(export)'", .badData)
      }
      do {
        let compiled = try CompiledModule(module)
        let instance = try Instance(compiled, imports: ImportedObjects(), memories: MemoryPool())
        let type = instance.type(of: function)
        let values = try parse(type)
        try instance.applyActiveElements()
        try instance.applyActiveData()
        let machine = Machine()
        if let start = module.start { try machine.invoke(start, of: instance) }
        let results = try machine.invoke(function, of: instance, arguments: values)
        for (bits, type) in zip(results, type.results) { print(format(bits, type)) }
      } catch let error as TranslationError {
        throw fail("\(file): \(error)", .badData)
      } catch let trap as Trap {
        throw fail("\(file): trap: \(trap.message)", .badData)
      }
    }
  }

  private func parse(_ type: FunctionType) throws -> [UInt64] {
    guard arguments.count == type.parameters.count else {
      throw fail("'\(export)' takes \(type.parameters.count) arguments, \(arguments.count) given", .usage)
    }
    return try zip(arguments, type.parameters).map { text, type in
      guard let bits = parse(text, type) else { throw fail("'\(text)' is no \(type)", .usage) }
      return bits
    }
  }

  private func parse(_ text: String, _ type: ValueType) -> UInt64? {
    switch type {
    case .i32: integer(text, Int32.self, UInt32.self).map(UInt64.init)
    case .i64: integer(text, Int64.self, UInt64.self)
    case .f32:
      text.hasPrefix("bits:")
        ? integer(String(text.dropFirst(5)), Int32.self, UInt32.self).map(UInt64.init)
        : Float(text).map { UInt64($0.bitPattern) }
    case .f64:
      text.hasPrefix("bits:")
        ? integer(String(text.dropFirst(5)), Int64.self, UInt64.self) : Double(text).map(\.bitPattern)
    case .v128, .funcref, .externref: text == "null" && type != .v128 ? 0 : nil
    }
  }

  /// A number in the range of either type, as the unsigned one.
  private func integer<Signed: FixedWidthInteger, Unsigned: FixedWidthInteger>(
    _ text: String, _: Signed.Type, _: Unsigned.Type
  ) -> Unsigned? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? String(text.dropFirst()) : text
    let isHex = digits.lowercased().hasPrefix("0x")
    let number = isHex ? String(digits.dropFirst(2)) : digits
    if isNegative { return Signed("-" + number, radix: isHex ? 16 : 10).map { Unsigned(truncatingIfNeeded: $0) } }
    return Unsigned(number, radix: isHex ? 16 : 10)
  }

  private func format(_ bits: UInt64, _ type: ValueType) -> String {
    switch type {
    case .i32: "i32:\(Int32(truncatingIfNeeded: bits))"
    case .i64: "i64:\(Int64(bitPattern: bits))"
    case .f32: "f32:\(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))"
    case .f64: "f64:\(Double(bitPattern: bits))"
    case .v128: "v128"
    case .funcref: bits == 0 ? "funcref:null" : "funcref"
    case .externref: bits == 0 ? "externref:null" : "externref:\(bits)"
    }
  }
}
