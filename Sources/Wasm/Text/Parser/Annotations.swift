// The annotations that mean something to a module: names, custom sections, and two of our own for what the text format
// has no words for. Noted by the lexer, read by the parser where they may stand.
//
//   (@name "…")                    behind an item's identifier: its name in the name section
//   (@custom "name" place? "…"*)   among the fields: a custom section
//   (@name_section place?)         among the fields: the place of the name section, if it is not the last of all
//   (@data_count)                  among the fields: the module has a data count section though no code needs it
//
// A place is `(before section)` or `(after section)`; other tools skip annotations that they do not know.

/// An annotation that the parser reads.
enum AnnotationKind: CaseIterable {
  case name, custom, nameSection, dataCount

  var word: StaticString {
    switch self {
    case .name: "name"
    case .custom: "custom"
    case .nameSection: "name_section"
    case .dataCount: "data_count"
    }
  }

  init?(_ name: UnsafeBufferPointer<UInt8>) {
    let kind = Self.allCases.first { kind in
      kind.word.utf8CodeUnitCount == name.count && kind.word.withUTF8Buffer { $0.elementsEqual(name) }
    }
    guard let kind else { return nil }
    self = kind
  }
}

extension Lexer {
  func annotationKind(_ annotation: Annotation) -> AnnotationKind? { AnnotationKind(bytes(annotation.name)) }

  /// A lexer that stands at the first token of the contents.
  private func reader(_ annotation: Annotation) throws(TextError) -> Lexer {
    var reader = self
    reader.notesAnnotations = false
    reader.position = annotation.contents
    try reader.advance()
    return reader
  }

  /// The name in `(@name "…")`.
  func annotatedName(_ annotation: Annotation) throws(TextError) -> String {
    var reader = try reader(annotation)
    guard reader.kind == .string else { throw reader.failure("@name annotation: missing name") }
    let name = try reader.name()
    guard reader.kind == .close else { throw reader.failure("@name annotation: unexpected token") }
    return name
  }

  /// The section in `(@custom "name" place? "…"*)`.
  fileprivate func customSection(_ annotation: Annotation) throws(TextError) -> CustomSection {
    var reader = try reader(annotation)
    guard reader.kind == .string else { throw reader.failure("@custom annotation: missing section name") }
    guard let name = String(validating: reader.decoded(reader.start..<reader.stop), as: UTF8.self) else {
      throw reader.failure("@custom annotation: malformed UTF-8 encoding")
    }
    try reader.advance()
    let place = try reader.place("@custom") ?? .data
    let contents = try reader.strings()
    guard reader.kind == .close else { throw reader.failure("@custom annotation: unexpected token") }
    return CustomSection(name: name, bytes: contents, follows: place)
  }

  /// The place in `(@name_section place?)`.
  fileprivate func nameSectionPlace(_ annotation: Annotation) throws(TextError) -> SectionOrder {
    var reader = try reader(annotation)
    let place = try reader.place("@name_section") ?? .data
    guard reader.kind == .close else { throw reader.failure("@name_section annotation: unexpected token") }
    return place
  }

  /// `(before section)` or `(after section)`, as the section behind which the place is.
  private mutating func place(_ annotation: StaticString) throws(TextError) -> SectionOrder? {
    if kind != .open { return nil }
    let isBefore = isWord("before")
    guard isBefore || isWord("after") || start == stop else {
      throw failure("\(annotation) annotation: malformed placement")
    }
    try advance()
    guard kind == .keyword, let place = SectionOrder(word: text(16), isBefore: isBefore) else {
      throw failure("\(annotation) annotation: malformed section kind")
    }
    try advance()
    guard kind == .close else { throw failure("\(annotation) annotation: unexpected token") }
    try advance()
    return place
  }
}

extension SectionOrder {
  /// The section as the text format names it; nil: it has no name there.
  var word: StaticString? {
    switch self {
    case .start: "first"
    case .type: "type"
    case .import: "import"
    case .function: "func"
    case .table: "table"
    case .memory: "memory"
    case .global: "global"
    case .export: "export"
    case .startFunction: "start"
    case .element: "elem"
    case .dataCount: nil
    case .code: "code"
    case .data: "data"
    }
  }

  /// The section behind which a place is that is given by a section's name.
  fileprivate init?(word: String, isBefore: Bool) {
    if word == "first" || word == "last" {
      guard isBefore == (word == "first") else { return nil }
      self = isBefore ? .start : .data
      return
    }
    guard let section = Self.allCases.first(where: { $0.word.map { "\($0)" } == word }) else { return nil }
    self = isBefore ? SectionOrder(rawValue: section.rawValue - 1) ?? .start : section
  }
}

extension ModuleParser {
  /// Reads the annotations between two fields.
  mutating func moduleAnnotations(_ lexer: inout Lexer) throws(TextError) {
    if lexer.annotations.isEmpty { return }
    for annotation in lexer.annotations {
      switch lexer.annotationKind(annotation) {
      case .custom: module.customSections.append(try lexer.customSection(annotation))
      case .nameSection:
        nameSectionPosition = module.customSections.count
        nameSectionPlace = try lexer.nameSectionPlace(annotation)
      case .dataCount: module.hasDataCount = true
      case .name, nil: throw lexer.failure("misplaced @name annotation", at: annotation.name.lowerBound)
      }
    }
    lexer.annotations.removeAll()
  }

  /// Refuses annotations within a field that nothing there has read.
  func checkNothingMisplaced(_ lexer: borrowing Lexer) throws(TextError) {
    guard let annotation = lexer.annotations.first, let kind = lexer.annotationKind(annotation) else { return }
    throw lexer.failure("misplaced @\(kind.word) annotation", at: annotation.name.lowerBound)
  }

  /// Takes the name of an item: that of the annotation behind its identifier, else of the identifier.
  mutating func takeName(_ lexer: inout Lexer) throws(TextError) -> String? {
    var name: String?
    if lexer.kind == .identifier { name = symbols.name(try symbol(&lexer)) }
    if lexer.annotations.isEmpty { return name }
    return try annotatedName(&lexer) ?? name
  }

  /// Takes the name of a `@name` annotation just skipped, besides which there may be no other annotation.
  @inline(never)
  mutating func annotatedName(_ lexer: inout Lexer) throws(TextError) -> String? {
    guard let annotation = lexer.annotations.popLast() else { return nil }
    guard lexer.annotationKind(annotation) == .name, lexer.annotations.isEmpty else {
      let word = lexer.annotationKind(annotation)?.word ?? ""
      throw lexer.failure("misplaced @\(word) annotation", at: annotation.name.lowerBound)
    }
    return try lexer.annotatedName(annotation)
  }
}

extension Module {
  /// Moves every custom section to the last place that leaves it between the same sections, where the decoder puts it.
  mutating func settleCustomSections() {
    customSections.sort { $0.follows < $1.follows }  // The standard library's sort is stable.
    for position in customSections.indices {
      while let next = SectionOrder(rawValue: customSections[position].follows.rawValue + 1), isEmpty(next) {
        customSections[position].follows = next
      }
    }
  }

  private func isEmpty(_ section: SectionOrder) -> Bool {
    switch section {
    case .start: true
    case .type: types.isEmpty
    case .import: imports.isEmpty
    case .function, .code: functions.isEmpty
    case .table: tables.isEmpty
    case .memory: memories.isEmpty
    case .global: globals.isEmpty
    case .export: exports.isEmpty
    case .startFunction: start == nil
    case .element: elements.isEmpty
    case .dataCount: !hasDataCount
    case .data: data.isEmpty
    }
  }
}
