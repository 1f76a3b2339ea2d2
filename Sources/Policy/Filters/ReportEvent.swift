import Envelopes
import SMTPProtocol

/// Something that happened in a session, as filters are told (smtpd-filters(7)).
///
/// Text of clients and servers in it is as it came, without line ends.
package enum ReportEvent: Hashable, Sendable {
    /// The connection is there. Source and destination are `ADDRESS:PORT`, or `unix:PATH`.
    case connected(reverseName: String, ForwardConfirmation, source: String, destination: String)
    /// The greeting was sent, or on outgoing sessions received.
    case greeted(hostname: String)
    /// HELO, EHLO or LHLO was accepted.
    case identified(method: String, name: String)
    /// `VERSION:CIPHER:BITS`.
    case tls(String)
    case authenticated(Outcome, user: String)
    case disconnected
    /// The transaction is gone, behind its commit or roll-back.
    case transactionReset(MessageID?)
    case transactionBegun(MessageID)
    /// MAIL was answered; a message that was refused there has no id.
    case mail(MessageID?, Outcome, address: [UInt8])
    case recipient(MessageID, Outcome, address: [UInt8])
    case envelope(EnvelopeID)
    case data(MessageID, Outcome)
    /// Octets as stored.
    case committed(MessageID, size: Int64)
    case rolledBack(MessageID)
    /// A line of the client, credentials replaced.
    case clientLine([UInt8])
    /// A line of a reply of the server.
    case serverLine([UInt8])
    case filterReport(Author, name: String, text: [UInt8])
    /// A filter has decided. The parameter is that of the decision.
    case filterResponse(FilterPhase, response: String, parameter: [UInt8]?)
    case timedOut

    /// How a step of authentication or of a transaction went.
    package enum Outcome: Hashable, Sendable {
        case accepted
        case refused
        /// Refused for now; in authentication, nobody could say.
        case unavailable
    }

    /// The kind of a filter that reports.
    package enum Author: String, Hashable, Sendable {
        case builtin
        case program = "proc"
    }

    /// The names of events, which filters register for.
    package enum Name: UInt8, Hashable, Sendable, CaseIterable {
        case linkConnect = 0
        case linkGreeting
        case linkIdentify
        case linkTLS
        case linkAuth
        case linkDisconnect
        case txReset
        case txBegin
        case txMail
        case txRcpt
        case txEnvelope
        case txData
        case txCommit
        case txRollback
        case protocolClient
        case protocolServer
        case filterReport
        case filterResponse
        case timeout

        /// Those that name the message of a transaction.
        package static let ofTransactions: [Name] = [
            .txReset, .txBegin, .txMail, .txRcpt, .txEnvelope, .txData, .txCommit, .txRollback,
        ]

        /// The word in the protocol.
        package var word: String {
            switch self {
            case .linkConnect: "link-connect"
            case .linkGreeting: "link-greeting"
            case .linkIdentify: "link-identify"
            case .linkTLS: "link-tls"
            case .linkAuth: "link-auth"
            case .linkDisconnect: "link-disconnect"
            case .txReset: "tx-reset"
            case .txBegin: "tx-begin"
            case .txMail: "tx-mail"
            case .txRcpt: "tx-rcpt"
            case .txEnvelope: "tx-envelope"
            case .txData: "tx-data"
            case .txCommit: "tx-commit"
            case .txRollback: "tx-rollback"
            case .protocolClient: "protocol-client"
            case .protocolServer: "protocol-server"
            case .filterReport: "filter-report"
            case .filterResponse: "filter-response"
            case .timeout: "timeout"
            }
        }

        /// The event of a word; nil for any other.
        init?(word: some Sequence<UInt8>) {
            guard let name = Self.allCases.first(where: { $0.word.utf8.elementsEqual(word) }) else { return nil }
            self = name
        }
    }

    package var name: Name {
        switch self {
        case .connected: .linkConnect
        case .greeted: .linkGreeting
        case .identified: .linkIdentify
        case .tls: .linkTLS
        case .authenticated: .linkAuth
        case .disconnected: .linkDisconnect
        case .transactionReset: .txReset
        case .transactionBegun: .txBegin
        case .mail: .txMail
        case .recipient: .txRcpt
        case .envelope: .txEnvelope
        case .data: .txData
        case .committed: .txCommit
        case .rolledBack: .txRollback
        case .clientLine: .protocolClient
        case .serverLine: .protocolServer
        case .filterReport: .filterReport
        case .filterResponse: .filterResponse
        case .timedOut: .timeout
        }
    }
}
