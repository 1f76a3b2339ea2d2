import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// Other people's servers as the next hop.
    @Suite("relaying to other mail servers") struct RelayPeerTests {
        private static func submit(_ server: Server, from sender: String = "", to recipients: [String], _ text: String = "Subject: x\r\n\r\n.dot\r\nend\r\n") throws {
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: sender, to: recipients, text.replacing("\r\n.", with: "\r\n.."))
            guard reply.code == 250 else { throw ServerFailure("\(reply)") }
        }

        private static func relay(_ options: String, more: String = "") throws -> Server {
            try Server { server in
                """
                \(more)
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay helo "relay.test.example" \(options)
                match from any for any action "out"
                """
            }
        }

        // MARK: smtp-sink

        /// Switches of smtp-sink(1), and what becomes of a message to it.
        private static let sinks: [(switches: [String], result: String)] = [
            ([], "Ok"), (["-e"], "Ok"), (["-p"], "Ok"), (["-8"], "Ok"), (["-P"], "Ok"), (["-w", "1"], "Ok"),
            // Without EHLO there is HELO.
            (["-f", "ehlo"], "Ok"), (["-r", "ehlo"], "TempFail"),
            (["-f", "mail"], "PermFail"), (["-f", "rcpt"], "PermFail"), (["-f", "data"], "PermFail"), (["-f", "."], "PermFail"),
            (["-r", "mail"], "TempFail"), (["-r", "rcpt"], "TempFail"), (["-r", "data"], "TempFail"), (["-r", "."], "TempFail"),
            (["-q", "ehlo"], "TempFail"), (["-q", "mail"], "TempFail"), (["-q", "rcpt"], "TempFail"), (["-q", "data"], "TempFail"),
            (["-q", "."], "TempFail"),
            (["-s", "mail"], "Ok"), (["-B", "553 5.7.9 go away", "-f", "rcpt"], "PermFail"),
        ]

        @Test func `smtp-sink fails as it is told, and no message is lost or given up too early`() async throws {
            let sinks = try Self.sinks.map { try SMTPSink($0.switches) }
            for sink in sinks { try await eventually("smtp-sink", within: 20) { sink.isReady } }
            let hosts = sinks.enumerated().map { "\"s\($0).example\" = \"smtp+notls://127.0.0.1:\($1.port)\"" }
            let server = try Self.relay("domain <hosts>", more: "table hosts { \(hosts.joined(separator: ", ")) }")
            try await server.start()
            for number in sinks.indices { try Self.submit(server, to: ["bob@s\(number).example"]) }
            for (number, (switches, result)) in Self.sinks.enumerated() {
                try await server.eventually("\(switches) \(result)", within: 60) {
                    server.log.split(separator: "\n").contains {
                        $0.contains("mta delivery") && $0.contains("to=<bob@s\(number).example>") && $0.contains("result=\(result) ")
                    }
                }
                let waits = try server.queue().filter { $0.recipient == "bob@s\(number).example" }.count
                #expect(waits == (result == "TempFail" ? 1 : 0), "\(switches)")
                if result == "Ok" {
                    #expect(sinks[number].messages.count == 1, "\(switches)")
                    #expect(sinks[number].messages.first?.contains(".dot\nend\n") == true, "\(switches): \(sinks[number].messages)")
                }
            }
            #expect(server.log.contains("553 5.7.9 go away"))
            #expect(try await server.stop() == .exited(0))
        }

        // MARK: Postfix

        /// Its master starts processes as several users.
        @Test(.enabled(if: getuid() == 0)) func `Postfix takes mail over TLS, eight bits, chunks and requests for reports`() async throws {
            let certificates = try TestCertificates.shared.get()
            let postfix = try Peer("postfix")
            let scratch = try Scratch()
            let port = try Server.freePort()
            try Self.prepare(postfix, in: scratch, port: port, certificates)
            try postfix.start("usr/lib/postfix/sbin/master", ["-c", "\(scratch.path)/etc", "-d"], log: scratch.path + "/out")
            try await eventually("Postfix", within: 20) { Peer.isListening(port) }

            let server = try Self.relay(
                "host \"smtp+tls://127.0.0.1:\(port)\" ca own", more: "ca own cert \"\(certificates.path("authority.pem"))\"")
            try await server.start()
            let text = "From: Gr\u{fc}n <ada@client.example>\r\nSubject: \u{2603}\r\n\r\n.dot\r\n" + String(repeating: "zeile \u{e4}\r\n", count: 20_000)
            try Self.submit(server, from: "ada@client.example", to: ["bob@post.example", "carol@post.example"], text)
            try await server.drained()
            try await eventually("Postfix's mailbox", within: 30) { scratch.count(in: "mail/box") == 2 }
            let message = try #require(scratch.messages(in: "mail/box").first)
            #expect(message.contains("\nSubject: \u{2603}\n") && message.contains("\n\n.dot\nzeile \u{e4}\n") && message.hasSuffix("zeile \u{e4}\n"))
            let line = try #require(server.log.split(separator: "\n").first { $0.contains("mta delivery") })
            #expect(line.contains(":verified result=Ok stat=\"250 2.0.0 Ok: "), "\(line)")

            // What Postfix refuses comes back in a report, with its words.
            try Self.submit(server, from: "bob@post.example", to: ["nobody@far.example"])
            try await eventually("the report", within: 30) { scratch.count(in: "mail/box") == 3 }
            #expect(scratch.messages(in: "mail/box").contains { $0.contains("nobody@far.example") && $0.replacing("\n ", with: " ").contains("Relay access denied") })
            #expect(try await server.stop() == .exited(0))
        }

        // MARK: OpenSMTPD

        @Test(.enabled(if: Peer.canStartInPlace, "needs root and mounts of its own")) func `OpenSMTPD takes one command at a time, and all messages`() async throws {
            let opensmtpd = try Peer("opensmtpd")
            let scratch = try Scratch()
            let port = try Server.freePort()
            try scratch.makeDirectory("mail", mode: 0o777)
            try scratch.write(
                "smtpd.conf",
                """
                listen on 127.0.0.1 port \(port) hostname open.example
                table boxes { "@" = nobody }
                action "in" maildir "\(scratch.path)/mail/box" virtual <boxes>
                match from any for domain "open.example" action "in"

                """)
            // Its users, and places of its own for what it keeps.
            let setup = """
                for place in /var/lib /var/spool /run; do mount -t tmpfs none $place; done
                mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd; chmod 711 /var/spool/smtpd
                for kind in passwd group; do cat /etc/$kind > /run/$kind; done
                for user in opensmtpd:980 opensmtpq:981; do
                    echo "${user%:*}:x:${user#*:}:${user#*:}::/var/lib/opensmtpd/empty:/bin/false" >> /run/passwd
                    echo "${user%:*}:x:${user#*:}:" >> /run/group
                done
                for kind in passwd group; do chmod 644 /run/$kind; mount --bind /run/$kind /etc/$kind; done
                """
            try opensmtpd.startInPlace(setup: setup, "/usr/sbin/smtpd -d -f \(scratch.path)/smtpd.conf", log: scratch.path + "/out")
            try await eventually("OpenSMTPD", within: 30) { Peer.isListening(port) }

            let server = try Self.relay("host \"smtp://127.0.0.1:\(port)\"")
            try await server.start()
            for number in 1...20 { try Self.submit(server, from: "ada@client.example", to: ["a\(number)@open.example", "b\(number)@open.example"]) }
            try await server.drained()
            try await eventually("OpenSMTPD's mailbox", within: 30) { scratch.count(in: "mail/box") == 40 }
            #expect(scratch.messages(in: "mail/box").allSatisfy { $0.contains("Subject: x\n") && $0.hasSuffix("\n\n.dot\nend\n") })
            try Self.submit(server, from: "bob@open.example", to: ["nobody@far.example"])
            try await eventually("the report", within: 30) { scratch.count(in: "mail/box") == 41 }
            #expect(try await server.stop() == .exited(0))
        }

        // MARK: Dovecot

        @Test(.enabled(if: Peer.canStartInPlace, "needs root and mounts of its own")) func `Dovecot's LMTP server decides about each recipient`() async throws {
            let dovecot = try Peer("dovecot-lmtpd")
            let scratch = try Scratch()
            let port = try Server.freePort()
            for name in ["run", "mail"] { try scratch.makeDirectory(name, mode: name == "run" ? 0o755 : 0o777) }
            guard let nobody = try Users.named("nobody") else { throw ServerFailure("no user nobody") }
            let users = ["bob", "carol"].map { "\($0)@dove.example::\(nobody.uid):\(nobody.gid)::\(scratch.path)/mail/\($0)::\n" }
            try scratch.write("users", users.joined())
            try scratch.write(
                "dovecot.conf",
                """
                protocols = lmtp
                base_dir = \(scratch.path)/run
                state_dir = \(scratch.path)/run
                log_path = \(scratch.path)/log
                default_internal_user = games
                default_internal_group = games
                default_login_user = mail
                ssl = no
                first_valid_uid = 1
                mail_location = maildir:~/Maildir
                passdb {
                  driver = passwd-file
                  args = \(scratch.path)/users
                }
                userdb {
                  driver = passwd-file
                  args = \(scratch.path)/users
                }
                service lmtp {
                  inet_listener lmtp {
                    address = 127.0.0.1
                    port = \(port)
                  }
                }

                """)
            try dovecot.startInPlace("/usr/sbin/dovecot -F -c \(scratch.path)/dovecot.conf", log: scratch.path + "/out")
            try await eventually("Dovecot", within: 30) { Peer.isListening(port) }

            let server = try Self.relay("host \"lmtp://127.0.0.1:\(port)\"")
            try await server.start()
            try Self.submit(server, from: "ada@client.example", to: ["bob@dove.example", "nobody@dove.example", "carol@dove.example"])
            for name in ["bob", "carol"] {
                try await server.eventually("mail of \(name)", within: 30) { scratch.count(in: "mail/\(name)/Maildir") == 1 }
            }
            #expect(scratch.messages(in: "mail/bob/Maildir").first?.contains("\n.dot\nend\n") == true)
            func result(_ name: String) -> Substring? {
                server.log.split(separator: "\n").first { $0.contains("mta delivery") && $0.contains("to=<\(name)@dove.example>") }
            }
            try await server.eventually("results") { ["bob", "carol", "nobody"].allSatisfy { result($0) != nil } }
            #expect(result("bob")?.contains("result=Ok") == true && result("carol")?.contains("result=Ok") == true)
            #expect(result("nobody")?.contains("result=PermFail") == true && result("nobody")?.contains("User doesn't exist") == true, "\(result("nobody") ?? "")")
            #expect(try await server.stop() == .exited(0))
        }

        private static func prepare(_ postfix: Peer, in scratch: Scratch, port: UInt16, _ certificates: TestCertificates) throws {
            for name in ["etc", "queue", "data", "mail"] { try scratch.makeDirectory(name, mode: 0o755) }
            let names = ["incoming", "active", "deferred", "bounce", "defer", "flush", "trace", "hold", "private", "saved", "corrupt", "public", "maildrop"]
            // Users of every Debian, whom no daemon of this machine uses.
            guard let owner = try Users.named("games"), let group = getgrnam("audio")?.pointee.gr_gid, let nobody = try Users.named("nobody")
            else { throw ServerFailure("no user games or nobody, or no group audio") }
            for name in names {
                try scratch.makeDirectory("queue/\(name)", mode: name == "public" ? 0o710 : name == "maildrop" ? 0o1730 : 0o700)
                _ = try checked("chown") { chown("\(scratch.path)/queue/\(name)", owner.uid, name == "public" || name == "maildrop" ? group : 0) }
            }
            try scratch.makeDirectory("queue/pid", mode: 0o755)
            for name in ["queue", "queue/pid", "etc"] { _ = try checked("chown") { chown("\(scratch.path)/\(name)", 0, 0) } }
            _ = try checked("chown") { chown("\(scratch.path)/data", owner.uid, owner.gid) }
            _ = try checked("chown") { chown("\(scratch.path)/mail", nobody.uid, nobody.gid) }
            let root = postfix.root
            try scratch.write(
                "etc/main.cf",
                """
                compatibility_level = 3.6
                daemon_directory = \(root)/usr/lib/postfix/sbin
                command_directory = \(root)/usr/sbin
                shlib_directory = \(root)/usr/lib/postfix
                meta_directory = \(scratch.path)/etc
                queue_directory = \(scratch.path)/queue
                data_directory = \(scratch.path)/data
                mail_owner = games
                setgid_group = audio
                import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH=\(postfix.libraries)
                inet_protocols = ipv4
                myhostname = post.example
                mydestination =
                mynetworks =
                smtpd_relay_restrictions = reject_unauth_destination
                virtual_mailbox_domains = post.example
                virtual_mailbox_base = \(scratch.path)/mail
                virtual_mailbox_maps = static:box/
                virtual_uid_maps = static:\(nobody.uid)
                virtual_gid_maps = static:\(nobody.gid)
                alias_maps =
                alias_database =
                smtpd_tls_security_level = encrypt
                smtpd_tls_cert_file = \(certificates.path("mail.pem"))
                smtpd_tls_key_file = \(certificates.path("mail.key"))

                """)
            try scratch.write(
                "etc/master.cf",
                """
                127.0.0.1:\(port) inet n - n - - smtpd
                cleanup unix n - n - 0 cleanup
                qmgr unix n - n 300 1 qmgr
                rewrite unix - - n - - trivial-rewrite
                bounce unix - - n - 0 bounce
                defer unix - - n - 0 bounce
                trace unix - - n - 0 bounce
                verify unix - - n - 1 verify
                proxymap unix - - n - - proxymap
                error unix - - n - - error
                retry unix - - n - - error
                virtual unix - n n - - virtual
                anvil unix - - n - 1 anvil
                scache unix - - n - 1 scache
                tlsmgr unix - - n 1000? 1 tlsmgr

                """)
        }
    }
}
