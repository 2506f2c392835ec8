// Bytecode as text, next to the Wasm it came from: for people who look for what the translator does with a function.

import Wasm

/// A line of a disassembly.
public struct BytecodeLine: Sendable {
  /// Position of the operation's first word in the function's code.
  public let position: Int
  /// The operation in words, registers as `r3`; at the end an arrow for each of the next operations that run with it.
  public let text: String
}

/// The bytecode of a function, with the instructions that each operation was emitted for.
public struct Disassembly: Sendable {
  /// Registers of the frame.
  public let frameSize: Int
  public let lines: [BytecodeLine]
  /// For each instruction of the body: the first position of code emitted for it. An operation that a later one took
  /// along counts for the later one.
  public let origins: [Int]
}

extension CompiledModule {
  /// Translates a defined function and takes its code apart.
  ///
  /// - Parameter position: among the defined functions.
  /// - Throws: `TranslationError` when its frame has too many registers.
  public func disassemble(_ position: Int) throws(TranslationError) -> Disassembly {
    var translator = Translator(module: module, options: options)
    translator.recordsOrigins = true
    let output = try translator.translate(position)
    var lines: [BytecodeLine] = []
    var at = 0
    while at < output.words.count {
      let count = output.words[at].wordCount
      let companions = String(repeating: "↓", count: output.words[at].op.companions)
      lines.append(
        BytecodeLine(
          position: at, text: describe(output.words, at) + (companions.isEmpty ? "" : " " + companions)))
      at += count
    }
    return Disassembly(frameSize: output.frameSize, lines: lines, origins: translator.origins)
  }

  private func describe(_ words: [UInt64], _ at: Int) -> String {
    let word = words[at]
    func operand(_ number: Int) -> UInt64 { words[at + number] }
    func register(_ number: Int) -> String { "r\(number)" }
    func target(_ distance: Int) -> String { "→ \(at + 1 + distance)" }
    let (a, b, c) = (register(word.a), register(word.b), register(word.c))
    func address(_ mode: AddressingMode) -> String {
      switch mode {
      case .near: word.c == 0 ? "[\(b)]" : "[\(b) + \(word.c)]"
      case .sum: "[\(b) ⊕ \(word.signedC)]"
      case .indexed:
        "[\(b) ⊕ \(c)" + (operand(1) >> 32 == 0 ? "" : " << \(operand(1) >> 32)")
          + (operand(1).u32 == 0 ? "]" : " + \(operand(1).u32)]")
      case .far: "[\(b) + \(operand(1))]"
      case .constant: "[\(word >> 32)]"
      }
    }
    let name = "\(word.op.first)"
    return switch word.op.shape {
    case .unary: "\(a) = \(name) \(b)"
    case .binary: "\(a) = \(name) \(b), \(c)"
    case .binaryImmediate: "\(a) = \(name) \(b), \(word.signedC)"
    case .shifted: "\(a) = \(name) \(b), \(c), \(operand(1))"
    case .compareJump: "\(name) \(a), \(b) \(target(word.signedC))"
    case .compareImmediateJump: "\(name) \(a), \(word.signedB) \(target(word.signedC))"
    case .jump: "\(name) \(target(word.bc))"
    case .conditionalJump: "\(name) \(a) \(target(word.bc))"
    case .jumpTable:
      "\(name) \(a) "
        + (0..<word.bc).map { target(Int(truncatingIfNeeded: operand(1 + $0))) }.joined(separator: " ")
    case .load(let mode): "\(a) = \(name) \(address(mode))"
    case .store(let mode): "\(name) \(address(mode)), \(a)"
    case .wideLoad: "\(a) = \(name) kind \(word.c), memory \(operand(2)) [\(b) + \(operand(1))]"
    case .wideStore: "\(name) kind \(word.c), memory \(operand(2)) [\(b) + \(operand(1))], \(a)"
    case .copy: "\(a) = \(b)"
    case .const32: "\(a) = \(word >> 32)"
    case .const64: "\(a) = \(operand(1))"
    case .copyBlock: "\(a)… = \(b)…, \(word.c) registers"
    case .select: "\(a) = \(register(Int(operand(1)))) ? \(b) : \(c)"
    case .indexResult: "\(a) = \(name) \(word.bc)"
    case .indexOperand: "\(name) \(word.bc), \(a)"
    case .call: "\(name) \(word.bc), frame \(a)"
    case .indirectCall: "\(name) \(b), type \(operand(1).u32), table \(operand(1) >> 32), frame \(a)"
    case .returnOne: "\(name) \(a)"
    case .charge: "\(name) \(word.bc)"
    case .chargeDynamic: "\(name) \(a) >> \(b)"
    case .bulk: "\(name) \(a), \(b), \(c), \(operand(1).u32), \(operand(1) >> 32)"
    case .vector(let count):
      "\(name) \(a), \(b), \(c)" + (0..<count).map { ", \(operand(1 + $0))" }.joined()
    case .returnNone, .none: name
    }
  }
}
