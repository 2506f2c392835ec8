// The generator makes valid modules only, the same for the same choices, whatever the choices.

import Canister
import Entropy
import Generation
import Testing
import Wasm

/// How many cases a test looks at; builds without optimisation are slower by far.
#if DEBUG
  let caseCount: UInt64 = 1_500
#else
  let caseCount: UInt64 = 10_000
#endif

/// Fails unless both modules of a case are valid and what runs is what was generated.
func checkValidity(_ generated: GeneratedCase, _ profile: GeneratorProfile, _ name: String) {
  let modules =
    [(generated.module, generated.case.module)]
    + zip([generated.secondModule].compactMap { $0 }, [generated.case.secondModule].compactMap { $0 })
  for (module, bytes) in modules {
    do {
      try validate(module)
      try validateCanister(
        module, placement: generated.case.strategy.memory, parameters: generated.case.parameters,
        allowances: profile == .native ? .none : .all)
      #expect(try decode(bytes) == module, "\(name): decode(encode(m)) ≠ m")
    } catch {
      Issue.record("\(name): \(error)")
    }
  }
}

@Suite struct GeneratorTests {
  @Test(arguments: GeneratorProfile.allCases)
  func allModulesAreValid(_ profile: GeneratorProfile) {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount {
      checkValidity(generator.generate(seed: 7, index: index), profile, "7:\(index)")
    }
  }

  /// Every generated module comes back from its text.
  @Test(arguments: GeneratorProfile.allCases)
  func textsAreTheSameModules(_ profile: GeneratorProfile) throws {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount / 10 {
      let module = generator.generate(seed: 17, index: index).module
      do throws(TextError) {
        let parsed = try parseText(printText(module))
        #expect(encode(parsed) == encode(module), "17:\(index)")
      } catch {
        Issue.record("17:\(index): \(error.marked)")
      }
    }
  }

  @Test(arguments: GeneratorProfile.allCases)
  func theSameSeedGivesTheSameCase(_ profile: GeneratorProfile) {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount / 20 {
      let first = generator.generate(seed: 11, index: index)
      let again = Generator(profile: profile).generate(seed: 11, index: index)
      #expect(first.case == again.case && first.choices == again.choices, "11:\(index)")
    }
  }

  @Test(arguments: GeneratorProfile.allCases)
  func replayGivesTheSameCase(_ profile: GeneratorProfile) {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount / 20 {
      let fresh = generator.generate(seed: 13, index: index)
      let replayed = generator.replay(choices: fresh.choices)
      #expect(fresh.case == replayed.case, "13:\(index)")
      #expect(fresh.choices == replayed.choices, "13:\(index)")
      #expect(fresh.features == replayed.features && fresh.coverage == replayed.coverage, "13:\(index)")
    }
  }

  @Test func casesOfARunDiffer() {
    let generator = Generator()
    let modules = Set((0..<200).map { generator.generate(seed: 1, index: $0).case.module })
    #expect(modules.count == 200)
  }

  @Test(arguments: GeneratorProfile.allCases)
  func anySequenceOfChoicesIsLegal(_ profile: GeneratorProfile) {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount / 10 {
      var stream = Stream(seed: 99, index: index)
      let length = Int(stream.next(below: 1_500))
      let bits = stream.next(below: 65)
      let choices = (0..<length).map { _ in bits == 64 ? stream.next() : stream.next(below: 1 << bits) }
      checkValidity(generator.replay(choices: choices), profile, "random choices \(index)")
    }
  }

  @Test(arguments: GeneratorProfile.allCases)
  func choicesMayBeCutAndEdited(_ profile: GeneratorProfile) {
    let generator = Generator(profile: profile)
    for index in 0..<caseCount / 10 {
      var stream = Stream(seed: 98, index: index)
      var choices = generator.generate(seed: 17, index: index).choices
      for _ in 0..<1 + stream.next(below: 6) where !choices.isEmpty {
        let place = Int(stream.next(below: UInt64(choices.count)))
        switch stream.next(below: 4) {
        case 0: choices.removeSubrange(place...)
        case 1: choices.remove(at: place)
        case 2: choices[place] = 0
        default: choices[place] = stream.next()
        }
      }
      checkValidity(generator.replay(choices: choices), profile, "edited choices \(index)")
    }
  }

  /// With direct access, growing and using a page takes no import that a choice could leave out.
  @Test(arguments: [GeneratorProfile.direct, .named])
  func noChoicesGiveASmallCaseWithDirectAccess(_ profile: GeneratorProfile) {
    let generated = Generator(profile: profile).replay(choices: [])
    checkValidity(generated, profile, "no choices")
    #expect(generated.choices == [] && !generated.mayTrap)
    #expect(generated.module.functions.count == 1)
    #expect(generated.case.module.count < 160)
  }

  @Test(arguments: [GeneratorProfile.native, .multiMemory, .single, .realWorld])
  func noChoicesGiveATinyCase(_ profile: GeneratorProfile) throws {
    let generated = Generator(profile: profile).replay(choices: [])
    checkValidity(generated, profile, "no choices")
    #expect(generated.choices == [])
    #expect(generated.module.functions.count == 1)
    #expect(generated.module.functions[0].body.instructions == [Instruction(.end)])
    #expect(generated.module.imports.isEmpty)
    #expect(generated.case.plan.messages.count == 2)
    #expect(!generated.mayTrap)
    #expect(generated.case.module.count < 80)
  }

  @Test func sizesAreSmall() {
    let sizes = (0..<1_000).map { Generator().generate(seed: 19, index: $0).case.module.count }.sorted()
    #expect((800...2_800).contains(sizes[500]), "median \(sizes[500])")
    // One module in twenty is crowded.
    #expect(sizes[990] < 10_000)
  }
}
