// Decides a module's frame before any body is emitted, because bodies refer to it by index: memories, entry points,
// helpers, imports, globals, table, data. Comes after `CaseShape`; `ModuleAssembly` writes the frame down.

import Canister
import Wasm

extension ModuleGenerator {
  mutating func planModule() {
    planMemories()
    planTypes()
    planEntries()
    planHelpers()
    planImports()
    planPositions()
    planGlobals()
    planCrowd()
    planTable()
    planFurtherTable()
    planData()
  }

  private mutating func planMemories() {
    if shape.heap == .none {
      features.insert(.heapless)
      return
    }
    memories.append(MemoryShape(pages: shape.heapPages, isWide: isWideHeap))
    if isWideHeap { features.insert(.wideHeap) }
    if shape.isDirect { planDirectMemories() }
    if shape.profile == .multiMemory {
      for _ in 0..<1 + choices.draw(below: 2) {
        let isWide = choices.chance(1, of: 2)
        let limit = shape.parameters.heapLimit(is64Bit: isWide)
        memories.append(MemoryShape(pages: min(limit, 1 + choices.draw(below: 2)), isWide: isWide, role: .further))
        features.insert(isWide ? .wideFurtherMemory : .furtherMemory)
      }
    }
  }

  /// Types that nothing may need, so that type indices do not follow the order of use.
  private mutating func planTypes() {
    for _ in 0..<choices.draw(below: 6) where choices.chance(1, of: 2) {
      let added = drawShape(parameters: 3, results: 2)
      if typeShapes.contains(added) { features.insert(.duplicateType) }
      _ = addType(added)
    }
  }

  private mutating func drawShape(parameters: Int, results: Int) -> FunctionShape {
    var drawn = FunctionShape()
    for _ in 0..<choices.drawIndex(below: parameters + 1) { drawn.parameters.append(drawType()) }
    for _ in 0..<choices.drawIndex(below: results + 1) { drawn.results.append(drawType()) }
    return drawn
  }

  mutating func drawType() -> NumberType {
    switch choices.draw(below: 16) {
    case 0..<6: .i32
    case 6..<13: .i64
    case 13..<14: .f32
    case 15 where GenerationTables.makesVectors: .v128
    default: .f64
    }
  }

  // MARK: Functions

  private mutating func planEntries() {
    func entry(_ kind: EntryPoint, _ method: String = "") -> EntryPlan {
      EntryPlan(entryPoints: EntryPointSet(kind), kind: kind, exports: [(kind, method)])
    }
    let isTiny = shape.instructionLimit == .tiny
    if shape.setup == .start || (!isTiny && choices.chance(1, of: 12)) { entries.append(entry(.start)) }
    if shape.setup == .initialize || (!isTiny && choices.chance(1, of: 3)) { entries.append(entry(.initialize)) }
    // The last one's length takes two bytes.
    let updates = ["a", "write", "b 2", "\u{FC}ber", "a name of " + String(repeating: "many ", count: 25) + "words"]
    for number in 0..<1 + choices.drawIndex(below: updates.count) { entries.append(entry(.update, updates[number])) }
    let queries = ["get", "q", "", "list"]
    for number in 0..<choices.element(of: [0, 0, 1, 1, 2, 2, 2, 3, 4]) {
      entries.append(entry(.query, queries[number]))
    }
    let savesState = choices.chance(1, of: 4)
    if savesState { entries.append(entry(.preUpgrade)) }
    if choices.chance(savesState ? 3 : 1, of: 5) { entries.append(entry(.postUpgrade)) }
    if choices.chance(1, of: 9) { entries.append(entry(.heartbeat)) }
    if choices.chance(1, of: 9) {
      if entries[entries.count - 1].kind == .heartbeat && choices.chance(1, of: 2) {
        entries[entries.count - 1].entryPoints.formUnion(EntryPointSet(.globalTimer))
        entries[entries.count - 1].exports.append((.globalTimer, ""))
        features.insert(.sharedEntryFunction)
      } else {
        entries.append(entry(.globalTimer))
      }
    }
    if choices.chance(1, of: 25) { entries.append(entry(.lowWasmMemory)) }
    if choices.chance(1, of: 9) { entries.append(entry(.inspectMessage)) }
    if choices.chance(1, of: 12) {
      for number in 0..<choices.element(of: [1, 1, 2, 3]) {
        entries.append(entry(.compositeQuery, "composed\(number)"))
      }
    }
    if hasHeap && !isTiny && choices.chance(shape.traps ? 14 : 4, of: 20) {
      var probe = entry(.update, "probe")
      probe.isProbe = true
      entries.append(probe)
    }
    if shape.traps {
      for position in entries.indices where !entries[position].isProbe {
        // A trap while the canister is set up leaves nothing to look at afterwards.
        let isVital = entries[position].kind == .start || entries[position].kind == .initialize
        entries[position].traps = choices.chance(isVital ? 1 : 15, of: 30)
        if isTiny || shape.instructionLimit == .small {
          entries[position].isPlain = !isVital && choices.chance(isTiny ? 14 : 7, of: 20)
        }
      }
    }
    for entry in entries {
      for export in entry.exports { features.insert(export.entryPoint) }
    }
  }

