// Faults in what instructions are charged, in growth, and in the metering of the module's own code.

import Canister
import Wasm

extension PlantedFault {
  // MARK: Charges of reads and writes

  static let counting: [PlantedFault] = [
    .init("read-charge-19", in: .read, "stable_read charges 19 instead of 20 and the length.") {
      try $0.replace([.i64(20), .any(.i64Add)], with: [.i64(19), .op(.i64Add)])
    },
    .init("write-charge-fixed", in: .write, "stable_write does not charge the length.") {
      try $0.replace([.i64(20), .any(.i64Add)], with: [.op(.drop), .i64(20)])
    },
    .init("write64-charge-doubled", in: .write64, "stable64_write charges the length twice.") {
      try $0.insert([.get(.length), .op(.i64Add)], after: [.i64(20), .any(.i64Add)])
    },
    .init("read64-charge-missing", in: .read64, "stable64_read charges nothing.") {
      $0.replace(try $0.lengthCharge(), with: [])
    },
    .init("write64-charge-late", in: .write64, "stable64_write checks the bounds before it charges.") {
      let bounds = try $0.check(.stableMemoryOutOfBounds, nth: 2).upperBound
      $0.move(try $0.lengthCharge(), before: bounds)
    },
    .init("write-pages-free", in: .write, "stable_write does not charge for dirty pages.") {
      try $0.replace([.any(.i64Mul), .call($0.layout.decrement)], with: [.op(.drop)])
    },
    .init("write64-pages-999", in: .write64, "stable64_write charges one instruction too little for a dirty page.") {
      try $0.insert([.i64(1), .op(.i64Sub)], after: [.i64($0.parameters.dirtyPageOverhead)])
    },
    .init("write64-charges-accessed", in: .write64, "stable64_write charges for newly accessed instead of dirty pages.")
    {
      let charge = try $0.find([.get(.unwritten), .any(.i64ExtendI32U), .any(.i64Const), .any(.i64Mul)])
      $0.replace(charge.lowerBound..<charge.lowerBound + 1, with: [.get(.unaccessed)])
    },
    .init("write-charges-all-pages", in: .write, "stable_write charges also for pages that were dirty before.") {
      let charge = try $0.find([.get(.unwritten), .any(.i64ExtendI32U), .any(.i64Const), .any(.i64Mul)])
      $0.replace(
        charge.lowerBound..<charge.lowerBound + 1, with: [.get(.endPage), .get(.firstPage), .op(.i32Sub)])
    },
    .init("decrement-not-pinned", in: .decrement, "A charge that wraps around adds instructions.") {
      try $0.replace([.i64(.min)], with: [.get(LocalIndex(1))])
    },
    .init("decrement-pins-nothing", in: .decrement, "A charge of 0 uses up all instructions.") {
      try $0.replace([.any(.i64GtS)], with: [.op(.i64GeS)])
    },
    .init("decrement-unchecked", in: .decrement, "A charge does not notice that instructions have run out.") {
      try $0.replace([.call($0.layout.outOfInstructions)], with: [])
    },
  ]

  // MARK: Growth

  private static let askResult: [Pattern] = [.i64(-1), .any(.i64Eq), .any(.if)]

  static let growth: [PlantedFault] = [
    .init("grow-does-nothing", in: .grow, "stable_grow reports success without growing.") {
      let site = try $0.find([.any(.memoryGrow)]).lowerBound
      $0.replace(site..<site, with: [.op(.drop), .i64(0)])
    },
    .init("grow64-page-too-many", in: .grow64, "stable64_grow grows by one page more than it is asked for.") {
      let site = try $0.find([.any(.memoryGrow)]).lowerBound
      $0.replace(site..<site, with: [.i64(1), .op(.i64Add)])
    },
    .init("grow64-returns-new-size", in: .grow64, "stable64_grow returns the new size.") {
      let end = $0.instructions.count - 1
      $0.replace(end - 1..<end, with: [Instruction(.memorySize, .memory($0.layout.stableMemory))])
    },
    .init("grow-ceiling-missing", in: .grow, "stable_grow asks for the 64-bit form and grows past 65,536 pages.") {
      try $0.replace(
        [.i32(1), .call($0.layout.tryGrowStableMemory)], with: [.i32(0), .call($0.layout.tryGrowStableMemory)])
    },
    .init("grow64-ceiling", in: .grow64, "stable64_grow asks for the 32-bit form, which stops at 65,536 pages.") {
      try $0.replace(
        [.i32(0), .call($0.layout.tryGrowStableMemory)], with: [.i32(1), .call($0.layout.tryGrowStableMemory)])
    },
    .init("grow64-refusal-ignored", in: .grow64, "stable64_grow grows although the host refused.") {
      try $0.replace(askResult, with: [.op(.drop), .i32(0), Instruction(.if, .block(.empty))])
    },
    .init("grow-unasked", in: .grow, "stable_grow does not ask the host, which charges and checks.") {
      try $0.replace([.call($0.layout.tryGrowStableMemory)], with: [.op(.drop), .op(.drop), .op(.drop), .i64(0)])
    },
    .init("grow64-failure-is-zero", in: .grow64, "stable64_grow returns 0 instead of −1 when it is refused.") {
      try $0.replace([.i64(-1), .any(.return)], with: [.i64(0), .op(.return)])
    },
    .init("grow-failure-is-size", in: .grow, "stable_grow returns the old size when it is refused.") {
      try $0.replace(
        [.i64(-1), .any(.i32WrapI64), .any(.return)],
        with: [Instruction(.memorySize, .memory($0.layout.stableMemory)), .op(.i32WrapI64), .op(.return)])
    },
  ]

