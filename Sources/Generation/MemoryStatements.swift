// Emits operations on whole stretches of the heap and further memories: grow, fill, copy, initialise, drop. A part of
// the statements.

import Canister
import Wasm

extension ModuleGenerator {
  /// A place in a memory with room for `length` bytes, mostly low, where data meets.
  mutating func place(for length: UInt64, in memory: Int = 0) -> UInt64 {
    let last = memories[memory].bytes - min(length, memories[memory].bytes)
    // In a heap that large, most addresses are negative for whoever takes them for signed.
    if last > 1 << 31 && choices.chance(1, of: 2) {
      return 1 << 31 - 8 + choices.draw(below: min(last - 1 << 31, 4_096))
    }
    switch choices.draw(below: 16) {
    case 0..<10: return min(last, choices.draw(below: 1_024))
    case 10..<12: return min(last, 8 * choices.draw(below: 512))
    case 12..<13: return last
    case 13..<14: return min(last, 4_096 &* (1 + choices.draw(below: 14)) &- min(length, 4_096))
    default: return choices.draw(below: last + 1)
    }
  }

  /// The type of lengths in a copy between two memories.
  private func copyType(_ first: Int, _ second: Int) -> NumberType {
    memories[first].isWide && memories[second].isWide ? .i64 : .i32
  }

  mutating func growHeap() -> Bool {
    if !hasHeap || current.multiplicity > 8 { return false }
    let memory = drawMemory()
    let type = memories[memory].indexType
    features.insert(.heapGrow)
    // A number that the function still needs when the memory has grown.
    let live = choices.chance(1, of: 2) && mayAddLocal ? addLocal(type, isAssignable: false) : nil
    if let live {
      expression(type, depth: 1)
      emit(.localSet, .local(live))
    }
    let isShort = memory == 0 && shape.parameters.heapLimit(is64Bit: isWideHeap) < 64
    switch choices.draw(below: 8) {
    case 0: emitConstant(0, type)
    case 1..<4: emitConstant(1, type)
    case 4..<5: emitConstant(2 + choices.draw(below: 3), type)
    case 5..<7 where isShort:
      // To the limit exactly, or one page too far.
      features.insert(.heapGrowPastLimit)
      emitConstant(shape.parameters.heapLimit(is64Bit: isWideHeap) + choices.draw(below: 2), type)
      emit(.memorySize, .memory(MemoryIndex(0)))
      emit(type, narrow: .i32Sub, wide: .i64Sub)
    case 5..<7: emitConstant(1, type)
    default:
      features.insert(.heapGrowPastLimit)
      emitConstant(choices.chance(1, of: 2) ? .max : 0x1_0000 << choices.draw(below: 16), type)
    }
    emit(.memoryGrow, .memory(MemoryIndex(memory)))
    spend(300)
    keep(type)
    if let live {
      emit(.localGet, .local(live))
      keep(type)
    }
    return true
  }

  mutating func fillHeap() -> Bool {
    if !hasHeap { return false }
    let memory = drawMemory()
    let type = memories[memory].indexType
    let length = drawBulkLength()
    emitConstant(place(for: length, in: memory), type)
    expression(.i32, depth: 1)
    bulkLength(length, type)
    emit(.memoryFill, .memory(MemoryIndex(memory)))
    spend(100 + length)
    features.insert(.heapFill)
    return true
  }

  mutating func copyHeap() -> Bool {
    if !hasHeap { return false }
    let destination = drawMemory()
    let source = drawMemory()
    let length = drawBulkLength()
    emitConstant(place(for: length, in: destination), memories[destination].indexType)
    emitConstant(place(for: length, in: source), memories[source].indexType)
    bulkLength(length, copyType(destination, source))
    emit(.memoryCopy, .memoryCopy(destination: MemoryIndex(destination), source: MemoryIndex(source)))
    spend(100 + length)
    features.insert(.heapCopy)
    return true
  }

  private mutating func drawBulkLength() -> UInt64 {
    switch choices.draw(below: 8) {
    case 0: 0
    case 1..<5: 1 + choices.draw(below: 64)
    case 5..<7: choices.draw(below: 512)
    default: 4_000 + choices.draw(below: 200)
    }
  }

  /// Emits a length: as it is, or a computed one that is not larger.
  private mutating func bulkLength(_ length: UInt64, _ type: NumberType) {
    if length > 0 && choices.chance(1, of: 4) {
      expression(type, depth: 1)
      // The largest number below the length whose bits are all ones.
      emitConstant((1 as UInt64) << UInt64(63 - length.leadingZeroBitCount) - 1, type)
      emit(type, narrow: .i32And, wide: .i64And)
    } else {
      emitConstant(length, type)
    }
  }

  /// Initialises from a data segment; where the segment is to be dropped, drops it.
  mutating func initializeHeap() -> Bool {
    if !module.hasDataCount { return false }
    let segment = choices.drawIndex(below: segments.count)
    let shape = segments[segment]
    // An active segment may be named by nothing but what drops it.
    if shape.isPassive || choices.chance(2, of: 3) { initialize(from: segment) }
    if shape.isDropped || !shape.isPassive {
      if isSafeToDrop && choices.chance(2, of: 3) {
        emit(.dataDrop, .data(DataIndex(segment)))
        spend(300)
        features.insert(.dataDrop)
      }
      current.droppedSegments |= 1 << UInt64(segment)
      // Its neighbours must still be there.
      for neighbour in [segment - 1, segment + 1]
      where segments.indices.contains(neighbour) && segments[neighbour].isPassive && choices.chance(1, of: 2) {
        initialize(from: neighbour)
      }
    }
    return true
  }

  /// Initialises from a data segment, with as many bytes as it surely has.
  private mutating func initialize(from segment: Int) {
    let shape = segments[segment]
    let isDropped = current.droppedSegments >> UInt64(segment) & 1 == 1
    // A dropped segment is there again in the next message, so only one place may rely on its bytes.
    let mayUse = shape.isPassive && (!shape.isDropped || (isSafeToDrop && !isDropped))
    let length = mayUse ? choices.draw(below: shape.length + 1) : 0
    let last = length == 0 ? 0 : shape.length - length
    let memory = drawMemory()
    emitConstant(place(for: length, in: memory), memories[memory].indexType)
    // Often up to the segment's last byte: whoever takes it for shorter traps.
    emitI32(UInt32(truncatingIfNeeded: choices.chance(1, of: 2) ? last : choices.draw(below: last + 1)))
    emitI32(UInt32(truncatingIfNeeded: length))
    emit(.memoryInit, .memoryInit(MemoryIndex(memory), DataIndex(segment)))
    spend(100 + length)
    features.insert(.heapInit)
  }

  /// Whether code here runs once in a message at most, in the only function that may drop segments.
  var isSafeToDrop: Bool { current.rank >= helperCount && current.multiplicity == 1 }

  mutating func dropElements() -> Bool {
    if module.elements.isEmpty { return false }
    let segment = choices.drawIndex(below: module.elements.count)
    // A second table may still be filled from it.
    if elementShapes.contains(where: { $0.segment.position == segment }) { return false }
    emit(.elemDrop, .element(ElementIndex(segment)))
    spend(300)
    features.insert(.elementDrop)
    return true
  }
}
