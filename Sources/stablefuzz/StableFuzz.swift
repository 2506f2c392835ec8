// The program's entry: subcommands, and errors to exit codes.

import ArgumentParser
import Campaign

@main
struct StableFuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stablefuzz",
    abstract: "Compares host-served and Wasm-native stable memory of Internet Computer canisters.",
    discussion: """
      Generates canister modules and call plans, runs each on two lanes and compares what they do. Exit codes:

        0  clean                      64  wrong usage
        1  divergence                 65  bad input data
        2  fault in the harness       74  input/output error
        3  too little work            130 interrupted
        4  non-determinism
        5  failure of an outside instrumenter
      """,
    version: stablefuzzVersion,
    subcommands: [
      Run.self, Replay.self, Gate.self, Trace.self, Minimize.self, Mutants.self, CoverageCommand.self, Statistics.self,
      Generate.self, Instrument.self, Validate.self, Print.self, Parse.self, Invoke.self,
    ],
    defaultSubcommand: Run.self)
}
