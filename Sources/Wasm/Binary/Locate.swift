// From the item named by an error to its byte offset, by decoding the bytes once more.
// Comes after `validate` where the module was decoded from bytes.

/// Adds the byte offset of the item or instruction that `error` names.
/// - Parameter bytes: the binary that the module was decoded from.
/// - Returns: the error unchanged if it has an offset already, names no item, or the item is not in `bytes`.
public func locate(_ error: WasmError, in bytes: [UInt8]) -> WasmError {
  guard error.offset == nil, let location = error.location else { return error }
  var located = error
  located.offset = offset(of: location, in: bytes)
  return located
}

/// The byte offset of an item or instruction; nil if it is not in `bytes`.
public func offset(of location: WasmError.Location, in bytes: [UInt8]) -> Int? {
  bytes.withUnsafeBufferPointer { buffer in
    var decoder = ModuleDecoder(buffer)
    var number = 0
    if case .instruction(let function, let instruction) = location {
      number = instruction
      decoder.watched = .instruction(function, number: 0)
    } else {
      decoder.watched = location
    }
    do throws(WasmError) {
      try decoder.decodeModule()
    } catch {
      // Everything up to the error was passed; the item may be among it.
    }
    guard let start = decoder.watchedOffset else { return nil }
    decoder.cursor.position = start
    decoder.cursor.end = decoder.cursor.limit
    do throws(WasmError) {
      try decoder.code.skip(number, &decoder.cursor)
    } catch {
      return nil
    }
    return decoder.cursor.position
  }
}
