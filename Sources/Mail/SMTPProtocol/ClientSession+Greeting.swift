import Authentication

/// Coming to terms with a server: greeting, EHLO, STARTTLS, and then the login.
extension ClientSession {
    mutating func takeGreeting(_ reply: Reply) {
        guard reply.code < 300 else { return refusedSession(reply) }
        sayHello()
    }

    /// The driver has shaken hands: the session begins anew, and nothing said in clear counts any more (RFC 3207
    /// section 4.2).
    package mutating func secured() {
        guard case .securing = state else { return }
        isProtected = true
        capabilities = ServerCapabilities()
        parser = ReplyParser()
        sayHello()
    }

    private mutating func sayHello() { say((settings.kind == .lmtp ? "LHLO " : "EHLO ") + settings.helo.text, .awaitingHello) }

    mutating func takeHello(_ reply: Reply) {
        if reply.code < 300 {
            capabilities = ServerCapabilities(reply)
            identified()
        } else if reply.isPermanent, settings.kind == .smtp, settings.login == nil, isProtected || settings.startTLS != .required {
            say("HELO " + settings.helo.text, .awaitingPlainHello)
        } else {
            refusedSession(reply)
        }
    }

    mutating func takePlainHello(_ reply: Reply) {
        guard reply.code < 300 else { return refusedSession(reply) }
        capabilities = ServerCapabilities()
        state = .ready
    }

    private mutating func identified() {
        guard !isProtected, settings.startTLS != .never else { return logIn() }
        if capabilities.startTLS { return say("STARTTLS", .awaitingStartTLS) }
        if settings.startTLS == .required { leave(.tlsNotOffered) } else { logIn() }
    }

    mutating func takeStartTLSReply(_ reply: Reply) {
        if reply.code == 421 {
            fail(.refused(reply))
        } else if reply.code < 300 {
            // What follows in clear was slipped in by somebody between us (CVE-2011-0411).
            guard !parser.hasUnreadInput else { return fail(.unexpectedReply) }
            state = .securing
        } else if reply.code >= 400 {
            if settings.startTLS == .required { leave(.tlsRefused(reply)) } else { logIn() }
        } else {
            fail(.unexpectedReply)
        }
    }

    /// Sends a line. A server that spoke ahead of it is out of step.
    mutating func say(_ line: String, _ next: State) {
        guard !parser.hasUnreadInput else { return fail(.unexpectedReply) }
        pending.append(.send(Array("\(line)\r\n".utf8)))
        state = next
    }

    mutating func refusedSession(_ reply: Reply) {
        // It is polite to say so, and a server that said 421 does not listen.
        if reply.code == 421 { fail(.refused(reply)) } else { leave(.refused(reply)) }
    }
}
