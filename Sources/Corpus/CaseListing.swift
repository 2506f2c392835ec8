// Cases by path: which files a file or directory stands for, and what is in them.
// Used by `replay`, `gate`, `minimize` and the regression tests.

/// The case files that a path stands for: a file is itself, a directory is every `.wasm` and `.wasm.gz` below it, and
/// every `.wat` that does not stand beside one of these with the same name, whose text it is.
///
/// - Returns: paths in the order of their bytes. Hidden files and linked directories are left out.
/// - Throws: `CorpusError.io` if the path, or a directory below it, cannot be read.
public func listCases(at path: String) throws(CorpusError) -> [String] {
  guard kind(of: path) == .directory else {
    // Whatever else it is, reading it will tell; but a path that names nothing is told here.
    if kind(of: path) == nil { _ = try readFile(path) }
    return [path]
  }
  var found: [String] = []
  try collect(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path, into: &found)
  return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

private func collect(_ directory: String, into found: inout [String]) throws(CorpusError) {
  let names = try names(in: directory)
  for name in names {
    let path = directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    switch kind(of: path) {
    // A link to a directory could lead back here.
    case .directory: if !isLink(path) { try collect(path, into: &found) }
    case .file: if ModuleFile.isCase(name, in: names) { found.append(path) }
    case .other, nil: break
    }
  }
}

/// Reads the entry in a file.
///
/// - Throws: `CorpusError.io`, or what is wrong with the contents, with the path.
public func readEntry(_ path: String) throws(CorpusError) -> CorpusEntry {
  let bytes = try ModuleFile(reading: path).binary()
  do throws(CorpusError) {
    return try decodeEnvelope(bytes)
  } catch {
    throw .inFile(path: path, error)
  }
}
