// Commands on single modules: generate, instrument, validate, print.

import ArgumentParser
import Campaign
import Canister
import Corpus
import Differential
import Instrumentation
import Wasm

/// Reads and decodes a module; what is wrong with it names the file.
func loadModule(_ path: String) throws -> (module: Module, bytes: [UInt8]) {
  let bytes = try readFile(path)
  do throws(WasmError) {
    return (try decode(bytes), bytes)
  } catch {
    throw fail("\(path): \(error)", .badData)
  }
}

/// The same, and validates it.
func loadValidModule(_ path: String) throws -> Module {
  let (module, bytes) = try loadModule(path)
  do throws(WasmError) {
    try validate(module)
  } catch {
    throw fail("\(path): \(locate(error, in: bytes))", .badData)
  }
  return module
}

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Write one generated case as a corpus entry.")

  @Option(help: ArgumentHelp("Seed of the campaign.", valueName: "n")) var seed: UInt64
  @Option(help: ArgumentHelp("Number of the case in it.", valueName: "i")) var index: UInt64
  @Option(name: .shortAndLong, help: ArgumentHelp("File to write.", valueName: "file")) var output: String
  @OptionGroup var profile: ProfileOptions

  func run() throws {
    try reportingErrors {
      let origin = generatedOrigin(try profile.generator(), seed: seed, index: index)
      let envelope = encodeEnvelope(origin.entry)
      try writeFile(envelope, to: output)
      print("\(output): \(envelope.count) bytes, \(entryDigest(envelope))")
    }
  }
}

struct Instrument: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the instrumented form of a canister module.",
    discussion: "Metering is accepted for completeness of a lane's description: growing is charged by the host.")

  @Argument(help: ArgumentHelp("A canister module.", valueName: "in")) var input: String
  @Option(name: .shortAndLong, help: ArgumentHelp("File to write.", valueName: "out")) var output: String
  @Option(
    help: ArgumentHelp(
      "Stable memory after the module's own memories (end), at index 1 (second), the module's own second memory "
        + "(direct), or one that it imports by name (named).", valueName: "place"))
  var memoryPlacement = MemoryPlacement.end
  @Option(help: ArgumentHelp("The five imports before the module's own (front) or after them.", valueName: "place"))
  var importPlacement = ImportPlacement.front
  @Option(help: ArgumentHelp("How stable functions are charged: new or old.", valueName: "era")) var metering = Metering
    .new

  func run() throws {
    try reportingErrors {
      let module = try loadValidModule(input)
      var parameters = Parameters()
      parameters.metering = metering
      let strategy = Strategy(memory: memoryPlacement, imports: importPlacement)
      do {
        try validateCanister(module, placement: memoryPlacement, parameters: parameters)
        let instrumented = try instrument(module, strategy: strategy, parameters: parameters)
        try writeFile(encode(instrumented), to: output)
      } catch let error as CanisterValidationError {
        throw fail("\(input): \(error)", .badData)
      } catch let error as InstrumentationError {
        throw fail("\(input): \(error)", .badData)
      }
    }
  }
}

struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Decode and validate modules.")

  @Argument(help: ArgumentHelp("Modules.", valueName: "file")) var files: [String]
  @Flag(help: "Also check the rules for canister modules.") var canister = false
  @Flag(help: "Print one JSON object per file.") var json = false

  /// What `--json` prints for a file.
  struct Row: Encodable {
    let file: String
    let isValid: Bool
    let reason: String?
    let offset: Int?
  }

  func run() throws {
    try reportingErrors {
      var isClean = true
      for file in files {
        let row = try check(file)
        isClean = isClean && row.isValid
        if json {
          print(String(decoding: try encodeJSON(row, isPretty: false), as: UTF8.self))
        } else {
          print("\(file): \(row.reason ?? "valid")")
        }
      }
      throw (isClean ? Exit.clean : .badData).code
    }
  }

  private func check(_ file: String) throws -> Row {
    let bytes = try readFile(file)
    let module: Module
    do throws(WasmError) {
      module = try decodeAndValidate(bytes)
    } catch {
      return Row(file: file, isValid: false, reason: "\(error)", offset: error.offset)
    }
    if canister {
      do { try validateCanister(module, parameters: Parameters()) } catch {
        return Row(file: file, isValid: false, reason: "\(error)", offset: nil)
      }
    }
    return Row(file: file, isValid: true, reason: nil, offset: nil)
  }
}

struct Print: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print a module in the text format.")

  @Argument(help: ArgumentHelp("A module.", valueName: "file")) var file: String

  func run() throws {
    try reportingErrors { print(printText(try loadModule(file).module), terminator: "") }
  }
}
