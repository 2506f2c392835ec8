// What is wrong with a module, and where. Thrown by the decoder, the name section codec and the validator;
// `locate` adds the byte offset that the validator cannot know.

/// A module that is not well-formed or not valid.
public struct WasmError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The two ways in which the specification refuses a module.
  public enum Kind: Hashable, Sendable {
    /// The bytes are not a module of the binary format.
    case malformed
    /// The module breaks a validation rule.
    case invalid
  }

  /// The item of a module that an error is about. Indices count imports first, as everywhere in the format.
  public enum Location: Hashable, Sendable, CustomStringConvertible {
    case type(TypeIndex)
    /// Position among the imports.
    case `import`(Int)
    /// The declaration of a function or its locals.
    case function(FunctionIndex)
    /// An instruction of a function body, counted from 0.
    case instruction(FunctionIndex, number: Int)
    case table(TableIndex)
    case memory(MemoryIndex)
    case global(GlobalIndex)
    /// Position among the exports.
    case export(Int)
    case start
    case element(ElementIndex)
    case data(DataIndex)
    /// Position among the custom sections.
    case customSection(Int)
    /// A section as a whole; `.start` is the module.
    case section(SectionOrder)

    public var description: String {
      switch self {
      case .type(let index): "type \(index)"
      case .import(let position): "import \(position)"
      case .function(let index): "function \(index)"
      case .instruction(let function, let number): "function \(function), instruction \(number)"
      case .table(let index): "table \(index)"
      case .memory(let index): "memory \(index)"
      case .global(let index): "global \(index)"
      case .export(let position): "export \(position)"
      case .start: "start function"
      case .element(let index): "element segment \(index)"
      case .data(let index): "data segment \(index)"
      case .customSection(let position): "custom section \(position)"
      case .section(let section): section == .start ? "module" : "\(section.title) section"
      }
    }
  }

  public var kind: Kind
  /// The broken rule, in the words of the specification's test suite where it has words for it.
  public var reason: String
  /// The item concerned; nil where the bytes do not get as far as an item.
  public var location: Location?
  /// Position in the binary, in bytes from its start; nil for a module that was not decoded from bytes.
  public var offset: Int?

  public init(_ kind: Kind, _ reason: String, location: Location? = nil, offset: Int? = nil) {
    self.kind = kind
    self.reason = reason
    self.location = location
    self.offset = offset
  }

  public var description: String {
    var text = reason
    if let location { text += " (\(location))" }
    if let offset { text += " at offset 0x\(String(offset, radix: 16))" }
    return text
  }

  /// The same error with a location, unless it has one.
  func at(_ location: @autoclosure () -> Location) -> WasmError {
    var error = self
    if error.location == nil { error.location = location() }
    return error
  }

  @inline(never)
  static func invalid(_ reason: String) -> WasmError { WasmError(.invalid, reason) }
}
