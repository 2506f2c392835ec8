// print → parse → encode gives the bytes back: for every opcode, the sample with everything, and all outside sets. Where
// a name section or groups of locals are not in the form that text leads to, the same module with those settled.

import Foundation
import TestSupport
import Testing
import Wasm

extension Module {
  /// Makes one group of adjacent groups of the same type and leaves out empty groups, as parsing a text does.
  mutating func uniteLocals() {
    for position in functions.indices {
      var groups: [LocalGroup] = []
      for group in functions[position].body.locals where group.count > 0 {
        if groups.last?.type == group.type {
          groups[groups.count - 1].count += group.count
        } else {
          groups.append(group)
        }
      }
      functions[position].body.locals = groups
    }
  }

  fileprivate var withoutNames: Module {
    var module = self
    module.customSections.removeAll { $0.name == NameSection.sectionName }
    // Settles the places of the other custom sections anew.
    return (try? decode(encode(module))) ?? module
  }
}

/// What became of some modules.
struct TextRoundTrip {
  /// The bytes came back.
  var same = 0
  /// The module came back, with names or groups of locals written differently.
  var equivalent = 0
  var textBytes = 0
  var failures: [String] = []

  mutating func check(_ module: Module, _ name: String) {
    let text = printText(module)
    textBytes += text.utf8.count
    do {
      let parsed = try parseText(text)
      if encode(parsed) == encode(module) {
        same += 1
        return
      }
      var united = module
      united.uniteLocals()
      if parsed.withoutNames == united.withoutNames, namesAgree(parsed, module) {
        equivalent += 1
      } else {
        failures.append("\(name) comes back different")
      }
    } catch {
      failures.append("\(name) cannot be parsed: \(error.marked)")
    }
  }

  /// Whether the names that text has words for are the same: those of things that exist.
  private func namesAgree(_ parsed: Module, _ module: Module) -> Bool {
    var (found, wanted) = (parsed.names ?? NameSection(), module.names ?? NameSection())
    found.unknown = []
    wanted.unknown = []
    let functions = IndexSpaces(module).functions
    let imported = functions.count - module.functions.count
    func body(_ index: FunctionIndex) -> FunctionBody? {
      index.position >= imported && index.position < functions.count
        ? module.functions[index.position - imported].body : nil
    }
    for position in wanted.locals.indices {
      let function = wanted.locals[position].function
      guard function.position < functions.count else { continue }
      let count =
        module.types[functions[function.position].position].parameters.count
        + (body(function)?.locals.reduce(0) { $0 + Int($1.count) } ?? 0)
      wanted.locals[position].names.removeAll { $0.index.position >= count }
    }
    for position in wanted.labels.indices {
      let blocks = body(wanted.labels[position].function)?.instructions.count { instruction in
        if case .block = instruction.immediate { true } else { false }
      }
      wanted.labels[position].names.removeAll { $0.index.position >= blocks ?? 0 }
    }
    wanted.locals.removeAll(where: \.names.isEmpty)
    wanted.labels.removeAll(where: \.names.isEmpty)
    return found == wanted
  }

  func report(_ what: String) {
    print(
      """
      print → parse → encode, \(what): \(same) with the same bytes, \(equivalent) the same with names or locals encoded \
      anew, \(failures.count) failures; \(textBytes) bytes of text
      """)
    for failure in failures.prefix(20) { Issue.record("\(failure)") }
  }
}

@Suite struct TextRoundTripTests {
  @Test(arguments: Opcode.allCases)
  func everyOpcodeSurvives(_ opcode: Opcode) throws {
    var body = [Instruction(opcode, sampleImmediate(opcode))]
    if opcode == .else { body.insert(Instruction(.if, .block(.empty)), at: 0) }
    if case .block = body[0].immediate { body.append(Instruction(.end)) }
    if opcode == .end { body = [] }
    let module = module(body, labels: opcode == .brTable ? [5, 1000] : [])
    let text = printText(module)
    #expect(try parseText(text) == module, "\(text)")
  }

