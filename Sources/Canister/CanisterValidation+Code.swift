// The part of canister validation that looks into function bodies: their size, their complexity, refused instructions.
// Called by `validateCanister`.

import Wasm

func validateCode(of module: Module, allowances: CanisterAllowances) throws(CanisterValidationError) {
  let needsScan = !allowances.contains(.furtherInstructions)
  for position in module.functions.indices {
    let count = module.functions[position].body.instructions.count
    // No body this short can reach the limit, so nearly all of them need not be looked at.
    if !needsScan && count <= CanisterLimits.functionComplexity / Int(InstructionWeight.largest) { continue }
    let function = FunctionIndex(module.imports.count + position)
    var complexity = 0
    /// The instruction with which the function becomes too complex.
    var surplus: Int?
    for (number, instruction) in module.functions[position].body.instructions.enumerated() {
      if needsScan, let reason = refusal(of: instruction.opcode) {
        throw CanisterValidationError(reason, at: .instruction(function, number: number))
      }
      complexity += Int(InstructionWeight.of(instruction.opcode))
      if complexity > CanisterLimits.functionComplexity, surplus == nil { surplus = number }
    }
    if let surplus {
      throw CanisterValidationError(
        "complexity \(complexity), allowed is \(CanisterLimits.functionComplexity)",
        at: .instruction(function, number: surplus))
    }
    // Not reached while every instruction weighs at least 1 and both limits are equal.
    guard count <= CanisterLimits.functionSize else {
      throw CanisterValidationError(
        "\(count) instructions, allowed are \(CanisterLimits.functionSize)",
        at: .instruction(function, number: CanisterLimits.functionSize))
    }
  }
}

/// Why the IC refuses an instruction; nil if it does not.
private func refusal(of opcode: Opcode) -> String? {
  switch opcode {
  case .tableGrow, .tableSet, .tableFill, .tableCopy, .tableInit: "unsupported instruction \(opcode.row.text)"
  case .returnCall, .returnCallIndirect: "tail calls are not enabled"
  default: nil
  }
}

/// What an instruction adds to the complexity of its function.
/// Source: dfinity/ic `wasm_function_complexity`, `ic_wasm_transform` era; what is not listed there weighs 1.
enum InstructionWeight {
  static let largest: UInt8 = 50

  static func of(_ opcode: Opcode) -> UInt8 { table[opcode.ordinal] }

  private static let table: [UInt8] = Opcode.allCases.map(weight)

  private static func weight(_ opcode: Opcode) -> UInt8 {
    switch opcode {
    case .block, .loop, .if, .br, .brIf, .brTable, .call, .callIndirect, .memoryGrow, .tableGrow: largest
    case .tableGet: 14
    case .refFunc: 8
    case .tableSet: 7
    case .refIsNull: 6
    case .tableFill: 5
    case .f32Neg, .f32Abs, .f64Neg, .f64Abs, .memoryCopy, .tableCopy, .tableInit: 4
    case .f32Copysign, .f64Copysign, .f64Eq, .memoryFill: 3
    case .i32RemU, .i32RemS, .i64RemU, .i64RemS, .i32DivU, .i32DivS, .i64DivU, .i64DivS: 3
    case .i32TruncSatF32S, .i32TruncSatF32U, .i32TruncSatF64S, .i32TruncSatF64U: 3
    case .i64TruncSatF32S, .i64TruncSatF32U, .i64TruncSatF64S, .i64TruncSatF64U: 3
    case .globalGet, .i32Popcnt, .i64Popcnt, .select, .memorySize, .i32WrapI64, .f64PromoteF32: 2
    case .f32Ceil, .f64Ceil, .f32Floor, .f64Floor, .f32Sqrt, .f64Sqrt, .f32Trunc, .f64Trunc: 2
    case .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64: 2
    case .i32Extend8S, .i32Extend16S, .i64Extend8S, .i64Extend16S, .i64Extend32S: 2
    default: familyWeight(opcode)
    }
  }

  /// The weights that whole stretches of the opcode space share.
  private static func familyWeight(_ opcode: Opcode) -> UInt8 {
    switch opcode.rawValue {
    case Opcode.i32Load.rawValue...Opcode.i64Load32U.rawValue: 3
    case Opcode.i32Store.rawValue...Opcode.i64Store32.rawValue: 2
    case Opcode.i32Eqz.rawValue...Opcode.f64Ge.rawValue: 2
    case Opcode.i32TruncF32S.rawValue...Opcode.f64ConvertI64U.rawValue: 5
    default: 1
    }
  }
}
