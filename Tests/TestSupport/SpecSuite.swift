// The WebAssembly specification test suite as JSON scripts and modules, and what its summary says about each file.
// Read by the tests of the format, and by the tests that execute the assertions.

import Foundation
import Wasm

/// One script of the suite.
public struct SpecFile: Sendable, CustomStringConvertible {
  /// How far a script lies within the supported features.
  public enum Scope: String, Sendable {
    case inScope = "core-in-scope"
    /// Some modules need features beyond ours.
    case beyond = "core-beyond"
    case custom
    /// A proposal that is not part of the feature set, whose rules may contradict it.
    case proposal
    case legacy
  }

  /// Name of the script, as in `memory64.wast`.
  public let name: String
  public let folder: URL
  public let scope: Scope
  /// Number of modules that need features beyond ours, by the features' names.
  public let beyond: [String: Int]
  /// Number of valid modules, those beyond our features included.
  public let validModules: Int
  /// The script itself, where it is read from its text.
  var script: URL?

  public var description: String { name }

  public func commands() throws -> [SpecCommand] {
    if let script { return try Self.commands(of: script) }
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    guard let script = files.first(where: { $0.pathExtension == "json" }) else { return [] }
    return try JSONDecoder().decode(SpecScript.self, from: try Data(contentsOf: script)).commands
  }

  /// The binary of a command that names one.
  public func module(_ command: SpecCommand) throws -> [UInt8]? {
    if let contents = command.contents { return try contents.get() }
    guard let name = command.binary else { return nil }
    return try Inputs.bytes(folder.appendingPathComponent(name))
  }
}

/// The whole suite.
public enum SpecSuite {
  /// All scripts that could be converted, by name; empty where the suite is absent.
  public static let files: [SpecFile] = (try? load()) ?? []

  /// The scripts that the feature set covers, wholly or in part.
  public static var core: [SpecFile] {
    files.filter { $0.scope == .inScope || $0.scope == .beyond || $0.scope == .custom }
  }

  private static func load() throws -> [SpecFile] {
    guard let folder = try Inputs.unpacked("spec-suite")?.appendingPathComponent("spec") else { return [] }
    return try Inputs.table(folder.appendingPathComponent("summary.tsv")).compactMap { row in
      guard row["converted"] == "True", let name = row["wast"], let scope = SpecFile.Scope(rawValue: row["class"] ?? "")
      else { return nil }
      var beyond: [String: Int] = [:]
      for part in (row["beyond_features"] ?? "").split(separator: ";") {
        guard let colon = part.lastIndex(of: ":"), let count = Int(part[part.index(after: colon)...]) else { continue }
        beyond[String(part[..<colon])] = count
      }
      let path = name.replacingOccurrences(of: "/", with: "__").replacingOccurrences(of: ".wast", with: "")
      return SpecFile(
        name: name, folder: folder.appendingPathComponent(path), scope: scope, beyond: beyond,
        validModules: Int(row["wasm_modules_validated"] ?? "") ?? 0)
    }
  }
}

// MARK: Scripts

/// A script in the form that `json-from-wast` gives it.
public struct SpecScript: Decodable, Sendable {
  public let commands: [SpecCommand]
}

/// One command of a script.
public struct SpecCommand: Decodable, Sendable {
  public enum Kind: String, Decodable, Sendable {
    case module, register, action
    case moduleDefinition = "module_definition"
    case moduleInstance = "module_instance"
    case assertReturn = "assert_return"
    case assertTrap = "assert_trap"
    case assertExhaustion = "assert_exhaustion"
    case assertException = "assert_exception"
    case assertInvalid = "assert_invalid"
    case assertMalformed = "assert_malformed"
    case assertUnlinkable = "assert_unlinkable"
    case assertUninstantiable = "assert_uninstantiable"
    case assertMalformedCustom = "assert_malformed_custom"
    case assertInvalidCustom = "assert_invalid_custom"
  }

  public internal(set) var kind: Kind
  public internal(set) var line: Int
  /// The module's file; text where `moduleType` is "text".
  public internal(set) var filename: String?
  /// The binary made from a module given as text, where there is one.
  public internal(set) var binaryFilename: String?
  public internal(set) var moduleType: String?
  /// Name that later actions use for a module.
  public internal(set) var name: String?
  /// Name under which `register` offers a module's exports.
  public internal(set) var registeredName: String?
  public internal(set) var action: SpecAction?
  public internal(set) var expected: [SpecValue]?
  /// The expected message.
  public internal(set) var text: String?
  /// Of `module_instance`: the new instance and the definition that it is made from.
  public internal(set) var instance: String?
  public internal(set) var definition: String?

  /// The module itself, of a script read from its text: its binary, or why there is none.
  var contents: Result<[UInt8], WasmError>?

  /// File name of the module in binary form, if the command has one.
  public var binary: String? { binaryFilename ?? (moduleType == "binary" ? filename : nil) }

  private enum CodingKeys: String, CodingKey {
    case kind = "type"
    case binaryFilename = "binary_filename"
    case moduleType = "module_type"
    case registeredName = "as"
    case definition = "module"
    case line, filename, name, action, expected, text, instance
  }
}

/// A call or a read of a global.
public struct SpecAction: Decodable, Sendable {
  public enum Kind: String, Decodable, Sendable {
    case invoke, get
  }

  public let kind: Kind
  /// Name of the module; nil: the latest.
  public let module: String?
  public let field: String
  public let arguments: [SpecValue]?

  private enum CodingKeys: String, CodingKey {
    case kind = "type"
    case arguments = "args"
    case module, field
  }
}

/// An argument or an expected result. Numbers are decimal, floats the decimal form of their bits.
public struct SpecValue: Decodable, Sendable {
  /// `i32`, `i64`, `f32`, `f64`, `v128`, a reference type, or `either`.
  public let type: String
  /// Of a vector: `i8`, `i16`, `i32`, `i64`, `f32` or `f64`.
  public let laneType: String?
  /// One text, or one per lane of a vector; empty where any value of the type will do. `nan:canonical` and
  /// `nan:arithmetic` stand for classes of floats, `null` for the null reference.
  public let texts: [String]
  /// The alternatives of `either`.
  public let alternatives: [SpecValue]

  init(type: String, laneType: String? = nil, texts: [String] = [], alternatives: [SpecValue] = []) {
    self.type = type
    self.laneType = laneType
    self.texts = texts
    self.alternatives = alternatives
  }

  private enum CodingKeys: String, CodingKey {
    case laneType = "lane_type"
    case type, value, values
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type = try container.decode(String.self, forKey: .type)
    laneType = try container.decodeIfPresent(String.self, forKey: .laneType)
    alternatives = try container.decodeIfPresent([SpecValue].self, forKey: .values) ?? []
    if laneType != nil {
      texts = try container.decode([String].self, forKey: .value)
    } else {
      texts = try container.decodeIfPresent(String.self, forKey: .value).map { [$0] } ?? []
    }
  }
}
