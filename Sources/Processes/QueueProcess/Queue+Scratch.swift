import Platform
import ProcessMessages

/// Files without a name that the dispatcher writes to while a message is looked at: the spool's disk is where mail in
/// transit belongs, and what is not finished is gone with the last descriptor.
extension QueueProcess {
    func lendScratch(_ request: UInt64) {
        do throws(SystemError) {
            let file = try Files.nameless(in: context.queueDirectory)
            dispatcher?.send(.scratch(request: request, nil), descriptor: file)
        } catch {
            context.log.warning("no scratch file: \(error)")
            dispatcher?.send(.scratch(request: request, error.isOutOfSpace ? .outOfSpace : .failure))
        }
    }
}
