// Puts a generated module together: functions in their places, memories, exports, start function, custom sections. The
// last step of generating a module.

import Canister
import Wasm

extension ModuleGenerator {
  mutating func assemble() {
    assembleFunctions()
    assembleMemories()
    assembleExports()
    assembleCustomSections()
    markShape()
    if shape.profile == .named { importMemories() }
  }

  /// Takes out what makes the module a canister: its exports, or all that it has. Such a module can be installed, but
  /// not called.
  mutating func strip() {
    entries = []
    importedMethod = nil
    let kind = choices.draw(below: 3)
    if kind == 0 {
      module.exports = []
      features.insert(.noExport)
      return
    }
    module = Module()
    features = FeatureSet()
    if kind == 1 {
      features.insert(.emptyModule)
    } else {
      // A start function that the module does not define, and that may not be called there.
      module.types = [FunctionShape.entry.type]
      module.imports = [
        Import(module: "ic0", name: SystemFunction.msgReply.name, kind: .function(TypeIndex(0)))
      ]
      module.start = FunctionIndex(0)
      features.insert(.importedStart)
    }
  }

  private mutating func assembleFunctions() {
    let types = plans.map { typeIndex($0.shape) }
    let ranks = plans.indices.sorted { plans[$0].position < plans[$1].position }
    module.functions = crowdFunctions() + ranks.map { Function(type: types[$0], body: bodies[$0]) }
    for number in entries.indices where entries[number].kind == .start {
      module.start = functionIndex(rank: helperCount + number)
    }
  }

  private mutating func assembleMemories() {
    for number in memories.indices {
      let memory = memories[number]
      var maximum: UInt64?
      if memory.role == .stable {
        maximum = drawStableMaximum()
      } else if number > 0 {
        // Nothing but the declared maximum bounds further memories.
        maximum = memory.pages + choices.draw(below: 3)
      } else {
        switch choices.draw(below: 6) {
        case 0..<3: maximum = nil
        case 3: maximum = memory.pages
        case 4: maximum = memory.pages + 1 + choices.draw(below: 8)
        default: maximum = 65_536
        }
        let limit = shape.parameters.heapLimit(is64Bit: memory.isWide)
        // The IC refuses a 64-bit heap that declares more than the limit, and cuts a 32-bit one.
        if memory.isWide, let declared = maximum { maximum = min(declared, limit) }
        if let declared = maximum { maximum = max(declared, memory.pages) }
        if maximum != nil { features.insert(.declaredHeapMaximum) }
      }
      module.memories.append(
        MemoryType(Limits(minimum: memory.pages, maximum: maximum), is64Bit: memory.isWide))
    }
  }

  // MARK: Exports

  private mutating func assembleExports() {
    // Further exports stand before, among or after the entry points.
    let cut = choices.drawIndex(below: entries.count + 1)
    exportEntries(0..<cut)
    exportOthers()
    exportEntries(cut..<entries.count)
  }

  private mutating func exportEntries(_ range: Range<Int>) {
    for number in range where entries[number].kind != .start {
      let function = functionIndex(rank: helperCount + number)
      for (entryPoint, method) in entries[number].exports {
        module.exports.append(Export(name: entryPoint.exportName + method, kind: .function(function)))
      }
    }
  }

