import Glibc

extension ThisProcess {
    /// Opens /dev/null in the place of each standard descriptor that the caller has closed, so that no file
    /// opened later gets its number and, with it, what is meant for standard error.
    package static func completeStandardDescriptors() {
        while true {
            let raw = open("/dev/null", O_RDWR)
            // Without /dev/null there is nothing to put there; without a gap there is nothing to do.
            if raw < 0 { return }
            if raw > STDERR_FILENO {
                _ = close(raw)
                return
            }
        }
    }
}
