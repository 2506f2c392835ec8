// A small language for writing Wasm bodies in Swift, used by `InjectedFunctions`. Expressions emit their instructions
// as they are evaluated: Swift evaluates operands before the operator and from left to right, which is the order of
// stack code, so `offset.value + length.value` emits `local.get`, `local.get`, `i64.add`. No tree is built.

import Wasm

/// A width of integers, with the opcodes of its operations.
protocol Width {
  associatedtype Literal: FixedWidthInteger & SignedInteger
  static var type: ValueType { get }
  static var add: Opcode { get }
  static var subtract: Opcode { get }
  static var multiply: Opcode { get }
  static var shiftRight: Opcode { get }
  static var and: Opcode { get }
  static var or: Opcode { get }
  static var equal: Opcode { get }
  static var isZero: Opcode { get }
  static var lessSigned: Opcode { get }
  static var greaterSigned: Opcode { get }
  static var less: Opcode { get }
  static var lessOrEqual: Opcode { get }
  static var greater: Opcode { get }
  static var greaterOrEqual: Opcode { get }
  static func constant(_ value: Literal) -> Instruction
}

enum Width32: Width {
  static var type: ValueType { .i32 }
  static var add: Opcode { .i32Add }
  static var subtract: Opcode { .i32Sub }
  static var multiply: Opcode { .i32Mul }
  static var shiftRight: Opcode { .i32ShrU }
  static var and: Opcode { .i32And }
  static var or: Opcode { .i32Or }
  static var equal: Opcode { .i32Eq }
  static var isZero: Opcode { .i32Eqz }
  static var lessSigned: Opcode { .i32LtS }
  static var greaterSigned: Opcode { .i32GtS }
  static var less: Opcode { .i32LtU }
  static var lessOrEqual: Opcode { .i32LeU }
  static var greater: Opcode { .i32GtU }
  static var greaterOrEqual: Opcode { .i32GeU }
  static func constant(_ value: Int32) -> Instruction { .i32(value) }
}

enum Width64: Width {
  static var type: ValueType { .i64 }
  static var add: Opcode { .i64Add }
  static var subtract: Opcode { .i64Sub }
  static var multiply: Opcode { .i64Mul }
  static var shiftRight: Opcode { .i64ShrU }
  static var and: Opcode { .i64And }
  static var or: Opcode { .i64Or }
  static var equal: Opcode { .i64Eq }
  static var isZero: Opcode { .i64Eqz }
  static var lessSigned: Opcode { .i64LtS }
  static var greaterSigned: Opcode { .i64GtS }
  static var less: Opcode { .i64LtU }
  static var lessOrEqual: Opcode { .i64LeU }
  static var greater: Opcode { .i64GtU }
  static var greaterOrEqual: Opcode { .i64GeU }
  static func constant(_ value: Int64) -> Instruction { .i64(value) }
}

/// A value that the code has just pushed. Comparisons are unsigned unless they say otherwise.
struct Pushed<Size: Width> {
  unowned(unsafe) let code: BodyBuilder

  private func then(_ opcode: Opcode) -> Self {
    code.emit(opcode)
    return self
  }
  private func test(_ opcode: Opcode) -> Pushed<Width32> {
    code.emit(opcode)
    return Pushed<Width32>(code: code)
  }
  private func push(_ literal: Size.Literal) -> Self {
    code.emit(Size.constant(literal))
    return self
  }

  static func + (left: Self, right: Self) -> Self { right.then(Size.add) }
  static func + (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.add) }
  static func - (left: Self, right: Self) -> Self { right.then(Size.subtract) }
  static func - (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.subtract) }
  static func * (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.multiply) }
  static func >> (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.shiftRight) }
  static func & (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.and) }
  static func | (left: Self, right: Size.Literal) -> Self { left.push(right).then(Size.or) }

  static func == (left: Self, right: Self) -> Pushed<Width32> { right.test(Size.equal) }
  static func == (left: Self, right: Size.Literal) -> Pushed<Width32> { left.push(right).test(Size.equal) }
  static func < (left: Self, right: Self) -> Pushed<Width32> { right.test(Size.less) }
  static func <= (left: Self, right: Self) -> Pushed<Width32> { right.test(Size.lessOrEqual) }
  static func > (left: Self, right: Self) -> Pushed<Width32> { right.test(Size.greater) }
  static func > (left: Self, right: Size.Literal) -> Pushed<Width32> { left.push(right).test(Size.greater) }
  static func >= (left: Self, right: Self) -> Pushed<Width32> { right.test(Size.greaterOrEqual) }
  var isZero: Pushed<Width32> { test(Size.isZero) }
  var isNegative: Pushed<Width32> { push(0).test(Size.lessSigned) }
  func isGreaterSigned(than right: Self) -> Pushed<Width32> { right.test(Size.greaterSigned) }
}

extension Pushed<Width32> {
  /// The value zero-extended.
  var extended: Pushed<Width64> {
    code.emit(.i64ExtendI32U)
    return Pushed<Width64>(code: code)
  }
}

