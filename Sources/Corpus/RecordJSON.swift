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
  encoder.outputFormatting = isPretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
  do {
    return [UInt8](try encoder.encode(record)) + (isPretty ? [UInt8(ascii: "\n")] : [])
  } catch {
    throw .malformed(reason: "no JSON for this record: \(error)", offset: nil)
  }
}

/// Reads a record.
///
/// - Throws: `CorpusError.malformed` with the field or the place that is wrong.
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
  let context: DecodingError.Context
  var missing = ""
  switch error {
  case .keyNotFound(let key, let place):
    context = place
    missing = key.stringValue
  case .typeMismatch(_, let place), .valueNotFound(_, let place), .dataCorrupted(let place): context = place
  @unknown default: return "\(error)"
  }
  let path = (context.codingPath.map(\.stringValue) + (missing.isEmpty ? [] : [missing])).joined(separator: ".")
  // The decoder's own report of a syntax error sits one level below and has the line and column.
  let detail = context.underlyingError.map { ": \($0)" } ?? ""
  return (path.isEmpty ? "" : "\(path): ") + context.debugDescription + detail
}
