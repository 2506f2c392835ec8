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
      var effect = effects[Int(first)]
      if effect.rule == .prefix {
        let sub = try cursor.u32()
        effect = sub < 0x100 ? effects[(first == 0xFC ? 0x100 : 0x200) + Int(sub)] : StackEffect()
      }
      switch effect.rule {
      case .plain: try stack.apply(effect)
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
        stack.push(effect.result)
      case .integer64:
        _ = try cursor.s64()
        stack.push(effect.result)
      case .memory:
        if try is64BitAccess(&cursor, effect.bound) { effect = effect.withAddress64() }
        try stack.apply(effect)
      case .special:
        self.cursor = cursor
        self.stack = stack
        try special(effect)
        cursor = self.cursor
        stack = self.stack
        if frames.count == 0 { return }
      case .bytes:
        guard cursor.remaining >= Int(effect.bound) else { throw cursor.unexpectedEnd() }
        cursor.position &+= Int(effect.bound)
        try stack.apply(effect)
      case .lane:
        try checkLane(try cursor.byte(), effect.bound)
        try stack.apply(effect)
      case .shuffle:
        for _ in 0..<16 { try checkLane(try cursor.byte(), 32) }
        try stack.apply(effect)
      case .memoryLane:
        if try is64BitAccess(&cursor, effect.bound) { effect = effect.withAddress64() }
        try checkLane(try cursor.byte(), 16 >> effect.bound)
        try stack.apply(effect)
      case .illegal, .prefix: throw cursor.malformed("illegal opcode", at: instructionStart)
      }
    }
  }

  @inline(__always)
  private func checkLane(_ lane: UInt8, _ bound: UInt8) throws(WasmError) {
    guard lane < bound else { throw .invalid("invalid lane index \(lane)") }
  }

  /// Reads and checks a memory access.
  /// - Returns: whether its address is 64-bit.
  @inline(__always)
  private func is64BitAccess(_ cursor: inout ByteCursor, _ naturalAlignment: UInt8) throws(WasmError) -> Bool {
    let access = try cursor.memoryAccess()
    let type = try context.memory(access.memory)
    guard access.alignment <= naturalAlignment else {
      throw .invalid("alignment must not be larger than natural")
    }
    if type == ValueType.i64.code { return true }
    if access.offset > 0xFFFF_FFFF { throw .invalid("offset out of range") }
    return false
  }
}
