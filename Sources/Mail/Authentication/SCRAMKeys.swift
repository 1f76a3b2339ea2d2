/// What a server keeps of a password for SCRAM (RFC 5802 section 3): enough to check a client and to prove
/// itself, too little to log in elsewhere.
package struct SCRAMKeys: Hashable, Sendable {
    package let algorithm: HashAlgorithm
    package let salt: [UInt8]
    package let iterations: Int
    package let storedKey: [UInt8]
    package let serverKey: [UInt8]

    /// Fewer iterations are not accepted from anybody (RFC 7677 section 4 asks for at least 4096).
    package static let minimumIterations = 4096

    /// More are refused in messages of a server: they would keep this process busy for more than a tenth of
    /// a second.
    package static let maximumIterations = 200_000

    package init(algorithm: HashAlgorithm, salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.algorithm = algorithm
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// The keys of a password that has been prepared (``SASLPreparation``). Costs `iterations` hashes.
    package init(
        deriving password: [UInt8], salt: [UInt8], iterations: Int, algorithm: HashAlgorithm = .sha256,
        with functions: HashFunctions
    ) {
        let salted = functions.derive(algorithm, password, salt, iterations)
        let clientKey = functions.authenticate(algorithm, salted, Array("Client Key".utf8))
        self.init(
            algorithm: algorithm, salt: salt, iterations: iterations, storedKey: functions.hash(algorithm, clientKey),
            serverKey: functions.authenticate(algorithm, salted, Array("Server Key".utf8)))
    }

    /// Keys for a user who does not exist: the same for each question about the same name, so that a client
    /// cannot tell them from real ones, and fitting no password.
    ///
    /// - Parameter secret: Random, and kept while the process runs.
    package init(decoyFor user: String, secret: [UInt8], with functions: HashFunctions) {
        func octets(_ purpose: String) -> [UInt8] {
            functions.authenticate(.sha256, secret, Array("\(purpose) \(user)".utf8))
        }
        self.init(
            algorithm: .sha256, salt: Array(octets("salt").prefix(16)), iterations: Self.minimumIterations,
            storedKey: octets("stored key"), serverKey: octets("server key"))
    }
}
