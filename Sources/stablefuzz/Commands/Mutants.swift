// `stablefuzz mutants`: the grade of the harness.

import ArgumentParser
import Corpus
import Generation
import Glibc
import Grading
import Mutation
import Reporting
import Synchronization

struct Mutants: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Grade the harness: plant every small mistake in the instrumented modules and see which are found.",
    discussion: """
      Writes grade-PROFILE.json, .md and .svg. Ends with 0 if all mutants are detected under every seed, with 3 if not.
      """)

  @OptionGroup var profile: ProfileOptions
  @Option(help: ArgumentHelp("The first seed.", valueName: "n")) var seed: UInt64 = 1
  @Option(help: ArgumentHelp("How many seeds, one after the other.", valueName: "n")) var seeds: UInt64 = 1
  @Option(help: ArgumentHelp("Cases per seed at most.", valueName: "n")) var cases: UInt64?
  @Option(
    help: ArgumentHelp("Seconds per seed at most, as an ordinary run on one core would take them.", valueName: "n"))
  var seconds = 60.0
  @Option(help: ArgumentHelp("Seeds at a time.", valueName: "n")) var jobs = 1
  @Option(help: ArgumentHelp("Only mutants with this text in their name; may be repeated.", valueName: "text"))
  var only: [String] = []
  @Flag(help: "Grade the mutants that are listed as equivalent too; none of them may be detected.") var equivalent =
    false
  @Flag(help: "List the mutants, without running anything.") var list = false
  @Option(name: .shortAndLong, help: ArgumentHelp("Directory for the report.", valueName: "dir"))
  var output = "reports/grade"

  func validate() throws {
    if seeds < 1 { throw ValidationError("--seeds has to be at least 1") }
    if seed > .max - seeds { throw ValidationError("--seed and --seeds are too large together") }
    if cases == 0 { throw ValidationError("--cases has to be at least 1") }
    if !(seconds > 0 && seconds.isFinite) { throw ValidationError("--seconds has to be a positive number") }
    if jobs < 1 || jobs > 1_024 { throw ValidationError("--jobs has to be between 1 and 1024") }
    if chosen.isEmpty { throw ValidationError("no mutant of the profile has a name like that; see --list") }
  }

  /// The mutants of the profile that are asked for, equivalent ones included.
  private var chosen: [GradedMutant] {
    GradedMutant.all(profile: profile.profile.rawValue).filter { mutant in
      only.isEmpty || only.contains(where: mutant.name.contains)
    }
  }

  func run() throws {
    let reasons = EquivalentMutants.reasons(profile: profile.profile.rawValue)
    let graded = chosen.filter { equivalent || reasons[$0.name] == nil }
    if list {
      for rule in chosen {
        print(
          "\(rule.name)\t\(rule.sentence)\(reasons[rule.name].map { " Equivalent: \($0)." } ?? "")")
      }
      return
    }
    try reportingErrors {
      Interruption.listen()
      let configuration = GradeConfiguration(
        profile: profile.profile, seeds: (0..<seeds).map { seed + $0 }, mutants: graded,
        limits: GradeLimits(cases: cases ?? .max, seconds: seconds), jobs: jobs)
      let grades = gradeMutants(
        configuration,
        world: GradeWorld(
          clock: { threadSeconds() }, isInterrupted: { Interruption.isWanted },
          report: { grade in
            let alive = grade.fates.count { $0.detection == nil }
            printError(
              "seed \(grade.seed): \(grouped(grade.fates.count - alive)) of \(grouped(grade.fates.count)) detected within "
                + "\(grouped(Int(grade.cases))) cases, \(decimal(grade.seconds, decimals: 1)) s")
          }))
      let report = GradeReport(configuration, grades, equivalent: equivalents, command: command)
      try write(report)
      print(gradeSummary(report), terminator: "")
      for row in report.mutants.filter({ $0.status != .detected }).prefix(20) {
        print("  \(row.name): \(row.status.words)")
      }
      if let disagreement = report.disagreement {
        print(
          "without any mutant, \(report.disagreements) cases disagree; stablefuzz replay \(disagreement) "
            + "--profile \(profile.profile.rawValue)")
      }
      if Interruption.isWanted { throw Exit.interrupted.code }
      let isWhole = report.detectedAlways == report.graded && report.disagreements == 0
      throw (isWhole ? Exit.clean : .tooLittleWork).code
    }
  }

  private var equivalents: [EquivalentRow] {
    if equivalent { return [] }
    let reasons = EquivalentMutants.reasons(profile: profile.profile.rawValue)
    return chosen.compactMap { rule in
      reasons[rule.name].map { EquivalentRow(name: rule.name, reason: $0) }
    }
  }

  private var command: String {
    var text = "stablefuzz mutants --profile \(profile.profile.rawValue) --seed \(seed) --seeds \(seeds)"
    if let cases { text += " --cases \(cases)" }
    text += " --seconds \(seconds.rounded() == seconds ? decimal(seconds, decimals: 0) : String(seconds))"
    for text2 in only { text += " --only '\(text2)'" }
    return equivalent ? text + " --equivalent" : text
  }

  private func write(_ report: GradeReport) throws {
    try makeDirectory(output)
    let path = "\(output)/\(gradeFileName(report))"
    try writeFile(try encodeJSON(report, isPretty: false), to: path + ".json")
    try writeFile(Array(gradeMarkdown(report).utf8), to: path + ".md")
    try writeFile(Array(survivalPicture(report).utf8), to: path + ".svg")
    printError("written \(path).json, .md, .svg")
  }
}

/// Seconds that this thread has computed: what others do on the machine does not count.
private func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
