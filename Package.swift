// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// The hot loop wants no overflow or bounds checks of its own, the indirect jump copied into every handler (the
/// tail-duplication limits), handlers with like ends not merged into one again (the next two), addresses within the loop's
/// state as part of the instructions that use them, however many do, and a call's few locals zeroed without a call of
/// `memset`. Where the loop's variables are would take the compiler several times as long to find out as all the rest, so
/// that the target's debug information has lines alone.
let hotLoop: [SwiftSetting] = [
  .unsafeFlags(
    [
      "-Ounchecked", "-Xllvm", "-tail-dup-pred-size=1000", "-Xllvm", "-tail-dup-succ-size=1000", "-Xllvm",
      "-enable-tail-merge=0", "-Xllvm", "-sink-common-insts=false", "-Xllvm",
      "-cgp-max-address-users-to-scan=100000", "-Xllvm", "-disable-loop-idiom-memset", "-Xfrontend",
      "-gline-tables-only",
    ],
    .when(configuration: .release))
]

#if arch(x86_64)
  /// The instructions of x86-64-v2 (2008), without which a byte shuffle and many others are loops over lanes.
  let baseline: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-msse4.2", "-Xcc", "-mpopcnt"])]
#else
  let baseline: [SwiftSetting] = []
#endif

/// What the vector instructions need: LLVM's vector operations by their names. Results do not depend on the baseline.
let vectors: [SwiftSetting] = [.enableExperimentalFeature("BuiltinModule")] + baseline

/// One target of the package, a line each.
func target(_ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: dependencies + ["TestSupport"], swiftSettings: strict)
}

let package = Package(
  name: "stablefuzz",
  products: [
    .executable(name: "stablefuzz", targets: ["stablefuzz"]),
    .executable(name: "stablefuzz-bench", targets: ["Benchmarks"]),
    // Static: the fuzzer brings `main`, which an executable of the package manager would define too.
    .library(name: "LibFuzzerTarget", type: .static, targets: ["LibFuzzerTarget"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    target("ContentHash", ["CXXHash"]),
    target("Gzip", ["CZlib"]),
    target("Entropy"),
    target("Wasm"),
    target("Canister", ["Wasm"]),
    target("Instrumentation", ["Canister"]),
    target("Mutation", ["Instrumentation"]),
    target("Execution", ["Canister", "ContentHash"], settings: hotLoop + vectors),
    target("Generation", ["Canister", "Entropy"]),
    target("Lowering", ["Canister"]),
    target("Coverage", ["Execution", "Instrumentation"]),
    target("Differential", ["Coverage", "Execution", "Instrumentation", "Lowering"]),
    target("Minimization", ["Canister", "ContentHash"]),
    target("Corpus", ["Canister", "ContentHash", "Gzip"]),
    target("Reporting", ["Corpus"]),
    target("Outside", ["Corpus", "Differential"]),
    target("Campaign", ["Corpus", "Coverage", "Differential", "Generation", "Minimization", "Reporting"]),
    target("LibFuzzerTarget", ["Instrumentation"]),
    target("Grading", ["Campaign", "Mutation"]),
    .executableTarget(
      name: "stablefuzz",
      dependencies: [
        "Campaign", "Coverage", "Grading", "Mutation", "Outside",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "CXXHash", "Execution", "Instrumentation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "corrupt-modules", dependencies: ["Entropy", "Wasm"], path: "Tests/CorruptModules",
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["Wasm"], path: "Tests/TestSupport", exclude: ["SpecSkips.txt"],
      swiftSettings: strict),
    tests("Wasm", ["Wasm"]),
    tests("Canister", ["Canister"]),
    tests("Coverage", ["Coverage"]),
    tests("Entropy", ["Entropy"]),
    tests("Gzip", ["CZlib", "Gzip"]),
    tests("Instrumentation", ["Mutation"]),
    tests("Execution", ["Execution"]),
    tests("Generation", ["Execution", "Generation"]),
    .testTarget(
      name: "LibFuzzerTargetTests", dependencies: ["LibFuzzerTarget", "TestSupport"], exclude: ["Regressions"],
      swiftSettings: strict),
    tests("Minimization", ["Minimization"]),
    tests("Corpus", ["Corpus"]),
    tests("Reporting", ["Reporting"]),
    tests("Outside", ["Outside"]),
    tests("Grading", ["Grading"]),
    tests("Differential", ["Campaign", "Coverage", "Mutation"]),
  ]
)
