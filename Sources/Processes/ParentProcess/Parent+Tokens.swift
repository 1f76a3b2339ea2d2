import Configuration
import EventLoop
import Interprocess
import Log
import ProcessMessages

/// Access tokens: the parent has the rights to run a command as another user.
extension ParentProcess {
    func makeToken(_ question: TokenQuestion, answering request: UInt64) {
        guard isAllowed(question.command) else {
            // Lookup was taken over, or a reload has just taken the action away.
            log.warning("a token command was to be run that no relay action names")
            lookup?.send(.token(request: request, .failed("no relay action names the command")))
            return
        }
        spawn { [self] in
            lookup?.send(.token(request: request, await tokenCommands.run(question)))
        }
    }

    /// Only what stands in the configuration is run, as whom it says there.
    private func isAllowed(_ command: TokenCommand) -> Bool {
        configuration.actions.values.contains { action in
            guard case .relay(let relay) = action.kind else { return false }
            return relay.tokens == .command(command.line, user: command.user)
        }
    }
}
