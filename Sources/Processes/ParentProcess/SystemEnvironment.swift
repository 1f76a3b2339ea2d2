import Configuration
import Glibc
import MailSyntax
import Platform
import RoleProcess

/// This machine, as far as reading a configuration asks about it.
package struct SystemEnvironment: ConfigurationEnvironment {
    package let hostName: String
    package let mailName: String?
    private let interfaces: [InterfaceAddress]
    private let egress: Set<String>
    private let programs: InstalledPrograms

    package init(programs: InstalledPrograms) {
        // A machine without a readable name or interface list has none; the loader says what that means.
        hostName = (try? HostNames.current()) ?? ""
        mailName = (try? HostNames.firstLine(of: InstallationPaths.mailName)) ?? nil
        interfaces = (try? NetworkInterfaces.addresses()) ?? []
        egress = Set((try? NetworkInterfaces.withDefaultRoute()) ?? [])
        self.programs = programs
    }

    package func canonicalName(ofHost name: String) -> String? { (try? HostNames.fullyQualified()) ?? nil }

    package var interfaceAddresses: [IPAddress] { addresses { _ in true } }

    package func addresses(ofInterface name: String) -> [IPAddress]? {
        let found = addresses { $0.interface == name }
        if !found.isEmpty { return found }
        return if_nametoindex(name) != 0 ? [] : nil
    }

    package func addresses(ofInterfaceGroup name: String) -> [IPAddress]? {
        // A machine without /sys, or without names of groups, has none.
        guard let members = (try? InterfaceGroups.members(of: name)) ?? nil else { return nil }
        return addresses { members.contains($0.interface) }
    }

    package var egressAddresses: [IPAddress] { addresses { egress.contains($0.interface) } }

    package var loopbackAddresses: [IPAddress] { addresses { $0.isLoopback } }

    private func addresses(where matches: (InterfaceAddress) -> Bool) -> [IPAddress] {
        // A link-local address needs its interface to be bound, which a listener cannot name.
        interfaces.filter(matches).compactMap { IPAddress($0.address) }.filter { !$0.isLinkLocal }
    }

    package func addresses(ofHost name: String) -> [IPAddress] {
        HostNames.addresses(of: name).compactMap { IPAddress($0) }
    }

    package func port(ofService name: String) -> UInt16? { HostNames.port(ofService: name) }

    package func userExists(_ name: String) -> Bool { ((try? Users.named(name)) ?? nil) != nil }
    package func groupExists(_ name: String) -> Bool { ((try? Groups.named(name)) ?? nil) != nil }

    package func tableProgramExists(type: String) -> Bool {
        guard !type.utf8.contains(UInt8(ascii: "/")) else { return false }
        return programs.tableProgram(type) != nil
    }

    package var tableProgramDirectories: [String] { programs.tableProgramDirectories }

    /// A configuration or a table above this is taken for a mistake.
    private static let largestFile = 256 << 20

    package func contents(ofFile path: String) throws(FileFailure) -> [UInt8] {
        do throws(SystemError) {
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard try Files.status(file).isRegular else { throw SystemError("open \(path)", code: EINVAL) }
            return try Files.readToEnd(file, limit: Self.largestFile, name: path)
        } catch {
            throw FileFailure(error)
        }
    }

    package func check(file path: String, for purpose: FilePurpose) throws(FileFailure) {
        let status: FileStatus
        do throws(SystemError) {
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            status = try Files.status(file)
        } catch {
            throw FileFailure(error)
        }
        guard status.isRegular else { throw .notRegular }
        let forbidden: mode_t
        switch purpose {
        case .table: return
        case .certificate: forbidden = 0o022
        case .privateKey: forbidden = 0o037
        }
        // Rootless, the files are the user's own.
        guard status.user == 0 || status.user == geteuid() else { throw .unsafeOwner }
        guard status.permissions & forbidden == 0 else { throw .unsafeMode }
    }
}

extension FileFailure {
    init(_ error: SystemError) {
        switch error.code {
        case ENOENT, ENOTDIR: self = .missing
        case EACCES, EPERM: self = .forbidden
        case EINVAL, EISDIR: self = .notRegular
        case EFBIG: self = .tooLarge
        default: self = .other(error.reason)
        }
    }
}

extension IPAddress {
    fileprivate var isLinkLocal: Bool {
        switch self {
        case .v4: false
        case .v6(let high, _): high >> 54 == 0x3FA
        }
    }
}
