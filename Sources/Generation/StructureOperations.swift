// Emits the operations of the structures in stable memory, each a helper function (i64) → (i64). What they read decides
// where they go on and what they answer, so that one wrong byte is seen. Used by `emitBodies`.

import Canister
import Wasm

extension ModuleGenerator {
  /// Where structures put single numbers, and where whole slots, on the heap.
  static let numberAddress: UInt64 = 2_048
  static let slotAddress: UInt64 = 16_384

  /// Emits the body of an operation up to its result.
  mutating func emitOperation(_ operation: StructureOperation, of structure: Structure) {
    features.insert(structure.feature)
    noteUse(of: structure, isChange: operation.isChange)
    let argument = LocalIndex(0)
    switch operation {
    case .append: append(structure, argument)
    case .recall: recall(structure, argument)
    case .push: push(structure, argument)
    case .exchange: exchange(structure, argument)
    case .insert: insert(structure, argument)
    case .search: search(structure, argument)
    case .allocate: allocate(structure, argument)
    case .release: release(structure, argument)
    case .flip: flip(structure, argument)
    case .find: find(structure, argument)
    }
  }

  // MARK: Logs

  private mutating func append(_ log: Structure, _ argument: LocalIndex) {
    let count = loadHeader(log)
    let address = slotAddress(log) { $0.get(count) }
    putSlot(log) {
      $0.get(argument)
    } last: {
      $0.get(argument)
      $0.get(count)
      $0.emit(.i64Xor)
    }
    writeSlot(log, address)
    storeHeader(log) {
      $0.get(count)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
    get(count)
  }

  private mutating func recall(_ log: Structure, _ argument: LocalIndex) {
    let count = loadHeader(log)
    let address = slotAddress(log) {
      $0.get(count)
      $0.emitI64(1)
      $0.emit(.i64Sub)
      $0.get(argument)
      $0.emitI64(3)
      $0.emit(.i64And)
      $0.emit(.i64Sub)
    }
    readSlot(log, address)
    let sum = addLocal(.i64, isAssignable: false)
    emitSlotSum(log)
    emit(.localTee, .local(sum))
    // Every other record leads to a second look, at the first slot.
    emitI64(1)
    emit(.i64And)
    emit(.i32WrapI64)
    branch {
      let first = $0.slotAddress(log) { $0.emitI64(0) }
      $0.readSlot(log, first)
      $0.get(sum)
      $0.emitSlotSum(log)
      $0.emit(.i64Add)
      $0.emit(.localSet, .local(sum))
    }
    get(sum)
  }

  // MARK: Vectors

  private mutating func push(_ vector: Structure, _ argument: LocalIndex) {
    let count = loadHeader(vector)
    let address = slotAddress(vector) { $0.get(count) }
    putSlot(vector) {
      $0.get(argument)
    } last: {
      $0.get(count)
    }
    writeSlot(vector, address)
    storeHeader(vector) {
      $0.get(count)
      $0.reduce(to: vector.slots)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
    get(count)
  }

  /// Reads an element; odd arguments also write a new one in its place.
  private mutating func exchange(_ vector: Structure, _ argument: LocalIndex) {
    let count = loadHeader(vector)
    let old = addLocal(.i64, isAssignable: false)
    get(argument)
    emit(.localSet, .local(old))
    get(count)
    emit(.i64Eqz)
    emit(.i32Eqz)
    branch {
      let address = $0.slotAddress(vector) {
        $0.get(argument)
        // Not beyond what has been pushed.
        $0.get(count)
        $0.reduce(to: vector.slots)
        $0.emitI64(1)
        $0.emit(.i64Add)
        $0.emit(.i64RemU)
      }
      $0.readSlot(vector, address)
      $0.emitSlotSum(vector)
      $0.emit(.localSet, .local(old))
      $0.get(argument)
      $0.emitI64(1)
      $0.emit(.i64And)
      $0.emit(.i32WrapI64)
      $0.branch {
        $0.putSlot(vector) {
          $0.get(argument)
          $0.get(old)
          $0.emit(.i64Add)
        } last: {
          $0.get(old)
        }
        $0.writeSlot(vector, address)
      }
    }
    get(old)
  }

  // MARK: Free lists

  private mutating func allocate(_ list: Structure, _ argument: LocalIndex) {
    let head = loadHeader(list)
    let block = addLocal(.i64, isAssignable: false)
    get(head)
    emit(.i64Eqz)
    open(.if, isTarget: false)
    current.conditionalDepth += 1
    // No block was given back: the next one that never was given out.
    loadStable(.constant(list.base + 8))
    emit(.localTee, .local(block))
    reduce(to: list.slots)
    emit(.localSet, .local(block))
    storeStable(.constant(list.base + 8)) {
      $0.get(block)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
    emit(.else)
    get(head)
    emitI64(1)
    emit(.i64Sub)
    reduce(to: list.slots)
    emit(.localSet, .local(block))
    let freed = slotAddress(list) { $0.get(block) }
    loadStable(.local(freed))
    let next = addLocal(.i64, isAssignable: false)
    emit(.localSet, .local(next))
    storeHeader(list) { $0.get(next) }
    current.conditionalDepth -= 1
    close()
    let address = slotAddress(list) { $0.get(block) }
    putSlot(list) {
      $0.get(argument)
    } last: {
      $0.get(head)
    }
    writeSlot(list, address)
    get(block)
  }

  private mutating func release(_ list: Structure, _ argument: LocalIndex) {
    let head = loadHeader(list)
    let address = slotAddress(list) { $0.get(argument) }
    readSlot(list, address)
    storeStable(.local(address)) { $0.get(head) }
    storeHeader(list) {
      $0.get(argument)
      $0.reduce(to: list.slots)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
    emitSlotSum(list)
  }

  // MARK: Bitmaps

  private mutating func flip(_ bitmap: Structure, _ argument: LocalIndex) {
    let address = addLocal(.i64, isAssignable: false)
    let byte = addLocal(.i64, isAssignable: false)
    get(argument)
    emitI64(3)
    emit(.i64ShrU)
    reduce(to: bitmap.slots * bitmap.width)
    emitI64(bitmap.start)
    emit(.i64Add)
    emit(.localSet, .local(address))
    readStable(.local(address), 1, to: Self.numberAddress)
    emitWord(Self.numberAddress)
    emit(.i64Load8U, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    emitI64(1)
    get(argument)
    emitI64(7)
    emit(.i64And)
    emit(.i64Shl)
    emit(.i64Xor)
    emit(.localSet, .local(byte))
    emitWord(Self.numberAddress)
    get(byte)
    emit(.i64Store8, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
    writeStable(.local(address), 1, from: Self.numberAddress)
    get(byte)
  }

  /// The first word from a slot on that has a clear bit, looking at four.
  private mutating func find(_ bitmap: Structure, _ argument: LocalIndex) {
    let address = slotAddress(bitmap) { $0.get(argument) }
    let word = addLocal(.i64, isAssignable: false)
    open(.block, isTarget: false)
    repeated(4) { generator, _ in
      generator.loadStable(.local(address))
      generator.emit(.localTee, .local(word))
      generator.emitI64(.max)
      generator.emit(.i64Ne)
      generator.emit(.brIf, .label(1))
      generator.get(address)
      generator.emitI64(bitmap.start)
      generator.emit(.i64Sub)
      generator.emitI64(8)
      generator.emit(.i64Add)
      generator.reduce(to: bitmap.slots * bitmap.width - 8)
      generator.emitI64(bitmap.start)
      generator.emit(.i64Add)
      generator.emit(.localSet, .local(address))
    }
    close()
    get(word)
    emitI64(.max)
    emit(.i64Xor)
    emit(.i64Ctz)
    get(address)
    emit(.i64Add)
  }

  // MARK: Steps

  mutating func get(_ local: LocalIndex) { emit(.localGet, .local(local)) }

  /// Reduces the number on the stack to below `bound`.
  mutating func reduce(to bound: UInt64) {
    emitI64(bound)
    emit(.i64RemU)
  }

  /// Runs one of two bodies, or one or none.
  mutating func branch(
    _ body: (inout ModuleGenerator) -> Void, otherwise other: ((inout ModuleGenerator) -> Void)? = nil
  ) {
    open(.if, isTarget: false)
    current.conditionalDepth += 1
    body(&self)
    if let other {
      emit(.else)
      other(&self)
    }
    current.conditionalDepth -= 1
    close()
  }

  /// Enters an operation in the footprint: whatever it reads, it stays on the structure's pages.
  private mutating func noteUse(of structure: Structure, isChange: Bool) {
    let pages = structure.pages
    current.usesSetup = current.usesSetup || current.isSetUp
    current.footprint.add(PageSpan(start: pages.lowerBound, end: pages.upperBound, isWritten: isChange))
    if isChange { spend(UInt64(pages.count) &* UInt64(clamping: shape.parameters.dirtyPageOverhead)) }
  }

  private mutating func loadHeader(_ structure: Structure) -> LocalIndex {
    let local = addLocal(.i64, isAssignable: false)
    loadStable(.constant(structure.base))
    emit(.localSet, .local(local))
    return local
  }

  private mutating func storeHeader(_ structure: Structure, _ value: (inout ModuleGenerator) -> Void) {
    storeStable(.constant(structure.base), value)
  }

  /// The address of the slot whose number `number` leaves, reduced to what there is.
  mutating func slotAddress(
    _ structure: Structure, _ number: (inout ModuleGenerator) -> Void
  ) -> LocalIndex {
    let address = addLocal(.i64, isAssignable: false)
    emitSlotAddress(structure, number)
    emit(.localSet, .local(address))
    return address
  }

  /// Leaves that address.
  mutating func emitSlotAddress(_ structure: Structure, _ number: (inout ModuleGenerator) -> Void) {
    number(&self)
    reduce(to: structure.slots)
    emitI64(structure.width)
    emit(.i64Mul)
    emitI64(structure.start)
    emit(.i64Add)
  }

  /// Leaves the 8 bytes at a heap address.
  mutating func loadNumber(_ address: UInt64) {
    emitWord(address)
    emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
  }

  /// Stores 8 bytes at a heap address.
  mutating func storeNumber(_ address: UInt64, _ value: (inout ModuleGenerator) -> Void) {
    emitWord(address)
    value(&self)
    emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: 0)))
  }

  /// Prepares a slot on the heap: its first and its last 8 bytes.
  private mutating func putSlot(
    _ structure: Structure, first: (inout ModuleGenerator) -> Void, last: (inout ModuleGenerator) -> Void
  ) {
    storeNumber(Self.slotAddress, first)
    storeNumber(Self.slotAddress + structure.width - 8, last)
  }

  /// Leaves a number in which the first and the last bytes of the slot on the heap count.
  private mutating func emitSlotSum(_ structure: Structure) {
    loadNumber(Self.slotAddress)
    emitI64(7)
    emit(.i64Rotl)
    loadNumber(Self.slotAddress + structure.width - 8)
    emit(.i64Xor)
  }

  private mutating func writeSlot(_ structure: Structure, _ address: LocalIndex) {
    writeStable(.local(address), structure.width, from: Self.slotAddress)
  }

  private mutating func readSlot(_ structure: Structure, _ address: LocalIndex) {
    readStable(.local(address), structure.width, to: Self.slotAddress)
  }

  mutating func loadStable(_ offset: Operand) {
    readStable(offset, 8, to: Self.numberAddress)
    loadNumber(Self.numberAddress)
  }

  mutating func storeStable(_ offset: Operand, _ value: (inout ModuleGenerator) -> Void) {
    storeNumber(Self.numberAddress, value)
    writeStable(offset, 8, from: Self.numberAddress)
  }

  mutating func readStable(_ offset: Operand, _ length: UInt64, to heap: UInt64) {
    moveStable(offset, length, heap, isWrite: false)
  }

  mutating func writeStable(_ offset: Operand, _ length: UInt64, from heap: UInt64) {
    moveStable(offset, length, heap, isWrite: true)
  }

  private mutating func moveStable(_ offset: Operand, _ length: UInt64, _ heap: UInt64, isWrite: Bool) {
    guard let access = drawStructureAccess(isWrite: isWrite) else { return }
    let range = StableRange(rangeClass: .masked, offset: offset, length: length)
    spend(length)
    emitAccess(access, heap: .constant(heap), range)
  }

  /// A function that works on every structure, wherever it lies.
  private mutating func drawStructureAccess(isWrite: Bool) -> StableAccess? {
    let narrow = StableAccess(isWide: false, isWrite: isWrite)
    let wide = StableAccess(isWide: true, isWrite: isWrite)
    let hasNarrow = isImported(narrow.function) && shape.narrowAccess == .free
    if isImported(wide.function) { return hasNarrow && choices.chance(1, of: 3) ? narrow : wide }
    return hasNarrow ? narrow : nil
  }
}
