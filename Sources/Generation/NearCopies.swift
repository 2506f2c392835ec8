// Turns a finished module into another one that differs from it in one place: who takes the two for the same, by their
// length, their beginning or a part of their contents, runs the wrong one. Used for second modules.

import Canister
import Wasm

extension ModuleGenerator {
  /// Changes something that the rest of the module does not rely on; where there is none of the kind drawn, nothing.
  mutating func changeLittle() {
    isNearCopy = true
    if let names = module.names, choices.chance(1, of: 3) { return changeName(in: names) }
    switch choices.draw(below: 4) {
    case 0: changeConstant()
    case 1: changeData()
    case 2: changeGlobal()
    default: exchangeMethods()
    }
  }

  /// Other bits of a number that decides nothing but what is stored: addresses and conditions are integers.
  private mutating func changeConstant() {
    // Nobody calls the functions of the crowd.
    let bodies = module.functions.indices.dropFirst(crowd).filter { !Self.floats(module.functions[$0]).isEmpty }
    if bodies.isEmpty { return }
    let function = choices.element(of: bodies)
    let position = choices.element(of: Self.floats(module.functions[function]))
    let flipped: UInt64 = 1 << choices.draw(below: 20)
    switch module.functions[function].body.instructions[position].immediate {
    case .f32(let bits): setImmediate(.f32(bits ^ UInt32(truncatingIfNeeded: flipped)), function, position)
    case .f64(let bits): setImmediate(.f64(bits ^ flipped), function, position)
    default: break
    }
  }

  private mutating func setImmediate(_ immediate: Immediate, _ function: Int, _ position: Int) {
    module.functions[function].body.instructions[position].immediate = immediate
  }

  private static func floats(_ function: Function) -> [Int] {
    function.body.instructions.indices.filter {
      switch function.body.instructions[$0].opcode {
      case .f32Const, .f64Const: true
      default: false
      }
    }
  }

  /// Another byte in a segment that code initialises from, often in the last, which lies far behind the module's
  /// beginning; else another constant. What is applied once when the module is installed is not the instrumented module's
  /// affair.
  private mutating func changeData() {
    var used = Set<DataIndex>()
    for instruction in module.functions.lazy.flatMap(\.body.instructions) {
      if case .memoryInit(_, let segment) = instruction.immediate { used.insert(segment) }
    }
    let segments = module.data.indices.filter {
      used.contains(DataIndex($0)) && !module.data[$0].bytes.isEmpty && module.data[$0].mode == .passive
    }
    if segments.isEmpty { return changeConstant() }
    let segment = choices.chance(1, of: 2) ? segments[segments.count - 1] : choices.element(of: segments)
    let position = choices.drawIndex(below: module.data[segment].bytes.count)
    module.data[segment].bytes[position] ^= UInt8(1 << choices.draw(below: 8))
  }

  private mutating func changeGlobal() {
    let globals = module.globals.indices.filter { module.globals[$0].initializer.first?.opcode == .i64Const }
    if globals.isEmpty { return }
    let global = choices.element(of: globals)
    if case .i64(let value) = module.globals[global].initializer[0].immediate {
      module.globals[global].initializer[0] = .i64(value ^ 1 << Int64(choices.draw(below: 6)))
    }
  }

  /// Calls a function otherwise in the name section.
  private mutating func changeName(in names: NameSection) {
    if names.functions.isEmpty { return }
    var changed = names
    changed.functions[choices.drawIndex(below: names.functions.count)].name += "'"
    module.replaceNames(changed)
  }

  /// Lets two update methods change names.
  private mutating func exchangeMethods() {
    let methods = entries.indices.filter { entries[$0].kind == .update && !entries[$0].isProbe }
    if methods.count < 2 { return }
    let (one, other) = (methods[0], methods[methods.count - 1])
    let names = [one, other].map { EntryPoint.update.exportName + entries[$0].exports[0].method }
    let places = names.compactMap { name in module.exports.firstIndex { $0.name == name } }
    if places.count < 2 { return }
    let kind = module.exports[places[0]].kind
    module.exports[places[0]].kind = module.exports[places[1]].kind
    module.exports[places[1]].kind = kind
    let exports = entries[one].exports
    entries[one].exports = entries[other].exports
    entries[other].exports = exports
  }
}
