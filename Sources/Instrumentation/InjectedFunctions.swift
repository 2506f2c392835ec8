// The bodies of the functions that instrumentation adds: counting, page counting, sizes and growth; reads and writes
// are in `InjectedFunctions+Access.swift`. Called by `instrument`; source of the rules: ic-semantics sections 4, 6, 7.

import Canister
import Wasm

/// Writes the bodies of the injected functions. None of them is metered.
struct InjectedFunctions {
  let layout: InstrumentedLayout
  let parameters: Parameters

  static let decrementType = FunctionType([.i64], [.i64])
  static let countCleanPagesType = FunctionType([.i32, .i32], [.i32, .i32])

  /// The body that replaces a stable function; nil for every other function.
  func body(replacing function: SystemFunction) -> FunctionBody? {
    switch function {
    case .stableSize: stableSize()
    case .stable64Size: stable64Size()
    case .stableGrow: stableGrow()
    case .stable64Grow: stable64Grow()
    case .stableRead: stableRead()
    case .stable64Read: stable64Read()
    case .stableWrite: stableWrite()
    case .stable64Write: stable64Write()
    default: nil
    }
  }

  // MARK: Counting

  /// `decrement(amount)` returns its argument. The counter is pinned to the minimum when it would go up.
  func decrement() -> FunctionBody {
    let code = BodyBuilder(parameters: 1)
    let amount = code.parameter(0, Width64.self)
    let next = code.local(Width64.self)
    let counter = code.global(layout.instructionCounter)
    let remaining = next.assigning(counter.value - amount.value)
    code.if(remaining.isGreaterSigned(than: counter.value)) {
      counter.assign(code.i64(.min))
    } else: {
      counter.assign(next.value)
    }
    code.if(counter.value.isNegative) { code.emit(.call(layout.outOfInstructions)) }
    _ = amount.value
    return code.finish()
  }

  /// `count_clean_pages(start, end)` returns the numbers of OS pages in `start ..< end` that are not written (bit 0 of
  /// their bytemap byte) and not accessed (bit 1).
  func countCleanPages() -> FunctionBody {
    let code = BodyBuilder(parameters: 2)
    let start = code.parameter(0, Width32.self)
    let end = code.parameter(1, Width32.self)
    let page = code.local(Width32.self)
    let byte = code.local(Width32.self)
    let written = code.local(Width32.self)
    let accessed = code.local(Width32.self)
    code.if(start.value >= end.value) {
      _ = code.i32(0)
      _ = code.i32(0)
      code.return()
    }
    page.assign(start.value)
    code.repeat {
      written.assign(written.value + (byte.assigning(code.loadByte(of: layout.bytemap, at: page.value)) & 1))
      accessed.assign(accessed.value + ((byte.value >> 1) & 1))
      return page.assigning(page.value + 1) < end.value
    }
    _ = page.assigning(end.value - start.value) - written.value
    _ = page.value - accessed.value
    return code.finish()
  }

  // MARK: Size and growth

  private func stableSize() -> FunctionBody {
    let code = BodyBuilder(parameters: 0)
    trapIfTooBig(code)
    _ = code.size(of: layout.stableMemory).wrapped
    return code.finish()
  }

  private func stable64Size() -> FunctionBody {
    let code = BodyBuilder(parameters: 0)
    _ = code.size(of: layout.stableMemory)
    return code.finish()
  }

  private func stableGrow() -> FunctionBody {
    let code = BodyBuilder(parameters: 1)
    grow(code, by: .narrow(code.parameter(0, Width32.self)), api: .stable32) { _ = $0.wrapped }
    return code.finish()
  }

  private func stable64Grow() -> FunctionBody {
    let code = BodyBuilder(parameters: 1)
    grow(code, by: .wide(code.parameter(0, Width64.self)), api: .stable64) { _ in }
    return code.finish()
  }

  /// Asks the host, which charges and checks the limits, and then grows. `convert` makes the result of an i64.
  func grow(
    _ code: BodyBuilder, by pages: Argument, api: StableMemoryAPI, convert: (Pushed<Width64>) -> Void
  ) {
    let before = code.local(Width64.self)
    _ = code.size(of: layout.stableMemory)
    _ = pages.wide
    _ = code.i32(api.rawValue)
    code.emit(.call(layout.tryGrowStableMemory))
    code.if(Pushed<Width64>(code: code) == -1) {
      convert(code.i64(-1))
      code.return()
    }
    _ = pages.wide
    code.emit(Instruction(.memoryGrow, .memory(layout.stableMemory)))
    trap(code, .stableGrowFailed, if: before.assigning(Pushed<Width64>(code: code)) == -1)
    convert(before.value)
  }

  // MARK: Steps shared with reads and writes

  /// Calls the decrement function with the pushed amount.
  func charge(_ code: BodyBuilder, _ amount: Pushed<Width64>) {
    code.emit(.call(layout.decrement))
    code.emit(.drop)
  }

  /// Ends the execution with `error` if the condition holds: the host does not return from `internal_trap`.
  func trap(_ code: BodyBuilder, _ error: InternalErrorCode, if condition: Pushed<Width32>) {
    code.if(condition) {
      _ = code.i32(error.rawValue)
      code.emit(.call(layout.internalTrap))
    }
  }

  func trapIfTooBig(_ code: BodyBuilder) {
    trap(
      code, .stableMemoryTooBigFor32Bit,
      if: code.size(of: layout.stableMemory) > Int64(Sizes.stable32Ceiling))
  }
}
