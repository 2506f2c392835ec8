// Mutants of the numbering: each kind of reference left as it was, shifted twice, or one off. Only results that a
// validator lets pass count: the others are found by validating.

import Canister
import Instrumentation
import Wasm

/// Something in a module that names a function.
private enum FunctionReference: Sendable {
  case code(function: Int, position: Int)
  case item(segment: Int, item: Int)
  case itemExpression(segment: Int, item: Int, position: Int)
  case export(Int)
  case global(Int, position: Int)
  case table(Int, position: Int)

  func get(_ module: Module) -> FunctionIndex? {
    switch self {
    case .code(let function, let position): module.functions[function].body.instructions[position].function
    case .item(let segment, let item): module.elements[segment].listedFunctions?[item]
    case .itemExpression(let segment, let item, let position):
      module.elements[segment].listedExpressions?[item][position].function
    case .export(let position): module.exports[position].function
    case .global(let global, let position): module.globals[global].initializer[position].function
    case .table(let table, let position): module.tables[table].initializer?[position].function
    }
  }

  func set(_ new: FunctionIndex, _ module: inout Module) {
    switch self {
    case .code(let function, let position):
      module.functions[function].body.instructions[position].immediate = .function(new)
    case .item(let segment, let item):
      guard case .functions(var items) = module.elements[segment].items else { return }
      items[item] = new
      module.elements[segment].items = .functions(items)
    case .itemExpression(let segment, let item, let position):
      guard case .expressions(let type, var expressions) = module.elements[segment].items else { return }
      expressions[item][position].immediate = .function(new)
      module.elements[segment].items = .expressions(type, expressions)
    case .export(let position): module.exports[position].kind = .function(new)
    case .global(let global, let position): module.globals[global].initializer[position].immediate = .function(new)
    case .table(let table, let position): module.tables[table].initializer?[position].immediate = .function(new)
    }
  }
}

extension Instruction {
  fileprivate var function: FunctionIndex? {
    if case .function(let function) = immediate { return function }
    return nil
  }
}

extension ElementSegment {
  fileprivate var listedFunctions: [FunctionIndex]? {
    if case .functions(let functions) = items { return functions }
    return nil
  }
  fileprivate var listedExpressions: [[Instruction]]? {
    if case .expressions(_, let expressions) = items { return expressions }
    return nil
  }
}

extension Export {
  fileprivate var function: FunctionIndex? {
    if case .function(let function) = kind { return function }
    return nil
  }
}

/// Kinds of references, as an instrumenter's author would forget them one by one.
private enum ReferenceKind: String, CaseIterable, Sendable {
  case callOfImport = "call-import"
  case callOfOwn = "call-own"
  case callOfStable = "call-stable"
  case tailCall = "return-call"
  case refFunc = "ref.func"
  case element, export, start
  case globalInitializer = "global"
  case tableInitializer = "table"

  var words: String {
    switch self {
    case .callOfImport: "call of an import"
    case .callOfOwn: "call of an own function"
    case .callOfStable: "call of a stable function"
    case .tailCall: "tail call"
    case .refFunc: "ref.func"
    case .element: "item of an element segment"
    case .export: "exported function"
    case .start: "start function"
    case .globalInitializer: "function in a global's initial value"
    case .tableInitializer: "function in a table's initial value"
    }
  }

  var profiles: [String] {
    switch self {
    case .tailCall, .tableInitializer: ["multi-memory"]
    default: ["native", "multi-memory"]
    }
  }

  func sites(in target: MutationTarget) -> [FunctionReference] {
    let module = target.instrumented
    switch self {
    case .callOfImport:
      return calls(.call, target) { $0.position < target.layout.importedFunctions }
    case .callOfOwn: return calls(.call, target, target.layout.definedFunctions.contains)
    case .callOfStable: return calls(.call, target) { $0 > target.layout.countCleanPages }
    case .tailCall: return calls(.returnCall, target) { _ in true }
    case .refFunc: return calls(.refFunc, target) { _ in true }
    case .element:
      return module.elements.indices.flatMap { segment -> [FunctionReference] in
        let listed = module.elements[segment].listedFunctions ?? []
        let expressions = module.elements[segment].listedExpressions ?? []
        return listed.indices.map { .item(segment: segment, item: $0) }
          + expressions.indices.flatMap { item in
            expressions[item].indices.filter { expressions[item][$0].function != nil }.map {
              FunctionReference.itemExpression(segment: segment, item: item, position: $0)
            }
          }
      }
    case .export, .start:
      return module.exports.indices.filter {
        module.exports[$0].function != nil
          && (module.exports[$0].name == InstrumentationExport.start) == (self == .start)
      }.map { .export($0) }
    case .globalInitializer:
      return module.globals.indices.flatMap { global in
        module.globals[global].initializer.indices.filter { module.globals[global].initializer[$0].function != nil }
          .map { FunctionReference.global(global, position: $0) }
      }
    case .tableInitializer:
      return module.tables.indices.flatMap { table in
        (module.tables[table].initializer ?? []).indices.filter {
          module.tables[table].initializer?[$0].function != nil
        }.map { FunctionReference.table(table, position: $0) }
      }
    }
  }

