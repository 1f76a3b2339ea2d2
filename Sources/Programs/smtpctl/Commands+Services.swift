import ControlMessages

/// Services as a whole.
extension Commands {
    static var services: [Command] {
        var commands = [
            command("show status") { _ in .ask(.showStatus, .status) },
            command("show stats") { _ in .ask(.showStatistics, .statistics) },
            command("monitor") { _ in .run(.monitor) },
            command("top") { _ in .run(.top) },
        ]
        for service in ControlService.allCases {
            commands += [
                command("pause \(service)") { _ in .ask(.setPaused(service, true), .plain) },
                command("resume \(service)") { _ in .ask(.setPaused(service, false), .plain) },
            ]
        }
        return commands
    }
}
