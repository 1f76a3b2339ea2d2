import Glibc
import Platform

/// A mail server behind TLS that takes access tokens of OAuth 2.0 and nothing else, in another process.
///
/// A token is right while a file named for it is in its directory.
package final class TokenServer {
    package let scratch: Scratch
    package let port: UInt16
    private let process: pid_t

    /// - Parameter mechanism: The one it offers: XOAUTH2 or OAUTHBEARER.
    package init(mechanism: String, certificate: String, key: String) throws {
        scratch = try Scratch()
        port = try Server.freePort()
        let log = try Files.open(scratch.path + "/error", O_WRONLY | O_CREAT, mode: 0o644)
        let program = ChildProcess(
            path: "/usr/bin/env", arguments: ["env", "python3", "-c", Self.program, "\(port)", certificate, key, mechanism, scratch.path],
            environment: ["PATH=/usr/bin:/bin", "PYTHONUNBUFFERED=1"])
        process = try program.start(error: log.raw)
    }

    deinit {
        kill(process, SIGKILL)
        _ = try? ChildProcess.wait(for: process)
    }

    /// It takes connections.
    package var isReady: Bool { scratch.text("ready") != nil }
    /// What clients said, line by line; messages of SASL decoded.
    package var commands: [String] { (scratch.text("commands") ?? "").split(separator: "\n").map(String.init) }

    /// Makes a token right.
    package func accept(_ token: String) throws { try scratch.write(token, "") }

    private static let program = """
        import base64, os, socket, ssl, sys, threading
        port, certificate, key, mechanism, place = sys.argv[1:]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        listener = socket.create_server(("127.0.0.1", int(port)))
        log = open(place + "/commands", "a")
        def serve(raw):
            file = context.wrap_socket(raw, server_side=True).makefile("rwb", 0)
            def say(text): file.write(text.encode() + b"\\r\\n")
            def note(text): log.write(text + "\\n"); log.flush()
            say("220 tokens.example")
            while True:
                line = file.readline().decode().strip()
                if not line: return
                words = line.split(" ")
                if words[0] == "EHLO":
                    say("250-tokens.example"); say("250 AUTH " + mechanism)
                    continue
                if words[0] == "AUTH":
                    if len(words) < 3:
                        say("334 ")
                        words.append(file.readline().decode().strip())
                    message = base64.b64decode(words[2]).decode()
                    note("AUTH " + words[1] + " " + message.replace("\\1", "|"))
                    token = message.split("auth=Bearer ")[1].split("\\1")[0]
                    if os.path.exists(place + "/" + token[:200]):
                        say("235 2.7.0 accepted")
                        continue
                    say("334 " + base64.b64encode(b'{"status":"401"}').decode())
                    note("REFUSED " + str(base64.b64decode(file.readline().strip())))
                    say("535 5.7.8 the token is not right")
                    continue
                note(line)
                if line == "DATA":
                    say("354 go ahead")
                    while file.readline().strip() != b".": pass
                    say("250 2.0.0 taken")
                elif line == "QUIT":
                    say("221 2.0.0 bye")
                    return
                else: say("250 2.0.0 ok")
        open(place + "/ready", "w").close()
        while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """
}
