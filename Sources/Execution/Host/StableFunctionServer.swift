// Who serves the stable functions of a host lane: `HostStableFunctions`, or something around it that has a mistake
// planted. Called by `HostImports`.

import Canister

/// Serves calls of stable functions.
public protocol StableFunctionServer: AnyObject {
  /// - Parameters:
  ///   - slots: the arguments in order, 8 bytes each, 32-bit ones zero-extended; receives the result.
  ///   - counter: instructions left.
  func call(
    _ function: SystemFunction, _ slots: UnsafeMutablePointer<UInt64>, counter: inout Int64
  ) throws(Trap)
}

extension HostStableFunctions: StableFunctionServer {}
