// The store on disk: what is written is there whole or not at all, buckets keep their smallest, errors name the path.

import Corpus
import Foundation
import Testing
import Wasm

/// A directory that is gone after the test.
private final class Scratch {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("stablefuzz-corpus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    try? FileManager.default.removeItem(atPath: path)
  }

  func names(_ directory: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)").sorted()
  }
}

/// Entries of growing size.
private func envelope(_ size: Int) -> [UInt8] {
  var entry = sampleEntry()
  entry.choices = Array(repeating: 1, count: size)
  return encodeEnvelope(entry)
}

@Suite struct StoreTests {
  @Test func seedsAndRegressions() throws {
    let scratch = try Scratch()
    let store = CorpusStore(root: "\(scratch.path)/new/corpus")
    let seed = try store.storeSeed(sampleEntry())
    #expect(seed == "\(store.seeds)/\(entryDigest(encodeEnvelope(sampleEntry()))).wasm")
    #expect(try store.storeSeed(sampleEntry()) == seed)
    #expect(try readEntry(seed) == sampleEntry())
    let regression = try store.storeRegression(sampleEntry())
    #expect(try listCases(at: store.root) == [regression, seed])
    #expect(try listCases(at: seed) == [seed])
    #expect(try scratch.names("new/corpus/seeds").count == 1)
  }

