// Direct access to stable memory: before each access that a module makes to its own stable memory, a call of an injected
// function that checks bounds and limits and marks pages. Used by `instrument` for the placements `direct` and `named`.

import Canister
import Wasm

/// The functions that are injected for direct access, in the order of their bodies.
enum DirectFunction: UInt8, CaseIterable {
  /// (address, offset, length)
  case checkRead, checkWrite
  /// (address, offset, length, heap address): for copies from and to the heap.
  case checkCopyToHeap, checkCopyFromHeap
  /// (pages) → former size or -1
  case grow

  var type: FunctionType {
    switch self {
    case .checkRead, .checkWrite: FunctionType([.i64, .i64, .i64])
    case .checkCopyToHeap, .checkCopyFromHeap: FunctionType([.i64, .i64, .i64, .i64])
    case .grow: FunctionType([.i64], [.i64])
    }
  }

  /// For the name section.
  var name: String {
    switch self {
    case .checkRead: "check_stable_read"
    case .checkWrite: "check_stable_write"
    case .checkCopyToHeap: "check_stable_copy_to_heap"
    case .checkCopyFromHeap: "check_stable_copy_from_heap"
    case .grow: "grow_stable_memory"
    }
  }

  fileprivate var isWrite: Bool { self == .checkWrite || self == .checkCopyFromHeap }
}

extension InjectedFunctions {
  /// - Parameter maximum: pages that the module declares for its stable memory.
  func body(of function: DirectFunction, maximum: UInt64?) -> FunctionBody {
    function == .grow ? growDirectly(maximum: maximum) : check(function)
  }

  /// Bounds as the access itself has them, but as stable memory's error; then the page accounting of the System API.
  private func check(_ function: DirectFunction) -> FunctionBody {
    let isCopy = function == .checkCopyToHeap || function == .checkCopyFromHeap
    let code = BodyBuilder(parameters: isCopy ? 4 : 3)
    let address = code.parameter(0, Width64.self)
    let offset = code.parameter(1, Width64.self)
    let length = code.parameter(2, Width64.self)
    let start = code.local(Width64.self)
    let end = code.local(Width64.self)
    trap(code, .stableMemoryOutOfBounds, if: start.assigning(address.value + offset.value) < address.value)
    trap(code, .stableMemoryOutOfBounds, if: end.assigning(start.value + length.value) < start.value)
    trap(
      code, .stableMemoryOutOfBounds, if: end.value > code.size(of: layout.stableMemory) * Int64(Sizes.wasmPage))
    let heap = isCopy ? code.parameter(3, Width64.self) : start
    let access = Access(code, heap: .wide(heap), offset: .wide(start), length: .wide(length))
    returnIfEmpty(access)
    if isCopy { trapIfBeyondHeap(access) }
    if function.isWrite {
      markWritten(access)
      subtract(access.unwritten, from: code.global(layout.dirtyPageCounter))
    } else {
      markRead(access)
    }
    subtract(access.unaccessed, from: code.global(layout.accessedPageCounter))
    return code.finish()
  }

  private func growDirectly(maximum: UInt64?) -> FunctionBody {
    let code = BodyBuilder(parameters: 1)
    let pages = code.parameter(0, Width64.self)
    if let maximum {
      let sum = code.local(Width64.self)
      for refuses in [
        { sum.assigning(code.size(of: self.layout.stableMemory) + pages.value) < pages.value },
        { sum.value > Int64(bitPattern: maximum) },
      ] {
        code.if(refuses()) {
          _ = code.i64(-1)
          code.return()
        }
      }
    }
    grow(code, by: .wide(pages), api: .stable64) { _ in }
    return code.finish()
  }
}

/// Rewrites the accesses of function bodies to stable memory, before metering: what is added is metered with the rest.
struct DirectAccessPass {
  let layout: InstrumentedLayout
  let types: [FunctionType]
  let memories: [MemoryType]
  /// The locals that the body at hand got, by type and purpose.
  private var added: [(type: ValueType, purpose: Int, local: LocalIndex)] = []
  private var next = 0
  private var output: [Instruction] = []

  init(layout: InstrumentedLayout, types: [FunctionType], memories: [MemoryType]) {
    self.layout = layout
    self.types = types
    self.memories = memories
  }

  private var stable: MemoryIndex { layout.stableMemory }

