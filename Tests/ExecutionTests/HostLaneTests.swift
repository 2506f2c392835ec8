// The host lane message by message: what commits, what is rolled back, what is observed, what is refused.

import Canister
import ContentHash
import Execution
import Testing
import Wasm

private func makeLane(
  _ first: TestCanister, _ second: TestCanister? = nil, _ parameters: Parameters = Parameters()
) throws -> HostLane {
  HostLane(
    first: try HostModule(first.module, parameters: parameters),
    second: try second.map { try HostModule($0.module, parameters: parameters) }, parameters: parameters)
}

private let install = Message.install(argument: [])
private func update(_ name: String, _ argument: [UInt8] = []) -> Message { .update(name: name, argument: argument) }
private func query(_ name: String) -> Message { .query(name: name, argument: []) }

/// Writes heap, globals and stable memory (growing it), and ends as its name says.
private func writer() -> TestCanister {
  var canister = TestCanister(.stable64Grow, .stable64Write, .msgReplyDataAppend, .msgReply)
  canister.globals = [1, 2]
  let write =
    canister.store(77, at: 5_000) + canister.set(1, 42) + canister.drop(.stable64Grow, 1)
    + canister.call(.stable64Write, 4_090, 4_995, 10)
  canister.add("canister_update ok", write + canister.reply(5_000, 1))
  canister.add("canister_update trap", write + [Instruction(.unreachable)])
  canister.add("canister_query ok", write + canister.reply(5_000, 1))
  canister.add("canister_composite_query both", write + canister.reply(5_000, 1))
  canister.add("canister_update quiet", [])
  return canister
}

@Suite struct HostLaneMessageTests {
  @Test func updateCommits() throws {
    let lane = try makeLane(writer())
    #expect(lane.execute(install).outcome == .noReply)
    let before = lane.execute(update("quiet"))
    #expect(before.outcome == .noReply)
    #expect(before.globals == [1, 2])
    #expect(before.heapSize == 1)
    #expect(before.heapContents == .zero)
    let after = lane.execute(update("ok"))
    #expect(after.outcome == .reply([77]))
    #expect(after.globals == [1, 42])
    #expect(after.stableSize == 1)
    #expect(after.stableContents != .zero)
    #expect(after.heapContents != .zero)
    #expect(after.dirtyPages == [0, 1])
    #expect(after.accessedPages == 2)
    #expect(after.instructions > 2_130)
    let later = lane.execute(update("quiet"))
    #expect(later.globals == after.globals)
    #expect(later.stableContents == after.stableContents)
    #expect(later.heapContents == after.heapContents)
    #expect(later.dirtyPages == [])
    #expect(later.accessedPages == 0)
    #expect(lane.effectiveStableCalls == 2)
  }

  @Test func trapRollsBack() throws {
    let lane = try makeLane(writer())
    let before = lane.execute(install)
    let after = lane.execute(update("trap"))
    #expect(after.outcome == .trap(.unreachable))
    #expect(after.globals == before.globals)
    #expect(after.stableSize == 0)
    #expect(after.stableContents == .zero)
    #expect(after.heapContents == before.heapContents)
    #expect(after.dirtyPages == [0, 1])
    #expect(after.accessedPages == 2)
    #expect(lane.execute(update("ok")).outcome == .reply([77]))
  }

  @Test(arguments: ["ok", "both"]) func queryDropsItsChanges(name: String) throws {
    let lane = try makeLane(writer())
    let before = lane.execute(install)
    let after = lane.execute(query(name))
    #expect(after.outcome == .reply([77]))
    #expect(after.globals == before.globals)
    #expect(after.stableSize == 0)
    #expect(after.heapContents == before.heapContents)
    #expect(after.dirtyPages == [0, 1])
    #expect(after.accessedPages == 2)
  }

  @Test func refusals() throws {
    let lane = try makeLane(writer())
    for message in [update("ok"), query("ok"), .heartbeat, .upgrade(.first, argument: [])] {
      #expect(lane.execute(message) == Observation(outcome: Outcome(.empty)))
    }
    _ = lane.execute(install)
    #expect(lane.execute(install).outcome == Outcome(.notEmpty))
    #expect(lane.execute(update("both")).outcome == Outcome(.noMethod(.update, name: "both")))
    #expect(lane.execute(query("trap")).outcome == Outcome(.noMethod(.query, name: "trap")))
    #expect(lane.execute(update("")).outcome == Outcome(.noMethod(.update, name: "")))
    // Equal as strings, but other bytes.
    var canister = TestCanister()
    canister.add("canister_update \u{E9}", [])
    let accented = try makeLane(canister)
    _ = accented.execute(install)
    #expect(accented.execute(update("\u{E9}")).outcome == .noReply)
    #expect(accented.execute(update("e\u{301}")).outcome == Outcome(.noMethod(.update, name: "e\u{301}")))
  }

