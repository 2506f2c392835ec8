// Outside instrumenters of both forms, with shell commands in their place: what they answer, and every way to fail.

import Canister
import Differential
import Glibc
import Outside
import Testing
import Wasm

@Suite(.serialized) struct OutsideToolTests {
  private func tool(_ command: String, coprocess: Bool = false, timeout: Double = 5) -> OutsideTool {
    OutsideTool(OutsideCommand(command: command, isCoprocess: coprocess, timeout: timeout))
  }

  private let module = encode(Module())

  private func stage(_ tool: OutsideTool) -> Fault.Stage? {
    do throws(Fault) {
      _ = try tool.instrument(module, parameters: Parameters())
      return nil
    } catch {
      #expect(error.isOfTool && error.bucket.hasPrefix("tool."))
      return error.stage
    }
  }

  @Test(arguments: [("cp", false), ("cat", true)])
  func modulesComeBack(_ command: String, _ isCoprocess: Bool) throws {
    let tool = tool(command, coprocess: isCoprocess)
    for _ in 0..<3 {
      let output = try tool.instrument(module, parameters: Parameters())
      #expect(output.starts(with: module))
      #expect(try decode(output).customSections.map(\.name) == [parametersSection])
    }
  }

  /// What a co-process writes before its first request tells why it died.
  @Test func lastWordsAreShown() {
    for _ in 0..<5 {
      do throws(Fault) {
        _ = try tool("echo last words >&2; exit 3", coprocess: true).instrument(module, parameters: Parameters())
        Issue.record("it answered")
      } catch {
        #expect(error.reason.contains("it wrote: last words"))
      }
    }
  }

  @Test func parametersTravelWithTheModule() throws {
    var parameters = Parameters()
    parameters.dirtyPageOverhead = 77
    parameters.heapLimit64 = 3
    let output = try tool("cat", coprocess: true).instrument(module, parameters: parameters)
    #expect(try carriedParameters(decode(output)) == parameters)
    #expect(try carriedParameters(Module()) == Parameters())
  }

  /// A module larger than a pipe holds, both ways at once.
  @Test func largeModulesPassThroughPipes() throws {
    var large = Module()
    large.customSections = [CustomSection(name: "x", bytes: [UInt8](repeating: 7, count: 3_000_000))]
    let output = try tool("cat", coprocess: true).instrument(encode(large), parameters: Parameters())
    #expect(output.count > 3_000_000)
  }

  @Test(arguments: [
    ("false", Fault.Stage.toolCrash), ("/no/such/program", .toolCrash), ("kill -9 $$; :", .toolCrash),
    ("true", .toolOutput), ("sleep 60; :", .toolTimeout), ("f() { mkfifo \"$2\"; }; f", .toolOutput),
    ("f() { mkdir \"$2\"; }; f", .toolOutput),
  ])
  func failuresOfCommands(_ command: String, _ expected: Fault.Stage) {
    #expect(stage(tool(command, timeout: 0.5)) == expected)
  }

  @Test(arguments: [
    ("true", Fault.Stage.toolCrash), ("head -c 9", .toolCrash), ("kill -9 $$; :", .toolCrash),
    ("sleep 60; :", .toolTimeout),
    ("head -c 1 >/dev/null; printf '\\377\\377\\377\\377'; sleep 60; :", .toolFrame),
    ("head -c 1 >/dev/null; printf '\\0\\0\\0\\0'; sleep 60; :", .toolOutput),
  ])
  func failuresOfCoprocesses(_ command: String, _ expected: Fault.Stage) {
    #expect(stage(tool(command, coprocess: true, timeout: 0.5)) == expected)
  }

  @Test func reasonsTellWhatTheToolWrote() {
    do throws(Fault) {
      _ = try tool("echo no idea what to do >&2; exit 7; :").instrument(module, parameters: Parameters())
    } catch {
      #expect(error.reason.contains("exit code 7") && error.reason.contains("no idea what to do"))
    }
  }

  /// What comes after an answer is not taken for the next one.
  @Test func lateFramesAreNoAnswers() throws {
    let size = 4 + (try tool("cat", coprocess: true).instrument(module, parameters: Parameters())).count
    let twice = "x=$(mktemp); head -c \(size) > $x; cat $x $x | (head -c \(size); sleep 0.2; cat); rm $x; cat; :"
    let tool = tool(twice, coprocess: true)
    #expect(stage(tool) == nil)
    usleep(800_000)
    #expect(stage(tool) == .toolFrame)
  }

  /// Ends after one answer: the module during which that shows is reported, the one after it is answered again.
  @Test func aProcessThatDiesIsStartedAnew() throws {
    let request = 4 + (try tool("cat", coprocess: true).instrument(module, parameters: Parameters())).count
    let tool = tool("head -c \(request); :", coprocess: true)
    var answered = 0
    var failures: [Fault.Stage] = []
    for _ in 0..<6 {
      if let stage = stage(tool) { failures.append(stage) } else { answered += 1 }
    }
    #expect(answered >= 3)
    #expect(failures.allSatisfy { $0 == .toolCrash })
  }

  @Test func whatIgnoresParametersIsKnown() {
    #expect(!tool("cp").heedsParameters)
    #expect(!tool("false").heedsParameters)
  }
}
