// Tables that the generator derives once from the opcode and System API tables, laid out for drawing: one entry per unit
// of weight, so that a choice is one bounded number and one look-up.

import Canister
import Wasm

/// How the operands of a numeric instruction must be made so that it does not trap.
enum OperandGuard: UInt8 { case none, divisor, conversion }

/// A numeric instruction of the opcode table.
struct NumericOperation {
  var opcode: Opcode
  var operands: TypeList
  var operandGuard: OperandGuard
}

/// A load or store of the opcode table.
struct AccessOperation {
  var opcode: Opcode
  var type: NumberType
  /// log2 of the width in bytes.
  var width: UInt8
}

/// A System API function's signature for one heap width.
struct SystemSignature {
  var shape: FunctionShape
  var exists: Bool
}

/// A vector instruction with a lane number.
struct LaneOperation {
  var opcode: Opcode
  var operands: TypeList
  /// Number of lanes.
  var lanes: UInt64
  /// log2 of the width in bytes of the memory access; nil for instructions on the stack alone.
  var width: UInt8?
}

/// The derived tables.
struct GenerationTables: Sendable {
  /// Whether random programs contain vectors. Everything else about them follows from the opcode table.
  static let makesVectors = true

  /// By result type.
  let operations: [[NumericOperation]]
  /// All that take a vector first, with the type of what they leave.
  let vectorOperations: [(operation: NumericOperation, result: NumberType)]
  /// By type of the value that moves.
  let loads: [[AccessOperation]]
  let stores: [AccessOperation]
  /// By result type: extracting, replacing, loading a lane. Stores of a lane have a list of their own.
  let lanes: [[LaneOperation]]
  let laneStores: [LaneOperation]
  /// By raw value of the function, for narrow and wide heaps.
  let narrowSignatures: [SystemSignature]
  let wideSignatures: [SystemSignature]
  /// Functions without parameters that answer a number and change nothing.
  let values: [SystemFunction]
  /// All functions, by raw value.
  let functions = SystemFunction.allCases
  /// Import names by raw value of the function.
  let names: [String]
  /// Where each function may be called, and its fixed charge, by raw value.
  let entryPoints: [EntryPointSet]
  let charges: [UInt64]

  static let shared = GenerationTables()

  private init() {
    let types = NumberType.allCases.count
    var operations = [[NumericOperation]](repeating: [], count: types)
    var loads = [[AccessOperation]](repeating: [], count: types)
    var stores: [AccessOperation] = []
    var lanes = [[LaneOperation]](repeating: [], count: types)
    var laneStores: [LaneOperation] = []
    for opcode in Opcode.allCases {
      let row = opcode.row
      if row.signature.isSpecial || row.weight == 0 { continue }
      if row.shape == .memoryAccess {
        if row.signature.operands.1 == .v128 && !Self.makesVectors { continue }
        Self.addAccess(opcode, row, &loads, &stores)
      } else if row.shape == .lane || row.shape == .memoryLane {
        let operation = LaneOperation(
          opcode: opcode, operands: Self.operands(of: row) ?? TypeList(), lanes: UInt64(opcode.laneCount),
          width: row.shape == .memoryLane ? row.alignment : nil)
        if let result = row.signature.result.flatMap(NumberType.init) {
          lanes[result.position].append(operation)
        } else {
          laneStores.append(operation)
        }
      } else if row.shape == .none, let result = row.signature.result.flatMap(NumberType.init) {
        guard let operation = Self.operation(opcode, row) else { continue }
        let isVector = (0..<operation.operands.count).contains { operation.operands[$0] == .v128 }
        if isVector && result != .v128 && !Self.makesVectors { continue }
        operations[result.position] += Array(repeating: operation, count: Int(row.weight))
      }
    }
    self.operations = operations
    vectorOperations = NumberType.allCases.flatMap { result in
      operations[result.position].filter { $0.operands[0] == .v128 }.map { ($0, result) }
    }
    self.loads = loads
    self.stores = stores
    self.lanes = lanes
    self.laneStores = laneStores
    narrowSignatures = SystemFunction.allCases.map { Self.signature($0, is64BitHeap: false) }
    wideSignatures = SystemFunction.allCases.map { Self.signature($0, is64BitHeap: true) }
    names = SystemFunction.allCases.map(\.name)
    entryPoints = SystemFunction.allCases.map(\.row.entryPoints)
    charges = SystemFunction.allCases.map(\.row.charge)
    values = [
      .time, .canisterVersion, .canisterStatus, .msgCallerSize, .canisterSelfSize, .subnetSelfSize, .msgArgDataSize,
      .canisterCycleBalance, .inReplicatedExecution, .dataCertificatePresent, .msgCyclesAvailable, .msgDeadline,
      .rootKeySize, .envVarCount, .msgMethodNameSize,
    ]
  }

  /// The operand types of a plain row; nil where a reference is among them.
  static func operands(of row: OpcodeRow) -> TypeList? {
    var operands = TypeList()
    for operand in [row.signature.operands.0, row.signature.operands.1, row.signature.operands.2] {
      guard let operand else { break }
      guard let type = NumberType(operand) else { return nil }
      operands.append(type)
    }
    return operands
  }

  private static func operation(_ opcode: Opcode, _ row: OpcodeRow) -> NumericOperation? {
    guard let operands = operands(of: row) else { return nil }
    let operandGuard: OperandGuard =
      row.traps.contains(.divisionByZero) ? .divisor : row.traps.contains(.invalidConversion) ? .conversion : .none
    return NumericOperation(opcode: opcode, operands: operands, operandGuard: operandGuard)
  }

  private static func addAccess(
    _ opcode: Opcode, _ row: OpcodeRow, _ loads: inout [[AccessOperation]], _ stores: inout [AccessOperation]
  ) {
    if let type = row.signature.result.flatMap(NumberType.init) {
      let access = AccessOperation(opcode: opcode, type: type, width: row.alignment)
      loads[type.position] += Array(repeating: access, count: Int(row.weight))
    } else if let type = row.signature.operands.1.flatMap(NumberType.init), row.signature.result == nil {
      let access = AccessOperation(opcode: opcode, type: type, width: row.alignment)
      // Whole words matter most: they make every byte of the heap differ.
      stores += Array(repeating: access, count: Int(row.weight) * (type == .i64 || type == .i32 ? 2 : 1))
    }
  }

  private static func signature(_ function: SystemFunction, is64BitHeap: Bool) -> SystemSignature {
    guard let type = function.row.type(is64BitHeap: is64BitHeap) else {
      return SystemSignature(shape: FunctionShape(), exists: false)
    }
    var shape = FunctionShape()
    for parameter in type.parameters.compactMap(NumberType.init) { shape.parameters.append(parameter) }
    for result in type.results.compactMap(NumberType.init) { shape.results.append(result) }
    return SystemSignature(shape: shape, exists: true)
  }
}

extension Opcode {
  /// Number of lanes of an instruction with a lane number, read off its name, where the specification puts it:
  /// `i16x8.replace_lane` has 8, `v128.load32_lane` 4.
  var laneCount: Int {
    let text = "\(row.text)"
    if row.shape == .memoryLane { return 16 >> Int(row.alignment) }
    let shape = text.prefix { $0 != "." }
    return shape.split(separator: "x").last.flatMap { Int($0) } ?? 1
  }
}
