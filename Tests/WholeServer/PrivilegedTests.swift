import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    @Suite("A daemon started by root", .enabled(if: PrivilegedServer.isPossible, "needs root and mount namespaces"))
    struct PrivilegedTests {
        @Test func `gives each process its user, its root directory and its confinement`() async throws {
            let server = try PrivilegedServer()
            try await server.start()
            let (daemon, queue) = (PrivilegedServer.daemon.uid, PrivilegedServer.queue.uid)
            let expected: [(role: String, user: uid_t, root: String)] = [
                ("control", daemon, "/run/martlet/empty"), ("lookup", daemon, "/"), ("queue", queue, "/var/spool/martlet"),
                ("scheduler", daemon, "/run/martlet/empty"), ("dispatcher", daemon, "/run/martlet/empty"),
                ("crypto", daemon, "/run/martlet/empty"),
            ]
            for (name, user, root) in expected {
                let process = try #require(server.role(name), "\(name)").id
                for field in ["Uid", "Gid"] {
                    let ids = ProcessTable.status(process, field)?.split(separator: "\t").compactMap { uid_t($0) }
                    #expect(ids == [user, user, user, user], "\(field) of \(name)")
                }
                let groups = ProcessTable.status(process, "Groups")?.split(separator: " ").compactMap { gid_t($0) }
                #expect(groups == [user], "groups of \(name)")
                #expect(ProcessTable.status(process, "NoNewPrivs") == "1", "\(name)")
                #expect(ProcessTable.status(process, "Seccomp") == "2", "\(name)")
                for field in ["CapEff", "CapPrm"] { #expect(ProcessTable.status(process, field) == "0000000000000000", "\(field) of \(name)") }
                #expect(PrivilegedTests.target("/proc/\(process)/root") == root, "root directory of \(name)")
                #expect(ProcessTable.threadCount(process) == 1)
            }
            let parent = try #require(server.role("[priv]"))
            #expect(ProcessTable.status(parent.id, "Uid")?.hasPrefix("0\t") == true)
            #expect(ProcessTable.threadCount(parent.id) == 1)
            #expect(try Files.status(server.inside("/run/martlet/smtpd.sock"))?.permissions == 0o666)
            #expect(try Files.status(server.inside("/var/spool/martlet/queue"))?.permissions == 0o700)
            #expect(try Files.status(server.inside("/run/martlet/empty"))?.user == 0)
            #expect(try await server.stop() == .exited(0), "\(server.log)")
        }

        @Test func `delivers as the user and with no more than the user's rights`() async throws {
            let server = try PrivilegedServer()
            try await server.start()
            let client = try SMTPClient(port: server.port)
            try client.greet()
            let recipients = ["mxann@mbox.example", "mxann@maildir.example", "mxann@command.example"]
            #expect(try client.deliver(from: "ada@client.example", to: recipients, "Subject: s\r\n\r\nx").code == 250)
            let ann = PrivilegedServer.ann.uid
            let home = server.scratch.path + "/home/mxann"
            try await server.eventually("an mbox") { try Files.status(server.inside("/var/mail/mxann")).map { $0.size > 0 } ?? false }
            let mbox = try #require(try Files.status(server.inside("/var/mail/mxann")))
            #expect(mbox.user == ann && mbox.permissions & 0o007 == 0)
            try await server.eventually("a maildir") { server.scratch.count(in: "home/mxann/Maildir") == 1 }
            #expect(try Files.status(home + "/Maildir")?.user == ann)
            try await server.eventually("an identity") { server.scratch.text("home/mxann/identity")?.contains("NoNewPrivs") == true }
            let identity = try #require(server.scratch.text("home/mxann/identity"))
            #expect(identity.contains("uid=\(ann)(mxann) gid=\(ann)(mxann)"), "\(identity)")
            #expect(identity.contains("CapEff:\t0000000000000000"))
            for process in server.processes where process.title.contains("mail.agent") {
                #expect(ProcessTable.status(process.id, "Uid")?.hasPrefix("\(ann)\t\(ann)\t\(ann)\t\(ann)") == true)
            }
            // Root has no mail of its own.
            let root = try client.deliver(from: "ada@client.example", to: ["root@maildir.example"], "Subject: s\r\n\r\nx")
            #expect(root.code >= 250)
            try await server.eventually("an empty queue") { try server.run("smtpctl", ["show", "queue"]).output.isEmpty }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `reads a .forward with its owner's rights`() async throws {
            let server = try PrivilegedServer()
            try await server.start()
            let (ann, ben) = (PrivilegedServer.ann.uid, PrivilegedServer.ben.uid)
            let home = server.scratch.path + "/home/"
            // Closed to everybody but ben: the daemon's user could not read it.
            try server.scratch.write("home/mxben/.forward", "mxann\n", mode: 0o600)
            chown(home + "mxben/.forward", ben, ben)
            let client = try SMTPClient(port: server.port)
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["mxben@maildir.example"], "Subject: forwarded\r\n\r\nx").code == 250)
            try await server.eventually("the message") { server.scratch.count(in: "home/mxann/Maildir") == 1 }

            // A link to what only root may read, which is no list of addresses of ann's.
            try server.scratch.write("secret", "|touch \(server.scratch.path)/home/mxann/owned\nmxben\n", mode: 0o600)
            chown(server.scratch.path + "/secret", 0, 0)
            symlink(server.scratch.path + "/secret", home + "mxann/.forward")
            lchown(home + "mxann/.forward", ann, ann)
            _ = try client.deliver(from: "ada@client.example", to: ["mxann@maildir.example"], "Subject: link\r\n\r\nx")
            try await server.eventually("an empty queue") { try server.run("smtpctl", ["show", "queue"]).output.isEmpty }
            #expect(try Files.status(home + "mxann/owned") == nil)
            #expect(server.scratch.count(in: "home/mxben/Maildir") == 0)
        }

        @Test func `takes orders from root and messages from everybody`() async throws {
            let server = try PrivilegedServer()
            try await server.start()
            let ann = PrivilegedServer.ann.uid
            for words in [["show", "routes"], ["stop"], ["reload"], ["schedule", "all"]] {
                let run = try server.run("smtpctl", words, as: ann)
                #expect(run.code == 1 && run.error.contains("need root privileges"), "\(words): \(run.error)")
            }
            // Others' mail is not there for her.
            #expect(try server.run("smtpctl", ["pause", "mda"]).code == 0)
            let client = try SMTPClient(port: server.port)
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["mxann@maildir.example"], "Subject: x\r\n\r\nx").code == 250)
            let list = try server.run("smtpctl", ["show", "queue"], as: ann)
            #expect(list.code == 0 && list.output.isEmpty)
            #expect(try server.run("smtpctl", ["remove", "all"], as: ann).output == "0 envelopes removed\n")
            #expect(try server.run("smtpctl", ["resume", "mda"]).code == 0)
            let submission = try server.run(
                "sendmail", ["-i", "-f", "mxann@maildir.example", "mxben@maildir.example"], as: ann, input: "Subject: submitted\n\nx\n")
            #expect(submission.code == 0, "\(submission.error)")
            try await server.eventually("the message") { server.scratch.count(in: "home/mxben/Maildir") == 1 }
            #expect(try server.run("smtpctl", ["show", "status"]).code == 0)
            #expect(try server.run("smtpctl", ["reload"]).code == 0)
            #expect(try server.run("smtpctl", ["stop"]).code == 0)
        }

        @Test func `lets the group of readers look, and gives it the socket for metrics`() async throws {
            let server = try PrivilegedServer()
            try await server.start()
            let (ann, ben) = (PrivilegedServer.ann.uid, PrivilegedServer.ben.uid)
            for words in [["show", "stats"], ["show", "routes"], ["show", "status"]] {
                #expect(try server.run("smtpctl", words, as: ben).code == 0)
                #expect(try server.run("smtpctl", words, as: ann).code == 1)
            }
            #expect(try server.run("smtpctl", ["stop"], as: ben).error.contains("need root privileges"))
            let place = server.inside("/run/metrics")
            let status = try #require(try Files.status(place))
            #expect(status.isSocket && status.permissions == 0o660 && status.user == 0)
            let run = try Programs.run("/usr/bin/curl", ["-sS", "--unix-socket", place, "http://localhost/metrics"], environment: [], identity: nil)
            #expect(run.output.hasSuffix("# EOF\n") && run.output.contains("\nmartlet_control_session_total "), "\(run.error)")
            #expect(try server.run("smtpctl", ["stop"]).code == 0)
            try await server.eventually("an end") { try Files.status(place) == nil }
        }

        @Test func `with a full spool refuses for now, loses nothing and recovers by itself`() async throws {
            let server = try PrivilegedServer(spoolSize: 48)
            try await server.start(["-P", "mda"])
            let body = "Subject: big\r\n\r\n" + String(repeating: String(repeating: "z", count: 76) + "\r\n", count: 12_000)
            var accepted = 0
            var refusal: SMTPClient.Reply?
            while refusal == nil, accepted < 100 {
                let client = try SMTPClient(port: server.port)
                try client.greet()
                for _ in 0..<5 where refusal == nil {
                    let reply = try client.deliver(from: "ada@client.example", to: ["mxann@maildir.example"], body)
                    if reply.code == 250 { accepted += 1 } else { refusal = reply }
                }
            }
            #expect(refusal?.text.hasPrefix("452 4.3.1") == true, "\(String(describing: refusal)) after \(accepted)")
            #expect(accepted > 5)
            // What is in goes out all the same, and then there is room again.
            #expect(try server.run("smtpctl", ["resume", "mda"]).code == 0)
            try await server.eventually("all that was accepted") { server.scratch.count(in: "home/mxann/Maildir") == accepted }
            let client = try SMTPClient(port: server.port)
            try client.greet()
            try await server.eventually("room") {
                try client.deliver(from: "ada@client.example", to: ["mxann@maildir.example"], body).code == 250
            }
            try await server.eventually("the last") { server.scratch.count(in: "home/mxann/Maildir") > accepted }
            for message in server.scratch.messages(in: "home/mxann/Maildir") { #expect(message.utf8.count > 12_000 * 77) }
            #expect(try await server.stop() == .exited(0))
        }

        private static func target(_ link: String) -> String? {
            var room = [CChar](repeating: 0, count: 4096)
            let count = readlink(link, &room, room.count)
            return count < 0 ? nil : String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
