// Records as JSON and back.
// Used by the store for its files and by the command line for `--json`.

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The JSON form of a record: sorted keys, so that equal records are equal files.
///
/// - Throws: `CorpusError.malformed` for a number that JSON cannot express.
public func encodeJSON(_ record: some Encodable, isPretty: Bool = true) throws(CorpusError) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
  do {
    return [UInt8](try encoder.encode(record)) + (isPretty ? [UInt8(ascii: "\n")] : [])
  } catch {
    throw .malformed(reason: "no JSON for this record: \(error)", offset: nil)
  }
}

/// Reads a record.
///
/// - Throws: `CorpusError.malformed` with the field that is wrong.
public func decodeJSON<Record: Decodable>(_: Record.Type, _ bytes: [UInt8]) throws(CorpusError) -> Record {
  do {
    return try JSONDecoder().decode(Record.self, from: Data(bytes))
  } catch let error as DecodingError {
    throw .malformed(reason: explanation(of: error), offset: nil)
  } catch {
    throw .malformed(reason: "\(error)", offset: nil)
  }
}

private func explanation(of error: DecodingError) -> String {
  func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
  switch error {
  case .keyNotFound(let key, let place): return "\(path(place.codingPath + [key])) is missing"
  // The decoder says the same of both, and not where.
  case .dataCorrupted(let place) where place.codingPath.isEmpty && place.underlyingError == nil:
    return "not JSON, or with a number that is out of range"
  case .typeMismatch(_, let place), .valueNotFound(_, let place), .dataCorrupted(let place):
    let detail = place.underlyingError.map { ": \($0)" } ?? ""
    return (place.codingPath.isEmpty ? "" : path(place.codingPath) + ": ") + place.debugDescription + detail
  @unknown default: return "\(error)"
  }
}
