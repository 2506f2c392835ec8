// Generated, mutated and corrupted modules with the verdict of an outside validator: agreement must be complete.
// One more check of decoder and validator against an implementation that nobody on the project wrote.

import Foundation
import TestSupport
import Testing
import Wasm

@Suite struct ValidityTests {
  @Test func verdictsAgree() throws {
    guard let folder = try Inputs.unpacked("validity")?.appendingPathComponent("validity") else {
      Inputs.reportSkip("validity set", "no inputs beside the package")
      return
    }
    var valid = 0
    var invalid = 0
    for row in try Inputs.table(folder.appendingPathComponent("verdicts.tsv")) {
      guard let file = row["file"] else { continue }
      let bytes = try Inputs.bytes(folder.appendingPathComponent(file))
      do {
        let module = try decodeAndValidate(bytes)
        #expect(row["verdict"] == "valid", "\(file) accepted, should be: \(row["message"] ?? "")")
        expectRoundTrip(module, file)
        #expect(sectionDifference(bytes, encode(module)) == nil, "\(file)")
        valid += 1
      } catch {
        #expect(row["verdict"] == "invalid", "\(file) refused: \(error)")
        #expect(error.offset != nil, "\(file): no offset: \(error)")
        invalid += 1
      }
    }
    print("validity set: \(valid) valid, \(invalid) invalid")
    #expect(valid + invalid == 2_331)
  }
}
