import Glibc

/// The terminal that a process was started from, for questions that need a person.
package enum Terminal {
    /// The longest answer, in octets.
    private static let longestAnswer = 1_024

    /// Asks for something that is not shown while it is typed.
    ///
    /// - Returns: One line without its end; nil when the process has no terminal.
    /// - Throws: What the kernel says of a terminal that is there.
    package static func askSecret(_ question: String) throws(SystemError) -> SecretBytes? {
        let terminal: OwnedDescriptor
        do throws(SystemError) {
            terminal = try Files.open("/dev/tty", O_RDWR | O_NOCTTY)
        } catch {
            // ENXIO, or no such device where there are no terminals at all: started by a service manager.
            return nil
        }
        let raw = terminal.raw
        var before = termios()
        _ = try checked("tcgetattr") { tcgetattr(raw, &before) }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        _ = try checked("tcsetattr") { tcsetattr(raw, TCSAFLUSH, &silent) }
        defer { _ = tcsetattr(raw, TCSAFLUSH, &before) }
        try Files.writeAll(terminal, Array(question.utf8))
        let answer = try SecretBytes(room: longestAnswer) { memory throws(SystemError) in
            let count = try checked("read /dev/tty") { read(raw, memory.baseAddress, memory.count) }
            // A terminal gives one line at a time.
            return memory[..<count].last == UInt8(ascii: "\n") ? count - 1 : count
        }
        try Files.writeAll(terminal, [UInt8(ascii: "\n")])
        return answer
    }
}
