// Entries and records that the tests of this target share.

import Canister
import Corpus
import Wasm

/// A small canister with an update, a query and a heartbeat.
func sampleModule(_ methods: [String] = ["canister_update go", "canister_query get", "canister_heartbeat"]) -> Module {
  var module = Module()
  module.types = [FunctionType()]
  module.functions = [Function(type: TypeIndex(0), body: FunctionBody(instructions: [Instruction(.end)]))]
  module.memories = [MemoryType(Limits(minimum: 1))]
  module.exports = methods.map { Export(name: $0, kind: .function(FunctionIndex(0))) }
  return module
}

/// A case with every kind of message and no parameter at its default.
func sampleCase() -> Case {
  var parameters = Parameters()
  parameters.instructionLimit = 123_456_789_012
  parameters.dirtyPageLimits = PageLimits(message: 1, upgrade: 2, query: 3)
  parameters.accessedPageLimits = PageLimits(message: 4, upgrade: 5, query: .max)
  parameters.stableCapacity = 4_096
  parameters.heapLimit32 = 7
  parameters.heapLimit64 = 8
  parameters.dirtyPageOverhead = -9
  parameters.metering = .old
  var second = sampleModule()
  second.customSections = [CustomSection(name: "name", bytes: [1, 2, 3])]
  return Case(
    module: encode(sampleModule()), secondModule: encode(second),
    plan: CallPlan([
      .install(argument: [1, 2, 3]), .reinstall(.second, argument: []), .upgrade(.first, argument: [0xFF]),
      .update(name: "go", argument: Array(repeating: 7, count: 300)), .query(name: "ü\u{0}", argument: []),
      .heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage(name: "", argument: [0]),
    ]), parameters: parameters, strategy: Strategy(memory: .second, imports: .after))
}

func sampleEntry() -> CorpusEntry {
  CorpusEntry(
    case: sampleCase(), choices: [0, 1, 127, 128, .max],
    meta: EntryMeta(generatorVersion: "7 \"x\"", seed: .max, index: 1 << 63))
}

/// A record for findings of a bucket.
func sampleRecord(_ bucket: String, index: UInt64 = 5) -> FindingRecord {
  FindingRecord(
    bucket: bucket, sentence: "message 3 (update 'go'): stable contents differ", verdict: "diverge",
    observable: "stable contents", messageIndex: 3, message: "update 'go'", callIndex: 1,
    lanes: ["host", "end-front"], seed: 1, index: index, version: "0.1",
    sizeBefore: CaseSize(moduleBytes: 2_000, functions: 9, instructions: 700, messages: 12),
    sizeAfter: CaseSize(moduleBytes: 90, functions: 1, instructions: 6, messages: 2),
    commands: ["stablefuzz replay corpus/findings/x.wasm", "stablefuzz replay 1:5"])
}

func sampleCampaign() -> CampaignRecord {
  CampaignRecord(
    version: "0.1", configuration: [Setting("profile", "native"), Setting("lanes", "own")], seed: 1, firstIndex: 0,
    endIndex: 123_456, verdicts: VerdictCounts(agree: 123_450, poisoned: 2, diverge: 3, fault: 1),
    casesCompared: 123_455, shareWithoutTrap: 0.91234, shareUseful: 0.8, execsPerSecond: 2_057.6, elapsedSeconds: 60.01,
    digest: String(repeating: "0f", count: 16),
    buckets: [BucketCount(bucket: "stable-contents", cases: 3, path: "corpus/findings/stable-contents/1.wasm")],
    commands: ["stablefuzz --seed 1 --cases 123456"])
}
