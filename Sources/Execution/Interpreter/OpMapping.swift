// How Wasm opcodes map to operations of the bytecode, and operations to their immediate, swapped, inverted and branching
// forms. Computed once from the order of the cases, so that no list of pairs has to be kept.

import Wasm

/// A comparison as the translator holds it back, to fuse it with the branch that follows.
enum Comparison: Int {
  case equal, notEqual, lessS, lessU, greaterS, greaterU, lessOrEqualS, lessOrEqualU, greaterOrEqualS, greaterOrEqualU

  /// The comparison that is true where this one is false.
  var inverted: Comparison {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .lessS: .greaterOrEqualS
    case .lessU: .greaterOrEqualU
    case .greaterS: .lessOrEqualS
    case .greaterU: .lessOrEqualU
    case .lessOrEqualS: .greaterS
    case .lessOrEqualU: .greaterU
    case .greaterOrEqualS: .lessS
    case .greaterOrEqualU: .lessU
    }
  }

  /// The comparison with its operands exchanged.
  var swapped: Comparison {
    switch self {
    case .equal, .notEqual: self
    case .lessS: .greaterS
    case .lessU: .greaterU
    case .greaterS: .lessS
    case .greaterU: .lessU
    case .lessOrEqualS: .greaterOrEqualS
    case .lessOrEqualU: .greaterOrEqualU
    case .greaterOrEqualS: .lessOrEqualS
    case .greaterOrEqualU: .lessOrEqualU
    }
  }

  /// Position among the six register forms of branches; nil for the four that are written with exchanged operands.
  var registerBranch: Int? {
    switch self {
    case .equal: 0
    case .notEqual: 1
    case .lessS: 2
    case .lessU: 3
    case .lessOrEqualS: 4
    case .lessOrEqualU: 5
    case .greaterS, .greaterU, .greaterOrEqualS, .greaterOrEqualU: nil
    }
  }
}

/// An operation that has a form with a shifted second operand.
enum ShiftedForm: Int { case add, sub, and, or, xor }

/// A shift of a second operand.
enum ShiftForm: Int, CaseIterable { case shl, shrU, rotl }

extension Op {
  private init(offset: Int, from first: Op) { self = unsafeBitCast(first.rawValue + UInt16(offset), to: Op.self) }

  private func offset(from first: Op) -> Int { Int(rawValue) - Int(first.rawValue) }

  /// The operation of a numeric Wasm opcode: both enums list them in the same order, but that the four constants stand
  /// before them there.
  init(numeric opcode: Opcode) { self.init(offset: opcode.ordinal - Opcode.i32Eqz.ordinal, from: .i32Eqz) }

  /// Scalar loads and stores of Wasm, which is how many operations each addressing mode has.
  static let loadCount = Opcode.i64Load32U.ordinal - Opcode.i32Load.ordinal + 1
  static let storeCount = Opcode.i64Store32.ordinal - Opcode.i32Store.ordinal + 1

  /// The operation of a scalar load (memory 0).
  init(load opcode: Opcode, _ mode: AddressingMode) {
    self.init(offset: mode.rawValue * Self.loadCount + opcode.ordinal - Opcode.i32Load.ordinal, from: .i32Load)
  }

  /// The operation of a scalar store (memory 0).
  init(store opcode: Opcode, _ mode: AddressingMode) {
    self.init(offset: mode.rawValue * Self.storeCount + opcode.ordinal - Opcode.i32Store.ordinal, from: .i32Store)
  }

  /// The operation of a vector opcode (memory 0, 32-bit address).
  init(vector opcode: Opcode) { self.init(offset: opcode.ordinal - Opcode.v128Load.ordinal, from: .v128Load) }

  /// The operation of `form` with its second operand shifted.
  init(_ form: ShiftedForm, _ shift: ShiftForm) {
    self.init(offset: form.rawValue * ShiftForm.allCases.count + shift.rawValue, from: .i32AddShl)
  }

  /// The form in which the second operand is shifted, if there is one.
  var shiftedForm: ShiftedForm? {
    switch self {
    case .i32Add: .add
    case .i32Sub: .sub
    case .i32And: .and
    case .i32Or: .or
    case .i32Xor: .xor
    default: nil
    }
  }

  /// The shift that a shift by an immediate applies.
  var shiftForm: ShiftForm? {
    switch self {
    case .i32ShlImmediate: .shl
    case .i32ShrUImmediate: .shrU
    case .i32RotlImmediate: .rotl
    default: nil
    }
  }

  /// `v128.load` in an addressing mode.
  init(v128Load mode: AddressingMode) {
    self = mode == .near ? .v128Load : Op(offset: mode.rawValue - 1, from: .v128LoadSum)
  }

