import MailSyntax

/// What an operator wants to see of the daemon, and who may look (`control`, `metrics` and `log`, smtpd.conf(5)): an
/// extension of both languages.
package struct OperationSettings: Hashable, Sendable {
    /// `control group NAME`: members may look at the queue and the counters.
    package var readersGroup: String?
    /// `metrics on ...`, in order.
    package var metrics: [MetricsEndpoint] = []
    package var log = LogSettings()
    package init() {}

    /// Where counters are served as text.
    package enum MetricsEndpoint: Hashable, Sendable {
        /// An absolute path.
        case socket(String)
        /// An address of this machine alone.
        case loopback(IPAddress, port: UInt16)

        /// The port unless another is given.
        package static let defaultPort: UInt16 = 9_925
    }

    /// `log to ...`.
    package struct LogSettings: Hashable, Sendable {
        package var target: Target?
        package var format = Format.text
        package init() {}

        package enum Target: String, Hashable, Sendable, CaseIterable {
            case syslog
            case journal
            case standardError = "stderr"
        }

        package enum Format: String, Hashable, Sendable, CaseIterable {
            case text
            case json
        }
    }
}
