// Emits direct accesses to stable memory: instructions where other profiles call the System API, and statements that only
// instructions can express. Only in the profiles `direct` and `named`.

import Canister
import Wasm

extension ModuleGenerator {
  /// Stable memory, which stands behind the heap until the memories are imported.
  private var stable: MemoryIndex { MemoryIndex(1) }
  private var heap: MemoryIndex { MemoryIndex(0) }

  // MARK: The frame

  /// Stable memory, and in the named profile memories that live shorter.
  mutating func planDirectMemories() {
    let minimum = shape.setup == .initialize ? 0 : min(choices.draw(below: 3), shape.parameters.stableCapacity)
    memories.append(MemoryShape(pages: minimum, isWide: true, role: .stable))
    features.insert(.directAccess)
    guard shape.profile == .named else { return }
    for role in [MemoryRole.session, .scratch] where choices.chance(2, of: 3) {
      memories.append(
        MemoryShape(pages: 1 + choices.draw(below: 2), isWide: choices.chance(1, of: 2), role: role))
      features.insert(role == .session ? .sessionMemory : .scratchMemory)
    }
  }

  /// What the module declares as the maximum of its stable memory: at least the guaranteed size.
  mutating func drawStableMaximum() -> UInt64? {
    let least = max(shape.stablePages, memories[1].pages)
    switch choices.draw(below: 4) {
    case 0..<2: return nil
    case 2: return max(least, shape.parameters.stableCapacity)
    default: return least + choices.draw(below: 5)
    }
  }

  /// Turns all memories but the heap into imports, which changes their indices.
  mutating func importMemories() {
    let names: [MemoryRole: MemoryImport] = [.stable: .stable, .session: .session, .scratch: .scratch]
    var map = IndexMap()
    map.memories.table = [MemoryIndex(memories.count - 1)] + (1..<memories.count).map { MemoryIndex($0 - 1) }
    map.remap(&module)
    for (position, memory) in memories.enumerated().dropFirst() {
      guard let name = names[memory.role] else { continue }
      // Among functions, a memory stands anywhere.
      let place = choices.drawIndex(below: module.imports.count + 1)
      let earlier = module.imports.lastIndex { if case .memory = $0.kind { true } else { false } }
      module.imports.insert(
        Import(module: "ic0", name: name.rawValue, kind: .memory(module.memories[position])),
        at: max(place, earlier.map { $0 + 1 } ?? 0))
    }
    module.memories = [module.memories[0]]
  }

  // MARK: In place of calls

  /// The instruction that does what a stable function does; the operands are on the stack.
  mutating func emitDirect(_ function: SystemFunction) {
    switch function {
    case .stable64Size: emit(.memorySize, .memory(stable))
    case .stable64Grow: emit(.memoryGrow, .memory(stable))
    case .stable64Read: emit(.memoryCopy, .memoryCopy(destination: heap, source: stable))
    default: emit(.memoryCopy, .memoryCopy(destination: stable, source: heap))
    }
  }

  /// A read or write by instructions: a copy, or where the length is that of a number often a load and a store.
  mutating func emitDirectAccess(_ access: StableAccess, heap: Operand, _ range: StableRange, _ length: Operand) {
    if let width = [1, 2, 4, 8].firstIndex(of: range.length), !range.isLengthComputed, choices.chance(2, of: 3) {
      return emitDirectNumber(access, heap: heap, range, width: width)
    }
    emit(access.isWrite ? range.offset : heap, as: access.isWrite ? .i64 : word)
    emit(access.isWrite ? heap : range.offset, as: access.isWrite ? word : .i64)
    emit(length, as: word)
    spend(100)
    emitDirect(access.function)
  }

  /// Moves a number of 2^`width` bytes through the stack.
  private mutating func emitDirectNumber(_ access: StableAccess, heap: Operand, _ range: StableRange, width: Int) {
    let loads: [Opcode] = [.i64Load8U, .i64Load16U, .i64Load32U, .i64Load]
    let stores: [Opcode] = [.i64Store8, .i64Store16, .i64Store32, .i64Store]
    let onHeap = MemoryAccess(alignment: 0, offset: 0)
    if access.isWrite {
      let place = emitStableAddress(range.offset)
      emit(heap, as: word)
      emit(loads[width], .memoryAccess(onHeap))
      emit(stores[width], .memoryAccess(place))
    } else {
      emit(heap, as: word)
      emit(loads[width], .memoryAccess(emitStableAddress(range.offset)))
      emit(stores[width], .memoryAccess(onHeap))
    }
  }

