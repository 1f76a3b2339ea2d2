import ControlMessages

/// Envelopes and messages.
extension Commands {
    static var queue: [Command] {
        var commands = [
            command("show queue") { .ask(.showQueue($0.selection), .queue) },
            command("show queue <msgid>") { .ask(.showQueue($0.selection), .queue) },
            command("show queue <filter>") { .ask(.showQueue($0.selection), .queue) },
            command("show envelope <evpid>") { .ask(.showEnvelope($0.envelope), .fields) },
            command("show message <evpid>") { .ask(.showMessage($0.message), .message) },
            command("show message <msgid>") { .ask(.showMessage($0.message), .message) },
            command("discover <evpid>") { _ in .run(.absent(discovery)) },
            command("discover <msgid>") { _ in .run(.absent(discovery)) },
            command("uncorrupt <msgid>") { _ in .run(.absent(corruption)) },
        ]
        for target in ["<evpid>", "<msgid>", "<filter>", "all"] {
            commands += [
                command("schedule \(target)") { .ask(.schedule($0.selection), .envelopes("scheduled")) },
                command("remove \(target)") { .ask(.remove($0.selection), .envelopes("removed")) },
                command("pause envelope \(target)") { .ask(.suspend($0.selection), .envelopes("paused")) },
                command("resume envelope \(target)") { .ask(.resume($0.selection), .envelopes("resumed")) },
            ]
        }
        return commands
    }

    private static let discovery = """
        nothing to discover: this queue is a log, and files put into its directory are no messages. \
        Hand a message in with sendmail(8)
        """

    private static let corruption = """
        nothing to uncorrupt: what cannot be read of this queue is set aside record by record, and named in the log; \
        everything else stays in the queue
        """
}
