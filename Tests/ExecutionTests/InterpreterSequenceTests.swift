// Sequences of operations that run together: each case here must use one, and do what its operations do on their own.

import Execution
import Testing
import Wasm

/// Runs the first function of a module in text form.
///
/// - Parameter companions: how many operations of its code run along with the one before them.
private func results(companions: Int, _ text: String, _ arguments: UInt64...) throws -> [UInt64] {
  let module = try parseText(Array("(module (memory 1) \(text))".utf8))
  try validate(module)
  let compiled = try CompiledModule(module)
  let arrows = try compiled.disassemble(0).lines.reduce(0) { $0 + $1.text.filter { $0 == "↓" }.count }
  #expect(arrows == companions)
  let instance = try Instance(compiled, imports: ImportedObjects(), memories: MemoryPool())
  return try Machine().invoke(FunctionIndex(0), of: instance, arguments: arguments)
}

@Suite struct InterpreterSequenceTests {
  @Test func aJumpMayLeadIntoASequence() throws {
    // Both additions run together when they are come to, and the second one alone from then on.
    let text = """
      (func (param i32 i32) (result i32)
        (local.set 0 (i32.add (local.get 0) (i32.const 100)))
        (loop
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.get 0) (local.get 1))))
        (local.get 0))
      """
    #expect(try results(companions: 2, text, 5, 120) == [120])
    #expect(try results(companions: 2, text, 5, 7) == [106])
  }

  @Test func aResultGoesOnAsEitherOperand() throws {
    func bits(_ text: String) throws -> Double {
      Double(
        bitPattern: try results(
          companions: 1, "(func (param f64 f64 f64) (result f64) \(text))", (3.0).bitPattern, (5.0).bitPattern,
          (7.0).bitPattern)[0])
    }
    let product = "(f64.mul (local.get 0) (local.get 1))"
    #expect(try bits("(f64.add \(product) (local.get 2))") == 22)
    #expect(try bits("(f64.add (local.get 2) \(product))") == 22)
    #expect(try bits("(f64.sub (local.get 2) \(product))") == -8)
    let xor = "(i32.xor (local.get 0) (local.get 1))"
    for sum in ["(i32.add \(xor) (local.get 2))", "(i32.add (local.get 2) \(xor))"] {
      // The addition runs with the return, too, where a jump leads to it.
      #expect(try results(companions: 2, "(func (param i32 i32 i32) (result i32) \(sum))", 12, 10, .max >> 32) == [5])
    }
  }

  @Test func aResultGoesOnOnlyWhereItIsTaken() throws {
    // The product is what is subtracted from, which the sequence cannot take: there is none.
    let difference = "(f64.sub (f64.mul (local.get 0) (local.get 1)) (local.get 2))"
    #expect(
      try results(
        companions: 0, "(func (param f64 f64 f64) (result f64) \(difference))", (3.0).bitPattern, (5.0).bitPattern,
        (7.0).bitPattern) == [(8.0).bitPattern])
    // What is shifted is another value than what it is combined with.
    let shifts = """
      (func (param i32 i32) (result i32)
        (local.set 0 (i32.xor (local.get 0) (i32.shl (local.get 0) (i32.const 4))))
        (i32.xor (local.get 0) (i32.shr_u (local.get 1) (i32.const 8))))
      """
    #expect(try results(companions: 0, shifts, 1, 0x200) == [0x13])
    let generator = """
      (func (param i32) (result i32)
        (local.set 0 (i32.xor (local.get 0) (i32.shl (local.get 0) (i32.const 13))))
        (local.set 0 (i32.xor (local.get 0) (i32.shr_u (local.get 0) (i32.const 17))))
        (local.set 0 (i32.xor (local.get 0) (i32.shl (local.get 0) (i32.const 5))))
        (local.get 0))
      """
    #expect(try results(companions: 2, generator, 1) == [270_369])
  }

  @Test func aNaNOnItsWayStaysCanonical() throws {
    let text = "(func (param f64 f64) (result f64) (f64.add (local.get 0) (f64.mul (local.get 0) (local.get 1))))"
    let infinity = Double.infinity.bitPattern
    #expect(try results(companions: 1, text, infinity, 0) == [0x7FF8_0000_0000_0000])
    #expect(try results(companions: 1, text, 0xFFF4_0000_0000_0001, infinity) == [0x7FF8_0000_0000_0000])
  }

  @Test func aStoreWithinASequenceSavesItsPage() throws {
    let text = """
      (func (export "write") (param i32 i32) (result i32)
        (i32.store (i32.add (local.get 0) (local.get 0)) (local.get 1))
        (i32.store offset=4 (local.get 0) (local.get 1))
        (local.set 0 (i32.load (local.get 0)))
        (local.get 0))
      """
    let module = try parseText(Array("(module (memory (export \"memory\") 1) \(text))".utf8))
    try validate(module)
    let instance = try Instance(CompiledModule(module), imports: ImportedObjects(), memories: MemoryPool())
    #expect(try Machine().invoke(FunctionIndex(0), of: instance, arguments: [0, 9]) == [9])
    let memory = try #require(instance.memories.first)
    #expect(try Array(memory.bytes(at: 0, count: 8)) == [9, 0, 0, 0, 9, 0, 0, 0])
    memory.rollback()
    #expect(try Array(memory.bytes(at: 0, count: 8)) == Array(repeating: 0, count: 8))
  }

  @Test func anAccessWithinASequenceTraps() throws {
    let text = "(func (param i32) (result i32) (i32.load offset=4 (i32.shl (local.get 0) (i32.const 2))))"
    #expect(try results(companions: 1, text, 16_382) == [0])
    #expect(throws: Trap.memoryOutOfBounds) { try results(companions: 1, text, 16_383) }
  }

  @Test func conversionsThatKeepBitsKeepThem() throws {
    let text = """
      (func (param i32 i64) (result i64)
        (i64.add
          (i64.extend_i32_u (i32.sub (local.get 0) (i32.const 1)))
          (i64.extend_i32_u (i32.and (i32.wrap_i64 (local.get 1)) (i32.const 255)))))
      """
    #expect(try results(companions: 0, text, 0, 0xABCD_1234_0000_0101) == [0x1_0000_0000])
    let sum = "(i64.add (i64.extend_i32_u (i32.wrap_i64 (local.get 0))) (i64.const 1))"
    let wrapped = "(func (param i64) (result i64) \(sum))"
    #expect(try results(companions: 0, wrapped, 0xABCD_1234_FFFF_FFFF) == [0x1_0000_0000])
    let float = "(func (param f64) (result i64) (i64.xor (i64.reinterpret_f64 (local.get 0)) (i64.const 1)))"
    #expect(try results(companions: 0, float, (1.0).bitPattern) == [(1.0).bitPattern ^ 1])
  }
}
