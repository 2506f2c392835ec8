// The shared System API functions, by group: charges, rights, checks, effects.

import Canister
import Execution
import Testing
import Wasm

/// A lane's side with a heap of one Wasm page.
private final class TestHost: SystemHost {
  var heap: LinearMemory?
  var counter: Int64 = 1_000_000

  init() throws { heap = try LinearMemory(MemoryType(Limits(minimum: 1, maximum: 1))) }

  var instructionsUsed: Int64 { 1_000_000 - counter }

  func charge(_ amount: UInt64) throws(Trap) {
    guard amount <= UInt64(max(counter, 0)) else {
      counter = -1
      throw .canister(.instructionLimitExceeded(limit: 1_000_000))
    }
    counter -= Int64(amount)
  }
}

private struct SystemFixture {
  let calls = SystemCalls()
  let host: TestHost

  init(_ message: Message = .update(name: "m", argument: [1, 2, 3, 4]), _ entryPoint: EntryPoint = .update) throws {
    host = try TestHost()
    calls.beginMessage(message)
    calls.begin(entryPoint)
  }

  func begin(_ message: Message, _ entryPoint: EntryPoint) {
    calls.finishMessage(keepsChanges: true)
    calls.beginMessage(message)
    calls.begin(entryPoint)
  }

  /// The first slot after a call, or its trap.
  func call(_ function: SystemFunction, _ arguments: UInt64..., is64BitHeap: Bool = false) -> Result<UInt64, Trap> {
    var slots = arguments + [0, 0]
    return slots.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return .success(0) }
      do throws(Trap) {
        try calls.call(function, base, is64BitHeap: is64BitHeap, host: host)
        return .success(base[0])
      } catch {
        return .failure(error)
      }
    }
  }

  func isViolation(_ result: Result<UInt64, Trap>) -> Bool {
    if case .failure(.canister(.contractViolation)) = result { true } else { false }
  }

  func heap(_ address: UInt64, _ count: UInt64) -> [UInt8] {
    (try? host.heap?.bytes(at: address, count: count)).map { Array($0) } ?? []
  }

  func setHeap(_ address: UInt64, _ bytes: [UInt8]) throws {
    try host.heap?.writableBytes(at: address, count: UInt64(bytes.count)).copyBytes(from: bytes)
  }
}

private let heapOutOfBounds = Result<UInt64, Trap>.failure(.canister(.heapOutOfBounds))
private let outOfInstructions = Result<UInt64, Trap>.failure(.canister(.instructionLimitExceeded(limit: 1_000_000)))

@Suite struct SystemCallsChargeTests {
  @Test func fixedChargeAndBytes() throws {
    let fixture = try SystemFixture()
    _ = fixture.call(.time)
    #expect(fixture.host.counter == 1_000_000 - 500)
    _ = fixture.call(.msgArgDataCopy, 0, 0, 3)
    #expect(fixture.host.counter == 1_000_000 - 1_003)
    _ = fixture.call(.debugPrint, 0, 7)
    #expect(fixture.host.counter == 1_000_000 - 1_110)
    _ = fixture.call(.callNew, 0, 10, 16, 4, 0, 0, 0, 0)
    #expect(fixture.host.counter == 1_000_000 - 2_624)
    _ = fixture.call(.callPerform)
    #expect(fixture.host.counter == 1_000_000 - 7_624)
    _ = fixture.call(.canisterCycleBalance128, 0)
    #expect(fixture.host.counter == 1_000_000 - 8_140)
    _ = fixture.call(.isController, 0, 5)
    #expect(fixture.host.counter == 1_000_000 - 9_145)
  }

  @Test func chargePrecedesChecks() throws {
    let fixture = try SystemFixture(.query(name: "q", argument: []), .query)
    #expect(fixture.call(.msgArgDataCopy, .max, .max, .max, is64BitHeap: true) == outOfInstructions)
    fixture.host.counter = 499
    #expect(fixture.call(.callPerform) == outOfInstructions)
    fixture.host.counter = 5_000
    #expect(fixture.isViolation(fixture.call(.callPerform)))
    #expect(fixture.host.counter == 0)
  }