  @Test func findings() throws {
    let scratch = try Scratch()
    let store = CorpusStore(root: scratch.path)
    let placement = try store.storeFinding(
      envelope(10), record: sampleRecord("stable-contents"), wat: "(module)", readme: "# ten")
    let path = store.path(ofFinding: entryDigest(envelope(10)), in: "stable-contents")
    #expect(placement == .stored(path: path))
    let digest = entryDigest(envelope(10)).description
    #expect(
      try scratch.names("findings/stable-contents")
        == ["\(digest).wasm", "\(digest).wat", "README.md", "finding.json"]
        .sorted())
    let records = try store.findingRecords(in: "stable-contents")
    #expect(records.map(\.digest) == [digest])
    var expected = sampleRecord("stable-contents")
    expected.digest = digest
    #expect(records == [expected])
    #expect(
      try store.storeFinding(envelope(10), record: sampleRecord("stable-contents"), wat: "", readme: "")
        == .known(path: path))
    #expect(
      try String(contentsOfFile: "\(scratch.path)/findings/stable-contents/\(digest).wat", encoding: .utf8)
        == "(module)")
  }

  @Test func bucketsKeepTheFiveSmallest() throws {
    let scratch = try Scratch()
    let store = CorpusStore(root: scratch.path)
    func add(_ size: Int) throws -> FindingPlacement {
      try store.storeFinding(
        envelope(size), record: sampleRecord("b", index: UInt64(size)), wat: "(; \(size) ;)", readme: "# \(size)")
    }
    for size in [50, 20, 40, 30, 60] { _ = try add(size) }
    #expect(try add(70) == .bucketFull)
    _ = try add(10)
    #expect(try store.findingRecords(in: "b").map(\.index) == [10, 20, 30, 40, 50])
    #expect(try listCases(at: store.findings).count == 5)
    #expect(try scratch.names("findings/b").count == 12)
    #expect(try readFile("\(store.findings)/b/README.md") == Array("# 10".utf8))
    // Order of arrival does not matter.
    let other = CorpusStore(root: "\(scratch.path)/other")
    for size in [10, 60, 30, 70, 20, 50, 40] {
      _ = try other.storeFinding(
        envelope(size), record: sampleRecord("b", index: UInt64(size)), wat: "(; \(size) ;)", readme: "# \(size)")
    }
    for name in try scratch.names("findings/b") {
      let (here, there) = (try readFile("\(store.findings)/b/\(name)"), try readFile("\(other.findings)/b/\(name)"))
      #expect(here == there, "\(name)")
    }
  }

  @Test func interruptedFindingsAreCompleted() throws {
    let scratch = try Scratch()
    let store = CorpusStore(root: scratch.path)
    try writeFile(envelope(3), to: store.path(ofFinding: entryDigest(envelope(3)), in: "b"))
    guard case .stored = try store.storeFinding(envelope(3), record: sampleRecord("b"), wat: "", readme: "# x") else {
      Issue.record("not stored")
      return
    }
    #expect(try store.findingRecords(in: "b").count == 1)
    #expect(try listCases(at: store.root).count == 1)
  }

  @Test func bucketNamesAreSafePaths() throws {
    let store = CorpusStore(root: "corpus")
    #expect(store.directory(of: "stable-contents.update_1") == "corpus/findings/stable-contents.update_1")
    var seen: Set<String> = []
    for bucket in ["..", "../x", ".._x", "a/b", "a_b", "", "ä", String(repeating: "x", count: 300), "a\0b"] {
      let directory = store.directory(of: bucket)
      let name = directory.dropFirst("corpus/findings/".count)
      #expect(!name.isEmpty && !name.contains("/") && !name.hasPrefix(".") && name.utf8.count <= 100, "\(bucket)")
      #expect(seen.insert(directory).inserted, "\(bucket)")
    }
  }

  // MARK: Errors

  @Test func readOnlyDirectory() throws {
    let scratch = try Scratch()
    // Root may write anywhere; a file in the place of a directory stops everybody.
    try writeFile([], to: "\(scratch.path)/file")
    let store = CorpusStore(root: "\(scratch.path)/file")
    do {
      try store.storeSeed(sampleEntry())
      Issue.record("stored in a file")
    } catch {
      #expect(error.isInputOutput)
      #expect("\(error)".contains("\(scratch.path)/file"))
      #expect("\(error)".contains("Not a directory"))
    }
    guard geteuid() != 0 else { return }
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: scratch.path)
    do {
      try CorpusStore(root: "\(scratch.path)/sub").storeSeed(sampleEntry())
      Issue.record("stored in a read-only directory")
    } catch {
      #expect(error.isInputOutput)
      #expect("\(error)".contains("\(scratch.path)/sub"))
    }
  }

  /// A directory in the way makes the last step fail, after the data was written.
  @Test func nothingHalfWritten() throws {
    let scratch = try Scratch()
    try writeFile([1, 2, 3], to: "\(scratch.path)/record")
    try FileManager.default.createDirectory(atPath: "\(scratch.path)/taken", withIntermediateDirectories: true)
    #expect(throws: CorpusError.self) { try writeFile([4], to: "\(scratch.path)/taken") }
    #expect(try scratch.names() == ["record", "taken"])
    #expect(try readFile("\(scratch.path)/record") == [1, 2, 3])
    try writeFile([4], to: "\(scratch.path)/record")
    #expect(try readFile("\(scratch.path)/record") == [4])
  }

  @Test func readingSaysWhatIsMissing() throws {
    let scratch = try Scratch()
    do {
      _ = try listCases(at: "\(scratch.path)/absent")
      Issue.record("listed nothing")
    } catch {
      #expect(error == .io(operation: "open", path: "\(scratch.path)/absent", reason: "No such file or directory"))
    }
    #expect(throws: CorpusError.self) { try readFile(scratch.path) }
    try writeFile(Array("no module".utf8), to: "\(scratch.path)/bad.wasm")
    do {
      _ = try readEntry("\(scratch.path)/bad.wasm")
      Issue.record("read text")
    } catch {
      #expect(!error.isInputOutput)
      #expect("\(error)" == "\(scratch.path)/bad.wasm: not a WebAssembly module at offset 0x0")
    }
    #expect(throws: CorpusError.self) { try readFile("/dev/zero", limit: 100_000) }
  }

  @Test func listingIsSortedAndDoesNotLoop() throws {
    let scratch = try Scratch()
    for name in ["b.wasm", "a/z.wasm", "a.wasm", "a/b/c.wasm", ".hidden.wasm", "a/readme.md", "B.wasm"] {
      try writeFile([0], to: "\(scratch.path)/\(name)")
    }
    try FileManager.default.createSymbolicLink(atPath: "\(scratch.path)/a/loop", withDestinationPath: scratch.path)
    let expected = ["B.wasm", "a.wasm", "a/b/c.wasm", "a/z.wasm", "b.wasm"].map { "\(scratch.path)/\($0)" }
    #expect(try listCases(at: scratch.path) == expected)
    #expect(try listCases(at: scratch.path + "/") == expected)
  }

  // MARK: Text

  @Test func casesMayBeText() throws {
    let scratch = try Scratch()
    let text = "(module (import \"ic0\" \"stable_size\" (func (result i32))) (func (export \"canister_init\")))"
    try writeFile(Array(text.utf8), to: "\(scratch.path)/plain.wat")
    let plain = try readEntry("\(scratch.path)/plain.wat")
    #expect(plain.case.module == encode(try parseText(text)))
    #expect(plain.case.plan == defaultPlan(for: try parseText(text)))

    // An entry printed as text is the same entry, plan and origin included.
    let envelope = encodeEnvelope(sampleEntry())
    let printed = printText(try decode(envelope))
    try writeFile(Array(printed.utf8), to: "\(scratch.path)/entry.wat")
    #expect(try readEntry("\(scratch.path)/entry.wat") == sampleEntry())

    // The text beside a binary is its rendering, not a case.
    try writeFile(envelope, to: "\(scratch.path)/entry.wasm")
    try writeFile(Array(printed.utf8), to: "\(scratch.path)/.hidden.wat")
    let listed = try listCases(at: scratch.path)
    #expect(listed == ["\(scratch.path)/entry.wasm", "\(scratch.path)/plain.wat"])
  }

  @Test func whatIsWrongWithATextHasItsPlace() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/bad.wat"
    try writeFile(Array("(module\n  (func i32.foo))".utf8), to: path)
    do {
      _ = try readEntry(path)
      Issue.record("read")
    } catch {
      #expect("\(error)" == "\(path):2:9: unknown operator i32.foo\n    (func i32.foo))\n          ^")
      #expect(error.offset == 16 && !error.isInputOutput)
    }
    try writeFile(Array("(func\n  (i32.const 1))".utf8), to: path)
    do {
      _ = try ModuleFile(reading: path).validModule()
      Issue.record("valid")
    } catch {
      #expect("\(error)".hasPrefix("\(path):2:16: type mismatch"), "\(error)")
    }
  }

  // MARK: Records

  @Test func recordsRoundTrip() throws {
    let scratch = try Scratch()
    let store = ReportStore(root: "\(scratch.path)/reports")
    let path = try store.store(sampleCampaign(), campaign: "seed-1")
    #expect(try decodeJSON(CampaignRecord.self, readFile(path)) == sampleCampaign())
    #expect(try store.checkpoint(of: "seed-1") == nil)
    let checkpoint = CheckpointRecord(
      nextIndex: 77, casesWithoutTrap: 60, casesUseful: 50, record: sampleCampaign())
    try store.store(checkpoint, campaign: "seed-1")
    #expect(try store.checkpoint(of: "seed-1") == checkpoint)
    try store.removeCheckpoint(of: "seed-1")
    try store.removeCheckpoint(of: "seed-1")
    #expect(try store.checkpoint(of: "seed-1") == nil)
    #expect(try encodeJSON(sampleCampaign()) == encodeJSON(sampleCampaign()))
  }

  @Test func badRecordsSayWhere() throws {
    let scratch = try Scratch()
    let store = ReportStore(root: scratch.path)
    try writeFile(Array(#"{"nextIndex": 1}"#.utf8), to: "\(scratch.path)/c/checkpoint.json")
    do {
      _ = try store.checkpoint(of: "c")
      Issue.record("read an incomplete record")
    } catch {
      #expect(
        "\(error)".contains("\(scratch.path)/c/checkpoint.json") && "\(error)".contains(" is missing"), "\(error)")
    }
    var record = sampleCampaign()
    record.elapsedSeconds = .nan
    #expect(throws: CorpusError.self) { try encodeJSON(record) }
  }
}
