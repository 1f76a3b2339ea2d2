import Cryptography
import EventLoop
import MailSyntax
import Rules

/// Senders of forwarded mail (SRS). The keys are known here alone, not to the process that talks to the world.
extension LookupProcess {
    /// How senders are rewritten today; nil when the configuration has no key.
    var senderRewriting: SenderRewritingScheme? {
        view?.srs.map { SenderRewritingScheme($0, today: wallClockSeconds() / 86_400) { Digest.sha1.hash($0) } }
    }

    /// The sender of mail forwarded for an address of a domain of ours; the same one when it cannot be rewritten.
    func rewritten(_ sender: MailAddress, inNameOf domain: Domain) -> MailAddress {
        senderRewriting?.rewritten(sender, inNameOf: domain) ?? sender
    }
}