  /// Every function with every operand at every extreme: none may stop the program.
  @Test(arguments: [false, true]) func survivesAnyOperand(is64BitHeap: Bool) throws {
    let extremes: [UInt64] = [0, 1, 65_535, 65_536, 0xFFFF_FFFF, 1 << 32, 1 << 63, .max - 15, .max]
    for entryPoint in EntryPoint.allCases {
      let fixture = try SystemFixture(.inspectMessage(name: "m", argument: [1]), entryPoint)
      for function in SystemFunction.allCases {
        for first in extremes {
          for second in extremes {
            fixture.host.counter = .max
            _ = fixture.call(
              function, first, second, first, second, second, first, first, second, is64BitHeap: is64BitHeap)
            fixture.host.counter = .max
            _ = fixture.call(function, first, first, second, second, second, is64BitHeap: is64BitHeap)
          }
        }
      }
    }
  }

  @Test func withoutHeap() throws {
    let fixture = try SystemFixture()
    fixture.host.heap = nil
    #expect(
      fixture.call(.msgArgDataCopy, 0, 0, 0)
        == .failure(.canister(.contractViolation("WebAssembly module must define memory"))))
    #expect((try? fixture.call(.debugPrint, 0, 1).get()) != nil)
  }

  @Test func rightsFollowTheTable() throws {
    for entryPoint in EntryPoint.allCases {
      let fixture = try SystemFixture(.inspectMessage(name: "m", argument: [1]), entryPoint)
      for function in SystemFunction.allCases
      where !function.isStable && !function.row.entryPoints.contains(EntryPointSet(entryPoint)) {
        fixture.host.counter = 1_000_000
        let result = fixture.call(function, 0, 0, 0, 0, 0, 0, 0, 0)
        let expected = "ic0.\(function.name): cannot be executed in \(entryPoint)"
        #expect(result == .failure(.canister(.contractViolation(expected))))
      }
    }
  }
}

@Suite struct SystemCallsMessageTests {
  @Test func argument() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.msgArgDataSize) == .success(4))
    _ = fixture.call(.msgArgDataCopy, 10, 1, 3)
    #expect(fixture.heap(9, 5) == [0, 2, 3, 4, 0])
    #expect(fixture.isViolation(fixture.call(.msgArgDataCopy, 10, 1, 4)))
    #expect(fixture.isViolation(fixture.call(.msgArgDataCopy, 10, 0xFFFF_FFFF, 2)))
    #expect(fixture.call(.msgArgDataCopy, 65_535, 0, 2) == heapOutOfBounds)
    #expect(fixture.call(.msgArgDataCopy, 65_536, 4, 0) != heapOutOfBounds)
    #expect(fixture.call(.msgArgDataCopy, 65_537, 4, 0) == heapOutOfBounds)
  }

  @Test func callers() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.msgCallerSize) == .success(29))
    _ = fixture.call(.msgCallerCopy, 0, 0, 29)
    #expect(fixture.call(.isController, 0, 29) == .success(1))
    #expect(fixture.call(.isController, 0, 28) == .success(0))
    #expect(fixture.isViolation(fixture.call(.isController, 0, 30)))
    fixture.begin(.heartbeat, .heartbeat)
    #expect(fixture.call(.msgCallerSize) == .success(0))
  }

  @Test func reply() throws {
    let fixture = try SystemFixture()
    try fixture.setHeap(0, [7, 8, 9])
    #expect(fixture.calls.outcome == .noReply)
    _ = fixture.call(.msgReplyDataAppend, 0, 2)
    _ = fixture.call(.msgReplyDataAppend, 2, 1)
    #expect(fixture.call(.msgReplyDataAppend, 65_536, 1) == heapOutOfBounds)
    #expect(fixture.calls.outcome == .noReply)
    #expect(fixture.call(.msgReply) == .success(0))
    #expect(fixture.calls.outcome == .reply([7, 8, 9]))
    #expect(fixture.isViolation(fixture.call(.msgReply)))
    #expect(fixture.isViolation(fixture.call(.msgReplyDataAppend, 0, 1)))
    #expect(fixture.isViolation(fixture.call(.msgReject, 0, 1)))
    fixture.begin(.update(name: "m", argument: []), .update)
    #expect(fixture.calls.outcome == .noReply)
    _ = fixture.call(.msgReply)
    #expect(fixture.calls.outcome == .reply([]))
  }

  @Test func replySize() throws {
    for (entryPoint, limit) in [(EntryPoint.update, 32), (.query, 48)] {
      let fixture = try SystemFixture(.query(name: "q", argument: []), entryPoint)
      fixture.host.counter = 100_000_000
      for _ in 0..<limit { #expect((try? fixture.call(.msgReplyDataAppend, 0, 65_536).get()) != nil) }
      #expect(fixture.isViolation(fixture.call(.msgReplyDataAppend, 0, 1)))
    }
  }

  @Test func reject() throws {
    let fixture = try SystemFixture()
    try fixture.setHeap(0, [65, 0xFF])
    #expect(fixture.isViolation(fixture.call(.msgReject, 0, 2)))
    _ = fixture.call(.msgReject, 0, 1)
    #expect(fixture.calls.outcome == .reject([65]))
    #expect(fixture.isViolation(fixture.call(.msgReply)))
  }

  @Test func inspection() throws {
    let fixture = try SystemFixture(.inspectMessage(name: "get", argument: [5]), .inspectMessage)
    #expect(fixture.calls.outcome == .reject([]))
    #expect(fixture.call(.msgMethodNameSize) == .success(3))
    _ = fixture.call(.msgMethodNameCopy, 0, 0, 3)
    #expect(fixture.heap(0, 3) == Array("get".utf8))
    #expect(fixture.call(.msgArgDataSize) == .success(1))
    _ = fixture.call(.acceptMessage)
    #expect(fixture.calls.outcome == .accepted)
    #expect(fixture.isViolation(fixture.call(.acceptMessage)))
  }
}

