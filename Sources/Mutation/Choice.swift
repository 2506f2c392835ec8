// At which of the places that a module has for a mistake it is made.

/// Some of several places.
enum Choice: String, CaseIterable, Sendable {
  case first, last, every

  func of<Place>(_ places: [Place]) -> [Place] {
    switch self {
    case .first: Array(places.prefix(1))
    case .last: places.count > 1 ? Array(places.suffix(1)) : []
    case .every: places.count > 2 ? places : []
    }
  }

  /// The choice in a sentence about `noun`.
  func words(_ noun: String) -> String {
    switch self {
    case .first: "the first \(noun)"
    case .last: "the last of several \(noun)s"
    case .every: "every \(noun)"
    }
  }
}
