// The grade: repeatable, blind to equivalent mutants, quick to find what everybody would.

import Differential
import Generation
import Grading
import Mutation
import Synchronization
import Testing

@Suite struct GradingTests {
  private func mutants(_ names: [String]) -> [GradedMutant] {
    GradedMutant.all(profile: "native").filter { names.contains($0.name) }
  }

  private func grade(
    _ mutants: [GradedMutant], seeds: [UInt64] = [1], cases: UInt64, jobs: Int = 1
  ) -> (GradeConfiguration, [SeedGrade]) {
    let configuration = GradeConfiguration(
      profile: .native, seeds: seeds, mutants: mutants, limits: GradeLimits(cases: cases, seconds: 1e9), jobs: jobs)
    return (configuration, gradeMutants(configuration, world: GradeWorld(clock: { 0 })))
  }

  @Test func isTheSameWithAnyNumberOfJobs() {
    let chosen = Array(GradedMutant.all(profile: "native").filter { $0.name.hasPrefix("stable64_write/") }.prefix(40))
    let one = grade(chosen, seeds: [1, 2, 3], cases: 12)
    let three = grade(chosen, seeds: [1, 2, 3], cases: 12, jobs: 3)
    #expect(one.1.map(\.fates) == three.1.map(\.fates))
    #expect(one.1.map(\.seed) == [1, 2, 3])
    #expect(
      GradeReport(one.0, one.1, equivalent: [], command: "x")
        == GradeReport(three.0, three.1, equivalent: [], command: "x"))
  }

  @Test func canariesAreFoundSoon() {
    let names = Set((0..<300).compactMap { Canaries.choose(seed: $0, profile: "native")?.name })
    let (configuration, grades) = grade(mutants(Array(names)), cases: 150)
    let report = GradeReport(configuration, grades, equivalent: [], command: "")
    #expect(report.graded == names.count && report.disagreements == 0)
    #expect(report.detectedAlways == report.graded, "\(report.mutants.filter { $0.status != .detected }.map(\.name))")
    #expect(report.score == 1 && report.survival.last?.alive == 0)
  }

  @Test func equivalentMutantsAreNotFound() {
    let equivalent = mutants(Array(EquivalentMutants.reasons(profile: "native").keys))
    let (_, grades) = grade(equivalent, cases: 60)
    for (mutant, fate) in zip(equivalent, grades[0].fates) {
      #expect(fate.detection == nil, "\(mutant.name) is listed as equivalent and was found")
    }
  }

  @Test func mistakesOfTheLanesAreFound() {
    let lanes = GradedMutant.all(profile: "native").filter { $0.family == .lane }
    #expect(lanes.count > 80)
    let (configuration, grades) = grade(lanes, cases: 2_000)
    let report = GradeReport(configuration, grades, equivalent: [], command: "")
    let missed = report.mutants.filter { $0.status != .detected }.map(\.name)
    #expect(missed.isEmpty, "\(missed)")
  }

  /// What is undetected says whether it was reached: this mutant needs a case that the first ones are not.
  @Test func undetectedMutantsTellHowFarTheyCame() throws {
    let chosen = mutants(["decrement/i64.const#1/zero", "stable64_read/i64.const#3/plus-1"])
    let (configuration, grades) = grade(chosen, cases: 5)
    let report = GradeReport(configuration, grades, equivalent: [], command: "stablefuzz mutants")
    #expect(report.mutants.allSatisfy { $0.status == .unreached || $0.status == .reached || $0.status == .detected })
    let text = gradeMarkdown(report)
    for row in report.mutants { #expect(text.contains("`\(row.name)`")) }
    #expect(text.contains("stablefuzz mutants"))
    #expect(survivalPicture(report).hasPrefix("<svg"))
  }

  @Test func anInterruptedGradingKeepsWhatItHas() {
    let asked = Atomic<Int>(0)
    let configuration = GradeConfiguration(
      profile: .native, seeds: [1, 2, 3],
      mutants: mutants(["decrement/i64.sub#1/swapped", "decrement/i64.const#1/zero"]),
      limits: GradeLimits(cases: 10, seconds: 1e9))
    let grades = gradeMutants(
      configuration,
      world: GradeWorld(clock: { 0 }, isInterrupted: { asked.wrappingAdd(1, ordering: .relaxed).oldValue > 5 }))
    #expect(grades.count == 1 && grades[0].cases < 10)
  }
}
