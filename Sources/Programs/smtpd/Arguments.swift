import CheckerProcess
import ExplanationProcess
import Log
import ProcessMessages
import RoleProcess

/// The command line of smtpd(8).
struct Arguments {
    enum Mode {
        /// Run the daemon.
        case serve
        /// `-n`: read the configuration and say whether it is good.
        case check
        /// `--convert`: print a 5.4 configuration in the 7.x grammar.
        case convert
        /// `--table NAME`: print where a table has its content.
        case table(String)
        /// `-h`.
        case help
        /// `--version`: what this is, and which components are in it.
        case version
        /// `-x ROLE`: one of the daemon's own processes.
        case role(Role)
        /// `-x checker`: compare one password.
        case checker
        /// `-x explain`: say how the configuration deals with an address.
        case explain(asJSON: Bool)
    }

    var mode = Mode.serve
    var file: String?
    var macros: [(String, String)] = []
    var paused: Set<PausableService> = []
    var traces: [TraceSubject] = []
    /// `-d`: foreground, log on standard error.
    var debugs = false
    /// `-F`: foreground, log to syslog.
    var foreground = false
    var verbose = false
    /// What stands behind `--`, for ``Mode/explain(asJSON:)`` alone.
    var words: [String] = []

    enum Problem: Error, CustomStringConvertible {
        case unknownOption(String)
        case missingArgument(String)
        case badMacro(String)
        case badService(String)
        case badSubject(TraceSubjects.Problem)
        case unknownRole(String)
        case unexpected(String)

        var description: String {
            switch self {
            case .unknownOption(let option): "unknown option \(option)"
            case .missingArgument(let option): "option \(option) needs an argument"
            case .badMacro(let text): "-D \(text): not NAME=VALUE"
            case .badService(let text): "-P \(text): not mda, mta or smtp"
            case .badSubject(let problem): "-T \(problem)"
            case .unknownRole(let text): "-x \(text): no such process"
            case .unexpected(let text): "unexpected argument \(text)"
            }
        }
    }

    init(_ words: [String]) throws(Problem) {
        var rest = words[...]
        func argument(_ option: String, _ attached: Substring) throws(Problem) -> String {
            if !attached.isEmpty { return String(attached) }
            guard let word = rest.popFirst() else { throw .missingArgument(option) }
            return word
        }
        while let word = rest.popFirst() {
            if word == "--convert" {
                mode = .convert
                continue
            }
            if word == "--version" {
                mode = .version
                continue
            }
            if word == "--table" {
                mode = .table(try argument(word, ""))
                continue
            }
            if word == "--" {
                if case .explain = mode {
                    self.words = Array(rest)
                    break
                }
                if let extra = rest.first { throw .unexpected(extra) }
                break
            }
            guard word.hasPrefix("-"), word.count > 1 else { throw .unexpected(word) }
            guard !word.hasPrefix("--") else { throw .unknownOption(word) }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                switch letter {
                case "d": debugs = true
                case "F": foreground = true
                case "n": mode = .check
                case "v": verbose = true
                case "h": mode = .help
                case "f":
                    file = try argument("-f", letters)
                    letters = ""
                case "D":
                    let text = try argument("-D", letters)
                    letters = ""
                    guard let split = text.lastIndex(of: "="), split > text.startIndex else { throw .badMacro(text) }
                    macros.append((String(text[..<split]), String(text[text.index(after: split)...])))
                case "P":
                    let text = try argument("-P", letters)
                    letters = ""
                    guard let service = PausableService(rawValue: text) else { throw .badService(text) }
                    paused.insert(service)
                case "T":
                    let text = try argument("-T", letters)
                    letters = ""
                    do throws(TraceSubjects.Problem) {
                        traces += try TraceSubjects.named(text)
                    } catch {
                        throw .badSubject(error)
                    }
                case "x":
                    let text = try argument("-x", letters)
                    letters = ""
                    if text == PasswordChecker.name {
                        mode = .checker
                        continue
                    }
                    if text == ExplanationProcess.name || text == ExplanationProcess.name + "-json" {
                        mode = .explain(asJSON: text != ExplanationProcess.name)
                        continue
                    }
                    guard let role = Role(name: text), role != .parent else { throw .unknownRole(text) }
                    mode = .role(role)
                default: throw .unknownOption("-\(letter)")
                }
            }
        }
    }
}
