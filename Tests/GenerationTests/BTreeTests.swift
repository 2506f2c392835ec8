// B-trees in stable memory as generated code keeps them, against a sorted list: the operations of generated modules run
// in the host lane, many times, on memory that is left alone and on memory that something else writes over.

import Canister
import Entropy
import Execution
import Generation
import Testing
import Wasm

private let magic: UInt64 = 0x0045_4552_542D_4201
private let keys: [UInt64] = (1...60).map { $0 &* 0x9E37_79B9_7F4A_7C15 } + [0, .max]

/// A generated module whose operations on a B-tree can be called with any of the keys.
private final class TreeCanister {
  private let lane: HostLane
  /// Address of the tree's header.
  let base: UInt64

  /// - Returns: nil where the case has not one tree, or is made for traps and limits.
  init?(_ generated: GeneratedCase) throws {
    guard generated.features.contains(.tree), !generated.mayTrap else { return nil }
    var module = generated.module
    let imported = IndexSpaces(module).importedFunctions
    let operations = module.functions.indices.filter {
      module.functions[$0].body.instructions.contains(.i64(Int64(bitPattern: magic)))
    }
    // Only an insertion makes room in a node.
    let insertions = operations.filter { position in
      module.functions[position].body.instructions.contains { $0.opcode == .memoryCopy }
    }
    guard operations.count == 2, insertions.count == 1 else { return nil }
    let global = GlobalIndex(IndexSpaces(module).globals.count)
    module.globals.append(Global(GlobalType(.i64, isMutable: true), [.i64(0)]))
    module.types.append(FunctionType())
    for key in keys {
      for position in operations {
        let name = position == insertions[0] ? "insert" : "search"
        let index = FunctionIndex(imported + module.functions.count)
        let code: [Instruction] = [
          .i64(Int64(bitPattern: key)), .call(FunctionIndex(imported + position)),
          Instruction(.globalSet, .global(global)), Instruction(.end),
        ]
        module.functions.append(
          Function(type: TypeIndex(module.types.count - 1), body: FunctionBody(instructions: code)))
        module.exports.append(Export(name: "canister_update \(name) \(key)", kind: .function(index)))
      }
    }
    try validate(module)
    var parameters = generated.case.parameters
    parameters.instructionLimit = Parameters.productionInstructionLimit
    lane = HostLane(first: try HostModule(module, parameters: parameters), parameters: parameters)
    guard case .noReply = lane.execute(.install(argument: [])).outcome else { return nil }
    let first = lane.execute(.update(name: "insert \(keys[0])", argument: []))
    guard case .noReply = first.outcome, let page = first.dirtyPages.first else { return nil }
    let bytes = try Self.read(lane, page * 4_096, 8_192)
    let pattern = withUnsafeBytes(of: magic.littleEndian, Array.init)
    guard let place = (0..<bytes.count - 8).first(where: { Array(bytes[$0..<$0 + 8]) == pattern }) else { return nil }
    base = page * 4_096 + UInt64(place)
  }

  private static func read(_ lane: HostLane, _ offset: UInt64, _ count: UInt64) throws -> [UInt8] {
    let heap = try LinearMemory(MemoryType(Limits(minimum: 1)))
    try lane.stableMemory.read(at: offset, count: count, into: heap, at: 0)
    return Array(try heap.bytes(at: 0, count: count))
  }

  /// A number of the header.
  func header(_ offset: UInt64) throws -> UInt64 {
    try Self.read(lane, base + offset, 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    let heap = try LinearMemory(MemoryType(Limits(minimum: 1)))
    let count = UInt64(bytes.count)
    try heap.writableBytes(at: 0, count: count).copyBytes(from: bytes)
    try lane.stableMemory.write(from: heap, at: 0, count: count, to: offset)
    lane.stableMemory.commit()
  }

  func call(_ operation: String, _ key: UInt64) -> (answer: UInt64, observation: Observation) {
    let observation = lane.execute(.update(name: "\(operation) \(key)", argument: []))
    return (observation.globals.last ?? 0, observation)
  }
}

@Suite struct BTreeTests {
  private static func canisters(_ count: Int) throws -> [TreeCanister] {
    var found: [TreeCanister] = []
    for index in 0..<4_000 as Range<UInt64> where found.count < count {
      if let canister = try TreeCanister(Generator().generate(seed: 31, index: index)) { found.append(canister) }
    }
    return found
  }

  @Test func treesAreSortedMaps() throws {
    let canisters = try Self.canisters(24)
    #expect(canisters.count == 24)
    var (mostNodes, mostKeys, restarts, deepest) = (0 as UInt64, 0, 0, 0 as UInt64)
    for (number, tree) in canisters.enumerated() {
      var stream = Stream(seed: 5, index: UInt64(number))
      // What the module's own code has put in is forgotten.
      try tree.write([UInt8](repeating: 0, count: 8), at: tree.base)
      var model: [UInt64: UInt64] = [:]
      for step in 0..<500 {
        let key = keys[Int(stream.next(below: UInt64(keys.count)))]
        let name = "canister \(number), step \(step), key \(key)"
        if stream.next(below: 2) == 0 {
          let answer = tree.call("search", key).answer
          let expected = model.keys.filter { $0 >= key }.min().flatMap { model[$0] }
          #expect(answer == expected ?? .max, "\(name)")
          continue
        }
        let (answer, observation) = tree.call("insert", key)
        #expect(observation.outcome == .noReply, "\(name)")
        if try tree.header(0) != magic {
          // No room for another node: the next insertion begins anew.
          #expect(answer == UInt64(model.count), "\(name)")
          #expect(model.count > 5)
          model = [:]
          restarts += 1
          continue
        }
        #expect(answer == model[key] ?? UInt64(model.count), "\(name)")
        model[key] = model[key].map { $0 + 1 } ?? UInt64(model.count)
        #expect(try tree.header(16) == UInt64(model.count), "\(name)")
        let nodes = try tree.header(24)
        #expect(model.count <= 3 * Int(nodes) && model.count + 1 >= Int(nodes) / 2, "\(name)")
        (mostNodes, mostKeys) = (max(mostNodes, nodes), max(mostKeys, model.count))
        deepest = try max(deepest, tree.header(8))
      }
    }
    #expect(mostNodes > 20 && mostKeys > 24, "\(mostNodes) nodes, \(mostKeys) keys")
    // A root with such a number was put above another that was itself put above leaves.
    #expect(deepest > 6, "root \(deepest)")
    #expect(restarts > 10)
  }

  @Test func damagedTreesEnd() throws {
    for (number, tree) in try Self.canisters(12).enumerated() {
      var stream = Stream(seed: 6, index: UInt64(number))
      for step in 0..<600 {
        if stream.next(below: 3) == 0 {
          // All of the header but the magic number, or some bytes of the first nodes.
          let isHeader = stream.next(below: 3) == 0
          let offset = tree.base + (isHeader ? 8 : 8 + stream.next(below: 2_000))
          let mask: UInt64 = stream.next(below: 2) == 0 ? 7 : 255
          let count = isHeader ? 24 : 1 + stream.next(below: 32)
          try tree.write((0..<count).map { _ in UInt8(stream.next() & mask) }, at: offset)
        }
        let key = keys[Int(stream.next(below: UInt64(keys.count)))]
        let observation = tree.call(stream.next(below: 2) == 0 ? "search" : "insert", key).observation
        #expect(observation.outcome == .noReply, "canister \(number), step \(step)")
        #expect(observation.accessedPages <= 6 && observation.dirtyPages.count <= 6)
        #expect(observation.instructions < 80_000, "canister \(number), step \(step)")
      }
    }
  }
}