  @Test func moduleWithoutHeapMayNotMoveBytes() throws {
    var canister = TestCanister(.stable64Grow, .stable64Read)
    canister.memories = []
    #expect(try makeLane(canister).execute(install).outcome == Outcome(.noHeap))
    var growing = TestCanister(.stable64Grow)
    growing.memories = []
    growing.add("canister_init", growing.drop(.stable64Grow, 3))
    let observation = try makeLane(growing).execute(install)
    #expect(observation.outcome == .noReply)
    #expect(observation.stableSize == 3)
    #expect(observation.heapSize == 0)
  }

  @Test func unknownImports() throws {
    for (module, name) in [("ic0", "msg_replay"), ("env", "msg_reply")] {
      var canister = writer().module
      canister.imports[3].module = module
      canister.imports[3].name = name
      let lane = HostLane(first: try HostModule(canister, parameters: Parameters()), parameters: Parameters())
      #expect(lane.execute(install).outcome == Outcome(.unknownImport(module: module, name: name)))
    }
    var canister = writer().module
    canister.types[4].parameters = [.i32]
    let lane = HostLane(first: try HostModule(canister, parameters: Parameters()), parameters: Parameters())
    #expect(lane.execute(install).outcome == Outcome(.unknownImport(module: "ic0", name: "msg_reply")))
  }

  @Test func tasksAndInspection() throws {
    let bare = try makeLane(writer())
    _ = bare.execute(install)
    for message in [Message.heartbeat, .globalTimer, .lowWasmMemory] {
      let observation = bare.execute(message)
      #expect(observation.outcome == .noReply)
      #expect(observation.instructions == 0)
    }
    let inspect = Message.inspectMessage(name: "ok", argument: [1])
    #expect(bare.execute(inspect).outcome == .accepted)
    #expect(bare.execute(inspect).instructions == 0)
    var canister = TestCanister(.acceptMessage, .msgArgDataSize, .stable64Grow)
    canister.globals = [0]
    canister.add(
      "canister_inspect_message",
      canister.drop(.stable64Grow, 1) + canister.set(0, 5) + canister.call(.msgArgDataSize)
        + [Instruction(.if, .block(.empty))] + canister.call(.acceptMessage) + [Instruction(.end)])
    canister.add("canister_heartbeat", canister.set(0, 9))
    canister.add("canister_global_timer", canister.set(0, 10))
    canister.add("canister_on_low_wasm_memory", canister.set(0, 11))
    let lane = try makeLane(canister)
    _ = lane.execute(install)
    let accepted = lane.execute(inspect)
    #expect(accepted.outcome == .accepted)
    #expect(accepted.globals == [0])
    #expect(accepted.stableSize == 0)
    #expect(lane.execute(.inspectMessage(name: "ok", argument: [])).outcome == .reject([]))
    #expect(lane.execute(.heartbeat).globals == [9])
    #expect(lane.execute(.globalTimer).globals == [10])
    #expect(lane.execute(.lowWasmMemory).globals == [11])
  }

  @Test func outOfInstructions() throws {
    var canister = TestCanister(.stable64Grow)
    canister.add(
      "canister_update spin",
      canister.drop(.stable64Grow, 1) + [
        Instruction(.loop, .block(.empty)), Instruction(.br, .label(0)), Instruction(.end),
      ])
    let lane = try makeLane(canister)
    _ = lane.execute(install)
    let observation = lane.execute(update("spin"))
    #expect(observation.outcome == .trap(.instructionLimitExceeded(limit: 2_000_000)))
    #expect(observation.instructions == 2_000_000)
    #expect(observation.stableSize == 0)
  }

  @Test func heapGrowthIsCapped() throws {
    var parameters = Parameters()
    parameters.heapLimit32 = 3
    parameters.heapLimit64 = 2
    for (is64Bit, declared, size) in [(false, nil, 3), (false, 2, 2), (true, nil, 2)] as [(Bool, UInt64?, UInt64)] {
      var canister = TestCanister()
      canister.globals = [0]
      canister.memories = [MemoryType(Limits(minimum: 1, maximum: declared), is64Bit: is64Bit)]
      let grow: [Instruction] = [
        is64Bit ? .i64(1) : .i32(1), Instruction(.memoryGrow, .memory(MemoryIndex(0 as UInt32))),
      ]
      let result = is64Bit ? grow : grow + [Instruction(.i64ExtendI32S)]
      canister.add("canister_update grow", result + [.set(GlobalIndex(0 as UInt32))])
      let lane = try makeLane(canister, nil, parameters)
      _ = lane.execute(install)
      for former in 1..<size {
        let observation = lane.execute(update("grow"))
        #expect(observation.globals == [former])
        #expect(observation.heapSize == former + 1)
      }
      let refused = lane.execute(update("grow"))
      #expect(refused.globals == [.max])
      #expect(refused.heapSize == size)
    }
  }

