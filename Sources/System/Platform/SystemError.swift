import CPlatform
import Glibc

/// A system call that failed, with what it was about.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: CInt
    /// The call and its object, such as `open /etc/aliases`.
    package let operation: String

    package init(_ operation: String, code: CInt = errno) {
        self.code = code
        self.operation = operation
    }

    /// The system's words for the code, such as `No such file or directory`.
    package var reason: String { String(cString: strerror(code)) }
    package var description: String { "\(operation): \(reason)" }

    package var isMissing: Bool { code == ENOENT || code == ENOTDIR }
    /// The disk or a quota is full.
    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }
}

/// Calls until the call is not interrupted; -1 becomes an error. The one place that knows about both.
@inline(__always)
package func checked<Result: SignedInteger>(
    _ operation: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemError(operation(), code: code) }
    }
}
