/// Who may ask something of the daemon. Root may ask everything, and so may the user who runs a rootless daemon.
package enum ControlAudience: Hashable, Sendable {
    /// Whoever has an account on the machine.
    case everybody
    /// Whoever has an account, about the mail that he himself has handed in on this machine.
    case owners
    /// The same, and members of the group of readers about all mail.
    case ownersAndReaders
    /// Members of the group of readers.
    case readers
    /// Root alone.
    case operators
}
