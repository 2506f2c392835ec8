// Number types, and short lists of them as single words, so that signatures are compared and copied without heap storage.
// Used throughout the generator; turned into the model's types when a module is put together.

import Wasm

/// A type of generated values. References occur only where an instruction makes and uses one at once.
enum NumberType: UInt8, CaseIterable {
  case i32, i64, f32, f64, v128

  var valueType: ValueType {
    switch self {
    case .i32: .i32
    case .i64: .i64
    case .f32: .f32
    case .f64: .f64
    case .v128: .v128
    }
  }

  init?(_ type: ValueType) {
    switch type {
    case .i32: self = .i32
    case .i64: self = .i64
    case .f32: self = .f32
    case .f64: self = .f64
    case .v128: self = .v128
    default: return nil
    }
  }

  /// The type with this code; only the three lowest bits count.
  @inline(__always) init(code: UInt64) { self = Self(rawValue: UInt8(truncatingIfNeeded: code & 7)) ?? .i32 }

  @inline(__always) var position: Int { Int(rawValue) }

  /// The instructions that load and store a whole value.
  var load: Opcode {
    switch self {
    case .i32: .i32Load
    case .i64: .i64Load
    case .f32: .f32Load
    case .f64: .f64Load
    case .v128: .v128Load
    }
  }

  var store: Opcode {
    switch self {
    case .i32: .i32Store
    case .i64: .i64Store
    case .f32: .f32Store
    case .f64: .f64Store
    case .v128: .v128Store
    }
  }
}

/// Up to 16 number types.
struct TypeList: Hashable {
  private var bits: UInt64 = 0
  private(set) var count = 0

  init() {}
  init(_ types: NumberType...) { for type in types { append(type) } }

  subscript(_ position: Int) -> NumberType { NumberType(code: bits >> UInt64(truncatingIfNeeded: position &* 3)) }

  mutating func append(_ type: NumberType) {
    if count >= 16 { return }
    bits |= UInt64(type.rawValue) << UInt64(truncatingIfNeeded: count &* 3)
    count += 1
  }

  var valueTypes: [ValueType] { (0..<count).map { self[$0].valueType } }
}

/// Parameters and results of a function or block.
struct FunctionShape: Hashable {
  var parameters = TypeList()
  var results = TypeList()

  /// Entry points take nothing and return nothing.
  static let entry = FunctionShape()

  var type: FunctionType { FunctionType(parameters.valueTypes, results.valueTypes) }
}
