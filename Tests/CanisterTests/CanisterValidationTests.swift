// The IC's rules for canister modules, one broken at a time; and real canisters, which break none.

import Canister
import Foundation
import TestSupport
import Testing
import Wasm

/// A canister with a heap, one method and one import; valid.
private func sample() -> Module {
  var module = Module()
  module.types = [FunctionType(), FunctionType([.i32, .i32, .i32]), FunctionType([.i64], [.i64])]
  module.imports = [Import(module: "ic0", name: "stable_read", kind: .function(TypeIndex(1)))]
  module.functions = [Function(type: TypeIndex(0), body: FunctionBody(instructions: [Instruction(.end)]))]
  module.memories = [MemoryType(Limits(minimum: 1))]
  module.exports = [Export(name: "canister_update go", kind: .function(FunctionIndex(1)))]
  return module
}

private func error(
  _ module: Module, _ allowances: CanisterAllowances = .all, _ parameters: Parameters = Parameters()
) -> CanisterValidationError? {
  do {
    try validateCanister(module, parameters: parameters, allowances: allowances)
    return nil
  } catch {
    return error
  }
}

private func expectRefused(
  _ reason: String, at location: String? = nil, _ allowances: CanisterAllowances = .all,
  sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout Module) -> Void
) {
  var module = sample()
  change(&module)
  let found = error(module, allowances)
  #expect(found?.reason.contains(reason) == true, "\(String(describing: found))", sourceLocation: sourceLocation)
  let bytes = encode(module)
  let offset = found?.located(in: bytes).offset
  #expect(offset.map { $0 < bytes.count } == true, "no offset", sourceLocation: sourceLocation)
  if let location {
    let place = found.map { "\($0.location)" }
    #expect(place?.hasPrefix(location) == true, "\(String(describing: found))", sourceLocation: sourceLocation)
  }
}

private func expectAccepted(
  _ allowances: CanisterAllowances = .all, sourceLocation: SourceLocation = #_sourceLocation,
  _ change: (inout Module) -> Void
) {
  var module = sample()
  change(&module)
  #expect(error(module, allowances) == nil, sourceLocation: sourceLocation)
}

@Suite struct CanisterValidationTests {
  @Test func sampleIsAccepted() {
    #expect(error(sample(), .none) == nil)
    #expect(error(Module(), .none) == nil)
  }

  // MARK: Imports

  @Test func imports() {
    expectRefused("env.stable_read: module 'env' is unknown", at: "import 0") { $0.imports[0].module = "env" }
    expectRefused("module '__' is unknown") {
      $0.imports[0] = Import(module: "__", name: "internal_trap", kind: .function(TypeIndex(1)))
    }
    expectRefused("not a function of the System API") { $0.imports[0].name = "stable_reed" }
    expectRefused("wrong signature") { $0.imports[0].kind = .function(TypeIndex(0)) }
    expectRefused("wrong signature") { $0.imports[0].kind = .function(TypeIndex(99)) }
    expectRefused("wrong signature") {
      $0.types.append(FunctionType([.i32, .i32, .i32], [.i32]))
      $0.imports[0].kind = .function(TypeIndex(3))
    }
    expectRefused("globals") { $0.imports[0].kind = .global(GlobalType(.i32)) }
    expectRefused("importing memories") { $0.imports[0].kind = .memory(MemoryType(Limits(minimum: 1))) }
    expectRefused("has to define it") {
      $0.imports[0] = Import(module: "env", name: "memory", kind: .memory(MemoryType(Limits(minimum: 1))))
    }
    expectRefused("has to define it") {
      $0.imports[0] = Import(module: "env", name: "table", kind: .table(TableType(.funcref, Limits(minimum: 1))))
    }
  }

  @Test func sameImportTwice() {
    expectAccepted(.none) {
      $0.imports.append($0.imports[0])
      $0.exports[0].kind = .function(FunctionIndex(2))
    }
  }

  @Test func importsFollowTheHeapWidth() {
    expectRefused("64-bit heap") { $0.memories = [MemoryType(Limits(minimum: 1), is64Bit: true)] }
    expectAccepted(.none) {
      $0.memories = [MemoryType(Limits(minimum: 1), is64Bit: true)]
      $0.imports[0] = Import(module: "ic0", name: "stable64_grow", kind: .function(TypeIndex(2)))
    }
    for is64Bit in [false, true] {
      for row in SystemRow.all {
        var module = sample()
        module.memories = [MemoryType(Limits(minimum: 1), is64Bit: is64Bit)]
        module.types.append(row.type(is64BitHeap: is64Bit) ?? FunctionType())
        module.imports[0] = Import(module: "ic0", name: row.name, kind: .function(TypeIndex(3)))
        #expect((error(module, .none) == nil) == (row.type(is64BitHeap: is64Bit) != nil), "\(row.name)")
        module.types[3].results.append(.f32)
        #expect(error(module, .none) != nil, "\(row.name)")
      }
    }
  }

