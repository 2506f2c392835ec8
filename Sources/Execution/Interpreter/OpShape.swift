// How each operation uses the fields of its word and the words behind it: what the disassembler knows of operations.

import Wasm

/// What stands in an operation's fields, in the words of `Op`.
enum OpShape {
  /// `a = op b`
  case unary
  /// `a = b op c`
  case binary
  /// `a = b op immediate c`
  case binaryImmediate
  /// `a = b op (c shifted by the next word)`
  case shifted
  /// `if a op b jump c`, and with an immediate in b
  case compareJump, compareImmediateJump
  /// `jump bc`, `if a jump bc`, `jump by one of the next bc words`
  case jump, conditionalJump, jumpTable
  case load(AddressingMode), store(AddressingMode)
  case wideLoad, wideStore
  case copy, const32, const64, copyBlock, select
  /// Index in bc, a is the result or the operand.
  case indexResult, indexOperand
  /// Arguments from a on, function bc; a table's element b with the next word.
  case call, indirectCall
  case returnNone, returnOne
  case charge, chargeDynamic
  /// a, b, c as named, with two indices in the next word.
  case bulk
  /// Fields as the scalar operations of the kind, with words behind as told in `Op`.
  case vector(words: Int)
  case none

  /// Words behind the operation's own; those of a jump table are counted by its word.
  var operandCount: Int {
    switch self {
    case .shifted, .const64, .select, .indirectCall, .bulk, .load(.indexed), .load(.far),
      .store(.indexed), .store(.far):
      1
    case .wideLoad, .wideStore: 2
    case .vector(let words): words
    default: 0
    }
  }
}

extension Op {
  /// How the operation uses its words.
  var shape: OpShape { Self.shapes[Int(rawValue)] }

  /// Of a sequence, the shape of its first operation, whose word it has.
  private static let shapes: [OpShape] = allCases.map(\.first.computedShape)

  private var computedShape: OpShape {
    if self <= .i64TruncSatF64U {
      return Opcode.numeric(offset: Int(rawValue)).row.signature.operandCount == 1 ? .unary : .binary
    }
    if self <= .i64GeUImmediate { return .binaryImmediate }
    if self <= .i32XorRotl { return .shifted }
    if self <= .branchI64LeU { return .compareJump }
    if self <= .branchI64GeUImmediate { return .compareImmediateJump }
    if self >= .i32Load && self < .i32Store {
      return .load(AddressingMode.allCases[(Int(rawValue) - Int(Op.i32Load.rawValue)) / Self.loadCount])
    }
    if self >= .i32Store && self < .loadWide {
      return .store(AddressingMode.allCases[(Int(rawValue) - Int(Op.i32Store.rawValue)) / Self.storeCount])
    }
    if self >= .v128Load && self <= .f64x2ConvertLowI32x4U {
      return .vector(words: Self.vectorWords(Opcode.vector(offset: Int(rawValue) - Int(Op.v128Load.rawValue))))
    }
    switch self {
    case .branch: return .jump
    case .branchIfNonZero, .branchIfZero: return .conditionalJump
    case .branchTable: return .jumpTable
    case .loadWide: return .wideLoad
    case .storeWide: return .wideStore
    case .vectorLoadWide, .vectorStoreWide: return .vector(words: 3)
    case .v128LoadSum: return .load(.sum)
    case .v128LoadIndexed: return .load(.indexed)
    case .v128LoadFar: return .load(.far)
    case .v128LoadConstant: return .load(.constant)
    case .v128StoreSum: return .store(.sum)
    case .v128StoreIndexed: return .store(.indexed)
    case .v128StoreFar: return .store(.far)
    case .v128StoreConstant: return .store(.constant)
    case .copy, .vectorCopy: return .copy
    case .const32: return .const32
    case .const64: return .const64
    case .copyBlock: return .copyBlock
    case .select, .vectorSelect: return .select
    case .globalGet, .vectorGlobalGet, .refFunc: return .indexResult
    case .globalSet, .vectorGlobalSet: return .indexOperand
    case .call, .callImport, .returnCall, .returnCallImport: return .call
    case .callIndirect, .returnCallIndirect: return .indirectCall
    case .returnNone: return .returnNone
    case .returnOne: return .returnOne
    case .charge, .chargeAndCheck, .traceEntry, .traceReturn: return .charge
    case .chargeDynamic: return .chargeDynamic
    case .unreachable: return .none
    default: return .bulk
    }
  }
}

extension Op {
  /// Words behind a vector operation.
  private static func vectorWords(_ opcode: Opcode) -> Int {
    switch opcode {
    case .v128Const: 2
    case .i8x16Shuffle: 4
    case .v128Bitselect, .v128Load8Lane, .v128Load16Lane, .v128Load32Lane, .v128Load64Lane, .v128Store8Lane,
      .v128Store16Lane, .v128Store32Lane, .v128Store64Lane, .i8x16ReplaceLane, .i16x8ReplaceLane, .i32x4ReplaceLane,
      .i64x2ReplaceLane, .f32x4ReplaceLane, .f64x2ReplaceLane:
      1
    default: 0
    }
  }
}

extension UInt64 {
  /// Words of the operation that begins with this one.
  var wordCount: Int { op == .branchTable ? 1 + bc : op.wordCount }
}

extension Op {
  /// Words of the operation, but for a jump table's.
  fileprivate var wordCount: Int { Self.wordCounts[Int(rawValue)] }

  private static let wordCounts: [Int] = allCases.map { 1 + $0.shape.operandCount }
}