  private func calls(
    _ opcode: Opcode, _ target: MutationTarget, _ isWanted: (FunctionIndex) -> Bool
  ) -> [FunctionReference] {
    let layout = target.layout
    let injected = [layout.outOfInstructions, layout.tryGrowWasmMemory, layout.decrement]
    return target.ownFunctions.flatMap { function in
      let body = target.instrumented.functions[function].body.instructions
      return body.indices.filter { position in
        guard body[position].opcode == opcode, let callee = body[position].function else { return false }
        return !injected.contains(callee) && isWanted(callee)
      }.map { FunctionReference.code(function: function, position: $0) }
    }
  }
}

/// What a reference becomes instead.
private enum Shift: String, CaseIterable, Sendable {
  case unshifted
  case shiftedTwice = "shifted-twice"
  case next, previous
  /// The import that should have been replaced.
  case unreplaced = "not-replaced"
  /// What a byte too few would leave, with and without a sign or continuation bit.
  case sevenBits = "seven-bits"
  case eightBits = "eight-bits"

  var words: String {
    switch self {
    case .unshifted: "keeps its old index"
    case .shiftedTwice: "is shifted twice"
    case .next: "is one too high"
    case .previous: "is one too low"
    case .unreplaced: "still goes to the import"
    case .sevenBits: "keeps 7 bits of its index"
    case .eightBits: "keeps 8 bits of its index"
    }
  }

  /// Whether the shift can come about for a kind of reference.
  func isFor(_ kind: ReferenceKind) -> Bool {
    switch self {
    case .unreplaced: kind == .callOfStable
    // Replacements stand far behind the imports: twice that is no function at all.
    case .shiftedTwice: kind != .callOfStable
    // Imports have small indices, injected functions types of their own, and the others are rare next to exports.
    case .sevenBits, .eightBits: kind == .callOfOwn || kind == .export || kind == .element
    case .unshifted, .next, .previous: true
    }
  }

  func apply(_ index: FunctionIndex, _ target: MutationTarget) -> FunctionIndex? {
    let new: Int?
    let old = target.originalIndex(of: index)
    switch self {
    case .unshifted: new = old
    case .shiftedTwice: new = old.map { 2 * index.position - $0 }
    case .next: new = index.position + 1
    case .previous: new = index.position - 1
    case .unreplaced:
      guard index > target.layout.countCleanPages else { return nil }
      new = old.map { target.strategy.imports == .front ? $0 + InstrumentationImport.allCases.count : $0 }
    case .sevenBits: new = index.position & 0x7F
    case .eightBits: new = index.position & 0xFF
    }
    return new.flatMap { $0 < 0 ? nil : FunctionIndex($0) }
  }
}

extension MutationTarget {
  /// The original's index of a function; nil for injected ones.
  fileprivate func originalIndex(of index: FunctionIndex) -> Int? { layout.map.functions.table.firstIndex(of: index) }

  /// The instrumented module's function types, by index.
  fileprivate var functionTypes: [FunctionType] {
    IndexSpaces(instrumented).functions.map { instrumented.types[$0.position] }
  }
}

extension MutationRule {
  static let indices: [MutationRule] = functionIndices + memoryIndices + globalIndices + segmentIndices + names

