// The helpers that lowered accesses call: loads, stores, growth, and bulk operations in steps of at most 8 bytes. Each
// does what the Wasm instruction does, with the System API's functions; it leaves the heap as it found it.

import Canister
import Wasm

extension Lowering {
  /// Type and body of a helper.
  func body(of kind: HelperKind) -> (type: FunctionType, body: FunctionBody) {
    switch kind {
    case .access(let opcode, let lane): access(opcode, lane: lane)
    case .grow: grow()
    case .fill: fill()
    case .copy(let source?, nil): source == 0 ? copyFromHeap() : copyFrom(source)
    case .copy(nil, let destination?): destination == 0 ? copyToHeap() : copyTo(destination)
    case .copy: copyWithin()
    case .initialize(let segment): initialize(segment: DataIndex(segment))
    }
  }

  // MARK: Loads and stores

  /// (address, offset) → value; with a value or vector between the two where the instruction takes one.
  private func access(_ opcode: Opcode, lane: UInt8) -> (type: FunctionType, body: FunctionBody) {
    let row = opcode.row
    let operand = row.signature.operands.1
    let result = row.signature.result
    let parameters: [ValueType] = operand.map { [.i64, $0, .i64] } ?? [.i64, .i64]
    var code = HelperCode(self, parameters: parameters)
    let address = code.effectiveAddress(LocalIndex(0), offset: LocalIndex(parameters.count - 1))
    let width = (1 as Int64) << Int64(row.alignment)
    let saved = code.saveScratch()
    let isLoad = result != nil
    if isLoad { code.moveToScratch(from: address, count: [.i64(width)]) }
    code.heapAddress(0)
    if operand != nil { code.add(.get(LocalIndex(1))) }
    let memory = MemoryAccess(alignment: 0, offset: 0)
    code.add(Instruction(opcode, row.shape == .memoryLane ? .memoryLane(memory, lane: lane) : .memoryAccess(memory)))
    var value: LocalIndex?
    if let result {
      let local = code.local(result)
      code.add(.set(local))
      value = local
    } else {
      code.moveFromScratch(to: address, count: [.i64(width)])
    }
    code.restoreScratch(saved)
    if let value { code.add(.get(value)) }
    return (FunctionType(parameters, result.map { [$0] } ?? []), code.finish())
  }

  // MARK: Growth

  /// (pages) → former size or -1; the declared maximum holds as well as the capacity.
  private func grow() -> (type: FunctionType, body: FunctionBody) {
    var code = HelperCode(self, parameters: [.i64])
    let pages = LocalIndex(0)
    if let maximum = original.memories[stable.position].limits.maximum {
      let sum = code.local(.i64)
      code.add(.call(imported(.size)), .get(pages), Instruction(.i64Add), .tee(sum), .i64(Int64(bitPattern: maximum)))
      code.add(Instruction(.i64GtU), .get(sum), .get(pages), Instruction(.i64LtU), Instruction(.i32Or))
      code.add(Instruction(.if, .block(.empty)), .i64(-1), Instruction(.return), Instruction(.end))
    }
    code.add(.get(pages), .call(imported(.grow)))
    return (FunctionType([.i64], [.i64]), code.finish())
  }

  // MARK: Bulk operations

  /// (destination, value, length)
  private func fill() -> (type: FunctionType, body: FunctionBody) {
    let parameters: [ValueType] = [.i64, .i32, .i64]
    var code = HelperCode(self, parameters: parameters)
    code.trapIfOutside(LocalIndex(0), LocalIndex(2))
    let saved = code.saveScratch()
    code.heapAddress(0)
    code.add(.get(LocalIndex(1)))
    code.heapAddress(8)
    code.add(Instruction(.memoryFill, .memory(MemoryIndex(0))))
    code.inSteps(of: 8, LocalIndex(2), advancing: [(LocalIndex(0), .i64)]) { code, step in
      code.moveFromScratch(to: LocalIndex(0), count: [.get(step)])
    }
    code.restoreScratch(saved)
    return (FunctionType(parameters), code.finish())
  }

  /// The address or length type of a memory of the result.
  func type(_ memory: Int) -> ValueType { memories[memory].indexType }

  /// (destination in the heap, source, length)
  private func copyToHeap() -> (type: FunctionType, body: FunctionBody) {
    let word = type(0)
    let parameters: [ValueType] = [word, .i64, word]
    var code = HelperCode(self, parameters: parameters)
    let length = code.widened(LocalIndex(2), word)
    code.trapIfOutside(LocalIndex(1), length)
    code.checkHeapIfEmpty(LocalIndex(0), length, word)
    code.add(.get(code.widened(LocalIndex(0), word)), .get(LocalIndex(1)), .get(length), .call(imported(.read)))
    return (FunctionType(parameters), code.finish())
  }

