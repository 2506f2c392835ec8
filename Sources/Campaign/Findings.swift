// From a divergent or faulty case to a corpus entry: minimize, describe, store. Called by `runCampaign` and by the
// commands that work on single cases.

import Canister
import Corpus
import Differential
import Minimization
import Reporting
import Wasm

/// A case with where it comes from.
public struct CaseOrigin: Sendable {
  public var entry: CorpusEntry
  /// What `replay` takes to run it: a path, or `SEED:INDEX`.
  public var source: String

  public init(entry: CorpusEntry, source: String) {
    self.entry = entry
    self.source = source
  }
}

/// A minimized finding and where it was put.
public struct StoredFinding: Sendable {
  public let record: FindingRecord
  /// nil where its bucket is full.
  public let path: String?
  public let result: MinimizationResult
}

/// Minimizes what a case showed, keeping its bucket.
///
/// The lane that differs becomes the case's own, so that what is stored needs no lane named with it.
///
/// - Parameters:
///   - verdict: a divergence or fault.
///   - runner: runs the candidates.
///   - isInterrupted: ends the search with what it has.
public func minimizeFinding(
  _ testCase: Case, _ verdict: Verdict, runner: CaseRunner, budget: MinimizationBudget,
  isInterrupted: () -> Bool = { false }
) -> MinimizationResult {
  var original = testCase
  if case .native(let strategy)? = verdict.lane { original.strategy = strategy }
  let lanes: LaneSelection = verdict.lane == .external ? .external : .ofCase
  let bucket = verdict.bucket
  var remainingWork = minimizationWork
  return runner.searching(for: verdict) {
    withoutActuallyEscaping(isInterrupted) { isInterrupted in
      minimize(original, budget: budget, isStopped: { remainingWork <= 0 || isInterrupted() }) { candidate in
        let result = runner.runCase(candidate, lanes: lanes)
        // A charge for a large length that then fails is no work; nothing that loops gets far past the default limit.
        remainingWork -= result.observations.reduce(0) { $0 + min($1.instructions, Parameters().instructionLimit) }
        return result.verdict.bucket == bucket
      }
    }
  }
}

/// Instructions that all candidates of a minimization may execute on the host lane: counted in instructions and not in
/// time, so that the result is the same on every machine. Without it, a case that runs into its instruction limit in
/// every candidate would take minutes.
private let minimizationWork: Int64 = 1_000_000_000

/// What may be spent on a smaller case: an outside instrumenter is slow, and slowest where it does not answer.
private func affordable(_ budget: MinimizationBudget, for verdict: Verdict) -> MinimizationBudget {
  guard verdict.lane == .external else { return budget }
  if case .toolFailure(let fault) = verdict, fault.stage == .toolTimeout || fault.stage == .toolStart {
    return MinimizationBudget(predicateCalls: 0)
  }
  return MinimizationBudget(predicateCalls: min(budget.predicateCalls, 1_000))
}

/// Minimizes and stores a finding.
///
/// - Parameter arguments: what the commands in the record need besides the case.
public func storeFinding(
  _ origin: CaseOrigin, _ verdict: Verdict, runner: CaseRunner, store: CorpusStore,
  budget: MinimizationBudget = MinimizationBudget(), arguments: String = "", isInterrupted: () -> Bool = { false }
) throws(CorpusError) -> StoredFinding {
  let original = origin.entry.case
  let result = minimizeFinding(
    original, verdict, runner: runner, budget: affordable(budget, for: verdict), isInterrupted: isInterrupted)
  let final =
    result.case == original
    ? verdict : runner.runCase(result.case, lanes: verdict.lane == .external ? .external : .ofCase).verdict
  // The choices make the original again, not what is left of it.
  let isMinimized = result.case != original
  let entry = CorpusEntry(
    case: result.case, choices: isMinimized ? nil : origin.entry.choices, meta: origin.entry.meta)
  let envelope = encodeEnvelope(entry)
  let digest = entryDigest(envelope)
  let bucket = verdict.bucket ?? verdict.name
  let path = store.path(ofFinding: digest, in: bucket)
  let suffix = arguments.isEmpty ? "" : " " + arguments
  var record = FindingRecord(
    bucket: bucket, digest: digest.description, sentence: final.sentence, verdict: verdict.name,
    lanes: [LaneName.host.description], seed: origin.entry.meta?.seed,
    // A case that varies others is not the fresh one of its index; the command has where it comes from.
    index: origin.entry.meta?.lineage == nil ? origin.entry.meta?.index : nil,
    version: stablefuzzVersion, sizeBefore: caseSize(original), sizeAfter: caseSize(result.case),
    commands: [
      replayCommand(path, arguments), "stablefuzz trace \(path)\(suffix)", replayCommand(origin.source, arguments),
    ])
  switch final {
  case .diverge(let divergence):
    record.observable = divergence.observable.rawValue
    record.messageIndex = divergence.messageIndex
    record.message = divergence.message.summary
    record.callIndex = divergence.call?.index
    record.lanes.append(divergence.lane.description)
  case .fault(let fault), .toolFailure(let fault):
    if let lane = fault.lane { record.lanes.append(lane.description) }
  case .agree, .poisoned: break
  }
  let wat = (try? decode(result.case.module)).map(printText) ?? ";; the module does not decode\n"
  let placement = try store.storeFinding(
    envelope, record: record, wat: wat, readme: findingReadme(record, wat: wat))
  return StoredFinding(record: record, path: placement.path, result: result)
}

/// The command that runs a case again.
///
/// - Parameters:
///   - source: a path, or `SEED:INDEX` and a profile.
///   - arguments: what the command needs besides.
func replayCommand(_ source: String, _ arguments: String) -> String {
  "stablefuzz replay \(source)" + (arguments.isEmpty ? "" : " " + arguments)
}

extension FindingPlacement {
  var path: String? {
    switch self {
    case .stored(let path), .known(let path): path
    case .bucketFull: nil
    }
  }
}

/// The size of a case; a module that does not decode counts with its bytes only.
public func caseSize(_ testCase: Case) -> CaseSize {
  var size = CaseSize(
    moduleBytes: testCase.module.count + (testCase.secondModule?.count ?? 0), functions: 0, instructions: 0,
    messages: testCase.plan.messages.count)
  for bytes in [testCase.module, testCase.secondModule ?? []] {
    guard !bytes.isEmpty, let module = try? decode(bytes) else { continue }
    size.functions += module.functions.count
    size.instructions += module.functions.reduce(0) { $0 + max($1.body.instructions.count - 1, 0) }
  }
  return size
}