  /// Emits an address and gives the rest of the access; a constant is split between the two at times.
  private mutating func emitStableAddress(_ offset: Operand) -> MemoryAccess {
    var access = MemoryAccess(alignment: 0, offset: 0, memory: stable)
    if case .constant(let value) = offset, choices.chance(1, of: 3) {
      access.offset = choices.chance(1, of: 2) ? value : choices.draw(below: value)
      emitI64(value - access.offset)
    } else {
      emit(offset, as: .i64)
    }
    return access
  }

  // MARK: Only by instructions

  /// Whether code may load from and store to stable memory of its guaranteed size here.
  var mayAccessDirectly: Bool {
    shape.isDirect && current.isSetUp && shape.stablePages > 0 && !isUnknownHere
  }

  /// Emits an address at which 2^`width` bytes of stable memory can be accessed, and gives the rest of the access.
  mutating func directAddress(width: UInt8, isWrite: Bool) -> MemoryAccess {
    let size = (1 as UInt64) << UInt64(width)
    let anchor = drawAnchor()
    let offset: Operand =
      switch choices.draw(below: 8) {
      case 0: .constant(anchor - size)
      case 1..<3: .constant(anchor - choices.draw(below: size))
      case 3: .stableEnd(minus: size)
      case 4: .constant(shape.stableBytes - size)
      case 5 where !shape.wantsKnownPages: .computed(base: anchor, mask: 8_191)
      default: .constant(anchor + choices.draw(below: 4_096))
      }
    let range = StableRange(rangeClass: .inside, offset: offset, length: size)
    note(range, isWrite: isWrite)
    features.insert(.directLoadOrStore)
    var access = emitStableAddress(offset)
    access.alignment = UInt8(choices.draw(below: UInt64(width) + 1))
    return access
  }

  /// Fills, initialises or copies stretches of stable memory.
  mutating func directBulk() -> Bool {
    guard mayAccessDirectly else { return false }
    let length = choices.chance(1, of: 5) ? choices.draw(below: 9_000) : choices.draw(below: 70)
    let offset = drawAnchor() - min(choices.draw(below: length + 2), 4_096)
    features.insert(.directBulk)
    spend(100)
    switch choices.draw(below: 4) {
    case 0:
      note(offset, length, isWrite: true)
      emitI64(offset)
      expression(.i32, depth: 1)
      emitI64(length)
      emit(.memoryFill, .memory(stable))
    case 1 where module.hasDataCount:
      guard let segment = segments.firstIndex(where: { $0.isPassive && !$0.isDropped }) else { return false }
      let count = choices.draw(below: segments[segment].length + 1)
      note(offset, count, isWrite: true)
      emitI64(offset)
      emitI32(UInt32(truncatingIfNeeded: segments[segment].length - count))
      emitI32(UInt32(truncatingIfNeeded: count))
      emit(.memoryInit, .memoryInit(stable, DataIndex(segment)))
    case 2 where memories.count > 2:
      // Between two memories of which neither is the heap.
      let other = 2 + choices.drawIndex(below: memories.count - 2)
      let type = memories[other].indexType
      let place = choices.draw(below: 4_096)
      let isWrite = choices.chance(1, of: 2)
      note(offset, length, isWrite: isWrite)
      if isWrite { emitI64(offset) } else { emitConstant(place, type) }
      if isWrite { emitConstant(place, type) } else { emitI64(offset) }
      emitConstant(length, type)
      let index = MemoryIndex(other)
      emit(
        .memoryCopy,
        .memoryCopy(destination: isWrite ? stable : index, source: isWrite ? index : stable))
    default:
      // Near enough to overlap at times.
      let source = choices.chance(1, of: 2) ? offset + choices.draw(below: 40) : drawAnchor()
      let isForward = choices.chance(1, of: 2)
      note(offset, length, isWrite: isForward)
      note(source, length, isWrite: !isForward)
      emitI64(isForward ? offset : source)
      emitI64(isForward ? source : offset)
      emitI64(length)
      emit(.memoryCopy, .memoryCopy(destination: stable, source: stable))
    }
    return true
  }

  private mutating func note(_ offset: UInt64, _ length: UInt64, isWrite: Bool) {
    note(StableRange(rangeClass: .inside, offset: .constant(offset), length: length), isWrite: isWrite)
  }
}
