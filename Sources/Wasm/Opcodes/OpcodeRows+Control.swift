// Table rows of the control family, in the order of the cases of `Opcode`.
// Costs are the replica's, wasm32, dfinity/ic `instruction_to_cost`.

extension OpcodeRow {
  static let control: [OpcodeRow] = [
    .init(.unreachable, "unreachable", .none, .special, cost: 1, traps: .unreachable),
    .init(.nop, "nop", .none, .empty, cost: 1, weight: 1),
    .init(.block, "block", .block, .special, cost: 0),
    .init(.loop, "loop", .block, .special, cost: 0),
    .init(.`if`, "if", .block, .special, cost: 2),
    .init(.`else`, "else", .none, .special, cost: 0),
    .init(.end, "end", .none, .special, cost: 0),
    .init(.br, "br", .label, .special, cost: 2),
    .init(.brIf, "br_if", .label, .special, cost: 2),
    .init(.brTable, "br_table", .labels, .special, cost: 2),
    .init(.`return`, "return", .none, .special, cost: 1),
    .init(.call, "call", .function, .special, cost: 5),
    .init(.callIndirect, "call_indirect", .indirectCall, .special, cost: 10, traps: .indirectCall),
    .init(.returnCall, "return_call", .function, .special, cost: 3),
    .init(.returnCallIndirect, "return_call_indirect", .indirectCall, .special, cost: 60, traps: .indirectCall),
    .init(.drop, "drop", .none, .special, cost: 1),
    .init(.select, "select", .none, .special, cost: 1),
    .init(.selectTyped, "select", .resultType, .special, cost: 1),
    .init(.localGet, "local.get", .local, .special, cost: 1),
    .init(.localSet, "local.set", .local, .special, cost: 1),
    .init(.localTee, "local.tee", .local, .special, cost: 1),
    .init(.globalGet, "global.get", .global, .special, cost: 2),
    .init(.globalSet, "global.set", .global, .special, cost: 2),
    .init(.tableGet, "table.get", .table, .special, cost: 5, traps: .tableBounds),
    .init(.tableSet, "table.set", .table, .special, cost: 5, traps: .tableBounds),
    .init(.refNull, "ref.null", .referenceType, .special, cost: 1),
    .init(.refIsNull, "ref.is_null", .none, .special, cost: 5),
    .init(.refFunc, "ref.func", .function, .special, cost: 130),
  ]
}
