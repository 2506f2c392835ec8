// A case as one valid `.wasm` file: the module followed by custom sections that carry the rest. And back.
// Written by the store, read by replay; a module without these sections gets its default plan.
//
//   stablefuzz.plan     parameters, strategy, call plan (PlanCodec.swift)
//   stablefuzz.second   the second module, where the case has one
//   stablefuzz.choices  the generator's choices: version:byte (1) · count · choices, unsigned LEB128
//   stablefuzz.meta     JSON: generator version, seed, index
//   stablefuzz.parameters  only in modules handed to outside instrumenters, see `Outside`; says nothing here

import Canister
import ContentHash
import Wasm

/// Where a generated case comes from.
public struct EntryMeta: Hashable, Codable, Sendable {
  public var generatorVersion: String
  public var seed: UInt64
  public var index: UInt64
  /// How a guided case came about that varies others; nil for a fresh case.
  public var lineage: String?

  public init(generatorVersion: String, seed: UInt64, index: UInt64, lineage: String? = nil) {
    self.generatorVersion = generatorVersion
    self.seed = seed
    self.index = index
    self.lineage = lineage
  }
}

/// A case with its origin.
public struct CorpusEntry: Hashable, Sendable {
  public var `case`: Case
  /// The generator's choice sequence, which the case can be made from again.
  public var choices: [UInt64]?
  public var meta: EntryMeta?

  public init(case: Case, choices: [UInt64]? = nil, meta: EntryMeta? = nil) {
    self.case = `case`
    self.choices = choices
    self.meta = meta
  }
}

/// The name of an entry: XXH3-128 of its file's bytes.
public func entryDigest(_ envelope: [UInt8]) -> Digest { Digest(of: envelope) }

/// The file of an entry. Sections of the project's own that the case's module already carries are replaced.
///
/// - Returns: a valid module if the case's module is one; equal entries give equal bytes.
public func encodeEnvelope(_ entry: CorpusEntry) -> [UInt8] {
  let stored = entry.case
  // A module whose sections cannot be told apart is kept as it is: it may be the fault that is being stored.
  var bytes = (try? Sections(stored.module).stripped(stored.module)) ?? stored.module
  let plan = PlanSection(plan: stored.plan, parameters: stored.parameters, strategy: stored.strategy)
  append(.plan, plan.encoded(), to: &bytes)
  if let second = stored.secondModule { append(.second, second, to: &bytes) }
  if let choices = entry.choices { append(.choices, encode(choices: choices), to: &bytes) }
  // Encoding three plain fields cannot fail; without the section the entry would only lose its origin.
  if let meta = entry.meta, let json = try? encodeJSON(meta, isPretty: false) { append(.meta, json, to: &bytes) }
  return bytes
}

/// Reads an entry.
///
/// - Parameter bytes: the whole file. A module without the project's sections is a case with its default plan and
///   production's instruction limit.
/// - Throws: `CorpusError.malformed` with the offset in the file. The module itself is not judged, unless it has to be
///   decoded for a default plan.
public func decodeEnvelope(_ bytes: [UInt8]) throws(CorpusError) -> CorpusEntry {
  let sections = try Sections(bytes)
  let module = sections.stripped(bytes)
  let second = sections.own[.second].map { Array(bytes[$0]) }

  var choices: [UInt64]?
  if let range = sections.own[.choices] {
    var reader = ByteReader(bytes, range)
    choices = try decodeChoices(&reader)
  }
  var meta: EntryMeta?
  if let range = sections.own[.meta] {
    do throws(CorpusError) {
      meta = try decodeJSON(EntryMeta.self, Array(bytes[range]))
    } catch {
      throw .malformed(reason: "\(EnvelopeSection.meta.name): \(error)", offset: range.lowerBound)
    }
  }
  guard let range = sections.own[.plan] else {
    let plan = defaultPlan(for: try decodeModule(module))
    let stored = Case(module: module, secondModule: second, plan: plan, parameters: .forRealCanisters)
    return CorpusEntry(case: stored, choices: choices, meta: meta)
  }
  var reader = ByteReader(bytes, range)
  let plan = try PlanSection(&reader)
  let stored = Case(
    module: module, secondModule: second, plan: plan.plan, parameters: plan.parameters, strategy: plan.strategy)
  return CorpusEntry(case: stored, choices: choices, meta: meta)
}

