import Configuration
import EventLoop
import MailSyntax
import ProcessMessages
import Tables

/// Who may send as whom: `senders` of listeners.
extension LookupProcess {
    /// Whether a user may send as somebody, by a mapping from users to addresses.
    func checkSender(
        _ sender: ReversePath, of user: String, in table: String, then report: @escaping @EventLoopActor (SenderVerdict) -> Void
    ) {
        ask(TableQuery(table: table, service: .mailaddrmap, operation: .lookup, key: user)) { [self] answer in
            switch answer {
            case .found(let value):
                let delimiter = view?.subaddressDelimiter ?? UInt8(ascii: "+")
                report(MailAddressMap(value).allows(sender.address?.text ?? "@", delimiter: delimiter) ? .allowed : .refused)
            case .notFound: report(.refused)
            case .failed(let reason):
                context.log.warning("senders: table \(table): \(reason)")
                report(.unavailable)
            }
        }
    }
}
