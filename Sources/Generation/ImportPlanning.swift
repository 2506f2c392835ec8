// Decides what a module imports: which stable functions, twice or not at all, what else of the System API, in which
// order; and the element segments that mention imports. Part of `planModule`.

import Canister
import Wasm

extension ModuleGenerator {
  mutating func planImports() {
    imported = drawStableImports() + drawOtherImports()
    if features.contains(.noStableImport) && choices.chance(1, of: 2) {
      features.insert(.noImport)
      imported = []
    }
    for position in imported.indices.dropLast() {
      imported.swapAt(position, position + choices.drawIndex(below: imported.count - position))
    }
    addImports()
  }

  /// Imports everything in `imported`.
  mutating func addImports() {
    for position in imported.indices {
      let function = imported[position]
      let row = Int(function.rawValue)
      if systemIndices[row] < 0 {
        systemIndices[row] = Int16(position)
      } else {
        duplicateIndices[row] = Int16(position)
        features.insert(.duplicateImport)
      }
      module.imports.append(
        Import(module: "ic0", name: tables.names[row], kind: .function(typeIndex(signature(function).shape))))
    }
  }

  private mutating func drawStableImports() -> [SystemFunction] {
    if shape.isDirect { return [] }
    // A module without stable memory is instrumented, too.
    if shape.setup == .none && shape.structures.isEmpty && shape.narrowAccess != .guarded && choices.chance(1, of: 32) {
      features.insert(.noStableImport)
      return []
    }
    var wanted: [SystemFunction] = []
    if shape.families != .onlyWide { wanted += [.stableSize, .stableGrow, .stableRead, .stableWrite] }
    if shape.families != .onlyNarrow { wanted += [.stable64Size, .stable64Grow, .stable64Read, .stable64Write] }
    if !hasHeap {
      wanted.removeAll { $0 == .stableRead || $0 == .stableWrite || $0 == .stable64Read || $0 == .stable64Write }
    }
    let drawn = wanted.filter { isNeeded($0) || choices.chance(6, of: 7) }
    if drawn.isEmpty || !choices.chance(1, of: 5) { return drawn }
    let doubled = choices.element(of: drawn)
    return drawn + (choices.chance(1, of: 3) ? [doubled, drawn[0]].filter { $0 != doubled } : []) + [doubled]
  }

  /// Whether the module cannot do without a function: for the look before 32-bit calls, to set stable memory up, for the
  /// operations of structures; and mostly the rest of one family, so that the module can do anything at all.
  private mutating func isNeeded(_ function: SystemFunction) -> Bool {
    let isFamily = function.isWide == (shape.families != .onlyNarrow)
    switch function {
    case .stable64Size where shape.narrowAccess == .guarded: return true
    case .stable64Grow, .stable64Size, .stableGrow, .stableSize:
      if isFamily && shape.setup != .none { return true }
    default: if isFamily && !shape.structures.isEmpty { return true }
    }
    return isFamily && shape.instructionLimit != .tiny && choices.chance(60, of: 61)
  }

  private mutating func drawOtherImports() -> [SystemFunction] {
    var drawn: [SystemFunction] = []
    let usual: [(SystemFunction, UInt64)] = [
      (.msgReply, 19), (.msgReplyDataAppend, 18), (.msgArgDataSize, 16), (.msgArgDataCopy, 16),
      (.performanceCounter, shape.traps ? 19 : 12), (.debugPrint, shape.traps ? 16 : 8), (.time, 6),
      (.trap, shape.traps ? 16 : 4), (.msgReject, 4),
    ]
    for (function, weight) in usual where choices.chance(weight, of: 20) { drawn.append(function) }
    // Counts are not defined for direct access.
    if shape.isDirect { drawn.removeAll { $0 == .performanceCounter } }
    let isInspecting = entries.contains { $0.kind == .inspectMessage }
    if isInspecting && choices.chance(9, of: 10) { drawn.append(.acceptMessage) }
    if choices.chance(1, of: 5) {
      let pair = choices.element(of: Self.copyPairs)
      drawn += [pair.size, pair.copy]
    }
    for _ in 0..<choices.draw(below: 5) {
      let function = choices.element(of: tables.functions)
      if function.isStable || drawn.contains(function) || !signature(function).exists { continue }
      if shape.isDirect && function == .performanceCounter { continue }
      drawn.append(function)
      features.insert(.unusedImport)
    }
    return drawn
  }

  // MARK: Elements

  /// Writes the table and the segments that fill its slots, and segments that fill nothing.
  mutating func planElements() {
    let count = UInt64(slots.count)
    let spare = choices.draw(below: 3)
    module.tables.append(
      Table(
        TableType(.funcref, Limits(minimum: count + spare, maximum: choices.chance(1, of: 2) ? count + spare : nil))))
    // Slots are filled by one segment or by several that meet somewhere.
    var start = 0
    if choices.chance(1, of: 8) { addUnplacedElements() }
    while start < slots.count {
      let end = choices.chance(2, of: 5) ? start + 1 + choices.drawIndex(below: slots.count - start) : slots.count
      addElements(start..<end)
      start = end
    }
    if choices.chance(1, of: 8) { addUnplacedElements() }
  }

  /// Adds the segment that fills some slots, and at times one before it that it has to overwrite.
  private mutating func addElements(_ range: Range<Int>) {
    let functions = range.map(slotFunction)
    if choices.chance(1, of: 6) {
      features.insert(.overlappingElements)
      let other = functionIndex(rank: choices.drawIndex(below: plans.count))
      addElements(functions.dropFirst().reversed() + [other], at: range.lowerBound)
    }
    if choices.chance(1, of: 12) { addElements([], at: range.upperBound) }
    addElements(functions, at: range.lowerBound)
  }

  /// - Parameter functions: nil for null references.
  private mutating func addElements(_ functions: [FunctionIndex?], at slot: Int) {
    let items: ElementItems
    if functions.contains(nil) || choices.chance(1, of: 3) {
      features.insert(.expressionElements)
      items = .expressions(
        .funcref, functions.map { $0.map { [Instruction(.refFunc, .function($0))] } ?? [nullReference] })
    } else {
      items = .functions(functions.compactMap { $0 })
    }
    module.elements.append(
      ElementSegment(mode: .active(TableIndex(0), offset: [.i32(Int32(slot))]), items: items))
    referenced += functions.compactMap { $0 }
  }

  private var nullReference: Instruction { Instruction(.refNull, .referenceType(.funcref)) }

  private mutating func addUnplacedElements() {
    let rank = choices.drawIndex(below: plans.count)
    let function = functionIndex(rank: rank)
    referenced.append(function)
    let isPassive = choices.chance(1, of: 2)
    features.insert(isPassive ? .passiveElements : .declarativeElements)
    let items: ElementItems =
      choices.chance(1, of: 2)
      ? .expressions(.funcref, [[Instruction(.refFunc, .function(function))], [nullReference]])
      : .functions([function])
    module.elements.append(ElementSegment(mode: isPassive ? .passive : .declarative, items: items))
  }

  private func slotFunction(_ position: Int) -> FunctionIndex? {
    switch slots[position] {
    case .null: nil
    case .helper(let rank), .entry(let rank): functionIndex(rank: rank)
    case .system(let function): FunctionIndex(Int(systemIndices[Int(function.rawValue)]))
    }
  }
}
