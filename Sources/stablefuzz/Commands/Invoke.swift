// `stablefuzz invoke`: calls an export of a module without imports.

import ArgumentParser
import Execution
import Wasm

struct Invoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Call an exported function of a module without imports and print its results.",
    discussion: """
      Arguments are numbers, decimal or 0x…; floats also as 'nan' and 'inf', or as bits: 'bits:0x…'. A vector is one \
      number of 128 bits, or its lanes from the lowest on: 'i8x16:1,2,…', 'i16x8:', 'i32x4:', 'i64x2:', 'f32x4:', \
      'f64x2:'. Results are printed as 'type:value', vectors as a number.
      """)

  @Argument(help: ArgumentHelp("A module.", valueName: "file")) var file: String
  @Argument(help: ArgumentHelp("Name of the exported function.", valueName: "export")) var export: String
  @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("Arguments.", valueName: "arg"))
  var arguments: [String] = []

  func run() throws {
    try reportingErrors {
      let module = try loadValidModule(file)
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
        var slots = results[...]
        for type in type.results {
          print(format(Array(slots.prefix(type.slotCount)), type))
          slots = slots.dropFirst(type.slotCount)
        }
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
    return try zip(arguments, type.parameters).flatMap { text, type in
      guard let slots = type == .v128 ? parseVector(text) : parse(text, type).map({ [$0] }) else {
        throw fail("'\(text)' is no \(type)", .usage)
      }
      return slots
    }
  }

  /// The two slots of a vector.
  private func parseVector(_ text: String) -> [UInt64]? {
    guard let colon = text.firstIndex(of: ":") else {
      return integer(text, Int128.self, UInt128.self).map {
        [UInt64(truncatingIfNeeded: $0), UInt64(truncatingIfNeeded: $0 >> 64)]
      }
    }
    let shapes: [String: (width: Int, parse: (String) -> UInt64?)] = [
      "i8x16": (8, { integer($0, Int8.self, UInt8.self).map(UInt64.init) }),
      "i16x8": (16, { integer($0, Int16.self, UInt16.self).map(UInt64.init) }),
      "i32x4": (32, { parse($0, .i32) }), "i64x2": (64, { parse($0, .i64) }),
      "f32x4": (32, { parse($0, .f32) }), "f64x2": (64, { parse($0, .f64) }),
    ]
    let lanes = text[text.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false)
    guard let shape = shapes[String(text[..<colon])], lanes.count * shape.width == 128 else { return nil }
    var slots: [UInt64] = [0, 0]
    for (lane, text) in lanes.enumerated() {
      guard let bits = shape.parse(String(text)) else { return nil }
      slots[lane * shape.width / 64] |= bits << UInt64(lane * shape.width % 64)
    }
    return slots
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
    case .funcref, .externref: text == "null" ? 0 : nil
    case .v128: nil  // Two slots: see `parseVector`.
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

  private func format(_ slots: [UInt64], _ type: ValueType) -> String {
    let bits = slots[0]
    return switch type {
    case .i32: "i32:\(Int32(truncatingIfNeeded: bits))"
    case .i64: "i64:\(Int64(bitPattern: bits))"
    case .f32: "f32:\(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))"
    case .f64: "f64:\(Double(bitPattern: bits))"
    case .v128: "v128:0x\(slots.reversed().map { hex($0) }.joined())"
    case .funcref: bits == 0 ? "funcref:null" : "funcref"
    case .externref: bits == 0 ? "externref:null" : "externref:\(bits)"
    }
  }

  /// All 16 digits.
  private func hex(_ bits: UInt64) -> String {
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