@Suite struct SystemCallsCallTests {
  @Test func callIsBuiltAndNeverSent() throws {
    let fixture = try SystemFixture()
    #expect(fixture.isViolation(fixture.call(.callPerform)))
    #expect(fixture.isViolation(fixture.call(.callDataAppend, 0, 1)))
    _ = fixture.call(.callNew, 0, 10, 0, 4, 1, 2, 3, 4)
    _ = fixture.call(.callOnCleanup, 1, 2)
    #expect(fixture.isViolation(fixture.call(.callOnCleanup, 1, 2)))
    _ = fixture.call(.callWithBestEffortResponse, 10)
    #expect(fixture.isViolation(fixture.call(.callWithBestEffortResponse, 10)))
    #expect((try? fixture.call(.callDataAppend, 0, 100).get()) != nil)
    #expect(fixture.call(.callDataAppend, 65_536, 1) == heapOutOfBounds)
    #expect(fixture.call(.callPerform) == .success(2))
    #expect(fixture.isViolation(fixture.call(.callPerform)))
  }

  @Test func calleeAndNameAreChecked() throws {
    let fixture = try SystemFixture()
    #expect(fixture.isViolation(fixture.call(.callNew, 0, 30, 0, 4, 0, 0, 0, 0)))
    #expect(fixture.isViolation(fixture.call(.callNew, 0, 10, 0, 20_001, 0, 0, 0, 0)))
    #expect(fixture.call(.callNew, 65_530, 10, 0, 4, 0, 0, 0, 0) == heapOutOfBounds)
    #expect(fixture.call(.callNew, 0, 10, 65_533, 4, 0, 0, 0, 0) == heapOutOfBounds)
    try fixture.setHeap(0, [0xC0])
    #expect(fixture.isViolation(fixture.call(.callNew, 1, 10, 0, 1, 0, 0, 0, 0)))
    #expect(fixture.isViolation(fixture.call(.callPerform)))
  }

  @Test func cyclesGoAlongAndComeBack() throws {
    let fixture = try SystemFixture()
    let full = try fixture.call(.canisterCycleBalance).get()
    #expect(full == 10_000_000_000_000)
    _ = fixture.call(.callNew, 0, 0, 0, 0, 0, 0, 0, 0)
    _ = fixture.call(.callCyclesAdd, 1_000)
    #expect((try? fixture.call(.callCyclesAdd128, 0, 500).get()) != nil)
    #expect(fixture.call(.canisterCycleBalance) == .success(full - 1_500))
    #expect(fixture.isViolation(fixture.call(.callCyclesAdd, full - 1_499)))
    #expect(fixture.isViolation(fixture.call(.callCyclesAdd128, .max, .max)))
    _ = fixture.call(.callPerform)
    #expect(fixture.call(.canisterCycleBalance) == .success(full))
  }

