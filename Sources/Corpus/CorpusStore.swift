// The corpus on disk: seeds, regressions, findings by bucket. Files are named by the digest of their contents.
// Written by the campaign and by `minimize`, read by `replay` and `gate`.

import ContentHash

/// What became of a finding that was to be stored.
public enum FindingPlacement: Hashable, Sendable {
  /// Stored at this path.
  case stored(path: String)
  /// The same file was there already.
  case known(path: String)
  /// The bucket holds enough findings, all of them smaller.
  case bucketFull
}

/// A corpus directory.
///
///     seeds/        hand-made and real-world starting cases
///     regressions/  fixed divergences
///     findings/BUCKET/DIGEST.wasm, DIGEST.wat, finding.json (all records, smallest first), README.md (the smallest)
public struct CorpusStore: Sendable {
  /// Findings kept in a bucket.
  public static let findingsPerBucket = 5

  public let root: String

  public init(root: String) { self.root = root }

  public var seeds: String { "\(root)/seeds" }
  public var regressions: String { "\(root)/regressions" }
  public var findings: String { "\(root)/findings" }

  /// The directories whose entries have to agree, those of them that exist.
  public var gatedDirectories: [String] { [regressions, seeds].filter { kind(of: $0) == .directory } }

  // MARK: Entries

  /// Stores an entry as a seed; returns its path.
  @discardableResult
  public func storeSeed(_ entry: CorpusEntry) throws(CorpusError) -> String {
    try store(encodeEnvelope(entry), in: seeds)
  }

  /// Stores an entry as a regression; returns its path.
  @discardableResult
  public func storeRegression(_ entry: CorpusEntry) throws(CorpusError) -> String {
    try store(encodeEnvelope(entry), in: regressions)
  }

  private func store(_ envelope: [UInt8], in directory: String) throws(CorpusError) -> String {
    let path = "\(directory)/\(entryDigest(envelope)).wasm"
    if kind(of: path) != .file { try writeFile(envelope, to: path) }
    return path
  }

  // MARK: Findings

  /// Where a finding of this bucket and digest is stored.
  public func path(ofFinding digest: Digest, in bucket: String) -> String {
    "\(directory(of: bucket))/\(digest).wasm"
  }

  /// The directory of a bucket: its name, with whatever a path cannot hold replaced.
  public func directory(of bucket: String) -> String {
    var name = ""
    for byte in bucket.utf8.prefix(80) {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        name.unicodeScalars.append(Unicode.Scalar(byte))
      // A dot in front would hide the directory, or leave it.
      case UInt8(ascii: ".") where !name.isEmpty: name += "."
      default: name += "_"
      }
    }
    // Two buckets must not share a directory because their names were made alike.
    if name != bucket || name.isEmpty { name += "~" + Digest(of: Array(bucket.utf8)).description.prefix(8) }
    return "\(findings)/\(name)"
  }

  /// Stores a finding, if its bucket has room for it or holds a larger one, which then goes.
  ///
  /// - Parameters:
  ///   - envelope: the case's file.
  ///   - record: its digest is filled in here.
  ///   - wat: the module's text.
  ///   - readme: the finding for a person; becomes the bucket's README if this finding is its smallest.
  @discardableResult
  public func storeFinding(
    _ envelope: [UInt8], record: FindingRecord, wat: String, readme: String
  ) throws(CorpusError) -> FindingPlacement {
    let directory = directory(of: record.bucket)
    let path = path(ofFinding: entryDigest(envelope), in: record.bucket)
    let new = StoredFinding(size: envelope.count, digest: entryDigest(envelope).description)
    var records = try findingRecords(in: record.bucket)
    // A file without a record is what an interrupted write leaves: it is stored again, with all that belongs to it.
    if kind(of: path) == .file, records.contains(where: { $0.digest == new.digest }) { return .known(path: path) }

    var entries = try storedFindings(in: directory).filter { $0 != new }
    entries.append(new)
    entries.sort()
    let surplus = entries.dropFirst(Self.findingsPerBucket)
    if surplus.contains(new) { return .bucketFull }

    // The case first: without it the rest means nothing. What is too much goes last, when nothing can be lost.
    try writeFile(envelope, to: path)
    try writeFile(Array(wat.utf8), to: "\(directory)/\(new.digest).wat")
    records.append(record)
    records[records.count - 1].digest = new.digest
    let kept = entries.prefix(Self.findingsPerBucket)
    let ordered = kept.compactMap { entry in records.last { $0.digest == entry.digest } }
    try writeFile(try encodeJSON(ordered), to: "\(directory)/finding.json")
    if kept.first == new { try writeFile(Array(readme.utf8), to: "\(directory)/README.md") }
    for entry in surplus {
      try removeFile("\(directory)/\(entry.digest).wat")
      try removeFile("\(directory)/\(entry.digest).wasm")
    }
    return .stored(path: path)
  }

  /// The records of a bucket, smallest finding first; none for a bucket that does not exist.
  public func findingRecords(in bucket: String) throws(CorpusError) -> [FindingRecord] {
    let path = "\(directory(of: bucket))/finding.json"
    guard kind(of: path) == .file else { return [] }
    let bytes = try readFile(path)
    do throws(CorpusError) {
      return try decodeJSON([FindingRecord].self, bytes)
    } catch {
      throw .inFile(path: path, error)
    }
  }

  /// The findings that a bucket's directory holds; the files count, `finding.json` only describes them.
  private func storedFindings(in directory: String) throws(CorpusError) -> [StoredFinding] {
    guard kind(of: directory) == .directory else { return [] }
    var entries: [StoredFinding] = []
    for name in try names(in: directory) where name.hasSuffix(".wasm") {
      let size = try size(of: "\(directory)/\(name)")
      entries.append(StoredFinding(size: size, digest: String(name.dropLast(5))))
    }
    return entries
  }
}

/// A finding as the order within a bucket sees it: smallest first, and one order for equal sizes.
private struct StoredFinding: Hashable, Comparable {
  var size: Int
  var digest: String

  static func < (left: Self, right: Self) -> Bool {
    (left.size, left.digest) < (right.size, right.digest)
  }
}
