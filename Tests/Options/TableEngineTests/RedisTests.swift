import Glibc
import Platform
import ServerTesting
import Testing

/// Redis on a Unix socket, with a password, and data that it keeps when it ends.
private final class RedisServer: DatabaseServer {
    var socket: String { "\(scratch.path)/redis.sock" }

    override func command() -> [String] {
        [
            "/usr/bin/redis-server", "--port", "0", "--unixsocket", socket, "--dir", scratch.path, "--save", "3600 1",
            "--requirepass", "secret", "--databases", "4",
        ]
    }

    override func probe() throws { guard try command("PING") == "PONG\n" else { throw ServerFailure("not yet") } }

    func command(_ text: String) throws -> String {
        let reply = try run(["/usr/bin/redis-cli", "-s", socket, "-a", "secret", "--no-auth-warning", "-n", "2"], input: text + "\n")
        return reply
    }
}

extension TableEngines {
    @Suite("table-redis") struct RedisTests {
        @Test func `answers, and survives restarts in the middle of lookups`() async throws {
            let server = try RedisServer()
            try await server.start()
            let replies = try server.command("""
                RPUSH alias:ada bob "carl, dora"
                RPUSH alias:break "a\\nb"
                HMSET user:ada uid 1000 gid 100 home /home/ada hash $6$salt$hash:x
                HMSET user:half uid 1000 home /home/ada
                SADD domains example.org
                SET text:ada 1000:100:/home:ada
                SET number x
                """)
            #expect(replies == "2\n1\nOK\nOK\n1\nOK\nOK\n")
            let configuration = """
                # Nobody listens at the master's.
                master unix:/nonexistent
                slave unix:\(server.socket)
                database 2
                password secret
                query_alias LRANGE alias:%s 0 -1
                query_userinfo HMGET user:%s uid gid home
                query_credentials HMGET user:%s home hash
                query_domain SISMEMBER domains %s
                query_mailaddr INCR %s
                query_string GET text:%s
                """
            let program = try RunningProgram("table-redis", configuration)
            #expect(program.services == ["alias", "domain", "credentials", "userinfo", "mailaddr", "string"])
            #expect(try program.ask([
                "lookup|alias|ada", "lookup|alias|nobody", "lookup|alias|a b\u{7F}", "lookup|userinfo|ada", "lookup|userinfo|nobody",
                "lookup|credentials|ada", "check|domain|example.org", "check|domain|example.com", "lookup|string|ada",
            ]) == [
                "found|bob, carl, dora", "not-found", "not-found", "found|1000:100:/home/ada", "not-found",
                "found|/home/ada:$6$salt$hash:x", "found", "not-found", "found|1000:100:/home:ada",
            ])
            for request in ["lookup|alias|break", "lookup|userinfo|half", "check|mailaddr|number"] {
                #expect(try program.ask(request).hasPrefix("error|"))
            }
            #expect(try program.end() == .exited(0))

            let text = try RunningProgram(
                "table-redis", "master \(server.socket)\ndatabase 2\npassword secret\nquery_userinfo GET text:%s\n")
            #expect(try text.ask("lookup|userinfo|ada") == "found|1000:100:/home:ada")

            let wrong = try RunningProgram("table-redis", configuration.replacing("password secret", with: "password x"))
            #expect(try wrong.ask("lookup|alias|ada").contains("AUTH: WRONGPASS"))

            try await expectSurvival(try RunningProgram("table-redis", configuration), of: server, "lookup|alias|ada", "found|bob, carl, dora")
        }
    }
}
