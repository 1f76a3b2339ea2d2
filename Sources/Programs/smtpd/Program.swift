import Certificates
import CheckerProcess
import Configuration
import ControlProcess
import CryptoProcess
import DispatcherProcess
import ExplanationProcess
import Glibc
import Log
import LookupProcess
import ParentProcess
import Platform
import ProcessMessages
import QueueProcess
import RoleProcess
import SchedulerProcess

/// smtpd(8): checks or converts a configuration, runs the daemon, or is one of its processes.
@main
struct Program {
    static let version = "0.1.0"
    private static let defaultConfiguration = "/etc/smtpd.conf"

    static func main() {
        let arguments: Arguments
        do throws(Arguments.Problem) {
            arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
        } catch {
            Diagnostics.say("smtpd: \(error)")
            usage()
        }
        let directory = getenv(InstallationPaths.environmentVariable).map { String(cString: $0) }
        if let directory, !directory.hasPrefix("/") {
            Diagnostics.fail("smtpd: \(InstallationPaths.environmentVariable)=\(directory): not an absolute path")
        }
        let installation = directory.map(InstallationPaths.rootless) ?? .system
        switch arguments.mode {
        case .help:
            Diagnostics.say("version: Martlet \(version)")
            usage()
        case .version:
            for line in ["Martlet \(version)"] + Components.lines { print(line) }
        case .check: check(options(arguments))
        case .convert: convert(options(arguments))
        case .table(let name): printTable(name, options(arguments))
        case .role(let role): run(role, arguments, installation)
        case .checker: PasswordChecker.run(log: logger(options(arguments), process: PasswordChecker.name))
        case .explain(let asJSON): explain(options(arguments), arguments.words, asJSON: asJSON, installation)
        case .serve: serve(options(arguments), installation)
        }
    }

    private static func usage() -> Never {
        Diagnostics.say(
            "usage: smtpd [-dFhnv] [-D macro=value] [-f file] [-P service] [-T trace]\n"
                + "       smtpd --convert [-D macro=value] [-f file]\n"
                + "       smtpd --table name [-D macro=value] [-f file]\n"
                + "       smtpd --version")
        exit(1)
    }

    private static func options(_ arguments: Arguments) -> DaemonOptions {
        var options = DaemonOptions(file: arguments.file ?? defaultConfiguration)
        options.macros = arguments.macros
        options.paused = arguments.paused
        options.traces = arguments.traces
        options.isVerbose = arguments.verbose
        options.isForeground = arguments.debugs || arguments.foreground
        if let told = getenv(LogDestination.variable).flatMap({ LogDestination(String(cString: $0)) }) { options.log = told }
        if arguments.debugs { options.log.target = .standardError }
        return options
    }

    /// A daemon in the background reads its configuration again from another directory.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }

    private static func logger(_ arguments: DaemonOptions, process: String) -> Logger {
        let settings = LogSettings(isVerbose: arguments.isVerbose)
        for subject in arguments.traces { settings.setTracing(subject, true) }
        return arguments.log.open(process: process, settings: settings)
    }

    // MARK: Modes

    private static func check(_ options: DaemonOptions) -> Never {
        switch ConfigurationReading.read(options) {
        case .refused(let lines):
            for line in lines { Diagnostics.say(line) }
            exit(1)
        case .loaded(let configuration, let told):
            for line in told { Diagnostics.say(line) }
            let (problems, warnings) = CertificateCheck.run(configuration)
            for line in warnings + problems { Diagnostics.say(line) }
            guard problems.isEmpty else { exit(1) }
            if options.isVerbose {
                for line in ConfigurationReading.missingParts(of: configuration) { Diagnostics.say("note: \(line)") }
            }
            Diagnostics.say("configuration OK")
            exit(0)
        }
    }

    private static func explain(_ options: DaemonOptions, _ words: [String], asJSON: Bool, _ installation: InstallationPaths) -> Never {
        switch ConfigurationReading.read(options) {
        case .refused(let lines):
            for line in lines { Diagnostics.say(line) }
            exit(1)
        case .loaded(let configuration, let told):
            for line in told { Diagnostics.say(line) }
            ExplanationProcess.run(
                words, asJSON: asJSON, configuration, programs: options.programs, installation: installation)
        }
    }

