import ControlMessages

/// How mail is dealt with, and why; what became of it.
extension Commands {
    static var decisions: [Command] {
        [
            command("history") { .ask(.history($0.history, asJSON: $0.asJSON), .output) },
            command("history <evpid>") { .ask(.history($0.history, asJSON: $0.asJSON), .output) },
            command("history <msgid>") { .ask(.history($0.history, asJSON: $0.asJSON), .output) },
            command("history <events>") { .ask(.history($0.history, asJSON: $0.asJSON), .output) },
            command("explain <evpid>") { explain([$0.envelope.description], $0) },
            command("explain <recipient>") { explain($0.texts, $0) },
            command("explain <recipient> <facts>") { explain($0.texts, $0) },
            command("explain -f <file> <recipient>") { explainFile($0) },
            command("explain -f <file> <recipient> <facts>") { explainFile($0) },
        ]
    }

    private static func explain(_ words: [String], _ parameters: Parameters) -> Action {
        .ask(.explain(words, asJSON: parameters.asJSON), .output)
    }

    private static func explainFile(_ parameters: Parameters) -> Action {
        // The tokens are two texts at least.
        .run(.explain(file: parameters.texts[0], Array(parameters.texts.dropFirst()), asJSON: parameters.asJSON))
    }
}
