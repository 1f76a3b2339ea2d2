import EventLoop
import Glibc
import Platform

/// A descriptor on its way to somebody who waits: continuations and closures cannot carry a noncopyable
/// value. Closed unless somebody takes it.
@EventLoopActor
package final class DescriptorBox {
    private var descriptor: OwnedDescriptor?

    package init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = consume descriptor }

    /// Nil for no descriptor.
    package init?(optional descriptor: consuming OwnedDescriptor?) {
        guard let descriptor = descriptor.take() else { return nil }
        self.descriptor = consume descriptor
    }

    /// Another descriptor of the same file; the box keeps its own.
    ///
    /// - Throws: What the kernel says, and EBADF when somebody has taken it.
    package func duplicate() throws(SystemError) -> OwnedDescriptor {
        guard let kept = descriptor.take() else { throw SystemError("dup", code: EBADF) }
        do throws(SystemError) {
            let copy = try kept.duplicate()
            descriptor = consume kept
            return copy
        } catch {
            descriptor = consume kept
            throw error
        }
    }

    /// The descriptor, for the first who asks.
    package func take() -> OwnedDescriptor? { descriptor.take() }
}
