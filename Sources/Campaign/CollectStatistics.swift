// Statistics of generated cases: what each comes to when it runs, and why effort is wasted. Called by `statistics`;
// a campaign's own record stays small.

import Canister
import Corpus
import Differential
import Dispatch
import Execution
import Generation
import Wasm

/// What `collectStatistics` looks at.
public struct StatisticsConfiguration: Sendable {
  public var campaign: CampaignConfiguration
  /// Whether cases run on the lanes; otherwise they are only generated and validated.
  public var runs: Bool

  public init(campaign: CampaignConfiguration, runs: Bool) {
    self.campaign = campaign
    self.runs = runs
  }
}

/// Generates the first cases of a campaign, runs them, and counts.
///
/// - Parameters:
///   - cases: how many.
///   - now: seconds of some clock; only times depend on it.
///   - isInterrupted: ends early with the slices that are done.
public func collectStatistics(
  _ configuration: StatisticsConfiguration, cases: UInt64, now: @escaping @Sendable () -> Double,
  isInterrupted: @escaping @Sendable () -> Bool = { false }
) -> StatisticsRecord {
  let campaign = configuration.campaign
  let sliceLength: UInt64 = 512
  let collectors = (0..<max(campaign.jobs, 1)).map { _ in StatisticsCollector(configuration, now: now) }
  var done: UInt64 = 0
  while done < cases && !isInterrupted() {
    let first = done
    let end = min(first + sliceLength * UInt64(collectors.count), cases)
    DispatchQueue.concurrentPerform(iterations: collectors.count) { number in
      let start = min(first + UInt64(number) * sliceLength, end)
      collectors[number].run(start..<min(start + sliceLength, end))
    }
    done = end
  }
  var tally = collectors[0].tally
  for collector in collectors.dropFirst() { tally.merge(collector.tally) }
  return tally.record(campaign, cases: Int(done), hasRun: configuration.runs)
}

/// Counts the cases of one worker. Used by one thread at a time.
private final class StatisticsCollector: @unchecked Sendable {
  private let configuration: StatisticsConfiguration
  private let generator: Generator
  private let runner: CaseRunner
  private let now: @Sendable () -> Double
  private(set) var tally = StatisticsTally()

  init(_ configuration: StatisticsConfiguration, now: @escaping @Sendable () -> Double) {
    self.configuration = configuration
    self.now = now
    generator = configuration.campaign.generator
    runner = configuration.campaign.makeRunner()
  }

  func run(_ indices: Range<UInt64>) {
    for index in indices {
      let start = now()
      let generated = generator.generate(seed: configuration.campaign.seed, index: index)
      var last = now()
      tally.addTime("generate", last - start)
      let name = "\(configuration.campaign.seed):\(index)"
      tally.add(generated)
      if configuration.runs {
        runner.trace = { [now] step in
          let time = now()
          self.tally.addTime(step.stage, time - last)
          last = time
        }
        let result = runner.runCase(generated.case, lanes: configuration.campaign.lanes)
        runner.trace = nil
        tally.add(generated, result, name)
      } else {
        validate(generated, name)
        tally.addTime("validate", now() - last)
      }
    }
  }

  private func validate(_ generated: GeneratedCase, _ name: String) {
    for bytes in [generated.case.module, generated.case.secondModule].compactMap({ $0 }) {
      if let reason = refusal(of: bytes, generated.case) {
        tally.invalid.add(reason, name)
      }
    }
  }

  private func refusal(of bytes: [UInt8], _ testCase: Case) -> String? {
    do {
      let module = try decode(bytes)
      try Wasm.validate(module)
      // The default profile is about what the IC accepts, the others about what the harness accepts besides.
      try validateCanister(
        module, placement: testCase.strategy.memory, parameters: testCase.parameters,
        allowances: configuration.campaign.profile == .native ? .none : .all)
      return encode(module) == bytes ? nil : "encode(decode(m)) ≠ m"
    } catch {
      return "\(error)"
    }
  }
}

/// Counts by cause, with the first example of each.
private struct CauseCounts {
  private var counts: [String: (count: Int, example: String)] = [:]

  mutating func add(_ cause: String, _ example: String, count: Int = 1) {
    let known = counts[cause]
    // The lowest index, whoever found it: names of one seed differ in their index only.
    let isEarlier =
      known.map { ($0.example.utf8.count, $0.example) > (example.utf8.count, example) } ?? true
    counts[cause] = ((known?.count ?? 0) + count, isEarlier ? example : known?.example ?? example)
  }

  mutating func merge(_ other: CauseCounts) {
    for (cause, entry) in other.counts { add(cause, entry.example, count: entry.count) }
  }

