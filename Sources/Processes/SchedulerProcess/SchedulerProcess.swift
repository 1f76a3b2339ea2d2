import Configuration
import Envelopes
import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess
import Scheduling

/// Knows every envelope's id and time and nothing else: says what is due.
@EventLoopActor
package final class SchedulerProcess: RoleProcess {
    package static let role = Role.scheduler

    let context: RoleContext
    var scheduler: Scheduler
    var queue: Link<SchedulerToQueue, QueueToScheduler>?
    var control: Link<SchedulerToControl, ControlToScheduler>?
    var timer: LoopTimer?
    var isServing = false

    package init(context: RoleContext) {
        self.context = context
    }
}
