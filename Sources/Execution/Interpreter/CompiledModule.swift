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
  /// - Throws: `TranslationError` where a function needs more registers than a frame can have.
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
    // Slots that one instruction can push: those of a vector at least.
    let results = module.types.reduce(2) { max($0, $1.results.slotCount) }
    // Most functions are too short to need many registers, whatever they do; only the others are translated now.
    for (position, function) in module.functions.enumerated() {
      let locals = module.types[function.type.position].parameters.slotCount + function.body.localSlots
      let bound = function.body.instructions.count.multipliedReportingOverflow(by: results)
      if bound.overflow || bound.partialValue + locals + results > Translator.maximumFrameSize - 1 {
        _ = try translated(position)
      }
    }
  }

  deinit {
    for function in functions { function?.code.deallocate() }
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