  // MARK: Metering of the module's own code

  static let metering: [PlantedFault] = [
    .init("function-entry-free", "Calling a function does not cost the one instruction of its entry.") { mutant in
      try mutant.editOwnFunctions { try $0.addCost(-1, at: $0.find($0.point)) }
    },
    .init("function-entry-unchecked", "Functions do not notice on entry that instructions have run out.") { mutant in
      try mutant.editOwnFunctions {
        let point = try $0.find($0.point)
        $0.replace(try $0.find($0.pointCheck, from: point.upperBound), with: [])
      }
    },
    .init("loop-checked-late", "Loops notice that instructions have run out a million instructions late.") { mutant in
      // Not unchecked altogether, so that a loop without end still ends.
      try mutant.editOwnFunctions { body in
        var site = try body.find([.any(.loop)] + body.point + body.pointCheck)
        while true {
          let limit = site.lowerBound + 1 + body.point.count + 1
          body.replace(limit..<limit + 1, with: [.i64(-1_000_000)])
          guard let next = try? body.find([.any(.loop)] + body.point + body.pointCheck) else { return }
          site = next
        }
      }
    },
    .init("loop-free", "The first block of a loop's body costs nothing.") { mutant in
      try mutant.editOwnFunctions { body in
        let site = try body.find([.any(.loop)] + body.point)
        body.replace(site.lowerBound + 2..<site.lowerBound + 3, with: [.i64(0)])
      }
    },
    .init("br-if-joins-blocks", "What follows a br_if is charged also when the branch is taken.") { mutant in
      try mutant.editOwnFunctions { try $0.joinBlocks(after: .brIf) }
    },
    .init("if-joins-blocks", "The first branch of an if is charged also when it is not taken.") { mutant in
      try mutant.editOwnFunctions { try $0.joinBlocks(after: .if) }
    },
    .init("memory-bulk-free", "Bulk instructions on memories do not charge their size.") { mutant in
      try mutant.editOwnFunctions { body in
        try body.removeBulkCharges(before: [.memoryFill, .memoryCopy, .memoryInit])
      }
    },
    .init("table-bulk-free", "Bulk instructions on tables do not charge their size.", profiles: ["multi-memory"]) {
      mutant in
      try mutant.editOwnFunctions { body in
        try body.removeBulkCharges(before: [.tableFill, .tableCopy, .tableInit])
      }
    },
    .init("heap-growth-returns-pages", "memory.grow returns the number of pages asked for instead of the old size.") {
      mutant in
      try mutant.editOwnFunctions { body in
        let ask = body.layout.tryGrowWasmMemory
        let site = try body.find([.any(.memoryGrow), .any(.localGet), .call(ask)])
        let pages = body.instructions[site.lowerBound + 1]
        body.replace(site.lowerBound + 1..<site.lowerBound + 1, with: [.op(.drop), pages])
      }
    },
    .init("heap-growth-unreported", "memory.grow is not reported to the host.") { mutant in
      try mutant.editOwnFunctions { body in
        let report = [Pattern.any(.localGet), .call(body.layout.tryGrowWasmMemory)]
        try body.replace(report, with: [])
      }
    },
    .init("heap-growth-uses-local", "memory.grow keeps its operand in a local that the function uses itself.") {
      mutant in
      try mutant.editOwnFunctions { body in
        let site = try body.find([.any(.localTee), .any(.memoryGrow), .any(.localGet)])
        guard case .local(let fresh) = body.instructions[site.lowerBound].immediate,
          body.locals.indices.contains(fresh.position),
          let number = body.locals[..<fresh.position].lastIndex(of: body.locals[fresh.position])
        else { throw NoSite() }
        let used = LocalIndex(number)
        body.replace(site.lowerBound..<site.lowerBound + 1, with: [.tee(used)])
        body.replace(site.upperBound - 1..<site.upperBound, with: [.get(used)])
      }
    },
  ]
}

extension BodyEdit {
  /// Removes the dynamic charges before these instructions; a static point may stand in between.
  fileprivate mutating func removeBulkCharges(before opcodes: [Opcode]) throws {
    var removed = false
    var position = 0
    while let site = try? find([.call(layout.decrement)], from: position) {
      position = site.upperBound
      var next = site.upperBound
      let isNarrow = next < instructions.count && instructions[next].opcode == .i32WrapI64
      if isNarrow { next += 1 }
      if let point = try? find(point, from: next), point.lowerBound == next { next = point.upperBound }
      guard next < instructions.count, opcodes.contains(instructions[next].opcode) else { continue }
      let charge = isNarrow ? site.lowerBound - 1..<site.upperBound + 1 : site
      replace(charge, with: [])
      position = charge.lowerBound
      removed = true
    }
    if !removed { throw NoSite() }
  }
}
