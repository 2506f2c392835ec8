// Exit codes, and the one place where errors of the libraries become one.

import ArgumentParser
import Corpus
import Differential
import Glibc

/// The documented exit codes.
enum Exit: Int32 {
  case clean = 0
  case divergence = 1
  case fault = 2
  case tooLittleWork = 3
  case nonDeterminism = 4
  case toolFailure = 5
  case usage = 64
  case badData = 65
  case inputOutput = 74
  case interrupted = 130

  /// Ends the command with this code.
  var code: ExitCode { ExitCode(rawValue) }

  /// The more important of two: the harness's own fault before a divergence, anything before clean.
  static func worse(_ left: Exit, _ right: Exit) -> Exit {
    let order: [Exit] = [
      .inputOutput, .fault, .badData, .divergence, .toolFailure, .nonDeterminism, .tooLittleWork, .interrupted,
    ]
    return order.first { $0 == left || $0 == right } ?? .clean
  }
}

extension Verdict {
  /// The exit code of a command that ran one case.
  var exit: Exit {
    switch self {
    case .agree, .poisoned: .clean
    case .diverge: .divergence
    case .fault: .fault
    case .toolFailure: .toolFailure
    }
  }
}

/// Prints an error and gives the code to end with.
func fail(_ message: String, _ exit: Exit) -> ExitCode {
  printError("stablefuzz: \(message)")
  return exit.code
}

/// Runs a command's work; errors of the corpus are printed and become exit codes.
func reportingErrors(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as CorpusError {
    throw fail("\(error)", error.isInputOutput ? .inputOutput : .badData)
  }
}

/// Writes a line to standard error.
func printError(_ text: String) { writeError(text + "\n") }

/// Writes to standard error, unbuffered.
func writeError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
