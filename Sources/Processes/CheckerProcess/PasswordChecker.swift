import Authentication
import Glibc
import Log
import Passwords
import Platform
import ProcessMessages
import WireFormat

#if PAM
import AuthenticationPAM
#endif

/// `smtpd -x checker`: compares one password and ends.
///
/// The parent starts it when a comparison may take long: crypt(3) is slow on purpose, and PAM waits for seconds.
/// It may block, and while it does nobody else waits. One question comes on descriptor 3, the answer goes back
/// there. It holds no link and is no role: it knows nothing of the daemon but that question.
package enum PasswordChecker {
    /// The word behind `-x`.
    package static let name = "checker"

    /// Where the parent is, as for every child.
    private static let descriptor: CInt = 3

    /// Answers and ends. Never returns.
    package static func run(log: Logger) -> Never {
        let socket = OwnedDescriptor(adopting: descriptor)
        do throws(SystemError) {
            try ThisProcess.setTitle("smtpd: \(name)")
            try Privileges.forbidDumps()
            ThisProcess.ignoreTerminalSignals()
            let bytes = try Files.readToEnd(socket, limit: PasswordQuestion.maximumSize, name: "question")
            let answer = answer(try question(bytes), log: log)
            try Sockets.sendAll(socket.raw, answer.encoded)
        } catch {
            // The parent hears nothing, and takes it for a check that could not be made.
            log.error("\(error)")
            Diagnostics.leave(1)
        }
        Diagnostics.leave(0)
    }

    private static func question(_ bytes: [UInt8]) throws(SystemError) -> PasswordQuestion {
        do throws(WireError) {
            return try PasswordQuestion(decoding: bytes[...])
        } catch {
            throw SystemError("question to the checker: \(error)", code: EBADMSG)
        }
    }

    private static func answer(_ question: PasswordQuestion, log: Logger) -> PasswordVerdict {
        switch question {
        case .stored(let text, let password):
            // Needs no file and no right: the parent has started us as the daemon's user.
            do throws(SystemError) {
                try Privileges.forbidGaining()
                _ = try Confinement.apply(Confinement.Profile(calls: [], paths: [:]))
            } catch {
                return .unavailable("\(error)")
            }
            return PasswordComparison.compare(password, with: text)
        case .systemUser(let name, let password, let client):
            guard SystemLogin.isName(name) else { return .wrong }
            #if PAM
            do throws(SystemError) {
                let verdict = PAMLogin.compare(password, user: name, remoteHost: client?.description)
                // Behind the modules, so that it costs as much time as for others.
                let isForbidden = try SystemLogin.isForbidden(name)
                return verdict == .right && isForbidden ? .wrong : verdict
            } catch {
                return .unavailable("\(error)")
            }
            #else
            return SystemLogin.compare(password, user: name)
            #endif
        }
    }
}
