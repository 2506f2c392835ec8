// Pass over functions as wholes: bodies that only return zeros, or only trap.
// What they called goes in the pass over unused parts.

import Wasm

func emptyBodies(_ search: inout Search) {
  replaceBodies(&search) { type in
    FunctionBody(instructions: type.results.map(zero) + [Instruction(.end)])
  }
  // For what is only interesting if the function does not return.
  replaceBodies(&search) { _ in FunctionBody(instructions: [Instruction(.unreachable), Instruction(.end)]) }
}

private func replaceBodies(_ search: inout Search, with empty: (FunctionType) -> FunctionBody) {
  let base = search.best
  var replacements: [(place: FunctionPlace, body: FunctionBody)] = []
  for place in base.functions {
    let module = base.parts[place.part].module
    let type = module.functions[place.position].type
    guard module.types.indices.contains(type.position) else { continue }
    let body = empty(module.types[type.position])
    // A body that is as short already would only change its form.
    if base[place].instructions.count > body.instructions.count { replacements.append((place, body)) }
  }
  search.reduce(replacements.count) { isChosen in
    var candidate = base
    for (position, replacement) in replacements.enumerated() where isChosen[position] {
      candidate[replacement.place] = replacement.body
    }
    return candidate
  }
}

/// The instruction that makes the zero of a type.
func zero(_ type: ValueType) -> Instruction {
  switch type {
  case .i32: .i32(0)
  case .i64: .i64(0)
  case .f32: Instruction(.f32Const, .f32(0))
  case .f64: Instruction(.f64Const, .f64(0))
  case .v128: Instruction(.v128Const, .v128(V128(low: 0, high: 0)))
  case .funcref, .externref: Instruction(.refNull, .referenceType(type))
  }
}
