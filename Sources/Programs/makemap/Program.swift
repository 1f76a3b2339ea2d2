import Glibc
import Platform
import TableBackends
import Tables

/// `makemap`: makes the databases of `db` tables out of text files, prints them, and turns maps of Berkeley DB into
/// such.
@main
struct Program {
    static func main() {
        ThisProcess.completeStandardDescriptors()
        let arguments: MakemapArguments
        do throws(MakemapArguments.Problem) {
            arguments = try MakemapArguments(Array(CommandLine.arguments.dropFirst()))
        } catch {
            if let text = error.text { Diagnostics.say("makemap: \(text)") }
            Diagnostics.say(
                "usage: makemap [-d hash|btree] [-o file] [-t aliases|set] file\n       makemap -U file\n       makemap type file < text")
            exit(1)
        }
        do throws(MapFileError) {
            switch arguments.action {
            case .make(let kind): try make(arguments, kind)
            case .dump: try dump(arguments.source ?? "")
            }
        } catch {
            for line in error.lines { Diagnostics.say(line) }
            exit(1)
        }
    }

    private static func make(_ arguments: MakemapArguments, _ kind: MapSource.Kind) throws(MapFileError) {
        let map = try MapFile(arguments.source, kind)
        if map.records.isEmpty { Diagnostics.say("makemap: warning: no entries in \(arguments.source ?? "standard input")") }
        try map.write(to: arguments.target)
    }

    private static func dump(_ path: String) throws(MapFileError) {
        var text: [UInt8] = []
        for (key, value) in try MapFile(path, nil).records { text += key + [0x09] + value + [0x0A] }
        do throws(SystemError) {
            try Files.writeAll(raw: STDOUT_FILENO, text)
        } catch {
            throw .system(error)
        }
    }
}
