// A planted mistake that a campaign has to find besides its real work, to show that it tests anything at all. What is
// found of it is neither counted nor stored as a finding. Run by the campaign's workers.

import Canister
import Differential

/// A mutant to be found.
public struct Canary: Sendable {
  public let name: String
  /// Ours with the mistake in what it makes.
  public let instrumenter: Instrumenter

  public init(name: String, instrumenter: @escaping Instrumenter) {
    self.name = name
    self.instrumenter = instrumenter
  }
}

/// Looks for a canary in the cases that one worker runs.
final class CanaryWatch {
  private let runner: CaseRunner
  private let lanes: LaneSelection

  /// - Parameter lanes: those of the campaign. Where it only has that of an outside instrumenter, into which nothing can be
  ///   planted, the case's own lane shows whether its cases would find anything.
  init(_ canary: Canary, lanes: LaneSelection) {
    runner = CaseRunner(instrumenter: canary.instrumenter)
    self.lanes = lanes == .external ? .ofCase : lanes
  }

  /// Whether the case shows the canary; a case that shows something real does not.
  func isShown(by testCase: Case, _ verdict: Verdict) -> Bool {
    verdict.bucket == nil && runner.runCase(testCase, lanes: lanes).verdict.bucket != nil
  }
}
