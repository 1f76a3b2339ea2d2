import MailSyntax

/// The four messages of SCRAM, taken apart (RFC 5802 section 7).
enum SCRAMMessage {
    /// Octets of any message: one line of AUTH holds no more.
    static let maximumLength = 9216

    /// `gs2-header n=user,r=nonce[,extensions]`.
    struct ClientFirst: Hashable {
        /// With its commas, as it must come back in the last message.
        let header: [UInt8]
        let authorization: [UInt8]
        /// What follows the header: it enters the signature.
        let bare: [UInt8]
        let user: [UInt8]
        let nonce: [UInt8]

        /// - Throws: ``SASLFailure/channelBindingNotOffered`` when the client insists on it;
        ///   ``SASLFailure/malformed`` else.
        init(parsing message: [UInt8]) throws(SASLFailure) {
            guard message.count <= SCRAMMessage.maximumLength else { throw .malformed }
            let parts = message.split(separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { throw .malformed }
            guard parts[0].first != UInt8(ascii: "p") else { throw .channelBindingNotOffered }
            guard parts[0].elementsEqual("n".utf8) || parts[0].elementsEqual("y".utf8) else { throw .malformed }
            if parts[1].isEmpty {
                authorization = []
            } else {
                guard let value = SCRAMMessage.value("a", parts[1]), let name = SCRAMMessage.name(value), !name.isEmpty
                else { throw .malformed }
                authorization = name
            }
            header = Array(message[..<parts[2].startIndex])
            bare = Array(parts[2])
            // An extension that must be understood (m=) would stand where the name does, and is refused with it.
            let fields = SCRAMMessage.fields(bare)
            guard fields.count >= 2, let first = SCRAMMessage.value("n", fields[0]), let user = SCRAMMessage.name(first),
                !user.isEmpty, let nonce = SCRAMMessage.nonce(fields[1])
            else { throw .malformed }
            self.user = user
            self.nonce = nonce
        }
    }

    /// `r=nonce,s=salt,i=iterations[,extensions]`.
    struct ServerFirst: Hashable {
        let nonce: [UInt8]
        let salt: [UInt8]
        let iterations: Int

        init(parsing message: [UInt8]) throws(SASLFailure) {
            guard message.count <= SCRAMMessage.maximumLength else { throw .malformed }
            let fields = SCRAMMessage.fields(message)
            guard fields.count >= 3, let nonce = SCRAMMessage.nonce(fields[0]),
                let encoded = SCRAMMessage.value("s", fields[1]), let salt = Base64.decoded(encoded), !salt.isEmpty,
                let digits = SCRAMMessage.value("i", fields[2]), let iterations = SCRAMMessage.count(digits)
            else { throw .malformed }
            guard (SCRAMKeys.minimumIterations...SCRAMKeys.maximumIterations).contains(iterations) else {
                throw .iterationsOutOfRange(iterations)
            }
            self.nonce = nonce
            self.salt = salt
            self.iterations = iterations
        }
    }

    /// `c=channel-binding,r=nonce[,extensions],p=proof`.
    struct ClientFinal: Hashable {
        let channelBinding: [UInt8]
        let nonce: [UInt8]
        /// All before the proof: it enters the signature.
        let withoutProof: [UInt8]
        let proof: [UInt8]

        init(parsing message: [UInt8]) throws(SASLFailure) {
            guard message.count <= SCRAMMessage.maximumLength else { throw .malformed }
            let fields = SCRAMMessage.fields(message)
            guard fields.count >= 3, let last = fields.last,
                let encoded = SCRAMMessage.value("c", fields[0]), let binding = Base64.decoded(encoded),
                let nonce = SCRAMMessage.nonce(fields[1]), let encodedProof = SCRAMMessage.value("p", last),
                let proof = Base64.decoded(encodedProof)
            else { throw .malformed }
            channelBinding = binding
            self.nonce = nonce
            withoutProof = Array(message[..<(last.startIndex - 1)])
            self.proof = proof
        }
    }

    /// `v=signature`; an error (`e=`) is no signature.
    static func serverSignature(_ message: [UInt8]) -> [UInt8]? {
        guard message.count <= maximumLength, let first = fields(message).first, let encoded = value("v", first)
        else { return nil }
        return Base64.decoded(encoded)
    }

    /// `=` and `,` of a name written so that they end nothing.
    static func escapedName(_ name: [UInt8]) -> [UInt8] {
        name.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: ","): Array("=2C".utf8)
            case UInt8(ascii: "="): Array("=3D".utf8)
            default: [byte]
            }
        }
    }

    private static func fields(_ message: [UInt8]) -> [ArraySlice<UInt8>] {
        message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    }

    private static func value(_ name: Unicode.Scalar, _ field: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard field.count >= 2, field.starts(with: [UInt8(ascii: name), UInt8(ascii: "=")]) else { return nil }
        return field.dropFirst(2)
    }

    /// Printable ASCII without a comma, which fields are cut at.
    private static func nonce(_ field: ArraySlice<UInt8>) -> [UInt8]? {
        guard let value = value("r", field), !value.isEmpty, value.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return Array(value)
    }

    /// A name with its escapes undone; nil when another `=` is in it (RFC 5802 section 5.1).
    private static func name(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = value
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                result.append(byte)
                continue
            }
            switch Array(rest.prefix(2)) {
            case Array("2C".utf8): result.append(UInt8(ascii: ","))
            case Array("3D".utf8): result.append(UInt8(ascii: "="))
            default: return nil
            }
            rest = rest.dropFirst(2)
        }
        return result
    }

    private static func count(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 10, digits.first != UInt8(ascii: "0"), digits.allSatisfy(isASCIIDigit)
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
