// An instance of a compiled module: its memories, tables, globals and functions, laid out for the machine.

import Wasm

/// Serves imported functions.
public protocol ImportHandler: AnyObject {
  /// Serves a call of an imported function.
  ///
  /// - Parameters:
  ///   - function: the number with which the function was linked.
  ///   - slots: the arguments, 8 bytes each (two slots for a vector), narrower values zero-extended; receives the results.
  ///   - machine: the calling machine; its counter may be changed.
  func call(_ function: Int, _ slots: UnsafeMutablePointer<UInt64>, _ machine: Machine) throws(Trap)
}

/// What provides an imported function.
public enum FunctionImport {
  /// A host function: handler and the number by which the handler knows it.
  case host(any ImportHandler, Int)
  /// A function of another instance, which has to live as long as anything can call it.
  case wasm(Instance, FunctionIndex)
}

/// A global's storage, shared by the instances that import it.
public final class GlobalCell {
  public let type: GlobalType
  let storage: UnsafeMutablePointer<UInt64>

  /// - Parameters:
  ///   - bits: the value, or the lower half of a vector.
  ///   - high: the upper half of a vector.
  public init(_ type: GlobalType, bits: UInt64, high: UInt64 = 0) {
    self.type = type
    storage = .allocate(capacity: type.value.slotCount)
    storage.initialize(to: bits)
    if type.value == .v128 { (storage + 1).initialize(to: high) }
  }

  deinit { storage.deallocate() }

  /// The value's bits, the lower half of a vector's; narrower values are zero-extended.
  public var bits: UInt64 {
    get { storage.pointee }
    set { storage.pointee = newValue }
  }

  /// The value's slots: two for a vector, low half first.
  public var slots: UnsafeMutableBufferPointer<UInt64> {
    UnsafeMutableBufferPointer(start: storage, count: type.value.slotCount)
  }
}

/// Everything that a module imports, in import order, one list per kind. The caller has checked kinds and types.
public struct ImportedObjects {
  public var functions: [FunctionImport] = []
  public var tables: [Table] = []
  public var memories: [LinearMemory] = []
  public var globals: [GlobalCell] = []

  public init() {}
}

/// What the machine's loop knows about an instance.
struct InstanceContext {
  /// Memory 0, or an empty one where the module has none.
  var memory: UnsafeMutablePointer<MemoryState>
  /// All memories.
  var memories: UnsafeMutablePointer<UnsafeMutablePointer<MemoryState>>
  /// Defined functions.
  var functions: UnsafeMutablePointer<FunctionEntry>
  /// Storage of all globals.
  var globals: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  var instance: Unmanaged<Instance>
}

/// What the machine's loop knows about a function. References are addresses of entries.
struct FunctionEntry {
  /// nil until the function is translated, and for host functions.
  var code: UnsafePointer<UInt64>?
  /// The instance that defines the function, or that imports it from the host.
  var context: UnsafeMutablePointer<InstanceContext>
  var frameSize: Int32 = 0
  // Slots of the parameters, and of parameters and locals.
  var parameterCount: Int32
  var localCount: Int32
  /// 1, or 0 for injected functions, whose frames do not count.
  var depth: Int32 = 1
  /// Position among the defined functions, or of the import for a host function.
  var position: Int32
  var isHost: Bool
  /// The function's type, as a number that equal types of its instance share.
  var type: UInt32
}

/// An instance of a module.
public final class Instance {
  public let compiled: CompiledModule
  public let memories: [LinearMemory]
  public let tables: [Table]
  public let globals: [GlobalCell]
  let context: UnsafeMutablePointer<InstanceContext>
  let imports: [FunctionImport]
  /// Entries of imported functions: our own for the host's, other instances' for theirs.
  private let importedEntries: UnsafeMutablePointer<UnsafeMutablePointer<FunctionEntry>>
  private let hostEntries: UnsafeMutablePointer<FunctionEntry>
  private let definedEntries: UnsafeMutablePointer<FunctionEntry>
  private let globalPointers: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  private let memoryStates: UnsafeMutablePointer<UnsafeMutablePointer<MemoryState>>
  private let emptyMemory: UnsafeMutablePointer<MemoryState>?
  private var droppedData: [Bool]
  private var droppedElements: [Bool]

