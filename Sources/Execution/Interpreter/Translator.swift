// Validated Wasm → register bytecode, one pass per function. Comes after the validator, whose checks it relies on, and
// before the machine.

import Canister
import Wasm

/// Why a valid module cannot be translated.
public struct TranslationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// In the function index space.
  public let function: FunctionIndex
  /// Position in the function's body; nil where the whole function is meant.
  public let instruction: Int?
  public let reason: String

  public var description: String {
    "function \(function)" + (instruction.map { ", instruction \($0)" } ?? "") + ": \(reason)"
  }
}

/// What the translated code does besides computing.
public struct TranslationOptions: Sendable {
  /// Whether the code counts instructions in `Machine.counter`, as the host lane needs.
  public var countsInstructions = false
  /// Functions from this index on are injected ones: their frames do not count against the call depth.
  public var firstInjectedFunction: FunctionIndex?
  /// Whether the code counts calls, loop iterations and bytes moved at once in `Machine.counter`, as native lanes need:
  /// what instrumentation injects is not metered, and a mistake in it must not keep a lane busy forever.
  public var countsSteps = false
  /// Functions whose calls are reported to the machine's tracer.
  public var tracedFunctions: Set<FunctionIndex> = []

  public init() {}
}

/// Translates the functions of one module.
///
/// Registers of a frame: parameters and locals first, then one per place of the operand stack. A `local.get` or a
/// constant emits nothing; the operand stands for the local or the value until something needs it in its own place. So
/// local reads cost no operation, and most writes change the destination of the operation before.
struct Translator {
  let module: Module
  let spaces: IndexSpaces
  let options: TranslationOptions
  let is64BitHeap: Bool

  var code = CodeBuffer()
  var operands: [Operand] = []
  var controls: [Control] = []
  /// For each local: how many operands stand for it.
  var localUses: [Int32] = []
  /// How many operands stand for locals.
  var localOperands = 0
  /// Registers of parameters, locals and `loopConstants`.
  var localCount = 0
  /// Constants that loops use: they get registers of their own, which the function fills once when it is entered.
  var loopConstants: [UInt64] = []
  /// How many there may be: none in a function without loops.
  var loopConstantCapacity = 0
  /// Loops around the present place.
  var loopDepth = 0
  /// The first register of each local, and the one behind the last; empty where no local is a vector, so that a local's
  /// number is its register.
  var localRegisters: [Int32] = []
  /// Registers of the operand stack.
  var maximumHeight = 0
  /// Values that the function returns, and their registers.
  var resultCount = 0
  var resultSlots = 0
  /// Whether the code at this point cannot be reached; it is skipped.
  var isDead = false
  /// Blocks opened inside skipped code.
  var deadDepth = 0
  var usesNarrowJumps = true
  /// Whether `origins` is wanted: for a disassembly.
  var recordsOrigins = false
  /// For each instruction of the body: the position of the code when its translation began.
  private(set) var origins: [Int] = []
  private var charges: [ChargePoint] = []
  private var labels: [UInt32] = []
  private var isTraced = false
  private var tracedIndex = 0

  init(module: Module, options: TranslationOptions) {
    self.module = module
    spaces = IndexSpaces(module)
    self.options = options
    is64BitHeap = spaces.memories.first?.is64Bit ?? false
  }

  /// The code of one function and the size of its frame.
  struct Output {
    let words: [UInt64]
    /// Registers that the function uses, its results included.
    let frameSize: Int
  }

  /// Largest number of registers in a frame: what a 16-bit field can name.
  static let maximumFrameSize = 65_535

  /// More than most loops use.
  private static let maximumLoopConstants = 16

  /// Translates a defined function.
  ///
  /// - Throws: `TranslationError` when the frame has too many registers.
  mutating func translate(_ position: Int) throws(TranslationError) -> Output {
    usesNarrowJumps = true
    try run(position)
    if code.hasOverflow {
      usesNarrowJumps = false
      try run(position)
    }
    let entry = prependLoopConstants()
    if recordsOrigins { origins = origins.map { $0 + entry } }
    let frameSize = max(localCount + maximumHeight, resultSlots) + 1
    guard frameSize <= Self.maximumFrameSize else {
      throw TranslationError(
        function: FunctionIndex(spaces.importedFunctions + position), instruction: nil,
        reason: "needs \(frameSize) registers; at most \(Self.maximumFrameSize) are supported")
    }
    return Output(words: code.sequencedWords(), frameSize: frameSize)
  }

