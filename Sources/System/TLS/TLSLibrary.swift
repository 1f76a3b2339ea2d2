import COpenSSL
import Glibc

/// The C library underneath: its start, and its words for what went wrong.
package enum TLSLibrary {
    /// Makes the library ready, before a process gives up its rights: later it would look for files.
    ///
    /// The system's openssl.cnf is not read: what connections are like is said by our own configuration alone, and
    /// is the same in a process that sees no files.
    package static func prepare() {
        _ = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
        // The first numbers drawn are what opens the source of randomness.
        var octet: UInt8 = 0
        _ = RAND_bytes(&octet, 1)
    }

    /// Why the last call failed, in the library's words; forgets it.
    static func takeReason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
        return String(cString: reason)
    }
}
