// Module → bytes, canonically: shortest integers, no empty sections, the shortest segment flags that say the same.
// The last step of every stage that makes or changes a module; `decode` reads the result back.

/// Encodes a module in the binary format; for a valid module, `decode(encode(module))` equals `module`.
public func encode(_ module: Module) -> [UInt8] {
  var encoder = ModuleEncoder(module)
  return encoder.encodeModule()
}

/// The state of encoding one module.
private struct ModuleEncoder: ~Copyable {
  private let module: Module
  private var sink: ByteSink

  init(_ module: Module) {
    self.module = module
    sink = ByteSink(capacity: 4096)
  }

  mutating func encodeModule() -> [UInt8] {
    sink.bytes([0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00])
    customSections(following: .start)
    for section in SectionOrder.allCases where section != .start {
      known(section)
      customSections(following: section)
    }
    return sink.array()
  }

  private mutating func customSections(following section: SectionOrder) {
    for custom in module.customSections where custom.follows == section {
      sink.byte(0)
      let region = sink.open(expected: custom.bytes.count + custom.name.utf8.count + 1)
      sink.name(custom.name)
      sink.bytes(custom.bytes)
      sink.close(region)
    }
  }

  private mutating func known(_ section: SectionOrder) {
    switch section {
    case .start: break
    case .type: vector(1, module.types.count) { $0.types() }
    case .import: vector(2, module.imports.count) { $0.imports() }
    case .function: vector(3, module.functions.count) { $0.functions() }
    case .table: vector(4, module.tables.count) { $0.tables() }
    case .memory: vector(5, module.memories.count) { $0.memories() }
    case .global: vector(6, module.globals.count) { $0.globals() }
    case .export: vector(7, module.exports.count) { $0.exports() }
    case .startFunction: startFunction()
    case .element: vector(9, module.elements.count) { $0.elements() }
    case .dataCount: dataCount()
    case .code: vector(10, module.functions.count) { $0.code() }
    case .data: vector(11, module.data.count) { $0.data() }
    }
  }

  @inline(__always)
  private mutating func vector(_ id: UInt8, _ count: Int, _ entries: (inout ModuleEncoder) -> Void) {
    if count == 0 { return }
    sink.byte(id)
    let region = sink.open(expected: 128)
    sink.length(count)
    entries(&self)
    sink.close(region)
  }

  // MARK: Sections

  private mutating func types() {
    for type in module.types {
      sink.byte(0x60)
      valueTypes(type.parameters)
      valueTypes(type.results)
    }
  }

  private mutating func valueTypes(_ types: [ValueType]) {
    sink.length(types.count)
    for type in types { sink.byte(type.rawValue) }
  }

  private mutating func imports() {
    for entry in module.imports {
      sink.name(entry.module)
      sink.name(entry.name)
      switch entry.kind {
      case .function(let type):
        sink.byte(0)
        sink.index(type)
      case .table(let type):
        sink.byte(1)
        tableType(type)
      case .memory(let type):
        sink.byte(2)
        limits(type.limits, type.is64Bit)
      case .global(let type):
        sink.byte(3)
        globalType(type)
      }
    }
  }

  private mutating func tableType(_ type: TableType) {
    sink.byte(type.element.rawValue)
    limits(type.limits, type.is64Bit)
  }

  private mutating func globalType(_ type: GlobalType) {
    sink.byte(type.value.rawValue)
    sink.byte(type.isMutable ? 1 : 0)
  }

  private mutating func limits(_ limits: Limits, _ is64Bit: Bool) {
    sink.byte((limits.maximum == nil ? 0 : 1) | (is64Bit ? 4 : 0))
    sink.unsigned(limits.minimum)
    if let maximum = limits.maximum { sink.unsigned(maximum) }
  }

  private mutating func functions() {
    for function in module.functions { sink.index(function.type) }
  }

  private mutating func tables() {
    for table in module.tables {
      if let initializer = table.initializer {
        sink.byte(0x40)
        sink.byte(0x00)
        tableType(table.type)
        sink.constantExpression(initializer)
      } else {
        tableType(table.type)
      }
    }
  }

  private mutating func memories() {
    for memory in module.memories { limits(memory.limits, memory.is64Bit) }
  }

  private mutating func globals() {
    for global in module.globals {
      globalType(global.type)
      sink.constantExpression(global.initializer)
    }
  }

  private mutating func exports() {
    for export in module.exports {
      sink.name(export.name)
      switch export.kind {
      case .function(let index):
        sink.byte(0)
        sink.index(index)
      case .table(let index):
        sink.byte(1)
        sink.index(index)
      case .memory(let index):
        sink.byte(2)
        sink.index(index)
      case .global(let index):
        sink.byte(3)
        sink.index(index)
      }
    }
  }

  private mutating func startFunction() {
    guard let start = module.start else { return }
    sink.byte(8)
    let region = sink.open(expected: 1)
    sink.index(start)
    sink.close(region)
  }

  private mutating func elements() {
    for segment in module.elements {
      let isExpressions: Bool
      let type: ValueType
      switch segment.items {
      case .functions: (isExpressions, type) = (false, .funcref)
      case .expressions(let element, _): (isExpressions, type) = (true, element)
      }
      var flags: UInt8 = isExpressions ? 4 : 0
      switch segment.mode {
      case .active(let table, let offset):
        if table.value != 0 || type != .funcref { flags |= 2 }
        sink.byte(flags)
        if flags & 2 != 0 { sink.index(table) }
        sink.constantExpression(offset)
      case .passive:
        flags |= 1
        sink.byte(flags)
      case .declarative:
        flags |= 3
        sink.byte(flags)
      }
      if flags & 3 != 0 { sink.byte(isExpressions ? type.rawValue : 0) }
      sink.length(segment.items.count)
      switch segment.items {
      case .functions(let functions): for function in functions { sink.index(function) }
      case .expressions(_, let items): for item in items { sink.constantExpression(item) }
      }
    }
  }

  private mutating func dataCount() {
    guard module.hasDataCount else { return }
    sink.byte(12)
    let region = sink.open(expected: 1)
    sink.length(module.data.count)
    sink.close(region)
  }

  private mutating func code() {
    for function in module.functions {
      switch function.body.form {
      case .values(let body):
        // Two bytes an instruction is about what compilers produce; a wrong guess costs moving the body by a byte.
        let region = sink.open(expected: body.instructions.count * 2)
        sink.locals(body.locals)
        sink.instructions(body.instructions, labels: body.labels)
        sink.close(region)
      case .encoded(let section, let number): sink.body(Int(number), of: section)
      }
    }
  }

  private mutating func data() {
    for segment in module.data {
      switch segment.mode {
      case .active(let memory, let offset):
        sink.byte(memory.value == 0 ? 0 : 2)
        if memory.value != 0 { sink.index(memory) }
        sink.constantExpression(offset)
      case .passive: sink.byte(1)
      }
      sink.length(segment.bytes.count)
      sink.bytes(segment.bytes)
    }
  }
}
