// What is wrong with what somebody handed in. Asked by the commands and the gate wherever a case ends in a fault, because
// such a fault is not the harness's own.

import Canister
import Corpus
import Differential
import Wasm

extension CaseOrigin {
  /// The problem of a module that is not one of ours, with its path and, in a text, its line; nil where there is none.
  ///
  /// - Parameter lanes: those that were asked for.
  public func problem(_ verdict: Verdict, lanes: LaneSelection = .ofCase) -> String? {
    guard case .fault(let fault) = verdict else { return nil }
    if entry.meta != nil {
      guard fault.stage == .canisterRules, case .strategies = lanes else { return nil }
      return "\(source): the lanes asked for are not for this case: \(fault.reason)"
    }
    switch fault.stage {
    case .decode, .validate, .canisterRules: return problemInText ?? "\(source): \(fault.reason)"
    case .translate: return "\(source): cannot be run: \(fault.reason)"
    default: return nil
    }
  }

  /// The problem as it stands in the text that the module was made from.
  private var problemInText: String? {
    guard let file = try? ModuleFile(reading: source), file.isText else { return nil }
    do throws(CorpusError) {
      let module = try file.validModule()
      do throws(CanisterValidationError) {
        try validateCanister(module, placement: entry.case.strategy.memory, parameters: entry.case.parameters)
      } catch {
        throw file.failure(error)
      }
      return nil
    } catch {
      return "\(error)"
    }
  }
}
