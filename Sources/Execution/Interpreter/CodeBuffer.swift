// The words of one function under translation, with jumps that are patched once their target is known.

/// How a jump stores its distance.
enum JumpForm: UInt8 {
  /// Field `c` of the word.
  case narrow
  /// Field `bc` of the word.
  case wide
  /// A whole word of a branch table; the distance counts from the table's first word.
  case table
}

/// A jump whose target is not known yet.
private struct PendingJump {
  let position: Int32
  /// The word from which the distance counts.
  let origin: Int32
  let form: JumpForm
  /// The next pending jump to the same target, or -1.
  let next: Int32
}

/// Words of bytecode and pending jumps.
struct CodeBuffer {
  private(set) var words: [UInt64] = []
  private var pending: [PendingJump] = []
  /// Position of the operation that wrote `lastResult`, as long as nothing else can reach the place behind it: its
  /// destination may still be changed, and it may be taken back.
  private(set) var lastOperation = -1
  private(set) var lastResult = -1
  /// Set when a distance did not fit its form; the function is then translated again without narrow jumps.
  private(set) var hasOverflow = false

  var position: Int { words.count }

  mutating func removeAll() {
    words.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    forgetLastOperation()
    hasOverflow = false
  }

  /// Emits an operation without a result in field `a`.
  mutating func emit(_ word: UInt64) {
    forgetLastOperation()
    words.append(word)
  }

  /// Emits an operation whose result goes to the register in field `a`.
  mutating func emitResult(_ op: Op, to register: Int, b: Int = 0, c: Int = 0) {
    remember(register)
    words.append(UInt64(op, a: register, b: b, c: c))
  }

  mutating func emitResult(_ op: Op, to register: Int, bc: Int) {
    remember(register)
    words.append(UInt64(op, a: register, bc: bc))
  }

  /// Emits a word that belongs to the operation before it.
  mutating func emitOperand(_ word: UInt64) { words.append(word) }

  private mutating func remember(_ register: Int) {
    lastOperation = words.count
    lastResult = register
  }

  mutating func forgetLastOperation() {
    lastOperation = -1
    lastResult = -1
  }

  /// Lets the last operation write to another register.
  mutating func redirectLastResult(to register: Int) {
    words[lastOperation] = words[lastOperation] & ~0xFFFF_0000 | UInt64(UInt16(truncatingIfNeeded: register)) << 16
    forgetLastOperation()
  }

  /// Takes the last operation back and returns its word and the one behind it, 0 where there is none.
  @discardableResult mutating func takeLastOperation() -> (UInt64, UInt64) {
    let word = words[lastOperation]
    let operand = lastOperation + 1 < words.count ? words[lastOperation + 1] : 0
    words.removeSubrange(lastOperation...)
    forgetLastOperation()
    return (word, operand)
  }

  /// Emits a jump to a target that is not known yet; returns the new head of the target's list.
  mutating func emitJump(_ word: UInt64, _ form: JumpForm, list: Int32, origin: Int? = nil) -> Int32 {
    forgetLastOperation()
    let position = words.count
    pending.append(
      PendingJump(position: Int32(position), origin: Int32(origin ?? position + 1), form: form, next: list))
    words.append(word)
    return Int32(pending.count - 1)
  }

  /// Emits a jump to a known target.
  mutating func emitJump(_ word: UInt64, _ form: JumpForm, to target: Int, origin: Int? = nil) {
    forgetLastOperation()
    let position = words.count
    words.append(word)
    patch(position, form, distance: target - (origin ?? position + 1))
  }

  /// The finished code.
  func sequencedWords() -> [UInt64] {
    var words = words
    Sequences.apply(to: &words)
    return words
  }

  /// Puts the words of other code in front.
  mutating func prepend(_ other: CodeBuffer) {
    words.insert(contentsOf: other.words, at: 0)
    forgetLastOperation()
  }

  /// Lets all jumps of a list end here.
  mutating func bind(_ list: Int32) {
    forgetLastOperation()
    var item = list
    while item >= 0 {
      let jump = pending[Int(item)]
      patch(Int(jump.position), jump.form, distance: words.count - Int(jump.origin))
      item = jump.next
    }
  }

  private mutating func patch(_ position: Int, _ form: JumpForm, distance: Int) {
    switch form {
    case .narrow:
      if Int(Int16(truncatingIfNeeded: distance)) != distance { hasOverflow = true }
      words[position] |= UInt64(UInt16(truncatingIfNeeded: distance)) << 48
    case .wide: words[position] |= UInt64(UInt32(truncatingIfNeeded: distance)) << 32
    case .table: words[position] = UInt64(bitPattern: Int64(distance))
    }
  }
}
