/// Local delivery as the user: the resident agent and the delivery programs, one binary told apart by name.
///
/// Called `mail.agent` it serves the dispatcher; called `mail.maildir`, `mail.mboxfile`, `mail.lmtp` or
/// `mail.mda` it delivers the message on its standard input once. Start reading at ``ResidentAgent``.
import Glibc
import Platform

@main
struct Program {
    static func main() {
        let name = CommandLine.arguments.first.map(baseName) ?? ""
        let arguments = CommandLine.arguments.dropFirst()
        // Whatever is delivered may hold what its recipient alone may read.
        umask(0o077)
        // A command or a server that stops reading, and a limit of file size, are results, not our end.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // The reason of the whole design: a mistake here costs one user's rights, never root's.
        guard geteuid() != 0, getuid() != 0 else { Diagnostics.fail("\(name): must not run as root") }
        switch name {
        case "mail.agent": serve(arguments)
        case "mail.maildir": deliverToMaildir(arguments)
        case "mail.mboxfile": deliverToMboxFile(arguments)
        case "mail.lmtp": deliverToLMTP(arguments)
        case "mail.mda": runCommand(arguments)
        default:
            Diagnostics.fail("\(name): call this as mail.agent, mail.maildir, mail.mboxfile, mail.lmtp or mail.mda")
        }
    }

    private static func serve(_ arguments: ArraySlice<String>) -> Never {
        let isForMailboxes: Bool
        switch Array(arguments) {
        case []: isForMailboxes = false
        case ["-m"]: isForMailboxes = true
        default: Diagnostics.fail("usage: mail.agent [-m] 3<>socket")
        }
        // Descriptor 3 is ours by agreement with whoever starts us.
        guard fcntl(3, F_GETFD) != -1 else { Diagnostics.fail("mail.agent: no socket at descriptor 3") }
        let socket = OwnedDescriptor(adopting: 3)
        do throws(SystemError) {
            // Other processes of the user must not reach into this one, which may hold the mail group.
            try Privileges.forbidDumps()
            // Commands get their descriptors one by one.
            _ = try checked("fcntl") { fcntl(3, F_SETFD, FD_CLOEXEC) }
            try socket.setNonBlocking()
            var agent = ResidentAgent(
                socket: socket, host: try HostNames.current(), isForMailboxes: isForMailboxes)
            try agent.run()
        } catch {
            Diagnostics.fail("mail.agent: \(error)")
        }
        exit(0)
    }

    private static func baseName(_ path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }
}
