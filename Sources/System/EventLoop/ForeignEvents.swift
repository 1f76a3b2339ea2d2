import CLibevent

/// What a C library needs that keeps events of its own on this loop.
@EventLoopActor package enum ForeignEvents {
    /// The event base, as libevent knows it. It lives as long as the process.
    package static var base: OpaquePointer { LoopExecutor.shared.base }

    /// Enters the actor from a callback of such a library, which the loop has called or somebody on its thread.
    package nonisolated static func callback(_ body: @EventLoopActor () -> Void) { onLoop(body) }
}
