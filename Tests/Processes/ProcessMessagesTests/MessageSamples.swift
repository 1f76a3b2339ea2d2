import Authentication
import Envelopes
import MailSyntax
import Routing
import Rules
import SMTPProtocol
import Scheduling
import Tables
import WireTesting

@testable import ProcessMessages

private let scheduled = [
    ScheduledEnvelope(
        id: Sample.id, kind: .local, created: Timestamp(seconds: 1_700_000_000), timeToLive: 345_600, attempts: 0,
        lastAttempt: nil, lastNotice: nil, isSuspended: false),
    ScheduledEnvelope(
        id: Sample.sibling, kind: .bounce, created: Timestamp(seconds: 0), timeToLive: 0, attempts: .max,
        lastAttempt: Timestamp(seconds: 9), lastNotice: Timestamp(seconds: 8), isSuspended: true),
]

private let selections: [EnvelopeSelection] = [
    .envelope(Sample.id), .message(Sample.message), .envelopes([]), .envelopes([Sample.id, Sample.stranger]), .all,
]
// The words are right.
private let queueFilter = try! QueueFilter(words: ["from=*@example.org", "older=2h", "state=held"])
private let explanation = {
    var explanation = Explanation()
    explanation.add("recipient", "<ada@example.org>", depth: 0)
    explanation.add("rule", "smtpd.conf:3: matches", depth: 1)
    return explanation
}()
private let runStates: [RunState] = [
    .pending(seconds: -5), .pending(seconds: .max), .deferred(seconds: 7), .inflight(seconds: 3), .held, .suspended, .unknown,
]
private let identities: [AgentIdentity] = [.daemon, .user("ada", userbase: "<getpwnam>")]
private let forwardFiles: [ForwardFile] = [
    .none, .content([]), .content(Array("\\ada, |\"cat\"\n".utf8)), .temporaryFailure("too large"),
    .permanentFailure("a symbolic link"),
]
private let listed = ListedEnvelope(
    transaction: Sample.full, envelope: Sample.envelopes[1], history: Sample.histories[1])
private let lines = {
    var lines = ListedLines()
    for (envelope, history) in zip(Sample.envelopes, Sample.histories) { lines.append(envelope, Sample.full, history) }
    return lines
}()
private let addressVerdicts: [AddressVerdict] = [
    .found(Sample.networkAddresses, isAuthenticated: true), .found([.v4(1)], isAuthenticated: false),
    .missing(hostExists: true), .missing(hostExists: false), .invalidName, .failed("timed out"),
]
private let exchangerVerdicts: [ExchangerVerdict] = [
    .exchangers(
        addressVerdicts.map { MailExchanger(preference: 10, host: Sample.ada.domain, addresses: $0) }, isImplicit: false,
        isAuthenticated: true),
    .exchangers(
        [MailExchanger(preference: .max, host: Sample.quoted.domain, addresses: .invalidName)], isImplicit: true,
        isAuthenticated: false),
    .acceptsNoMail, .noSuchDomain, .invalidName, .failed(""),
]
private let reverseNameVerdicts: [ReverseNameVerdict] =
    ForwardConfirmation.allCases.map { .found(Sample.ada.domain, $0) } + [.missing, .failed("refused")]
private let signatureRequests: [SignatureRequest] = [.rsaPKCS1([1]), .rsaBlock([1, 2, 3]), .ecdsa(Array(0..<32))]
private let credentials = [
    Credentials(),
    Credentials(
        identities: [
            .init(name: "mail.example.org", key: 3, chain: Array("-----BEGIN".utf8)),
            .init(name: "*", key: .max, chain: [], parameters: [1]),
        ], authorities: [.init(name: "<pki x>", certificates: [2, 3])], system: [4]),
]
private let socket = ListenerSocket(id: 4, listener: 0, address: .v4(0x7F00_0001), port: 25)

private let passwordQuestions: [PasswordQuestion] = [
    .stored("$y$j9T$salt$hash", password: Array("secret".utf8)),
    .systemUser("ada", password: [0xFF], client: .v4(0xC000_0201)), .systemUser("ada", password: [1], client: nil),
]
private let passwordVerdicts: [PasswordVerdict] = [.right, .wrong, .unavailable("no such scheme")]
private let tokenCommands = [TokenCommand(line: "/bin/token", user: nil), TokenCommand(line: "token \"x\"", user: "tokens")]
private let tokenQuestions = tokenCommands.map { TokenQuestion($0, account: "ada@example.org", secret: "refresh") }
private let tokenVerdicts: [TokenVerdict] = [.printed([0x61], seconds: nil), .printed([0x61, 0x62], seconds: .max), .failed("exited 1")]
private let credentialSources: [CredentialSource] = [.systemUsers, .table("<credentials>"), .dovecot("/run/dovecot/auth-client")]
private let authenticationStarts = [
    AuthenticationStart(source: .systemUsers, mechanism: "LOGIN", initialResponse: nil, client: nil, server: nil),
    AuthenticationStart(
        source: .table("t"), mechanism: "PLAIN", initialResponse: [0, 0x61, 0, 0x62], client: .v4(1), server: .v6(high: 1, low: 2)),
]
private let authenticationVerdicts: [AuthenticationVerdict] = [
    .challenge([]), .challenge([1, 2]), .accepted(user: "ada"), .refused(user: nil, reason: ""),
    .refused(user: "ada", reason: "wrong credentials"), .unavailable,
]

