import CPlatform
import Glibc

/// A pipe, both ends close-on-exec.
package struct Pipe: ~Copyable {
    package let reading: OwnedDescriptor
    package let writing: OwnedDescriptor

    package init() throws(SystemError) {
        var ends: [CInt] = [-1, -1]
        _ = try checked("pipe") { martlet_pipe(&ends) }
        reading = OwnedDescriptor(adopting: ends[0])
        writing = OwnedDescriptor(adopting: ends[1])
    }

    /// The reading end alone; the other is closed.
    package consuming func intoReading() -> OwnedDescriptor { reading }

    /// The writing end alone; the other is closed.
    package consuming func intoWriting() -> OwnedDescriptor { writing }
}
