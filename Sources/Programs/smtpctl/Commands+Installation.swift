/// The installation: making a configuration, and looking at all around it. No daemon is needed.
extension Commands {
    static var installation: [Command] {
        [
            command("doctor") { _ in .run(.examine(sendsProbe: false)) },
            command("doctor probe") { _ in .run(.examine(sendsProbe: true)) },
            command("setup local") { _ in .run(.setUp(.local, .none)) },
            command("setup internet") { _ in .run(.setUp(.internet(certificate: nil), .none)) },
            command("setup internet <certificate> <key>") { .run(.setUp(.internet(certificate: certificate($0.texts)), .none)) },
            command("setup smarthost <server>") { .run(.setUp(smarthost($0.text, hasLogin: false), .none)) },
            command("setup smarthost <server> as before") { .run(.setUp(smarthost($0.text, hasLogin: true), .kept)) },
            command("setup smarthost <server> as <user>") {
                .run(.setUp(smarthost($0.texts.first ?? "", hasLogin: true), .user($0.text)))
            },
        ]
    }

    private static func certificate(_ paths: [String]) -> SetupWish.Certificate? {
        guard paths.count == 2 else { preconditionFailure("the line has two texts") }
        return SetupWish.Certificate(file: paths[0], key: paths[1])
    }

    private static func smarthost(_ server: String, hasLogin: Bool) -> SetupWish? {
        SetupWish.Smarthost(server).map { .smarthost($0, hasLogin: hasLogin) }
    }
}
