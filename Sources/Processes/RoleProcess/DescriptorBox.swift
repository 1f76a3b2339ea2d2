import EventLoop
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

    /// The descriptor, for the first who asks.
    package func take() -> OwnedDescriptor? { descriptor.take() }
}
