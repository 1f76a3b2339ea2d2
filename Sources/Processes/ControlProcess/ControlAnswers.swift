import Envelopes
import EventLoop
import Interprocess
import ProcessMessages
import RoleProcess
import Rules

/// Questions of clients that other roles have not answered yet, a table per kind of answer.
@EventLoopActor
final class ControlAnswers {
    /// With the envelope behind which to go on.
    let pages = PendingRequests<(ListedLines, EnvelopeID?)>()
    let selections = PendingRequests<([EnvelopeID], EnvelopeID?)>()
    let envelopes = PendingRequests<ListedEnvelope?>()
    let bodies = PendingRequests<ReceivedBody>()
    let states = PendingRequests<[RunState]>()
    let counts = PendingRequests<UInt64>()
    let statistics = PendingRequests<StatisticsReport>()
    let tableUpdates = PendingRequests<String?>()
    let reloads = PendingRequests<[String]>()
    let traces = PendingRequests<String?>()
    let explanations = PendingRequests<(explanation: Explanation, actions: [String])>()
    let listeners = PendingRequests<ListenerFacts?>()
    /// With whether that was the last page.
    let histories = PendingRequests<(ListingText?, Bool)>()
    let routingOrders = PendingRequests<Bool>()
    let listings = PendingRequests<[UInt8]>()
    /// What has come of listings that are not complete.
    var listed: [UInt64: [UInt8]] = [:]
}

/// A message's bytes, or the file that holds them; nil for an unknown message.
struct ReceivedBody {
    let body: MessageBody?
    let file: DescriptorBox?
}
