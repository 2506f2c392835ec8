// Mutants of what instrumentation moves, adds or takes out besides code: exports, segments, initial values, limits.

import Canister
import Instrumentation
import Wasm

extension MutationRule {
  static let items: [MutationRule] = entryPoints + exports + elements + data + values + limits

  /// A change of the module alone; nil where there is nothing to change.
  private static func item(
    _ name: String, _ sentence: String, profiles: [String] = ["native"],
    _ change: @escaping @Sendable (inout Module, MutationTarget) -> Bool
  ) -> MutationRule {
    MutationRule("item/\(name)", .item, sentence, profiles: profiles) { target in
      var result = target.instrumented
      return change(&result, target) ? result : nil
    }
  }

  /// A change at some of the positions that `sites` finds.
  private static func items(
    _ name: String, _ noun: String, _ words: String, profiles: [String] = ["native"],
    sites: @escaping @Sendable (MutationTarget) -> [Int],
    _ change: @escaping @Sendable (inout Module, Int) -> Void
  ) -> [MutationRule] {
    Choice.allCases.map { choice in
      item("\(name)/\(choice.rawValue)", "Items: \(choice.words(noun)) \(words).", profiles: profiles) {
        module, target in
        let chosen = choice.of(sites(target))
        // From the last on, so that positions stay right when something is removed.
        for site in chosen.reversed() { change(&module, site) }
        return !chosen.isEmpty
      }
    }
  }

  // MARK: Exports

  private static var entryPoints: [MutationRule] {
    EntryPoint.allCases.flatMap { entryPoint -> [MutationRule] in
      let name = entryPoint.exportName
      let isWanted: @Sendable (Export) -> Bool = { entryPoint.isMethod ? $0.name.hasPrefix(name) : $0.name == name }
      let label = name.trimmingSpaces
      if entryPoint.isMethod {
        return items(
          "export/\(label)-lost", "export of \(label)", "is lost",
          sites: { target in target.instrumented.exports.indices.filter { isWanted(target.instrumented.exports[$0]) } },
          { $0.exports.remove(at: $1) })
      }
      return [
        item("export/\(label)-lost", "Items: the export of \(label) is lost.") { module, _ in
          guard let position = module.exports.firstIndex(where: isWanted) else { return false }
          module.exports.remove(at: position)
          return true
        }
      ]
    }
  }

  private static var exports: [MutationRule] {
    let isPersistent: @Sendable (Export) -> Bool = { $0.name.hasPrefix(InstrumentationExport.persistentGlobalPrefix) }
    return items(
      "export/persistent-global-lost", "export of a mutable global", "is lost",
      sites: { target in target.instrumented.exports.indices.filter { isPersistent(target.instrumented.exports[$0]) } },
      { $0.exports.remove(at: $1) })
      + [
        item("export/persistent-global-next", "Items: a mutable global is exported in the place of its neighbour.") {
          module, target in
          let globals = IndexSpaces(target.original).globals
          for position in module.exports.indices where isPersistent(module.exports[position]) {
            guard case .global(let global) = module.exports[position].kind else { continue }
            let others = [global.position + 1, global.position - 1]
            guard let other = others.first(where: { globals.indices.contains($0) }) else { continue }
            module.exports[position].kind = .global(GlobalIndex(other))
            return true
          }
          return false
        },
        item("export/memory-lost", "Items: the heap is not exported as 'memory'.") { module, _ in
          module.removeExport("memory")
        },
        item("export/table-lost", "Items: the table is not exported as 'table'.") { module, _ in
          module.removeExport("table")
        },
        item("export/stable-is-bytemap", "Items: stable memory and bytemap are exported as each other.") { module, _ in
          for position in module.exports.indices {
            if module.exports[position].name == InstrumentationExport.stableMemory {
              module.exports[position].name = InstrumentationExport.bytemap
            } else if module.exports[position].name == InstrumentationExport.bytemap {
              module.exports[position].name = InstrumentationExport.stableMemory
            }
          }
          return true
        },
        item("export/page-counters-exchanged", "Items: the two page counters are exported as each other.") {
          module, _ in
          for position in module.exports.indices {
            if module.exports[position].name == InstrumentationExport.dirtyPageCounter {
              module.exports[position].name = InstrumentationExport.accessedPageCounter
            } else if module.exports[position].name == InstrumentationExport.accessedPageCounter {
              module.exports[position].name = InstrumentationExport.dirtyPageCounter
            }
          }
          return true
        },
      ]
  }

