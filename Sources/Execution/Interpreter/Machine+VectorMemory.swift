// Vector accesses that the loop has no operation of its own for. Out of line, as those of scalars in `WideAccesses`.

import Wasm

extension Instance {
  /// A vector load from any memory at any address; fields and operands as `Op.vectorLoadWide` has them.
  @inline(never) func vectorLoad(
    _ word: UInt64, _ operands: UnsafePointer<UInt64>, _ registers: UnsafeMutablePointer<UInt64>
  ) throws(Trap) {
    let memory = context.pointee.memories[Int(operands[1] & 0xFFFF_FFFF)]
    let lane = Int(operands[1] >> 32)
    let old = Int(operands[2])
    let (base, offset) = (registers[word.b], operands[0])
    func load<T: BitwiseCopyable>(_ type: T.Type) throws(Trap) -> T { try memory.pointee.read(type, base, offset) }
    func set<V: BitwiseCopyable>(_ value: V) { registers.setVector(word.a, value) }
    switch word.kind {
    case .v128Load8x8S: set(widened(try load(SIMD8<Int8>.self)))
    case .v128Load8x8U: set(widened(try load(SIMD8<UInt8>.self)))
    case .v128Load16x4S: set(widened(try load(SIMD4<Int16>.self)))
    case .v128Load16x4U: set(widened(try load(SIMD4<UInt16>.self)))
    case .v128Load32x2S: set(widened(try load(SIMD2<Int32>.self)))
    case .v128Load32x2U: set(widened(try load(SIMD2<UInt32>.self)))
    case .v128Load8Splat: set(U8x16(repeating: try load(UInt8.self)))
    case .v128Load16Splat: set(U16x8(repeating: try load(UInt16.self)))
    case .v128Load32Splat: set(U32x4(repeating: try load(UInt32.self)))
    case .v128Load64Splat: set(U64x2(repeating: try load(UInt64.self)))
    case .v128Load32Zero: set(U32x4(try load(UInt32.self), 0, 0, 0))
    case .v128Load64Zero: set(U64x2(try load(UInt64.self), 0))
    case .v128Load8Lane: set(replacing(lane, of: registers.vector(old), with: try load(UInt8.self)))
    case .v128Load16Lane: set(replacing(lane, of: registers.vector(old), with: try load(UInt16.self)))
    case .v128Load32Lane: set(replacing(lane, of: registers.vector(old), with: try load(UInt32.self)))
    case .v128Load64Lane: set(replacing(lane, of: registers.vector(old), with: try load(UInt64.self)))
    default: set(try load(U8x16.self))
    }
  }

  /// A vector store to any memory at any address; fields and operands as `Op.vectorStoreWide` has them.
  @inline(never) func vectorStore(
    _ word: UInt64, _ operands: UnsafePointer<UInt64>, _ registers: UnsafeMutablePointer<UInt64>
  ) throws(Trap) {
    let memory = context.pointee.memories[Int(operands[1] & 0xFFFF_FFFF)]
    let lane = Int(operands[1] >> 32)
    func store<T: BitwiseCopyable>(_ type: T.Type) throws(Trap) {
      let value = UnsafeRawPointer(registers + word.a).loadUnaligned(
        fromByteOffset: lane * MemoryLayout<T>.size, as: type)
      try memory.pointee.write(value, registers[word.b], operands[0])
    }
    switch word.kind {
    case .v128Store8Lane: try store(UInt8.self)
    case .v128Store16Lane: try store(UInt16.self)
    case .v128Store32Lane: try store(UInt32.self)
    case .v128Store64Lane: try store(UInt64.self)
    default: try store(U8x16.self)
    }
  }
}

extension UInt64 {
  /// Field `c` of a wide vector access: the operation that does the same with memory 0.
  fileprivate var kind: Op { unsafeBitCast(UInt16(truncatingIfNeeded: c), to: Op.self) }
}
