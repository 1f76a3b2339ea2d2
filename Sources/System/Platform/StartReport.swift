import Glibc
import Synchronization

/// What a program in the background tells the one that was started in the foreground: how its start went.
///
/// Told once; what is told later goes nowhere. Without a word the other takes the start for failed.
package final class StartReport: Sendable {
    private let pipe: Mutex<OwnedDescriptor?>

    init(_ pipe: consuming OwnedDescriptor) { self.pipe = Mutex(pipe) }

    /// The program serves: whoever waits ends with status 0.
    package func ready() { tell([0]) }

    /// It does not: whoever waits says why on standard error, and ends with status 1.
    package func failed(_ reason: String) { tell(Array((reason + "\n").utf8)) }

    private func tell(_ bytes: [UInt8]) {
        guard let pipe = pipe.withLock({ $0.take() }) else { return }
        // Who was to be told may have been interrupted.
        try? Files.writeAll(pipe, bytes)
    }
}
