// Constant expressions of globals, tables and segments: which instructions are constant, and what they leave.
// Called by `ModuleValidator` with the globals that the expression may see.

extension ValidationContext {
  /// Checks that `expression`, which has no final `end`, is constant and leaves exactly one `expected`.
  /// - Parameter visibleGlobals: how many of the globals the expression may read.
  func validateConstant(
    _ expression: [Instruction], is expected: TypeCode, visibleGlobals: Int
  ) throws(WasmError) {
    var stack: [TypeCode] = []
    for instruction in expression {
      switch (instruction.opcode, instruction.immediate) {
      case (.i32Const, .i32): stack.append(ValueType.i32.code)
      case (.i64Const, .i64): stack.append(ValueType.i64.code)
      case (.f32Const, .f32): stack.append(ValueType.f32.code)
      case (.f64Const, .f64): stack.append(ValueType.f64.code)
      case (.v128Const, .v128): stack.append(ValueType.v128.code)
      case (.refNull, .referenceType(let type)):
        guard type.isReference else { throw .invalid("malformed reference type") }
        stack.append(type.code)
      case (.refFunc, .function(let index)):
        _ = try function(index)
        stack.append(ValueType.funcref.code)
      case (.globalGet, .global(let index)):
        guard index.position < visibleGlobals else { throw .invalid("unknown global \(index)") }
        let global = try global(index)
        if global.isMutable { throw .invalid("constant expression required") }
        stack.append(global.value)
      case (.i32Add, .none), (.i32Sub, .none), (.i32Mul, .none):
        try Self.combine(&stack, ValueType.i32.code)
      case (.i64Add, .none), (.i64Sub, .none), (.i64Mul, .none):
        try Self.combine(&stack, ValueType.i64.code)
      default: throw .invalid("constant expression required")
      }
    }
    guard stack.count == 1 else {
      throw .invalid(
        stack.isEmpty
          ? "type mismatch: expected \(typeName(expected)) but the expression leaves nothing"
          : "type mismatch: the expression leaves \(stack.count) values")
    }
    guard stack[0] == expected else {
      throw .invalid("type mismatch: expected \(typeName(expected)), found \(typeName(stack[0]))")
    }
  }

  /// Two operands of one type to one result of that type.
  private static func combine(_ stack: inout [TypeCode], _ type: TypeCode) throws(WasmError) {
    for _ in 0..<2 {
      guard let found = stack.popLast() else {
        throw .invalid("type mismatch: expected \(typeName(type)) but nothing on stack")
      }
      guard found == type else {
        throw .invalid("type mismatch: expected \(typeName(type)), found \(typeName(found))")
      }
    }
    stack.append(type)
  }
}
