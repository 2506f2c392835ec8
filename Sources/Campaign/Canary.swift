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

  init(_ canary: Canary) { runner = CaseRunner(instrumenter: canary.instrumenter) }

  /// Whether the case shows the canary; a case that shows something real does not.
  func isShown(by testCase: Case, _ verdict: Verdict) -> Bool {
    verdict.bucket == nil && runner.runCase(testCase).verdict.bucket != nil
  }
}
