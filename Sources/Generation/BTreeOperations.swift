// Emits the operations of B-trees in stable memory, as canisters keep their maps in: nodes of up to three entries, which
// are split while they are full on the way down, so that one insertion moves entries and children between several nodes.
// A part of the structures' operations.

import Canister
import Wasm

/// How a B-tree lies in stable memory; all numbers have 8 bytes.
///
/// Nodes are slots, handed out one after the other. A node begins with its number of entries and its leftmost child; then
/// come entries of key, value and the child between this key and the next. Children are counted from 1; 0 is none.
enum TreeLayout {
  static let magic: UInt64 = 0x0045_4552_542D_4201

  // Header: the magic number, then these.
  static let root: UInt64 = 8
  static let keys: UInt64 = 16
  static let nodes: UInt64 = 24
  static let headerBytes: UInt64 = 32

  // Node.
  static let children: UInt64 = 8
  static let mostEntries: UInt64 = 3
  static let nodeBytes = children + mostEntries * entryBytes + 8

  // Entry, with the child to the left of its key.
  static let key: UInt64 = 8
  static let value: UInt64 = 16
  static let right: UInt64 = 24
  static let entryBytes: UInt64 = 24

  /// Levels that a tree can have: with one entry a node, five take 31 nodes, and there are at most 30.
  static let mostLevels: UInt64 = 4
}

/// Locals with the heap addresses of an entry in the node at hand, and of where its entries end.
private struct TreePlace {
  let entry: LocalIndex
  let end: LocalIndex
}

/// Locals with the parts of an entry on its way into a node.
private struct TreeEntry {
  let key: LocalIndex
  let value: LocalIndex
  let right: LocalIndex
}

extension ModuleGenerator {
  /// Heap addresses of a tree's header, of the node at hand, and of the half that is moved when a node is split.
  private static let treeHeader = slotAddress
  private static let treeNode = slotAddress + 64
  private static let treeHalf = slotAddress + 192

  // MARK: Operations

  /// Adds the key, with the number of keys so far as its value, or counts its value up. Answers that number or the value
  /// as it was. A tree without room for another node is given up, and the next insertion begins a new one.
  mutating func insert(_ tree: Structure, _ key: LocalIndex) {
    let answer = addNumber()
    let free = addNumber()
    let entry = TreeEntry(key: addNumber(), value: addNumber(), right: addNumber())
    let place = addTreePlace()
    let child = addNumber()
    loadStable(.constant(tree.base))
    emitI64(TreeLayout.magic)
    emit(.i64Ne)
    branch { $0.makeEmpty(tree) }
    readStable(.constant(tree.base), TreeLayout.headerBytes, to: Self.treeHeader)
    loadNumber(Self.treeHeader + TreeLayout.keys)
    emit(.localSet, .local(answer))
    loadNumber(Self.treeHeader + TreeLayout.nodes)
    emit(.localSet, .local(free))
    let node = slotAddress(tree) { $0.loadNumber(Self.treeHeader + TreeLayout.root) }
    open(.block, isTarget: false)
    emitIsFull(node)
    branch { $0.growRoot(tree, free, node, done: 1) }
    // Two trips a level: one splits the child, the next goes down to it.
    repeated(2 * TreeLayout.mostLevels) { generator, _ in
      generator.open(.block, isTarget: false)
      generator.readNode(node)
      generator.findPlace(of: key, place)
      generator.emitIsKey(key, at: place)
      generator.branch {
        $0.countUp(place, answer)
        $0.writeNode(node)
        $0.emit(.br, .label(3))
      }
      generator.load(place.entry, 0)
      generator.emit(.localTee, .local(child))
      generator.emit(.i64Eqz)
      generator.branch {
        $0.makeEntry(entry, tree, key, count: answer)
      } otherwise: {
        $0.emitChildAddress(tree, child)
        $0.emit(.localSet, .local(child))
        $0.emitIsFull(child)
        $0.emit(.i32Eqz)
        $0.branch {
          $0.get(child)
          $0.emit(.localSet, .local(node))
          $0.emit(.br, .label(2))
        }
        $0.split(tree, child, free, middle: entry, done: 3)
      }
      generator.emitHasRoom(place)
      generator.emit(.i32Eqz)
      generator.emit(.brIf, .label(2))
      generator.put(entry, at: place)
      generator.writeNode(node)
      // An entry without a child to its right is the new one; another came up from a child, and the way goes on.
      generator.get(entry.right)
      generator.emit(.i64Eqz)
      generator.emit(.brIf, .label(2))
      generator.close()
    }
    close()
    get(answer)
  }

