// What a plain instruction pops and pushes. Used by the rows of the opcode table and by everything derived from them.

/// The stack effect of an instruction, as a small value without heap storage (up to three operands, at most one result).
///
/// `isSpecial` marks instructions whose effect depends on their immediates or on the module; the validator and the
/// translator have a hand-written rule for each of those. In the `address…` signatures the first operand stands for the
/// index type of the accessed memory and is written as `i32`.
public struct Signature: Equatable, Sendable {
  /// Operands, deepest first; unused places are nil.
  public let operands: (ValueType?, ValueType?, ValueType?)
  /// The pushed type, if any.
  public let result: ValueType?
  /// Number of operands.
  public let operandCount: Int
  /// Whether the effect cannot be read off the row.
  public let isSpecial: Bool

  init(_ operands: ValueType..., to result: ValueType? = nil, isSpecial: Bool = false) {
    self.operands = (
      !operands.isEmpty ? operands[0] : nil, operands.count > 1 ? operands[1] : nil,
      operands.count > 2 ? operands[2] : nil
    )
    self.operandCount = operands.count
    self.result = result
    self.isSpecial = isSpecial
  }

  public static func == (left: Signature, right: Signature) -> Bool {
    left.operands == right.operands && left.result == right.result && left.isSpecial == right.isSpecial
  }

  static let special = Signature(isSpecial: true)
  static let empty = Signature()
  static let none_f32 = Signature(to: .f32)
  static let none_f64 = Signature(to: .f64)
  static let none_i32 = Signature(to: .i32)
  static let none_i64 = Signature(to: .i64)
  static let none_v128 = Signature(to: .v128)
  static let addressF32_none = Signature(.i32, .f32)
  static let addressF64_none = Signature(.i32, .f64)
  static let addressI32_none = Signature(.i32, .i32)
  static let addressI64_none = Signature(.i32, .i64)
  static let addressV128_none = Signature(.i32, .v128)
  static let addressV128_v128 = Signature(.i32, .v128, to: .v128)
  static let address_f32 = Signature(.i32, to: .f32)
  static let address_f64 = Signature(.i32, to: .f64)
  static let address_i32 = Signature(.i32, to: .i32)
  static let address_i64 = Signature(.i32, to: .i64)
  static let address_v128 = Signature(.i32, to: .v128)
  static let f32_f32 = Signature(.f32, to: .f32)
  static let f32_f64 = Signature(.f32, to: .f64)
  static let f32_i32 = Signature(.f32, to: .i32)
  static let f32_i64 = Signature(.f32, to: .i64)
  static let f32_v128 = Signature(.f32, to: .v128)
  static let f32f32_f32 = Signature(.f32, .f32, to: .f32)
  static let f32f32_i32 = Signature(.f32, .f32, to: .i32)
  static let f64_f32 = Signature(.f64, to: .f32)
  static let f64_f64 = Signature(.f64, to: .f64)
  static let f64_i32 = Signature(.f64, to: .i32)
  static let f64_i64 = Signature(.f64, to: .i64)
  static let f64_v128 = Signature(.f64, to: .v128)
  static let f64f64_f64 = Signature(.f64, .f64, to: .f64)
  static let f64f64_i32 = Signature(.f64, .f64, to: .i32)
  static let i32_f32 = Signature(.i32, to: .f32)
  static let i32_f64 = Signature(.i32, to: .f64)
  static let i32_i32 = Signature(.i32, to: .i32)
  static let i32_i64 = Signature(.i32, to: .i64)
  static let i32_v128 = Signature(.i32, to: .v128)
  static let i32i32_i32 = Signature(.i32, .i32, to: .i32)
  static let i64_f32 = Signature(.i64, to: .f32)
  static let i64_f64 = Signature(.i64, to: .f64)
  static let i64_i32 = Signature(.i64, to: .i32)
  static let i64_i64 = Signature(.i64, to: .i64)
  static let i64_v128 = Signature(.i64, to: .v128)
  static let i64i64_i32 = Signature(.i64, .i64, to: .i32)
  static let i64i64_i64 = Signature(.i64, .i64, to: .i64)
  static let v128_f32 = Signature(.v128, to: .f32)
  static let v128_f64 = Signature(.v128, to: .f64)
  static let v128_i32 = Signature(.v128, to: .i32)
  static let v128_i64 = Signature(.v128, to: .i64)
  static let v128_v128 = Signature(.v128, to: .v128)
  static let v128f32_v128 = Signature(.v128, .f32, to: .v128)
  static let v128f64_v128 = Signature(.v128, .f64, to: .v128)
  static let v128i32_v128 = Signature(.v128, .i32, to: .v128)
  static let v128i64_v128 = Signature(.v128, .i64, to: .v128)
  static let v128v128_v128 = Signature(.v128, .v128, to: .v128)
  static let v128v128v128_v128 = Signature(.v128, .v128, .v128, to: .v128)
}
