// The stack of operand types of the validation algorithm: what the rules pop from and push to.
// Part of `FunctionValidator`, whose loop keeps a copy of it in registers.

/// The operands of the innermost block, and those of the blocks around it below.
///
/// Positions are pointers into storage that the owner reserves: four bytes below the first operand can be read, and
/// there is room for one more operand per byte of code that is left.
struct OperandStack {
  /// One past the topmost operand.
  var top: UnsafeMutablePointer<TypeCode>
  /// Whether the rest of the innermost block cannot be reached: operands of any type may then be missing.
  ///
  /// Stands between the pointers so that they are not loaded together right after one of them was stored, which the
  /// processor has to wait for.
  var isUnreachable = false
  /// Operands below belong to outer blocks.
  var floor: UnsafeMutablePointer<TypeCode>

  init(empty base: UnsafeMutablePointer<TypeCode>) {
    top = base
    floor = base
  }

  @inline(__always)
  mutating func push(_ type: TypeCode) {
    top.pointee = type
    top += 1
  }

  @inline(__always)
  mutating func pop(_ expected: TypeCode) throws(WasmError) {
    if top > floor, (top - 1).pointee == expected {
      top -= 1
    } else {
      try popUnequal(expected)
    }
  }

  /// Pops where the topmost operand is not plainly the expected one.
  @inline(never)
  private mutating func popUnequal(_ expected: TypeCode) throws(WasmError) {
    if top > floor {
      top -= 1
      if top.pointee != 0 { throw Self.mismatch(expected, top.pointee) }
    } else if !isUnreachable {
      throw Self.underflow(expected)
    }
  }

  /// Pops a value of any type; 0 if nothing is known about it.
  @inline(__always)
  mutating func popAny() throws(WasmError) -> TypeCode {
    if top > floor {
      top -= 1
      return top.pointee
    }
    if !isUnreachable { throw Self.underflow(0) }
    return 0
  }

  /// Pops `operands`, laid out like those of the effect, and pushes its result.
  @inline(__always)
  mutating func apply(_ effect: UnsafePointer<StackEffect>, _ operands: UInt32) throws(WasmError) {
    let count = Int(effect.pointee.count)
    let found = UInt32(littleEndian: UnsafeRawPointer(top - 4).loadUnaligned(as: UInt32.self))
    if found & effect.pointee.mask == operands, top - count >= floor {
      top -= count
    } else {
      try popOneByOne(count, operands)
    }
    top.pointee = effect.pointee.result
    top += Int(effect.pointee.pushes)
  }

  /// Pops the topmost operand first, which is the highest byte.
  @inline(never)
  private mutating func popOneByOne(_ count: Int, _ operands: UInt32) throws(WasmError) {
    for place in 0..<count { try pop(TypeCode(truncatingIfNeeded: operands >> UInt32(24 - 8 * place))) }
  }

  /// Drops the operands of the innermost block, whose rest cannot be reached.
  mutating func abandon() {
    top = floor
    isUnreachable = true
  }

  @inline(never)
  static func mismatch(_ expected: TypeCode, _ found: TypeCode) -> WasmError {
    .invalid("type mismatch: expected \(typeName(expected)), found \(typeName(found))")
  }

  @inline(never)
  static func underflow(_ expected: TypeCode) -> WasmError {
    .invalid("type mismatch: expected \(expected == 0 ? "a value" : typeName(expected)) but nothing on stack")
  }
}
