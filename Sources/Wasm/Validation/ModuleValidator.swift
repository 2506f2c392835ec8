// The rules for a module and its items other than code: types exist, limits, constant expressions, names, references.
// Comes after `decode` or any stage that makes a module; code is left to `FunctionValidator`.

/// Checks a module against the validation rules of the specification.
///
/// Accepts any value of `Module`, however it came about: what the binary format could not express is refused as well.
/// - Throws: the first broken rule, with its location and without an offset; see `locate` and `decodeAndValidate`.
public func validate(_ module: Module) throws(WasmError) {
  try requireLimits(module)
  var context = ValidationContext(module)
  try context.validateImports(module)
  try context.validateDefinitions(module)
  try context.validateExports(module)
  try context.validateStart(module)
  try context.validateSegments(module)
  var code = FunctionValidator(context)
  try code.validateAll(module)
}

/// Refuses what is too large for the binary format as it is read here.
private func requireLimits(_ module: Module) throws(WasmError) {
  typealias Limit = ModuleDecoder.Limit
  for (what, count, limit) in [
    ("types", module.types.count, Limit.types), ("imports", module.imports.count, Limit.imports),
    ("functions", module.functions.count, Limit.functions), ("tables", module.tables.count, Limit.tables),
    ("memories", module.memories.count, Limit.memories), ("globals", module.globals.count, Limit.globals),
    ("exports", module.exports.count, Limit.exports), ("element segments", module.elements.count, Limit.segments),
    ("data segments", module.data.count, Limit.segments),
  ] where count > limit {
    throw .invalid("too many \(what)")
  }
  for (position, type) in module.types.enumerated() {
    guard type.parameters.count <= Limit.parameters else {
      throw WasmError(.invalid, "too many parameters", location: .type(TypeIndex(position)))
    }
    guard type.results.count <= Limit.results else {
      throw WasmError(.invalid, "too many results", location: .type(TypeIndex(position)))
    }
  }
}

extension ValidationContext {
  private static let tableSizeLimit: UInt64 = 0xFFFF_FFFF
  private static let pageLimit32: UInt64 = 0x1_0000
  private static let pageLimit64: UInt64 = 1 << 48

  // MARK: Items

  fileprivate mutating func validateImports(_ module: Module) throws(WasmError) {
    for (position, entry) in module.imports.enumerated() {
      do throws(WasmError) {
        switch entry.kind {
        case .function(let index):
          _ = try typePosition(index)
          appendFunction(index)
        case .table(let type): try check(type)
        case .memory(let type): try check(type)
        case .global(let type): append(type)
        }
      } catch {
        throw error.at(.import(position))
      }
    }
  }

  fileprivate mutating func validateDefinitions(_ module: Module) throws(WasmError) {
    let importedGlobals = globals.count
    for function in module.functions {
      do throws(WasmError) {
        _ = try typePosition(function.type)
      } catch {
        throw error.at(.function(FunctionIndex(functions.count)))
      }
      appendFunction(function.type)
    }
    for table in module.tables {
      do throws(WasmError) {
        try check(table.type)
        if let initializer = table.initializer {
          try validateConstant(initializer, is: table.type.element.code, visibleGlobals: importedGlobals)
          declare(initializer)
        }
      } catch {
        throw error.at(.table(TableIndex(tables.count - 1)))
      }
    }
    for memory in module.memories {
      do throws(WasmError) {
        try check(memory)
      } catch {
        throw error.at(.memory(MemoryIndex(memories.count - 1)))
      }
    }
    for global in module.globals {
      do throws(WasmError) {
        try validateConstant(global.initializer, is: global.type.value.code, visibleGlobals: globals.count)
      } catch {
        throw error.at(.global(GlobalIndex(globals.count)))
      }
      declare(global.initializer)
      append(global.type)
    }
  }

  private mutating func check(_ table: TableType) throws(WasmError) {
    append(table)
    guard table.element.isReference else { throw .invalid("malformed reference type") }
    if !table.is64Bit, max(table.limits.minimum, table.limits.maximum ?? 0) > Self.tableSizeLimit {
      throw .invalid("table size must be at most 0xffffffff")
    }
    try check(table.limits)
  }

