// The simple form of an outside instrumenter: for every module, `COMMAND IN.wasm OUT.wasm`. The other form is in
// `CoprocessInstrumenter.swift`.

import Canister
import Corpus
import Differential
import Glibc

/// Runs a command once per module.
final class CommandInstrumenter: ModuleTransformer {
  private let command: String
  private let timeout: Double
  private let directory: ScratchDirectory
  private let log: ToolLog

  /// - Parameter timeout: seconds that the command may take for one module.
  init(_ command: String, timeout: Double) throws(Fault) {
    self.command = command
    self.timeout = timeout
    directory = try ScratchDirectory()
    log = try ToolLog(directory: directory)
  }

  func transform(_ module: [UInt8]) throws(Fault) -> [UInt8] {
    let (input, output) = (directory.path + "/in.wasm", directory.path + "/out.wasm")
    unlink(output)
    guard directory.write(module, to: "in.wasm") else {
      throw Fault(.toolStart, lane: .external, "cannot write \(input): \(String(cString: strerror(errno)))")
    }
    log.begin()
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nothing) }
    let process = try ChildProcess(
      command, arguments: [input, output], input: nothing, output: log.descriptor, errors: log.descriptor)
    guard let status = process.wait(until: now() + timeout) else {
      process.end()
      throw Fault(.toolTimeout, lane: .external, log.explain("gave nothing within \(timeout) s and was ended"))
    }
    guard status.isSuccess else { throw Fault(.toolCrash, lane: .external, log.explain("\(status)")) }
    var information = stat()
    guard stat(output, &information) == 0 else {
      throw Fault(.toolOutput, lane: .external, log.explain("succeeded without writing its output file"))
    }
    // Reading from anything else, such as a pipe, may never end.
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw Fault(.toolOutput, lane: .external, log.explain("succeeded, but its output is no regular file"))
    }
    do throws(CorpusError) { return try readFile(output) } catch {
      throw Fault(.toolOutput, lane: .external, log.explain("succeeded, but its output cannot be read: \(error)"))
    }
  }
}