    private static func convert(_ options: DaemonOptions) -> Never {
        switch ConfigurationConverter.convert(
            file: options.file, macros: options.macros, environment: SystemEnvironment(programs: options.programs))
        {
        case .converted(let text, let notes):
            tell(notes, of: options)
            write(text)
        case .unchanged(let text, let note):
            Diagnostics.say(note.description)
            write(text)
        case .failed(let diagnostics):
            tell(diagnostics, of: options)
            exit(1)
        }
    }

    /// For scripts, and for newaliases, which makes the database of a table.
    private static func printTable(_ name: String, _ options: DaemonOptions) -> Never {
        switch ConfigurationReading.read(options) {
        case .refused(let lines):
            for line in lines { Diagnostics.say(line) }
            exit(1)
        case .loaded(let configuration, _):
            guard let table = configuration.tables[name] else { Diagnostics.fail("smtpd: no table \(name) in \(options.file)") }
            switch table.content {
            case .list, .mapping: write(Array("static\n".utf8))
            case .backend(let type, let path): write(Array("\(type)\(path.map { ":" + $0 } ?? "")\n".utf8))
            }
        }
    }

    private static func tell(_ diagnostics: [Diagnostic], of options: DaemonOptions) {
        for diagnostic in diagnostics where diagnostic.severity != .note || options.isVerbose {
            Diagnostics.say(diagnostic.description)
        }
    }

    private static func write(_ text: [UInt8]) -> Never {
        do throws(SystemError) {
            try Files.writeAll(raw: STDOUT_FILENO, text)
        } catch {
            Diagnostics.fail("smtpd: \(error)")
        }
        exit(0)
    }

    private static func run(_ role: Role, _ arguments: Arguments, _ installation: InstallationPaths) -> Never {
        let log = logger(options(arguments), process: role.name)
        func start<Process: RoleProcess>(_ type: Process.Type) -> Never {
            RoleMain<Process>.run(type, installation: installation, log: log, startsPaused: arguments.paused)
        }
        switch role {
        case .control: start(ControlProcess.self)
        case .lookup: start(LookupProcess.self)
        case .queue: start(QueueProcess.self)
        case .scheduler: start(SchedulerProcess.self)
        case .dispatcher: start(DispatcherProcess.self)
        case .crypto: start(CryptoProcess.self)
        case .parent: preconditionFailure("the parent is started without -x")
        }
    }

    private static func serve(_ given: DaemonOptions, _ installation: InstallationPaths) -> Never {
        let passed: PassedDescriptors
        do throws(PassedDescriptors.Problem) {
            passed = try PassedDescriptors.take()
        } catch {
            Diagnostics.fail("smtpd: \(error)")
        }
        var options = given
        options.file = absolute(given.file)
        let configuration: Configuration
        switch ConfigurationReading.read(options) {
        case .refused(let lines):
            for line in lines { Diagnostics.say(line) }
            exit(1)
        case .loaded(let loaded, let told):
            for line in told { Diagnostics.say(line) }
            configuration = loaded
        }
        options.takeLog(of: configuration)
        let missing = ConfigurationReading.missingParts(of: configuration)
        guard missing.isEmpty else {
            for line in missing { Diagnostics.say("smtpd: \(line)") }
            Diagnostics.fail("smtpd: not started: this version cannot do all that \(options.file) asks for")
        }
        if installation.isRootless {
            guard geteuid() != 0 else {
                Diagnostics.fail(
                    "smtpd: \(InstallationPaths.environmentVariable) is for ordinary users: root would deliver mail as root")
            }
        } else if geteuid() != 0 {
            Diagnostics.fail(
                "smtpd: need root privileges, or \(InstallationPaths.environmentVariable)=DIRECTORY to run without")
        }
        let unlockedKeys: UnlockedKeys
        do throws(CredentialFailure) {
            // Here is the terminal; a daemon in the background has none.
            unlockedKeys = try UnlockedKeys.ask(for: configuration)
        } catch {
            Diagnostics.fail("smtpd: \(error.text)")
        }
        let queueKeys: QueueKeys
        do throws(QueueKeys.Failure) {
            queueKeys = try QueueKeys.obtain(for: configuration)
        } catch {
            Diagnostics.fail("smtpd: \(error)")
        }
        var report: StartReport?
        if !options.isForeground {
            do throws(SystemError) {
                report = try ThisProcess.detach()
            } catch {
                Diagnostics.fail("smtpd: \(error)")
            }
        }
        ParentProcess.run(
            options: options, configuration: configuration, unlockedKeys: unlockedKeys, queueKeys: queueKeys,
            passed: passed, installation: installation, log: logger(options, process: Role.parent.name), report: report)
    }
}
