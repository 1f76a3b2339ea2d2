/// The daemon itself: its configuration, its log, its end.
extension Commands {
    static var daemon: [Command] {
        [
            command("log brief") { _ in .ask(.setVerbose(false), .plain) },
            command("log verbose") { _ in .ask(.setVerbose(true), .plain) },
            command("trace <subject>") { .ask(.setTracing(subject: $0.text, true), .plain) },
            command("untrace <subject>") { .ask(.setTracing(subject: $0.text, false), .plain) },
            command("profile <subject>") { _ in .run(.absent(profiling)) },
            command("unprofile <subject>") { _ in .run(.absent(profiling)) },
            command("reload") { _ in .ask(.reload, .plain) },
            command("stop") { _ in .ask(.stop, .plain) },
            command("update table <table>") { .ask(.updateTable($0.text), .plain) },
        ]
    }

    private static let profiling = """
        nothing is profiled: `show stats` and `metrics` in smtpd.conf(5) count what the daemon does and how long it takes, \
        all the time
        """
}