  /// (destination, source in the heap, length)
  private func copyFromHeap() -> (type: FunctionType, body: FunctionBody) {
    let word = type(0)
    let parameters: [ValueType] = [.i64, word, word]
    var code = HelperCode(self, parameters: parameters)
    let length = code.widened(LocalIndex(2), word)
    code.trapIfOutside(LocalIndex(0), length)
    code.checkHeapIfEmpty(LocalIndex(1), length, word)
    code.add(.get(LocalIndex(0)), .get(code.widened(LocalIndex(1), word)), .get(length), .call(imported(.write)))
    return (FunctionType(parameters), code.finish())
  }

  /// (destination in another memory, source, length)
  private func copyTo(_ memory: Int) -> (type: FunctionType, body: FunctionBody) {
    let word = type(memory)
    let parameters: [ValueType] = [word, .i64, word]
    var code = HelperCode(self, parameters: parameters)
    let length = code.widened(LocalIndex(2), word)
    code.trapIfOutside(LocalIndex(1), length)
    code.trapIfOutside(memory: memory, LocalIndex(0), LocalIndex(2), after: (LocalIndex(1), isWrite: false))
    let saved = code.saveScratch()
    code.inSteps(of: 8, length, advancing: [(LocalIndex(1), .i64), (LocalIndex(0), word)]) { code, step in
      code.moveToScratch(from: LocalIndex(1), count: [.get(step)])
      code.add(.get(LocalIndex(0)))
      code.heapAddress(0)
      code.copyBetween(to: memory, from: 0, step)
    }
    code.restoreScratch(saved)
    return (FunctionType(parameters), code.finish())
  }

  /// (destination, source in another memory, length)
  private func copyFrom(_ memory: Int) -> (type: FunctionType, body: FunctionBody) {
    let word = type(memory)
    let parameters: [ValueType] = [.i64, word, word]
    var code = HelperCode(self, parameters: parameters)
    let length = code.widened(LocalIndex(2), word)
    code.trapIfOutside(LocalIndex(0), length)
    code.trapIfOutside(memory: memory, LocalIndex(1), LocalIndex(2), after: (LocalIndex(0), isWrite: true))
    let saved = code.saveScratch()
    code.inSteps(of: 8, length, advancing: [(LocalIndex(0), .i64), (LocalIndex(1), word)]) { code, step in
      code.heapAddress(0)
      code.add(.get(LocalIndex(1)))
      code.copyBetween(to: 0, from: memory, step)
      code.moveFromScratch(to: LocalIndex(0), count: [.get(step)])
    }
    code.restoreScratch(saved)
    return (FunctionType(parameters), code.finish())
  }

  /// (destination, source, length), as if all were read before anything is written.
  private func copyWithin() -> (type: FunctionType, body: FunctionBody) {
    let parameters: [ValueType] = [.i64, .i64, .i64]
    let (destination, source, length) = (LocalIndex(0), LocalIndex(1), LocalIndex(2))
    var code = HelperCode(self, parameters: parameters)
    code.trapIfOutside(source, length)
    code.trapIfOutside(destination, length)
    let saved = code.saveScratch()
    code.add(.get(destination), .get(source), Instruction(.i64LeU), Instruction(.if, .block(.empty)))
    code.inSteps(of: 8, length, advancing: [(destination, .i64), (source, .i64)]) { code, step in
      code.moveToScratch(from: source, count: [.get(step)])
      code.moveFromScratch(to: destination, count: [.get(step)])
    }
    code.add(Instruction(.else))
    // From the end, for the destination begins inside or behind the source.
    let from = code.local(.i64)
    let to = code.local(.i64)
    code.inSteps(of: 8, length, advancing: []) { code, step in
      for (place, start) in [(from, source), (to, destination)] {
        code.add(.get(start), .get(length), Instruction(.i64Add), .get(step), Instruction(.i64Sub), .set(place))
      }
      code.moveToScratch(from: from, count: [.get(step)])
      code.moveFromScratch(to: to, count: [.get(step)])
    }
    code.add(Instruction(.end))
    code.restoreScratch(saved)
    return (FunctionType(parameters), code.finish())
  }

  /// (destination, source in the segment, length)
  private func initialize(segment: DataIndex) -> (type: FunctionType, body: FunctionBody) {
    let parameters: [ValueType] = [.i64, .i32, .i32]
    var code = HelperCode(self, parameters: parameters)
    let length = code.widened(LocalIndex(2), .i32)
    code.trapIfOutside(LocalIndex(0), length)
    let saved = code.saveScratch()
    // Page limits come before the end of the segment.
    code.touchPages(LocalIndex(0), length, isWrite: true)
    // The place in the segment is checked for no bytes too.
    code.heapAddress(0)
    code.add(.get(LocalIndex(1)), .i32(0), Instruction(.memoryInit, .memoryInit(MemoryIndex(0), segment)))
    code.inSteps(of: 1, length, advancing: [(LocalIndex(0), .i64), (LocalIndex(1), .i32)]) { code, step in
      code.heapAddress(0)
      code.add(.get(LocalIndex(1)), .i32(1), Instruction(.memoryInit, .memoryInit(MemoryIndex(0), segment)))
      code.moveFromScratch(to: LocalIndex(0), count: [.get(step)])
    }
    code.restoreScratch(saved)
    return (FunctionType(parameters), code.finish())
  }
}