  private mutating func planHelpers() {
    for structure in shape.structures {
      let (change, look) = structure.operations
      operations += [(change, structure), (look, structure)]
    }
    for rank in operations.indices {
      plans.append(FunctionPlan(shape: StructureOperation.shape))
      helpersByResult[NumberType.i64.position] |= 1 << UInt64(rank)
    }
    helperCount = operations.count + choices.element(of: [0, 1, 2, 2, 3, 3, 4])
    for rank in operations.count..<helperCount {
      var helper = drawShape(parameters: 3, results: 1)
      if choices.chance(1, of: 10) {
        helper.results.append(drawType())
        helper.results.append(drawType())
      }
      plans.append(FunctionPlan(shape: helper))
      if helper.results.count == 1 { helpersByResult[helper.results[0].position] |= 1 << UInt64(rank) }
      if helper.results.count > 1 { features.insert(.multiValueFunction) }
    }
    for _ in entries { plans.append(FunctionPlan(shape: .entry)) }
    bodies = Array(repeating: FunctionBody(instructions: []), count: plans.count)
  }

  /// Where each defined function stands; helpers and entry points are mixed in some cases.
  private mutating func planPositions() {
    for rank in plans.indices { plans[rank].position = rank }
    if !choices.chance(1, of: 3) { return }
    features.insert(.shuffledFunctions)
    for rank in plans.indices.dropLast() {
      let other = rank + choices.drawIndex(below: plans.count - rank)
      let position = plans[rank].position
      plans[rank].position = plans[other].position
      plans[other].position = position
    }
  }

  // MARK: Globals

  private mutating func planGlobals() {
    for index in 0..<choices.draw(below: 7) {
      let type = drawType()
      let isMutable = !choices.chance(1, of: 4)
      globalTypes.append(type)
      globalsOfType[type.position] |= 1 << UInt64(index)
      if isMutable { mutableGlobals |= 1 << UInt64(index) }
      module.globals.append(Global(GlobalType(type.valueType, isMutable: isMutable), drawInitializer(type)))
      if type == .f32 || type == .f64 { features.insert(.floatGlobal) }
    }
  }

  /// A constant expression: mostly one constant, at times sums, differences and products of several.
  private mutating func drawInitializer(_ type: NumberType) -> [Instruction] {
    var initializer = [drawConstant(type)]
    guard type == .i32 || type == .i64, choices.chance(1, of: 8) else { return initializer }
    features.insert(.computedGlobal)
    let operations: [Opcode] = type == .i32 ? [.i32Add, .i32Sub, .i32Mul] : [.i64Add, .i64Sub, .i64Mul]
    let count = 1 + choices.draw(below: 3)
    // Operands first and then the operations, or in turns.
    let isDeep = choices.chance(1, of: 2)
    var pending: [Instruction] = []
    for _ in 0..<count {
      initializer.append(drawConstant(type))
      let operation = Instruction(choices.element(of: operations))
      if isDeep { pending.append(operation) } else { initializer.append(operation) }
    }
    return initializer + pending
  }

