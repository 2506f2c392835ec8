// Memory accesses of the interpreter at the ends of address spaces, in several and in huge memories.

import Canister
import Execution
import Testing
import Wasm

private let loads: [(Opcode, ValueType, UInt64)] = [
  (.i32Load, .i32, 4), (.i64Load, .i64, 8), (.f32Load, .f32, 4), (.f64Load, .f64, 8), (.i32Load8S, .i32, 1),
  (.i32Load8U, .i32, 1), (.i32Load16S, .i32, 2), (.i32Load16U, .i32, 2), (.i64Load8S, .i64, 1), (.i64Load8U, .i64, 1),
  (.i64Load16S, .i64, 2), (.i64Load16U, .i64, 2), (.i64Load32S, .i64, 4), (.i64Load32U, .i64, 4),
]

private let stores: [(Opcode, ValueType, UInt64)] = [
  (.i32Store, .i32, 4), (.i64Store, .i64, 8), (.f32Store, .f32, 4), (.f64Store, .f64, 8), (.i32Store8, .i32, 1),
  (.i32Store16, .i32, 2), (.i64Store8, .i64, 1), (.i64Store16, .i64, 2), (.i64Store32, .i64, 4),
]

private func constant(_ type: ValueType, _ bits: UInt64) -> Instruction {
  switch type {
  case .i32: .i32(Int32(truncatingIfNeeded: bits))
  case .f32: Instruction(.f32Const, .f32(UInt32(truncatingIfNeeded: bits)))
  case .f64: Instruction(.f64Const, .f64(bits))
  default: .i64(Int64(bitPattern: bits))
  }
}

/// One function per load and per store, each with a given offset and memory: its parameter is the address.
private struct Accesses {
  var module = SmallModule()
  /// The functions with the width of their access.
  var functions: [(FunctionIndex, Opcode, UInt64)] = []

  init(_ memories: [MemoryType], memory: Int, offset: UInt64) {
    module.module.memories = memories
    let address: [ValueType] = [memories[memory].indexType]
    for (opcode, type, width) in loads {
      let body: [Instruction] = [.get(0), .access(opcode, offset: offset, memory: memory)]
      functions.append((module.add(address, [type], body), opcode, width))
    }
    for (opcode, type, width) in stores {
      let body = [.get(0), constant(type, 0x8182_8384_8586_8788), .access(opcode, offset: offset, memory: memory)]
      functions.append((module.add(address, [], body), opcode, width))
    }
  }

  /// Checks that accesses are in bounds exactly up to `end`.
  func check(end: UInt64, offset: UInt64) throws {
    let instance = try module.instance()
    let machine = Machine()
    for (function, opcode, width) in functions {
      let last = end - width - offset
      #expect(throws: Never.self, "\(opcode)") { try machine.invoke(function, of: instance, arguments: [last]) }
      for address in [last + 1, last + width, last + 4_096] {
        #expect(throws: Trap.memoryOutOfBounds, "\(opcode) \(address)") {
          try machine.invoke(function, of: instance, arguments: [address])
        }
      }
    }
  }
}

@Suite struct InterpreterAccessTests {
  @Test(arguments: [0, 1, 0xFFFF, 0x1_0000] as [UInt64])
  func accessesEndWithTheMemory(_ offset: UInt64) throws {
    let small = MemoryType(Limits(minimum: 2))
    let wide = MemoryType(Limits(minimum: 2), is64Bit: true)
    for (memories, memory) in [
      ([small], 0), ([wide], 0), ([wide, small], 1), ([small, wide], 1), ([small, small], 0),
    ] {
      try Accesses(memories, memory: memory, offset: offset).check(end: 131_072, offset: offset)
    }
  }