  private mutating func run(_ position: Int) throws(TranslationError) {
    let function = module.functions[position]
    let type = module.types[function.type.position]
    begin(function, type, index: spaces.importedFunctions + position)
    let body = function.body
    labels = body.labels
    if options.countsInstructions { chargePoints(of: body, is64BitHeap: is64BitHeap, into: &charges) }
    var nextCharge = 0
    for (number, instruction) in body.instructions.enumerated() {
      if recordsOrigins { origins.append(code.position) }
      if options.countsSteps, !isDead {
        if number == 0 { emitStep() }
        if let operand = sizeOperand(of: instruction) { chargeDynamically(operand, shift: Machine.bytesPerStepShift) }
      }
      if options.countsInstructions {
        if !isDead, let operand = sizeOperand(of: instruction) { chargeDynamically(operand) }
        if nextCharge < charges.count, charges[nextCharge].position == number {
          let point = charges[nextCharge]
          nextCharge += 1
          if !isDead { emitCharge(point) }
        }
      }
      if isDead {
        skip(instruction)
      } else {
        translate(instruction)
        if options.countsSteps, instruction.opcode == .loop { emitStep() }
      }
      if localCount + maximumHeight > Self.maximumFrameSize { return }
    }
  }

  private mutating func begin(_ function: Function, _ type: FunctionType, index: Int) {
    code.removeAll()
    operands.removeAll(keepingCapacity: true)
    controls.removeAll(keepingCapacity: true)
    let locals = function.body.locals.reduce(type.parameters.count) { $0 + Int($1.count) }
    localCount = type.parameters.slotCount + function.body.localSlots
    layOutLocals(type.parameters, function.body.locals, hasVectors: localCount > locals)
    loopConstants.removeAll(keepingCapacity: true)
    loopConstantCapacity = function.body.instructions.contains { $0.opcode == .loop } ? Self.maximumLoopConstants : 0
    loopDepth = 0
    origins.removeAll()
    localCount += loopConstantCapacity
    localUses.removeAll(keepingCapacity: true)
    localUses.append(contentsOf: repeatElement(0, count: locals))
    localOperands = 0
    maximumHeight = 0
    resultCount = type.results.count
    resultSlots = type.results.slotCount
    isDead = false
    deadDepth = 0
    charges.removeAll(keepingCapacity: true)
    tracedIndex = index
    isTraced = options.tracedFunctions.contains(FunctionIndex(index))
    controls.append(
      Control(
        kind: .function, base: localCount, height: 0, type: .type(function.type), parameters: 0,
        results: type.results.count))
    if isTraced { code.emit(UInt64(.traceEntry, bc: index)) }
  }

  // MARK: Counting

  /// The operand that a bulk instruction is charged for, and whether it is an i64.
  private func sizeOperand(of instruction: Instruction) -> Operand? {
    switch instruction.opcode {
    case .memoryFill, .memoryCopy, .memoryInit, .tableFill, .tableCopy, .tableInit: operands.last
    default: nil
    }
  }

  /// - Parameter shift: binary logarithm of the bytes or table elements for which 1 is charged.
  private mutating func chargeDynamically(_ operand: Operand, shift: Int = 0) {
    code.emit(UInt64(.chargeDynamic, a: register(of: operand), b: shift))
  }

  private mutating func emitCharge(_ point: ChargePoint) {
    // Costs of one run fit 31 bits: bodies are at most some megabytes long.
    code.emit(UInt64(point.isChecked ? .chargeAndCheck : .charge, bc: Int(point.cost)))
  }

  /// A step of a native lane: one call or one iteration.
  private mutating func emitStep() { code.emit(UInt64(.chargeAndCheck, bc: 1)) }

  // MARK: Leaving the function

  /// Emits the return of the top operands; they stay on the operand stack.
  mutating func emitReturn() {
    if resultSlots == 1, let result = operands.last, !isTraced {
      code.emit(UInt64(.returnOne, a: register(of: result)))
      return
    }
    moveTop(resultCount, to: 0)
    if isTraced { code.emit(UInt64(.traceReturn, bc: tracedIndex)) }
    code.emit(UInt64(.returnNone))
  }

  /// The depths of a `br_table`, the default last.
  func targets(_ range: LabelRange) -> ArraySlice<UInt32> { labels[range.indices] }

  // MARK: Skipping code that cannot be reached

  private mutating func skip(_ instruction: Instruction) {
    switch instruction.opcode {
    case .block, .loop, .if: deadDepth += 1
    case .else where deadDepth == 0: translateElse()
    case .end:
      if deadDepth > 0 { deadDepth -= 1 } else { translateEnd() }
    default: break
    }
  }
}
