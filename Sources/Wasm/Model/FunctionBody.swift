// Locals and instructions of a function: either as values, or still as the bytes they were decoded from.
// Most bodies of a module are only validated and perhaps run once, so they become values when somebody looks.

/// Locals and instructions of a function.
///
/// A body that comes from `decode` keeps its bytes until one of its properties is read. Reading is safe from several
/// threads and costs a look-up; a loop over a body reads the property once.
public struct FunctionBody: Sendable {
  enum Form: Sendable {
    case values(BodyValues)
    /// Number of the body in a code section whose bodies are well-formed.
    case encoded(CodeSection, UInt32)
  }

  private(set) var form: Form

  public init(locals: [LocalGroup] = [], instructions: [Instruction], labels: [UInt32] = []) {
    form = .values(BodyValues(locals: locals, instructions: instructions, labels: labels))
  }

  init(_ section: CodeSection, _ number: Int) {
    form = .encoded(section, UInt32(truncatingIfNeeded: number))
  }

  /// Declared locals, without the parameters.
  public var locals: [LocalGroup] {
    get { values.locals }
    _modify { yield &ownValues().locals }
  }

  /// The expression including its final `end`.
  public var instructions: [Instruction] {
    get { values.instructions }
    _modify { yield &ownValues().instructions }
  }

  /// The targets of all `br_table` instructions, referred to by `LabelRange`.
  public var labels: [UInt32] {
    get { values.labels }
    _modify { yield &ownValues().labels }
  }

  private var values: BodyValues {
    switch form {
    case .values(let values): values
    case .encoded(let section, let number): section.values(Int(number))
    }
  }

  /// The values, held by this body alone and ready to be changed.
  private mutating func ownValues() -> BodyValues {
    var values = self.values
    if case .values = form {
      form = .values(.nothing)
      if !isKnownUniquelyReferenced(&values) { values = values.copy() }
    } else {
      values = values.copy()
    }
    form = .values(values)
    return values
  }
}

extension FunctionBody: Hashable {
  /// Whether locals, instructions and labels are equal, whatever the forms of the two bodies.
  public static func == (left: Self, right: Self) -> Bool {
    if case .encoded(let section, let number) = left.form, case .encoded(let other, let otherNumber) = right.form,
      section.hasSameBytes(Int(number), other, Int(otherNumber))
    {
      return true
    }
    let (left, right) = (left.values, right.values)
    return left === right
      || left.locals == right.locals && left.instructions == right.instructions && left.labels == right.labels
  }

  public func hash(into hasher: inout Hasher) {
    let values = values
    hasher.combine(values.locals)
    hasher.combine(values.instructions)
    hasher.combine(values.labels)
  }
}

/// The parts of a body. Changed only by a body that holds the object alone, so that sharing it is safe.
final class BodyValues: @unchecked Sendable {
  var locals: [LocalGroup]
  var instructions: [Instruction]
  var labels: [UInt32]

  /// What a body holds for the moment in which its values are being changed.
  static let nothing = BodyValues(locals: [], instructions: [], labels: [])

  init(locals: [LocalGroup], instructions: [Instruction], labels: [UInt32]) {
    self.locals = locals
    self.instructions = instructions
    self.labels = labels
  }

  func copy() -> BodyValues { BodyValues(locals: locals, instructions: instructions, labels: labels) }
}
