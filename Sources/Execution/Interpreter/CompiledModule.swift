// A module ready to be instantiated: functions are translated when they are first called, since most functions of a real
// canister never run.

import Wasm

/// A validated module and its bytecode. Used by one thread at a time.
public final class CompiledModule {
  public let module: Module
  public let options: TranslationOptions
  let spaces: IndexSpaces
  /// Where each type first appears among the module's types, so that equal types compare as equal numbers.
  let canonicalTypes: [UInt32]
  private var translator: Translator
  private var functions: [TranslatedFunction?]

  /// The bytecode of a function.
  struct TranslatedFunction {
    let code: UnsafeMutableBufferPointer<UInt64>
    let frameSize: Int32
  }

  /// Prepares a valid module.
  ///
  /// - Throws: `TranslationError` where a function uses vectors or needs more registers than a frame can have.
  public init(_ module: Module, options: TranslationOptions = TranslationOptions()) throws(TranslationError) {
    self.module = module
    self.options = options
    spaces = IndexSpaces(module)
    translator = Translator(module: module, options: options)
    functions = Array(repeating: nil, count: module.functions.count)
    var firstUses: [FunctionType: UInt32] = [:]
    canonicalTypes = module.types.enumerated().map { position, type in
      let first = firstUses[type] ?? UInt32(position)
      firstUses[type] = first
      return first
    }
    try checkVectors()
    let results = module.types.reduce(1) { max($0, $1.results.count) }
    // Most functions are too short to need many registers, whatever they do; only the others are translated now.
    for (position, function) in module.functions.enumerated() {
      let parameters = module.types[function.type.position].parameters.count
      let locals = function.body.locals.reduce(parameters) { $0 + Int($1.count) }
      let bound = function.body.instructions.count.multipliedReportingOverflow(by: results)
      if bound.overflow || bound.partialValue + locals + results > Translator.maximumFrameSize - 1 {
        _ = try translated(position)
      }
    }
  }

  deinit {
    for function in functions { function?.code.deallocate() }
  }

  private func checkVectors() throws(TranslationError) {
    for (position, function) in module.functions.enumerated() {
      for (number, instruction) in function.body.instructions.enumerated()
      where instruction.opcode.rawValue >> 8 == 0xFD {
        throw TranslationError(
          function: FunctionIndex(spaces.importedFunctions + position), instruction: number,
          reason: "\(instruction.opcode.row.text): vector instructions are not executed")
      }
      let types = module.types[function.type.position]
      let locals = function.body.locals.lazy.map(\.type)
      if types.parameters.contains(.v128) || types.results.contains(.v128) || locals.contains(.v128) {
        throw TranslationError(
          function: FunctionIndex(spaces.importedFunctions + position), instruction: nil,
          reason: "v128 values are not executed")
      }
    }
    if spaces.globals.contains(where: { $0.value == .v128 }) {
      throw TranslationError(
        function: FunctionIndex(0 as UInt32), instruction: nil, reason: "v128 globals are not executed")
    }
  }

  /// Translates all functions that were not yet.
  public func translateAll() throws(TranslationError) {
    for position in functions.indices { _ = try translated(position) }
  }

  /// The bytecode of a defined function, translated now if it was not yet.
  func translated(_ position: Int) throws(TranslationError) -> TranslatedFunction {
    if let function = functions[position] { return function }
    let output = try translator.translate(position)
    let code = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: output.words.count)
    _ = code.initialize(from: output.words)
    let function = TranslatedFunction(code: code, frameSize: Int32(output.frameSize))
    functions[position] = function
    return function
  }
}