  @Test func burnedCyclesAreGoneUnlessRolledBack() throws {
    let fixture = try SystemFixture()
    _ = fixture.call(.cyclesBurn128, 0, 10_000, 32)
    #expect(fixture.heap(32, 16) == [0x10, 0x27] + Array(repeating: 0, count: 14))
    #expect(fixture.call(.canisterCycleBalance) == .success(9_999_999_990_000))
    fixture.calls.finishMessage(keepsChanges: false)
    fixture.begin(.update(name: "m", argument: []), .update)
    _ = fixture.call(.cyclesBurn128, .max, .max, 32)
    #expect(fixture.heap(32, 8) == withUnsafeBytes(of: UInt64(10_000_000_000_000).littleEndian) { Array($0) })
    #expect(fixture.call(.canisterCycleBalance) == .success(0))
    #expect(fixture.call(.canisterLiquidCycleBalance128, 65_521) == heapOutOfBounds)
  }

  @Test func pricesAndKeys() throws {
    let fixture = try SystemFixture()
    _ = fixture.call(.costCall, .max, .max, 0)
    #expect(fixture.heap(8, 1) != [0])
    try fixture.setHeap(100, Array("key_1".utf8))
    #expect(fixture.call(.costSignWithSchnorr, 100, 5, 1, 200) == .success(0))
    #expect(fixture.heap(200, 8) == withUnsafeBytes(of: UInt64(26_153_846_153).littleEndian) { Array($0) })
    #expect(fixture.call(.costSignWithSchnorr, 100, 5, 2, 300) == .success(1))
    #expect(fixture.call(.costVetkdDeriveKey, 100, 4, 0, 300) == .success(2))
    #expect(fixture.heap(300, 8) == Array(repeating: 0, count: 8))
    #expect(fixture.call(.costVetkdDeriveKey, 100, 4, 0, 65_521) == heapOutOfBounds)
    #expect(fixture.isViolation(fixture.call(.mintCycles128, 0, 1, 0)))
  }
}