  private mutating func check(_ memory: MemoryType) throws(WasmError) {
    memories.append(memory.indexType.code)
    if max(memory.limits.minimum, memory.limits.maximum ?? 0)
      > (memory.is64Bit ? Self.pageLimit64 : Self.pageLimit32)
    {
      throw .invalid(
        memory.is64Bit
          ? "memory size must be at most 2^48 pages" : "memory size must be at most 65536 pages (4GiB)")
    }
    try check(memory.limits)
  }

  private func check(_ limits: Limits) throws(WasmError) {
    if let maximum = limits.maximum, limits.minimum > maximum {
      throw .invalid("size minimum must not be greater than maximum")
    }
  }

  // MARK: Exports and start

  fileprivate mutating func validateExports(_ module: Module) throws(WasmError) {
    for (position, export) in module.exports.enumerated() {
      do throws(WasmError) {
        switch export.kind {
        case .function(let index):
          _ = try function(index)
          declare(index)
        case .table(let index): _ = try table(index)
        case .memory(let index): _ = try memory(index)
        case .global(let index): _ = try global(index)
        }
      } catch {
        throw error.at(.export(position))
      }
    }
    try requireUniqueNames(module.exports)
  }

  /// Names are equal if their bytes are, which is stricter than equality of strings; sorting keeps this deterministic
  /// and never quadratic.
  private func requireUniqueNames(_ exports: [Export]) throws(WasmError) {
    if exports.count < 2 { return }
    let order = exports.indices.sorted { left, right in
      let (first, second) = (exports[left].name.utf8, exports[right].name.utf8)
      if first.elementsEqual(second) { return left < right }
      return first.lexicographicallyPrecedes(second)
    }
    var duplicate: Int?
    for (left, right) in zip(order, order.dropFirst())
    where exports[left].name.utf8.elementsEqual(exports[right].name.utf8) {
      duplicate = min(duplicate ?? right, right)
    }
    if let duplicate {
      throw WasmError(
        .invalid, "duplicate export name \"\(exports[duplicate].name)\"", location: .export(duplicate))
    }
  }

  fileprivate func validateStart(_ module: Module) throws(WasmError) {
    guard let start = module.start else { return }
    do throws(WasmError) {
      let type = try function(start)
      guard type.parameters.count == 0, type.results.count == 0 else {
        throw .invalid("start function must have no parameters and no results")
      }
    } catch {
      throw error.at(.start)
    }
  }

  // MARK: Segments

  fileprivate mutating func validateSegments(_ module: Module) throws(WasmError) {
    for (position, segment) in module.elements.enumerated() {
      do throws(WasmError) {
        try validate(segment)
      } catch {
        throw error.at(.element(ElementIndex(position)))
      }
    }
    for (position, segment) in module.data.enumerated() {
      guard case .active(let index, let offset) = segment.mode else { continue }
      do throws(WasmError) {
        try validateConstant(offset, is: try memory(index), visibleGlobals: globals.count)
        declare(offset)
      } catch {
        throw error.at(.data(DataIndex(position)))
      }
    }
  }

  private mutating func validate(_ segment: ElementSegment) throws(WasmError) {
    let type: ValueType
    switch segment.items {
    case .functions(let indices):
      type = .funcref
      for index in indices {
        _ = try function(index)
        declare(index)
      }
    case .expressions(let element, let expressions):
      type = element
      guard type.isReference else { throw .invalid("malformed reference type") }
      for expression in expressions {
        try validateConstant(expression, is: type.code, visibleGlobals: globals.count)
        declare(expression)
      }
    }
    if case .active(let index, let offset) = segment.mode {
      let table = try table(index)
      guard table.element == type.code else {
        throw .invalid("type mismatch: segment of \(type) in a table of \(typeName(table.element))")
      }
      try validateConstant(offset, is: table.index, visibleGlobals: globals.count)
      declare(offset)
    }
    elements.append(type.code)
  }

  /// Functions named by a constant expression may be named in code too.
  private mutating func declare(_ expression: [Instruction]) {
    for instruction in expression {
      if case .function(let index) = instruction.immediate { declare(index) }
    }
  }
}
