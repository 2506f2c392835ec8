// The fast form of an outside instrumenter: one process that stays, and gets one module after the other.
//
//   request   length (4 bytes, little-endian) · module
//   reply     length (4 bytes, little-endian) · instrumented module;  length 0: this module cannot be instrumented
//
// End of input asks the process to end. What it writes to standard error is shown when something goes wrong.

import Canister
import Differential
import Glibc

/// Keeps a process running and hands it modules.
final class CoprocessInstrumenter: ModuleTransformer {
  /// Standard input and output of the process, as we hold them.
  private struct Connection {
    let process: ChildProcess
    let toProcess: Int32
    let fromProcess: Int32
  }

  private let command: String
  private let timeout: Double
  private let directory: ScratchDirectory
  private let log: ToolLog
  private var connection: Connection?
  /// No instrumented module is larger; more means that something else than a frame was written.
  private static let largestReply = 512 << 20

  /// - Parameter timeout: seconds that the process may take for one module.
  init(_ command: String, timeout: Double) throws(Fault) {
    self.command = command
    self.timeout = timeout
    directory = try ScratchDirectory()
    log = try ToolLog(directory: directory)
  }

  deinit {
    guard let connection else { return }
    close(connection.toProcess)
    close(connection.fromProcess)
    // It has been told to end; what does not listen is ended.
    _ = connection.process.wait(until: now() + 0.5)
  }

  func transform(_ module: [UInt8]) throws(Fault) -> [UInt8] {
    if connection == nil {
      log.begin()
      connection = try connect()
    }
    guard let connection else { return [] }
    do throws(Fault) {
      let reply = try exchange(module, connection)
      // What it writes before the next request may be why it dies.
      defer { log.begin() }
      if reply.isEmpty { throw Fault(.toolOutput, lane: .external, log.explain("cannot instrument the module")) }
      return reply
    } catch {
      // A refusal is an answer; after everything else nobody knows what the process would say next.
      if error.stage != .toolOutput || connection.process.poll() != nil { disconnect() }
      throw error
    }
  }

  private func connect() throws(Fault) -> Connection {
    guard let input = makePipe(), let output = makePipe() else {
      throw Fault(.toolStart, lane: .external, "cannot make a pipe")
    }
    defer {
      close(input[0])
      close(output[1])
    }
    do throws(Fault) {
      let process = try ChildProcess(command, input: input[0], output: output[1], errors: log.descriptor)
      for descriptor in [input[1], output[0]] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
      return Connection(process: process, toProcess: input[1], fromProcess: output[0])
    } catch {
      close(input[1])
      close(output[0])
      throw error
    }
  }

  private func disconnect() {
    guard let connection else { return }
    connection.process.end()
    close(connection.toProcess)
    close(connection.fromProcess)
    self.connection = nil
  }

  // MARK: One module

  /// Writes the request and reads the reply, whichever the process is ready for.
  private func exchange(_ module: [UInt8], _ connection: Connection) throws(Fault) -> [UInt8] {
    let request = frame(module)
    var sent = 0
    var reply: [UInt8] = []
    var expected: Int?
    // Whatever is there before the request would be taken for its answer.
    var early: UInt8 = 0
    if read(connection.fromProcess, &early, 1) > 0 {
      throw Fault(.toolFrame, lane: .external, log.explain("wrote something before it was given the module"))
    }
    let deadline = now() + timeout
    while true {
      if let expected, reply.count >= 4 + expected {
        guard sent == request.count, reply.count == 4 + expected else {
          throw Fault(.toolFrame, lane: .external, log.explain("answered with more than one frame per module"))
        }
        return Array(reply[4...])
      }
      let remaining = deadline - now()
      guard remaining > 0 else {
        throw Fault(.toolTimeout, lane: .external, log.explain("gave nothing within \(timeout) s and was ended"))
      }
      var ready = [
        pollfd(fd: connection.fromProcess, events: Int16(POLLIN), revents: 0),
        pollfd(fd: sent < request.count ? connection.toProcess : -1, events: Int16(POLLOUT), revents: 0),
      ]
      guard Glibc.poll(&ready, 2, Int32(remaining * 1_000) + 1) > 0 else { continue }
      if ready[1].revents != 0 {
        let count = request.withUnsafeBytes {
          write(connection.toProcess, $0.baseAddress.map { $0 + sent }, request.count - sent)
        }
        // A broken pipe: the process has died, which reading will tell as well.
        if count > 0 { sent += count } else if errno == EPIPE { sent = request.count }
      }
      if ready[0].revents != 0 {
        guard receive(&reply, from: connection) else { throw death(of: connection) }
        expected = try length(of: reply)
      }
    }
  }

  /// - Returns: false at the end of the process's output.
  private func receive(_ reply: inout [UInt8], from connection: Connection) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(connection.fromProcess, &buffer, buffer.count)
    if count > 0 { reply.append(contentsOf: buffer[..<count]) }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
  }

  private func length(of reply: [UInt8]) throws(Fault) -> Int? {
    guard reply.count >= 4 else { return nil }
    let length = reply[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    if length > Self.largestReply {
      throw Fault(.toolFrame, lane: .external, log.explain("announced a module of \(length) bytes"))
    }
    return length
  }

  private func death(of connection: Connection) -> Fault {
    guard let status = connection.process.wait(until: now() + 1) else {
      return Fault(.toolCrash, lane: .external, log.explain("closed its output and was ended"))
    }
    return Fault(.toolCrash, lane: .external, log.explain("\(status) in the middle of its work; it is started anew"))
  }
}

/// A module as one frame.
public func frame(_ module: [UInt8]) -> [UInt8] {
  let length = UInt32(truncatingIfNeeded: module.count)
  return (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + module
}