  @Test func stableAccessNeedsHeap() {
    expectRefused("must define memory") { $0.memories = [] }
    expectAccepted(.none) {
      $0.memories = []
      $0.imports[0] = Import(module: "ic0", name: "stable64_grow", kind: .function(TypeIndex(2)))
    }
  }

  // MARK: Exports

  @Test(arguments: [
    "canister counter_instructions", "canister_start", "canister counter_dirty_pages",
    "canister counter_accessed_pages", "stable_memory", "stable_bytemap_memory", "__persistent_mutable_global_0",
    "__persistent_mutable_global_", "memory", "table",
  ])
  func reservedNames(_ name: String) {
    expectRefused("'\(name)': reserved", at: "export 0") {
      $0.tables = [Table(TableType(.funcref, Limits(minimum: 0)))]
      $0.exports[0].name = name
    }
  }

  @Test func reservedNamesOfOtherKinds() {
    expectRefused("reserved") { $0.exports[0] = Export(name: "stable_memory", kind: .memory(MemoryIndex(0))) }
    expectAccepted(.none) { $0.exports.append(Export(name: "memory", kind: .memory(MemoryIndex(0)))) }
    expectAccepted(.none) { $0.exports.append(Export(name: "canister_start_", kind: .memory(MemoryIndex(0)))) }
  }

  @Test func entryPoints() {
    for entryPoint in EntryPoint.allCases where entryPoint != .start && !entryPoint.isMethod {
      expectAccepted(.none) { $0.exports[0].name = entryPoint.exportName }
      expectRefused("no parameters") {
        $0.exports[0].name = entryPoint.exportName
        $0.functions[0].type = TypeIndex(2)
      }
    }
    expectRefused("'canister_' are reserved") { $0.exports[0].name = "canister_foo" }
    expectRefused("'canister_' are reserved") { $0.exports[0].name = "canister_update" }
    expectRefused("'canister_' are reserved") { $0.exports[0].name = "canister_updates x" }
    expectRefused("no parameters") { $0.exports[0].kind = .function(FunctionIndex(0)) }
    expectRefused("no parameters") { $0.exports[0].kind = .function(FunctionIndex(77)) }
    expectAccepted(.none) { $0.exports[0].name = "canister_update " }
    expectAccepted(.none) { $0.exports.append(Export(name: "helper", kind: .function(FunctionIndex(0)))) }
  }

  @Test func methodNamesAreUniqueAcrossKinds() {
    let function = ExportKind.function(FunctionIndex(1))
    for kind in ["canister_query go", "canister_composite_query go"] {
      expectRefused("same name", at: "export 1") { $0.exports.append(Export(name: kind, kind: function)) }
    }
    // Equal to a person, different to the IC.
    expectAccepted(.none) {
      $0.exports.append(Export(name: "canister_query \u{E9}", kind: function))
      $0.exports.append(Export(name: "canister_update e\u{301}", kind: function))
    }
    // Beyond the number that is compared one by one.
    let many = (0..<40).map { Export(name: "canister_query m\($0)", kind: function) }
    expectAccepted(.none) { $0.exports += many }
    for repeated in [0, 20, 39] {
      expectRefused("same name", at: "export 41") {
        $0.exports += many
        $0.exports.append(Export(name: "canister_update m\(repeated)", kind: function))
      }
    }
  }

  @Test func methodLimits() {
    func exports(_ count: Int, length: Int) -> [Export] {
      (0..<count).map { number in
        let digits = String(number)
        let name = String(repeating: "x", count: max(0, length - digits.utf8.count)) + digits
        return Export(name: "canister_query \(name)", kind: .function(FunctionIndex(1)))
      }
    }
    expectAccepted(.none) { $0.exports = exports(1_000, length: 20) }
    expectRefused("methods, allowed") { $0.exports = exports(1_001, length: 4) }
    expectRefused("method names of 20001 bytes") {
      $0.exports = exports(999, length: 20)
      $0.exports.append(
        Export(name: "canister_query \(String(repeating: "y", count: 21))", kind: .function(FunctionIndex(1))))
    }
  }

  // MARK: Data, globals, functions, memories, tables

