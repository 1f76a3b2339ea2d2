import Glibc
import Platform

/// `explain -f FILE`: smtpctl becomes the program that knows configurations.
enum FileExplanation {
    /// - Parameter words: Those of the question.
    static func run(_ file: String, _ words: [String], asJSON: Bool, _ output: Output) -> Never {
        let program = InstalledPrograms().daemon
        let line = ["smtpd", "-f", file, "-x", asJSON ? "explain-json" : "explain", "--"] + words
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        arguments.append(nil)
        execv(program, arguments)
        output.fail("smtpctl: \(SystemError("exec \(program)"))")
    }
}
