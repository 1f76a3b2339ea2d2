import Glibc
import Platform
import Tables

/// A program that smtpd starts for a table: `table-NAME CONFIGURATION`, with the table protocol on standard input and
/// output, and words for people on standard error.
///
/// One thread. Requests that have come together are asked of the database together, and answered in the order in
/// which they came.
package enum TableProgram {
    /// Longest configuration file, in octets.
    private static let maximumConfiguration = 1 << 20

    /// The most memory that it writes to, in octets. Client libraries keep an answer whole before its rows are counted, and
    /// one of gigabytes must not take the machine's memory.
    private static let maximumMemory: rlim_t = 512 << 20

    /// Serves until the mail server closes its end, and ends the process: 0 then, 1 when it could not go on.
    package static func serve<Engine: TableEngine>(_ engine: Engine.Type) -> Never {
        let (title, path) = arguments()
        // The end of the conversation is seen where it is read and written.
        _ = signal(SIGPIPE, SIG_IGN)
        var limit = rlimit(rlim_cur: maximumMemory, rlim_max: maximumMemory)
        // A lower limit that somebody has set stays: this fails then.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
        do throws(Ended) {
            try serve(engine, title, path)
        } catch {
            if let reason = error.reason { Diagnostics.fail("\(title): \(reason)") }
            Diagnostics.leave(0)
        }
    }

    /// What the program is when it was built without the library of its database.
    package static func leftOut(_ program: String, trait: String) -> Never {
        Diagnostics.fail("\(program): built without \(trait); build it with the trait: swift build --traits default,\(trait)", code: 69)
    }

    /// Why the service ended; without a reason at the end of input.
    private struct Ended: Error {
        var reason: String?
        init(_ reason: String? = nil) { self.reason = reason }
    }

    private static func arguments() -> (title: String, path: String) {
        let words = CommandLine.arguments
        let title = words.first.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "table"
        guard words.count == 2, !words[1].isEmpty, !words[1].hasPrefix("-") else {
            Diagnostics.fail("usage: \(title) CONFIGURATION, with the table protocol on standard input", code: 64)
        }
        return (title, words[1])
    }

    private static func serve<Engine: TableEngine>(_ type: Engine.Type, _ title: String, _ path: String) throws(Ended) -> Never {
        var conversation = ProgramConversation()
        var server: TableServer<Engine>?
        var room = [UInt8](repeating: 0, count: 65_536)
        let input = OwnedDescriptor(adopting: STDIN_FILENO)
        while true {
            let events: [ProgramConversation.Event]
            do {
                let count = try Files.readSome(input, into: &room)
                guard count > 0 else { throw Ended() }
                events = try conversation.receive(room[..<count])
            } catch let problem as ProgramConversation.Problem {
                throw Ended(problem.text)
            } catch let error as SystemError {
                throw Ended("standard input: \(error.reason)")
            } catch {
                throw Ended()
            }
            var requests: [ProgramRequest] = []
            for event in events {
                switch event {
                case .request(let request): requests.append(request)
                case .configured(let name):
                    let table = name ?? title
                    let reload = { () throws(ProgramSettings.Problem) in try Self.engine(type, path, table) }
                    let engine: Engine
                    do throws(ProgramSettings.Problem) { engine = try reload() } catch { throw Ended("\(path): \(error)") }
                    server = TableServer(engine, reload: reload)
                    try send(ProgramConversation.registration(of: engine.services))
                }
            }
            guard !requests.isEmpty else { continue }
            // Requests are events only after the services were registered.
            guard let turn = server?.answer(requests, at: TableClock.now()) else { continue }
            for remark in turn.remarks { Diagnostics.say("\(title): \(remark)") }
            try send(turn.output)
        }
    }

    private static func engine<Engine: TableEngine>(
        _ type: Engine.Type, _ path: String, _ table: String
    ) throws(ProgramSettings.Problem) -> Engine {
        let content: [UInt8]
        do throws(SystemError) {
            if let made = type.configuration(at: path) {
                content = made
            } else {
                content = try Files.read(path, limit: maximumConfiguration)
            }
        } catch {
            throw .init(error.reason)
        }
        var settings = try ProgramSettings(content)
        let engine = try Engine(&settings, table: table)
        try settings.finish()
        return engine
    }

    private static func send(_ bytes: [UInt8]) throws(Ended) {
        do throws(SystemError) {
            try Files.writeAll(raw: STDOUT_FILENO, bytes)
        } catch {
            // The mail server is gone; nobody waits.
            throw error.code == EPIPE ? Ended() : Ended("standard output: \(error.reason)")
        }
    }
}

extension TableEngine {
    package static func configuration(at path: String) -> [UInt8]? { nil }
}