  /// Most frequent first.
  var sorted: [CountedCause] {
    counts.map { CountedCause(cause: $0.key, count: $0.value.count, example: $0.value.example) }
      .sorted { ($1.count, $0.cause) < ($0.count, $1.cause) }
  }
}

/// Running totals of one worker.
private struct StatisticsTally {
  var invalid = CauseCounts()
  private var totals = StatisticsRecord(version: "", configuration: [], seed: 0, cases: 0)
  private var unintended = CauseCounts()
  private var intended = CauseCounts()
  private var tooFew = CauseCounts()
  private var operations: [UInt64] = []
  private var bytes: [UInt64] = []
  private var messages: [UInt64] = []
  private var instructions: [UInt64] = []
  private var features = [Int](repeating: 0, count: Feature.allCases.count)
  private var coverage = OperandCoverage()
  private var seconds: [String: Double] = [:]
  /// Stages in the order in which they were first met.
  private var stages: [String] = []

  mutating func addTime(_ stage: String, _ time: Double) {
    // The native lanes of a case are one stage, whatever their names.
    let name = stage.prefix { $0 != "(" && $0 != "-" }.split(separator: " ").prefix(2)
    let isStrategy = name.first == "instrument"
    let key = isStrategy ? "instrument, validate" : name.joined(separator: " ")
    if seconds[key] == nil { stages.append(key) }
    seconds[key, default: 0] += time
  }

  /// What is known without running.
  mutating func add(_ generated: GeneratedCase) {
    let size = generated.case.module.count + (generated.case.secondModule?.count ?? 0)
    totals.modules += generated.case.secondModule == nil ? 1 : 2
    totals.moduleBytes += size
    bytes.append(UInt64(size))
    messages.append(UInt64(generated.case.plan.messages.count))
    coverage = coverage.union(generated.coverage)
    for feature in Feature.allCases where generated.features.contains(feature) {
      features[Int(feature.rawValue)] += 1
    }
  }

  mutating func add(_ generated: GeneratedCase, _ result: CaseResult, _ name: String) {
    switch result.verdict {
    case .agree: totals.verdicts.agree += 1
    case .poisoned: totals.verdicts.poisoned += 1
    case .diverge: totals.verdicts.diverge += 1
    case .toolFailure: totals.verdicts.toolFailure += 1
    case .fault(let fault):
      totals.verdicts.fault += 1
      if [.decode, .validate, .roundTrip, .canisterRules].contains(fault.stage) { invalid.add("\(fault)", name) }
    }
    let hasUnintended = addMessages(generated, result, name)
    let count = result.effectiveStableCalls
    if result.ranWithoutTrap { totals.casesWithoutTrap += 1 }
    if !hasUnintended { totals.casesWithoutUnintendedTrap += 1 }
    if !result.ranWithoutTrap && !hasUnintended { totals.casesWithIntendedTrap += 1 }
    if count >= 1 { totals.casesWithOneOperation += 1 }
    if count >= 5 {
      totals.casesWithFiveOperations += 1
    } else {
      tooFew.add(reason(generated, result), name)
    }
    operations.append(UInt64(count))
  }

  /// - Returns: whether some message failed that should not.
  private mutating func addMessages(_ generated: GeneratedCase, _ result: CaseResult, _ name: String) -> Bool {
    var hasUnintended = false
    var hasFailed = false
    var sum: UInt64 = 0
    for (number, observation) in result.observations.enumerated() {
      // A charge for a large length that then fails is no work.
      let used = UInt64(max(min(observation.instructions, Parameters().instructionLimit), 0))
      sum += used
      totals.messages += 1
      guard let cause = observation.outcome.failure else { continue }
      totals.messagesWithoutSuccess += 1
      totals.wastedInstructions += used
      let wasMeant =
        number < generated.trappingMessages.count && generated.trappingMessages[number]
        // The canister is not what the plan took it for once an installation or upgrade has failed as it should.
        || hasFailed
      let text = "\(generated.case.plan.messages[number].kindName): \(cause)"
      if wasMeant {
        intended.add(text, name)
        switch generated.case.plan.messages[number] {
        case .install, .reinstall, .upgrade: hasFailed = true
        default: break
        }
      } else {
        unintended.add(text, name)
        hasUnintended = true
      }
    }
    totals.instructions += sum
    instructions.append(sum)
    return hasUnintended
  }

  /// Why a case does so little, as far as it can be told.
  private func reason(_ generated: GeneratedCase, _ result: CaseResult) -> String {
    if case .fault = result.verdict { return "fault" }
    if generated.features.contains(.heapless) { return "no heap: nothing to read from or write to" }
    if result.observations.first?.outcome.failure != nil { return "the installation failed" }
    if generated.features.contains(.smallInstructionLimit) { return "a small instruction limit" }
    let failed = result.observations.count { $0.outcome.failure != nil }
    if failed * 2 > result.observations.count { return "most messages trapped" }
    if generated.features.contains(.stableEmpty) { return "stable memory of no guaranteed size" }
    if generated.case.plan.messages.count <= 3 { return "three messages or fewer" }
    return "few stable operations in the methods called"
  }