  @Test func performanceCounterSeesPrepaidBlocks() throws {
    var canister = TestCanister(.performanceCounter, .stable64Grow)
    canister.globals = [0]
    canister.add(
      "canister_update count",
      canister.call(.performanceCounter, 0) + [.set(GlobalIndex(0 as UInt32))] + canister.drop(.stable64Grow, 1)
        + canister.drop(.performanceCounter, 0))
    let lane = try makeLane(canister)
    _ = lane.execute(install)
    let observation = lane.execute(update("count"))
    let first = observation.performanceCounters[0]
    // The body is one block; between the two answers there are only the charges of the two functions.
    #expect(observation.performanceCounters == [first, first + 300])
    #expect(observation.globals == [UInt64(first)])
    #expect(observation.instructions == first + 300)
  }

  @Test func recorderKeepsTheLatestMessage() throws {
    let lane = try makeLane(writer())
    let recorder = StableCallRecorder()
    lane.recorder = recorder
    _ = lane.execute(install)
    _ = lane.execute(update("ok"))
    #expect(recorder.calls.map(\.function) == [.stable64Grow, .stable64Write])
    #expect(recorder.calls[1].arguments == [4_090, 4_995, 10])
    #expect(recorder.calls[1].counterBefore - recorder.calls[1].counterAfter == 2_030)
    _ = lane.execute(update("quiet"))
    #expect(recorder.calls.isEmpty)
  }

  @Test func lanesShareAWorkspaceOneAfterTheOther() throws {
    let workspace = HostWorkspace()
    let module = try HostModule(writer().module, parameters: Parameters())
    var first: [Observation] = []
    for round in 0..<4 {
      let lane = HostLane(first: module, parameters: Parameters(), workspace: workspace)
      let observations = [install, update("trap"), update("ok"), query("ok"), update("ok")].map(lane.execute)
      if round == 0 { first = observations }
      #expect(observations == first)
    }
  }
}

@Suite struct HostLaneCodeTests {
  /// Each entry point writes its number to a stable page of its own and to the global.
  private func staged(_ base: Int32, trapIn failing: String = "") -> TestCanister {
    var canister = TestCanister(.stable64Grow, .stable64Write, .stable64Read, .msgReplyDataAppend, .msgReply)
    canister.globals = [0]
    canister.data = [(100, [9])]
    func body(_ name: String, _ number: Int32) -> [Instruction] {
      canister.drop(.stable64Grow, 1) + canister.store(base + number, at: 0)
        + canister.call(.stable64Write, Int64(number) * 4_096, 0, 1) + canister.set(0, Int64(base + number))
        + (name == failing ? [Instruction(.unreachable)] : [])
    }
    canister.start = body("start", 1)
    canister.add("canister_init", body("init", 2))
    canister.add("canister_pre_upgrade", body("pre", 3))
    canister.add("canister_post_upgrade", body("post", 4))
    canister.add(
      "canister_query read",
      canister.call(.stable64Read, 8, 3 * 4_096, 1) + canister.call(.stable64Read, 9, 2 * 4_096, 1)
        + canister.reply(8, 2))
    return canister
  }

  @Test func installRunsStartAndInit() throws {
    let lane = try makeLane(staged(10))
    let observation = lane.execute(install)
    #expect(observation.outcome == .noReply)
    #expect(observation.globals == [12])
    #expect(observation.stableSize == 2)
    #expect(observation.dirtyPages == [1, 2])
    #expect(observation.accessedPages == 2)
    #expect(observation.heapContents != .zero)
    #expect(lane.heaps.first?.nonZeroPages.first?.bytes[100] == 9)
  }

  @Test(arguments: ["start", "init"]) func failedInstallLeavesTheCanisterEmpty(stage: String) throws {
    let lane = try makeLane(staged(10, trapIn: stage), staged(20))
    let observation = lane.execute(install)
    #expect(observation.outcome == .trap(.unreachable))
    #expect(observation.stableSize == 0)
    #expect(observation.heapSize == 0)
    #expect(observation.globals == [])
    #expect(observation.dirtyPages == (stage == "start" ? [1] : [1, 2]))
    #expect(observation.instructions > 0)
    #expect(lane.execute(query("read")).outcome == Outcome(.empty))
    #expect(lane.execute(.reinstall(.second, argument: [])).globals == [22])
  }

