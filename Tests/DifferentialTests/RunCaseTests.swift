// The spine on cases that are wrong by themselves: every mistake is a verdict, and says where it is.

import Canister
import Differential
import Generation
import Testing
import Wasm

@Suite struct RunCaseTests {
  private let runner = CaseRunner()

  private func fault(_ module: [UInt8]) -> Fault? {
    let testCase = Case(module: module, plan: CallPlan([.install(argument: [])]))
    guard case .fault(let fault) = runner.runCase(testCase).verdict else { return nil }
    return fault
  }

  @Test func garbageIsADecodingFault() {
    #expect(fault([1, 2, 3])?.stage == .decode)
    #expect(fault([])?.stage == .decode)
  }

  @Test func anInvalidModuleIsAValidationFault() {
    var module = Module()
    module.types = [FunctionType([], [.i32])]
    module.functions = [Function(type: TypeIndex(0), body: FunctionBody(instructions: [Instruction(.end)]))]
    let found = fault(encode(module))
    #expect(found?.stage == .validate)
    #expect(found?.reason.contains("offset") == true, "\(found?.reason ?? "")")
  }

  @Test func aForeignImportIsAgainstTheCanisterRules() {
    var module = Module()
    module.types = [FunctionType()]
    module.imports = [Import(module: "env", name: "f", kind: .function(TypeIndex(0)))]
    #expect(fault(encode(module))?.stage == .canisterRules)
  }

  @Test func aBrokenInstrumenterIsAFault() {
    let generated = Generator(profile: .native).generate(seed: 1, index: 0).case
    let empty = CaseRunner { _, _, _ in Module() }.runCase(generated)
    guard case .fault(let abi) = empty.verdict else { return #expect(Bool(false), "\(empty.verdict)") }
    #expect(abi.stage == .instrumentedABI)
    let invalid = CaseRunner { module, _, _ in
      var module = module
      module.start = FunctionIndex(4_000_000)
      return module
    }.runCase(generated)
    guard case .fault(let validity) = invalid.verdict else { return #expect(Bool(false), "\(invalid.verdict)") }
    #expect(validity.stage == .instrumentedValidate)
  }

  @Test func messagesOutOfOrderAgree() {
    var testCase = Generator(profile: .native).generate(seed: 1, index: 1).case
    testCase.plan = CallPlan(
      [.update(name: "none", argument: []), .upgrade(.first, argument: []), .heartbeat] + testCase.plan.messages
        + [.install(argument: []), .query(name: "none", argument: [])])
    #expect(runner.runCase(testCase, lanes: .strategies(Strategy.all)).verdict == .agree)
  }
}
