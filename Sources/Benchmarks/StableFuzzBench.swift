// `stablefuzz-bench`: measures what the project's own parts cost, without other engines. Run by `scripts/bench micro`,
// which compiles the kernels first.

import ArgumentParser
import Foundation
import Wasm

@main
struct StableFuzzBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stablefuzz-bench",
    abstract: "Measure translation, instantiation, stable memory, hashing and instruction counting.")

  @Option(help: "Folder with the compiled kernels; 'objects.wasm' also serves as the small module.")
  var kernels: String
  @Option(help: "A large module to translate.") var canister: String?
  @Option(help: "Rounds; in each, everything that is compared runs once.") var rounds = 9
  @Option(help: "File for the raw figures.") var json: String?

  func run() throws {
    guard rounds > 0 else { throw ValidationError("--rounds has to be at least 1") }
    let kernels = try loadKernels()
    guard let small = kernels.first(where: { $0.name == "objects" }) else {
      throw ValidationError("no objects.wasm in \(self.kernels)")
    }
    var sections = [
      ReportSection(title: "Translation", measurements: try measureTranslation(kernels, rounds: rounds)),
      ReportSection(
        title: "Short lives",
        measurements: try measureInstantiation(small, rounds: rounds) + measureStableMemory(rounds: rounds)),
      ReportSection(
        title: "Hashing",
        explanation: "Bandwidth of plain XXH3-128, a page at a time, and the share of it that a commit reaches.",
        measurements: try measureHashing(rounds: rounds)),
      ReportSection(
        title: "Instruction counting",
        explanation: """
          Time with counting by the interpreter, as in the host lane, over the time without; the target is the same ratio
          for injected counting, as in the native lane.
          """,
        measurements: try measureCounting(kernels, rounds: rounds)),
    ]
    if let canister {
      sections[0].measurements += try measureTranslation([try NamedModule(path: canister)], rounds: rounds)
    } else {
      printError("stablefuzz-bench: no --canister: translation of the kernels only")
    }
    for section in sections { print(section.markdown) }
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      try encoder.encode(sections).write(to: URL(fileURLWithPath: json))
    }
  }

  private func loadKernels() throws -> [NamedModule] {
    try FileManager.default.contentsOfDirectory(atPath: kernels).sorted()
      .filter { $0.hasSuffix(".wasm") && $0 != "empty.wasm" }
      .map { try NamedModule(path: "\(kernels)/\($0)") }
  }
}

/// Writes a line to standard error.
func printError(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
