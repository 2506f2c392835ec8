// Commands on single modules: generate, instrument, validate, print, parse.

import ArgumentParser
import Campaign
import Canister
import Corpus
import Differential
import Instrumentation
import Outside
import Wasm

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
    discussion: """
      Metering is accepted for completeness of a lane's description: growing is charged by the host. Limits and charges
      are production's, or those of the section 'stablefuzz.parameters' that --instrumenter adds to a module.

      With --serve, modules are read from standard input and their instrumented forms written to standard output, each
      behind its length in four bytes, little-endian; length 0 answers a module that cannot be instrumented.
      """)

  @Argument(help: ArgumentHelp("A canister module.", valueName: "in")) var input: String?
  @Option(name: .shortAndLong, help: ArgumentHelp("File to write.", valueName: "out")) var output: String?
  @Flag(help: "Answer modules from standard input until it ends.") var serve = false
  @Option(
    help: ArgumentHelp(
      "Stable memory after the module's own memories (end), at index 1 (second), the module's own second memory "
        + "(direct), or one that it imports by name (named).", valueName: "place"))
  var memoryPlacement = MemoryPlacement.end
  @Option(help: ArgumentHelp("The five imports before the module's own (front) or after them.", valueName: "place"))
  var importPlacement = ImportPlacement.front
  @Option(help: ArgumentHelp("How stable functions are charged: new or old.", valueName: "era")) var metering = Metering
    .new

  func validate() throws {
    if serve != (input == nil) || serve != (output == nil) {
      throw ValidationError("give a module and --output, or --serve and neither")
    }
  }

  func run() throws {
    guard let input, let output else {
      let problem = Outside.serve { bytes in
        do {
          return encode(try instrumented(try decodeAndValidate(bytes)))
        } catch {
          printError("stablefuzz: \(error)")
          return nil
        }
      }
      if let problem { throw fail(problem, .inputOutput) }
      return
    }
    try reportingErrors {
      let file = try ModuleFile(reading: input)
      let module = try file.validModule()
      do {
        try writeFile(encode(try instrumented(module)), to: output)
      } catch let error as CanisterValidationError {
        throw file.failure(error)
      } catch let error as InstrumentationError {
        throw fail("\(input): \(error)", .badData)
      }
    }
  }

  private func instrumented(_ module: Module) throws -> Module {
    var parameters = try carriedParameters(module)
    parameters.metering = metering
    try validateCanister(module, placement: memoryPlacement, parameters: parameters)
    return try Instrumentation.instrument(
      module, strategy: Strategy(memory: memoryPlacement, imports: importPlacement), parameters: parameters)
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
    var reason: String?
    /// Position in bytes.
    var offset: Int?
    /// Of a module given as text.
    var line: Int?
    var column: Int?
  }

  func run() throws {
    try reportingErrors {
      var isClean = true
      for file in files {
        let (row, text) = try check(file)
        isClean = isClean && row.isValid
        print(json ? String(decoding: try encodeJSON(row, isPretty: false), as: UTF8.self) : text)
      }
      throw (isClean ? Exit.clean : .badData).code
    }
  }

  /// The verdict on a file, for programs and for people.
  private func check(_ path: String) throws -> (Row, String) {
    do throws(CorpusError) {
      let file = try ModuleFile(reading: path)
      let module = try file.validModule()
      if canister {
        let binary = try file.binary()
        do throws(CanisterValidationError) {
          try validateCanisterSize(binary)
          try validateCanister(module, parameters: Parameters(), allowances: .none)
        } catch {
          throw file.failure(error)
        }
      }
    } catch .inFile(let place, let error) {
      var row = Row(file: path, isValid: false, reason: "\(error)", offset: error.offset)
      if case .text(let error) = error {
        row.reason = error.reason
        row.line = error.line
        row.column = error.column
      }
      return (row, "\(CorpusError.inFile(path: place, error))")
    }
    return (Row(file: path, isValid: true), "\(path): valid")
  }
}

struct Parse: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a module given in the text format as a binary.",
    discussion: """
      The module is not validated. Its identifiers become a name section; annotations (@custom "name" "bytes") become \
      custom sections, so that (@custom "stablefuzz.plan" ...) carries a call plan.
      """)

  @Argument(help: ArgumentHelp("A module as text.", valueName: "in")) var input: String
  @Option(name: .shortAndLong, help: ArgumentHelp("File to write.", valueName: "out")) var output: String

  func run() throws {
    try reportingErrors {
      let bytes = encode(try ModuleFile(reading: input, isText: true).module())
      try writeFile(bytes, to: output)
      print("\(output): \(bytes.count) bytes")
    }
  }
}