  @Test func upgradeKeepsStableMemoryOnly() throws {
    let lane = try makeLane(staged(10), staged(20))
    _ = lane.execute(install)
    let observation = lane.execute(.upgrade(.second, argument: []))
    #expect(observation.outcome == .noReply)
    #expect(observation.globals == [24])
    #expect(observation.stableSize == 5)
    // Pre-upgrade of the old code; start and post-upgrade of the new one.
    #expect(observation.dirtyPages == [1, 3, 4])
    #expect(observation.accessedPages == 3)
    #expect(lane.execute(query("read")).outcome == .reply([13, 12]))
  }

  @Test(arguments: ["pre", "start", "post"]) func failedUpgradeChangesNothing(stage: String) throws {
    let lane = try makeLane(staged(10, trapIn: stage == "pre" ? "pre" : ""), staged(20, trapIn: stage))
    let before = lane.execute(install)
    let observation = lane.execute(.upgrade(.second, argument: []))
    #expect(observation.outcome == .trap(.unreachable))
    #expect(observation.globals == before.globals)
    #expect(observation.stableSize == before.stableSize)
    #expect(observation.stableContents == before.stableContents)
    #expect(observation.heapContents == before.heapContents)
    #expect(observation.dirtyPages == (stage == "pre" ? [3] : stage == "start" ? [1, 3] : [1, 3, 4]))
    #expect(lane.execute(query("read")).outcome == .reply([0, 12]))
  }

  @Test func reinstallClearsStableMemory() throws {
    let lane = try makeLane(staged(10), staged(20))
    _ = lane.execute(install)
    _ = lane.execute(.upgrade(.first, argument: []))
    let observation = lane.execute(.reinstall(.second, argument: []))
    #expect(observation.stableSize == 2)
    #expect(observation.globals == [22])
    #expect(lane.execute(query("read")).outcome == .reply([0, 22]))
    let fresh = try makeLane(staged(20))
    #expect(fresh.execute(install).stableContents == observation.stableContents)
  }

  @Test func failedReinstallKeepsEverything() throws {
    let lane = try makeLane(staged(10), staged(20, trapIn: "init"))
    let before = lane.execute(install)
    let observation = lane.execute(.reinstall(.second, argument: []))
    #expect(observation.outcome == .trap(.unreachable))
    #expect(observation.stableContents == before.stableContents)
    #expect(observation.stableSize == before.stableSize)
    #expect(observation.dirtyPages == [1, 2])
    #expect(lane.execute(query("read")).outcome == .reply([0, 12]))
  }

  @Test func stagesHaveTheirOwnPageBudgets() throws {
    var parameters = Parameters()
    parameters.dirtyPageLimits = PageLimits(message: 1, upgrade: 1, query: 0)
    parameters.accessedPageLimits = PageLimits(message: 1, upgrade: 1, query: 1)
    let lane = try makeLane(staged(10), staged(20), parameters)
    #expect(lane.execute(install).accessedPages == 2)
    #expect(lane.execute(.upgrade(.second, argument: [])).accessedPages == 3)
    let limits = PageLimits(message: 1, upgrade: 1, query: 1)
    #expect(lane.execute(query("read")).outcome == .trap(.accessedPageLimitExceeded(limits)))
  }

  @Test func upgradeHasOneBudgetOfInstructions() throws {
    let whole = try makeLane(staged(10), staged(20))
    _ = whole.execute(install)
    let used = whole.execute(.upgrade(.second, argument: [])).instructions
    #expect(used > 3_000)
    for limit in [used, used - 1, 1] {
      var parameters = Parameters()
      parameters.instructionLimit = limit
      var quiet = staged(10)
      quiet.start = nil
      quiet.entryPoints.removeAll { $0.name == "canister_init" }
      let lane = try makeLane(quiet, staged(20), parameters)
      _ = lane.execute(install)
      let observation = lane.execute(.upgrade(.second, argument: []))
      #expect(observation.instructions == limit)
      #expect((observation.outcome == .noReply) == (limit == used))
    }
  }

  @Test func importedMemoryAndTableBecomeTheModulesOwn() throws {
    var module = staged(10).module
    module.imports.insert(
      Import(module: "env", name: "memory", kind: .memory(MemoryType(Limits(minimum: 1)))), at: 0)
    module.imports.append(
      Import(module: "env", name: "table", kind: .table(TableType(.funcref, Limits(minimum: 1)))))
    module.memories = []
    let lane = HostLane(first: try HostModule(module, parameters: Parameters()), parameters: Parameters())
    #expect(lane.execute(install) == (try makeLane(staged(10)).execute(install)))
  }
}
