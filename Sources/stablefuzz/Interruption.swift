// SIGINT and SIGTERM as a wish to stop: a campaign ends its round and keeps what it has.

import Glibc
import Synchronization

private let isRequested = Atomic<Bool>(false)

/// A wish to stop from outside.
enum Interruption {
  /// Starts to listen. A second signal ends the process at once.
  static func listen() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        isRequested.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  static var isWanted: Bool { isRequested.load(ordering: .relaxed) }
}

/// A clock that starts when it is made.
struct Stopwatch {
  private let start = ContinuousClock.now

  var seconds: Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
