/// What needs no daemon.
extension Commands {
    static var tools: [Command] {
        [
            command("encrypt") { _ in .run(.encrypt(nil, method: nil)) },
            command("encrypt <password>") { .run(.encrypt($0.text, method: nil)) },
            command("encrypt with <method>") { .run(.encrypt(nil, method: $0.text)) },
            command("spf walk") { _ in .run(.walkSPF) },
            command("completion bash") { _ in .run(.complete("bash")) },
            command("completion fish") { _ in .run(.complete("fish")) },
            command("completion zsh") { _ in .run(.complete("zsh")) },
        ]
    }
}
