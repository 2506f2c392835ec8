// A child process under supervision: its own process group, nothing of ours inherited, ended with all its children when
// it takes too long. Used by the two forms of outside instrumenters.

import Differential
import Glibc
import Synchronization

/// How a process ended.
enum ExitStatus: Equatable, CustomStringConvertible {
  case code(Int32)
  case signal(Int32)

  var isSuccess: Bool { self == .code(0) }

  var description: String {
    switch self {
    case .code(let code): "ended with exit code \(code)"
    case .signal(let number):
      "was ended by signal \(number)" + (strsignal(number).map { " (\(String(cString: $0)))" } ?? "")
    }
  }
}

/// A running command.
final class ChildProcess {
  private let pid: pid_t
  /// No file that the command writes may be larger, among them what takes its standard error; in the shell's blocks of
  /// 512 bytes, 1 GiB.
  private static let largestFile = 2_097_152
  private(set) var status: ExitStatus?

  /// Starts `command` in a shell, with further arguments behind those that it names itself.
  ///
  /// - Parameters: the three descriptors become the command's standard ones; the caller keeps and closes its own.
  /// - Throws: a fault of the external lane.
  init(
    _ command: String, arguments: [String] = [], input: Int32, output: Int32, errors: Int32
  ) throws(Fault) {
    ignoreBrokenPipes()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (position, descriptor) in [input, output, errors].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(position))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own, so that Ctrl-C reaches only us and ending the group ends what a shell has started.
    posix_spawnattr_setpgroup(&attributes, 0)
    var all = sigset_t()
    var none = sigset_t()
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    let script = "ulimit -f \(Self.largestFile) 2>/dev/null; \(command) \"$@\""
    var words: [UnsafeMutablePointer<CChar>?] =
      (["sh", "-c", script, "sh"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let error = starting.withLock { _ in posix_spawn(&pid, "/bin/sh", &actions, &attributes, &words, environ) }
    guard error == 0 else {
      throw Fault(.toolStart, lane: .external, "cannot start '\(command)': \(String(cString: strerror(error)))")
    }
    self.pid = pid
  }

  deinit { if status == nil { end() } }

  /// How the process ended, if it has.
  func poll() -> ExitStatus? {
    if let status { return status }
    var info = siginfo_t()
    // Looked at first and taken away later: until then its number cannot be given to another process group.
    let result = waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT)
    if result == 0, info.si_signo != SIGCHLD { return nil }
    reap()
    return status
  }

  /// Waits for the end of the process.
  ///
  /// - Parameter deadline: on the clock of `now`.
  /// - Returns: nil where it still runs then.
  func wait(until deadline: Double) -> ExitStatus? {
    var pause: UInt32 = 100
    while true {
      if let status = poll() { return status }
      if now() >= deadline { return nil }
      usleep(pause)
      pause = min(pause * 2, 2_000)
    }
  }

  /// Ends the process and everything that it has started.
  func end() {
    if status == nil { reap() }
  }

  private func reap() {
    kill(-pid, SIGKILL)
    kill(pid, SIGKILL)
    var raw: Int32 = 0
    while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
    let signal = raw & 0x7F
    status = signal == 0 ? .code((raw >> 8) & 0xFF) : .signal(signal)
  }
}

/// Held while a process is started and while descriptors are made that no other worker's process may inherit.
private let starting = Mutex(())

/// Two ends of a pipe, read end first, that no child inherits; nil where the system gives none.
func makePipe() -> [Int32]? {
  starting.withLock { _ in
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return ends
  }
}

/// Seconds on a clock that only goes forward.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Writing to a process that has died shall be an error of that write, not the end of this process.
private func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

/// The file that takes a tool's standard error, so that the end of it can be shown.
final class ToolLog {
  let descriptor: Int32
  private var start: off_t = 0
  private static let shown: off_t = 400
  private static let limit: off_t = 1 << 20

  init(directory: ScratchDirectory) throws(Fault) {
    descriptor = open(directory.path + "/log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw Fault(.toolStart, lane: .external, "cannot write to \(directory.path)") }
  }

  deinit { close(descriptor) }

  private var size: off_t { lseek(descriptor, 0, SEEK_END) }

  /// What is written from now on belongs to the next module.
  func begin() {
    if size > Self.limit { ftruncate(descriptor, 0) }
    start = size
  }

  /// `reason`, and what the tool has written last.
  func explain(_ reason: String) -> String {
    let end = size
    let first = max(start, end - Self.shown)
    var bytes = [UInt8](repeating: 0, count: Int(max(end - first, 0)))
    let count = pread(descriptor, &bytes, bytes.count, first)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " | ")
    return line.isEmpty ? reason : "\(reason); it wrote: \(line)"
  }
}

/// A directory that lives as long as its user.
final class ScratchDirectory {
  let path: String

  init() throws(Fault) {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/stablefuzz-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Fault(.toolStart, lane: .external, "cannot make a directory in \(base)")
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Writes a file anew. Nothing of it has to outlive a loss of power.
  ///
  /// - Returns: false where that fails; `errno` says why.
  func write(_ bytes: [UInt8], to name: String) -> Bool {
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    return writeAll(bytes, to: file)
  }

  deinit {
    for name in ["log", "in.wasm", "out.wasm"] { remove("\(path)/\(name)") }
    rmdir(path)
  }
}
