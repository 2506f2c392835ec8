// The profile `single` has a case for every opcode, System API function and boundary class, before any random case.

import Canister
import Generation
import Testing
import Wasm

@Suite struct SingleTests {
  private static let cases = (0..<UInt64(Generator.singleCount)).map {
    Generator(profile: .single).generate(seed: 3, index: $0)
  }

  @Test func everyOpcodeHasACase() {
    var seen: Set<UInt16> = []
    for generated in Self.cases {
      for function in generated.module.functions {
        for instruction in function.body.instructions { seen.insert(instruction.opcode.rawValue) }
      }
    }
    // Vectors come with `GenerationTables.makesVectors`: all of them or none.
    let vectors = seen.contains(where: { $0 >= 0xFD00 })
    for opcode in Opcode.allCases where vectors || opcode.rawValue < 0xFD00 {
      #expect(seen.contains(opcode.rawValue), "\(opcode.row.text)")
    }
  }

  @Test func everySystemFunctionIsCalled() {
    var called: Set<String> = []
    for generated in Self.cases {
      for function in generated.module.functions {
        for instruction in function.body.instructions {
          guard case .function(let index) = instruction.immediate, instruction.opcode == .call,
            index.position < generated.module.imports.count
          else { continue }
          called.insert(generated.module.imports[index.position].name)
        }
      }
    }
    #expect(called == Set(SystemFunction.allCases.map(\.name)))
  }

  @Test func everyBoundaryClassHasACase() {
    var coverage = OperandCoverage()
    for generated in Self.cases { coverage = coverage.union(generated.coverage) }
    for function in SystemFunction.allCases {
      guard let access = AccessSet(function) else { continue }
      for row in RangeRow.all where row.isFor(access) {
        #expect(coverage.contains(row.rangeClass, function), "\(function.name): \(row.name)")
      }
      for row in HeapRow.all where row.isFor(access) {
        #expect(coverage.contains(row.heapClass, function), "\(function.name): \(row.name)")
      }
    }
    for row in GrowthRow.all {
      #expect(coverage.contains(row.growthClass, .stable64Grow), "\(row.name)")
      #expect(row.isOnlyWide || coverage.contains(row.growthClass, .stableGrow), "\(row.name)")
    }
  }

  @Test func randomCasesComeAfterwards() {
    let first = UInt64(Generator.singleCount)
    let generated = Generator(profile: .single).generate(seed: 3, index: first)
    #expect(Generator(profile: .single).replay(choices: generated.choices).case == generated.case)
    #expect(!Self.cases.contains { $0.case == generated.case })
  }
}