  // MARK: Table

  private mutating func planTable() {
    // Where functions have large indices, elements are to have them, too.
    guard features.contains(.crowd) || choices.chance(1, of: 2) else { return }
    features.insert(.table)
    let stable = imported.filter(\.isStable)
    slots = crowdSlots()
    for _ in 0..<1 + choices.draw(below: 7) {
      let kind = choices.draw(below: 10)
      if kind < 1 {
        slots.append(.null)
        features.insert(.nullElement)
      } else if kind < 6 && helperCount > 0 {
        slots.append(.helper(rank: choices.drawIndex(below: helperCount)))
      } else if kind < 8 && !stable.isEmpty {
        slots.append(.system(choices.element(of: stable)))
      } else if kind < 9 && !imported.isEmpty {
        slots.append(.system(choices.element(of: imported)))
      } else {
        slots.append(.entry(rank: helperCount + choices.drawIndex(below: entries.count)))
      }
    }
    planElements()
  }

  // MARK: Data

  private mutating func planData() {
    if !hasHeap { return }
    planCrowdData()
    let passive = choices.element(of: [1, 2, 2, 2, 4])
    for _ in 0..<choices.draw(below: 5) {
      // Some around and beyond what one byte of length holds.
      let length = choices.chance(1, of: 12) ? 120 + choices.draw(below: 160) : choices.draw(below: 49)
      let bytes = spreadBytes(choices.drawBits(), count: Int(length))
      if choices.chance(UInt64(passive), of: 5) {
        module.data.append(DataSegment(mode: .passive, bytes: bytes))
        segments.append(
          SegmentShape(length: length, isPassive: true, isDropped: segments.count < 64 && choices.chance(1, of: 3)))
        features.insert(.passiveData)
      } else {
        let drawn = drawMemory()
        // What every message starts without cannot be initialised.
        let memory = memories[drawn].role == .scratch ? 0 : drawn
        let reach = choices.chance(1, of: 6) ? memories[memory].bytes - length : 1_024
        let start = choices.chance(1, of: 20) ? memories[memory].bytes - length : choices.draw(below: reach + 1)
        let offset = memories[memory].isWide ? Instruction.i64(Int64(start)) : .i32(Int32(bitPattern: UInt32(start)))
        module.data.append(DataSegment(mode: .active(MemoryIndex(memory), offset: [offset]), bytes: bytes))
        segments.append(SegmentShape(length: 0, isPassive: false, isDropped: false))
        features.insert(.activeData)
      }
    }
    module.hasDataCount = !segments.isEmpty && choices.chance(5, of: 6)
  }

  /// Memory 0, or where there are others often one of them; stable memory is accessed by statements of its own.
  mutating func drawMemory() -> Int {
    let first = shape.isDirect ? 2 : 1
    return memories.count > first && choices.chance(2, of: 5)
      ? first + choices.drawIndex(below: memories.count - first) : 0
  }
}

extension FeatureSet {
  fileprivate mutating func insert(_ entryPoint: EntryPoint) {
    switch entryPoint {
    case .start: insert(Feature.startFunction)
    case .preUpgrade: insert(Feature.preUpgrade)
    case .postUpgrade: insert(Feature.postUpgrade)
    case .heartbeat: insert(Feature.heartbeat)
    case .globalTimer: insert(Feature.globalTimer)
    case .lowWasmMemory: insert(Feature.lowWasmMemory)
    case .inspectMessage: insert(Feature.inspect)
    case .compositeQuery: insert(Feature.compositeQuery)
    case .initialize, .update, .query: break
    }
  }
}

/// Bytes that follow from one number; 0 gives zeros.
func spreadBytes(_ seed: UInt64, count: Int) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count)
  var state = seed
  for position in 0..<count {
    if position & 7 == 0 && position > 0 { state = state &* 0x5851_F42D_4C95_7F2D }
    bytes.append(UInt8(truncatingIfNeeded: state >> UInt64((position & 7) * 8)))
  }
  return bytes
}