  /// Instantiates: memories at their minimum size, globals and tables evaluated. Active segments are not applied and the
  /// start function does not run: see `applyActiveElements`, `applyActiveData`.
  ///
  /// - Parameter provided: memories to use in place of new ones, by position among the module's own; of their types.
  /// - Throws: `Trap.hostMemoryExhausted`.
  public init(
    _ compiled: CompiledModule, imports: ImportedObjects, memories pool: MemoryPool,
    provided: [Int: LinearMemory] = [:]
  ) throws(Trap) {
    let module = compiled.module
    self.compiled = compiled
    self.imports = imports.functions
    var memories = imports.memories
    for (position, type) in module.memories.enumerated() {
      if let memory = provided[position] { memories.append(memory) } else { memories.append(try pool.make(type)) }
    }
    self.memories = memories
    var tables = imports.tables
    for table in module.tables { tables.append(try Table(table.type)) }
    self.tables = tables
    globals = imports.globals + module.globals.map { GlobalCell($0.type, bits: 0) }

    context = .allocate(capacity: 1)
    importedEntries = .allocate(capacity: imports.functions.count)
    hostEntries = .allocate(capacity: imports.functions.count)
    definedEntries = .allocate(capacity: module.functions.count)
    globalPointers = .allocate(capacity: globals.count)
    memoryStates = .allocate(capacity: memories.count)
    for (position, memory) in memories.enumerated() { (memoryStates + position).initialize(to: memory.state) }
    droppedData = Array(repeating: false, count: module.data.count)
    droppedElements = Array(repeating: false, count: module.elements.count)
    for (position, cell) in globals.enumerated() { globalPointers[position] = cell.storage }
    if memories.isEmpty {
      let empty = UnsafeMutablePointer<MemoryState>.allocate(capacity: 1)
      empty.initialize(to: .empty)
      emptyMemory = empty
    } else {
      emptyMemory = nil
    }
    guard let memory = memories.first?.state ?? emptyMemory else { throw .hostMemoryExhausted }
    context.initialize(
      to: InstanceContext(
        memory: memory, memories: memoryStates, functions: definedEntries, globals: globalPointers,
        instance: .passUnretained(self)))
    linkFunctions(module)
    for (position, global) in module.globals.enumerated() {
      initialize(globals[imports.globals.count + position], with: global.initializer)
    }
    initializeTables()
  }

  deinit {
    context.deallocate()
    importedEntries.deallocate()
    hostEntries.deallocate()
    definedEntries.deallocate()
    globalPointers.deallocate()
    memoryStates.deallocate()
    emptyMemory?.deallocate()
  }

  private func linkFunctions(_ module: Module) {
    let spaces = compiled.spaces
    for (position, function) in imports.enumerated() {
      let type = spaces.functions[position]
      hostEntries[position] = FunctionEntry(
        code: nil, context: context, parameterCount: Int32(module.types[type.position].parameters.slotCount),
        localCount: 0,
        position: Int32(position), isHost: true, type: compiled.canonicalTypes[type.position])
      importedEntries[position] =
        switch function {
        case .host: hostEntries + position
        case .wasm(let instance, let index): instance.entry(index)
        }
    }
    let firstInjected = compiled.options.firstInjectedFunction?.position ?? .max
    for (position, function) in module.functions.enumerated() {
      let parameters = module.types[function.type.position].parameters.slotCount
      definedEntries[position] = FunctionEntry(
        code: nil, context: context, parameterCount: Int32(parameters),
        localCount: Int32(parameters + function.body.localSlots),
        depth: imports.count + position >= firstInjected ? 0 : 1, position: Int32(position), isHost: false,
        type: compiled.canonicalTypes[function.type.position])
    }
  }

  // MARK: Look-ups

  /// The entry of a function by its index.
  func entry(_ index: FunctionIndex) -> UnsafeMutablePointer<FunctionEntry> {
    let position = index.position - imports.count
    return position >= 0 ? definedEntries + position : importedEntries[index.position]
  }

  /// The type of a function by its index.
  public func type(of index: FunctionIndex) -> FunctionType {
    compiled.module.types[compiled.spaces.functions[index.position].position]
  }

  /// What an export of this name refers to. Names are compared byte by byte: `==` takes canonically equivalent ones for
  /// equal, of which a module may export several.
  public func export(_ name: String) -> ExportKind? {
    compiled.module.exports.first { $0.name.utf8.elementsEqual(name.utf8) }?.kind
  }

  /// A reference to a function, as globals and tables hold it.
  public func reference(to index: FunctionIndex) -> UInt64 { UInt64(UInt(bitPattern: entry(index))) }

  /// Translates a function that is called for the first time.
  ///
  /// - Throws: `Trap.callStackExhausted` cannot happen here: what cannot be translated is refused by `CompiledModule`.
  func prepare(_ entry: UnsafeMutablePointer<FunctionEntry>) throws(Trap) {
    do {
      let function = try compiled.translated(Int(entry.pointee.position))
      guard let code = function.code.baseAddress else { throw Trap.unreachable }
      entry.pointee.frameSize = function.frameSize
      entry.pointee.code = UnsafePointer(code)
    } catch {
      throw .callStackExhausted
    }
  }

  // MARK: Constant expressions and segments

  /// The value of a constant expression, as register bits.
  func evaluate(_ expression: [Instruction]) -> UInt64 {
    var stack: [UInt64] = []
    for instruction in expression {
      switch (instruction.opcode, instruction.immediate) {
      case (_, .i32(let value)): stack.append(UInt64(UInt32(bitPattern: value)))
      case (_, .i64(let value)): stack.append(UInt64(bitPattern: value))
      case (_, .f32(let bits)): stack.append(UInt64(bits))
      case (_, .f64(let bits)): stack.append(bits)
      case (.globalGet, .global(let index)): stack.append(globals[index.position].bits)
      case (.refFunc, .function(let index)): stack.append(reference(to: index))
      case (.refNull, _): stack.append(0)
      default:
        let right = stack.popLast() ?? 0
        let left = stack.popLast() ?? 0
        switch instruction.opcode {
        case .i32Add: stack.append(UInt64(UInt32(truncatingIfNeeded: left &+ right)))
        case .i32Sub: stack.append(UInt64(UInt32(truncatingIfNeeded: left &- right)))
        case .i32Mul: stack.append(UInt64(UInt32(truncatingIfNeeded: left &* right)))
        case .i64Add: stack.append(left &+ right)
        case .i64Sub: stack.append(left &- right)
        case .i64Mul: stack.append(left &* right)
        default: break  // Not constant; validation has refused it.
        }
      }
    }
    return stack.last ?? 0
  }