  /// `v128.store` in an addressing mode.
  init(v128Store mode: AddressingMode) {
    self = mode == .near ? .v128Store : Op(offset: mode.rawValue - 1, from: .v128StoreSum)
  }

  /// The comparison that a two-operand integer comparison computes, and whether of 64-bit operands.
  var comparison: (Comparison, is64Bit: Bool)? {
    if self >= .i32Eq && self <= .i32GeU { return Comparison(rawValue: offset(from: .i32Eq)).map { ($0, false) } }
    if self >= .i64Eq && self <= .i64GeU { return Comparison(rawValue: offset(from: .i64Eq)).map { ($0, true) } }
    return nil
  }

  /// The two-operand comparison with an immediate on the right.
  init(immediate comparison: Comparison, is64Bit: Bool) {
    self.init(offset: comparison.rawValue, from: is64Bit ? .i64EqImmediate : .i32EqImmediate)
  }

  /// The comparison of an immediate form.
  var immediateComparison: (Comparison, is64Bit: Bool)? {
    if self >= .i32EqImmediate && self <= .i32GeUImmediate {
      return Comparison(rawValue: offset(from: .i32EqImmediate)).map { ($0, false) }
    }
    if self >= .i64EqImmediate && self <= .i64GeUImmediate {
      return Comparison(rawValue: offset(from: .i64EqImmediate)).map { ($0, true) }
    }
    return nil
  }

  /// The branch that compares two registers.
  init(branchOn register: Int, is64Bit: Bool) {
    self.init(offset: register, from: is64Bit ? .branchI64Eq : .branchI32Eq)
  }

  /// The branch that compares a register with an immediate.
  init(branchOnImmediate comparison: Comparison, is64Bit: Bool) {
    self.init(offset: comparison.rawValue, from: is64Bit ? .branchI64EqImmediate : .branchI32EqImmediate)
  }

  /// The form of an arithmetic operation with an immediate on the right, if there is one.
  var immediateForm: Op? {
    switch self {
    case .i32Add: .i32AddImmediate
    case .i32Sub: .i32SubImmediate
    case .i32Mul: .i32MulImmediate
    case .i32And: .i32AndImmediate
    case .i32Or: .i32OrImmediate
    case .i32Xor: .i32XorImmediate
    case .i32Shl: .i32ShlImmediate
    case .i32ShrS: .i32ShrSImmediate
    case .i32ShrU: .i32ShrUImmediate
    case .i32Rotl: .i32RotlImmediate
    case .i64Add: .i64AddImmediate
    case .i64Sub: .i64SubImmediate
    case .i64Mul: .i64MulImmediate
    case .i64And: .i64AndImmediate
    case .i64Or: .i64OrImmediate
    case .i64Xor: .i64XorImmediate
    case .i64Shl: .i64ShlImmediate
    case .i64ShrS: .i64ShrSImmediate
    case .i64ShrU: .i64ShrUImmediate
    case .i64Rotl: .i64RotlImmediate
    default: nil
    }
  }

  /// Whether the result has the bits of the operand: a register says nothing of types, and holds an i32 zero-extended.
  var isIdentity: Bool {
    switch self {
    case .i64ExtendI32U, .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64: true
    default: false
    }
  }

  /// Whether operands may be exchanged.
  var isCommutative: Bool {
    switch self {
    case .i32Add, .i32Mul, .i32And, .i32Or, .i32Xor, .i64Add, .i64Mul, .i64And, .i64Or, .i64Xor: true
    default: false
    }
  }
}

extension Opcode {
  /// The numeric instruction whose operation is the `offset`-th.
  static func numeric(offset: Int) -> Opcode { allCases[i32Eqz.ordinal + offset] }

  /// The vector instruction whose operation is the `offset`-th.
  static func vector(offset: Int) -> Opcode { allCases[v128Load.ordinal + offset] }

  /// Name of the operation that executes a numeric or vector instruction, load or store; nil for all others. For the
  /// test that both enums list them in the same order.
  package var operationName: String? {
    switch ordinal {
    case Opcode.i32Load.ordinal...Opcode.i64Load32U.ordinal: "\(Op(load: self, .near))"
    case Opcode.i32Store.ordinal...Opcode.i64Store32.ordinal: "\(Op(store: self, .near))"
    case Opcode.i32Eqz.ordinal...Opcode.i64TruncSatF64U.ordinal: "\(Op(numeric: self))"
    case Opcode.v128Load.ordinal...: "\(Op(vector: self))"
    default: nil
    }
  }
}

extension Op: Comparable {
  static func < (left: Op, right: Op) -> Bool { left.rawValue < right.rawValue }
}
