import MailSyntax

/// AUTH (RFC 4954): its framing and order. What the messages mean is the driver's business.
extension ServerSession {
    var isAuthenticated: Bool { client.isAuthenticated || authenticatedUser != nil }

    /// Never in the clear: most mechanisms give the password away.
    var offersAuthentication: Bool { settings.authentication != .notOffered && isSecure }

    mutating func authenticate(_ mechanism: [UInt8], _ initialResponse: [UInt8]?) {
        guard settings.authentication != .notOffered else { return refuseCommand(.notSupported) }
        guard isSecure else { return refuseCommand(.encryptionRequired) }
        guard authenticatedUser == nil else { return refuseCommand(.alreadyAuthenticated) }
        // Section 4: not during a mail transaction.
        guard case .idle(let name) = state else { return refuseCommand(.notAllowed) }
        let capitals = String(decoding: mechanism.map(uppercased), as: UTF8.self)
        guard settings.mechanisms.contains(capitals) else { return refuseCommand(.unknownMechanism(mechanism)) }
        var decoded: [UInt8]?
        if let initialResponse {
            // A single `=` is a response of no octets.
            guard let octets = initialResponse == [UInt8(ascii: "=")] ? [] : Base64.decoded(initialResponse) else {
                return refuseCommand(.malformedResponse)
            }
            decoded = octets
        }
        state = .authenticating(name)
        pending.append(.authenticate(.start(mechanism: capitals, initialResponse: decoded)))
    }

    /// Takes the line that answers a challenge.
    mutating func takeResponse(_ line: ArraySlice<UInt8>, from name: ClientName) {
        guard line != [UInt8(ascii: "*")] else { return endExchange(name, .authenticationCancelled) }
        guard let octets = Base64.decoded(line) else { return endExchange(name, .malformedResponse) }
        state = .authenticating(name)
        pending.append(.authenticate(.response(octets)))
    }

    /// Ends an exchange because of a line in it.
    mutating func endExchange(_ name: ClientName, _ reply: Reply) {
        pending.append(.abandonAuthentication)
        state = .idle(name)
        refuseCommand(reply)
    }

    /// Takes the answer to ``ServerStep/authenticate(_:)``.
    package mutating func authenticationAnswered(_ answer: AuthenticationAnswer) {
        guard case .authenticating(let name) = state else { return }
        // An answer that comes between the lines is no fault of the line before.
        state = .idle(name)
        switch answer {
        case .challenge(let octets):
            state = .awaitingResponse(name)
            pending.append(.reply(.challenge(octets)))
        case .accepted(let user):
            authenticatedUser = user
            pending.append(.reply(.authenticated))
        case .refused:
            failedAuthentications += 1
            refuse(.authenticationFailed)
            if failedAuthentications >= settings.limits.authenticationFailures {
                end(.tooManyAuthenticationFailures, reply: .tooManyAuthenticationFailures)
            }
        case .unavailable:
            refuse(.authenticationUnavailable)
        case .tooManyFailures:
            note(.tooManyAuthenticationFailures)
            end(.tooManyAuthenticationFailures, reply: .tooManyAuthenticationFailures)
        }
    }

    /// What may be kept of a line for the log: nothing that a client answered, and of AUTH the mechanism alone.
    func loggable(_ line: ArraySlice<UInt8>) -> [UInt8] {
        if case .awaitingResponse = state { return Array("(authentication)".utf8) }
        guard isAuthentication(line) else { return Array(line.prefix(Self.noteLength)) }
        let words = line.split(maxSplits: 2) { !isASCIIAlphanumeric($0) && $0 != UInt8(ascii: "-") }
        return Array(words.prefix(2).joined(separator: [0x20]).prefix(32))
    }

    /// Octets that the line which begins here may have.
    func lengthLimit(of beginning: ArraySlice<UInt8>) -> Int {
        if case .awaitingResponse = state { return settings.limits.authenticationLine }
        return isAuthentication(beginning) ? settings.limits.authenticationLine : settings.limits.commandLine
    }

    func isAuthentication(_ line: ArraySlice<UInt8>) -> Bool {
        // Every line is asked, and the first letter answers for nearly all.
        guard let first = line.first, asciiLowercased(first) == UInt8(ascii: "a") else { return false }
        return equalIgnoringASCIICase(line.prefix(4), "AUTH".utf8) && line.dropFirst(4).first.map(isASCIIAlphanumeric) != true
    }
}
