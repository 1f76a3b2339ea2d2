import ControlMessages
import Glibc
import Platform
import Submission
import Tables

/// `newaliases`: checks the aliases file, names its bad lines, makes its database anew where there is one, and has a
/// running daemon use it at once.
struct AliasesUpdate {
    private let console: Console
    private let paths: InstallationPaths
    /// The table that the daemon is told of, and whose place decides about file and database.
    private static let table = "aliases"

    init(_ console: Console, _ paths: InstallationPaths) {
        self.console = console
        self.paths = paths
    }

    /// - Parameter configuration: The file to look in for the table (`-f`); nil for the daemon's own.
    func run(configuration: String?) -> ExitCode {
        let place = AliasesPlace(of: self.placeOfTable(configuration), else: InstallationPaths.aliases)
        let file: TableFile
        let hasDatabase: Bool
        do throws(SystemError) {
            file = TableFile(aliases: try Files.read(place.text))
            let there = try Files.status(place.database) != nil
            hasDatabase = place.isDatabase || there
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
        let problems = file.errors + file.warnings
        for problem in problems { console.complain("\(place.text): \(problem)") }
        if hasDatabase {
            let made = makeDatabase(place)
            guard made == .ok else { return made }
        }
        console.write("\(place.text): \(file.elements.count) aliases\n")
        let status = tellDaemon()
        // A bad line costs that line; the others are in use.
        let isSound = problems.allSatisfy { if case .duplicateKey = $0.kind { true } else { false } }
        return status == .ok && !isSound ? .badData : status
    }

    /// `TYPE:PATH` of the table in the configuration; nil without one. Only the daemon can read its configuration.
    private func placeOfTable(_ configuration: String?) -> String? {
        do throws(SystemError) {
            let output = try Pipe()
            let daemon = ChildProcess(
                path: InstalledPrograms().daemon,
                arguments: ["smtpd", "--table", Self.table] + (configuration.map { ["-f", $0] } ?? []),
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            // What is wrong with the configuration is told only to who has named one.
            let process = try daemon.start(output: output.writing.raw, error: configuration == nil ? nil : STDERR_FILENO)
            let answer = try Files.readToEnd(output.intoReading(), limit: 64 << 10, name: "smtpd --table")
            guard try ChildProcess.wait(for: process).isSuccess else { return nil }
            return String(decoding: answer.prefix { $0 != 0x0A }, as: UTF8.self)
        } catch {
            console.complain("\(error)")
            return nil
        }
    }

    private func makeDatabase(_ place: AliasesPlace) -> ExitCode {
        do throws(SystemError) {
            let makemap = ChildProcess(
                path: InstalledPrograms().makemap,
                arguments: ["makemap", "-t", "aliases", "-o", place.database, place.text],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            return try ChildProcess.wait(for: try makemap.start(error: STDERR_FILENO)).isSuccess ? .ok : .badData
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
    }

    private func tellDaemon() -> ExitCode {
        do throws(ControlClientError) {
            var client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            return console.status(of: try client.request(.updateTable(Self.table)) { console.write($0) })
        } catch {
            // It reads the file when it starts.
            if error == .notRunning { return .ok }
            console.complain("\(error)")
            return .unavailable
        }
    }
}