  @Test(arguments: [0, 0xFFFF, 0x1_0000, 0xFFFF_0000] as [UInt64])
  func accessesReachTheEndOf32Bits(_ offset: UInt64) throws {
    let full = MemoryType(Limits(minimum: 65_536, maximum: 65_536))
    let accesses = Accesses([full], memory: 0, offset: offset)
    let instance = try accesses.module.instance()
    let machine = Machine()
    for (function, opcode, width) in accesses.functions {
      let last = 1 << 32 - width - offset
      #expect(throws: Never.self, "\(opcode)") { try machine.invoke(function, of: instance, arguments: [last]) }
      // No address and offset wrap around.
      for address in [last + 1, 0xFFFF_FFFF] as [UInt64]
      where address <= 0xFFFF_FFFF && address + offset + width > 1 << 32 {
        #expect(throws: Trap.memoryOutOfBounds, "\(opcode)") {
          try machine.invoke(function, of: instance, arguments: [address])
        }
      }
    }
    #expect(instance.memories[0].touchedPages.count <= 2)
  }

  @Test func addressesOf64BitsDoNotWrapAround() throws {
    for memories in [
      [MemoryType(Limits(minimum: 1), is64Bit: true)],
      [MemoryType(Limits(minimum: 1)), MemoryType(Limits(minimum: 1), is64Bit: true)],
    ] {
      for offset in [0, 1, 8, 0xFFFF_FFFF, 1 << 63, .max - 7, .max] as [UInt64] {
        let accesses = Accesses(memories, memory: memories.count - 1, offset: offset)
        let instance = try accesses.module.instance()
        let machine = Machine()
        for (function, opcode, width) in accesses.functions {
          // Sums that are 0, just below, just above: address + offset, and the end of the access.
          for sum in [0, 1, 0 &- width, 0 &- width &+ 1, 0 &- 1, 8, 65_535] as [UInt64] {
            let address = sum &- offset
            let isInBounds = !address.addingReportingOverflow(offset).overflow && sum <= 65_536 - width
            do {
              try machine.invoke(function, of: instance, arguments: [address])
              #expect(isInBounds, "\(opcode) \(address) \(offset)")
            } catch {
              #expect(error == .memoryOutOfBounds && !isInBounds, "\(opcode) \(address) \(offset)")
            }
          }
        }
      }
    }
  }

  @Test func wideAccessesReadAndWriteWhatNarrowOnesDo() throws {
    // The same bytes through memory 0 with 32 bits, with 64 bits, and through a second memory.
    let narrow = MemoryType(Limits(minimum: 1))
    let wide = MemoryType(Limits(minimum: 1), is64Bit: true)
    let bytes: [UInt8] = [0x80, 0xFF, 0x7F, 0x01, 0xFE, 0x90, 0xA5, 0xC3, 0x11]
    var seen: [[UInt64]] = []
    for (memories, memory) in [([narrow], 0), ([wide], 0), ([wide, narrow], 1), ([narrow, wide], 1)] {
      var accesses = Accesses(memories, memory: memory, offset: 1)
      accesses.module.module.data = [
        DataSegment(
          mode: .active(MemoryIndex(memory), offset: [memories[memory].is64Bit ? .i64(1) : .i32(1)]), bytes: bytes)
      ]
      let instance = try accesses.module.instance()
      let machine = Machine()
      var values: [UInt64] = []
      for address in [0, 1] as [UInt64] {
        for (function, _, _) in accesses.functions.prefix(loads.count) {
          values += try machine.invoke(function, of: instance, arguments: [address])
        }
      }
      for (number, (function, _, _)) in accesses.functions.dropFirst(loads.count).enumerated() {
        try machine.invoke(function, of: instance, arguments: [UInt64(4_080 + 9 * number)])
      }
      values += try instance.memories[memory].bytes(at: 4_080, count: 100).map(UInt64.init)
      #expect(instance.memories[memory].touchedPages == [0, 1])
      seen.append(values)
    }
    #expect(
      seen[0].prefix(6) == [0x017F_FF80, 0xC3A5_90FE_017F_FF80, 0x017F_FF80, 0xC3A5_90FE_017F_FF80, 0xFFFF_FF80, 0x80])
    for other in seen.dropFirst() { #expect(other == seen[0]) }
  }

  @Test func hugeMemoriesCostWhatIsTouched() throws {
    let pages: UInt64 = 8_192_000
    let huge = MemoryType(Limits(minimum: pages, maximum: pages), is64Bit: true)
    var module = SmallModule()
    module.module.memories = [huge, huge, huge]
    let end = Int64(pages * Sizes.wasmPage)
    let function = module.add(
      [], [.i64, .i64, .i64],
      [
        .i64(end - 8), .i64(42), .access(.i64Store, memory: 2), .i64(end - 4_097), .i32(0), .i64(4_097),
        Instruction(.memoryFill, .memory(MemoryIndex(0))), .i64(end - 8), .access(.i64Load, memory: 2), .i64(end - 1),
        .access(.i64Load8U, memory: 1), Instruction(.memorySize, .memory(MemoryIndex(1))),
      ])
    // Some hundred times 1.5 TB.
    for _ in 0..<100 {
      let instance = try module.instance()
      #expect(try Machine().invoke(function, of: instance) == [42, 0, pages])
      #expect(instance.memories[2].touchedPages == [pages * 16 - 1])
      #expect(instance.memories[0].touchedPages == [pages * 16 - 2, pages * 16 - 1])
      #expect(instance.memories[1].touchedPages == [])
    }
    // What no machine can give is an error, not a crash.
    #expect(throws: Trap.hostMemoryExhausted) {
      _ = try LinearMemory(MemoryType(Limits(minimum: 1 << 48), is64Bit: true))
    }
    #expect(throws: Trap.hostMemoryExhausted) {
      _ = try Execution.Table(TableType(.funcref, Limits(minimum: .max), is64Bit: true))
    }
    let open = try LinearMemory(MemoryType(Limits(minimum: 0), is64Bit: true))
    #expect(open.grow(by: .max) == nil)
    #expect(open.grow(by: pages) == 0)
    #expect(open.grow(by: 1) == nil)
    #expect(open.pageCount == pages)
  }
}
