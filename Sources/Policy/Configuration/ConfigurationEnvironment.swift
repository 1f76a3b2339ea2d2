import MailSyntax

/// What reading a configuration asks of the machine it is for.
///
/// The loader itself touches nothing: every file, name and address comes from here, so that a test
/// can be any machine. All answers are taken once, at load; a reload asks again.
package protocol ConfigurationEnvironment {
    /// The host's own name as the kernel has it, empty if it has none.
    var hostName: String { get }

    /// The first line of the *mailname* file, nil without such a file.
    var mailName: String? { get }

    /// The full name the resolver gives for a host name, nil when it has none.
    func canonicalName(ofHost name: String) -> String?

    /// Every address of every interface.
    var interfaceAddresses: [IPAddress] { get }

    /// The addresses of one interface; nil when there is no such interface.
    func addresses(ofInterface name: String) -> [IPAddress]?

    /// The addresses of all interfaces in a group that the system's administrator has named; nil when there is no such
    /// group.
    func addresses(ofInterfaceGroup name: String) -> [IPAddress]?

    /// The addresses of the interfaces that have a default route: what OpenBSD's group `egress` is.
    var egressAddresses: [IPAddress] { get }

    /// The addresses of the loopback interface, whatever this system calls it.
    var loopbackAddresses: [IPAddress] { get }

    /// The addresses of a host by the system's resolver, empty when there are none.
    func addresses(ofHost name: String) -> [IPAddress]

    /// The TCP port of a service name (services(5)).
    func port(ofService name: String) -> UInt16?

    /// Does the system know a user of this name? Names nobody has are warned about.
    func userExists(_ name: String) -> Bool
    /// The same of a group.
    func groupExists(_ name: String) -> Bool

    /// Is there an executable `table-TYPE` in one of ``tableProgramDirectories``?
    func tableProgramExists(type: String) -> Bool

    /// Where programs that answer for tables are looked for.
    var tableProgramDirectories: [String] { get }

    /// The contents of an included file or of a table's file.
    ///
    /// - Throws: why it cannot be read.
    func contents(ofFile path: String) throws(FileFailure) -> [UInt8]

    /// Looks whether a file may serve for its purpose without giving away what is in it.
    ///
    /// - Throws: ``FileFailure/unsafeOwner`` or ``FileFailure/unsafeMode`` by the rules of
    ///   ``FilePurpose``; the others as ``contents(ofFile:)``.
    func check(file path: String, for purpose: FilePurpose) throws(FileFailure)
}

/// What a file is for decides who may own and change it.
package enum FilePurpose: UInt8, Hashable, Sendable {
    /// Any file that must be readable.
    case table = 1
    /// A certificate or a bundle of authorities: owner root, writable by nobody else.
    case certificate
    /// A private key: owner root, at most readable by the group, nothing for others.
    case privateKey
}

/// Why a file cannot be used.
package enum FileFailure: Error, Hashable, Sendable {
    case missing
    case forbidden
    case notRegular
    case tooLarge
    case unsafeOwner
    case unsafeMode
    /// Anything else, in the system's words.
    case other(String)

    /// The reason in words, for the end of a message.
    package var text: String {
        switch self {
        case .missing: "no such file"
        case .forbidden: "permission denied"
        case .notRegular: "not a regular file"
        case .tooLarge: "too large"
        case .unsafeOwner: "not owned by root"
        case .unsafeMode: "its mode gives too much away"
        case .other(let text): text
        }
    }
}
