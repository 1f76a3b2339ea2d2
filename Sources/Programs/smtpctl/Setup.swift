import Glibc
import JSON
import Platform

/// `setup`: writes a configuration for one of the common wishes, after smtpd(8) itself has read it and found nothing wrong.
enum Setup {
    static let configuration = "/etc/smtpd.conf"
    /// A file that somebody edited is in the way.
    static let editedStatus: CInt = 3
    /// More than any line with a password.
    private static let longestPassword = 1_024
    private static let longestFile = 1 << 20

    /// How a login at the smarthost is come by.
    enum Login: Hashable {
        case none
        /// As kept by an earlier setup.
        case kept
        /// With a password from the terminal or standard input.
        case user(String)
    }

    static func run(_ wish: SetupWish?, login: Login, _ output: Output) -> Never {
        guard let wish else {
            output.fail("smtpctl: a server is written as its name, perhaps with a port: smtp.example.org or smtp.example.org:465")
        }
        if case .internet(let pair?) = wish {
            for path in [pair.file, pair.key] where !SetupWish.isFit(path: path) {
                output.fail("smtpctl: \(path): not an absolute path that can stand in smtpd.conf")
            }
        }
        guard geteuid() == 0 else { output.fail("smtpctl: need root privileges") }
        do throws(SystemError) {
            try refuseEdited(output)
            if case .user(let name) = login { try keep(name, password(output), output) }
            if login == .kept, try Files.status(SetupWish.secrets) == nil { output.fail("smtpctl: no login is kept in \(SetupWish.secrets)") }
            try write(wish, output)
        } catch {
            output.fail("smtpctl: \(error)")
        }
        output.say("\(configuration) is written and smtpd accepts it.", .object(["written": .text(configuration)]))
        for finding in Doctor.quickFindings() where finding.state != .fine { output.say(finding.line, finding.json) }
        exit(0)
    }

    private static func refuseEdited(_ output: Output) throws(SystemError) {
        guard try Files.status(configuration) != nil else { return }
        let text = String(decoding: try Files.read(configuration, limit: longestFile), as: UTF8.self)
        guard !SetupWish.isUntouched(text) else { return }
        output.fail(
            "smtpctl: \(configuration) was written or edited by somebody: move it away first, then setup makes a new one",
            code: editedStatus)
    }

    private static func password(_ output: Output) throws(SystemError) -> String {
        if isatty(STDIN_FILENO) == 1, let secret = try Terminal.askSecret("password> ") {
            return String(decoding: secret.bytes, as: UTF8.self)
        }
        return StandardInput.lines(limit: longestPassword).first ?? ""
    }

    private static func keep(_ user: String, _ password: String, _ output: Output) throws(SystemError) {
        guard let line = SetupWish.secret(user: user, password: password) else {
            output.fail("smtpctl: a login needs a name and a password without blanks, and the name no colon")
        }
        guard let daemon = try Users.named(DaemonUser.name) else { output.fail("smtpctl: there is no user \(DaemonUser.name)") }
        let directory = SetupWish.secrets.prefix { _ in true }.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        if try Files.status(directory) == nil { try Files.makeDirectory(directory, mode: 0o755) }
        let temporary = SetupWish.secrets + ".new"
        if try Files.status(temporary) != nil { try Files.remove(temporary) }
        let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        let raw = file.raw
        _ = try checked("fchown \(temporary)") { fchown(raw, 0, daemon.gid) }
        _ = try checked("fchmod \(temporary)") { fchmod(raw, 0o640) }
        try Files.writeAll(file, Array(line.utf8))
        try Files.sync(file)
        try Files.rename(temporary, to: SetupWish.secrets)
    }

    /// Beside its place first: what smtpd refuses never gets there.
    private static func write(_ wish: SetupWish, _ output: Output) throws(SystemError) {
        let temporary = configuration + ".martlet-new"
        if try Files.status(temporary) != nil { try Files.remove(temporary) }
        let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
        let raw = file.raw
        _ = try checked("fchmod \(temporary)") { fchmod(raw, 0o644) }
        try Files.writeAll(file, Array(wish.configuration.utf8))
        try Files.sync(file)
        let check = ChildProcess(
            path: InstalledPrograms().daemon, arguments: ["smtpd", "-n", "-f", temporary], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        let process = try check.start(error: STDERR_FILENO)
        guard try ChildProcess.wait(for: process).isSuccess else {
            try Files.remove(temporary)
            output.fail("smtpctl: smtpd does not accept this configuration; nothing was changed")
        }
        try Files.rename(temporary, to: configuration)
    }
}

/// The account that tables are read under.
enum DaemonUser {
    static let name = "_smtpd"
}
