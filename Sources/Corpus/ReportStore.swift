// The reports directory: one directory for each campaign, with its record and its checkpoint.
// Written while a campaign runs and when it ends; the checkpoint is read by `--resume`.

/// A reports directory.
///
///     CAMPAIGN/record.json      what was run, and what came out
///     CAMPAIGN/coverage.json    the coverage map, for `stablefuzz coverage`
///     CAMPAIGN/checkpoint.json  where it stands; removed when it is complete
public struct ReportStore: Sendable {
  public let root: String

  public init(root: String) { self.root = root }

  public func directory(of campaign: String) -> String { "\(root)/\(campaign)" }

  /// Stores the record of a campaign that has ended; returns its path.
  @discardableResult
  public func store(_ record: CampaignRecord, campaign: String) throws(CorpusError) -> String {
    let path = "\(directory(of: campaign))/record.json"
    try writeFile(try encodeJSON(record), to: path)
    return path
  }

  /// Stores the coverage of a campaign that has ended; returns its path.
  @discardableResult
  public func store(_ coverage: StoredCoverage, campaign: String) throws(CorpusError) -> String {
    let path = "\(directory(of: campaign))/coverage.json"
    try writeFile(try encodeJSON(coverage), to: path)
    return path
  }

  /// The file with the coverage that a path names: a `.json` file itself, or that of a campaign's directory; else nil.
  public static func coveragePath(_ path: String) -> String? {
    if path.hasSuffix(".json") { return path }
    let inside = path + "/coverage.json"
    return kind(of: inside) == .file ? inside : nil
  }

  /// Stores where a campaign stands, in place of what was stored before.
  public func store(_ checkpoint: CheckpointRecord, campaign: String) throws(CorpusError) {
    try writeFile(try encodeJSON(checkpoint), to: checkpointPath(campaign))
  }

  /// Where a campaign stood when it was last stored; nil if nothing was.
  public func checkpoint(of campaign: String) throws(CorpusError) -> CheckpointRecord? {
    let path = checkpointPath(campaign)
    guard kind(of: path) != nil else { return nil }
    let bytes = try readFile(path)
    do throws(CorpusError) {
      return try decodeJSON(CheckpointRecord.self, bytes)
    } catch {
      throw .inFile(path: path, error)
    }
  }

  /// Forgets where a campaign stood.
  public func removeCheckpoint(of campaign: String) throws(CorpusError) {
    try removeFile(checkpointPath(campaign))
  }

  private func checkpointPath(_ campaign: String) -> String { "\(directory(of: campaign))/checkpoint.json" }
}