extension Pushed<Width64> {
  /// The low 32 bits.
  var wrapped: Pushed<Width32> {
    code.emit(.i32WrapI64)
    return Pushed<Width32>(code: code)
  }
}

/// A local or global variable.
struct Variable<Size: Width> {
  unowned(unsafe) let code: BodyBuilder
  fileprivate let get: Instruction
  fileprivate let set: Instruction
  /// nil for globals, which have no `tee`.
  fileprivate let tee: Instruction?

  /// Pushes the variable.
  var value: Pushed<Size> {
    code.emit(get)
    return Pushed(code: code)
  }

  /// Pops the value into the variable.
  func assign(_ value: Pushed<Size>) { code.emit(set) }

  /// Copies the value into the variable and leaves it pushed.
  func assigning(_ value: Pushed<Size>) -> Pushed<Size> {
    if let tee {
      code.emit(tee)
      return value
    }
    code.emit(set)
    return self.value
  }
}

/// An argument of a function that exists in a 32- and a 64-bit form.
enum Argument {
  case narrow(Variable<Width32>)
  case wide(Variable<Width64>)

  /// Pushes the argument as i64.
  var wide: Pushed<Width64> {
    switch self {
    case .narrow(let variable): variable.value.extended
    case .wide(let variable): variable.value
    }
  }

  /// Pushes the argument as i32; of a 64-bit one the low half.
  var narrow: Pushed<Width32> {
    switch self {
    case .narrow(let variable): variable.value
    case .wide(let variable): variable.value.wrapped
    }
  }

  /// Pushes the argument as an address or size of a memory of the given width.
  func push(is64Bit: Bool) {
    if is64Bit { _ = wide } else { _ = narrow }
  }
}

/// Collects the instructions of one body.
///
/// What the expressions pass around refers to it without counting references, and its properties are not checked for
/// exclusive access: both would cost more than all else here. The one who calls `finish` owns it until then.
final class BodyBuilder {
  @exclusivity(unchecked) private var instructions: [Instruction] = []
  @exclusivity(unchecked) private var locals: [LocalGroup] = []
  @exclusivity(unchecked) private var nextLocal: Int

  init(parameters: Int) {
    nextLocal = parameters
    instructions.reserveCapacity(128)
    locals.reserveCapacity(4)
  }

  func emit(_ instruction: Instruction) { instructions.append(instruction) }
  func emit(_ opcode: Opcode) { instructions.append(Instruction(opcode)) }

  // MARK: Variables and constants

  func parameter<Size: Width>(_ number: Int, _: Size.Type) -> Variable<Size> { variable(LocalIndex(number)) }

  func local<Size: Width>(_: Size.Type) -> Variable<Size> {
    defer { nextLocal += 1 }
    if let last = locals.last, last.type == Size.type {
      locals[locals.count - 1].count += 1
    } else {
      locals.append(LocalGroup(count: 1, type: Size.type))
    }
    return variable(LocalIndex(nextLocal))
  }

  private func variable<Size: Width>(_ local: LocalIndex) -> Variable<Size> {
    Variable(code: self, get: .get(local), set: .set(local), tee: .tee(local))
  }

  func global(_ index: GlobalIndex) -> Variable<Width64> {
    Variable(code: self, get: .get(index), set: .set(index), tee: nil)
  }

  func i32(_ value: Int32) -> Pushed<Width32> {
    emit(.i32(value))
    return Pushed(code: self)
  }

  func i64(_ value: Int64) -> Pushed<Width64> {
    emit(.i64(value))
    return Pushed(code: self)
  }

  // MARK: Memory

  func size(of memory: MemoryIndex) -> Pushed<Width64> {
    emit(Instruction(.memorySize, .memory(memory)))
    return Pushed(code: self)
  }

  func loadByte(of memory: MemoryIndex, at address: Pushed<Width32>) -> Pushed<Width32> {
    emit(Instruction(.i32Load8U, .memoryAccess(MemoryAccess(alignment: 0, offset: 0, memory: memory))))
    return Pushed(code: self)
  }

  func storeByte(_ value: Pushed<Width32>, in memory: MemoryIndex, at address: Pushed<Width32>) {
    emit(Instruction(.i32Store8, .memoryAccess(MemoryAccess(alignment: 0, offset: 0, memory: memory))))
  }

  // MARK: Control

  func `return`() { emit(.return) }

  func `if`(_ condition: Pushed<Width32>, then: () -> Void) {
    emit(Instruction(.if, .block(.empty)))
    then()
    emit(.end)
  }

  func `if`(_ condition: Pushed<Width32>, then: () -> Void, else otherwise: () -> Void) {
    emit(Instruction(.if, .block(.empty)))
    then()
    emit(.else)
    otherwise()
    emit(.end)
  }

  /// Runs `body` at least once and again as long as the value that it pushes is not zero.
  func `repeat`(_ body: () -> Pushed<Width32>) {
    emit(Instruction(.loop, .block(.empty)))
    _ = body()
    emit(Instruction(.brIf, .label(0)))
    emit(.end)
  }

  /// The finished body.
  func finish() -> FunctionBody {
    emit(.end)
    return FunctionBody(locals: locals, instructions: instructions)
  }
}
