// `stablefuzz print`: a module as text, or the bytecode that the interpreter makes of it.

import ArgumentParser
import Corpus
import Execution
import Wasm

struct Print: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a module in the text format.",
    discussion: """
      With --bytecode, every function is printed as the interpreter translates it: each instruction, and below it the \
      operations that were emitted for it. Registers r0 and following hold parameters and locals, then constants of \
      loops, then the operand stack. An instruction without operations of its own costs nothing when it runs: a later \
      one has taken it along.
      """)

  @Argument(help: ArgumentHelp("A module.", valueName: "file")) var file: String
  @Flag(help: "Print the interpreter's bytecode next to the instructions.") var bytecode = false
  @Flag(help: "With --bytecode: as the host lane translates it, counting instructions.") var counting = false

  func validate() throws {
    if counting && !bytecode { throw ValidationError("--counting needs --bytecode") }
  }

  func run() throws {
    try reportingErrors {
      let file = try ModuleFile(reading: file)
      guard bytecode else {
        print(printText(try file.module()), terminator: "")
        return
      }
      let module = try file.validModule()
      var options = TranslationOptions()
      options.countsInstructions = counting
      do {
        let compiled = try CompiledModule(module, options: options)
        for position in module.functions.indices { try printFunction(position, of: module, compiled) }
      } catch let error as TranslationError {
        throw fail("\(self.file): \(error)", .badData)
      }
    }
  }

  private func printFunction(_ position: Int, of module: Module, _ compiled: CompiledModule) throws {
    let disassembly = try compiled.disassemble(position)
    let body = module.functions[position].body
    let (instructions, labels) = (body.instructions, body.labels)
    let index = module.imports.count { if case .function = $0.kind { true } else { false } } + position
    var text = "function \(index), type \(module.functions[position].type), \(disassembly.frameSize) registers\n"
    var lines = disassembly.lines[...]
    func takeLines(before end: Int) {
      while let line = lines.first, line.position < end {
        text += "    \(String(line.position).leftPadded(to: 5))  \(line.text)\n"
        lines.removeFirst()
      }
    }
    takeLines(before: disassembly.origins.first ?? .max)
    for (number, instruction) in instructions.enumerated() {
      text += "  \(printInstruction(instruction, labels: labels))\n"
      takeLines(before: number + 1 < disassembly.origins.count ? disassembly.origins[number + 1] : .max)
    }
    print(text)
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
