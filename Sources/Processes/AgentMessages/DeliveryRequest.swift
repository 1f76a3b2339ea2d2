import Envelopes
import MailSyntax
import WireFormat

/// One message for one local destination, with all that a delivery needs to know.
///
/// Every path and command is final: templates were expanded by whoever asks.
package struct DeliveryRequest: Hashable, Sendable {
    /// Chosen by the dispatcher, repeated in the answer.
    package var id: UInt64
    package var envelope: EnvelopeID
    /// When the envelope was created: with ``envelope`` it names the file in a maildir, so that every
    /// attempt at the same envelope writes the same file.
    package var created: Timestamp
    /// An earlier attempt may have reached the mailbox without our having recorded it (the envelope was
    /// read from disk at start, or its agent died). The agent then looks before it writes, where it can.
    package var isRepeat: Bool
    package var sender: ReversePath
    /// The address of RCPT, for `Delivered-To` and the environment.
    package var recipient: MailAddress
    /// The address after expansion; a `Delivered-To` that already names it is a loop.
    package var destination: MailAddress
    package var method: DeliveryMethod
    package var body: DeliveryBody

    package init(
        id: UInt64, envelope: EnvelopeID, created: Timestamp, isRepeat: Bool, sender: ReversePath,
        recipient: MailAddress, destination: MailAddress, method: DeliveryMethod, body: DeliveryBody
    ) {
        self.id = id
        self.envelope = envelope
        self.created = created
        self.isRepeat = isRepeat
        self.sender = sender
        self.recipient = recipient
        self.destination = destination
        self.method = method
        self.body = body
    }
}

/// Where the message goes.
package enum DeliveryMethod: Hashable, Sendable {
    /// A maildir by absolute path. With a sub-address its folder `.SUBADDRESS` is used where it exists;
    /// with `filesJunk` mail marked as spam goes to `.Junk`.
    case maildir(path: String, subaddress: String?, filesJunk: Bool)
    /// The user's mailbox in the system mail directory, by absolute path: fcntl and dot lock required.
    case mbox(path: String)
    /// An mbox anywhere else, by absolute path (`/path` in aliases or .forward).
    case file(path: String)
    /// An LMTP server at `host[:port]`, `[v6][:port]` or an absolute socket path.
    case lmtp(destination: String, recipient: LMTPRecipient)
    /// A command line for `/bin/sh -c`.
    case command(AgentCommand)
}

/// What RCPT says to an LMTP server.
package enum LMTPRecipient: Hashable, Sendable {
    /// A user of that server, without a domain.
    case user(LocalPart)
    case address(MailAddress)
}

/// A command line and what its environment needs beyond the addresses of the request.
package struct AgentCommand: Hashable, Sendable {
    package var line: String
    /// USER and LOGNAME.
    package var user: String
    /// HOME, and the directory it starts in where that can be entered.
    package var home: String
    /// EXTENSION, which is absent for nil.
    package var subaddress: String?
    /// 5.4 grammar: whatever goes wrong is tried again.
    package var everyFailureIsTemporary: Bool

    package init(line: String, user: String, home: String, subaddress: String?, everyFailureIsTemporary: Bool) {
        self.line = line
        self.user = user
        self.home = home
        self.subaddress = subaddress
        self.everyFailureIsTemporary = everyFailureIsTemporary
    }
}

/// The stored message: header and body with LF line ends, without the fields the delivery adds.
package enum DeliveryBody: Hashable, Sendable {
    /// At most ``AgentFrame/maximumInlineBody`` bytes.
    case inline([UInt8])
    /// `size` bytes from `offset` of a file whose descriptor came with the frame. The file's own position
    /// is neither used nor changed, so one open file can serve several requests.
    case descriptor(offset: UInt64, size: UInt64)
}