  /// The function with its accesses checked. Calls of injected functions have their final indices, which no map changes.
  mutating func rewrite(_ function: Function) -> Function {
    guard function.body.instructions.contains(where: touchesStable) else { return function }
    added = []
    next = function.body.locals.reduce(types[function.type.position].parameters.count) { $0 + Int($1.count) }
    output = []
    output.reserveCapacity(function.body.instructions.count * 2)
    for instruction in function.body.instructions {
      if touchesStable(instruction) { rewrite(instruction) } else { output.append(instruction) }
    }
    var result = function
    result.body.instructions = output
    result.body.locals += added.map { LocalGroup(count: 1, type: $0.type) }
    return result
  }

  private func touchesStable(_ instruction: Instruction) -> Bool {
    switch instruction.immediate {
    case .memoryAccess(let access), .memoryLane(let access, _): access.memory == stable
    case .memory(let memory): memory == stable && instruction.opcode != .memorySize
    case .memoryInit(let memory, _): memory == stable
    case .memoryCopy(let destination, let source): destination == stable || source == stable
    default: false
    }
  }

  private mutating func local(_ type: ValueType, _ purpose: Int) -> LocalIndex {
    if let known = added.first(where: { $0.type == type && $0.purpose == purpose }) { return known.local }
    let local = LocalIndex(next)
    next += 1
    added.append((type, purpose, local))
    return local
  }

  private mutating func rewrite(_ instruction: Instruction) {
    switch instruction.immediate {
    case .memoryAccess(let access), .memoryLane(let access, _): rewrite(instruction, access)
    case .memory where instruction.opcode == .memoryGrow: output.append(.call(layout.function(.grow)))
    case .memory: rewriteBulk(instruction, middle: .i32, length: .i64)
    case .memoryInit: rewriteBulk(instruction, middle: .i32, length: .i32)
    case .memoryCopy(let destination, let source): rewriteCopy(instruction, destination, source)
    default: output.append(instruction)
    }
  }

  private mutating func rewrite(_ instruction: Instruction, _ access: MemoryAccess) {
    let row = instruction.opcode.row
    let address = local(.i64, 0)
    let value = row.signature.operands.1.map { local($0, 1) }
    if let value { output.append(.set(value)) }
    let check: DirectFunction = row.signature.result == nil ? .checkWrite : .checkRead
    output += [
      .tee(address), .i64(Int64(bitPattern: access.offset)), .i64(1 << Int64(row.alignment)),
      .call(layout.function(check)), .get(address),
    ]
    if let value { output.append(.get(value)) }
    output.append(instruction)
  }

  /// Fill and init: address, something, length.
  private mutating func rewriteBulk(_ instruction: Instruction, middle: ValueType, length: ValueType) {
    let locals = (local(.i64, 0), local(middle, 1), local(length, 2))
    output += [.set(locals.2), .set(locals.1), .tee(locals.0), .i64(0)]
    push(locals.2, length)
    output += [.call(layout.function(.checkWrite)), .get(locals.0), .get(locals.1), .get(locals.2), instruction]
  }

  private mutating func rewriteCopy(_ instruction: Instruction, _ destination: MemoryIndex, _ source: MemoryIndex) {
    let (to, from) = (memories[destination.position], memories[source.position])
    let lengthType: ValueType = to.is64Bit && from.is64Bit ? .i64 : .i32
    let locals = (local(to.indexType, 0), local(from.indexType, 1), local(lengthType, 2))
    output += [.set(locals.2), .set(locals.1), .set(locals.0)]
    let heap = MemoryIndex(0)
    if source == stable {
      output += [.get(locals.1), .i64(0)]
      push(locals.2, lengthType)
      if destination == heap { push(locals.0, to.indexType) }
      output.append(.call(layout.function(destination == heap ? .checkCopyToHeap : .checkRead)))
    }
    if destination == stable {
      output += [.get(locals.0), .i64(0)]
      push(locals.2, lengthType)
      if source == heap { push(locals.1, from.indexType) }
      output.append(.call(layout.function(source == heap ? .checkCopyFromHeap : .checkWrite)))
    }
    output += [.get(locals.0), .get(locals.1), .get(locals.2), instruction]
  }

  private mutating func push(_ local: LocalIndex, _ type: ValueType) {
    output.append(.get(local))
    if type == .i32 { output.append(Instruction(.i64ExtendI32U)) }
  }
}