  private static var functionIndices: [MutationRule] {
    ReferenceKind.allCases.flatMap { kind in
      Shift.allCases.filter { $0.isFor(kind) }.flatMap { shift in
        Choice.allCases.compactMap { choice in
          if kind == .start && choice != .first { return nil }
          return MutationRule(
            "index/\(kind.rawValue)/\(shift.rawValue)/\(choice.rawValue)", .index,
            "Indices: \(choice.words(kind.words)) \(shift.words).", profiles: kind.profiles
          ) { target in
            let types = target.functionTypes
            let sites = kind.sites(in: target).compactMap { site -> (FunctionReference, FunctionIndex)? in
              guard let old = site.get(target.instrumented), let new = shift.apply(old, target), new != old,
                new.position < types.count, types[new.position] == types[old.position]
              else { return nil }
              return (site, new)
            }
            let chosen = choice.of(sites)
            if chosen.isEmpty { return nil }
            var result = target.instrumented
            for (site, new) in chosen { site.set(new, &result) }
            return result
          }
        }
      }
    }
  }

  // MARK: Memories

  private static var memoryIndices: [MutationRule] {
    let kinds: [(name: String, isKind: @Sendable (Instruction) -> Bool)] = [
      ("access", { if case .memoryAccess = $0.immediate { true } else { false } }),
      ("size", { $0.opcode == .memorySize }), ("grow", { $0.opcode == .memoryGrow }),
      ("fill", { $0.opcode == .memoryFill }), ("copy-destination", { $0.opcode == .memoryCopy }),
      ("copy-source", { $0.opcode == .memoryCopy }), ("init", { $0.opcode == .memoryInit }),
    ]
    let shifts = ["unshifted", "next", "previous"]
    return kinds.flatMap { kind in
      shifts.flatMap { shift in
        Choice.allCases.map { choice in
          MutationRule(
            "index/memory-\(kind.name)/\(shift)/\(choice.rawValue)", .index,
            "Indices: the memory of \(choice.words(kind.name)) is \(shift).", profiles: ["multi-memory"]
          ) { target in
            editing(target, choice) { instruction in
              guard kind.isKind(instruction) else { return nil }
              return instruction.withMemory(isSource: kind.name == "copy-source") { memory in
                switch shift {
                case "unshifted":
                  target.layout.map.memories.table.firstIndex(of: memory).map { MemoryIndex($0) } ?? memory
                case "next": MemoryIndex(memory.position + 1)
                default: memory.position > 0 ? MemoryIndex(memory.position - 1) : memory
                }
              }
            }
          }
        }
      }
    }
  }

  /// Changes instructions of the own functions where the result is another one that validates.
  fileprivate static func editing(
    _ target: MutationTarget, _ choice: Choice, _ change: (Instruction) -> Instruction?
  ) -> Module? {
    var sites: [(function: Int, position: Int, new: Instruction)] = []
    for function in target.ownFunctions {
      for (position, old) in target.instrumented.functions[function].body.instructions.enumerated() {
        guard let new = change(old), new != old else { continue }
        sites.append((function, position, new))
      }
    }
    if choice == .every {
      guard sites.count > 2 else { return nil }
      var result = target.instrumented
      for site in sites { result.functions[site.function].body.instructions[site.position] = site.new }
      return result
    }
    // Which of the places may stand alone is for the validator to say.
    for site in choice == .first ? sites : sites.reversed() {
      var result = target.instrumented
      result.functions[site.function].body.instructions[site.position] = site.new
      if (try? validate(result)) != nil { return result }
    }
    return nil
  }

  // MARK: Globals

  private static var globalIndices: [MutationRule] {
    [Opcode.globalGet, .globalSet].flatMap { opcode in
      [1, -1].flatMap { distance in
        Choice.allCases.map { choice in
          MutationRule(
            "index/\(opcode.row.text)/\(distance > 0 ? "next" : "previous")/\(choice.rawValue)", .index,
            "Indices: the variable of \(choice.words("\(opcode.row.text)")) is one too \(distance > 0 ? "high" : "low")."
          ) { target in
            let globals = IndexSpaces(target.original).globals
            return editing(target, choice) { instruction in
              guard instruction.opcode == opcode, case .global(let global) = instruction.immediate,
                global.position < globals.count
              else { return nil }
              let other = global.position + distance
              guard globals.indices.contains(other), globals[other] == globals[global.position] else { return nil }
              return Instruction(opcode, .global(GlobalIndex(other)))
            }
          }
        }
      }
    }
  }

  // MARK: Segments