  private mutating func exportOthers() {
    if hasHeap && choices.chance(1, of: 2) {
      module.exports.append(Export(name: "memory", kind: .memory(MemoryIndex(0))))
      features.insert(.memoryExport)
    }
    if hasHeap && choices.chance(1, of: 10) {
      module.exports.append(Export(name: "heap", kind: .memory(MemoryIndex(0))))
      module.exports.append(Export(name: "heap again", kind: .memory(MemoryIndex(0))))
      features.insert(.severalMemoryExports)
    }
    for number in memories.indices.dropFirst() where choices.chance(1, of: 2) {
      module.exports.append(Export(name: "further \(number)", kind: .memory(MemoryIndex(number))))
    }
    if !module.tables.isEmpty && choices.chance(1, of: 3) {
      module.exports.append(Export(name: "functions", kind: .table(TableIndex(0))))
      features.insert(.tableExport)
      if choices.chance(1, of: 3) {
        module.exports.append(Export(name: "table", kind: .table(TableIndex(0))))
        features.insert(.severalTableExports)
      }
    }
    for number in globalTypes.indices where choices.chance(1, of: 5) {
      module.exports.append(Export(name: "global \(number)", kind: .global(GlobalIndex(number))))
      features.insert(.exportedGlobal)
    }
    if helperCount > 0 && choices.chance(1, of: 6) {
      module.exports.append(
        Export(name: "helper", kind: .function(functionIndex(rank: choices.drawIndex(below: helperCount)))))
    }
    if let start = module.start, choices.chance(1, of: 3) {
      module.exports.append(Export(name: "start", kind: .function(start)))
      features.insert(.exportedStart)
    }
    if !imported.isEmpty && choices.chance(1, of: 10) {
      let function = FunctionIndex(choices.drawIndex(below: imported.count))
      module.exports.append(Export(name: "system", kind: .function(function)))
      features.insert(.exportedImport)
    }
    if isImported(.msgReply) && choices.chance(1, of: 24) {
      let (method, reply) = ("reply", FunctionIndex(Int(systemIndices[Int(SystemFunction.msgReply.rawValue)])))
      module.exports.append(Export(name: EntryPoint.update.exportName + method, kind: .function(reply)))
      importedMethod = method
      features.insert(.importedMethod)
    }
  }

  // MARK: Custom sections

  private mutating func assembleCustomSections() {
    if choices.chance(1, of: 12) {
      module.customSections.append(
        CustomSection(name: "icp:public candid:service", bytes: Array("service : {}".utf8), follows: .start))
      features.insert(.metadataSection)
    }
    if !choices.chance(1, of: 10) { return }
    features.insert(.nameSection)
    var names = NameSection()
    names.functions = imported.indices.map { IndexedName(FunctionIndex($0), imported[$0].name) }
    let ranks = plans.indices.sorted { plans[$0].position < plans[$1].position }
    for rank in ranks {
      let name = rank < helperCount ? "helper\(rank)" : "entry\(rank - helperCount)"
      names.functions.append(IndexedName(functionIndex(rank: rank), name))
    }
    names.globals = globalTypes.indices.map { IndexedName(GlobalIndex($0), "global\($0)") }
    names.memories = memories.indices.map { IndexedName(MemoryIndex($0), $0 == 0 ? "heap" : "further\($0)") }
    for rank in ranks where !bodies[rank].locals.isEmpty && choices.chance(1, of: 3) {
      let local = LocalIndex(plans[rank].shape.parameters.count)
      names.locals.append(FunctionNames(functionIndex(rank: rank), [IndexedName(local, "first")]))
    }
    if choices.chance(1, of: 2) {
      names.module = "canister"
      names.tables = module.tables.indices.map { IndexedName(TableIndex($0), "table\($0)") }
      names.elements = module.elements.indices.map { IndexedName(ElementIndex($0), "elements\($0)") }
      names.data = module.data.indices.map { IndexedName(DataIndex($0), "data\($0)") }
    }
    module.customSections.append(CustomSection(name: NameSection.sectionName, bytes: names.encoded(), follows: .data))
  }

  private mutating func markShape() {
    features.insert(shape.stableClass)
    let parameters = shape.parameters
    let standard = Parameters()
    if parameters.stableCapacity != standard.stableCapacity { features.insert(.smallCapacity) }
    if parameters.heapLimit32 != standard.heapLimit32 || parameters.heapLimit64 != standard.heapLimit64 {
      features.insert(.smallHeapLimit)
    }
    if parameters.metering == .old { features.insert(.oldMetering) }
    if parameters.dirtyPageOverhead != standard.dirtyPageOverhead { features.insert(.changedOverhead) }
    if shape.instructionLimit == .production { features.insert(.productionInstructionLimit) }
    if shape.instructionLimit == .small || shape.instructionLimit == .tiny { features.insert(.smallInstructionLimit) }
    for limit in [shape.dirtyLimit, shape.accessedLimit] {
      switch limit {
      case .production: break
      case .exact: features.insert(.exactPageLimit)
      case .exceeded: features.insert(.exceededPageLimit)
      case .small: features.insert(.smallPageLimit)
      }
    }
  }
}
