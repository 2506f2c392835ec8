// The steps that the helpers of lowered accesses are made of. The first 16 bytes of the heap are the scratch through which
// bytes move, because the System API copies to and from the heap only.

import Wasm

/// The body of a helper under construction.
struct HelperCode {
  private let lowering: Lowering
  private var instructions: [Instruction] = []
  private var locals: [LocalGroup] = []
  private var nextLocal: Int

  init(_ lowering: Lowering, parameters: [ValueType]) {
    self.lowering = lowering
    nextLocal = parameters.count
  }

  mutating func add(_ added: Instruction...) { instructions += added }

  mutating func local(_ type: ValueType) -> LocalIndex {
    locals.append(LocalGroup(count: 1, type: type))
    nextLocal += 1
    return LocalIndex(nextLocal - 1)
  }

  mutating func finish() -> FunctionBody {
    add(Instruction(.end))
    return FunctionBody(locals: locals, instructions: instructions)
  }

  // MARK: The heap's first bytes

  /// Pushes a heap address or length.
  mutating func heapAddress(_ address: Int64) {
    add(lowering.isWideHeap ? .i64(address) : .i32(Int32(truncatingIfNeeded: address)))
  }

  /// Keeps the scratch in locals.
  mutating func saveScratch() -> (LocalIndex, LocalIndex) {
    let saved = (local(.i64), local(.i64))
    for (local, place) in [(saved.0, 0), (saved.1, 8)] as [(LocalIndex, Int64)] {
      heapAddress(place)
      add(Instruction(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0))), .set(local))
    }
    return saved
  }

  mutating func restoreScratch(_ saved: (LocalIndex, LocalIndex)) {
    for (local, place) in [(saved.0, 0), (saved.1, 8)] as [(LocalIndex, Int64)] {
      heapAddress(place)
      add(.get(local), Instruction(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0))))
    }
  }

  /// Reads stable memory into the scratch.
  mutating func moveToScratch(from address: LocalIndex, count: [Instruction]) {
    add(.i64(0), .get(address))
    instructions += count
    add(.call(lowering.imported(.read)))
  }

  /// Writes the scratch to stable memory.
  mutating func moveFromScratch(to address: LocalIndex, count: [Instruction]) {
    add(.get(address), .i64(0))
    instructions += count
    add(.call(lowering.imported(.write)))
  }

  // MARK: Addresses and bounds

  /// Address plus offset; one past all addresses where the sum has no 64 bits.
  mutating func effectiveAddress(_ address: LocalIndex, offset: LocalIndex) -> LocalIndex {
    let sum = local(.i64)
    add(.get(address), .get(offset), Instruction(.i64Add), .tee(sum), .i64(-1), .get(sum), .get(address))
    add(Instruction(.i64GeU), Instruction(.select), .set(sum))
    return sum
  }

  /// The number in a local as i64; the local itself where it is one.
  mutating func widened(_ number: LocalIndex, _ type: ValueType) -> LocalIndex {
    if type == .i64 { return number }
    let wide = local(.i64)
    add(.get(number), Instruction(.i64ExtendI32U), .set(wide))
    return wide
  }

  /// Traps as a read outside of stable memory does, also for no bytes: as an instruction that accesses a memory would.
  mutating func trapIfOutside(_ address: LocalIndex, _ length: LocalIndex) {
    let end = local(.i64)
    add(.get(address), .get(length), Instruction(.i64Add), .tee(end), .get(address), Instruction(.i64LtU))
    add(.get(end), .call(lowering.imported(.size)), .i64(16), Instruction(.i64Shl), Instruction(.i64GtU))
    add(Instruction(.i32Or), Instruction(.if, .block(.empty)), .i64(0), .i64(-1), .i64(1))
    add(.call(lowering.imported(.read)), Instruction(.end))
  }

  /// Traps where a range of another memory passes its end, by copying it onto itself: as an instruction does of which
  /// stable memory's part is charged against the page limits before the instruction is tried.
  ///
  /// - Parameter stable: the range of stable memory, which lies inside.
  mutating func trapIfOutside(
    memory: Int, _ address: LocalIndex, _ length: LocalIndex, after stable: (address: LocalIndex, isWrite: Bool)
  ) {
    let index = MemoryIndex(memory)
    let word = lowering.type(memory)
    let (start, count) = (widened(address, word), widened(length, word))
    let end = local(.i64)
    add(.get(start), .get(count), Instruction(.i64Add), .tee(end), .get(start), Instruction(.i64LtU))
    add(.get(end), Instruction(.memorySize, .memory(index)))
    if word == .i32 { add(Instruction(.i64ExtendI32U)) }
    add(.i64(16), Instruction(.i64Shl), Instruction(.i64GtU), Instruction(.i32Or), Instruction(.if, .block(.empty)))
    touchPages(stable.address, count, isWrite: stable.isWrite)
    add(.get(address), .get(address), .get(length))
    add(Instruction(.memoryCopy, .memoryCopy(destination: index, source: index)), Instruction(.end))
  }

  /// Accesses each page of a range inside stable memory, without changing it. Spoils the scratch.
  mutating func touchPages(_ address: LocalIndex, _ length: LocalIndex, isWrite: Bool) {
    let (place, end) = (local(.i64), local(.i64))
    add(.get(address), .tee(place), .get(length), Instruction(.i64Add), .set(end))
    add(Instruction(.block, .block(.empty)), Instruction(.loop, .block(.empty)))
    add(.get(place), .get(end), Instruction(.i64GeU), Instruction(.brIf, .label(1)))
    moveToScratch(from: place, count: [.i64(1)])
    if isWrite { moveFromScratch(to: place, count: [.i64(1)]) }
    add(.get(place), .i64(4_095), Instruction(.i64Or), .i64(1), Instruction(.i64Add), .set(place))
    add(Instruction(.br, .label(0)), Instruction(.end), Instruction(.end))
  }

  /// For no bytes the System API does not look at the heap, but an instruction does.
  mutating func checkHeapIfEmpty(_ address: LocalIndex, _ length: LocalIndex, _ word: ValueType) {
    add(.get(length), Instruction(.i64Eqz), Instruction(.if, .block(.empty)), .get(address), .get(address))
    heapAddress(0)
    let heap = MemoryIndex(0)
    add(Instruction(.memoryCopy, .memoryCopy(destination: heap, source: heap)), Instruction(.end))
  }

  // MARK: Loops

  /// Runs `body` with the number of bytes of the next step until `length` is used up, advancing addresses after each.
  mutating func inSteps(
    of size: Int64, _ length: LocalIndex, advancing addresses: [(LocalIndex, ValueType)],
    _ body: (inout HelperCode, LocalIndex) -> Void
  ) {
    let step = local(.i64)
    add(Instruction(.block, .block(.empty)), Instruction(.loop, .block(.empty)))
    add(.get(length), Instruction(.i64Eqz), Instruction(.brIf, .label(1)))
    add(.get(length), .i64(size), .get(length), .i64(size), Instruction(.i64LtU), Instruction(.select), .set(step))
    body(&self, step)
    for (address, type) in addresses {
      add(.get(address), .get(step))
      if type == .i32 { add(Instruction(.i32WrapI64), Instruction(.i32Add)) } else { add(Instruction(.i64Add)) }
      add(.set(address))
    }
    add(.get(length), .get(step), Instruction(.i64Sub), .set(length), Instruction(.br, .label(0)))
    add(Instruction(.end), Instruction(.end))
  }

  /// Copies a step between the heap and another memory; the two addresses are pushed.
  mutating func copyBetween(to destination: Int, from source: Int, _ step: LocalIndex) {
    let isWide = lowering.memories[destination].is64Bit && lowering.memories[source].is64Bit
    add(.get(step))
    if !isWide { add(Instruction(.i32WrapI64)) }
    add(
      Instruction(
        .memoryCopy, .memoryCopy(destination: MemoryIndex(destination), source: MemoryIndex(source))))
  }
}
