// An instrumenter outside of this program, as a native lane uses it: what it is told about a case's parameters, and
// whether it listens. Made by the command line, called by `CaseRunner`.

import Canister
import Corpus
import Differential
import Synchronization
import Wasm

/// Makes another module of a module, outside of this program.
protocol ModuleTransformer: AnyObject {
  /// - Throws: a fault of the external lane.
  func transform(_ module: [UInt8]) throws(Fault) -> [UInt8]
}

/// How an outside instrumenter is called.
public struct OutsideCommand: Hashable, Sendable {
  /// A shell command.
  public var command: String
  /// Whether the command stays and gets modules over standard input; else it is run as `command IN.wasm OUT.wasm`.
  public var isCoprocess: Bool
  /// Seconds that it may take for one module.
  public var timeout: Double

  public init(command: String, isCoprocess: Bool = false, timeout: Double = 10) {
    self.command = command
    self.isCoprocess = isCoprocess
    self.timeout = timeout
  }
}

/// Whether a tool reads the parameters that it is given: asked once for all workers, so that their cases do not depend on
/// which of them ran them.
public final class ParameterAnswer: Sendable {
  private let answer = Mutex<Bool?>(nil)

  /// Not asked yet.
  public init() {}

  /// - Parameter ask: finds out.
  fileprivate func callAsFunction(_ ask: () -> Bool) -> Bool {
    answer.withLock { known in
      let heeds = known ?? ask()
      known = heeds
      return heeds
    }
  }
}

/// An outside instrumenter.
public final class OutsideTool: OutsideInstrumenter {
  private let settings: OutsideCommand
  private var transformer: (any ModuleTransformer)?
  private let answer: ParameterAnswer

  /// - Parameter answer: shared by all that are made of the same command.
  public init(_ settings: OutsideCommand, answer: ParameterAnswer = ParameterAnswer()) {
    self.settings = settings
    self.answer = answer
  }

  public func instrument(_ module: [UInt8], parameters: Parameters) throws(Fault) -> [UInt8] {
    try transform(withParameters(module, parameters))
  }

  private func transform(_ module: [UInt8]) throws(Fault) -> [UInt8] {
    if transformer == nil {
      transformer =
        settings.isCoprocess
        ? try CoprocessInstrumenter(settings.command, timeout: settings.timeout)
        : try CommandInstrumenter(settings.command, timeout: settings.timeout)
    }
    return try transformer?.transform(module) ?? []
  }

  // MARK: Parameters

  /// Whether the tool reads the section with the parameters.
  public var heedsParameters: Bool { answer(usesParameters) }

  /// Tries with a module and parameters of which one can see in the output whether they were used. Either of two traces is
  /// enough, so that a tool with a mistake in one of them is still understood.
  private func usesParameters() -> Bool {
    var parameters = Parameters()
    parameters.heapLimit32 = 7
    parameters.dirtyPageOverhead = 777
    guard let output = try? instrument(Self.question, parameters: parameters), let module = try? decode(output) else {
      return false
    }
    return module.memories.first?.limits.maximum == 7
      || module.functions.contains { $0.body.instructions.contains(.i64(777)) }
  }

  /// A canister that may write to stable memory.
  private static var question: [UInt8] {
    var module = Module()
    module.types = [FunctionType([.i64, .i64, .i64])]
    module.imports = [
      Import(module: "ic0", name: SystemFunction.stable64Write.name, kind: .function(TypeIndex(0 as Int)))
    ]
    module.memories = [MemoryType(Limits(minimum: 1))]
    return encode(module)
  }
}

/// The name of the custom section in which an outside instrumenter finds a case's parameters: a JSON object with
/// `stableCapacity`, `heapLimit32`, `heapLimit64` (Wasm pages), `dirtyPageOverhead` and more.
public let parametersSection = "stablefuzz.parameters"

/// The module with its parameters in a custom section at the end.
func withParameters(_ module: [UInt8], _ parameters: Parameters) -> [UInt8] {
  guard let json = try? encodeJSON(parameters, isPretty: false) else { return module }
  let name = Array(parametersSection.utf8)
  let contents = unsigned(name.count) + name + json
  return module + [0] + unsigned(contents.count) + contents
}

private func unsigned(_ value: Int) -> [UInt8] {
  var rest = value
  var bytes: [UInt8] = []
  repeat {
    bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
    rest >>= 7
  } while rest > 0
  return bytes
}

/// The parameters that a module carries; production's where it carries none.
/// - Throws: `CorpusError.malformed` for a section that is none of ours.
public func carriedParameters(_ module: Module) throws(CorpusError) -> Parameters {
  guard let section = module.customSections.last(where: { $0.name == parametersSection }) else { return Parameters() }
  return try decodeJSON(Parameters.self, section.bytes)
}