  // MARK: Segments

  private static var elements: [MutationRule] {
    let sites: @Sendable (MutationTarget) -> [Int] = { target in
      target.instrumented.elements.indices.filter { target.instrumented.elements[$0].items.count > 0 }
    }
    let several: @Sendable (MutationTarget) -> [Int] = { target in
      target.instrumented.elements.indices.filter { target.instrumented.elements[$0].items.count > 1 }
    }
    let active: @Sendable (MutationTarget) -> [Int] = { target in
      target.instrumented.elements.indices.filter {
        if case .active = target.instrumented.elements[$0].mode { true } else { false }
      }
    }
    return items("element/emptied", "element segment", "is emptied", sites: sites) { module, position in
      module.elements[position].items = module.elements[position].items.mapped { _ in [] }
    }
      + items("element/item-lost", "element segment", "loses its last item", sites: sites) { module, position in
        module.elements[position].items = module.elements[position].items.mapped { Array($0.dropLast()) }
      }
      + items("element/reversed", "element segment", "is reversed", sites: several) { module, position in
        module.elements[position].items = module.elements[position].items.mapped { $0.reversed() }
      }
      + items("element/passive", "active element segment", "becomes passive", sites: active) { module, position in
        module.elements[position].mode = .passive
      }
      + items("element/offset-plus-1", "active element segment", "is placed one further", sites: active) {
        module, position in
        module.elements[position].moveOffset(by: 1)
      }
      + items("element/offset-minus-1", "active element segment", "is placed one before", sites: active) {
        module, position in
        module.elements[position].moveOffset(by: -1)
      }
  }

  private static var data: [MutationRule] {
    let sites: @Sendable (MutationTarget) -> [Int] = { target in
      target.instrumented.data.indices.filter { !target.instrumented.data[$0].bytes.isEmpty }
    }
    return items("data/emptied", "passive data segment", "is emptied", sites: sites) { module, position in
      module.data[position].bytes = []
    }
      + items("data/byte-lost", "passive data segment", "loses its last byte", sites: sites) { module, position in
        module.data[position].bytes.removeLast()
      }
      + items("data/byte-changed", "passive data segment", "has another first byte", sites: sites) { module, position in
        module.data[position].bytes[0] &+= 1
      }
      + items("data/active", "passive data segment", "becomes active at address 0", sites: sites) { module, position in
        guard let heap = IndexSpaces(module).memories.first else { return }
        module.data[position].mode = .active(MemoryIndex(0 as UInt32), offset: [heap.is64Bit ? .i64(0) : .i32(0)])
      }
  }

  // MARK: Initial values

  private static var values: [MutationRule] {
    items(
      "global/plus-1", "global's initial value", "is one more",
      sites: { target in
        target.original.globals.indices.filter {
          switch target.original.globals[$0].initializer.first?.opcode {
          case .i32Const, .i64Const: target.original.globals[$0].initializer.count == 1
          default: false
          }
        }
      },
      { module, position in
        switch module.globals[position].initializer[0].immediate {
        case .i32(let value): module.globals[position].initializer = [.i32(value &+ 1)]
        case .i64(let value): module.globals[position].initializer = [.i64(value &+ 1)]
        default: break
        }
      })
  }

  // MARK: Limits

