// Scripts of the specification's test suite (`.wast`) as values: modules, actions, and what is claimed about them.
// Made by `parseScript`, run by whoever has an interpreter.

/// A script.
public struct WastScript: Sendable {
  public var commands: [WastCommand]
}

/// A command of a script.
public struct WastCommand: Sendable {
  public enum Kind: Sendable {
    /// Instantiates a module, which then is the current one.
    case module(WastModule)
    /// Only names a module.
    case definition(WastModule)
    /// Instantiates a definition, by default the latest.
    case instance(name: String?, definition: String?)
    /// Offers the exports of an instance, by default the current one, to later modules.
    case register(String, instance: String?)
    case action(WastAction)
    case assertReturn(WastAction, [WastPattern])
    case assertTrap(WastAction, message: String)
    case assertExhaustion(WastAction, message: String)
    case assertException(WastAction)
    case assertMalformed(WastModule, message: String)
    case assertInvalid(WastModule, message: String)
    case assertUnlinkable(WastModule, message: String)
    /// The module traps while it is instantiated.
    case assertUninstantiable(WastModule, message: String)
    /// About annotations of a module that is valid apart from them.
    case assertMalformedCustom(WastModule, message: String)
    case assertInvalidCustom(WastModule, message: String)
  }

  public var kind: Kind
  /// Line of the opening parenthesis, counted from 1.
  public var line: Int
}

/// A module of a script, which may be one that is refused.
public struct WastModule: Sendable {
  public enum Source: Sendable {
    /// Given as text that was read with the script.
    case parsed(Module)
    /// Given as text that is no module, or one beyond the features.
    case refused(TextError)
    /// Given as the bytes of a binary.
    case binary([UInt8])
    /// Given as the bytes of a text.
    case quoted([UInt8])
  }

  /// Identifier that later commands use, without `$`.
  public var name: String?
  public var source: Source

  /// The module, decoded or parsed but not validated.
  public func module() throws(WastRefusal) -> Module {
    switch source {
    case .parsed(let module): return module
    case .refused(let error): throw .text(error)
    case .binary(let bytes):
      do throws(WasmError) { return try decode(bytes) } catch { throw .binary(error) }
    case .quoted(let text):
      do throws(TextError) { return try parseText(text) } catch { throw .text(error) }
    }
  }

  /// The module, validated.
  public func validModule() throws(WastRefusal) -> Module {
    let module = try module()
    do throws(WasmError) { try validate(module) } catch { throw .binary(error) }
    return module
  }
}

/// Why there is no module.
public enum WastRefusal: Error, Sendable, CustomStringConvertible {
  case text(TextError)
  /// Malformed, or not valid, the latter of modules given as text too.
  case binary(WasmError)

  public var reason: String {
    switch self {
    case .text(let error): error.reason
    case .binary(let error): error.reason
    }
  }

  public var kind: WasmError.Kind {
    switch self {
    case .text: .malformed
    case .binary(let error): error.kind
    }
  }

  public var description: String {
    switch self {
    case .text(let error): "\(error)"
    case .binary(let error): "\(error)"
    }
  }
}

/// Something that a script does with an instance.
public struct WastAction: Sendable {
  public enum Kind: Sendable {
    case invoke([WastValue])
    /// Reads a global.
    case get
  }

  public var kind: Kind
  /// Name of the instance; nil: the current one.
  public var instance: String?
  /// Name of the export.
  public var export: String
}

/// An argument or a result.
public enum WastValue: Hashable, Sendable {
  case i32(UInt32)
  case i64(UInt64)
  /// Bits of the float.
  case f32(UInt32)
  case f64(UInt64)
  case v128(V128)
  case null(ValueType)
  /// A reference of the host's, by the number that it is known by.
  case externref(UInt32)
  /// A value of a type beyond the features, as it is written.
  case unsupported(String)
}

/// What a result is claimed to be.
public indirect enum WastPattern: Hashable, Sendable {
  case value(WastValue)
  /// A NaN of the type, of one of the two classes.
  case nan(ValueType, WastNaN)
  /// A vector of which at least one lane is a NaN class.
  case lanes(ValueType, [WastLane])
  /// Any null reference.
  case null
  /// Any reference of the type that is not null.
  case reference(ValueType)
  case either([WastPattern])
}

/// A class of NaNs.
public enum WastNaN: Hashable, Sendable {
  /// The payload is 1 followed by zeros.
  case canonical
  /// The payload starts with 1.
  case arithmetic
}

/// A lane of a vector of floats.
public enum WastLane: Hashable, Sendable {
  case bits(UInt64)
  case nan(WastNaN)
}
