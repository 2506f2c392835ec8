// Files as the corpus needs them: whole or not there at all, and on the disk when a write returns.
// Used by the stores; every error carries the path and the system's text.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What an entry of a directory is.
enum FileKind { case file, directory, other }

/// Reads a whole file.
///
/// - Parameter limit: the largest size in bytes that is accepted; devices and accidents have no end.
public func readFile(_ path: String, limit: Int = 512 << 20) throws(CorpusError) -> [UInt8] {
  let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC) }
  guard descriptor >= 0 else { throw systemError("open", path) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw systemError("read", path) }
  guard status.st_mode & S_IFMT != S_IFDIR else { throw systemError("read", path, EISDIR) }

  var bytes = [UInt8](repeating: 0, count: max(4_096, min(Int(status.st_size) + 1, limit + 1)))
  var count = 0
  while true {
    let got = bytes.withUnsafeMutableBytes { buffer in
      retrying { read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count) }
    }
    guard got >= 0 else { throw systemError("read", path) }
    if got == 0 { break }
    count += got
    guard count <= limit else { throw systemError("read", path, EFBIG) }
    if count == bytes.count { bytes += [UInt8](repeating: 0, count: count) }
  }
  bytes.removeLast(bytes.count - count)
  return bytes
}

/// Writes a file so that at every moment, a power cut included, either the old contents are there or the new ones: a
/// temporary file beside it, flushed, then renamed, then the directory flushed. Missing directories are made.
///
/// - Throws: `CorpusError.io`; nothing is left behind then.
public func writeFile(_ bytes: [UInt8], to path: String) throws(CorpusError) {
  let directory = parent(of: path)
  try makeDirectory(directory)
  var template = Array("\(directory)/.\(lastComponent(of: path)).XXXXXX".utf8CString)
  let descriptor = template.withUnsafeMutableBufferPointer { buffer in
    buffer.baseAddress.map { mkstemp($0) } ?? -1
  }
  guard descriptor >= 0 else { throw systemError("write", path) }
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  do throws(CorpusError) {
    try fill(descriptor, with: bytes, path)
  } catch {
    close(descriptor)
    unlink(temporary)
    throw error
  }
  // The last chance of some file systems to say that the data did not fit.
  guard close(descriptor) == 0, rename(temporary, path) == 0 else {
    let error = systemError("write", path)
    unlink(temporary)
    throw error
  }
  try flushDirectory(directory)
}

private func fill(_ descriptor: Int32, with bytes: [UInt8], _ path: String) throws(CorpusError) {
  var done = 0
  while done < bytes.count {
    let written = bytes.withUnsafeBytes { buffer in
      retrying { write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done) }
    }
    guard written > 0 else { throw systemError("write", path) }
    done += written
  }
  // mkstemp makes files that only their owner may read.
  guard fchmod(descriptor, 0o644) == 0, retrying({ fsync(descriptor) }) == 0 else { throw systemError("write", path) }
}

/// Makes a directory and those above it; one that exists is fine.
public func makeDirectory(_ path: String) throws(CorpusError) {
  if mkdir(path, 0o755) == 0 {
    try flushDirectory(parent(of: path))
    return
  }
  switch errno {
  case EEXIST:
    guard kind(of: path) == .directory else { throw systemError("make directory", path, ENOTDIR) }
  case ENOENT where parent(of: path) != path:
    try makeDirectory(parent(of: path))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw systemError("make directory", path) }
    try flushDirectory(parent(of: path))
  // A read-only file system says so even of directories that exist.
  case EROFS where kind(of: path) == .directory: break
  default: throw systemError("make directory", path)
  }
}

/// Removes a file; one that is not there is fine.
func removeFile(_ path: String) throws(CorpusError) {
  guard unlink(path) == 0 || errno == ENOENT else { throw systemError("remove", path) }
}

/// What a path names, links followed; nil if it names nothing that can be reached.
func kind(of path: String) -> FileKind? {
  var status = stat()
  guard stat(path, &status) == 0 else { return nil }
  switch status.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .directory
  default: return .other
  }
}

/// The size of a file in bytes.
func size(of path: String) throws(CorpusError) -> Int {
  var status = stat()
  guard stat(path, &status) == 0 else { throw systemError("read", path) }
  return Int(status.st_size)
}

/// The names in a directory, sorted by their bytes, without hidden ones: temporary files are hidden.
func names(in directory: String) throws(CorpusError) -> [String] {
  guard let stream = opendir(directory) else { throw systemError("list", directory) }
  defer { closedir(stream) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = readdir(stream) else {
      guard errno == 0 else { throw systemError("list", directory) }
      break
    }
    let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
      field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
        String(cString: $0)
      }
    }
    if !name.utf8.starts(with: ".".utf8) { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Whether a path is a symbolic link.
func isLink(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

/// Makes what happened in a directory durable. Some file systems cannot, and say EINVAL; there is nothing more to do.
private func flushDirectory(_ path: String) throws(CorpusError) {
  let descriptor = retrying { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
  guard descriptor >= 0 else { throw systemError("open", path) }
  defer { close(descriptor) }
  guard retrying({ fsync(descriptor) }) == 0 || errno == EINVAL else { throw systemError("write", path) }
}

/// The directory that holds a path: `.` for a bare name, the path itself for `/` and `.`.
func parent(of path: String) -> String {
  var rest = Substring(path)
  while rest.utf8.count > 1, rest.hasSuffix("/") { rest = rest.dropLast() }
  guard let slash = rest.lastIndex(of: "/") else { return "." }
  let parent = rest[..<slash]
  return parent.isEmpty ? "/" : String(parent)
}

private func lastComponent(of path: String) -> String {
  String(path.split(separator: "/").last ?? "")
}

/// Repeats a system call that a signal interrupted.
private func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

private func systemError(_ operation: String, _ path: String, _ code: Int32 = errno) -> CorpusError {
  .io(operation: operation, path: path, reason: String(cString: strerror(code)))
}