private func decodeModule(_ bytes: [UInt8]) throws(CorpusError) -> Module {
  do throws(WasmError) {
    return try decode(bytes)
  } catch {
    throw .malformed(reason: error.reason, offset: error.offset)
  }
}

// MARK: Choices

private let choicesVersion: UInt8 = 1

private func encode(choices: [UInt64]) -> [UInt8] {
  var writer = ByteWriter()
  writer.byte(choicesVersion)
  writer.integer(UInt64(choices.count))
  for choice in choices { writer.integer(choice) }
  return writer.bytes
}

private func decodeChoices(_ reader: inout ByteReader) throws(CorpusError) -> [UInt64] {
  let version = try reader.byte()
  guard version == choicesVersion else {
    throw reader.malformed("choices of version \(version), known is \(choicesVersion)", at: reader.position - 1)
  }
  let count = try reader.count("choices")
  var choices: [UInt64] = []
  choices.reserveCapacity(count)
  for _ in 0..<count { choices.append(try reader.integer()) }
  try reader.expectEnd()
  return choices
}

// MARK: Sections

/// The custom sections of an envelope, in the order in which they are written.
enum EnvelopeSection: String, CaseIterable {
  case plan, second, choices, meta, parameters

  static let prefix = "stablefuzz."
  var name: String { Self.prefix + rawValue }
}

private func append(_ section: EnvelopeSection, _ contents: [UInt8], to bytes: inout [UInt8]) {
  var body = ByteWriter()
  body.string(section.name.utf8)
  var header = ByteWriter()
  header.byte(0)
  header.integer(UInt64(body.bytes.count + contents.count))
  bytes += header.bytes
  bytes += body.bytes
  bytes += contents
}

/// Where the project's own sections lie in a file. Section headers are all that is read of the module.
struct Sections {
  /// Contents, without the name, of the project's sections.
  private(set) var own: [EnvelopeSection: Range<Int>] = [:]
  /// The project's sections as a whole, ascending.
  private var spans: [Range<Int>] = []

  init(_ bytes: [UInt8]) throws(CorpusError) {
    var reader = ByteReader(bytes)
    for expected: UInt8 in [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00] {
      let offset = reader.position
      guard try reader.byte() == expected else {
        throw reader.malformed("not a WebAssembly module", at: offset)
      }
    }
    while reader.remaining > 0 {
      let start = reader.position
      let id = try reader.byte()
      let size = try reader.count("bytes of section \(id)")
      let contents = reader.position..<reader.position + size
      if id == 0 { try note(ByteReader(bytes, contents), span: start..<contents.upperBound) }
      reader = ByteReader(bytes, contents.upperBound..<bytes.count)
    }
  }

  private mutating func note(_ section: ByteReader, span: Range<Int>) throws(CorpusError) {
    var reader = section
    // Judging other people's sections is the decoder's business.
    guard let name = try? reader.string("name"), name.starts(with: EnvelopeSection.prefix.utf8) else { return }
    guard let kind = EnvelopeSection.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else {
      throw reader.malformed("unknown section '\(String(decoding: name, as: UTF8.self))'", at: span.lowerBound)
    }
    guard own[kind] == nil else { throw reader.malformed("section '\(kind.name)' twice", at: span.lowerBound) }
    own[kind] = reader.position..<reader.end
    spans.append(span)
  }

  /// The bytes without the project's sections.
  func stripped(_ bytes: [UInt8]) -> [UInt8] {
    guard let first = spans.first else { return bytes }
    var result = Array(bytes[..<first.lowerBound])
    for (position, span) in spans.enumerated() {
      let next = position + 1 < spans.count ? spans[position + 1].lowerBound : bytes.count
      result += bytes[span.upperBound..<next]
    }
    return result
  }
}
