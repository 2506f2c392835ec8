// A module that accesses stable memory directly → one that calls `ic0.stable64_*` instead: the form of it that the host
// lane runs. Every access becomes the call of a helper that moves the bytes through the heap's first 16 bytes and puts
// those back. Called by `CaseModules`; the native lane runs the module as it is, so the two have nothing in common.

import Canister
import Wasm

/// Replaces direct accesses by System API calls (contract section 4).
///
/// Contents, size, traps and replies of the result are those of the original; instruction counts are not.
/// - Parameter form: of a module that passed `validateCanister`.
/// - Returns: a module whose memories are those of the original without stable memory.
public func lowerToCalls(_ form: CanisterForm) -> Module {
  guard let stable = form.stableMemory else { return form.module }
  var lowering = Lowering(form.module, stable: stable)
  return lowering.run()
}

/// What a lowered access needs a helper for. Equal needs share one helper.
enum HelperKind: Hashable {
  /// A load, store, or one of them with a lane.
  case access(Opcode, lane: UInt8)
  case grow, fill
  /// Both memories by index in the result; nil: stable memory.
  case copy(from: Int?, to: Int?)
  case initialize(segment: UInt32)
}

/// The lowering of one module.
struct Lowering {
  let original: Module
  let spaces: IndexSpaces
  let stable: MemoryIndex
  /// From the original's indices to the result's.
  var map = IndexMap()
  /// Memories of the result.
  let memories: [MemoryType]
  var result: Module
  private var helpers: [HelperKind: FunctionIndex] = [:]
  private var bodies: [(type: FunctionType, body: FunctionBody)] = []
  private let firstHelper: Int

  init(_ module: Module, stable: MemoryIndex) {
    original = module
    self.stable = stable
    spaces = IndexSpaces(module)
    let added = StableImport.allCases.count
    firstHelper = spaces.functions.count + added
    for old in 0..<spaces.functions.count {
      map.functions.table.append(FunctionIndex(old < spaces.importedFunctions ? old : old + added))
    }
    for old in spaces.memories.indices { map.memories.table.append(MemoryIndex(old > stable.position ? old - 1 : old)) }
    var memories = module.memories
    memories.remove(at: stable.position)
    self.memories = memories
    result = module
  }

  mutating func run() -> Module {
    // Names would have to follow, and nobody reads them here.
    result.customSections.removeAll()
    result.exports.removeAll { $0.kind == .memory(stable) }
    result.functions = []
    map.remap(&result)
    result.functions = original.functions.map { Function(type: $0.type, body: rewrite($0)) }
    result.memories = memories
    for function in StableImport.allCases {
      result.imports.append(Import(module: "ic0", name: function.rawValue, kind: .function(typeIndex(function.type))))
    }
    addMinimum()
    for (type, body) in bodies { result.functions.append(Function(type: typeIndex(type), body: body)) }
    return result
  }

  // MARK: Indices

  var isWideHeap: Bool { memories[0].is64Bit }

  func imported(_ function: StableImport) -> FunctionIndex {
    FunctionIndex(spaces.importedFunctions + (StableImport.allCases.firstIndex(of: function) ?? 0))
  }

  private mutating func typeIndex(_ type: FunctionType) -> TypeIndex {
    if let index = result.types.firstIndex(of: type) { return TypeIndex(index) }
    result.types.append(type)
    return TypeIndex(result.types.count - 1)
  }

  /// The helper for a need, made when first asked for.
  private mutating func helper(_ kind: HelperKind) -> Instruction {
    if let known = helpers[kind] { return .call(known) }
    let helper = body(of: kind)
    let index = FunctionIndex(firstHelper + bodies.count)
    helpers[kind] = index
    bodies.append(helper)
    return .call(index)
  }

  /// The start function has to see stable memory of the declared minimum size at least.
  private mutating func addMinimum() {
    let minimum = original.memories[stable.position].limits.minimum
    if minimum == 0 { return }
    var code: [Instruction] = [
      .call(imported(.size)), .i64(Int64(minimum)), Instruction(.i64LtU), Instruction(.if, .block(.empty)),
      .i64(Int64(minimum)), .call(imported(.size)), Instruction(.i64Sub), .call(imported(.grow)), Instruction(.drop),
      Instruction(.end),
    ]
    if let start = result.start { code.append(.call(start)) }
    code.append(Instruction(.end))
    result.start = FunctionIndex(firstHelper + bodies.count)
    bodies.append((FunctionType(), FunctionBody(instructions: code)))
  }

  // MARK: Bodies

  private mutating func rewrite(_ function: Function) -> FunctionBody {
    var body = function.body
    body.instructions = []
    body.instructions.reserveCapacity(function.body.instructions.count + 16)
    for instruction in function.body.instructions {
      switch instruction.immediate {
      case .memoryAccess(let access) where access.memory == stable:
        body.instructions += [offset(access), helper(.access(instruction.opcode, lane: 0))]
      case .memoryLane(let access, let lane) where access.memory == stable:
        body.instructions += [offset(access), helper(.access(instruction.opcode, lane: lane))]
      case .memory(stable) where instruction.opcode == .memorySize: body.instructions.append(.call(imported(.size)))
      case .memory(stable) where instruction.opcode == .memoryGrow: body.instructions.append(helper(.grow))
      case .memory(stable): body.instructions.append(helper(.fill))
      case .memoryCopy(let destination, let source) where destination == stable || source == stable:
        body.instructions.append(helper(.copy(from: place(source), to: place(destination))))
      case .memoryInit(stable, let segment): body.instructions.append(helper(.initialize(segment: segment.value)))
      default:
        var kept = instruction
        map.remap(&kept)
        body.instructions.append(kept)
      }
    }
    return body
  }

  private func offset(_ access: MemoryAccess) -> Instruction { .i64(Int64(bitPattern: access.offset)) }

  /// The memory's index in the result; nil for stable memory.
  private func place(_ memory: MemoryIndex) -> Int? { memory == stable ? nil : map.memories[memory].position }
}

/// The System API functions that lowered accesses call.
enum StableImport: String, CaseIterable {
  case size = "stable64_size"
  case grow = "stable64_grow"
  case read = "stable64_read"
  case write = "stable64_write"

  var type: FunctionType {
    switch self {
    case .size: FunctionType([], [.i64])
    case .grow: FunctionType([.i64], [.i64])
    case .read, .write: FunctionType([.i64, .i64, .i64])
    }
  }
}