  /// The value of the smallest key that is not less than the argument; −1 where there is none.
  mutating func search(_ tree: Structure, _ key: LocalIndex) {
    let answer = addNumber()
    let place = addTreePlace()
    let child = addNumber()
    emitI64(.max)
    emit(.localSet, .local(answer))
    readStable(.constant(tree.base), TreeLayout.headerBytes, to: Self.treeHeader)
    let node = slotAddress(tree) { $0.loadNumber(Self.treeHeader + TreeLayout.root) }
    open(.block, isTarget: false)
    loadNumber(Self.treeHeader)
    emitI64(TreeLayout.magic)
    emit(.i64Ne)
    emit(.brIf, .label(0))
    repeated(TreeLayout.mostLevels) { generator, _ in
      generator.readNode(node)
      generator.findPlace(of: key, place)
      generator.emitIsThere(place)
      generator.branch {
        $0.load(place.entry, TreeLayout.value)
        $0.emit(.localSet, .local(answer))
      }
      generator.emitIsKey(key, at: place)
      generator.emit(.brIf, .label(1))
      generator.load(place.entry, 0)
      generator.emit(.localTee, .local(child))
      generator.emit(.i64Eqz)
      generator.emit(.brIf, .label(1))
      generator.emitChildAddress(tree, child)
      generator.emit(.localSet, .local(node))
    }
    close()
    get(answer)
  }

  // MARK: Trees and nodes

  /// Begins a tree: a header, and a root without entries as the only node.
  private mutating func makeEmpty(_ tree: Structure) {
    storeNumber(Self.treeHeader) { $0.emitI64(TreeLayout.magic) }
    storeNumber(Self.treeHeader + TreeLayout.root) { $0.emitI64(0) }
    storeNumber(Self.treeHeader + TreeLayout.keys) { $0.emitI64(0) }
    storeNumber(Self.treeHeader + TreeLayout.nodes) { $0.emitI64(1) }
    writeStable(.constant(tree.base), TreeLayout.headerBytes, from: Self.treeHeader)
    // An empty node begins with two zeros, which stand in the header too.
    writeStable(.constant(tree.start), 16, from: Self.treeHeader + TreeLayout.root)
  }

  /// Takes the next free node; a tree that has none left is given up.
  ///
  /// - Parameter done: the label of the block to leave then, seen from here.
  private mutating func takeNode(_ tree: Structure, _ free: LocalIndex, done: UInt32) {
    get(free)
    emitI64(tree.slots)
    emit(.i64GeU)
    branch {
      $0.storeStable(.constant(tree.base)) { $0.emitI64(0) }
      $0.emit(.br, .label(done + 1))
    }
    get(free)
    emitI64(1)
    emit(.i64Add)
    emit(.localSet, .local(free))
    storeStable(.constant(tree.base + TreeLayout.nodes)) { $0.get(free) }
  }