  mutating func merge(_ other: StatisticsTally) {
    invalid.merge(other.invalid)
    unintended.merge(other.unintended)
    intended.merge(other.intended)
    tooFew.merge(other.tooFew)
    operations += other.operations
    bytes += other.bytes
    messages += other.messages
    instructions += other.instructions
    for position in features.indices { features[position] += other.features[position] }
    coverage = coverage.union(other.coverage)
    for stage in other.stages {
      if seconds[stage] == nil { stages.append(stage) }
      seconds[stage, default: 0] += other.seconds[stage] ?? 0
    }
    totals.modules += other.totals.modules
    totals.moduleBytes += other.totals.moduleBytes
    totals.verdicts.agree += other.totals.verdicts.agree
    totals.verdicts.poisoned += other.totals.verdicts.poisoned
    totals.verdicts.diverge += other.totals.verdicts.diverge
    totals.verdicts.fault += other.totals.verdicts.fault
    totals.verdicts.toolFailure += other.totals.verdicts.toolFailure
    totals.casesWithoutTrap += other.totals.casesWithoutTrap
    totals.casesWithoutUnintendedTrap += other.totals.casesWithoutUnintendedTrap
    totals.casesWithIntendedTrap += other.totals.casesWithIntendedTrap
    totals.casesWithOneOperation += other.totals.casesWithOneOperation
    totals.casesWithFiveOperations += other.totals.casesWithFiveOperations
    totals.messages += other.totals.messages
    totals.messagesWithoutSuccess += other.totals.messagesWithoutSuccess
    totals.instructions += other.totals.instructions
    totals.wastedInstructions += other.totals.wastedInstructions
  }

  func record(_ campaign: CampaignConfiguration, cases: Int, hasRun: Bool) -> StatisticsRecord {
    var record = totals
    record.version = stablefuzzVersion
    record.configuration = campaign.settings
    record.seed = campaign.seed
    record.cases = cases
    record.hasRun = hasRun
    record.invalidModules = invalid.sorted
    record.unintendedTraps = unintended.sorted
    record.intendedTraps = intended.sorted
    record.tooFewOperations = tooFew.sorted
    record.operations = Quantiles(operations)
    record.bytesPerCase = Quantiles(bytes)
    record.messagesPerCase = Quantiles(messages)
    record.instructionsPerCase = Quantiles(instructions)
    record.features = Feature.allCases.map {
      NamedShare(name: "\($0)", share: Double(features[Int($0.rawValue)]) / Double(max(cases, 1)))
    }
    record.unusedClasses = coverage.unused
    record.secondsByStage = stages.map { NamedShare(name: $0, share: seconds[$0] ?? 0) }
    return record
  }
}

extension Outcome {
  /// Why a message did not succeed; nil if it did.
  fileprivate var failure: String? {
    switch self {
    case .reply, .reject, .noReply, .accepted: nil
    case .refused(let reason): "refused: \(reason.prefix { $0 != "'" })"
    case .hostMemoryExhausted: "host memory exhausted"
    case .runaway: "injected code without an end"
    case .trap(let error):
      switch error {
      case .calledTrap: "ic0.trap"
      case .dirtyPageLimitExceeded: "dirty page limit"
      case .accessedPageLimitExceeded: "accessed page limit"
      case .instructionLimitExceeded: "instruction limit"
      default: "\(error)".replacing("Canister trapped: ", with: "")
      }
    }
  }
}

extension Message {
  /// The kind without the method's name.
  fileprivate var kindName: String { summary.split(separator: " ").first.map(String.init) ?? summary }
}

extension OperandCoverage {
  /// The classes that could have been used and were not, by function.
  fileprivate var unused: [String] {
    var names: [String] = []
    for function in SystemFunction.allCases where function.isStable {
      let access = AccessSet(function)
      if let access {
        for row in RangeRow.all where row.isFor(access) && !contains(row.rangeClass, function) {
          names.append("\(function.name): range \(row.name)")
        }
        for row in HeapRow.all where row.isFor(access) && !contains(row.heapClass, function) {
          names.append("\(function.name): heap \(row.name)")
        }
      } else if function == .stableGrow || function == .stable64Grow {
        for row in GrowthRow.all
        where !(row.isOnlyWide && function == .stableGrow) && !contains(row.growthClass, function) {
          names.append("\(function.name): growth \(row.name)")
        }
      }
    }
    return names
  }
}
