// Envelopes: what goes in comes out, the module's bytes survive, and nothing that is not one makes the reader trap.

import Canister
import Corpus
import Foundation
import TestSupport
import Testing
import Wasm

@Suite struct EnvelopeTests {
  @Test func roundTrip() throws {
    let entry = sampleEntry()
    let bytes = encodeEnvelope(entry)
    #expect(try decodeEnvelope(bytes) == entry)
    // What is stored is what runs, and any tool can open it.
    #expect(bytes.starts(with: entry.case.module))
    let module = try decodeAndValidate(bytes)
    try validateCanister(module, parameters: Parameters(), allowances: .none)
    #expect(
      module.customSections.map(\.name) == [
        "stablefuzz.plan", "stablefuzz.second", "stablefuzz.choices", "stablefuzz.meta",
      ])
    #expect(encodeEnvelope(entry) == bytes)
    #expect(encodeEnvelope(try decodeEnvelope(bytes)) == bytes)
  }

  @Test func optionalPartsAreOptional() throws {
    var entry = CorpusEntry(case: Case(module: encode(sampleModule()), plan: CallPlan([])))
    #expect(try decodeEnvelope(encodeEnvelope(entry)) == entry)
    entry.choices = []
    #expect(try decodeEnvelope(encodeEnvelope(entry)) == entry)
  }

  @Test func foreignSectionsSurvive() throws {
    var module = sampleModule()
    module.customSections = [
      CustomSection(name: "early", bytes: [1], follows: .start), CustomSection(name: "name", bytes: [9, 9]),
      CustomSection(name: "stablefuzz", bytes: [2]),
    ]
    var entry = sampleEntry()
    entry.case.module = encode(module)
    let once = encodeEnvelope(entry)
    #expect(try decodeEnvelope(once) == entry)
    // An envelope that is used as a module gives up the sections that it brings.
    var nested = entry
    nested.case.module = once
    #expect(encodeEnvelope(nested) == once)
  }

  @Test func strippedSectionsMayStandAnywhere() throws {
    var module = sampleModule()
    let expected = encode(module)
    module.customSections = [
      CustomSection(name: "stablefuzz.choices", bytes: [1, 0], follows: .start),
      CustomSection(
        name: "stablefuzz.meta", bytes: Array(#"{"generatorVersion":"1","index":2,"seed":3}"#.utf8), follows: .type),
    ]
    let entry = try decodeEnvelope(encode(module))
    #expect(entry.case.module == expected)
    #expect(entry.choices == [])
    #expect(entry.meta == EntryMeta(generatorVersion: "1", seed: 3, index: 2))
  }

  @Test func digestIsOfTheBytes() {
    #expect(entryDigest([]).description == "99aa06d3014798d86001c324468d497f")
  }

  // MARK: Bad input

  private func reason(_ bytes: [UInt8]) -> String {
    do {
      _ = try decodeEnvelope(bytes)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func errorsSayWhatAndWhere() {
    let module = encode(sampleModule())
    func envelope(_ section: String, _ contents: [UInt8]) -> [UInt8] {
      var decoded = sampleModule()
      decoded.customSections = [CustomSection(name: "stablefuzz.\(section)", bytes: contents)]
      return encode(decoded)
    }
    let start = "offset 0x\(String(module.count + 18, radix: 16))"
    #expect(reason([]) == "unexpected end at offset 0x0")
    #expect(reason([0, 0x61, 0x73, 0x6D, 2, 0, 0, 0]) == "not a WebAssembly module at offset 0x4")
    #expect(reason(module + [0]) == "unexpected end at offset 0x\(String(module.count + 1, radix: 16))")
    #expect(reason(envelope("plan", [])).hasPrefix("unexpected end"))
    #expect(reason(envelope("plan", [2])) == "call plan of version 2, known is 1 at \(start)")
    #expect(reason(envelope("plan", [1, 1, 77, 0])).hasPrefix("unknown parameter 77"))
    #expect(reason(envelope("plan", [1, 2, 1, 0, 1, 0])).hasPrefix("parameters out of order"))
    #expect(reason(envelope("plan", [1, 1, 11, 2])).hasPrefix("parameter metering cannot be 2"))
    #expect(reason(envelope("plan", [1, 1, 7, 0x81, 0x20])).hasPrefix("parameter stableCapacity cannot be 4097"))
    #expect(reason(envelope("plan", [1, 0, 8])).hasPrefix("unknown strategy 8"))
    #expect(reason(envelope("plan", [1, 0, 0, 1, 9])).hasPrefix("unknown message 9"))
    #expect(reason(envelope("plan", [1, 0, 0, 200, 1, 9])).contains("200 do not fit"))
    #expect(reason(envelope("plan", [1, 0, 0, 1, 2, 2, 0])).hasPrefix("unknown module choice 2"))
    #expect(reason(envelope("plan", [1, 0, 0, 1, 3, 1, 0xFF, 0])).hasPrefix("name is not UTF-8"))
    #expect(reason(envelope("plan", [1, 0, 0, 1, 0, 5, 1])).contains("bytes of argument: 5 do not fit"))
    #expect(reason(envelope("plan", [1, 0, 0, 0, 0])).hasPrefix("1 bytes too many"))
    #expect(
      reason(envelope("choices", [1, 1] + Array(repeating: 0xFF, count: 11))).hasPrefix("integer beyond 64 bits"))
    #expect(reason(envelope("meta", Array("{".utf8))).hasPrefix("stablefuzz.meta: "))
    #expect(reason(envelope("meta", Array(#"{"seed":1}"#.utf8))).contains("generatorVersion"))
    #expect(reason(envelope("plam", [])).hasPrefix("unknown section 'stablefuzz.plam'"))
    var twice = sampleModule()
    twice.customSections = [
      CustomSection(name: "stablefuzz.plan", bytes: [1, 0, 0, 0]), CustomSection(name: "stablefuzz.plan", bytes: []),
    ]
    #expect(reason(encode(twice)).contains("section 'stablefuzz.plan' twice"))
  }

  @Test func parametersAddedLaterHaveDefaults() throws {
    var module = sampleModule()
    module.customSections = [CustomSection(name: "stablefuzz.plan", bytes: [1, 0, 0, 1, 5])]
    let entry = try decodeEnvelope(encode(module))
    #expect(entry.case.parameters == Parameters())
    #expect(entry.case.plan == CallPlan([.heartbeat]))
  }

  /// Every prefix, and many random changes: an entry or an error, nothing else.
  @Test func corruptEnvelopesNeverTrap() {
    let bytes = encodeEnvelope(sampleEntry())
    for length in bytes.indices { _ = try? decodeEnvelope(Array(bytes[..<length])) }
    var random = SeededGenerator(seed: 1)
    var errors = 0
    for _ in 0..<50_000 {
      var changed = bytes
      for _ in 0..<1 + random.number(below: 4) {
        let position = random.number(below: changed.count)
        switch random.number(below: 3) {
        case 0: changed[position] = UInt8(truncatingIfNeeded: random.next())
        case 1: changed.remove(at: position)
        default: changed.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
        }
      }
      if (try? decodeEnvelope(changed)) == nil { errors += 1 }
    }
    #expect(errors > 10_000)
  }

  // MARK: Default plans

  @Test func plainModulesGetTheDefaultPlan() throws {
    var module = sampleModule(["canister_update a", "canister_query b", "canister_composite_query c", "other"])
    module.exports += ["canister_heartbeat", "canister_global_timer", "canister_inspect_message", "canister_init"].map {
      Export(name: $0, kind: .function(FunctionIndex(0)))
    }
    let entry = try decodeEnvelope(encode(module))
    #expect(entry.choices == nil && entry.meta == nil)
    #expect(entry.case.parameters.instructionLimit == Parameters.productionInstructionLimit)
    let candid = Array("DIDL\0\0".utf8)
    let round: [Message] = [
      .update(name: "a", argument: []), .update(name: "a", argument: candid), .query(name: "b", argument: []),
      .query(name: "b", argument: candid), .query(name: "c", argument: []), .query(name: "c", argument: candid),
      .heartbeat, .globalTimer, .inspectMessage(name: "a", argument: candid),
    ]
    let install: [Message] = [.install(argument: []), .reinstall(.first, argument: candid)]
    let upgrade: [Message] = [.upgrade(.first, argument: []), .upgrade(.first, argument: candid)]
    let reinstall: [Message] = [.reinstall(.first, argument: []), .reinstall(.first, argument: candid)]
    #expect(entry.case.plan.messages == install + round + upgrade + round + reinstall)
  }

  @Test func malformedPlainModulesGiveTheDecodersError() {
    #expect(reason(encode(sampleModule()) + [1, 1, 0xFF]).contains(" at offset 0x"))
  }

  @Test func realCanistersGetPlans() throws {
    guard let folder = Inputs.input("canisters") else {
      Inputs.reportSkip("canister modules", "no inputs beside the package")
      return
    }
    for url in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    where url.pathExtension == "wasm" {
      let bytes = try Inputs.bytes(url)
      let entry = try decodeEnvelope(bytes)
      #expect(entry.case.module == bytes, "\(url.lastPathComponent)")
      let module = try decode(bytes)
      let messages = entry.case.plan.messages
      for export in module.exports {
        guard let space = export.name.firstIndex(of: " "), export.name.hasPrefix("canister_") else { continue }
        let name = String(export.name[export.name.index(after: space)...])
        let calls = messages.count { message in
          switch message {
          case .update(name, _), .query(name, _): true
          default: false
          }
        }
        #expect(calls == 4, "\(url.lastPathComponent) \(export.name)")
      }
      #expect(try decodeEnvelope(encodeEnvelope(entry)) == entry)
    }
  }
}
