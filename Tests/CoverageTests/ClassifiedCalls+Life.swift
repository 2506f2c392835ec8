// Hand-made calls whose situation depends on what the canister has gone through before.

import Canister
import Coverage
import Execution

extension ClassifiedCall {
  private static func firstByte(
    _ pages: PageStateClass, _ entryPoint: EntryPoint = .update, _ age: CodeAge = .installed
  ) -> Situation {
    Situation(.read, length: .one, .startsAtEdge, size: below, pages: pages, entryPoint: entryPoint, codeAge: age)
  }

  @Sendable private static func write(_ canister: CanisterFixture) { canister.call(.stableWrite, 0, 0, 1) }
  @Sendable private static func read(_ canister: CanisterFixture) { canister.call(.stableRead, 8, 0, 1) }
  @Sendable private static func readInMessage(_ canister: CanisterFixture) { canister.message { read(canister) } }
  private static func message(_ steps: (@Sendable (CanisterFixture) -> Void)...) -> @Sendable (CanisterFixture) -> Void
  {
    { canister in canister.message { for step in steps { step(canister) } } }
  }

  /// One for each state of pages.
  static let pages: [ClassifiedCall] = [
    .after(firstByte(.untouched), { _ in }, readInMessage),
    .after(firstByte(.committed), message(write), readInMessage),
    .after(firstByte(.grown), stable: 0, { _ in }, message({ $0.call(.stableGrow, 2) }, read)),
    .after(
      firstByte(.rolledBack), { canister in canister.message(keepsChanges: false) { write(canister) } }, readInMessage),
    .after(firstByte(.accessed), { _ in }, message(read, read)),
    .after(firstByte(.dirty), { _ in }, message(write, read)),
    .after(
      Situation(.read, length: .belowPage, .crosses, size: below, pages: .mixed), { _ in },
      message(read, { $0.call(.stableRead, 0, 4_095, 2) })),
    // Only the first 16 MiB are looked at; the pages behind them are counted.
    .init(
      Situation(
        .read64, length: .wasmPages, .endsAtEnd, size: below, pages: .mixed, outcome: .accessedLimit,
        limit: .missesPages)
    ) {
      var parameters = Parameters()
      parameters.accessedPageLimits.message = 4_096
      let canister = try CanisterFixture(stable: 512, parameters: parameters, heapPages: 512)
      canister.begin()
      canister.enter()
      canister.call(.stable64Write, 0, 0, 16 << 20)
      return canister.situation { $0.call(.stable64Read, 0, 0, 32 << 20) }
    },
    .after(firstByte(.handedOver, .postUpgrade, .upgraded), { _ in }) { canister in
      canister.begin(.upgrade(.first, argument: []))
      canister.enter(.preUpgrade)
      write(canister)
      canister.enter(.postUpgrade)
      read(canister)
      canister.end()
    },
  ]

  /// One for each entry point, and what it says about the code.
  static let surroundings: [ClassifiedCall] =
    [EntryPoint.query, .compositeQuery, .heartbeat, .globalTimer, .lowWasmMemory, .inspectMessage].map { entryPoint in
      .after(firstByte(.untouched, entryPoint), { _ in }) { canister in
        canister.message(.heartbeat, entryPoint) { read(canister) }
      }
    } + [
      .after(firstByte(.grown, .start), stable: 0, { _ in }) { canister in
        canister.begin(.install(argument: []))
        canister.enter(.start)
        canister.call(.stableGrow, 2)
        read(canister)
        canister.end()
      },
      .after(firstByte(.grown, .initialize, .reinstalled), stable: 0, { _ in }) { canister in
        canister.begin(.reinstall(.first, argument: []))
        canister.enter(.initialize)
        canister.call(.stableGrow, 2)
        read(canister)
        canister.end()
      },
      // The old code runs pre_upgrade; a failed upgrade changes nothing.
      .after(firstByte(.untouched, .preUpgrade), { _ in }) { canister in
        canister.message(.upgrade(.first, argument: []), .preUpgrade, keepsChanges: false) { read(canister) }
      },
      .after(
        firstByte(.untouched), { $0.message(.upgrade(.first, argument: []), .preUpgrade, keepsChanges: false) {} },
        readInMessage),
      .after(
        firstByte(.untouched, .update, .upgraded), { $0.message(.upgrade(.first, argument: []), .postUpgrade) {} },
        readInMessage),
    ]
}
