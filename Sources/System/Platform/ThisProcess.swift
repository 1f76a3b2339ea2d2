import CPlatform
import Glibc

/// What a process says of itself to the system.
package enum ThisProcess {
    /// Shows `title` in `ps` and, cut to 15 octets, as the name of the thread.
    ///
    /// Needs /proc, so it comes before chroot. Cut to the room that the arguments and the environment had.
    package static func setTitle(_ title: String) throws(SystemError) {
        // The runtime reads the arguments from where the title will be; this makes it keep them.
        _ = CommandLine.arguments.count
        _ = try checked("process title") { martlet_set_title(title) }
        _ = try checked("PR_SET_NAME") { martlet_set_name(title) }
    }

    /// Allows as many open descriptors as the administrator has set as the hard limit.
    ///
    /// - Returns: The limit.
    @discardableResult
    package static func raiseOpenFiles() throws(SystemError) -> UInt64 {
        var limit = rlimit()
        _ = try checked("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        limit.rlim_cur = limit.rlim_max
        _ = try checked("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return UInt64(limit.rlim_cur)
    }

    /// Gives memory that was freed back to the system where the allocator keeps it; for after a burst.
    package static func returnFreedMemory() { martlet_return_freed_memory() }

    /// Octets nobody can guess, from the kernel.
    package static func randomBytes(_ count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let start = filled
            filled += try checked("getrandom") {
                bytes.withUnsafeMutableBytes { martlet_random($0.baseAddress! + start, count - start) }
            }
        }
        return bytes
    }

    /// Leaves the end of the process to whoever started it: signals that a terminal sends to all of a group, and
    /// those of a broken pipe, do nothing.
    package static func ignoreTerminalSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { _ = signal(number, SIG_IGN) }
    }

    /// Goes on in the background: a child in a session of its own, in the root directory, with the standard
    /// descriptors on /dev/null. Only before anything else has been started.
    ///
    /// The process that was started ends when the one in the background has reported.
    package static func detach() throws(SystemError) -> StartReport {
        completeStandardDescriptors()
        return StartReport(OwnedDescriptor(adopting: try checked("detach") { martlet_detach() }))
    }
}
