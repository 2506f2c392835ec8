// Pass over numbers: constants in code and initializers, static offsets of memory accesses, places of segments.
// First to zero as many at once as will go, then each of the others to something small.

import Wasm

func simplifyConstants(_ search: inout Search) {
  let base = search.best
  let places = base.numberPlaces()
  let nonZero = places.filter { base.number(at: $0) != 0 }
  search.reduce(nonZero.count) { isChosen in
    var candidate = base
    for (position, place) in nonZero.enumerated() where isChosen[position] { candidate.set(0, at: place) }
    return candidate
  }
  lowerTogether(&search, nonZero)
  for place in nonZero {
    guard let value = search.best.number(at: place), value > 1 else { continue }
    let minusOne = place.minusOne(search.best)
    if value == minusOne { continue }
    // Of the numbers with the top bit set, −1 is the one that people recognize.
    if let minusOne, value > minusOne / 2, search.attempt(search.best.setting(minusOne, at: place)) { continue }
    let base = search.best
    search.lower(value) { base.setting($0, at: place) }
  }
  naturalAlignments(&search)
}

/// Lowers numbers that lie close to each other by the same amount: those are often addresses in one structure, of which
/// none can move alone.
private func lowerTogether(_ search: inout Search, _ places: [NumberPlace]) {
  let base = search.best
  let numbers = places.compactMap { place in base.number(at: place).map { (place: place, value: $0) } }
    .filter { $0.value > 1 }.sorted { $0.value < $1.value }
  var start = 0
  while start < numbers.count {
    var end = start + 1
    while end < numbers.count && numbers[end].value - numbers[end - 1].value <= 64 { end += 1 }
    let group = numbers[start..<end]
    start = end
    guard group.count > 1, let first = group.first else { continue }
    let current = search.best
    // All the way, or at least as far as leaves the place in an aligned word.
    search.lower(first.value & ~7) { lowest in
      var candidate = current
      for number in group { candidate.set(number.value - (first.value & ~7) + lowest, at: number.place) }
      return candidate
    }
  }
}

private func naturalAlignments(_ search: inout Search) {
  let base = search.best
  let places = base.functions.filter { place in base[place].instructions.contains { isOddlyAligned($0) } }
  search.reduce(places.count) { isChosen in
    var candidate = base
    for (position, place) in places.enumerated() where isChosen[position] {
      for index in base[place].instructions.indices {
        let instruction = base[place].instructions[index]
        guard isOddlyAligned(instruction), case .memoryAccess(var access) = instruction.immediate else { continue }
        access.alignment = instruction.opcode.row.alignment
        candidate[place].instructions[index].immediate = .memoryAccess(access)
      }
    }
    return candidate
  }
}

/// Whether the text of an access would have to name its alignment.
private func isOddlyAligned(_ instruction: Instruction) -> Bool {
  guard case .memoryAccess(let access) = instruction.immediate else { return false }
  return access.alignment != instruction.opcode.row.alignment
}

// MARK: Places of numbers

/// Where a number stands in a candidate.
private enum NumberPlace {
  /// An immediate of a function body.
  case code(FunctionPlace, Int)
  /// The only instruction of a constant expression.
  case global(part: Int, Int)
  case data(part: Int, Int)
  case element(part: Int, Int)

  /// All bits set, in the width of the number; nil for what is not an integer constant.
  func minusOne(_ candidate: Candidate) -> UInt64? {
    switch candidate.immediate(at: self) {
    case .i32: UInt64(UInt32.max)
    case .i64: .max
    default: nil
    }
  }
}

extension Candidate {
  fileprivate func numberPlaces() -> [NumberPlace] {
    var places: [NumberPlace] = []
    for place in functions {
      for index in self[place].instructions.indices { places.append(.code(place, index)) }
    }
    for part in editable {
      let module = parts[part].module
      places += module.globals.indices.map { .global(part: part, $0) }
      places += module.data.indices.map { .data(part: part, $0) }
      places += module.elements.indices.map { .element(part: part, $0) }
    }
    return places.filter { number(at: $0) != nil }
  }

  fileprivate func immediate(at place: NumberPlace) -> Immediate? {
    switch place {
    case .code(let function, let index): return self[function].instructions[index].immediate
    case .global(let part, let index): return only(parts[part].module.globals[index].initializer)
    case .data(let part, let index):
      guard case .active(_, let offset) = parts[part].module.data[index].mode else { return nil }
      return only(offset)
    case .element(let part, let index):
      guard case .active(_, let offset) = parts[part].module.elements[index].mode else { return nil }
      return only(offset)
    }
  }

  private func only(_ expression: [Instruction]) -> Immediate? {
    expression.count == 1 ? expression[0].immediate : nil
  }

  /// The bits of the number; nil where none stands.
  fileprivate func number(at place: NumberPlace) -> UInt64? {
    switch immediate(at: place) {
    case .i32(let value): UInt64(UInt32(bitPattern: value))
    case .i64(let value): UInt64(bitPattern: value)
    // Of floats only whether they are zero is of interest: their bits have no useful order.
    case .f32(let bits): bits == 0 ? 0 : 1
    case .f64(let bits): bits == 0 ? 0 : 1
    case .memoryAccess(let access): access.offset
    default: nil
    }
  }

  fileprivate func setting(_ value: UInt64, at place: NumberPlace) -> Candidate {
    var result = self
    result.set(value, at: place)
    return result
  }

  fileprivate mutating func set(_ value: UInt64, at place: NumberPlace) {
    switch place {
    case .code(let function, let index): change(&self[function].instructions[index], to: value)
    case .global(let part, let index): change(&parts[part].module.globals[index].initializer[0], to: value)
    case .data(let part, let index):
      guard case .active(let memory, var offset) = parts[part].module.data[index].mode else { return }
      change(&offset[0], to: value)
      parts[part].module.data[index].mode = .active(memory, offset: offset)
    case .element(let part, let index):
      guard case .active(let table, var offset) = parts[part].module.elements[index].mode else { return }
      change(&offset[0], to: value)
      parts[part].module.elements[index].mode = .active(table, offset: offset)
    }
  }

  private func change(_ instruction: inout Instruction, to value: UInt64) {
    switch instruction.immediate {
    case .i32: instruction.immediate = .i32(Int32(truncatingIfNeeded: value))
    case .i64: instruction.immediate = .i64(Int64(bitPattern: value))
    case .f32: instruction.immediate = .f32(0)
    case .f64: instruction.immediate = .f64(0)
    case .memoryAccess(var access):
      access.offset = value
      instruction.immediate = .memoryAccess(access)
    default: break
    }
  }
}
