// Every planted fault finds a place in some module made by hand, and leaves it valid. That the harness finds the faults
// is shown by the tests of the campaign.

import Canister
import Instrumentation
import Mutation
import Testing
import Wasm

@Suite struct PlantedFaultTests {
  @Test func namesAreUnique() {
    let names = PlantedFault.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count >= 30)
    #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" } })
    #expect(PlantedFault.all.allSatisfy { $0.rule.hasSuffix(".") && !$0.profiles.isEmpty })
    #expect(PlantedFault(name: names[0])?.name == names[0])
    #expect(PlantedFault(name: "no such fault") == nil)
  }

  @Test(arguments: PlantedFault.all)
  func appliesAndStaysValid(_ fault: PlantedFault) throws {
    var sites = 0
    for shape in SampleShape.all {
      let original = everything(shape)
      for strategy in Strategy.all {
        let instrumented = try instrument(original, strategy: strategy, parameters: Parameters())
        guard
          let mutant = fault.apply(
            to: instrumented, original: original, strategy: strategy, parameters: Parameters())
        else { continue }
        sites += 1
        #expect(mutant != instrumented)
        try validate(mutant)
      }
    }
    #expect(sites > 0, "\(fault.name) has no place in any sample")
  }

  /// The least that a fault in an injected function has: a place in every module that imports the function.
  @Test(arguments: PlantedFault.all, [false, true])
  func injectedFaultsHaveAPlaceWhereverTheFunctionIs(_ fault: PlantedFault, _ is64BitHeap: Bool) throws {
    let functions = ["read64-", "write64-", "grow64-", "decrement-", "count-"]
    guard functions.contains(where: fault.name.hasPrefix) else { return }
    let original = everything(SampleShape(is64BitHeap: is64BitHeap))
    for strategy in Strategy.all {
      let instrumented = try instrument(original, strategy: strategy, parameters: Parameters())
      let mutant = fault.apply(to: instrumented, original: original, strategy: strategy, parameters: Parameters())
      #expect(mutant != nil, "\(fault.name), \(strategy)")
    }
  }

  @Test func modulesWithoutAPlaceAreLeftAlone() throws {
    let original = around([])
    let strategy = Strategy(memory: .second, imports: .front)
    let instrumented = try instrument(original, strategy: strategy, parameters: Parameters())
    for fault in PlantedFault.all where fault.name.hasPrefix("read") || fault.name.hasPrefix("write") {
      #expect(
        fault.apply(to: instrumented, original: original, strategy: strategy, parameters: Parameters()) == nil)
    }
  }
}