  /// Puts a new node without entries above a full root; `node` is the root's address, before and after.
  private mutating func growRoot(_ tree: Structure, _ free: LocalIndex, _ node: LocalIndex, done: UInt32) {
    takeNode(tree, free, done: done)
    storeNumber(Self.treeNode) { $0.emitI64(0) }
    storeNumber(Self.treeNode + TreeLayout.children) {
      $0.loadNumber(Self.treeHeader + TreeLayout.root)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
    // The number of the node that was taken, counted from 1.
    emitChildAddress(tree, free)
    emit(.localSet, .local(node))
    writeStable(.local(node), 16, from: Self.treeNode)
    storeStable(.constant(tree.base + TreeLayout.root)) {
      $0.get(free)
      $0.emitI64(1)
      $0.emit(.i64Sub)
    }
  }

  /// Moves the last entry of a full child, and the children around it, to a new node. The middle entry is left in locals,
  /// with the new node to its right.
  private mutating func split(
    _ tree: Structure, _ child: LocalIndex, _ free: LocalIndex, middle: TreeEntry, done: UInt32
  ) {
    takeNode(tree, free, done: done)
    get(free)
    emit(.localSet, .local(middle.right))
    // From the middle key on.
    let from = TreeLayout.children + TreeLayout.entryBytes + TreeLayout.key
    readStable(.local(child, plus: from), TreeLayout.nodeBytes - from, to: Self.treeHalf)
    loadNumber(Self.treeHalf)
    emit(.localSet, .local(middle.key))
    loadNumber(Self.treeHalf + 8)
    emit(.localSet, .local(middle.value))
    storeStable(.local(child)) { $0.emitI64(1) }
    emitChildAddress(tree, free)
    emit(.localSet, .local(child))
    storeStable(.local(child)) { $0.emitI64(1) }
    writeStable(
      .local(child, plus: TreeLayout.children), TreeLayout.nodeBytes - from - 16, from: Self.treeHalf + 16)
  }

  /// Leaves the address of the node whose number, counted from 1, a local holds.
  private mutating func emitChildAddress(_ tree: Structure, _ child: LocalIndex) {
    emitSlotAddress(tree) {
      $0.get(child)
      $0.emitI64(1)
      $0.emit(.i64Sub)
    }
  }

  private mutating func readNode(_ node: LocalIndex) {
    readStable(.local(node), TreeLayout.nodeBytes, to: Self.treeNode)
  }

  private mutating func writeNode(_ node: LocalIndex) {
    writeStable(.local(node), TreeLayout.nodeBytes, from: Self.treeNode)
  }

  /// Leaves whether the node at an address in stable memory has as many entries as it can.
  private mutating func emitIsFull(_ node: LocalIndex) {
    loadStable(.local(node))
    emitI64(TreeLayout.mostEntries)
    emit(.i64And)
    emitI64(TreeLayout.mostEntries)
    emit(.i64Eq)
  }

  // MARK: Entries of the node at hand

  /// Finds the first entry whose key is not less than the given one, or the end.
  private mutating func findPlace(of key: LocalIndex, _ place: TreePlace) {
    loadNumber(Self.treeNode)
    emitI64(TreeLayout.mostEntries)
    emit(.i64And)
    if word == .i32 { emit(.i32WrapI64) }
    emitWord(TreeLayout.entryBytes)
    emit(word, narrow: .i32Mul, wide: .i64Mul)
    emitWord(Self.treeNode + TreeLayout.children)
    emit(word, narrow: .i32Add, wide: .i64Add)
    emit(.localSet, .local(place.end))
    emitWord(Self.treeNode + TreeLayout.children)
    emit(.localSet, .local(place.entry))
    open(.block, isTarget: false)
    repeated(TreeLayout.mostEntries) { generator, _ in
      generator.emitIsThere(place)
      generator.emit(.i32Eqz)
      generator.emit(.brIf, .label(1))
      generator.load(place.entry, TreeLayout.key)
      generator.get(key)
      generator.emit(.i64GeU)
      generator.emit(.brIf, .label(1))
      generator.get(place.entry)
      generator.emitWord(TreeLayout.entryBytes)
      generator.emit(generator.word, narrow: .i32Add, wide: .i64Add)
      generator.emit(.localSet, .local(place.entry))
    }
    close()
  }

  /// Leaves whether the place is an entry, and not the end.
  private mutating func emitIsThere(_ place: TreePlace) {
    get(place.entry)
    get(place.end)
    emit(word, narrow: .i32LtU, wide: .i64LtU)
  }

  /// Leaves whether the place is an entry with this key.
  private mutating func emitIsKey(_ key: LocalIndex, at place: TreePlace) {
    emitIsThere(place)
    load(place.entry, TreeLayout.key)
    get(key)
    emit(.i64Eq)
    emit(.i32And)
  }

  /// Leaves whether the node has room for another entry: always, unless something else wrote to it.
  private mutating func emitHasRoom(_ place: TreePlace) {
    get(place.end)
    emitWord(Self.treeNode + TreeLayout.children + TreeLayout.mostEntries * TreeLayout.entryBytes)
    emit(word, narrow: .i32LtU, wide: .i64LtU)
  }

  /// Adds one to the entry's value; `old` is what it was.
  private mutating func countUp(_ place: TreePlace, _ old: LocalIndex) {
    get(place.entry)
    load(place.entry, TreeLayout.value)
    emit(.localTee, .local(old))
    emitI64(1)
    emit(.i64Add)
    emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: TreeLayout.value)))
  }

  /// Makes a new entry of a key, and counts it in the header.
  private mutating func makeEntry(_ entry: TreeEntry, _ tree: Structure, _ key: LocalIndex, count: LocalIndex) {
    get(key)
    emit(.localSet, .local(entry.key))
    get(count)
    emit(.localSet, .local(entry.value))
    emitI64(0)
    emit(.localSet, .local(entry.right))
    storeStable(.constant(tree.base + TreeLayout.keys)) {
      $0.get(count)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
  }

  /// Makes room at the place for one more entry, and puts it there.
  private mutating func put(_ entry: TreeEntry, at place: TreePlace) {
    // To, from, and how much: all up to where the entry before the last ends.
    for offset in [TreeLayout.key + TreeLayout.entryBytes, TreeLayout.key] {
      get(place.entry)
      emitWord(offset)
      emit(word, narrow: .i32Add, wide: .i64Add)
    }
    emitWord(Self.treeNode + TreeLayout.nodeBytes - TreeLayout.entryBytes - TreeLayout.key)
    get(place.entry)
    emit(word, narrow: .i32Sub, wide: .i64Sub)
    emit(.memoryCopy, .memoryCopy(destination: MemoryIndex(0), source: MemoryIndex(0)))
    spend(100 + TreeLayout.nodeBytes)
    for (part, offset) in [
      (entry.key, TreeLayout.key), (entry.value, TreeLayout.value), (entry.right, TreeLayout.right),
    ] {
      get(place.entry)
      get(part)
      emit(.i64Store, .memoryAccess(MemoryAccess(alignment: 0, offset: offset)))
    }
    storeNumber(Self.treeNode) {
      $0.loadNumber(Self.treeNode)
      $0.emitI64(TreeLayout.mostEntries)
      $0.emit(.i64And)
      $0.emitI64(1)
      $0.emit(.i64Add)
    }
  }

  // MARK: Steps

  private mutating func addNumber() -> LocalIndex { addLocal(.i64, isAssignable: false) }

  private mutating func addTreePlace() -> TreePlace {
    TreePlace(entry: addLocal(word, isAssignable: false), end: addLocal(word, isAssignable: false))
  }

  /// Leaves the 8 bytes behind a heap address that a local holds.
  private mutating func load(_ address: LocalIndex, _ offset: UInt64) {
    get(address)
    emit(.i64Load, .memoryAccess(MemoryAccess(alignment: 0, offset: offset)))
  }
}