/// One entry per direction, each with every case.
let messageSubjects = [
    WireSubject(
        of: ParentToChild.self,
        [
            .configure([1, 2, 3]), .connect(.queue), .serve, .setVerbose(true), .setTracing(subject: "mta", true), .shutdown,
        ]),
    WireSubject(of: ChildToParent.self, [.ready, .recovered, .reconfigured, .viewRefused("spool: gone"), .fatal("no such user: smtpd")]),
    WireSubject(
        of: ParentToControl.self,
        [
            .socket, .reloaded(request: 1, errors: []), .reloaded(request: .max, errors: ["a:1: b", ""]),
            .readers(group: nil), .readers(group: 4), .tracing(request: 2, failure: nil), .tracing(request: 3, failure: "no"),
            .statistics(request: 4, Sample.report), .metricsSocket, .closeMetrics,
        ]),
    WireSubject(
        of: ParentToDispatcher.self,
        [
            .listener(socket), .closeListeners(except: []), .closeListeners(except: [4, .max]),
            .agent(request: 2, user: Sample.users[0]),
            .agentRefused(request: 3, isPermanent: true, reason: "unknown user"),
            .filterStarted(name: "rspamd", instance: 1), .filterErrors(name: "rspamd", instance: 1),
            .filterRetired(name: "rspamd", instance: .max),
        ] + credentials.map { .credentials($0) }),
    WireSubject(of: ParentToCrypto.self, [.load(key: 1), .keep([]), .keep([1, .max])]),
    WireSubject(
        of: CryptoToParent.self, [.loaded(key: 1, publicKey: [0x30, 1, 2]), .unusable(key: .max, reason: "no key"), .encrypted(key: 2)]),
    WireSubject(of: DispatcherToCrypto.self, signatureRequests.map { .sign(request: 1, key: 2, $0) }),
    WireSubject(of: CryptoToDispatcher.self, [.signed(request: 1, [9, 8]), .refused(request: .max)]),
    WireSubject(
        of: ParentToLookup.self,
        forwardFiles.map { .forward(request: 5, $0) } + [.user(request: 6, userbase: "users", name: "ada")]
            + passwordVerdicts.map { .password(request: 7, $0) } + tokenVerdicts.map { .token(request: 8, $0) }
            + [.tableProgram(request: 8, failure: nil), .tableProgram(request: 9, failure: "no such table")]),
    WireSubject(
        of: ControlToParent.self,
        [.reload(request: 7), .setVerbose(false), .stop, .setTracing(request: 8, subject: "mta", true), .statistics(request: 9)]),
    WireSubject(
        of: ControlToDispatcher.self,
        [
            .submission(uid: 1_000, gid: 100), .setPaused(true), .statistics(request: 8), .resumeRoute(request: 9, id: 1),
            .setBlocked(request: 10, source: .v4(1), domain: nil, true),
            .setBlocked(request: 11, source: nil, domain: "example.org", false),
        ] + RoutingList.allCases.flatMap { list -> [ControlToDispatcher] in
            [.list(request: 12, list, asJSON: false), .list(request: 13, list, asJSON: true)]
        } + [.explain(request: 14, action: "relay"), .explainListener(request: 15, name: "[::1]:587")]),
    WireSubject(
        of: ControlToLookup.self,
        [
            .updateTable(request: 9, name: "aliases"), .statistics(request: 10),
            .explain(request: 11, recipient: Sample.ada, transaction: Sample.full, asksDNS: true),
        ]),
    WireSubject(of: ControlToCrypto.self, [.statistics(request: 11)]),
    WireSubject(
        of: CryptoToControl.self,
        [.statistics(request: 1, StatisticsReport(values: [])), .statistics(request: 2, Sample.report)]),
    WireSubject(
        of: ControlToQueue.self,
        [
            .page(request: 1, after: nil, QueueFilter(), limit: 256),
            .page(request: 1, after: Sample.id, QueueFilter(message: Sample.message), limit: .max),
            .select(request: 5, after: nil, queueFilter), .select(request: 6, after: Sample.id, QueueFilter()),
            .envelope(request: 2, Sample.id), .body(request: 3, Sample.message), .statistics(request: 4),
            .readHistory(request: 7, HistoryFilter(message: Sample.message), asJSON: true), .goOn(request: 8, reading: 7), .endReading(7),
        ]),
    WireSubject(
        of: ControlToScheduler.self,
        [.states(request: 1, []), .states(request: 2, [Sample.id, Sample.stranger])]
            + selections.flatMap { selection -> [ControlToScheduler] in
                [
                    .schedule(request: 3, selection), .remove(request: 4, selection),
                    .suspend(request: 5, selection), .resume(request: 6, selection),
                ]
            } + [.setPaused(request: 7, .relay, true), .statistics(request: 8)]),
    WireSubject(
        of: DispatcherToControl.self,
        [
            .statistics(request: 1, StatisticsReport(values: [])), .statistics(request: 2, Sample.report), .ordered(request: 3, true),
            .listing(request: 4, ListingText(lines: []), isLast: true),
            .listing(request: 5, ListingText(lines: ["1. [] <-> 192.0.2.1", "2."]), isLast: false),
            .explained(request: 6, Explanation()), .explained(request: 7, explanation),
            .listener(request: 8, nil),
            .listener(request: 9, ListenerFacts(tag: "in", usesTLS: true, explanation: explanation)),
        ]),
    WireSubject(
        of: DispatcherToLookup.self,
        [
            .expand(request: 1, recipient: Sample.quoted, transaction: Sample.full),
            .user(request: 2, userbase: "<getpwnam>", name: "ada"),
            .hostname(request: 3, table: "names", address: .v6(high: 0, low: 1)),
            .exchangers(request: 4, domain: Sample.addresses[2].domain), .addresses(request: 5, host: Sample.ada.domain),
            .reverseName(request: 6, .v4(0xC000_0201)),
        ] + credentialSources.map { .mechanisms(request: 7, source: $0) }
            + authenticationStarts.map { .authenticate(request: 8, exchange: 8, $0) } + [
                .continueAuthentication(request: 9, exchange: 8, response: []), .abandonAuthentication(exchange: 8),
                .checkSender(request: 10, table: "senders", user: "ada", sender: .null),
                .checkSender(request: 11, table: "senders", user: "ada", sender: .mailbox(Sample.ada)),
                .relayEntries(request: 12, table: "hosts", .hosts), .relayEntries(request: 13, table: "src", .sources),
                .relayValue(request: 14, table: "secrets", .credentials, key: "isp"),
                .relayValue(request: 15, table: "senders", .rewriting, key: "ada@example.org"),
                .rewriteSender(request: 16, sender: Sample.quoted, domain: Sample.ada.domain),
                .relayToken(request: 17, table: "secrets", label: "isp", tokenCommands[0], wasRefused: false),
                .relayToken(request: 18, table: "secrets", label: "isp", tokenCommands[1], wasRefused: true),
                .matchFilterTable(request: 19, table: "names", service: .domain, key: ""),
                .matchFilterTable(request: 20, table: "names", service: .regex, key: "client.example"),
                .connectMilter(request: 21, filter: "rspamd"),
            ]),
    WireSubject(of: DispatcherToParent.self, identities.map { .startAgent(request: 1, identity: $0) } + [.endFilter(instance: 2)]),
    WireSubject(
        of: DispatcherToQueue.self,
        [
            .begin(transfer: 1), .body(transfer: 2, Array("text\n".utf8)), .envelopes(transfer: 3, Sample.drafts),
            .commit(transfer: 4, Sample.plain), .rollback(transfer: 5), .hold(Sample.id, holder: 6),
            .release(holder: 7, count: 10), .releaseAsFailed(holder: 1 << 63), .retry([Sample.id, Sample.stranger]),
            .relayed(Sample.id, "250 2.0.0 taken", nextServerReports: true), .scratch(request: 8),
            .quarantine(transfer: 9), .nameEnvelopes(transfer: 10),
        ] + Sample.outcomes.map { .outcome(Sample.id, $0) }),
    WireSubject(
        of: LookupToControl.self,
        [
            .tableUpdated(request: 1, failure: nil), .tableUpdated(request: 2, failure: "no such table"),
            .statistics(request: 3, Sample.report),
            .explained(request: 4, explanation, actions: ["relay", "local"]),
        ]),
    WireSubject(
        of: LookupToDispatcher.self,
        Sample.verdicts.map { .expanded(request: 1, $0) } + Sample.userVerdicts.map { .user(request: 2, $0) }
            + [.hostname(request: 3, nil), .hostname(request: 4, "mx.example.org")]
            + exchangerVerdicts.map { .exchangers(request: 5, $0) } + addressVerdicts.map { .addresses(request: 6, $0) }
            + reverseNameVerdicts.map { .reverseName(request: 7, $0) }
            + [.mechanisms(request: 8, []), .mechanisms(request: 9, ["SCRAM-SHA-256", "PLAIN"])]
            + authenticationVerdicts.map { .authentication(request: 10, $0) }
            + [SenderVerdict.allowed, .refused, .unavailable].map { .sender(request: 11, $0) }
            + [RelayEntries.found([]), .found(["smtp://a", "smtps://b"]), .failed("no")].map { .relayEntries(request: 12, $0) }
            + [RelayValue.found("ada:secret"), .missing, .failed("no")].map { .relayValue(request: 13, $0) }
            + [.rewrittenSender(request: 14, Sample.ada)]
            + [RelayToken.found(account: "ada", [0x61]), .missing, .failed("no")].map { .relayToken(request: 15, $0) }
            + [.filterTable(request: 16, matches: true), .filterTable(request: 17, matches: false)]
            + [nil, "connection refused"].map { .milter(request: 18, failure: $0) }),
    WireSubject(
        of: LookupToParent.self,
        Sample.users.map { .readForward(request: 1, user: $0, userbase: "<getpwnam>") }
            + Sample.userVerdicts.map { .user(request: 2, $0) }
            + passwordQuestions.map { .checkPassword(request: 3, $0) } + tokenQuestions.map { .makeToken(request: 4, $0) }
            + [.startTableProgram(request: 4, table: "users"), .endTableProgram(request: 5)]),
    WireSubject(of: PasswordQuestion.self, passwordQuestions),
    WireSubject(of: PasswordVerdict.self, passwordVerdicts),
    WireSubject(of: LookupToQueue.self, Sample.verdicts.map { .expanded(request: 1, $0) }),
    WireSubject(
        of: QueueToControl.self,
        [
            .page(request: 1, ListedLines(), next: nil), .page(request: 2, lines, next: Sample.id),
            .selected(request: 8, [], next: nil), .selected(request: 9, [Sample.id], next: Sample.stranger), .envelope(request: 3, nil),
            .envelope(request: 4, listed), .body(request: 5, nil), .statistics(request: 6, Sample.report),
            .history(request: 10, nil, isLast: true), .history(request: 11, ListingText(lines: ["a", "b"]), isLast: false),
        ] + Sample.bodies.map { .body(request: 7, $0) }),
    WireSubject(
        of: QueueToDispatcher.self,
        [
            .opened(transfer: 1, Sample.message), .committed(transfer: 2), .named(transfer: 9, [Sample.id, Sample.id]), .refused(transfer: 3, .outOfSpace),
            .refused(transfer: 4, .failure), .scratch(request: 5, nil), .scratch(request: 6, .outOfSpace),
        ]
            + Sample.bodies.map { body in
                .deliver(
                    Sample.full,
                    [
                        .init(envelope: Sample.envelope(Sample.kinds[1]), isRepeat: true, order: .max),
                        .init(envelope: Sample.envelope(.relay, id: Sample.sibling), isRepeat: false),
                    ], body)
            }),
    WireSubject(of: QueueToLookup.self, [.expand(request: 1, recipient: Sample.ada, transaction: Sample.plain)]),
    WireSubject(
        of: QueueToScheduler.self,
        [
            .submitted([]), .submitted(scheduled), .recovered(scheduled), .delivered(Sample.id),
            .failedTemporarily(Sample.id), .failedPermanently(Sample.id), .looped(Sample.id),
            .held(Sample.id, holder: 1), .released(holder: .max, count: 0), .vanished(Sample.id),
            .releasedAsFailed(holder: 1 << 63), .due([Sample.id]),
        ]),
    WireSubject(
        of: SchedulerToControl.self,
        [
            .states(request: 1, runStates), .affected(request: 2, count: .max),
            .statistics(request: 3, Sample.report),
        ]),
    WireSubject(
        of: SchedulerToQueue.self,
        [
            .deliver([], order: nil), .deliver([Sample.id, Sample.stranger], order: 7), .expire(Sample.id), .remove(Sample.id),
            .notifyDelay(Sample.id, after: 14_400), .suspended(Sample.id, true),
        ]),
]

/// What only these messages carry.
let fieldSubjects = [
    WireSubject(scheduled), WireSubject(selections), WireSubject(runStates), WireSubject(identities),
    WireSubject(forwardFiles), WireSubject([listed]), WireSubject([socket]), WireSubject(signatureRequests), WireSubject(credentials), WireSubject(addressVerdicts), WireSubject(exchangerVerdicts), WireSubject(reverseNameVerdicts),
    WireSubject(Role.allCases), WireSubject(RoutingList.allCases), WireSubject([Sample.report]),
    WireSubject([ListingText(lines: []), ListingText(lines: ["a", ""])]),
    WireSubject(DeliveryKind.allCases),
]