  private static var limits: [MutationRule] {
    func memory(
      _ name: String, _ sentence: String, _ index: @escaping @Sendable (MutationTarget) -> MemoryIndex?,
      _ change: @escaping @Sendable (inout Limits) -> Void
    ) -> MutationRule {
      item("limits/\(name)", sentence) { module, target in
        let imported = IndexSpaces(module).importedMemories
        guard let index = index(target), index.position >= imported else { return false }
        change(&module.memories[index.position - imported].limits)
        return true
      }
    }
    let less: @Sendable (inout UInt64) -> Void = { $0 = $0 > 0 ? $0 - 1 : 0 }
    return [
      memory("heap-minimum-plus-1", "Limits: the heap starts one page larger.", { $0.layout.heap }) { $0.minimum += 1 },
      memory("heap-minimum-minus-1", "Limits: the heap starts one page smaller.", { $0.layout.heap }) {
        less(&$0.minimum)
      },
      memory("heap-maximum-plus-1", "Limits: the heap may grow one page further.", { $0.layout.heap }) {
        $0.maximum = $0.maximum.map { $0 + 1 }
      },
      memory("heap-maximum-minus-1", "Limits: the heap may not grow to its last page.", { $0.layout.heap }) {
        $0.maximum = $0.maximum.map { $0 - min($0, 1) }
      },
      memory("stable-maximum-plus-1", "Limits: stable memory may be one page larger.", { $0.layout.stableMemory }) {
        $0.maximum = $0.maximum.map { $0 + 1 }
      },
      memory(
        "stable-maximum-minus-1", "Limits: stable memory has no room for its last page.", { $0.layout.stableMemory }
      ) {
        $0.maximum = $0.maximum.map { $0 - min($0, 1) }
      },
      memory("stable-minimum-1", "Limits: stable memory starts with a page.", { $0.layout.stableMemory }) {
        $0.minimum = 1
      },
      memory("bytemap-plus-1", "Limits: the bytemap is one page larger.", { $0.layout.bytemap }) {
        $0.minimum += 1
        $0.maximum = $0.maximum.map { $0 + 1 }
      },
      memory("bytemap-minus-1", "Limits: the bytemap is one page smaller.", { $0.layout.bytemap }) {
        less(&$0.minimum)
        $0.maximum = $0.maximum.map { $0 - min($0, 1) }
      },
      item("limits/table-plus-1", "Limits: the table starts one larger.") { module, _ in module.resizeTable(by: 1) },
      item("limits/table-minus-1", "Limits: the table starts one smaller.") { module, _ in module.resizeTable(by: -1) },
    ]
  }
}

extension String {
  fileprivate var trimmingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}

extension Module {
  fileprivate mutating func removeExport(_ name: String) -> Bool {
    guard let position = exports.firstIndex(where: { $0.name == name }) else { return false }
    exports.remove(at: position)
    return true
  }

  fileprivate mutating func resizeTable(by change: Int) -> Bool {
    guard !tables.isEmpty, change > 0 || tables[0].type.limits.minimum > 0 else { return false }
    let minimum = change > 0 ? tables[0].type.limits.minimum + 1 : tables[0].type.limits.minimum - 1
    tables[0].type.limits.minimum = minimum
    tables[0].type.limits.maximum = tables[0].type.limits.maximum.map { max($0, minimum) }
    return true
  }
}

extension ElementItems {
  /// The items, of either form, after a change that keeps what each of them is.
  fileprivate func mapped(_ change: ([Int]) -> [Int]) -> ElementItems {
    switch self {
    case .functions(let functions): .functions(change(Array(functions.indices)).map { functions[$0] })
    case .expressions(let type, let expressions):
      .expressions(type, change(Array(expressions.indices)).map { expressions[$0] })
    }
  }
}

extension ElementSegment {
  fileprivate mutating func moveOffset(by distance: Int32) {
    guard case .active(let table, let offset) = mode, offset.count == 1 else { return }
    switch offset[0].immediate {
    case .i32(let value): mode = .active(table, offset: [.i32(value &+ distance)])
    case .i64(let value): mode = .active(table, offset: [.i64(value &+ Int64(distance))])
    default: break
    }
  }
}
