// Number types, and short lists of them as single words, so that signatures are compared and copied without heap storage.
// Used throughout the generator; turned into the model's types when a module is put together.

import Wasm

/// A type of generated values. References occur only where an instruction makes and uses one at once.
enum NumberType: UInt8, CaseIterable {
  case i32, i64, f32, f64

  var valueType: ValueType {
    switch self {
    case .i32: .i32
    case .i64: .i64
    case .f32: .f32
    case .f64: .f64
    }
  }

  init?(_ type: ValueType) {
    switch type {
    case .i32: self = .i32
    case .i64: self = .i64
    case .f32: self = .f32
    case .f64: self = .f64
    default: return nil
    }
  }

  /// The type with this code; only the two lowest bits count.
  @inline(__always) init(code: UInt32) { self = unsafeBitCast(UInt8(truncatingIfNeeded: code & 3), to: Self.self) }

  @inline(__always) var position: Int { Int(rawValue) }
}

/// Up to 16 number types.
struct TypeList: Hashable {
  private var bits: UInt32 = 0
  private(set) var count = 0

  init() {}
  init(_ types: NumberType...) { for type in types { append(type) } }

  subscript(_ position: Int) -> NumberType { NumberType(code: bits >> UInt32(truncatingIfNeeded: position &* 2)) }

  mutating func append(_ type: NumberType) {
    if count >= 16 { return }
    bits |= UInt32(type.rawValue) << UInt32(truncatingIfNeeded: count &* 2)
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