  /// Gives a global its first value.
  private func initialize(_ cell: GlobalCell, with expression: [Instruction]) {
    guard cell.type.value == .v128 else {
      cell.bits = evaluate(expression)
      return
    }
    // No operator of constant expressions computes a vector: it is one instruction.
    switch expression.first?.immediate {
    case .v128(let vector): (cell.slots[0], cell.slots[1]) = (vector.low, vector.high)
    case .global(let index): _ = cell.slots.update(fromContentsOf: globals[index.position].slots)
    default: break
    }
  }

  private func initializeTables() {
    let imported = tables.count - compiled.module.tables.count
    for (position, table) in compiled.module.tables.enumerated() {
      tables[imported + position].reset(to: table.initializer.map(evaluate) ?? 0)
    }
  }

  /// Makes tables and segments as they are in a new instance: once per message. Memories and globals stay.
  ///
  /// - Throws: `Trap.tableOutOfBounds` when an active element segment does not fit.
  public func resetTables() throws(Trap) {
    initializeTables()
    for position in droppedData.indices { droppedData[position] = false }
    for position in droppedElements.indices { droppedElements[position] = false }
    dropActiveData()
    try applyActiveElements()
  }

  private func dropActiveData() {
    for (position, segment) in compiled.module.data.enumerated() {
      if case .active = segment.mode { droppedData[position] = true }
    }
  }

  /// Copies the active element segments into their tables.
  ///
  /// - Throws: `Trap.tableOutOfBounds` when a segment does not fit; the ones before it stay applied.
  public func applyActiveElements() throws(Trap) {
    for (position, segment) in compiled.module.elements.enumerated() {
      switch segment.mode {
      case .active(let table, let offset):
        let items = elements(position)
        try tables[table.position].copy(items, from: 0, to: evaluate(offset), count: UInt64(items.count))
        droppedElements[position] = true
      case .declarative: droppedElements[position] = true
      case .passive: break
      }
    }
  }

  /// Copies the active data segments into their memories.
  ///
  /// - Throws: `Trap.memoryOutOfBounds` when a segment does not fit; the ones before it stay applied.
  public func applyActiveData() throws(Trap) {
    for (position, segment) in compiled.module.data.enumerated() {
      guard case .active(let memory, let offset) = segment.mode else { continue }
      let target = try memories[memory.position].writableBytes(
        at: evaluate(offset), count: UInt64(segment.bytes.count))
      target.copyBytes(from: segment.bytes)
      droppedData[position] = true
    }
  }

  /// The references of an element segment; none once it is dropped.
  func elements(_ position: Int) -> [UInt64] {
    if droppedElements[position] { return [] }
    return switch compiled.module.elements[position].items {
    case .functions(let functions): functions.map(reference)
    case .expressions(_, let expressions): expressions.map(evaluate)
    }
  }

  /// The bytes of a data segment; none once it is dropped.
  func dataBytes(_ position: Int) -> [UInt8] {
    droppedData[position] ? [] : compiled.module.data[position].bytes
  }

  func dropData(_ position: Int) { droppedData[position] = true }
  func dropElements(_ position: Int) { droppedElements[position] = true }

  // MARK: State

  /// The slots of all globals, in index order.
  public func saveGlobals() -> [UInt64] { slots(ofGlobals: globals.indices) }

  /// Puts back what `saveGlobals` gave.
  public func restoreGlobals(_ saved: [UInt64]) { setSlots(ofGlobals: globals.indices, to: saved) }

  /// The slots of some globals, one behind the other.
  func slots(ofGlobals positions: some Collection<Int>) -> [UInt64] {
    var slots: [UInt64] = []
    slots.reserveCapacity(positions.count)
    for position in positions { slots.append(contentsOf: globals[position].slots) }
    return slots
  }

  /// Sets some globals to what `slots(ofGlobals:)` gave.
  func setSlots(ofGlobals positions: some Collection<Int>, to saved: [UInt64]) {
    var next = 0
    for position in positions {
      for slot in globals[position].slots.indices {
        globals[position].slots[slot] = saved[next]
        next += 1
      }
    }
  }

  /// Gives the instance's own memories back. The instance must not be used afterwards.
  ///
  /// - Parameter kept: a memory that somebody else goes on using.
  public func recycle(into pool: MemoryPool, except kept: LinearMemory? = nil) {
    for memory in memories.suffix(compiled.module.memories.count) where memory !== kept { pool.recycle(memory) }
  }
}
