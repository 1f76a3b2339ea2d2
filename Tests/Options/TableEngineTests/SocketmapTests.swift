import Glibc
import Platform
import ServerTesting
import Testing

/// A server of socketmap on a thread, which says what it was told to for each request.
private final class SocketmapServer: Sendable {
    let path: String
    let asked = Shared<[String]>([])

    /// - Parameter replies: For each connection, what is said to its requests, one by one, as a netstring or, after `!`,
    ///   as it is; then the connection is closed.
    init(_ path: String, _ replies: [[String]]) throws {
        self.path = path
        let listener = try ListeningSocket.local(path: path, mode: 0o777)
        // The thread waits in accept.
        try listener.setNonBlocking(false)
        let asked = asked
        let raw = listener.release()
        _ = TestThread {
            for connection in replies {
                let client = accept(raw, nil, nil)
                guard client >= 0 else { break }
                let socket = OwnedDescriptor(adopting: client)
                var room = [UInt8](repeating: 0, count: 4096)
                for reply in connection {
                    guard let count = try? Files.readSome(socket, into: &room), count > 0 else { break }
                    asked.with { $0.append(String(decoding: room[..<count], as: UTF8.self)) }
                    // When the program is gone, the next connection shows it.
                    let text = reply.hasPrefix("!") ? String(reply.dropFirst()) : "\(reply.utf8.count):\(reply),"
                    try? Sockets.sendAll(socket.raw, Array(text.utf8))
                }
            }
            close(raw)
        }
    }
}

extension TableEngines {
    @Suite("table-socketmap") struct SocketmapEngineTests {
        private let scratch: Scratch
        init() throws { scratch = try Scratch() }

        @Test func `answers of a server, over as many connections as it wants`() throws {
            let path = "\(scratch.path)/map"
            let server = try SocketmapServer(
                path,
                [
                    ["OK bob, carl", "NOTFOUND ", "TEMP database is away"], ["OK ", "OK 1000:100:/home/a:da"],
                    ["OK a\n", "!hello"], ["OK dora"],
                ])
            let program = try RunningProgram(
                "table-socketmap", "server unix:/nonexistent, \(path)\nmap_alias virtual\nmap_domain domains\nmap_userinfo users\n")
            #expect(program.services == ["alias", "domain", "userinfo"])
            #expect(try program.ask(["lookup|alias|ada", "lookup|alias|eve", "lookup|alias|x"])
                == ["found|bob, carl", "not-found", "error|the server says TEMP database is away"])
            // The server has closed the connection.
            #expect(try program.ask("check|domain|example.org") == "found")
            #expect(try program.ask("lookup|userinfo|ada") == "found|1000:100:/home/a:da")
            #expect(try program.ask("lookup|alias|break") == "error|a value with a line break or NUL")
            // What is no netstring ends the connection, and the next one has the answer.
            #expect(try program.ask("lookup|alias|last") == "found|dora")
            #expect(server.asked.current.prefix(4) == ["11:virtual ada,", "11:virtual eve,", "9:virtual x,", "19:domains example.org,"])
            #expect(try program.end() == .exited(0))
        }

        @Test func `the path may be that of the socket`() throws {
            let path = "\(scratch.path)/map"
            let server = try SocketmapServer(path, [["OK yes!"]])
            let program = try RunningProgram("table-socketmap", "", path: path)
            #expect(program.services.contains("mailaddrmap"))
            #expect(try program.ask("lookup|alias|ada") == "found|yes!")
            #expect(server.asked.current == ["9:alias ada,"])
        }
    }

    @Suite("A server that takes connections and says nothing") struct SilentServerTests {
        @Test(arguments: [
            ("table-mysql", "host 127.0.0.1:PORT\nconnect_timeout 1\nquery_timeout 1\nquery_alias select ?"),
            ("table-postgres", "conninfo host=127.0.0.1 port=PORT\nconnect_timeout 2\nquery_alias select $1"),
            ("table-ldap", "url ldap://127.0.0.1:PORT\nconnect_timeout 1\nquery_timeout 1\nalias_filter (x=%u)\nalias_attributes x"),
            ("table-redis", "master 127.0.0.1:PORT\nconnect_timeout 1\nquery_timeout 1\nquery_alias GET %s"),
            ("table-socketmap", "server 127.0.0.1:PORT\nconnect_timeout 1\nquery_timeout 1\nmap_alias x"),
        ])
        func `is a failure in time`(_ name: String, _ configuration: String) throws {
            let port = try Server.freePort()
            let listener = try ListeningSocket.internet(#require(SocketAddress(octets: [127, 0, 0, 1], port: port)))
            let program = try RunningProgram(name, configuration.replacing("PORT", with: "\(port)") + "\n")
            let start = monotonicSeconds()
            #expect(try program.ask("lookup|alias|ada").hasPrefix("error|"))
            #expect(monotonicSeconds() - start < 10)
            #expect(try program.end() == .exited(0))
            _ = listener.raw
        }
    }
}
