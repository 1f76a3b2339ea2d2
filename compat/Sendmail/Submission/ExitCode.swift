/// How a run ended, in the numbers of sysexits.h that callers of `sendmail` know.
package enum ExitCode: Int32, Hashable, Sendable {
    /// Queued, or waiting in the offline directory: the sender will hear of whatever goes wrong from now on.
    case ok = 0
    /// A bad command line.
    case usage = 64
    /// The message cannot be taken: no recipient in its header, too big.
    case badData = 65
    /// A recipient was refused for good; the others, if any, get the message.
    case noUser = 67
    /// The service cannot be had for a reason that trying again does not mend.
    case unavailable = 69
    case systemError = 71
    case inputError = 74
    /// Not queued; the caller should try again.
    case temporaryFailure = 75
    /// The daemon does not do this for this user.
    case noPermission = 77
}
