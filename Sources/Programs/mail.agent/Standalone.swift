/// The delivery programs that take one message on standard input: what they share, and `mail.mda`.
import Envelopes
import Glibc
import MailboxDelivery
import Platform

/// Options as getopt reads them: `-j`, `-f VALUE`, `-fVALUE`, `--` ends them.
struct Options {
    private(set) var flags: Set<Character> = []
    private(set) var values: [Character: String] = [:]
    private(set) var operands: [String] = []

    /// - Returns: Nil for an unknown option or one without its value.
    init?(_ arguments: ArraySlice<String>, flags known: String, values valued: String) {
        var rest = arguments
        while let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            rest = rest.dropFirst()
            if argument == "--" { break }
            var letters = argument.dropFirst()
            while let letter = letters.popFirst() {
                if known.contains(letter) {
                    flags.insert(letter)
                } else if valued.contains(letter) {
                    if !letters.isEmpty {
                        values[letter] = String(letters)
                    } else if let value = rest.popFirst() {
                        values[letter] = value
                    } else {
                        return nil
                    }
                    break
                } else {
                    return nil
                }
            }
        }
        operands = Array(rest)
    }
}

/// The message on standard input.
func standardInput() -> SharedDescriptor {
    // Nothing else in the program reads or closes it.
    SharedDescriptor(OwnedDescriptor(adopting: STDIN_FILENO))
}

/// A variable of the environment; nil when it is not set or empty.
func environmentVariable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}

/// Says what happened where it went wrong, and ends with the status whoever called us understands.
func finish(_ program: String, _ outcome: DeliveryOutcome, permanent: CInt) -> Never {
    switch outcome {
    case .delivered: exit(0)
    case .temporary(let failure): Diagnostics.fail("\(program): \(failure.text)", code: EX_TEMPFAIL)
    case .permanent(let failure): Diagnostics.fail("\(program): \(failure.text)", code: permanent)
    case .loop: Diagnostics.fail("\(program): mail forwarding loop", code: permanent)
    }
}

func hostName(_ program: String) -> String {
    do throws(SystemError) {
        return try HostNames.current()
    } catch {
        Diagnostics.fail("\(program): \(error)", code: EX_TEMPFAIL)
    }
}

/// The path with the working directory before it where it is relative.
func absolutePath(_ program: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let directory = getcwd(nil, 0) else {
        Diagnostics.fail("\(program): getcwd: \(SystemError("getcwd").reason)", code: EX_TEMPFAIL)
    }
    defer { free(directory) }
    return String(cString: directory) + "/" + path
}

/// `mail.mda COMMAND`: the command's own exit status, 75 if it died or could not be started.
func runCommand(_ arguments: ArraySlice<String>) -> Never {
    guard arguments.count == 1, let line = arguments.first else { Diagnostics.fail("usage: mail.mda command") }
    var variables: [String] = []
    var next = environ
    while let entry = next.pointee {
        variables.append(String(cString: entry))
        next += 1
    }
    let child = ChildProcess(path: "/bin/sh", arguments: ["/bin/sh", "-c", line], environment: variables)
    do throws(SystemError) {
        let process = try child.start(input: STDIN_FILENO, output: STDOUT_FILENO, error: STDERR_FILENO)
        switch try ChildProcess.wait(for: process) {
        case .exited(let code): exit(code)
        case .signalled(let number): Diagnostics.fail("mail.mda: terminated; signal \(number)", code: EX_TEMPFAIL)
        }
    } catch {
        Diagnostics.fail("mail.mda: \(error)", code: EX_TEMPFAIL)
    }
}