  private static var segmentIndices: [MutationRule] {
    let kinds: [(Opcode, [String])] = [
      (.memoryInit, ["native"]), (.dataDrop, ["native"]), (.tableInit, ["multi-memory"]), (.elemDrop, ["multi-memory"]),
    ]
    return kinds.flatMap { opcode, profiles in
      [1, -1].flatMap { distance in
        Choice.allCases.map { choice in
          MutationRule(
            "index/\(opcode.row.text)/\(distance > 0 ? "next" : "previous")/\(choice.rawValue)", .index,
            "Indices: the segment of \(choice.words("\(opcode.row.text)")) is one too \(distance > 0 ? "high" : "low").",
            profiles: profiles
          ) { target in
            editing(target, choice) {
              $0.opcode == opcode ? $0.withSegment(shiftedBy: distance, target.instrumented) : nil
            }
          }
        }
      }
    }
  }

  // MARK: Names

  private static var names: [MutationRule] {
    func rule(
      _ name: String, _ sentence: String, profiles: [String] = ["native"],
      _ change: @escaping @Sendable (inout NameSection, NameSection, MutationTarget) -> Void
    ) -> MutationRule {
      MutationRule("index/names/\(name)", .index, sentence, profiles: profiles) { target in
        guard var names = target.instrumented.names, let old = target.original.names else { return nil }
        change(&names, old, target)
        var result = target.instrumented
        result.replaceNames(names)
        return result
      }
    }
    return [
      rule("functions-unshifted", "Names: functions keep their old indices.") { names, old, _ in
        names.functions = old.functions
      },
      rule("locals-unshifted", "Names: the functions of local names keep their old indices.") { names, old, _ in
        names.locals = old.locals
      },
      rule("memories-unshifted", "Names: memories keep their old indices.", profiles: ["multi-memory"]) {
        names, old, _ in
        names.memories = old.memories
      },
      rule("functions-next", "Names: functions are one too high.") { names, _, _ in
        for position in names.functions.indices { names.functions[position].index.value += 1 }
      },
      rule("globals-next", "Names: globals are one too high.") { names, _, _ in
        for position in names.globals.indices { names.globals[position].index.value += 1 }
      },
      rule("tables-next", "Names: tables are one too high.") { names, _, _ in
        for position in names.tables.indices { names.tables[position].index.value += 1 }
      },
      rule("elements-next", "Names: element segments are one too high.") { names, _, _ in
        for position in names.elements.indices { names.elements[position].index.value += 1 }
      },
      rule("data-next", "Names: data segments are one too high.") { names, _, _ in
        for position in names.data.indices { names.data[position].index.value += 1 }
      },
      rule("swapped", "Names: two functions have each other's name.") { names, _, target in
        let own = names.functions.indices.filter { target.layout.definedFunctions.contains(names.functions[$0].index) }
        guard let first = own.first, let last = own.last else { return }
        (names.functions[first].name, names.functions[last].name) = (
          names.functions[last].name, names.functions[first].name
        )
      },
    ]
  }
}

extension Instruction {
  /// The instruction with another memory.
  fileprivate func withMemory(isSource: Bool, _ change: (MemoryIndex) -> MemoryIndex) -> Instruction? {
    switch immediate {
    case .memory(let memory): return Instruction(opcode, .memory(change(memory)))
    case .memoryInit(let memory, let segment): return Instruction(opcode, .memoryInit(change(memory), segment))
    case .memoryAccess(var access):
      access.memory = change(access.memory)
      return Instruction(opcode, .memoryAccess(access))
    case .memoryCopy(let destination, let source):
      return Instruction(
        opcode,
        isSource
          ? .memoryCopy(destination: destination, source: change(source))
          : .memoryCopy(destination: change(destination), source: source))
    default: return nil
    }
  }

  /// The instruction with another data or element segment; nil where that is the same.
  fileprivate func withSegment(shiftedBy distance: Int, _ module: Module) -> Instruction? {
    switch immediate {
    case .memoryInit(let memory, let segment):
      let other = segment.position + distance
      guard module.data.indices.contains(other), module.data[other] != module.data[segment.position] else { return nil }
      return Instruction(opcode, .memoryInit(memory, DataIndex(other)))
    case .data(let segment):
      let other = segment.position + distance
      return module.data.indices.contains(other) ? Instruction(opcode, .data(DataIndex(other))) : nil
    case .tableInit(let table, let segment):
      let other = segment.position + distance
      guard module.elements.indices.contains(other) else { return nil }
      return Instruction(opcode, .tableInit(table, ElementIndex(other)))
    case .element(let segment):
      let other = segment.position + distance
      return module.elements.indices.contains(other) ? Instruction(opcode, .element(ElementIndex(other))) : nil
    default: return nil
    }
  }
}
