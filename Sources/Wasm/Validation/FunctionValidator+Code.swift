// The loop over the code of one body. Plain instructions are judged here by their row of the opcode table, against
// copies of cursor and stack that stay in registers; the others go to `FunctionValidator+Special`.

extension FunctionValidator {
  /// Validates instructions up to the `end` that closes the function.
  /// - Throws: an error; `instructionStart` is the offset of the instruction then.
  mutating func validateCode() throws(WasmError) {
    let effects = stackEffects
    let near = locals.base
    let nearCount = UInt32(truncatingIfNeeded: locals.count)
    var cursor = cursor
    var stack = stack
    while true {
      instructionStart = cursor.position
      let first = try cursor.byte()
      var effect = effects + Int(first)
      if effect.pointee.rule == .prefix { effect = effects + (try subopcode(&cursor, first)) }
      switch effect.pointee.rule {
      case .plain: try stack.apply(effect, effect.pointee.operands)
      case .localGet:
        let index = try cursor.u32()
        stack.push(index < nearCount ? near[Int(index)] : try farLocal(index))
      case .localSet:
        let index = try cursor.u32()
        try stack.pop(index < nearCount ? near[Int(index)] : try farLocal(index))
      case .localTee:
        let index = try cursor.u32()
        let type = index < nearCount ? near[Int(index)] : try farLocal(index)
        try stack.pop(type)
        stack.push(type)
      case .integer32:
        try cursor.skipSigned32()
        stack.push(effect.pointee.result)
      case .integer64:
        _ = try cursor.s64()
        stack.push(effect.pointee.result)
      case .memory:
        try stack.apply(effect, try addressed(effect, &cursor))
      case .special:
        // Nothing but the position and the top has changed here.
        self.cursor.position = cursor.position
        self.stack.top = stack.top
        try special(effect)
        cursor.position = self.cursor.position
        stack.top = self.stack.top
        stack.floor = self.stack.floor
        stack.isUnreachable = self.stack.isUnreachable
        if frames.count == 0 { return }
      case .bytes:
        guard cursor.remaining >= Int(effect.pointee.bound) else { throw cursor.unexpectedEnd() }
        cursor.position &+= Int(effect.pointee.bound)
        try stack.apply(effect, effect.pointee.operands)
      case .lane:
        try checkLane(try cursor.byte(), effect.pointee.bound)
        try stack.apply(effect, effect.pointee.operands)
      case .shuffle:
        for _ in 0..<16 { try checkLane(try cursor.byte(), 32) }
        try stack.apply(effect, effect.pointee.operands)
      case .memoryLane:
        let operands = try addressed(effect, &cursor)
        try checkLane(try cursor.byte(), 16 >> effect.pointee.bound)
        try stack.apply(effect, operands)
      case .illegal, .prefix: throw cursor.malformed("illegal opcode", at: instructionStart)
      }
    }
  }

  /// Reads the rest of an opcode with a prefix.
  /// - Returns: its place in `stackEffects`; that of the prefix where there is no such opcode.
  @inline(never)
  private func subopcode(_ cursor: inout ByteCursor, _ prefix: UInt8) throws(WasmError) -> Int {
    let sub = try cursor.u32()
    return sub < 0x100 ? (prefix == 0xFC ? 0x100 : 0x200) + Int(sub) : Int(prefix)
  }

  @inline(__always)
  private func checkLane(_ lane: UInt8, _ bound: UInt8) throws(WasmError) {
    guard lane < bound else { throw .invalid("invalid lane index \(lane)") }
  }

  /// Reads and checks a memory access.
  /// - Returns: the operands of the effect, with the address as wide as the memory's.
  @inline(__always)
  private func addressed(
    _ effect: UnsafePointer<StackEffect>, _ cursor: inout ByteCursor
  ) throws(WasmError) -> UInt32 {
    let access = try cursor.memoryAccess()
    let type = try context.memory(access.memory)
    guard access.alignment <= effect.pointee.bound else {
      throw .invalid("alignment must not be larger than natural")
    }
    if type == ValueType.i64.code { return effect.pointee.operandsWithAddress64 }
    if access.offset > 0xFFFF_FFFF { throw .invalid("offset out of range") }
    return effect.pointee.operands
  }
}
