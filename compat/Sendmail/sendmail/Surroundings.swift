import Glibc
import MailSyntax
import Platform

/// What the machine says of a message: who hands it in, where, and when.
struct Surroundings {
    /// The login of the real user id.
    let user: [UInt8]
    /// The gecos field, empty for none.
    let realName: [UInt8]
    /// The domain of addresses without one.
    let domain: Domain
    /// As a Date field has it.
    let date: [UInt8]
    /// As a Message-ID field has it.
    let messageID: [UInt8]

    init() throws(SystemError) {
        // A user database that cannot be asked must not hold up cron's mail: the daemon knows the uid.
        let record = try? Users.withID(getuid())
        user = Array((record?.name ?? "anonymous").utf8)
        realName = Array((record?.gecos ?? "").utf8)
        domain = try Self.mailDomain()
        var now = time(nil)
        var local = tm()
        _ = localtime_r(&now, &local)
        // Without a zone the field says UTC.
        let zone = local.tm_zone.map { String(cString: $0) } ?? ""
        date = Array(MailDate(seconds: Int64(now), offset: local.tm_gmtoff, zoneName: zone).text.utf8)
        let random = try ThisProcess.randomBytes(8).map { String($0, radix: 16) }.joined()
        messageID = Array("<\(String(now, radix: 16)).\(random)@\(domain.text)>".utf8)
    }

    /// The mail name, or what is nearest to it and a domain.
    static func mailDomain() throws(SystemError) -> Domain {
        for name in [try HostNames.mailName(file: InstallationPaths.mailName), try HostNames.current(), "localhost"] {
            // A name that is no domain gives way to the next.
            if let domain = try? Domain(validating: Array(name.utf8)) { return domain }
        }
        preconditionFailure("localhost is a domain")
    }
}
