import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    @Suite("Token commands of a daemon started by root", .enabled(if: PrivilegedServer.isPossible, "needs root and mount namespaces"))
    struct TokenCommandTests {
        @Test func `run as the daemon's user or the named one, with no rights besides, and never as root`() async throws {
            let identify = "id -u; id -G; grep -E '^CapEff' /proc/self/status; ls -l /proc/self/fd | grep -c socket"
            func action(_ name: String, _ user: String) -> String {
                """
                action "\(name)" relay host "smtps://isp@127.0.0.1:1" auth <secrets> oauth command "{ \(identify); cat; } > @DIR@/tokens/\(name); echo token" \(user)
                match from any for domain "\(name).example" action "\(name)"

                """
            }
            let server = try PrivilegedServer(
                more: "table secrets { isp = \"ada:refresh\" }\n" + action("one", "") + action("two", "user mxann") + action("three", "user root"))
            try server.scratch.makeDirectory("tokens")
            // Whatever our mask is.
            _ = try checked("chmod") { chmod(server.scratch.path + "/tokens", 0o777) }
            try await server.start()
            let client = try SMTPClient(port: server.port)
            try client.greet()
            for name in ["one", "two", "three"] {
                #expect(try client.deliver(from: "", to: ["bob@\(name).example"], "Subject: s\r\n\r\nx").code == 250)
            }
            for (name, user) in [("one", PrivilegedServer.daemon.uid), ("two", PrivilegedServer.ann.uid)] {
                try await server.eventually("the command") { server.scratch.text("tokens/\(name)")?.hasSuffix("refresh\n") == true }
                let lines = server.scratch.text("tokens/\(name)")?.split(separator: "\n").map(String.init)
                // No socket of the daemon's is open in it.
                #expect(lines == ["\(user)", "\(user)", "CapEff:\t0000000000000000", "0", "refresh"], "\(lines ?? [])")
            }
            try await server.eventually("a refusal") { server.log.contains("a token command does not run as root") }
            #expect(server.scratch.text("tokens/three") == nil)
            #expect(!server.log.contains("refresh"))
            #expect(try await server.stop() == .exited(0), "\(server.log)")
        }
    }
}
