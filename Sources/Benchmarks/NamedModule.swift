// A module from a file, as the benchmarks use it.

import Execution
import Foundation
import Wasm

/// A valid module and where it came from.
struct NamedModule {
  let name: String
  let bytes: [UInt8]
  let module: Module

  /// - Throws: what is wrong with the file.
  init(path: String) throws {
    let url = URL(fileURLWithPath: path)
    name = url.deletingPathExtension().lastPathComponent
    bytes = [UInt8](try Data(contentsOf: url))
    module = try decodeAndValidate(bytes)
  }

  /// Bytes of the code section's contents; 0 where there is none.
  var codeSize: Int {
    var position = 8
    while position < bytes.count {
      let id = bytes[position]
      position += 1
      var size = 0
      var shift = 0
      repeat {
        size |= Int(bytes[position] & 0x7F) << shift
        shift += 7
        position += 1
      } while bytes[position - 1] & 0x80 != 0
      if id == 10 { return size }
      position += size
    }
    return 0
  }

  /// The index of an exported function.
  func function(_ name: String) throws -> FunctionIndex {
    for export in module.exports where export.name == name {
      if case .function(let index) = export.kind { return index }
    }
    throw BenchmarkError("\(self.name): exports no function '\(name)'")
  }
}

/// What keeps a benchmark from running.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