@Suite struct SystemCallsCanisterTests {
  @Test func identity() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.canisterSelfSize) == .success(10))
    #expect(fixture.call(.subnetSelfSize) == .success(29))
    #expect(fixture.call(.rootKeySize) == .success(133))
    #expect((try? fixture.call(.rootKeyCopy, 0, 0, 133).get()) != nil)
    #expect(fixture.heap(0, 4) == [0x30, 0x81, 0x82, 0x30])
    #expect(fixture.isViolation(fixture.call(.canisterSelfCopy, 0, 1, 10)))
    #expect(fixture.call(.canisterStatus) == .success(1))
  }

  @Test func timeStepsPerMessage() throws {
    let fixture = try SystemFixture()
    let first = try fixture.call(.time).get()
    #expect(fixture.call(.time) == .success(first))
    #expect(fixture.call(.canisterVersion) == .success(1))
    fixture.begin(.heartbeat, .heartbeat)
    #expect(fixture.call(.time) == .success(first + 1_000_000_000))
    #expect(fixture.call(.canisterVersion) == .success(2))
  }

  @Test func globalTimer() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.globalTimerSet, 5) == .success(0))
    #expect(fixture.call(.globalTimerSet, 6) == .success(5))
    fixture.begin(.heartbeat, .heartbeat)
    #expect(fixture.call(.globalTimerSet, 7) == .success(6))
    fixture.calls.finishMessage(keepsChanges: false)
    fixture.begin(.update(name: "m", argument: []), .update)
    #expect(fixture.call(.globalTimerSet, 8) == .success(6))
    fixture.begin(.globalTimer, .globalTimer)
    #expect(fixture.call(.globalTimerSet, 9) == .success(0))
    fixture.begin(.upgrade(.first, argument: []), .preUpgrade)
    #expect(fixture.call(.globalTimerSet, 10) == .success(9))
    fixture.calls.begin(.postUpgrade)
    #expect(fixture.call(.globalTimerSet, 11) == .success(0))
    fixture.begin(.reinstall(.first, argument: []), .initialize)
    #expect(fixture.call(.globalTimerSet, 0) == .success(0))
  }

  @Test func certifiedData() throws {
    let fixture = try SystemFixture()
    #expect((try? fixture.call(.certifiedDataSet, 0, 32).get()) != nil)
    #expect(fixture.isViolation(fixture.call(.certifiedDataSet, 0, 33)))
    #expect(fixture.call(.certifiedDataSet, 65_535, 2) == heapOutOfBounds)
    #expect(fixture.call(.dataCertificatePresent) == .success(0))
    fixture.begin(.query(name: "q", argument: []), .query)
    #expect(fixture.isViolation(fixture.call(.dataCertificateSize)))
    #expect(fixture.isViolation(fixture.call(.dataCertificateCopy, 0, 0, 0)))
  }

  @Test func performanceCounter() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.performanceCounter, 0) == .success(200))
    #expect(fixture.call(.performanceCounter, 1) == .success(400))
    #expect(fixture.isViolation(fixture.call(.performanceCounter, 2)))
    #expect(fixture.calls.performanceCounters == [200, 400])
    fixture.begin(.heartbeat, .heartbeat)
    #expect(fixture.calls.performanceCounters == [])
  }

  @Test func replicatedExecution() throws {
    for (entryPoint, answer) in [
      (EntryPoint.start, 1), (.update, 1), (.heartbeat, 1), (.query, 0), (.compositeQuery, 0), (.inspectMessage, 0),
    ] as [(EntryPoint, UInt64)] {
      let fixture = try SystemFixture(.query(name: "q", argument: []), entryPoint)
      #expect(fixture.call(.inReplicatedExecution) == .success(answer))
    }
  }

  @Test func environmentVariables() throws {
    let fixture = try SystemFixture()
    #expect(fixture.call(.envVarCount) == .success(0))
    #expect(fixture.isViolation(fixture.call(.envVarNameSize, 0)))
    #expect(fixture.isViolation(fixture.call(.envVarNameCopy, 0, 0, 0, 0)))
    #expect(fixture.call(.envVarNameExists, 0, 4) == .success(0))
    #expect(fixture.isViolation(fixture.call(.envVarNameExists, 0, 129)))
    #expect(fixture.call(.envVarNameExists, 65_535, 2) == heapOutOfBounds)
    #expect(fixture.isViolation(fixture.call(.envVarValueSize, 0, 4)))
    #expect(fixture.isViolation(fixture.call(.envVarValueCopy, 0, 4, 0, 0, 0)))
  }

  @Test func debugPrintNeverFails() throws {
    let fixture = try SystemFixture()
    try fixture.setHeap(0, Array("hello".utf8))
    _ = fixture.call(.debugPrint, 0, 5)
    _ = fixture.call(.debugPrint, 65_535, 2)
    let text = String(decoding: fixture.calls.debugOutput, as: UTF8.self)
    #expect(text == "hello\n(debug_print message out of bounds)\n")
    fixture.host.counter = 100_000
    _ = fixture.call(.debugPrint, 0, 40_000)
    #expect(fixture.calls.debugOutput.count == text.utf8.count + 32_768 + 1)
    fixture.begin(.heartbeat, .heartbeat)
    #expect(fixture.calls.debugOutput == [])
  }

  @Test func trapCarriesItsMessage() throws {
    let fixture = try SystemFixture()
    try fixture.setHeap(0, [0x68, 0x69, 0xFF])
    #expect(fixture.call(.trap, 0, 3) == .failure(.canister(.calledTrap([0x68, 0x69, 0xFF]))))
    #expect(
      fixture.call(.trap, 65_536, 1)
        == .failure(.canister(.calledTrap(Array("(trap message out of bounds)".utf8)))))
  }

  @Test func trapsAreNamedAsOnTheIC() {
    #expect(CanisterError(.memoryOutOfBounds, instructionLimit: 5) == .heapOutOfBounds)
    #expect(CanisterError(.tableOutOfBounds, instructionLimit: 5) == .tableOutOfBounds)
    #expect(CanisterError(.indirectCallTypeMismatch, instructionLimit: 5) == .badSignature)
    #expect(CanisterError(.uninitializedElement, instructionLimit: 5) == .unknownTrap)
    #expect(CanisterError(.integerOverflow, instructionLimit: 5) == .unknownTrap)
    #expect(CanisterError(.invalidConversion, instructionLimit: 5) == .unknownTrap)
    #expect(CanisterError(.integerDivisionByZero, instructionLimit: 5) == .integerDivisionByZero)
    #expect(CanisterError(.unreachable, instructionLimit: 5) == .unreachable)
    #expect(CanisterError(.callStackExhausted, instructionLimit: 5) == .stackOverflow)
    #expect(CanisterError(.outOfInstructions, instructionLimit: 5) == .instructionLimitExceeded(limit: 5))
    #expect(CanisterError(.canister(.badSignature), instructionLimit: 5) == .badSignature)
    #expect(Outcome(.hostMemoryExhausted, instructionLimit: 5) == .hostMemoryExhausted)
  }
}
