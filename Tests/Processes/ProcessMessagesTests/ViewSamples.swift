import Configuration
import MailSyntax
import Tables
import WireTesting

@testable import ProcessMessages

private let location = SourceLocation(file: "/etc/smtpd.conf", line: 12, column: 1)
private let table = TableReference("domains", isRegex: true)

private let plainRule = Rule(location: location, decision: .reject)
private let fullRule: Rule = {
    var rule = Rule(location: location, decision: .action("local"))
    rule.tag = Condition(TableReference("tags"), isNegated: true)
    rule.from = Condition(.addresses(table, authenticatedIsLocal: true))
    rule.destination = Condition(.domain(table), isNegated: true)
    rule.helo = Condition(table)
    rule.auth = Condition(.user(table))
    rule.tls = Condition(.used, isNegated: true)
    rule.sender = Condition(table)
    rule.recipient = Condition(table)
    return rule
}()

private let sources: [Rule.Source] = [
    .local(countsAuthenticated: true), .any, .socket, .addresses(table, authenticatedIsLocal: false),
    .reverseName(nil), .reverseName(table),
]
private let methods: [LocalAction.Method] = [
    .mbox, .maildir(nil, junk: false), .maildir("~/Mail/%{user}", junk: true),
    .lmtp("/run/lmtp", usesRecipientAddress: true), .command("cat > %{user.directory}/x"), .forwardOnly, .expandOnly,
]
private let contents: [TableDefinition.Content] = [
    .list([]), .list(["example.org", ""]), .mapping([.init(key: "a\tb", value: "c")]),
    .backend(type: "file", path: "/etc/aliases"), .backend(type: "getpwnam", path: nil),
]
private let fullAction: LocalAction = {
    var action = LocalAction(method: methods[2])
    action.user = "vmail"
    action.aliases = "aliases"
    action.virtual = "virtuals"
    action.userbase = "users"
    action.wrapper = "nice %{mda}"
    action.everyFailureIsTemporary = true
    return action
}()
private let actions = [NamedAction(name: "local", local: fullAction), NamedAction(name: "relay", local: nil)]

private let submission = Listener(endpoint: .socket, hostname: "mx.example.org")
private let listener: Listener = {
    var listener = Listener(endpoint: .network("eth0"), hostname: "mx.example.org")
    listener.port = 587
    listener.families = .v6
    listener.addresses = [.v4(0xC000_0201), .v6(high: 0, low: 1)]
    listener.tag = "intern"
    listener.hostnames = "names"
    listener.masksSource = true
    listener.offersDSN = false
    return listener
}()

private let lookupView = LookupView(
    generation: .match, serverName: "mx.example.org",
    tables: contents.map { TableDefinition(name: "<dynamic:1>", content: $0) }, rules: [plainRule, fullRule],
    actions: actions, subaddressDelimiter: 0x2B)
private let dispatcherView = DispatcherView(
    serverName: "mx.example.org", listeners: [listener], submission: submission, actions: actions,
    maximumMessageSize: 36_700_160, maximumRecipients: 1_000, maximumMails: 100, mda: MDALimits(),
    generation: .accept, subaddressDelimiter: 0x2D)
private let queueView = QueueView(
    serverName: "mx.example.org", timeToLive: 345_600, actionTimes: [ActionTime(action: "relay", timeToLive: 60)])
private let schedulerView = SchedulerView(
    maximumInflight: 5_000, maximumSchedule: 10, maximumEnvelopeBatch: 256, maximumMessageBatch: 1_024,
    bounceWarnIntervals: [14_400, 86_400])

/// The views of the configuration, and what they are made of.
let viewSubjects = [
    WireSubject([lookupView]), WireSubject([dispatcherView]), WireSubject([queueView]), WireSubject([schedulerView]),
    WireSubject([CryptoView(keyPairs: []), CryptoView(keyPairs: ["*", "mx.example.org"])]),
    WireSubject([plainRule, fullRule]), WireSubject(sources), WireSubject(methods), WireSubject(contents),
    WireSubject([Rule.Destination.local, .any, .domain(table)]),
    WireSubject([Rule.Authentication.anyone, .user(table)]),
    WireSubject([LocalAction(method: .mbox), fullAction]), WireSubject(actions), WireSubject([listener, submission]),
    WireSubject([Listener.Families.any, .v4, .v6]), WireSubject([Generation.accept, .match]), WireSubject([location]),
]