  @Test func everySectionSurvives() throws {
    let module = everything()
    let text = printText(module)
    #expect(try parseText(text) == module, "\(text)")
    #expect(try parseText(printText(Module())) == Module())
  }

  /// Sections and names in every place that they can have.
  @Test func placesOfCustomSectionsSurvive() throws {
    for place in SectionOrder.allCases {
      for nameSection in SectionOrder.allCases {
        var module = everything()
        for position in module.customSections.indices {
          let isNames = module.customSections[position].name == NameSection.sectionName
          module.customSections[position].follows = isNames ? nameSection : place
        }
        module = try decode(encode(module))
        #expect(try parseText(printText(module)) == module, "\(place), names \(nameSection)")
      }
    }
  }

  @Test func oddNamesSurvive() throws {
    var module = everything()
    var names = NameSection()
    names.module = ""
    names.functions = [
      IndexedName(FunctionIndex(0), ""), IndexedName(FunctionIndex(1), "\u{e9}\u{0}\"\\\n"),
      IndexedName(FunctionIndex(2), "\u{e9}\u{0}\"\\\n"),
    ]
    names.locals = [
      FunctionNames(FunctionIndex(0), [IndexedName(LocalIndex(0), "a"), IndexedName(LocalIndex(6), "b")]),
      FunctionNames(
        FunctionIndex(1),
        [IndexedName(LocalIndex(0), "x"), IndexedName(LocalIndex(1), "x"), IndexedName(LocalIndex(3), "")]),
    ]
    names.labels = [
      FunctionNames(
        FunctionIndex(1),
        [IndexedName(LabelIndex(0), "l"), IndexedName(LabelIndex(1), "l"), IndexedName(LabelIndex(2), "m")])
    ]
    names.types = [IndexedName(TypeIndex(1), "t"), IndexedName(TypeIndex(2), "t")]
    names.elements = [IndexedName(ElementIndex(3), "e")]
    names.data = [IndexedName(DataIndex(0), " ")]
    names.globals = [IndexedName(GlobalIndex(0), "g"), IndexedName(GlobalIndex(2), "")]
    names.memories = [IndexedName(MemoryIndex(0), "m"), IndexedName(MemoryIndex(1), "m")]
    module.replaceNames(names)
    let text = printText(module)
    #expect(try parseText(text) == module, "\(text)")
  }

  @Test func canistersSurvive() throws {
    let canisters = canisterModules()
    if canisters.isEmpty {
      return Inputs.reportSkip("print → parse → encode, canisters", "no inputs beside the package")
    }
    var outcome = TextRoundTrip()
    for url in canisters { outcome.check(try decode(try Inputs.bytes(url)), url.lastPathComponent) }
    outcome.report("\(canisters.count) canisters")
    #expect(outcome.failures.isEmpty)
  }

  @Test func modulesOfTheSpecificationSurvive() throws {
    if SpecSuite.core.isEmpty {
      return Inputs.reportSkip("print → parse → encode, specification suite", "no inputs beside the package")
    }
    var outcome = TextRoundTrip()
    for file in SpecSuite.core {
      for command in try file.commands() {
        // Modules that are not valid as well, as far as they can be decoded.
        guard let bytes = try file.module(command), let module = try? decode(bytes) else { continue }
        outcome.check(module, "\(file.name):\(command.line)")
      }
    }
    outcome.report("modules of the specification suite")
    #expect(outcome.failures.isEmpty)
    #expect(outcome.same > 4_500)
  }

  @Test func generatedModulesSurvive() throws {
    guard let folder = try Inputs.unpacked("validity")?.appendingPathComponent("validity") else {
      return Inputs.reportSkip("print → parse → encode, valid modules", "no inputs beside the package")
    }
    var outcome = TextRoundTrip()
    for row in try Inputs.table(folder.appendingPathComponent("verdicts.tsv")) where row["verdict"] == "valid" {
      guard let name = row["file"] else { continue }
      outcome.check(try decode(try Inputs.bytes(folder.appendingPathComponent(name))), name)
    }
    outcome.report("valid modules")
    #expect(outcome.failures.isEmpty)
    #expect(outcome.same > 500)
  }
}
