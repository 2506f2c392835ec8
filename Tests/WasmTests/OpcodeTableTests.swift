// The opcode table: rows in the order of the cases, names, encodings, costs against the replica's table.
// Everything else in `Wasm` is derived from these rows.

import Foundation
import TestSupport
import Testing
import Wasm

@Suite struct OpcodeTableTests {
  @Test func rowsStandInTheOrderOfTheCases() {
    for (position, opcode) in Opcode.allCases.enumerated() {
      #expect(opcode.ordinal == position)
      #expect(opcode.row.opcode == opcode, "row \(position) is \(opcode.row.text), not \(opcode)")
    }
  }

  @Test func namesAreUniqueExceptSelect() {
    let groups = Dictionary(grouping: Opcode.allCases) { "\($0.row.text)" }
    for (name, opcodes) in groups where opcodes.count > 1 {
      #expect(name == "select" && opcodes.count == 2)
    }
  }

  @Test func alignmentIsTheWidthOfTheAccess() {
    let expected: [(Opcode, UInt8)] = [
      (.i32Load8U, 0), (.i64Store16, 1), (.i64Load32S, 2), (.f32Load, 2), (.i64Load, 3), (.f64Store, 3),
      (.v128Load, 4), (.v128Store, 4), (.v128Load8x8S, 3), (.v128Load32x2U, 3), (.v128Load8Splat, 0),
      (.v128Load64Zero, 3), (.v128Store16Lane, 1), (.memorySize, 0), (.i32Add, 0),
    ]
    for (opcode, alignment) in expected {
      #expect(opcode.row.alignment == alignment, "\(opcode.row.text)")
    }
  }

  @Test func costsAreTheReplicas() throws {
    guard let url = Inputs.reference("cost-table.json") else {
      Inputs.reportSkip("instruction costs", "no reference table beside the package")
      return
    }
    let table = try JSONDecoder().decode(CostTable.self, from: try Data(contentsOf: url))
    var compared: Set<String> = []
    for opcode in Opcode.allCases {
      let name = "\(opcode.row.text)"
      compared.insert(name)
      #expect(Int(opcode.cost(is64BitHeap: false)) == table.wasm32[name] ?? table.fallback, "\(name), 32-bit heap")
      #expect(Int(opcode.cost(is64BitHeap: true)) == table.wasm64[name] ?? table.fallback, "\(name), 64-bit heap")
    }
    let missing = Set(table.wasm32.keys).subtracting(compared).sorted()
    #expect(missing.isEmpty, "in the reference table only: \(missing)")
  }

  private struct CostTable: Decodable {
    let wasm32: [String: Int]
    let wasm64: [String: Int]
    let fallback: Int

    private enum CodingKeys: String, CodingKey {
      case wasm32, wasm64
      case fallback = "default_cost_for_anything_not_listed"
    }
  }
}