  @Test func activeData() {
    func segment(_ offset: [Instruction], bytes: Int = 4, memory: Int = 0) -> DataSegment {
      DataSegment(mode: .active(MemoryIndex(memory), offset: offset), bytes: Array(repeating: 1, count: bytes))
    }
    expectAccepted(.none) { $0.data = [segment([.i32(65_532)]), segment([.i32(65_536)], bytes: 0)] }
    expectRefused("outside the initial memory", at: "data segment 0") { $0.data = [segment([.i32(65_533)])] }
    expectRefused("outside") { $0.data = [segment([.i32(-4)])] }
    expectRefused("outside") { $0.data = [segment([.i32(65_537)], bytes: 0)] }
    expectRefused("single i32.const") { $0.data = [segment([.i32(1), .i32(1), Instruction(.i32Add)])] }
    expectRefused("single i32.const") { $0.data = [segment([.get(GlobalIndex(0))])] }
    expectRefused("single i32.const") { $0.data = [segment([])] }
    expectRefused("unknown memory") { $0.data = [segment([.i32(0)], memory: 1)] }
    expectAccepted(.none) { $0.data = [DataSegment(mode: .passive, bytes: [1, 2, 3])] }
    expectRefused("single i64.const") {
      $0.imports = []
      $0.exports = []
      $0.memories[0].is64Bit = true
      $0.data = [segment([.i32(0)])]
    }
  }

  @Test func globals() {
    let global = Global(GlobalType(.i32), [.i32(0)])
    expectAccepted(.none) { $0.globals = Array(repeating: global, count: 1_000) }
    expectRefused("1001 globals") { $0.globals = Array(repeating: global, count: 1_001) }
    expectRefused("reference type", at: "global 1") {
      $0.globals = [
        global, Global(GlobalType(.funcref), [Instruction(.refNull, .referenceType(.funcref))]),
      ]
    }
  }

  @Test func functionCount() {
    expectAccepted(.none) { $0.functions = Array(repeating: $0.functions[0], count: 50_000) }
    expectRefused("50001 functions") { $0.functions = Array(repeating: $0.functions[0], count: 50_001) }
  }

  @Test func memories() {
    expectRefused("more than one memory", .none) { $0.memories.append($0.memories[0]) }
    expectAccepted { $0.memories.append($0.memories[0]) }
    var parameters = Parameters()
    parameters.heapLimit32 = 100
    var module = sample()
    module.memories[0].limits = Limits(minimum: 101, maximum: 65_536)
    #expect(error(module, .none, parameters)?.reason.contains("initial size") == true)
    module.memories[0].limits.minimum = 100
    #expect(error(module, .none, parameters) == nil)
    expectRefused("declared maximum", at: "memory 0") {
      $0.imports = []
      $0.exports = []
      $0.memories = [MemoryType(Limits(minimum: 0, maximum: 98_305), is64Bit: true)]
    }
    expectAccepted(.none) {
      $0.imports = []
      $0.exports = []
      $0.memories = [MemoryType(Limits(minimum: 98_304, maximum: 98_304), is64Bit: true)]
    }
    expectRefused("initial size", at: "memory 0") {
      $0.imports = []
      $0.exports = []
      $0.memories = [MemoryType(Limits(minimum: 98_305), is64Bit: true)]
    }
  }

  @Test func tables() {
    let table = Table(TableType(.funcref, Limits(minimum: 1_000_000)))
    expectAccepted(.none) { $0.tables = [table] }
    expectRefused("more than one table", .none) { $0.tables = [table, table] }
    expectAccepted { $0.tables = [table, table] }
    expectRefused("elements, allowed", at: "table 0") {
      $0.tables = [Table(TableType(.funcref, Limits(minimum: 1_000_001)))]
    }
  }

  // MARK: Code

  @Test func complexity() {
    func body(_ instructions: [Instruction]) -> FunctionBody { FunctionBody(instructions: instructions) }
    func blocks(_ count: Int) -> [Instruction] {
      Array(repeating: [Instruction(.block, .block(.empty)), Instruction(.end)], count: count).flatMap(\.self)
    }
    // A block weighs 50 and every end 1.
    expectAccepted(.none) { $0.functions[0].body = body(blocks(19_607) + [Instruction(.end)]) }
    expectRefused("complexity 1000009", at: "function 1") {
      $0.functions[0].body = body(blocks(19_608) + [Instruction(.end)])
    }
    let nops = Array(repeating: Instruction(.nop), count: 999_999)
    expectAccepted(.none) { $0.functions[0].body = body(nops + [Instruction(.end)]) }
    expectRefused("complexity 1000001") {
      $0.functions[0].body = body(nops + [Instruction(.nop), Instruction(.end)])
    }
  }

