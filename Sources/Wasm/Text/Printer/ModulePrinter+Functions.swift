// Functions → text: declarations with the names of parameters, locals and labels.
// Called by `ModulePrinter` for the code section, and for imported functions whose parameters have names.

extension ModulePrinter {
  mutating func functions() {
    for (position, definition) in module.functions.enumerated() {
      function(definition, FunctionIndex(spaces.importedFunctions + position))
    }
    names.locals = Identifiers()
    names.labels = nil
  }

  private mutating func function(_ function: Function, _ index: FunctionIndex) {
    let type = function.type.position < module.types.count ? module.types[function.type.position] : nil
    var locals: [ValueType] = []
    for group in function.body.locals where group.count <= ModuleDecoder.Limit.locals {
      locals += repeatElement(group.type, count: Int(group.count))
    }
    let parameters = type?.parameters ?? []
    names.locals = Identifiers(localNames[index] ?? [], count: parameters.count + locals.count)
    // A function has fewer labels than instructions.
    names.labels = labelNames[index].map { Identifiers($0, count: function.body.instructions.count) }
    sink.line(1)
    sink.text("(func")
    sink.declaration(index, names.functions)
    sink.space()
    sink.typeUse(function.type, names)
    if !parameters.isEmpty {
      sink.space()
      variables("(param", parameters, from: 0)
    }
    run(" (result", type?.results ?? [])
    if !locals.isEmpty {
      sink.line(2)
      variables("(local", locals, from: parameters.count)
    }
    sink.body(function.body, names, indentation: 2)
    sink.line(1)
    sink.text(")")
  }

  /// The type of an imported function once more in full, if any of its parameters has a name.
  mutating func importedParameters(_ index: FunctionIndex, _ type: TypeIndex) {
    guard let parameterNames = localNames[index], type.position < module.types.count else { return }
    let type = module.types[type.position]
    if type.parameters.isEmpty { return }
    names.locals = Identifiers(parameterNames, count: type.parameters.count)
    sink.space()
    variables("(param", type.parameters, from: 0)
    run(" (result", type.results)
  }

  /// Parameters or locals: runs without names in one pair of parentheses, those with one in a pair each.
  private mutating func variables(_ keyword: StaticString, _ types: [ValueType], from first: Int) {
    var isOpen = false
    for (position, type) in types.enumerated() {
      let index = LocalIndex(first + position)
      let isNamed = names.locals.isNamed(index)
      if isOpen && isNamed {
        sink.text(") ")
        isOpen = false
      } else if !isOpen && position > 0 {
        sink.space()
      }
      if !isOpen { sink.text(keyword) }
      sink.name(index, names.locals)
      sink.valueType(type)
      isOpen = !isNamed
      if !isOpen { sink.text(")") }
    }
    if isOpen { sink.text(")") }
  }
}
