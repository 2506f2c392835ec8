// The probe method: an update that calls the stable function which its argument names, with the operands that stand
// there. One method thus tries many operand classes, each in a message of its own.

import Canister
import Wasm

/// The argument of the probe method: function, flags, three operands of 8 bytes at 8, 16 and 24.
struct ProbeArgument {
  /// The stable size is added to the offset.
  static let addsStableEnd: UInt8 = 1
  /// The heap size is added to the heap address.
  static let addsHeapEnd: UInt8 = 2
  /// The stable size in pages is taken off the last operand.
  static let lessStablePages: UInt8 = 4

  var selector: UInt8 = 0
  var flags: UInt8 = 0
  var heap: UInt64 = 0
  var offset: UInt64 = 0
  var last: UInt64 = 0

  var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    bytes[0] = selector
    bytes[1] = flags
    for (place, value) in [(8, heap), (16, offset), (24, last)] {
      for position in 0..<8 {
        bytes[place + position] = UInt8(truncatingIfNeeded: value >> UInt64(8 * position))
      }
    }
    return bytes
  }

  /// The fixed part of an operand; the flag says what is added when the method runs.
  mutating func value(of operand: Operand) -> UInt64 {
    switch operand {
    case .constant(let value): return value
    case .computed(let base, _): return base
    case .stableEnd(let distance):
      flags |= Self.addsStableEnd
      return 0 &- distance
    case .heapEnd(let distance):
      flags |= Self.addsHeapEnd
      return 0 &- distance
    case .pagesMissing(let target):
      flags |= Self.lessStablePages
      return target
    case .local: return 0
    }
  }
}

extension ModuleGenerator {
  /// The functions that the probe method can call, by selector.
  var probedFunctions: [SystemFunction] { SystemFunction.stableFunctions.filter { isImported($0) } }

  /// Whether the module can have a working probe method.
  var canProbe: Bool {
    hasHeap && isImported(.msgArgDataSize) && isImported(.msgArgDataCopy) && !probedFunctions.isEmpty
  }

  /// Emits the body of the probe method, up to the reply.
  mutating func emitProbe() {
    guard canProbe, loadArgument() else { return }
    features.insert(.probe)
    let address = Self.argumentAddress
    let heap = loadOperand(address + 8, flag: ProbeArgument.addsHeapEnd) { $0.emit(.heapEnd(minus: 0), as: .i64) }
    let offset = loadOperand(address + 16, flag: ProbeArgument.addsStableEnd) {
      $0.emit(.stableEnd(minus: 0), as: .i64)
    }
    let last = loadOperand(address + 24, flag: ProbeArgument.lessStablePages) {
      $0.emit(.pagesMissing(to: 0), as: .i64)
    }
    let functions = probedFunctions
    for _ in 0...functions.count { open(.block, isTarget: false) }
    loadByte(address)
    let start = current.labels.count
    for number in functions.indices { current.labels.append(UInt32(number)) }
    emit(.brTable, .labels(LabelRange(start: UInt32(start), count: UInt32(functions.count))))
    for (number, function) in functions.enumerated() {
      close()
      emitProbedCall(function, heap, offset, last)
      emit(.br, .label(UInt32(functions.count - 1 - number)))
    }
    close()
  }