  @Test func refusedInstructions() {
    let refused: [Instruction] = [
      Instruction(.tableSet, .table(TableIndex(0))), Instruction(.tableGrow, .table(TableIndex(0))),
      Instruction(.tableFill, .table(TableIndex(0))), Instruction(.returnCall, .function(FunctionIndex(0))),
    ]
    for instruction in refused {
      expectAccepted { $0.functions[0].body.instructions.insert(instruction, at: 0) }
      let reason = instruction.opcode == .returnCall ? "tail calls" : "unsupported instruction"
      expectRefused(reason, at: "function 1", .none) { $0.functions[0].body.instructions.insert(instruction, at: 0) }
    }
  }

  // MARK: Custom sections and sizes

  @Test func customSections() {
    func sections(_ names: String...) -> [CustomSection] { names.map { CustomSection(name: $0, bytes: [1]) } }
    expectAccepted(.none) {
      $0.customSections = sections(
        "icp:public candid:service", "icp:private x", "icp:public ", "name", "producers", "stablefuzz.plan", "name")
    }
    expectRefused("'icp:candid': must begin with", at: "custom section 0") {
      $0.customSections = sections("icp:candid")
    }
    expectRefused("must begin with") { $0.customSections = sections("icp:public") }
    expectRefused("used twice") { $0.customSections = sections("icp:public a", "icp:private a") }
    let sixteen = (0..<16).map { CustomSection(name: "icp:public \($0)", bytes: []) }
    expectAccepted(.none) { $0.customSections = sixteen }
    expectRefused("17 'icp:' sections") { $0.customSections = sixteen + sections("icp:public a") }
    let large = CustomSection(name: "icp:public a", bytes: Array(repeating: 0, count: (1 << 20) - 1))
    expectAccepted(.none) { $0.customSections = [large] }
    expectRefused("1048577 bytes in 'icp:' sections") {
      $0.customSections = [large]
      $0.customSections[0].bytes.append(0)
    }
    expectRefused("bytes in 'icp:' sections", at: "custom section 1") {
      $0.customSections = [large] + sections("icp:public b")
    }
  }

  @Test func sizes() throws {
    var bytes = encode(sample())
    try validateCanisterSize(bytes)
    try validateCanisterSize([])
    // A code section that claims 10 MiB, and one of one byte more.
    try validateCanisterSize(bytes + [10, 0x80, 0x80, 0x80, 0x05])
    bytes += [10, 0x81, 0x80, 0x80, 0x05]
    let refused = #expect(throws: CanisterValidationError.self) { try validateCanisterSize(bytes) }
    #expect(refused?.description == "10485761 bytes, allowed are 10485760 (code section)")
    // A module of 100 MiB, and one of one byte more; both are all zeros after a preamble.
    var large = Array(encode(Module()))
    large += Array(repeating: 0, count: (100 << 20) - large.count)
    try validateCanisterSize(large)
    large.append(0)
    #expect(throws: CanisterValidationError.self) { try validateCanisterSize(large) }
    for length in bytes.indices { try? validateCanisterSize(Array(bytes[..<length])) }
  }

  // MARK: Real canisters

  @Test func realCanistersAreAccepted() throws {
    guard let folder = Inputs.input("canisters") else {
      Inputs.reportSkip("canister modules", "no inputs beside the package")
      return
    }
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let modules = files.filter { $0.pathExtension == "wasm" }
    #expect(modules.count == 12)
    for url in modules {
      let bytes = try Inputs.bytes(url)
      try validateCanisterSize(bytes)
      #expect(error(try decode(bytes), .none) == nil, "\(url.lastPathComponent)")
    }
  }

  @Test func speed() {
    var module = sample()
    for number in 0..<6 {
      module.exports.append(Export(name: "canister_query m\(number)", kind: .function(FunctionIndex(1))))
      module.imports.append(module.imports[0])
      module.data.append(DataSegment(mode: .active(MemoryIndex(0), offset: [.i32(16)]), bytes: [1, 2, 3, 4]))
      module.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(0)]))
    }
    for index in module.exports.indices { module.exports[index].kind = .function(FunctionIndex(7)) }
    let clock = ContinuousClock()
    var accepted = 0
    let elapsed = clock.measure { for _ in 0..<1_000 where error(module) == nil { accepted += 1 } }
    print("validateCanister: \(elapsed / 1_000) per module")
    #expect(accepted == 1_000)
  }
}
