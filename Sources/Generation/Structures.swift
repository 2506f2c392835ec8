// Data structures in stable memory, as canisters keep them: where they lie and what they look like is the same for all
// modules of a case, so that what one message or module wrote, another reads. Drawn with the case's shape; their
// operations are helper functions that `StructureOperations` emits.

import Canister
import Entropy

/// A data structure in stable memory: a header, then slots of equal size.
///
/// Other code writes to the same pages, so operations take nothing for granted: every number that they read is reduced to
/// what the structure has room for.
struct Structure {
  enum Kind: CaseIterable {
    /// Records behind each other, the oldest overwritten. Header: number of records ever.
    case log
    /// Header: number of elements.
    case vector
    /// A B-tree whose nodes are the slots. Header: see `TreeLayout`.
    case tree
    /// Blocks that are given out and taken back. Header: first free block, number of blocks ever given out.
    case freeList
    /// Bits in the slots. Header: number of changes.
    case bitmap
  }

  let kind: Kind
  /// Address of the header.
  let base: UInt64
  let slots: UInt64
  /// Bytes of a slot.
  let width: UInt64

  /// - Parameters:
  ///   - anchors: page-aligned, with 4 pages of stable memory behind each and one before.
  init(anchors: [UInt64], _ choices: inout ChoiceSource) {
    kind = choices.element(of: Kind.allCases)
    let isTree = kind == .tree
    width = choices.element(of: isTree ? [TreeLayout.nodeBytes, 96, 512, 1_000] : [16, 24, 100, 1_000, 2_048, 4_096])
    // Records that begin before a page edge and end after it are what page accounting gets wrong.
    let before: UInt64 = choices.element(of: isTree ? [0, 76, 130, 20, 4_080] : [0, 16, 8, 1, 20, 4_080])
    base = choices.element(of: anchors) - before
    let room = 4 * Sizes.osPage - Self.headerBytes(kind)
    slots = min(room / width, isTree ? 6 + choices.draw(below: 25) : 2 + choices.draw(below: 12))
  }

  private static func headerBytes(_ kind: Kind) -> UInt64 { kind == .tree ? TreeLayout.headerBytes : 16 }

  /// Address of the first slot.
  var start: UInt64 { base + Self.headerBytes(kind) }

  /// All OS pages that an operation may touch.
  var pages: Range<UInt64> {
    base / Sizes.osPage..<(start + slots * width + Sizes.osPage - 1) / Sizes.osPage
  }

  /// The names of the two operations.
  var operations: (change: StructureOperation, look: StructureOperation) {
    switch kind {
    case .log: (.append, .recall)
    case .vector: (.push, .exchange)
    case .tree: (.insert, .search)
    case .freeList: (.allocate, .release)
    case .bitmap: (.flip, .find)
    }
  }

  var feature: Feature {
    switch kind {
    case .log: .log
    case .vector: .vector
    case .tree: .tree
    case .freeList: .freeList
    case .bitmap: .bitmap
    }
  }
}

/// An operation on a structure: a function of one number that answers with another.
enum StructureOperation: UInt8 {
  case append, recall, push, exchange, insert, search, allocate, release, flip, find

  /// Whether it writes to the structure.
  var isChange: Bool {
    switch self {
    case .append, .push, .exchange, .insert, .allocate, .release, .flip: true
    case .recall, .search, .find: false
    }
  }

  static let shape = FunctionShape(parameters: TypeList(.i64), results: TypeList(.i64))
}
