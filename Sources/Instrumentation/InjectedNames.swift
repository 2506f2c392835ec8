// The name section of the instrumented module: names for what was injected, and labels counted anew. The last step of
// `instrument`; the walk over the module has shifted all other names by then.

import Canister
import Wasm

extension Module {
  /// Completes the name section; a module without one does not get one.
  mutating func nameInjectedItems(of original: Module, layout: InstrumentedLayout) {
    guard var names else { return }
    for position in names.labels.indices {
      let function = names.labels[position].function
      guard layout.definedFunctions.contains(function) else { continue }
      let number = function.position - layout.definedFunctions.lowerBound.position
      let shift = LabelShift(original.functions[number].body)
      for label in names.labels[position].names.indices {
        shift.apply(to: &names.labels[position].names[label].index)
      }
    }
    // Those of segments that were taken out.
    names.data.removeAll { $0.index.position >= data.count }
    for function in InstrumentationImport.allCases {
      add(function.rawValue, for: layout.function(function), to: &names.functions)
    }
    add("decrement_instruction_counter", for: layout.decrement, to: &names.functions)
    add("count_clean_pages", for: layout.countCleanPages, to: &names.functions)
    for function in layout.replacements {
      if let index = layout.replacement(of: function) { add(function.name, for: index, to: &names.functions) }
    }
    for function in DirectFunction.allCases where layout.isDirect {
      add(function.name, for: layout.function(function), to: &names.functions)
    }
    add("stable_memory", for: layout.stableMemory, to: &names.memories)
    add("stable_bytemap_memory", for: layout.bytemap, to: &names.memories)
    add("counter_instructions", for: layout.instructionCounter, to: &names.globals)
    add("counter_dirty_pages", for: layout.dirtyPageCounter, to: &names.globals)
    add("counter_accessed_pages", for: layout.accessedPageCounter, to: &names.globals)
    replaceNames(names)
  }
}

/// How metering renumbers the labels of a body: they are counted by `block`, `loop` and `if`, and every re-entrant
/// point adds an `if`.
private struct LabelShift {
  /// Number of labels before each `loop` of the original, this one included.
  private var loops: [Int] = []

  init(_ body: FunctionBody) {
    var labels = 0
    for instruction in body.instructions {
      switch instruction.opcode {
      case .block, .if: labels += 1
      case .loop:
        labels += 1
        loops.append(labels)
      default: break
      }
    }
  }

  func apply(to label: inout LabelIndex) {
    let precedingLoops = loops.firstIndex { $0 > label.position } ?? loops.count
    label.value &+= UInt32(truncatingIfNeeded: 1 + precedingLoops)
  }
}

/// Adds a name in the order of indices, unless its index has one already: a replacement keeps the name of the import.
private func add<Space>(_ name: String, for index: Index<Space>, to names: inout [IndexedName<Space>]) {
  let position = names.firstIndex { $0.index >= index } ?? names.endIndex
  if position < names.endIndex, names[position].index == index { return }
  names.insert(IndexedName(index, name), at: position)
}