  private mutating func loadByte(_ address: UInt64) {
    emitWord(address)
    emit(.i32Load8U, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
  }

  /// Loads an operand into a local and, if the flag is set, adds what the closure emits.
  private mutating func loadOperand(
    _ address: UInt64, flag: UInt8, _ addend: (inout ModuleGenerator) -> Void
  ) -> LocalIndex {
    let local = addLocal(.i64, isAssignable: false)
    emitWord(address)
    emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 3, offset: 0)))
    emit(.localSet, .local(local))
    loadByte(Self.argumentAddress + 1)
    emitI32(UInt32(flag))
    emit(.i32And)
    open(.if, isTarget: false)
    emit(.localGet, .local(local))
    addend(&self)
    emit(.i64Add)
    emit(.localSet, .local(local))
    close()
    return local
  }

  private mutating func emitProbedCall(
    _ function: SystemFunction, _ heap: LocalIndex, _ offset: LocalIndex, _ last: LocalIndex
  ) {
    let result = signature(function).shape.results
    switch function {
    case .stableRead, .stableWrite, .stable64Read, .stable64Write:
      let access = StableAccess(
        isWide: function == .stable64Read || function == .stable64Write,
        isWrite: function == .stableWrite || function == .stable64Write)
      let heapType = shape.isDirect ? word : access.type
      emit(.local(access.isWrite ? offset : heap), as: access.isWrite ? access.type : heapType)
      emit(.local(access.isWrite ? heap : offset), as: access.isWrite ? heapType : access.type)
      emit(.local(last), as: heapType)
    case .stableGrow: emit(.local(last), as: .i32)
    case .stable64Grow: emit(.local(last), as: .i64)
    default: break
    }
    callStable(function)
    if result.count > 0 {
      let local = addLocal(result[0], isAssignable: false)
      emit(.localSet, .local(local))
      emitWord(Self.argumentAddress + 32)
      emit(.local(local), as: .i64)
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    }
  }

  // MARK: Messages

  /// An argument for the probe method; nil where the choices led to a call that has to be left out.
  ///
  /// - Parameter traps: whether operands may be bad.
  mutating func drawProbeArgument(traps: Bool) -> [UInt8]? {
    current = BodyContext()
    current.isSetUp = shape.setup != .none
    current.rank = helperCount
    current.costLimit = 300_000
    let functions = probedFunctions
    if functions.isEmpty { return nil }
    let selector = choices.drawIndex(below: functions.count)
    let function = functions[selector]
    var argument = ProbeArgument(selector: UInt8(truncatingIfNeeded: selector))
    let isSafe = function.isWide || shape.narrowAccess == .free
    switch function {
    case .stableGrow, .stable64Grow:
      if !isSafe && !traps { return nil }
      let growthClass = drawGrowthClass(isWide: function.isWide)
      coverage.insert(growthClass, function)
      argument.last = argument.value(of: drawGrowthOperand(growthClass, isWide: function.isWide))
    case .stableRead, .stableWrite, .stable64Read, .stable64Write:
      let access = StableAccess(
        isWide: function.isWide, isWrite: function == .stableWrite || function == .stable64Write)
      // Past 4 GiB, 32-bit reads of no bytes are safe, and the only class that is drawn.
      if !isSafe && !traps && shape.narrowAccess == .guarded { return nil }
      // One mistake or both: which of two is reported is part of the contract.
      let side = traps ? choices.draw(below: 20) : 0
      let isRangeBad = traps && (side < 10 || side >= 17)
      guard let rangeClass = drawRangeClass(access, traps: isRangeBad) else { return nil }
      let range = drawRange(rangeClass, isWide: access.isWide)
      let isHeapBad =
        range.length == 0 && !shape.isDirect ? choices.chance(1, of: 2) : traps && side >= 10
      let heapClass = drawHeapClass(access, traps: isHeapBad)
      coverage.insert(rangeClass, function)
      coverage.insert(heapClass, function)
      argument.heap = argument.value(of: drawHeapOperand(heapClass, length: range.length, isWide: access.isWide))
      argument.offset = argument.value(of: range.offset)
      argument.last = range.length
      if rangeClass == .vast { vastBodies += 1 }
      if !isRangeBad && !isHeapBad { probePages = max(probePages, range.length >> 12 + 2) }
    default: if !isSafe && !traps { return nil }
    }
    return argument.bytes
  }
}

extension SystemFunction {
  static let stableFunctions: [SystemFunction] = allCases.filter(\.isStable)

  /// Whether a stable function works with 64-bit numbers.
  var isWide: Bool { self >= .stable64Size && self <= .stable64Write }
}