extension DeliveryRequest: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(id)
        writer.write(envelope.rawValue)
        writer.write(created.seconds)
        writer.write(isRepeat)
        writer.write(sender.address) { writeAddress($0, into: &$1) }
        writeAddress(recipient, into: &writer)
        writeAddress(destination, into: &writer)
        method.encode(into: &writer)
        body.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        id = try reader.readUInt64()
        guard let envelope = EnvelopeID(rawValue: try reader.readUInt64()) else { throw .invalid("envelope id") }
        self.envelope = envelope
        created = Timestamp(seconds: try reader.readInt64())
        isRepeat = try reader.readBool()
        sender = try reader.readOptional(readAddress).map(ReversePath.mailbox) ?? .null
        recipient = try readAddress(&reader)
        destination = try readAddress(&reader)
        method = try DeliveryMethod(from: &reader)
        body = try DeliveryBody(from: &reader)
    }
}

extension DeliveryMethod: WireMessage {
    private enum Kind: UInt8 {
        case maildir = 1
        case mbox = 2
        case file = 3
        case lmtp = 4
        case command = 5
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .maildir(let path, let subaddress, let filesJunk):
            writer.write(Kind.maildir.rawValue)
            writer.write(path)
            writer.write(subaddress) { $1.write($0) }
            writer.write(filesJunk)
        case .mbox(let path):
            writer.write(Kind.mbox.rawValue)
            writer.write(path)
        case .file(let path):
            writer.write(Kind.file.rawValue)
            writer.write(path)
        case .lmtp(let destination, let recipient):
            writer.write(Kind.lmtp.rawValue)
            writer.write(destination)
            recipient.encode(into: &writer)
        case .command(let command):
            writer.write(Kind.command.rawValue)
            writer.write(command.line)
            writer.write(command.user)
            writer.write(command.home)
            writer.write(command.subaddress) { $1.write($0) }
            writer.write(command.everyFailureIsTemporary)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .maildir:
            self = .maildir(
                path: try readPath(&reader), subaddress: try reader.readOptional(readSystemString),
                filesJunk: try reader.readBool())
        case .mbox: self = .mbox(path: try readPath(&reader))
        case .file: self = .file(path: try readPath(&reader))
        case .lmtp: self = .lmtp(destination: try readSystemString(&reader), recipient: try LMTPRecipient(from: &reader))
        case .command:
            self = .command(
                AgentCommand(
                    line: try readSystemString(&reader), user: try readSystemString(&reader),
                    home: try readSystemString(&reader), subaddress: try reader.readOptional(readSystemString),
                    everyFailureIsTemporary: try reader.readBool()))
        case nil: throw .unknownValue(UInt64(kind), for: "delivery method")
        }
    }
}

extension LMTPRecipient: WireMessage {
    private enum Kind: UInt8 {
        case user = 1
        case address = 2
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .user(let localPart):
            writer.write(Kind.user.rawValue)
            writer.write(localPart.bytes)
        case .address(let address):
            writer.write(Kind.address.rawValue)
            writeAddress(address, into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .user: self = .user(try readLocalPart(&reader))
        case .address: self = .address(try readAddress(&reader))
        case nil: throw .unknownValue(UInt64(kind), for: "recipient of an LMTP delivery")
        }
    }
}

extension DeliveryBody: WireMessage {
    private enum Kind: UInt8 {
        case inline = 1
        case descriptor = 2
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .inline(let bytes):
            writer.write(Kind.inline.rawValue)
            writer.write(bytes)
        case .descriptor(let offset, let size):
            writer.write(Kind.descriptor.rawValue)
            writer.write(offset)
            writer.write(size)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .inline:
            let bytes = try reader.readBytes()
            guard bytes.count <= AgentFrame.maximumInlineBody else { throw .invalid("length of an inline body") }
            self = .inline(bytes)
        case .descriptor:
            let offset = try reader.readUInt64()
            let size = try reader.readUInt64()
            // The kernel's file offsets are signed.
            let (end, overflow) = offset.addingReportingOverflow(size)
            guard !overflow, end <= UInt64(Int64.max) else { throw .invalid("extent of a body") }
            self = .descriptor(offset: offset, size: size)
        case nil: throw .unknownValue(UInt64(kind), for: "body of a delivery")
        }
    }
}
