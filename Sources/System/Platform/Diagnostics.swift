import Glibc

/// Last words of programs: a line on standard error and an exit status.
package enum Diagnostics {
    /// Writes the text and a line break to standard error; a closed one is no reason to fail.
    package static func say(_ text: String) {
        // Nobody is left to be told that standard error is closed.
        try? Files.writeAll(raw: STDERR_FILENO, Array("\(text)\n".utf8))
    }

    /// Says why and ends the process at once, without handlers of `atexit`.
    package static func fail(_ text: String, code: CInt = 1) -> Never {
        say(text)
        _exit(code)
    }
}
